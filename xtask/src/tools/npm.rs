//! anvil, forge and solc, from npm.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{fetch, names_version, prerequisites};
use crate::process;
use crate::repo::Repo;

const FOLDER: &str = "node";
/// The packages with the binaries. Those without a platform in the name hold a launcher and an install script
/// only, and name packages for platforms that the registry does not have.
const ANVIL: &str = "@foundry-rs/anvil-linux-amd64";
const FORGE: &str = "@foundry-rs/forge-linux-amd64";

/// The folder of a package.
pub(super) fn module(folder: &Path, package: &str) -> PathBuf {
    folder.join("node_modules").join(package)
}

/// The Ethereum node.
pub(super) fn anvil(repo: &Repo) -> PathBuf {
    module(&repo.tools().join(FOLDER), ANVIL).join("bin/anvil")
}

/// The runner of tests in Solidity.
pub(super) fn forge(repo: &Repo) -> PathBuf {
    module(&repo.tools().join(FOLDER), FORGE).join("bin/forge")
}

/// The Solidity compiler's package.
pub(super) fn solc(repo: &Repo) -> PathBuf {
    module(&repo.tools().join(FOLDER), "solc")
}

/// What the compiler says its version is.
pub(super) fn solc_version(repo: &Repo) -> Result<String> {
    ask_solc(&solc(repo))
}

/// Makes sure that all of them are in their folder.
pub(super) fn ensure(repo: &Repo) -> Result<()> {
    let lock = Lock::read(&repo.tool_locks())?;
    fetch::ensure(&repo.tools(), FOLDER, "anvil, forge and solc", &lock.text(), |folder| {
        lock.install(folder)?;
        verify(folder, &serde_json::from_str(&lock.manifest)?)
    })
}

/// A package.json and its package-lock.json.
pub(super) struct Lock {
    manifest: String,
    lock: String,
}

impl Lock {
    /// Reads both from a folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let read = |name| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| path.display().to_string())
        };
        Ok(Self { manifest: read("package.json")?, lock: read("package-lock.json")? })
    }

    /// Both texts, one after the other.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.manifest, self.lock)
    }

    /// Puts the packages into the folder's `node_modules`; none of their scripts runs.
    pub(super) fn install(&self, folder: &Path) -> Result<()> {
        prerequisites::platform()?;
        prerequisites::node()?;
        prerequisites::npm()?;
        fs::write(folder.join("package.json"), &self.manifest)?;
        fs::write(folder.join("package-lock.json"), &self.lock)?;
        process::capture(process::command("npm", folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--include=dev",
            // A manifest names all that is wanted; a kubectl for Lambda would bring the whole of its cloud.
            "--legacy-peer-deps",
        ]))?;
        Ok(())
    }
}

/// Compares what the tools say with the versions in package.json.
fn verify(folder: &Path, manifest: &Value) -> Result<()> {
    let ask = |package, binary| {
        process::capture(process::command(module(folder, package).join(binary), folder).arg("--version"))
    };
    for (package, answer) in [
        (ANVIL, ask(ANVIL, "bin/anvil")?),
        (FORGE, ask(FORGE, "bin/forge")?),
        ("solc", ask_solc(&module(folder, "solc"))?),
    ] {
        let pin = manifest["devDependencies"][package]
            .as_str()
            .with_context(|| format!("package.json has no version of {package}"))?;
        if !names_version(&answer, pin) {
            bail!("{package} says \"{}\", package.json says {pin}", answer.trim());
        }
    }
    Ok(())
}

fn ask_solc(package: &Path) -> Result<String> {
    let answer =
        process::capture(process::command("node", package).args(["--print", "require('.').version()"]))?;
    Ok(answer.trim().to_owned())
}
