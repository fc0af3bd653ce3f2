//! Who may depend on whom, in the parts that have to stay small.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Findings;
use super::tree::Tree;
use crate::process;

/// All that these packages may name in their `[dependencies]` and `[build-dependencies]`.
const DIRECT: [(&str, &[&str]); 3] = [
    (
        "uraiden-core",
        &["foldhash", "hex", "hmac", "k256", "regex-lite", "serde", "serde_json", "sha2", "tiny-keccak"],
    ),
    ("uraiden-filter", &["uraiden-core", "hex", "log", "proxy-wasm", "serde_json"]),
    // Small, so that the first command in a new checkout answers within seconds.
    ("xtask", &["anyhow", "lexopt", "serde_json", "wasm-encoder", "wasmparser"]),
];

/// All that may be below core, on any platform: arithmetic, encoding, hashing, and what serde and k256 are made of.
#[rustfmt::skip]
const BELOW_CORE: [&str; 48] = [
    "base16ct", "block-buffer", "cfg-if", "cmov", "const-oid", "cpubits", "cpufeatures", "crunchy", "crypto-bigint",
    "crypto-common", "ctutils", "der", "digest", "ecdsa", "elliptic-curve", "ff", "foldhash", "group", "hex", "hmac",
    "hybrid-array", "itoa", "k256", "libc", "memchr", "num-traits", "primefield", "primeorder", "proc-macro2",
    "quote", "rand_core", "regex-lite", "rfc6979", "sec1", "serde", "serde_core", "serde_derive", "serde_json", "sha2",
    "signature", "subtle", "syn", "tiny-keccak", "typenum", "unicode-ident", "wnaf", "zeroize", "zmij",
];

pub(super) fn direct(tree: &Tree) -> Result<Findings> {
    let metadata = process::capture(process::cargo(&tree.root).args([
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata: no packages")?;
    let mut findings = Findings::new();
    for (name, permitted) in DIRECT {
        match packages.iter().find(|package| package["name"] == name) {
            Some(package) => findings.extend(not_permitted(package, permitted)),
            None => findings.push(format!("the workspace has no package {name}")),
        }
    }
    Ok(findings)
}

pub(super) fn whole_tree_of_core(tree: &Tree) -> Result<Findings> {
    let crates = process::capture(process::cargo(&tree.root).args([
        "tree",
        "--package",
        "uraiden-core",
        "--edges",
        "normal",
        "--target",
        "all",
        "--prefix",
        "none",
    ]))?;
    let crates: BTreeSet<&str> = crates.lines().filter_map(|line| line.split(' ').next()).collect();
    Ok(crates
        .into_iter()
        .filter(|name| *name != "uraiden-core" && !BELOW_CORE.contains(name))
        .map(|name| {
            format!("uraiden-core depends on {name} (`cargo tree -p uraiden-core -i {name}` says how)")
        })
        .collect())
}

pub(super) fn lints_are_inherited(tree: &Tree) -> Result<Findings> {
    let mut findings = Findings::new();
    for (path, text) in tree.texts(&["Cargo.toml"])? {
        if text.contains("[package]") && !text.contains("[lints]\nworkspace = true") {
            findings.push(format!("{path}: has no `[lints]` with `workspace = true`"));
        }
    }
    Ok(findings)
}

/// What a package of `cargo metadata` names beyond the permitted; tests may use what they like.
fn not_permitted(package: &Value, permitted: &[&str]) -> Findings {
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    dependencies
        .iter()
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|name| !permitted.contains(name))
        .map(|name| {
            let package = package["name"].as_str().unwrap_or_default();
            format!("{package} depends on {name}; permitted are {}", permitted.join(", "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dependency_too_many_is_named_and_tests_are_free() {
        let package = json!({ "name": "sample", "dependencies": [
            { "name": "hex", "kind": null },
            { "name": "tokio", "kind": null },
            { "name": "cc", "kind": "build" },
            { "name": "proptest", "kind": "dev" },
        ] });
        assert_eq!(
            not_permitted(&package, &["hex"]),
            ["sample depends on tokio; permitted are hex", "sample depends on cc; permitted are hex"]
        );
    }
}
