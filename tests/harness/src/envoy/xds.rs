//! A listener that Envoy reads from a file, so that the filter can be replaced while requests are under way.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::config::{at, plugin_of};
use super::{Envoy, change};

/// How long Envoy may take to compile a module and to swap the listener.
const SWAPPED: Duration = Duration::from_secs(20);

/// A custom section without contents: the same program in other bytes.
const SECTION: [u8; 4] = [0, 2, 1, b'n'];

/// Moves the listener out of the configuration into a file of its own.
pub(super) fn take_listener(mut envoy: Value, file: &Path) -> Result<Value> {
    let mut listener = at(&mut envoy, "/static_resources/listeners/0")?.take();
    listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    fs::write(file, json!({ "version_info": "1", "resources": [listener] }).to_string())
        .with_context(|| file.display().to_string())?;
    *at(&mut envoy, "/static_resources/listeners")? = json!([]);
    envoy["node"] = json!({ "id": "harness", "cluster": "harness" });
    envoy["dynamic_resources"] = json!({
        "lds_config": { "resource_api_version": "V3", "path_config_source": { "path": file } }
    });
    Ok(envoy)
}

impl Envoy {
    /// Gives Envoy a module of other bytes, and waits until new connections meet it. It may be used again and again.
    ///
    /// # Errors
    ///
    /// Where the listener is not read from a file, or Envoy refuses the new one.
    pub async fn replace_filter(&self) -> Result<()> {
        let other_bytes = |old: &Path| {
            let mut module = fs::read(old).with_context(|| old.display().to_string())?;
            module.extend(SECTION);
            Ok(module)
        };
        self.swap(other_bytes).await
    }

    /// Gives Envoy this module, and waits until new connections meet it.
    ///
    /// # Errors
    ///
    /// As [`Envoy::replace_filter`], and where there is no such file.
    pub async fn upgrade_filter(&self, module: &Path) -> Result<()> {
        self.swap(|_| fs::read(module).with_context(|| module.display().to_string())).await
    }

    /// Gives Envoy the module that is made of the old one's file.
    async fn swap(&self, make: impl FnOnce(&Path) -> Result<Vec<u8>>) -> Result<()> {
        let file = self.files.listener.as_deref().context("Options::listener_by_xds is not set")?;
        let swaps = self.counter("listener_manager.lds.update_success").await?;
        let version = format!("{}", swaps + 1);
        change(file, |update| {
            let listener = json!([at(update, "/resources/0")?.take()]);
            let mut envoy = json!({ "static_resources": { "listeners": listener } });
            let filename = at(plugin_of(&mut envoy)?, "/vm_config/code/local/filename")?;
            let old = Path::new(filename.as_str().context("the module is no file")?);
            let new = file.with_extension(format!("{version}.wasm"));
            fs::write(&new, make(old)?).with_context(|| new.display().to_string())?;
            *filename = json!(new);
            *at(update, "/resources/0")? = at(&mut envoy, "/static_resources/listeners/0")?.take();
            update["version_info"] = json!(version);
            Ok(())
        })?;
        let deadline = Instant::now() + SWAPPED;
        while self.counter("listener_manager.lds.update_success").await? <= swaps {
            let refused = self.counter("listener_manager.lds.update_rejected").await?;
            if refused > 0 || Instant::now() > deadline {
                bail!("the listener was not replaced: {refused} updates refused\n{}", self.part.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}
