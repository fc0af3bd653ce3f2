//! The configurations of `envoy/`, each started by a real Envoy in front of the real sidecar.

mod checked;
mod kept;
mod meshes;
mod plain;
mod route_prices;
mod shipped;
mod shop;
mod tls;
mod xds;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::place;

/// A new file needs a scene here.
#[test]
fn every_configuration_has_a_scene_and_the_same_labels_and_buckets() -> Result<()> {
    let mut files = place::files("envoy", ".yaml")?;
    assert_eq!(files, ["envoy/envoy.yaml", "envoy/route-prices.yaml", "envoy/tls.yaml"]);
    let resources = place::files("envoy/xds", ".yaml")?;
    let names = ["bootstrap", "clusters", "listeners", "routes"].map(|name| format!("envoy/xds/{name}.yaml"));
    assert_eq!(resources, names);

    files.push("envoy/xds/bootstrap.yaml".to_owned());
    let mut stats: Vec<Value> = Vec::new();
    for file in files {
        let envoy: Value = serde_norway::from_str(&place::text(&file)?).with_context(|| file.clone())?;
        stats.push(envoy.get("stats_config").with_context(|| format!("{file} has no stats_config"))?.clone());
    }
    assert!(stats.windows(2).all(|two| two[0] == two[1]), "{stats:#?}");
    Ok(())
}
