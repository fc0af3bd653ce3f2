//! Calls to a sidecar, as filters make them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uraiden_core::wire::{
    Answer, AttemptId, BATCH_PATH, BatchRequest, BatchResponse, Entry, Identity, VERSION,
};
use uraiden_harness::{Sidecar, Stack};

/// Payments in one call of a filter.
pub(crate) const CALL: usize = 32;

/// Ids as the filter's workers give them: one beginning each, then counted.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    counted: u64,
}

impl Ids {
    pub(crate) fn next(&mut self, worker: usize) -> AttemptId {
        self.counted += 1;
        AttemptId((worker as u128 + 1) << 64 | u128::from(self.counted))
    }
}

/// A filter's connection to a sidecar.
pub(crate) struct Filter {
    connection: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
    identity: Identity,
}

impl Filter {
    pub(crate) async fn connect(stack: &Stack, sidecar: &Sidecar) -> Result<Self> {
        let stream = TcpStream::connect(sidecar.internal()).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when the connection is dropped, and its error is that of the call.
        tokio::spawn(driver);
        Ok(Self {
            connection,
            host: sidecar.internal().to_string(),
            authorization: format!("Bearer {}", sidecar.token()),
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

    /// A call of payments that all have to be accepted, and how long it took.
    pub(crate) async fn pay(&mut self, question: Bytes) -> Result<Duration> {
        let (answers, took) = self.call(question).await?;
        let refused = answers.iter().find(|answer| !matches!(answer, Answer::Accepted { .. }));
        ensure!(refused.is_none(), "a good payment was not accepted: {refused:?}");
        Ok(took)
    }
}

/// What came of many calls.
pub(crate) struct Flooded {
    /// From the first call to the last answer.
    pub(crate) time: Duration,
    /// How long each call took, from the shortest to the longest.
    pub(crate) calls: Vec<Duration>,
}

/// Sends each connection its calls of payments, one after the other.
pub(crate) async fn flood(filters: &mut Vec<Filter>, questions: Vec<Vec<Bytes>>) -> Result<Flooded> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for (at, (mut filter, questions)) in filters.drain(..).zip(questions).enumerate() {
        tasks.spawn(async move {
            let mut calls = Vec::with_capacity(questions.len());
            for question in questions {
                calls.push(filter.pay(question).await?);
            }
            anyhow::Ok((at, filter, calls))
        });
    }
    let (mut done, mut calls) = (Vec::new(), Vec::new());
    while let Some(task) = tasks.join_next().await {
        let (at, filter, took) = task??;
        done.push((at, filter));
        calls.extend(took);
    }
    let time = start.elapsed();
    // Each keeps its place: its channels' payments go on there.
    done.sort_unstable_by_key(|(at, _)| *at);
    filters.extend(done.into_iter().map(|(_, filter)| filter));
    calls.sort_unstable();
    Ok(Flooded { time, calls })
}
