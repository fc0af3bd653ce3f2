//! `cargo xtask image`: the filter as an OCI image, in the form that meshes fetch.
//!
//! The compat form of the Wasm image specification: one layer, a tar and gzip with `plugin.wasm` at its root, and an
//! annotation that says so. Times, owners and names are fixed, so the same module makes the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::build;
use crate::process;
use crate::repo::Repo;
use crate::tools::Tool;

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Where in target the layout is.
const FOLDER: &str = "image";

/// Where the layout is.
pub(crate) fn layout(repo: &Repo) -> PathBuf {
    repo.target.join(FOLDER)
}

/// Builds the filter, packs it and prints the digests.
pub(crate) fn run(repo: &Repo) -> Result<ExitCode> {
    Tool::WasmTarget.ensure(repo)?;
    build::filter(repo)?;
    let layout = layout(repo);
    let manifest = pack(&repo.wasm("uraiden.wasm"), &layout)?;
    println!("{}", layout.display());
    println!("manifest  sha256:{manifest}");
    println!("wasm      sha256:{}", sha256(&repo.wasm("uraiden.wasm"))?);
    Ok(ExitCode::SUCCESS)
}

/// Makes the layout anew, and answers the manifest's SHA-256.
fn pack(module: &Path, layout: &Path) -> Result<String> {
    if layout.exists() {
        fs::remove_dir_all(layout).with_context(|| layout.display().to_string())?;
    }
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| blobs.display().to_string())?;

    let plugin = layout.join("plugin.wasm");
    fs::copy(module, &plugin).with_context(|| module.display().to_string())?;
    // By name, so that no path of this machine is in the archive.
    process::capture(process::command("tar", layout).args([
        "--create",
        "--file=layer.tar",
        "--format=ustar",
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--mode=0644",
        "plugin.wasm",
    ]))?;
    let tar = layout.join("layer.tar");
    let diff_id = sha256(&tar)?;
    process::capture(process::command("gzip", layout).args(["--best", "--no-name", "layer.tar"]))?;
    let layer = Blob::keep(&blobs, &layout.join("layer.tar.gz"), LAYER)?;
    fs::remove_file(&plugin)?;

    let config = json!({
        "architecture": "wasm",
        "os": "wasip1",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{diff_id}")] },
    });
    let config = Blob::write(layout, &blobs, &config, CONFIG)?;
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [layer.descriptor()],
        "annotations": {
            "module.wasm.image/variant": "compat",
            "org.opencontainers.image.title": "uraiden",
            "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
            "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
        },
    });
    let manifest = Blob::write(layout, &blobs, &manifest, MANIFEST)?;
    let mut entry = manifest.descriptor();
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": env!("CARGO_PKG_VERSION") });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    fs::write(layout.join("index.json"), index.to_string())?;
    fs::write(layout.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())?;
    Ok(manifest.digest)
}

/// A file of the layout, named by its digest.
struct Blob {
    media_type: &'static str,
    /// SHA-256 in hex.
    digest: String,
    size: u64,
}

impl Blob {
    /// Moves a file to where its digest says.
    fn keep(blobs: &Path, file: &Path, media_type: &'static str) -> Result<Self> {
        let digest = sha256(file)?;
        let size = fs::metadata(file).with_context(|| file.display().to_string())?.len();
        fs::rename(file, blobs.join(&digest)).with_context(|| file.display().to_string())?;
        Ok(Self { media_type, digest, size })
    }

    /// Writes JSON.
    fn write(layout: &Path, blobs: &Path, value: &Value, media_type: &'static str) -> Result<Self> {
        let file: PathBuf = layout.join("blob.json");
        fs::write(&file, value.to_string()).with_context(|| file.display().to_string())?;
        Self::keep(blobs, &file, media_type)
    }

    fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": format!("sha256:{}", self.digest), "size": self.size })
    }
}

/// In hex.
fn sha256(file: &Path) -> Result<String> {
    let answer = process::capture(process::command("sha256sum", Path::new(".")).arg(file))?;
    let digest = answer.split_whitespace().next().filter(|digest| digest.len() == 64);
    Ok(digest.with_context(|| format!("sha256sum says {answer:?}"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_module_makes_the_same_image() {
        let folder = std::env::temp_dir().join(format!("xtask-image-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let module = folder.join("any.wasm");
        let digests = ["one", "one", "two"].map(|text| {
            fs::write(&module, text).expect("a file");
            pack(&module, &folder.join("layout")).expect("an image")
        });
        fs::remove_dir_all(&folder).expect("the temporary folder can be removed");
        assert_eq!(digests[0], digests[1]);
        assert_ne!(digests[0], digests[2]);
    }
}
