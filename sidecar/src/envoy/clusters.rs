//! The clusters that the filter calls.

use uraiden_core::config::Config;

use super::document::Node;
use super::finding::{Code, Finding};
use super::paywall::Paywall;
use super::resources::Resources;

/// Envoy's own bound to what is under way at a cluster.
const ENVOYS_BOUND: u64 = 1024;

/// Whether they are there, and let through what the filter asks.
pub(super) fn check(
    paywall: &Paywall<'_>,
    config: &Config,
    resources: &Resources<'_>,
    findings: &mut Vec<Finding>,
) {
    let text = paywall.plugin.at("configuration.value");
    let sidecar = [
        ("sidecar.cluster".to_owned(), config.sidecar.cluster.as_str()),
        ("sidecar.publicCluster".to_owned(), config.sidecar.public_cluster.as_str()),
    ];
    let rules = config.rules.iter().enumerate();
    let sources = rules.filter_map(|(at, rule)| {
        Some((format!("rules[{at}].priceFrom.cluster"), rule.price_source()?.cluster.as_str()))
    });
    for (key, name) in sidecar.into_iter().chain(sources) {
        if resources.cluster(name).is_none() {
            let code =
                if resources.has_clusters_elsewhere() { Code::ClusterUnseen } else { Code::MissingCluster };
            findings.push(text.finding(code, format!("{key}: {name:?}")));
        }
    }
    if let Some(cluster) = resources.cluster(&config.sidecar.cluster) {
        circuit_breakers(cluster, findings);
    }
}

fn circuit_breakers(cluster: &Node<'_>, findings: &mut Vec<Finding>) {
    let breakers = cluster.get("circuit_breakers");
    let thresholds = breakers.get("thresholds").items();
    if thresholds.is_empty() {
        findings.push(breakers.wrong(Code::DefaultCircuitBreakers));
    }
    for threshold in thresholds {
        for field in ["max_connections", "max_pending_requests", "max_requests"] {
            let bound = threshold.get(field);
            let number = bound.value().and_then(|value| {
                value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            });
            if number.is_some_and(|number| number < ENVOYS_BOUND) {
                findings.push(bound.wrong(Code::LowCircuitBreaker));
            }
        }
    }
}
