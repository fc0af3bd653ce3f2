//! cargo-fuzz, from crates.io.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{fetch, names_version, prerequisites};
use crate::process;
use crate::repo::Repo;

/// crates.io never changes a version that was published, and `--locked` takes the dependencies that it was released
/// with.
const VERSION: &str = "0.13.2";
const FOLDER: &str = "cargo-fuzz";
const BINARY: &str = "bin/cargo-fuzz";

/// The program itself.
pub(super) fn binary(repo: &Repo) -> PathBuf {
    repo.tools().join(FOLDER).join(BINARY)
}

/// Makes sure that it is in its folder, and a compiler for the C++ part of the targets on the machine.
pub(super) fn ensure(repo: &Repo) -> Result<()> {
    prerequisites::cxx()?;
    fetch::ensure(&repo.tools(), FOLDER, "cargo-fuzz", VERSION, |folder| {
        process::capture(
            process::cargo(&repo.root)
                // It only calls cargo, so it need not be fast itself.
                .args([
                    "install",
                    "cargo-fuzz",
                    "--debug",
                    "--locked",
                    "--version",
                    &format!("={VERSION}"),
                    "--root",
                ])
                .arg(folder)
                .arg("--target-dir")
                .arg(folder.join("target")),
        )?;
        std::fs::remove_dir_all(folder.join("target"))?;
        let answer = process::capture(process::command(folder.join(BINARY), &repo.root).arg("--version"))?;
        if !names_version(&answer, VERSION) {
            bail!("{BINARY} --version says \"{}\", pinned is {VERSION}", answer.trim());
        }
        Ok(())
    })
}
