//! envoy/route-prices.yaml.

use anyhow::Result;
use uraiden_core::header;
use uraiden_harness::{Options, Stack};

use super::shipped::shipped;
use super::shop::{get, sells, stack, until_priced};

const FILE: &str = "envoy/route-prices.yaml";

#[tokio::test]
async fn the_file_with_prices_on_routes_sells() -> Result<()> {
    let stack = stack().await?;
    let folder = tempfile::tempdir()?;
    let envoy = stack.envoy_with("route-prices", &shipped(stack, folder.path(), FILE)?, None).await?;
    sells(stack, envoy.address(), "route-prices").await?;
    let report = get(envoy.address(), "/report.pdf").await?;
    assert_eq!((report.status, report.header(header::PRICE)), (402, Some("25000")));
    Ok(())
}

#[tokio::test]
async fn free_routes_stay_open_without_a_sidecar_and_priced_ones_close() -> Result<()> {
    let mut stack = Stack::start(Options::default()).await?;
    let folder = tempfile::tempdir()?;
    let envoy = stack.envoy_with("lonely", &shipped(&stack, folder.path(), FILE)?, None).await?;
    until_priced(envoy.address(), "/premium/a", 1000).await?;
    stack.sidecar.part().kill();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while get(envoy.address(), "/premium/a").await?.status != 502 {
        anyhow::ensure!(std::time::Instant::now() < deadline, "a priced route stays open without a sidecar");
    }
    assert_eq!(get(envoy.address(), "/free/a").await?.status, 200);
    assert_eq!(stack.upstream().seen("/premium/a"), 0);
    drop(envoy);
    Ok(())
}
