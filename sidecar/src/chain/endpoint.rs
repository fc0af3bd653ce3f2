//! One of the URLs at which a node answers, and the connection to it.

use std::sync::{PoisonError, RwLock};

use alloy::network::Ethereum;
use alloy::providers::RootProvider;
use alloy::rpc::client::{ClientBuilder, RpcClient, WsConnect};
use alloy::transports::TransportError;
use alloy::transports::ws::WebSocketConfig;

use super::http::{Http, MAX_ANSWER};
use crate::settings::RpcUrl;

/// A URL, and the connection while there is one.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) url: RpcUrl,
    provider: RwLock<Option<RootProvider<Ethereum>>>,
}

impl Endpoint {
    pub(super) fn new(url: RpcUrl) -> Self {
        // A connection for each question, or one that is kept: either way HTTP has nothing to set up.
        let provider = (!url.is_websocket()).then(|| {
            let transport = Http::new(url.secret().clone());
            RootProvider::new(RpcClient::new(transport, false))
        });
        Self { url, provider: RwLock::new(provider) }
    }

    /// Opens a WebSocket in place of the last one.
    pub(super) async fn connect(&self) -> Result<(), TransportError> {
        if !self.url.is_websocket() {
            return Ok(());
        }
        let config = WebSocketConfig::default().max_message_size(Some(MAX_ANSWER));
        // The follower reconnects, and checks then whether it is the same chain.
        let socket = WsConnect::new(self.url.secret().as_str()).with_config(config).with_max_retries(0);
        let provider = RootProvider::new(ClientBuilder::default().ws(socket).await?);
        *self.provider.write().unwrap_or_else(PoisonError::into_inner) = Some(provider);
        Ok(())
    }

    /// The connection; `None` before the first one.
    pub(super) fn provider(&self) -> Option<RootProvider<Ethereum>> {
        self.provider.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
