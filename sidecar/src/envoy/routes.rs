//! The routes of a paywall's listener, and for which of them it is on.

use uraiden_core::config::Config;

use super::document::Node;
use super::finding::{Code, Finding};
use super::paywall::Paywall;
use super::resources::Resources;

/// A route, with what stands above it.
pub(super) struct Route<'a> {
    pub(super) node: Node<'a>,
    /// Its virtual host, and its route configuration.
    pub(super) above: [Node<'a>; 2],
    /// Whether requests on it pass the paywall.
    pub(super) is_on: bool,
}

impl<'a> Route<'a> {
    /// The map in which an operator writes a price: the route's own, or else the virtual host's.
    pub(super) fn price_map(&self) -> Option<Node<'a>> {
        let [host, _] = &self.above;
        let maps = [&self.node, host].map(|node| node.at("metadata.filter_metadata").member("uraiden"));
        maps.into_iter().find(Node::is_there)
    }

    /// The cluster that it leads to, where it is always the same one.
    pub(super) fn cluster(&self) -> Option<&'a str> {
        self.node.at("route.cluster").text()
    }

    /// Whether requests go on to a service.
    pub(super) fn leads_on(&self) -> bool {
        self.node.get("route").is_there()
    }
}

/// The routes, or none where they are not in the files.
pub(super) fn of<'a>(
    paywall: &Paywall<'a>,
    resources: &Resources<'a>,
    findings: &mut Vec<Finding>,
) -> Vec<Route<'a>> {
    let own = paywall.manager.get("route_config");
    let name = paywall.manager.at("rds.route_config_name");
    let by_name = resources.routes.iter().find(|routes| routes.get("name").text() == name.text());
    let configuration = match (own.is_there(), by_name) {
        (true, _) => own,
        (false, Some(found)) => found.clone(),
        (false, None) => {
            findings.push(name.wrong(Code::RoutesUnseen));
            return Vec::new();
        }
    };
    let mut routes = Vec::new();
    for host in configuration.get("virtual_hosts").items() {
        for node in host.get("routes").items() {
            let above = [host.clone(), configuration.clone()];
            let is_on = is_on(paywall, [&node, &above[0], &above[1]]);
            routes.push(Route { node, above, is_on });
        }
    }
    if paywall.is_disabled() && !routes.iter().any(|route| route.is_on) {
        findings.push(paywall.filter.get("disabled").wrong(Code::EnabledNowhere));
    }
    routes
}

/// What the nearest says that says something, or else the listener.
fn is_on(paywall: &Paywall<'_>, nearest_first: [&Node<'_>; 3]) -> bool {
    let said = nearest_first.map(|node| node.get("typed_per_filter_config").member(paywall.name()));
    match said.into_iter().find(Node::is_there) {
        Some(said) => !said.get("disabled").is_true(),
        None => !paywall.is_disabled(),
    }
}

/// Whether clients reach the channel API.
pub(super) fn gateway(
    paywall: &Paywall<'_>,
    routes: &[Route<'_>],
    config: &Config,
    findings: &mut Vec<Finding>,
) {
    let public = config.sidecar.public_cluster.as_str();
    if !routes.is_empty() && !routes.iter().any(|route| route.cluster() == Some(public)) {
        let value = paywall.plugin.at("configuration.value");
        findings.push(value.finding(Code::NoGatewayRoute, format!("no route to {public:?}")));
    }
}
