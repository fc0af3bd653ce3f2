//! Being told of new blocks, where the node is connected by a WebSocket.

use alloy::providers::Provider;
use alloy::pubsub::Subscription;
use alloy::rpc::types::Header;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::error::NodeError;
use super::node::Node;

/// New blocks of one connection. Only that there are some counts: what they are is read as by polling, which goes on
/// beside it.
#[derive(Debug, Default)]
pub(super) struct Heads(Option<Subscription<Header>>);

impl Heads {
    /// Waits for a new block. For ever, where nobody tells.
    pub(super) async fn next(&mut self) {
        let Some(subscription) = &mut self.0 else { return std::future::pending().await };
        match subscription.recv_any().await {
            // A garbled one is one too.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => {
                tracing::warn!("the node tells of no new blocks any more: asking for them");
                self.0 = None;
                return std::future::pending().await;
            }
        }
        // Those that came at once are read at once.
        while matches!(subscription.try_recv_any(), Ok(_) | Err(TryRecvError::Lagged(_))) {}
    }
}

impl Node {
    /// Asks to be told of new blocks, where that is possible.
    pub(super) async fn heads(&self) -> Result<Heads, NodeError> {
        if !self.url().is_websocket() {
            return Ok(Heads::default());
        }
        let question = self.provider()?.subscribe_blocks();
        Ok(Heads(Some(self.ask("eth_subscribe", question).await?)))
    }
}
