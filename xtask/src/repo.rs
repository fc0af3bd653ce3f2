//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;

/// The checkout this xtask belongs to.
pub(crate) struct Repo {
    /// The folder of the workspace's Cargo.toml.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the environment or a configuration file puts it.
    pub(crate) target: PathBuf,
}

impl Repo {
    /// Finds the checkout, from whichever folder of it cargo was called.
    pub(crate) fn locate() -> Result<Self> {
        // Set by `cargo run`. Called by its path, the binary may have been built in another checkout that has the same
        // target folder.
        let root = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(own) => PathBuf::from(own).parent().context("xtask's folder has no parent")?.to_path_buf(),
            None => {
                let here = std::env::current_dir().context("the current folder")?;
                let is_root = |folder: &&Path| folder.join("xtask/Cargo.toml").is_file();
                let root = here.ancestors().find(is_root);
                root.with_context(|| format!("{} is in no checkout", here.display()))?.to_path_buf()
            }
        };

        let metadata = process::cargo(&root)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stderr(std::process::Stdio::piped())
            .output()
            .context("cargo metadata")?;
        let metadata: Value = serde_json::from_slice(&metadata.stdout)
            .with_context(|| format!("cargo metadata: {}", String::from_utf8_lossy(&metadata.stderr)))?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        Ok(Self { target: PathBuf::from(target), root })
    }

    /// The folder of fetched tools.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join(".tools")
    }

    /// The folder of lock files that say which tools.
    pub(crate) fn tool_locks(&self) -> PathBuf {
        self.root.join("xtask/tools")
    }

    /// The wasm that a build with profile `wasm` leaves under this name, such as `uraiden.wasm`.
    pub(crate) fn wasm(&self, name: impl AsRef<Path>) -> PathBuf {
        self.target.join("wasm32-wasip1/wasm").join(name)
    }

    /// A native program of ours.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// The same, built to be measured.
    pub(crate) fn optimised_program(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }
}
