//! The filter's configuration in the manifests, and what they change in listeners, in a real Envoy.
//!
//! Neither control plane runs here, so what they make of a manifest is made by hand: the plugin's configuration as JSON text,
//! clusters by the names that it calls, and the patch merged into the connection manager.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::shipped::shipped;
use super::shop::{sells, stack, until_priced};
use crate::manifests::Rendered;

/// The plain file with another plugin's configuration, and the clusters under the names that it has for them.
fn with_plugin(mut envoy: Value, plugin: &Value, token: &str) -> Result<Value> {
    let mut plugin = plugin.clone();
    plugin["sidecar"]["bearerToken"] = json!(token);
    let mut text = envoy.to_string();
    for (old, new) in [("uraiden-internal", "cluster"), ("uraiden-public", "publicCluster")] {
        let new = plugin["sidecar"][new].as_str().context("no cluster")?;
        text = text.replace(&format!("\"{old}\""), &json!(new).to_string());
    }
    envoy = serde_json::from_str(&text)?;
    let filter =
        manager(&mut envoy)?.pointer_mut("/http_filters/0/typed_config/config").context("no filter")?;
    filter["configuration"]["value"] = json!(plugin.to_string());
    Ok(envoy)
}

fn manager(envoy: &mut Value) -> Result<&mut Value> {
    const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    envoy.pointer_mut(MANAGER).context("no connection manager")
}

#[tokio::test]
async fn what_istio_is_told_sells_at_the_gateway_and_beside_the_service() -> Result<()> {
    let stack = stack().await?;
    for (name, folder) in [("istio-gateway", "envoy/istio/gateway"), ("istio-sidecar", "envoy/istio/sidecar")]
    {
        let rendered = Rendered::of(folder)?;
        let plugin = &rendered.sole("WasmPlugin")["spec"]["pluginConfig"];
        let files = tempfile::tempdir()?;
        let envoy = shipped(stack, files.path(), "envoy/envoy.yaml")?;
        let mut envoy = with_plugin(envoy, plugin, stack.sidecar.token())?;
        // Istio's own settings, and then the patch.
        let manager = manager(&mut envoy)?;
        manager["stream_idle_timeout"] = json!("0s");
        manager["merge_slashes"] = json!(false);
        let patch =
            &rendered.sole("EnvoyFilter")["spec"]["configPatches"][0]["patch"]["value"]["typed_config"];
        for (key, value) in patch.as_object().context("no patch")? {
            manager[key] = value.clone();
        }
        assert_eq!(
            (&manager["stream_idle_timeout"], &manager["merge_slashes"]),
            (&json!("30s"), &json!(true))
        );
        let envoy = stack.envoy_with(name, &envoy, None).await?;
        sells(stack, envoy.address(), name).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_envoy_gateway_is_told_prices_its_route() -> Result<()> {
    let stack = stack().await?;
    let rendered = Rendered::of("envoy/gateway")?;
    let plugin = &rendered.sole("EnvoyExtensionPolicy")["spec"]["wasm"][0]["config"];
    let files = tempfile::tempdir()?;
    let envoy = shipped(stack, files.path(), "envoy/envoy.yaml")?;
    let envoy = with_plugin(envoy, plugin, stack.sidecar.token())?;
    let envoy = stack.envoy_with("envoy-gateway", &envoy, None).await?;
    // One route here, so everything costs what the policy says.
    until_priced(envoy.address(), "/anything", 1000).await
}
