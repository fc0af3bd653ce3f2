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

fn module(folder: &Path, package: &str) -> PathBuf {
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
    let read = |name| {
        let path = repo.tool_locks().join(name);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let (manifest, lock) = (read("package.json")?, read("package-lock.json")?);

    let pins = format!("{manifest}{lock}");
    fetch::ensure(&repo.tools(), FOLDER, "anvil, forge and solc", &pins, |folder| {
        prerequisites::platform()?;
        prerequisites::node()?;
        prerequisites::npm()?;
        fs::write(folder.join("package.json"), &manifest)?;
        fs::write(folder.join("package-lock.json"), &lock)?;
        process::capture(process::command("npm", folder).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--include=dev",
        ]))?;
        verify(folder, &serde_json::from_str(&manifest)?)
    })
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
