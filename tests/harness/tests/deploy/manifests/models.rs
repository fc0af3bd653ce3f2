//! Every object fits its published model.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::render::Rendered;
use crate::place;

/// What is wrong, a line each.
fn findings(objects: &[Value]) -> Result<String> {
    let script = place::root().join("tests/harness/tests/deploy/manifests/models.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .arg(place::made("URAIDEN_MODELS", ".tools/manifests/node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node")?;
    node.stdin.take().context("no stdin")?.write_all(json!(objects).to_string().as_bytes())?;
    let output = node.wait_with_output()?;
    ensure!(output.status.success(), "node: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn every_object_is_what_its_model_says() -> Result<()> {
    let mut objects = Rendered::sidecar("\ncomponents: [../monitoring]\n")?.0;
    objects.extend(Rendered::overlay("postgres", "")?.0);
    for folder in ["envoy/istio/gateway", "envoy/istio/sidecar", "envoy/istio/external", "envoy/gateway"] {
        objects.extend(Rendered::of(folder)?.0);
    }
    assert!(objects.iter().any(|object| object["kind"] == "ServiceMonitor"));
    assert_eq!(findings(&objects)?, "");
    Ok(())
}

#[test]
fn a_wrong_value_and_an_unknown_field_are_found() -> Result<()> {
    let plugin = Rendered::of("envoy/istio/gateway")?.sole("WasmPlugin").clone();
    for (place, wrong, said) in [
        ("/spec/failStrategy", json!("FAIL_SOFT"), "must be equal to one of the allowed values"),
        ("/spec/selector", json!({ "matchLables": {} }), "matchLables"),
        ("/spec/url", json!(null), "must be string"),
    ] {
        let mut plugin = plugin.clone();
        *plugin.pointer_mut(place).context("no such place")? = wrong;
        let found = findings(&[plugin])?;
        assert!(found.starts_with("WasmPlugin uraiden: ") && found.contains(said), "{place}: {found:?}");
    }
    Ok(())
}
