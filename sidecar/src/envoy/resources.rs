//! Listeners, routes and clusters, wherever in the files they stand.

use super::document::{Document, Node};
use super::finding::{Code, Finding};

/// Labels without which the paywall's counters cannot be told apart.
const LABELS: [&str; 6] = ["route", "outcome", "result", "step", "signer", "kind"];

/// What the files have.
#[derive(Default)]
pub(super) struct Resources<'a> {
    pub(super) listeners: Vec<Node<'a>>,
    pub(super) routes: Vec<Node<'a>>,
    clusters: Vec<Node<'a>>,
    bootstraps: Vec<Node<'a>>,
    /// Filters that listeners name, and that come by themselves.
    extensions: Vec<Node<'a>>,
}

impl<'a> Resources<'a> {
    pub(super) fn collect(documents: &'a [Document], findings: &mut Vec<Finding>) -> Self {
        let mut all = Self::default();
        for document in documents {
            let root = document.root();
            let before = all.count();
            if root.get("static_resources").is_there() || root.get("dynamic_resources").is_there() {
                let resources = root.get("static_resources");
                all.listeners.extend(resources.get("listeners").items());
                all.clusters.extend(resources.get("clusters").items());
                all.bootstraps.push(root.clone());
            }
            all.walk(&root);
            if all.count() == before {
                findings.push(root.finding(Code::NotEnvoy, "neither resources of Envoy's nor a bootstrap"));
            }
        }
        all
    }

    fn count(&self) -> usize {
        [&self.listeners, &self.routes, &self.clusters, &self.bootstraps, &self.extensions]
            .map(Vec::len)
            .iter()
            .sum()
    }

    /// Takes what says of itself what it is: resources of xDS, and what a running Envoy shows.
    fn walk(&mut self, node: &Node<'a>) {
        let kind = match node.message_type() {
            "envoy.config.listener.v3.Listener" => Some(&mut self.listeners),
            "envoy.config.cluster.v3.Cluster" => Some(&mut self.clusters),
            "envoy.config.route.v3.RouteConfiguration" => Some(&mut self.routes),
            "envoy.config.core.v3.TypedExtensionConfig" => Some(&mut self.extensions),
            _ => None,
        };
        if let Some(kind) = kind {
            kind.push(node.clone());
            return;
        }
        for (_, member) in node.members() {
            self.walk(&member);
        }
        for item in node.items() {
            self.walk(&item);
        }
    }

    pub(super) fn cluster(&self, name: &str) -> Option<&Node<'a>> {
        self.clusters.iter().find(|cluster| cluster.get("name").text() == Some(name))
    }

    /// Whether Envoy may know clusters that are not in the files.
    pub(super) fn has_clusters_elsewhere(&self) -> bool {
        let by_cds = |root: &Node<'_>| {
            root.at("dynamic_resources.cds_config").is_there()
                || root.at("dynamic_resources.ads_config").is_there()
        };
        self.clusters.is_empty() || self.bootstraps.iter().any(by_cds)
    }

    /// The configuration of a filter, where it stands beside the filter or comes by itself.
    pub(super) fn filter_config(&self, filter: &Node<'a>) -> Node<'a> {
        let own = filter.get("typed_config");
        let name = filter.get("name").text();
        let extension = self.extensions.iter().find(|extension| extension.get("name").text() == name);
        match extension {
            Some(extension) if filter.get("config_discovery").is_there() => extension.get("typed_config"),
            Some(_) | None => own,
        }
    }

    /// Whether what the paywall counts has its labels.
    pub(super) fn stats(&self, findings: &mut Vec<Finding>) {
        for bootstrap in &self.bootstraps {
            let tags = bootstrap.at("stats_config.stats_tags");
            let names: Vec<_> = tags.items().iter().filter_map(|tag| tag.get("tag_name").text()).collect();
            let missing: Vec<_> = LABELS.into_iter().filter(|label| !names.contains(label)).collect();
            if !missing.is_empty() {
                findings.push(tags.finding(Code::StatsTags, format!("no {}", missing.join(", "))));
            }
        }
    }
}
