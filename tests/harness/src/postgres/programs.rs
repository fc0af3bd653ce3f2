//! Where PostgreSQL's programs are, and who may run them.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, geteuid};

use crate::Part;
use crate::tools::{existing, in_search_path, variable};

/// Debian's user and group without any rights: the server refuses to run as root.
const NOBODY: u32 = 65534;

/// One version of PostgreSQL.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    setpriv: PathBuf,
}

impl Programs {
    /// What the variable `URAIDEN_POSTGRES` names, which `cargo xtask` sets, or the newest of Debian's.
    pub(super) fn find() -> Result<Self> {
        let folder = match variable("URAIDEN_POSTGRES") {
            Some(folder) => folder,
            None => newest(Path::new("/usr/lib/postgresql")).context("URAIDEN_POSTGRES is not set")?,
        };
        let folder =
            existing("URAIDEN_POSTGRES", folder.join("postgres"), "run `cargo xtask tools postgres`")?;
        let folder = folder.parent().context("a program without a folder")?.to_path_buf();
        let setpriv = in_search_path("setpriv", "install the package util-linux")?;
        if geteuid().is_root() {
            reachable(&folder)?;
        }
        Ok(Self { folder, setpriv })
    }

    /// One of the programs, to be run by an ordinary user.
    pub(super) fn part(&self, name: &'static str, log: PathBuf) -> Part {
        let mut part = Part::of(name, self.setpriv.clone(), self.folder.join(name), log);
        // Where Debian's packages were only unpacked, their libraries are not where the loader looks.
        let libraries = self.folder.join(format!("../../../{}-linux-gnu", std::env::consts::ARCH));
        part.with_variable("LD_LIBRARY_PATH", &libraries);
        part.with_privileges(privileges());
        part
    }

    /// From now on a write beyond this many bytes of a file fails in this process of the server; `None` lifts that.
    pub(super) fn limit_files(&self, process: Pid, bytes: Option<u64>) -> Result<()> {
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        // Only the process's own user may, and root of a container is not always allowed to.
        let output = Command::new(&self.setpriv)
            .args(privileges())
            .args(["prlimit", "--pid", &process.as_raw_nonzero().to_string()])
            .arg(format!("--fsize={limit}:unlimited"))
            .output()
            .context("prlimit")?;
        ensure!(output.status.success(), "prlimit: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Gives a file or folder to the user who runs the programs.
    pub(super) fn give(&self, path: &Path) -> Result<()> {
        if geteuid().is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// What makes setpriv run something as the user who runs the programs.
fn privileges() -> Vec<String> {
    match geteuid().is_root() {
        true => {
            [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".to_owned()].into()
        }
        false => Vec::new(),
    }
}

/// Whether a user without rights can get there.
fn reachable(folder: &Path) -> Result<()> {
    for above in folder.ancestors() {
        let mode = fs::metadata(above).with_context(|| above.display().to_string())?.mode();
        ensure!(
            mode & 0o001 != 0,
            "PostgreSQL does not run as root, and the user nobody cannot get through {} to {}: chmod o+x, or install \
             PostgreSQL where all can reach it",
            above.display(),
            folder.display()
        );
    }
    Ok(())
}

/// Debian keeps each major version in a folder with its number.
fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(versions).ok()?;
    let numbered = entries.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    numbered.max().map(|(_, folder)| folder)
}
