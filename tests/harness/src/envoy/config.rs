//! The shipped configuration with this stack's addresses in it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use uraiden_core::{Address, TokenAmount};

/// What is put into the configuration.
#[derive(Debug)]
pub(crate) struct Paywall<'a> {
    pub(crate) wasm: &'a Path,
    pub(crate) upstream: SocketAddr,
    pub(crate) sidecar_public: Vec<SocketAddr>,
    pub(crate) sidecar_internal: Vec<SocketAddr>,
    pub(crate) bearer_token: &'a str,
    pub(crate) contract: Address,
    pub(crate) receiver: Address,
    pub(crate) token: Address,
    pub(crate) chain_id: u64,
    pub(crate) paid_path: &'a str,
    pub(crate) price: TokenAmount,
    pub(crate) listener_by_xds: bool,
    pub(crate) filter_keys: &'a [(&'static str, Value)],
    pub(crate) change: fn(&mut EnvoyConfig),
}

/// A configuration of Envoy that a scene may change.
#[derive(Debug)]
pub struct EnvoyConfig {
    /// The whole, but for the plugin's configuration.
    pub envoy: Value,
    /// The plugin's configuration.
    pub plugin: Value,
}

impl EnvoyConfig {
    /// The connection manager of the only listener.
    ///
    /// # Panics
    ///
    /// If the shipped file has none.
    pub fn manager(&mut self) -> &mut Value {
        const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        self.envoy.pointer_mut(MANAGER).expect("the shipped file has a connection manager")
    }

    /// The routes of the only virtual host; the first that matches is taken.
    ///
    /// # Panics
    ///
    /// If the shipped file has none.
    pub fn routes(&mut self) -> &mut Vec<Value> {
        let routes = self.manager().pointer_mut("/route_config/virtual_hosts/0/routes");
        routes.and_then(Value::as_array_mut).expect("the shipped file has routes")
    }

    /// The sidecars' clusters, for filters and for clients.
    ///
    /// # Panics
    ///
    /// If the shipped file has none.
    pub fn sidecar_clusters(&mut self) -> impl Iterator<Item = &mut Value> {
        let clusters = self.envoy.pointer_mut("/static_resources/clusters").and_then(Value::as_array_mut);
        let clusters = clusters.expect("the shipped file has clusters");
        clusters.iter_mut().filter(|cluster| cluster["name"] != "app")
    }

    /// The filters that a request passes, in this order: the paywall, and last the router.
    ///
    /// # Panics
    ///
    /// If the shipped file has none.
    pub fn http_filters(&mut self) -> &mut Vec<Value> {
        let filters = self.manager().get_mut("http_filters");
        filters.and_then(Value::as_array_mut).expect("the shipped file has filters")
    }
}

/// Envoy's configuration as JSON, made from the file that users copy. Every place must be found in it: a change of
/// the file that this code does not follow is an error.
pub(crate) fn make(template: &Path, paywall: &Paywall<'_>) -> Result<Value> {
    let text = fs::read_to_string(template).with_context(|| template.display().to_string())?;
    let envoy: Value = serde_norway::from_str(&text).with_context(|| template.display().to_string())?;
    let mut config = fill(envoy, paywall).with_context(|| template.display().to_string())?;
    (paywall.change)(&mut config);
    let EnvoyConfig { mut envoy, plugin } = config;
    // A scene may have taken the paywall out.
    if let Ok(configured) = plugin_of(&mut envoy) {
        *at(configured, "/configuration/value")? = json!(plugin.to_string());
    }
    Ok(envoy)
}

pub(super) fn plugin_of(envoy: &mut Value) -> Result<&mut Value> {
    let listener = named(at(envoy, "/static_resources/listeners")?, "public")?;
    let filters = at(listener, "/filter_chains/0/filters/0/typed_config/http_filters")?;
    at(named(filters, "envoy.filters.http.wasm")?, "/typed_config/config")
}

fn fill(mut config: Value, paywall: &Paywall<'_>) -> Result<EnvoyConfig> {
    *at(&mut config, "/admin/address/socket_address/port_value")? = json!(0);
    let listener = named(at(&mut config, "/static_resources/listeners")?, "public")?;
    // For this machine only, whatever the file opens.
    *at(listener, "/address/socket_address")? = json!({ "address": "127.0.0.1", "port_value": 0 });
    let configured = plugin_of(&mut config)?;
    *at(configured, "/vm_config/code/local/filename")? = json!(paywall.wasm);
    let text =
        at(configured, "/configuration/value")?.as_str().context("the plugin's configuration is no text")?;
    let mut plugin = serde_json::from_str(text).context("the plugin's configuration")?;
    fill_plugin(&mut plugin, paywall)?;

    let clusters = at(&mut config, "/static_resources/clusters")?;
    for (name, addresses) in [
        ("app", &[paywall.upstream][..]),
        ("uraiden-internal", &paywall.sidecar_internal),
        ("uraiden-public", &paywall.sidecar_public),
    ] {
        let endpoints = at(named(clusters, name)?, "/load_assignment/endpoints/0/lb_endpoints")?;
        let shipped = endpoints.get(0).context("a cluster without an endpoint")?.clone();
        let endpoint = |address: &SocketAddr| {
            let mut endpoint = shipped.clone();
            let socket = at(&mut endpoint, "/endpoint/address/socket_address")?;
            *at(socket, "/address")? = json!(address.ip().to_string());
            *at(socket, "/port_value")? = json!(address.port());
            anyhow::Ok(endpoint)
        };
        *endpoints = addresses.iter().map(endpoint).collect::<Result<_>>()?;
    }
    Ok(EnvoyConfig { envoy: config, plugin })
}

fn fill_plugin(ours: &mut Value, paywall: &Paywall<'_>) -> Result<()> {
    *at(ours, "/sidecar/bearerToken")? = json!(paywall.bearer_token);
    *at(ours, "/contract")? = json!(paywall.contract);
    *at(ours, "/receiver")? = json!(paywall.receiver);
    *at(ours, "/token")? = json!(paywall.token);
    *at(ours, "/chainId")? = json!(paywall.chain_id);
    let path = paywall.paid_path.trim_end_matches('/');
    *at(ours, "/rules")? = json!([
        { "match": { "path": path }, "price": paywall.price },
        { "match": { "pathPrefix": format!("{path}/") }, "price": paywall.price },
    ]);
    for (key, value) in paywall.filter_keys {
        ours[key] = value.clone();
    }
    Ok(())
}

pub(super) fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    value.pointer_mut(pointer).with_context(|| format!("there is no {pointer}"))
}

fn named<'a>(list: &'a mut Value, name: &str) -> Result<&'a mut Value> {
    list.as_array_mut()
        .and_then(|list| list.iter_mut().find(|item| item["name"] == name))
        .with_context(|| format!("there is nothing named {name:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_shipped_file_is_left_that_must_be_changed() {
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy/envoy.yaml");
        let paywall = Paywall {
            wasm: Path::new("/w/uraiden.wasm"),
            upstream: "127.0.0.1:1001".parse().unwrap(),
            sidecar_public: vec!["127.0.0.1:1002".parse().unwrap()],
            sidecar_internal: vec!["127.0.0.1:1003".parse().unwrap()],
            bearer_token: "secret",
            contract: Address([1; 20]),
            receiver: Address([2; 20]),
            token: Address([3; 20]),
            chain_id: 61,
            paid_path: "/resource",
            price: TokenAmount::new(3),
            listener_by_xds: false,
            filter_keys: &[],
            change: |_| {},
        };
        let made = serde_json::to_string_pretty(&make(&template, &paywall).unwrap()).unwrap();
        // Every line that the file marks has its value replaced.
        let shipped = fs::read_to_string(&template).unwrap();
        for line in shipped.lines().filter(|line| line.contains("# CHANGE") && line.contains("port_value")) {
            let port = line.split("port_value:").nth(1).unwrap().trim().split(' ').next().unwrap();
            assert!(!made.contains(&format!("\"port_value\": {port}\n")), "{port}");
        }
        for new in ["1001", "1002", "1003", "/w/uraiden.wasm", "secret", "\\\"chainId\\\":61", "/resource/"] {
            assert!(made.contains(new), "{new}");
        }
        assert!(!made.contains("/etc/envoy") && !made.contains("/premium"), "{made}");
    }
}
