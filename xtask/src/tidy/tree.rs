//! The files that rules look at.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;

/// The files that git tracks, and new ones that it does not ignore.
pub(super) struct Tree {
    /// The folder that paths are relative to.
    pub(super) root: PathBuf,
    /// Relative paths, sorted, with `/` between their parts.
    pub(super) paths: Vec<String>,
}

impl Tree {
    /// Asks git for the files of this checkout.
    pub(super) fn open(root: &Path) -> Result<Self> {
        let mut git = process::command("git", root);
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let mut paths: Vec<String> = process::capture(&mut git)?
            .split('\0')
            .filter(|path| !path.is_empty())
            // Tracked, but just deleted.
            .filter(|path| root.join(path).symlink_metadata().is_ok())
            .map(str::to_owned)
            .collect();
        paths.sort();
        paths.dedup();
        Ok(Self { root: root.to_path_buf(), paths })
    }

    /// The text of a file; `None` if it is not UTF-8, such as an image.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>> {
        let bytes = fs::read(self.root.join(path)).with_context(|| path.to_owned())?;
        Ok(String::from_utf8(bytes).ok())
    }

    /// Path and text of every text file whose path ends in one of `endings`; no endings means every text file.
    pub(super) fn texts(&self, endings: &[&str]) -> Result<Vec<(&str, String)>> {
        let mut texts = Vec::new();
        for path in &self.paths {
            let wanted = endings.is_empty() || endings.iter().any(|ending| path.ends_with(ending));
            if wanted && let Some(text) = self.text(path)? {
                texts.push((path.as_str(), text));
            }
        }
        Ok(texts)
    }

    /// Size in bytes.
    pub(super) fn size(&self, path: &str) -> Result<u64> {
        Ok(self.root.join(path).symlink_metadata().with_context(|| path.to_owned())?.len())
    }
}
