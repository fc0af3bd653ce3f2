//! envoy/envoy.yaml.

use anyhow::Result;

use super::shipped::shipped;
use super::shop::{sells, stack};

#[tokio::test]
async fn the_plain_file_sells() -> Result<()> {
    let stack = stack().await?;
    let folder = tempfile::tempdir()?;
    let envoy = stack.envoy_with("plain", &shipped(stack, folder.path(), "envoy/envoy.yaml")?, None).await?;
    sells(stack, envoy.address(), "plain").await
}
