//! The files of envoy/xds.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::shipped::shipped;
use super::shop::{get, sells, stack, until_priced};

/// Moves a file to its place, as an operator does: Envoy looks at what is moved, not at what is written.
fn replace(folder: &Path, name: &str, value: &Value) -> Result<()> {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, value.to_string())?;
    fs::rename(&new, folder.join(name)).with_context(|| name.to_owned())
}

/// Sets the price of the route below `/premium/`.
fn set_price(routes: &mut Value, price: Value) -> Result<()> {
    let all = routes.pointer_mut("/resources/0/virtual_hosts/0/routes").and_then(Value::as_array_mut);
    let premium = all.context("no routes")?.iter_mut().find(|route| route["match"]["prefix"] == "/premium/");
    premium.context("no /premium/")?["metadata"]["filter_metadata"]["uraiden"]["price"] = price;
    Ok(())
}

#[tokio::test]
async fn the_files_sell_and_a_price_changes_with_its_file() -> Result<()> {
    let stack = stack().await?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let read = |name: &str| shipped(stack, folder, &format!("envoy/xds/{name}"));
    for name in ["listeners.yaml", "routes.yaml", "clusters.yaml"] {
        replace(folder, name, &read(name)?)?;
    }
    let listeners = Some(folder.join("listeners.yaml"));
    let envoy = stack.envoy_with("xds", &read("bootstrap.yaml")?, listeners).await?;
    sells(stack, envoy.address(), "xds").await?;

    let mut routes = read("routes.yaml")?;
    set_price(&mut routes, json!("7"))?;
    replace(folder, "routes.yaml", &routes)?;
    until_priced(envoy.address(), "/premium/xds", 7).await?;

    // What cannot be read is refused, and the paywall that was there stays.
    let mut listeners = read("listeners.yaml")?;
    let plugin = "/resources/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";
    listeners.pointer_mut(plugin).context("no plugin")?["configuration"]["value"] = json!("{}");
    replace(folder, "listeners.yaml", &listeners)?;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while envoy.counter("listener_manager.lds.update_rejected").await? == 0 {
        ensure!(std::time::Instant::now() < deadline, "a listener without a configuration was not refused");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(get(envoy.address(), "/premium/xds").await?.status, 402);
    Ok(())
}
