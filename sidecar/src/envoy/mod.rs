//! Reads configurations of Envoy, and says what is wrong with the paywall in them.
//!
//! It looks at what Envoy is given: a bootstrap, files of resources (xDS), or what a running Envoy shows at
//! `/config_dump`. What it says holds for Envoy 1.36 and later.

mod behind;
mod clusters;
mod document;
mod finding;
mod listener;
mod paywall;
mod plugin;
mod prices;
mod resources;
mod routes;

pub use document::Document;
pub use finding::{Code, Finding, Severity};

use uraiden_core::wire::Identity;

use paywall::Paywall;
use resources::Resources;

/// What is wrong with the paywall in these files, which belong to one Envoy. With `served`, also what does not fit the
/// sidecar that serves this.
pub fn check(documents: &[Document], served: Option<&Identity>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let resources = Resources::collect(documents, &mut findings);
    let paywalls = Paywall::find(&resources);
    if let (Some(document), []) = (documents.first(), &paywalls[..]) {
        findings
            .push(document.root().finding(Code::NoPaywall, "no filter of type Wasm that is named uraiden"));
    }
    for paywall in &paywalls {
        let config = plugin::read(paywall, &mut findings);
        plugin::failures(paywall, &mut findings);
        behind::check(paywall, &mut findings);
        let routes = routes::of(paywall, &resources, &mut findings);
        listener::paths(paywall, &routes, &mut findings);
        prices::check(paywall, &routes, config.as_ref(), &mut findings);
        if let Some(config) = &config {
            listener::idle_timeouts(paywall, &routes, config.sidecar.timeout, &mut findings);
            clusters::check(paywall, config, &resources, &mut findings);
            routes::gateway(paywall, &routes, config, &mut findings);
            plugin::fits(paywall, config, served, &mut findings);
        }
    }
    resources.stats(&mut findings);
    findings.sort_by_key(|finding| finding.code.severity());
    findings
}
