//! Both Istio variants.

use anyhow::Result;
use serde_json::{Value, json};

use super::render::Rendered;

/// The name that Istio gives to the cluster of a Service's port.
fn cluster(service: &Value) -> String {
    let (name, namespace) = (&service["metadata"]["name"], &service["metadata"]["namespace"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let port = &service["spec"]["ports"][0]["port"];
    format!("outbound|{port}||{}.{}.svc.cluster.local", text(name), text(namespace))
}

#[test]
fn the_plugin_calls_the_services_of_the_sidecar() -> Result<()> {
    let services = Rendered::sidecar("")?;
    for folder in ["envoy/istio/gateway", "envoy/istio/sidecar"] {
        let rendered = Rendered::of(folder)?;
        let (plugin, filter) = (rendered.sole("WasmPlugin"), rendered.sole("EnvoyFilter"));
        let sidecar = &plugin["spec"]["pluginConfig"]["sidecar"];
        let internal = services.get("Service", "uraiden-internal");
        assert_eq!(sidecar["cluster"], cluster(internal), "{folder}");
        assert_eq!(sidecar["publicCluster"], cluster(services.get("Service", "uraiden-public")), "{folder}");
        let host = cluster(internal).rsplit('|').next().map(str::to_owned);
        assert_eq!(rendered.sole("DestinationRule")["spec"]["host"], json!(host), "{folder}");

        assert_eq!(plugin["spec"]["failStrategy"], "FAIL_RELOAD", "{folder}");
        assert_eq!(plugin["metadata"]["namespace"], filter["metadata"]["namespace"], "{folder}");
        let labels = &plugin["spec"]["selector"]["matchLabels"];
        assert_eq!(filter["spec"]["workloadSelector"]["labels"], *labels, "{folder}");
    }
    Ok(())
}

#[test]
fn the_channel_api_of_the_gateway_is_routed_to_the_public_service() -> Result<()> {
    let public = Rendered::sidecar("")?.get("Service", "uraiden-public").clone();
    let rendered = Rendered::of("envoy/istio/gateway")?;
    let route = &rendered.sole("VirtualService")["spec"]["http"][0];
    let paths = json!([{ "uri": { "prefix": "/api/1/" } }, { "uri": { "prefix": "/js/" } }]);
    assert_eq!(route["match"], paths);
    let destination = &route["route"][0]["destination"];
    assert!(cluster(&public).ends_with(destination["host"].as_str().unwrap_or("nothing")));
    assert_eq!(destination["port"]["number"], public["spec"]["ports"][0]["port"]);
    Ok(())
}

#[test]
fn a_sidecar_outside_has_the_same_ports_and_is_called_over_tls() -> Result<()> {
    let rendered = Rendered::of("envoy/istio/external")?;
    let (entry, rule) = (&rendered.sole("ServiceEntry")["spec"], &rendered.sole("DestinationRule")["spec"]);
    let ports: Vec<_> =
        entry["ports"].as_array().into_iter().flatten().map(|port| port["number"].clone()).collect();
    assert_eq!(ports, [8090, 8091]);
    assert_eq!(entry["hosts"], json!([rule["host"]]));
    assert_eq!(rule["trafficPolicy"]["tls"]["mode"], "SIMPLE");
    Ok(())
}
