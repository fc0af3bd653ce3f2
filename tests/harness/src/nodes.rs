//! Which Ethereum nodes the sidecars are given.

use crate::{DevChain, Relay, RpcProxy};

/// In this order: what can be made to fail, and what is left then.
#[derive(Debug)]
pub(crate) struct Nodes {
    relay: Option<String>,
    proxy: Option<String>,
    plain: Option<String>,
}

impl Nodes {
    pub(crate) fn new(
        chain: &DevChain,
        proxy: Option<&RpcProxy>,
        relay: Option<&Relay>,
        spare: bool,
    ) -> Self {
        let alone = proxy.is_none() && relay.is_none();
        Self {
            relay: relay.map(|relay| format!("ws://{}", relay.address())),
            proxy: proxy.map(RpcProxy::url),
            plain: (spare || alone).then(|| chain.rpc_url().to_owned()),
        }
    }

    /// For the sidecar with this name, by which the proxy knows it.
    pub(crate) fn of(&self, sidecar: &str) -> String {
        let proxy = self.proxy.as_ref().map(|url| format!("{url}/{sidecar}"));
        let all = [self.relay.clone(), proxy, self.plain.clone()];
        all.into_iter().flatten().collect::<Vec<_>>().join(",")
    }
}
