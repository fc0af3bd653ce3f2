//! Calls to the sidecar, as filters make them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use uraiden_core::wire::{Answer, BATCH_PATH, BatchRequest, BatchResponse, Entry, Identity, VERSION};
use uraiden_harness::Stack;

/// A filter's connection to the sidecar.
pub(crate) struct Filter {
    connection: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
    identity: Identity,
}

impl Filter {
    pub(crate) async fn connect(stack: &Stack) -> Result<Self> {
        let stream = TcpStream::connect(stack.sidecar.internal()).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when the connection is dropped, and its error is that of the call.
        tokio::spawn(driver);
        Ok(Self {
            connection,
            host: stack.sidecar.internal().to_string(),
            authorization: format!("Bearer {}", stack.sidecar.token()),
            identity: Identity {
                chain_id: stack.chain.chain_id(),
                contract: stack.contract(),
                receiver: stack.receiver(),
                token: stack.token(),
            },
        })
    }

    /// A batch of these entries, written out. It may be sent within some minutes.
    pub(crate) fn question(&self, entries: Vec<Entry>) -> Result<Bytes> {
        let sent_at = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let question =
            BatchRequest { version: VERSION, identity: self.identity, sent_at, entries, traces: Vec::new() };
        Ok(Bytes::from(serde_json::to_vec(&question)?))
    }

    /// The answers to a batch, and how long the call took, without reading them.
    pub(crate) async fn call(&mut self, question: Bytes) -> Result<(Vec<Answer>, Duration)> {
        let request = Request::post(BATCH_PATH)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(question))?;
        let began = Instant::now();
        let answer = self.connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        let took = began.elapsed();
        ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&body));
        let response: BatchResponse = serde_json::from_slice(&body)?;
        self.connection.ready().await?;
        Ok((response.answers, took))
    }
}
