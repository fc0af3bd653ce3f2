//! A file of `envoy/`, as it stands but for what belongs to a machine: ports, paths and the token.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use uraiden_harness::Stack;

use crate::place;

/// Where the files say that things are.
const MODULE: &str = "/etc/envoy/uraiden.wasm";
const CERTIFICATES: &str = "/etc/envoy/tls/";
const RESOURCES: &str = "/etc/envoy/xds/";

/// The file, with the stack's own ports and paths. Certificates and resources are in `folder`.
pub(crate) fn shipped(stack: &Stack, folder: &Path, file: &str) -> Result<Value> {
    let mut value: Value = serde_norway::from_str(&place::text(file)?).with_context(|| file.to_owned())?;
    Machine { stack, folder }.adapt(&mut value).with_context(|| file.to_owned())?;
    Ok(value)
}

struct Machine<'a> {
    stack: &'a Stack,
    folder: &'a Path,
}

impl Machine<'_> {
    fn adapt(&self, value: &mut Value) -> Result<()> {
        match value {
            Value::Object(entries) => entries.iter_mut().try_for_each(|(key, value)| match key.as_str() {
                "socket_address" => self.socket(value),
                "filename" | "path" if text(value).starts_with("/etc/envoy/") => self.path(value),
                "configuration" => self.plugin(value),
                _ => self.adapt(value),
            }),
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.adapt(item)),
            _ => Ok(()),
        }
    }

    fn socket(&self, socket: &mut Value) -> Result<()> {
        let (address, port) = (text(&socket["address"]).to_owned(), socket["port_value"].as_u64());
        *socket = match (address.as_str(), port) {
            ("0.0.0.0", Some(8080 | 8443)) | ("127.0.0.1", Some(9901)) => {
                json!({ "address": "127.0.0.1", "port_value": 0 })
            }
            ("127.0.0.1", Some(8000)) => here(self.stack.upstream().address()),
            ("127.0.0.1", Some(8090)) => here(self.stack.sidecar.public()),
            ("127.0.0.1", Some(8091)) => here(self.stack.sidecar.internal()),
            other => bail!("nothing is known to be at {other:?}"),
        };
        Ok(())
    }

    fn path(&self, path: &mut Value) -> Result<()> {
        let old = text(path);
        let new = match (old, old.strip_prefix(CERTIFICATES), old.strip_prefix(RESOURCES)) {
            (MODULE, ..) => self.stack.wasm().to_path_buf(),
            (_, Some(name), _) | (_, _, Some(name)) => self.folder.join(name),
            _ => bail!("nothing is known to be at {old}"),
        };
        *path = json!(new);
        Ok(())
    }

    /// The stack's contract, receiver, token and chain are the ones that the files name; only the bearer token differs.
    fn plugin(&self, configuration: &mut Value) -> Result<()> {
        let mut plugin: Value =
            serde_json::from_str(text(&configuration["value"])).context("the plugin's JSON")?;
        assert_eq!(plugin["contract"], json!(self.stack.contract()));
        assert_eq!(plugin["receiver"], json!(self.stack.receiver()));
        assert_eq!(plugin["token"], json!(self.stack.token()));
        assert_eq!(plugin["chainId"], json!(self.stack.chain.chain_id()));
        plugin["sidecar"]["bearerToken"] = json!(self.stack.sidecar.token());
        configuration["value"] = json!(plugin.to_string());
        Ok(())
    }
}

fn here(address: std::net::SocketAddr) -> Value {
    json!({ "address": address.ip().to_string(), "port_value": address.port() })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
