//! `kubectl kustomize`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::place;

/// The objects that a folder renders to.
#[derive(Debug)]
pub(crate) struct Rendered(pub(crate) Vec<Value>);

impl Rendered {
    /// Renders a folder that needs nothing else.
    pub(crate) fn of(folder: &str) -> Result<Self> {
        render(&place::root().join(folder)).with_context(|| folder.to_owned())
    }

    /// Renders the overlay of one sidecar with made-up secrets, and with further lines in its kustomization.
    pub(crate) fn sidecar(lines: &str) -> Result<Self> {
        Self::overlay("sqlite", lines)
    }

    /// Renders an overlay of the sidecar in the same way.
    pub(crate) fn overlay(name: &str, lines: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join("kustomize");
        let source = place::root().join("envoy/kustomize");
        place::output(Command::new("cp").arg("--recursive").args([&source, &copy]))?;
        let overlay = copy.join(name);
        for name in ["receiver.json", "receiver.password", "internal.token", "admin.token", "database.url"] {
            fs::write(overlay.join("secrets").join(name), "made up")?;
        }
        let kustomization = overlay.join("kustomization.yaml");
        fs::write(&kustomization, fs::read_to_string(&kustomization)? + lines)?;
        render(&overlay)
    }

    /// The only object of this kind and name.
    pub(crate) fn get(&self, kind: &str, name: &str) -> &Value {
        let mut found =
            self.0.iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
        let object = found.next().unwrap_or_else(|| panic!("there is no {kind} {name}"));
        assert!(found.next().is_none(), "two {kind} {name}");
        object
    }

    /// The only object of this kind.
    pub(crate) fn sole(&self, kind: &str) -> &Value {
        let mut found = self.0.iter().filter(|object| object["kind"] == kind);
        let object = found.next().unwrap_or_else(|| panic!("there is no {kind}"));
        assert!(found.next().is_none(), "several {kind}");
        object
    }
}

fn render(folder: &Path) -> Result<Rendered> {
    let kubectl = place::made("URAIDEN_KUBECTL", ".tools/manifests/kubectl/kubectl");
    let text = place::output(Command::new(kubectl).arg("kustomize").arg(folder))?;
    let objects: Vec<Value> = serde_norway::Deserializer::from_str(&text)
        .map(Value::deserialize)
        .collect::<Result<_, _>>()
        .with_context(|| text.clone())?;
    assert!(!objects.is_empty());
    Ok(Rendered(objects))
}
