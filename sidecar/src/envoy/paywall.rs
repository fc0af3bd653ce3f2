//! Where the paywall stands.

use super::document::Node;
use super::resources::Resources;

/// The paywall in the filters of a listener.
pub(super) struct Paywall<'a> {
    /// The connection manager.
    pub(super) manager: Node<'a>,
    /// The paywall's entry in its filters.
    pub(super) filter: Node<'a>,
    /// `PluginConfig` of its wasm filter.
    pub(super) plugin: Node<'a>,
    /// The filters behind it with their configurations, the router last.
    pub(super) behind: Vec<(Node<'a>, Node<'a>)>,
}

impl<'a> Paywall<'a> {
    /// All paywalls of all listeners.
    pub(super) fn find(resources: &Resources<'a>) -> Vec<Self> {
        let managers = resources.listeners.iter().flat_map(managers);
        managers.filter_map(|manager| Self::of(manager, resources)).collect()
    }

    fn of(manager: Node<'a>, resources: &Resources<'a>) -> Option<Self> {
        let filters = manager.get("http_filters").items();
        let mut filters = filters.into_iter().map(|filter| {
            let config = resources.filter_config(&filter);
            (filter, config)
        });
        let (filter, config) = filters.find(|(_, config)| is_ours(config))?;
        Some(Self { manager, filter, plugin: config.get("config"), behind: filters.collect() })
    }

    /// The key of what routes say of it.
    pub(super) fn name(&self) -> &'a str {
        self.filter.get("name").text().unwrap_or_default()
    }

    /// Whether it is off unless a route says otherwise.
    pub(super) fn is_disabled(&self) -> bool {
        self.filter.get("disabled").is_true()
    }
}

fn managers<'a>(listener: &Node<'a>) -> Vec<Node<'a>> {
    let mut chains = listener.get("filter_chains").items();
    chains.push(listener.get("default_filter_chain"));
    let filters = chains.iter().flat_map(|chain| chain.get("filters").items());
    let configs = filters.map(|filter| filter.get("typed_config"));
    configs.filter(|config| config.message_type().ends_with(".v3.HttpConnectionManager")).collect()
}

/// Whether a filter is the paywall: a wasm filter that is named after it somewhere.
fn is_ours(config: &Node<'_>) -> bool {
    let names = [
        "name",
        "root_id",
        "vm_config.vm_id",
        "vm_config.code.local.filename",
        "vm_config.code.remote.http_uri.uri",
    ];
    let plugin = config.get("config");
    config.message_type() == "envoy.extensions.filters.http.wasm.v3.Wasm"
        && names.iter().any(|name| plugin.at(name).text().is_some_and(|text| text.contains("uraiden")))
}
