//! Envoy Gateway.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::render::Rendered;

#[test]
fn the_policy_calls_the_cluster_of_the_bootstrap_which_is_the_internal_service() -> Result<()> {
    let rendered = Rendered::of("envoy/gateway")?;
    let bootstrap =
        rendered.sole("EnvoyProxy")["spec"]["bootstrap"]["value"].as_str().context("no bootstrap")?;
    let bootstrap: Value = serde_norway::from_str(bootstrap)?;
    let [cluster] = bootstrap["static_resources"]["clusters"].as_array().context("no clusters")?.as_slice()
    else {
        panic!("not exactly one cluster");
    };
    let plugin = &rendered.sole("EnvoyExtensionPolicy")["spec"]["wasm"][0];
    assert_eq!(plugin["config"]["sidecar"]["cluster"], cluster["name"]);
    assert_eq!(plugin["failOpen"], false);

    let services = Rendered::sidecar("")?;
    let internal = services.get("Service", "uraiden-internal");
    let socket = cluster
        .pointer("/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address")
        .context("no endpoint")?;
    assert_eq!(socket["address"], "uraiden-internal.uraiden.svc.cluster.local");
    assert_eq!(socket["port_value"], internal["spec"]["ports"][0]["port"]);
    Ok(())
}

#[test]
fn no_route_leads_to_the_internal_service_and_one_to_the_public_one() -> Result<()> {
    let rendered = Rendered::of("envoy/gateway")?;
    let routes = rendered.0.iter().filter(|object| object["kind"] == "HTTPRoute");
    assert!(routes.into_iter().all(|route| !route.to_string().contains("uraiden-internal")));
    let public = rendered.get("HTTPRoute", "uraiden-public");
    let backend = json!({ "name": "uraiden-public", "namespace": "uraiden", "port": 8090 });
    assert_eq!(public["spec"]["rules"][0]["backendRefs"], json!([backend]));
    let grant = &rendered.sole("ReferenceGrant")["spec"];
    assert_eq!(grant["to"], json!([{ "group": "", "kind": "Service", "name": "uraiden-public" }]));
    assert_eq!(grant["from"][0]["namespace"], public["metadata"]["namespace"]);

    // The name that Envoy Gateway gives to the cluster of a route's first rule.
    let namespace = public["metadata"]["namespace"].as_str().context("no namespace")?;
    let cluster = format!("httproute/{namespace}/uraiden-public/rule/0");
    let policy = &rendered.sole("EnvoyExtensionPolicy")["spec"];
    assert_eq!(policy["wasm"][0]["config"]["sidecar"]["publicCluster"], cluster);
    assert_eq!(rendered.get("HTTPRoute", "premium")["metadata"]["name"], policy["targetRefs"][0]["name"]);
    Ok(())
}
