//! Modules of earlier states, which are kept in tests/kept, in front of today's sidecar.

use anyhow::{Context, Result};
use serde_json::json;

use super::shipped::shipped;
use super::shop::{sells, stack};
use crate::place;

const CODE: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config\
                    /config/vm_config/code/local/filename";

#[tokio::test]
async fn modules_of_earlier_states_sell_with_todays_sidecar() -> Result<()> {
    let stack = stack().await?;
    let modules = place::files("tests/kept", ".wasm")?;
    assert!(!modules.is_empty(), "no module was kept");
    let folder = tempfile::tempdir()?;
    for module in modules {
        let mut envoy = shipped(stack, folder.path(), "envoy/envoy.yaml")?;
        *envoy.pointer_mut(CODE).context("no module")? = json!(place::root().join(&module));
        let envoy = stack.envoy_with("kept", &envoy, None).await?;
        let name = module.trim_start_matches("tests/kept/");
        sells(stack, envoy.address(), name).await.with_context(|| module.clone())?;
    }
    Ok(())
}
