//! Where the programs are.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The programs that a stack runs.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) root: PathBuf,
    pub(crate) envoy: PathBuf,
    pub(crate) anvil: PathBuf,
    pub(crate) wasm: PathBuf,
    /// Only the suites that use it build it.
    pub(crate) crashing_wasm: PathBuf,
    pub(crate) uraiden: PathBuf,
    pub(crate) setpriv: PathBuf,
}

impl Tools {
    /// What the variables `URAIDEN_…` name, which `cargo xtask` sets, or else the usual places in the checkout.
    pub(crate) fn find(envoy: Option<&Path>) -> Result<Self> {
        let root = variable("URAIDEN_ROOT")
            .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.."));
        let root = root.canonicalize()?;
        let fetched = "run `cargo xtask tools`";
        let built = "run `cargo xtask build`";
        let envoy = match envoy {
            Some(path) => existing("--envoy", path.to_path_buf(), "give the path of an Envoy binary")?,
            None => at(&root, "URAIDEN_ENVOY", ".tools/envoy-1.40.0/envoy/_bin/envoy", fetched)?,
        };
        let anvil = ".tools/node/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
        Ok(Self {
            anvil: at(&root, "URAIDEN_ANVIL", anvil, fetched)?,
            crashing_wasm: variable("URAIDEN_CRASHING_WASM")
                .unwrap_or_else(|| root.join("target/crash-test/wasm32-wasip1/wasm/uraiden.wasm")),
            wasm: at(&root, "URAIDEN_WASM", "target/wasm32-wasip1/wasm/uraiden.wasm", built)?,
            uraiden: at(&root, "URAIDEN_BIN", "target/debug/uraiden", built)?,
            setpriv: in_search_path("setpriv", "install the package util-linux")?,
            envoy,
            root,
        })
    }
}

fn at(root: &Path, name: &'static str, usual: &str, cure: &str) -> Result<PathBuf> {
    existing(name, variable(name).unwrap_or_else(|| root.join(usual)), cure)
}

pub(crate) fn existing(name: &str, path: PathBuf, cure: &str) -> Result<PathBuf> {
    if !path.is_file() {
        bail!("{name}: there is no file {}; {cure}", path.display());
    }
    Ok(path)
}

pub(crate) fn in_search_path(program: &str, cure: &str) -> Result<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    match std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("there is no {program} in PATH; {cure}"),
    }
}

pub(crate) fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}
