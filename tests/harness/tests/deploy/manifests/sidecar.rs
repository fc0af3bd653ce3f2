//! The sidecar's overlay: one pod, its Services, its secrets.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::render::Rendered;
use crate::place;

fn container(rendered: &Rendered) -> &Value {
    &rendered.sole("StatefulSet")["spec"]["template"]["spec"]["containers"][0]
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn there_is_never_a_second_sidecar() -> Result<()> {
    let rendered = Rendered::sidecar("")?;
    let set = rendered.sole("StatefulSet");
    assert_eq!(set["spec"]["replicas"], 1);
    assert_eq!(set["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"], json!(["ReadWriteOncePod"]));
    assert!(rendered.0.iter().all(|object| object["kind"] != "Deployment"));
    // The rest selects its pods, and nothing else's.
    let pods = &set["spec"]["selector"]["matchLabels"];
    assert_eq!(rendered.sole("PodDisruptionBudget")["spec"]["selector"]["matchLabels"], *pods);
    assert_eq!(rendered.sole("NetworkPolicy")["spec"]["podSelector"]["matchLabels"], *pods);
    for name in ["uraiden-public", "uraiden-internal", "uraiden-admin"] {
        assert_eq!(rendered.get("Service", name)["spec"]["selector"], *pods);
    }
    Ok(())
}

#[test]
fn several_sidecars_differ_from_one_by_their_database_and_their_number() -> Result<()> {
    let (one, several) = (Rendered::sidecar("")?, Rendered::overlay("postgres", "")?);
    let deployment = several.sole("Deployment");
    assert!(deployment["spec"]["replicas"].as_u64() > Some(1));
    assert!(several.0.iter().all(|object| object["kind"] != "StatefulSet"));
    let pod = &deployment["spec"]["template"]["spec"];
    let mut container = pod["containers"][0].clone();
    let variables = container["env"].as_array_mut().context("no variables")?;
    let database =
        variables.iter().position(|one| one["name"] == "URAIDEN_DATABASE").context("no database")?;
    let reference = variables.remove(database)["valueFrom"]["secretKeyRef"].clone();
    let secret = several
        .0
        .iter()
        .find(|object| object["kind"] == "Secret" && object["metadata"]["name"] == reference["name"]);
    assert!(
        secret.context("no such secret")?["data"][reference["key"].as_str().context("no key")?].is_string()
    );
    // Everything else of the container is the same, and so are the Services, but that the paywall is sent to none that
    // is not ready while others are.
    let mut expected = self::container(&one).clone();
    expected["env"].as_array_mut().context("no variables")?.retain(|one| one["name"] != "URAIDEN_DATABASE");
    expected["volumeMounts"].as_array_mut().context("no mounts")?.retain(|one| one["name"] != "ledger");
    let hashed = |container: &mut Value| container["envFrom"] = Value::Null;
    hashed(&mut container);
    hashed(&mut expected);
    assert_eq!(container, expected);
    for name in ["uraiden-public", "uraiden-internal", "uraiden-admin"] {
        let mut expected = one.get("Service", name).clone();
        expected["spec"]["publishNotReadyAddresses"] = json!(name != "uraiden-internal");
        assert_eq!(*several.get("Service", name), expected);
    }
    let pods = &deployment["spec"]["selector"]["matchLabels"];
    assert_eq!(several.sole("PodDisruptionBudget")["spec"]["selector"]["matchLabels"], *pods);
    assert_eq!(several.sole("PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
    let egress = &several.sole("NetworkPolicy")["spec"]["egress"][0]["ports"];
    assert!(list(egress).iter().any(|port| port["port"] == 5432));
    Ok(())
}

#[test]
fn every_setting_is_one_that_the_sidecar_knows() -> Result<()> {
    let rendered = Rendered::sidecar("")?;
    let uraiden = place::made("URAIDEN_BIN", "target/debug/uraiden");
    let help = place::output(Command::new(uraiden).args(["serve", "--help"]))?;
    let settings = rendered.sole("ConfigMap")["data"].as_object().context("no settings")?.keys().cloned();
    let variables = list(&container(&rendered)["env"]).iter().filter_map(|one| one["name"].as_str());
    let names: Vec<String> = settings.chain(variables.map(str::to_owned)).collect();
    assert!(names.len() > 10);
    for name in names {
        assert!(help.contains(&format!("[env: {name}")), "`uraiden serve` has no {name}");
    }
    assert_eq!(container(&rendered)["args"], json!(["serve"]));
    Ok(())
}

#[test]
fn services_probes_and_policies_lead_to_ports_that_are_listened_on() -> Result<()> {
    let rendered = Rendered::sidecar("\ncomponents: [../monitoring]\n")?;
    let container = container(&rendered);
    let listens = |name: &str| {
        let variable = format!("URAIDEN_{}_LISTEN", name.to_uppercase());
        let found = list(&container["env"]).iter().find(|one| one["name"] == variable.as_str());
        found.and_then(|one| one["value"].as_str()?.strip_prefix("0.0.0.0:")?.parse::<u64>().ok())
    };
    let ports: BTreeSet<&str> =
        list(&container["ports"]).iter().filter_map(|port| port["name"].as_str()).collect();
    assert_eq!(ports, BTreeSet::from(["admin", "internal", "public"]));
    for port in list(&container["ports"]) {
        let name = port["name"].as_str().unwrap_or_default();
        assert_eq!(listens(name), port["containerPort"].as_u64(), "{name}");
        let service = &rendered.get("Service", &format!("uraiden-{name}"))["spec"];
        assert_eq!(
            service["ports"],
            json!([{ "name": "http", "port": port["containerPort"], "targetPort": name }])
        );
        assert_eq!(service["publishNotReadyAddresses"], true, "{name}");
    }
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({ "path": path, "port": "admin" }));
    }
    let allowed: Vec<Vec<&str>> = list(&rendered.sole("NetworkPolicy")["spec"]["ingress"])
        .iter()
        .map(|rule| list(&rule["ports"]).iter().filter_map(|port| port["port"].as_str()).collect())
        .collect();
    assert_eq!(allowed, [vec!["public", "internal"], vec!["admin"]]);
    let admin = &rendered.get("Service", "uraiden-admin")["metadata"]["labels"];
    assert_eq!(rendered.sole("ServiceMonitor")["spec"]["selector"]["matchLabels"], *admin);
    Ok(())
}

#[test]
fn every_secret_is_mounted_for_the_sidecar_alone() -> Result<()> {
    let rendered = Rendered::sidecar("")?;
    let secret = rendered.sole("Secret");
    let pod = &rendered.sole("StatefulSet")["spec"]["template"]["spec"];
    let volume =
        list(&pod["volumes"]).iter().find(|volume| volume["name"] == "secrets").context("no secrets")?;
    // 0440: the group is the pod's own.
    assert_eq!(volume["secret"], json!({ "secretName": secret["metadata"]["name"], "defaultMode": 0o440 }));
    for file in secret["data"].as_object().context("no files")?.keys() {
        let path = json!(format!("/run/uraiden/{file}"));
        assert!(
            list(&container(&rendered)["env"]).iter().any(|one| one["value"] == path),
            "{path} is not used"
        );
    }
    assert_eq!(pod["securityContext"]["runAsUser"], 10001);
    let text = place::text("envoy/images/Dockerfile")?;
    assert!(text.contains("USER 10001:10001"));
    Ok(())
}
