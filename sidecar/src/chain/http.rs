//! JSON-RPC over HTTP that gives up on an answer without an end. A whole answer has to be in memory to be read, so
//! this bounds what a node can make us hold.

use std::task::{Context, Poll};

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::{RpcError, TransportError, TransportErrorKind, TransportFut, TransportResult};
use reqwest::{Client, Url};
use tower_service::Service;

/// The longest answer that is read, in bytes. Some tens of thousands of log entries; for more the range is halved.
pub(super) const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What is said of an answer that is longer: "Content Too Large", as if the node had said so.
const TOO_LARGE: u16 = 413;

/// A node behind an `http` or `https` URL.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    url: Url,
}

impl Http {
    pub(super) fn new(url: Url) -> Self {
        Self { client: Client::new(), url }
    }

    async fn send(self, question: RequestPacket) -> TransportResult<ResponsePacket> {
        let sent = self.client.post(self.url).json(&question).send().await;
        let mut answer = sent.map_err(TransportErrorKind::custom)?;
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(TransportErrorKind::custom)? {
            if body.len() + piece.len() > MAX_ANSWER {
                let reason = format!("the answer is longer than {MAX_ANSWER} bytes");
                return Err(TransportErrorKind::http_error(TOO_LARGE, reason));
            }
            body.extend_from_slice(&piece);
        }
        let text = || String::from_utf8_lossy(&body).into_owned();
        // Nodes send their own errors with any status.
        match serde_json::from_slice(&body) {
            Ok(packet) => Ok(packet),
            Err(_) if !answer.status().is_success() => {
                Err(TransportErrorKind::http_error(answer.status().as_u16(), text()))
            }
            Err(error) => Err(RpcError::deser_err(error, text())),
        }
    }
}

impl Service<RequestPacket> for Http {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, question: RequestPacket) -> Self::Future {
        Box::pin(self.clone().send(question))
    }
}
