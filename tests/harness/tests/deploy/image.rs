//! The OCI image that `cargo xtask image` makes, read as a mesh reads it.

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::place;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

struct Layout(PathBuf);

impl Layout {
    fn json(&self, name: &str) -> Result<Value> {
        let text = fs::read(self.0.join(name)).with_context(|| name.to_owned())?;
        serde_json::from_slice(&text).with_context(|| name.to_owned())
    }

    /// What a descriptor describes, with type, size and digest as it says.
    fn blob(&self, descriptor: &Value, media_type: &str) -> Result<Vec<u8>> {
        ensure!(descriptor["mediaType"] == media_type, "{descriptor} is no {media_type}");
        let digest = descriptor["digest"].as_str().context("no digest")?;
        let hex = digest.strip_prefix("sha256:").context("no SHA-256")?;
        let bytes = fs::read(self.0.join("blobs/sha256").join(hex)).with_context(|| hex.to_owned())?;
        ensure!(sha256(&bytes) == digest, "{digest} holds something else");
        ensure!(descriptor["size"] == bytes.len(), "{descriptor} has {} bytes", bytes.len());
        Ok(bytes)
    }
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[test]
fn a_mesh_finds_the_filter_in_the_image() -> Result<()> {
    let layout = Layout(place::made("URAIDEN_IMAGE", "target/image"));
    assert_eq!(layout.json("oci-layout")?, json!({ "imageLayoutVersion": "1.0.0" }));
    let index = layout.json("index.json")?;
    let [manifest] = index["manifests"].as_array().context("no manifests")?.as_slice() else {
        panic!("not exactly one manifest in {index}");
    };
    let manifest: Value = serde_json::from_slice(&layout.blob(manifest, MANIFEST)?)?;
    assert_eq!(manifest["annotations"]["module.wasm.image/variant"], "compat");

    let [layer] = manifest["layers"].as_array().context("no layers")?.as_slice() else {
        panic!("not exactly one layer in {manifest}");
    };
    let mut tar = Vec::new();
    GzDecoder::new(layout.blob(layer, LAYER)?.as_slice()).read_to_end(&mut tar)?;
    let config = layout.blob(&manifest["config"], "application/vnd.oci.image.config.v1+json")?;
    let config: Value = serde_json::from_slice(&config)?;
    assert_eq!(config["rootfs"], json!({ "type": "layers", "diff_ids": [sha256(&tar)] }));

    let mut files = Vec::new();
    for entry in tar::Archive::new(tar.as_slice()).entries()? {
        let mut entry = entry?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        let header = entry.header();
        assert_eq!((header.mtime()?, header.uid()?, header.gid()?, header.mode()?), (0, 0, 0, 0o644));
        files.push((entry.path()?.into_owned(), bytes));
    }
    let module = fs::read(place::made("URAIDEN_WASM", "target/wasm32-wasip1/wasm/uraiden.wasm"))?;
    assert_eq!(files.len(), 1);
    let (name, bytes) = &files[0];
    assert_eq!(name.to_str(), Some("plugin.wasm"));
    assert!(*bytes == module, "the image has another module than the one that was built");
    Ok(())
}
