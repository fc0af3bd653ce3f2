//! `uraiden check --envoy`, with a sidecar that says what it serves.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use uraiden_harness::{NO_HEADERS, send};

use super::shipped::shipped;
use super::shop::stack;
use crate::place;

/// The exit code and the codes of what is found.
async fn check(file: &std::path::Path) -> Result<(i32, Vec<Value>)> {
    let file = file.to_str().context("the folder's name is no text")?;
    let (code, report) = stack().await?.sidecar.command(&["check", "--envoy", file]).await?;
    let findings = report["findings"].as_array().with_context(|| report.to_string())?;
    Ok((code, findings.iter().map(|finding| finding["code"].clone()).collect()))
}

#[tokio::test]
async fn a_filter_has_to_be_for_what_the_running_sidecar_serves() -> Result<()> {
    let shipped = place::root().join("envoy/envoy.yaml");
    assert_eq!(check(&shipped).await?, (0, vec![]));

    let folder = tempfile::tempdir()?;
    let other = folder.path().join("other.yaml");
    let text = fs::read_to_string(shipped)?;
    fs::write(&other, text.replace("\"chainId\": 31337", "\"chainId\": 1"))?;
    assert_eq!(check(&other).await?, (1, vec![json!("other-identity")]));
    Ok(())
}

#[tokio::test]
async fn nothing_is_wrong_with_what_a_running_envoy_shows() -> Result<()> {
    let (stack, folder) = (stack().await?, tempfile::tempdir()?);
    for (name, file) in [("dumped", "envoy/envoy.yaml"), ("dumped-routes", "envoy/route-prices.yaml")] {
        let envoy = stack.envoy_with(name, &shipped(stack, folder.path(), file)?, None).await?;
        let dump = send(envoy.admin(), "GET", "/config_dump", NO_HEADERS, "").await?;
        let file = folder.path().join(format!("{name}.json"));
        fs::write(&file, &dump.body)?;
        assert_eq!(check(&file).await?, (0, vec![]), "{name}");
    }
    Ok(())
}
