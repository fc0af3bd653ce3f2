//! Where things are: `cargo xtask` says it by variables, and without it they are in the usual places of the checkout.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The checkout.
pub(crate) fn root() -> PathBuf {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = std::env::var_os("URAIDEN_ROOT").map_or(usual, PathBuf::from);
    root.canonicalize().expect("the checkout is there")
}

/// A program or file that was built or fetched.
pub(crate) fn made(variable: &str, usual: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| root().join(usual), PathBuf::from);
    assert!(
        path.exists(),
        "{variable}: there is no {}; run `cargo xtask test deploy --list` and `cargo xtask tools`",
        path.display()
    );
    path
}

/// A file of the repository as text.
pub(crate) fn text(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// The files of a folder of the repository whose names end so, as paths from the root, sorted.
pub(crate) fn files(folder: &str, ending: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).with_context(|| folder.to_owned())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) {
            files.push(format!("{folder}/{name}"));
        }
    }
    files.sort();
    Ok(files)
}

/// Runs to the end and answers what came on stdout.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    Ok(stdout)
}
