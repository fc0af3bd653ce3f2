//! An Envoy that times signature checks.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{is_ready, listener};
use crate::folder::Folder;
use crate::tools::{Tools, existing};
use crate::{Part, raw};

/// Envoy with the module of `tests/meter`.
#[derive(Debug)]
pub struct Meter {
    address: SocketAddr,
    // Stopped before its folder goes.
    _part: Part,
    _folder: Folder,
}

impl Meter {
    /// Starts Envoy with one worker. `signatures` is a list of `{"address", "digest", "signature"}` in hex, each by another
    /// signer.
    ///
    /// # Errors
    ///
    /// The module was not built, or Envoy did not become ready.
    pub async fn start(wasm: &Path, signatures: &Value) -> Result<Self> {
        let wasm = existing("the meter", wasm.to_path_buf(), "run `cargo xtask bench signature`")?;
        let tools = Tools::find(None)?;
        let folder = Folder::new()?;
        let (file, admin_file) = (folder.file("meter.json"), folder.file("meter.admin"));
        fs::write(&file, configuration(&wasm, signatures).to_string())?;
        let mut part = Part::new("meter", &tools, &tools.envoy, folder.file("meter.log"));
        part.flag("-c", &file)
            .flag("--concurrency", "1")
            .flag("--admin-address-path", &admin_file)
            .arg("--use-dynamic-base-id");
        part.start()?;
        let address = part.ready(async || listener(is_ready(&admin_file).await?, "public").await).await?;
        Ok(Self { address, _part: part, _folder: folder })
    }

    /// What the module answers for this path.
    ///
    /// # Errors
    ///
    /// The path has no meaning to it, or a signature was judged to be bad.
    pub async fn ask(&self, path: &str) -> Result<f64> {
        let answer = raw::send(self.address, "GET", path, raw::NO_HEADERS, "").await?;
        ensure!(answer.status == 200, "the meter answers {} to {path}", answer.status);
        answer.text().parse().with_context(|| format!("{path}: {:?}", answer.text()))
    }
}

fn configuration(wasm: &Path, signatures: &Value) -> Value {
    let loopback = json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } });
    let of_type = |name: &str, mut value: Value| {
        value["@type"] = json!(format!("type.googleapis.com/{name}"));
        value
    };
    let text = of_type("google.protobuf.StringValue", json!({ "value": signatures.to_string() }));
    let meter = of_type(
        "envoy.extensions.filters.http.wasm.v3.Wasm",
        json!({ "config": {
            "name": "meter",
            "vm_config": { "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": wasm } } },
            "configuration": text,
        } }),
    );
    let router = of_type("envoy.extensions.filters.http.router.v3.Router", json!({}));
    let manager = of_type(
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": "meter",
            "route_config": { "virtual_hosts": [{ "name": "meter", "domains": ["*"], "routes": [
                { "match": { "prefix": "/" }, "direct_response": { "status": 404 } },
            ] }] },
            "http_filters": [
                { "name": "meter", "typed_config": meter },
                { "name": "router", "typed_config": router },
            ],
        }),
    );
    json!({
        "admin": { "address": loopback },
        "static_resources": { "listeners": [{
            "name": "public",
            "address": loopback,
            "filter_chains": [{ "filters": [{ "name": "http", "typed_config": manager }] }],
        }] },
    })
}
