//! Packages from a lock file of pip, into a folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::prerequisites;
use crate::process;
use crate::repo::Repo;

/// Versions and hashes, in the format of `pip install --requirement`.
pub(super) struct Lock {
    path: PathBuf,
    text: String,
}

impl Lock {
    /// Reads a file of `xtask/tools`.
    pub(super) fn read(repo: &Repo, name: &str) -> Result<Self> {
        let path = repo.tool_locks().join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, text })
    }

    /// All of it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Puts the packages into the folder.
    pub(super) fn install(&self, repo: &Repo, folder: &Path) -> Result<()> {
        prerequisites::platform()?;
        prerequisites::python()?;
        // pip from an environment of its own, as a system's Python may have none; the packages go beside it.
        let environment = folder.join("venv");
        process::capture(process::command("python3", &repo.root).args(["-m", "venv"]).arg(&environment))?;
        process::capture(
            process::command(environment.join("bin/python"), &repo.root)
                .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"])
                .args(["--require-hashes", "--no-deps", "--only-binary", ":all:"])
                .arg("--target")
                .arg(folder)
                .arg("--requirement")
                .arg(&self.path)
                // A user's own default of --user would contradict --target.
                .env_remove("PIP_USER"),
        )?;
        Ok(fs::remove_dir_all(&environment)?)
    }
}
