//! Looking channels up, as filters do.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use uraiden_core::channel::ChannelState;
use uraiden_core::wire::{
    Answer, BATCH_PATH, BatchRequest, BatchResponse, ChannelKey, Entry, Identity, VERSION,
};
use uraiden_harness::Stack;

/// Lookups in one call, where the cost of the call itself shall not count.
const BATCH: usize = 100;

/// Calls of each kind.
const CALLS: usize = 500;

/// Medians, in microseconds.
pub(super) struct Lookups {
    /// One lookup among many in a call, without the cost of the call.
    pub(super) each_us: f64,
    /// A call with one lookup, seen from outside.
    pub(super) call_us: f64,
    /// A call with none.
    pub(super) empty_us: f64,
}

/// Looks up channels from all over the ledger, each once.
pub(super) async fn measure(stack: &Stack, channels: &[ChannelKey]) -> Result<Lookups> {
    let mut filter = Filter::connect(stack).await?;
    // A step that visits all of them, out of order.
    let mut at = 0;
    let mut some = |count: usize| -> Vec<ChannelKey> {
        let next = || {
            at = (at + 7919) % channels.len();
            channels[at]
        };
        std::iter::repeat_with(next).take(count).collect()
    };
    let (mut empty, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CALLS {
        empty.push(filter.look_up(&[]).await?);
        one.push(filter.look_up(&some(1)).await?);
        many.push(filter.look_up(&some(BATCH)).await?);
    }
    let (empty_us, call_us, many_us) = (median(empty), median(one), median(many));
    Ok(Lookups { each_us: (many_us - empty_us) / f64::from(u32::try_from(BATCH)?), call_us, empty_us })
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A filter's connection to the sidecar.
struct Filter {
    connection: SendRequest<Full<Bytes>>,
    host: String,
    authorization: String,
    identity: Identity,
}

impl Filter {
    async fn connect(stack: &Stack) -> Result<Self> {
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

    /// Microseconds that one call takes. All these channels are open.
    async fn look_up(&mut self, channels: &[ChannelKey]) -> Result<f64> {
        let entries = channels.iter().copied().map(Entry::Lookup).collect();
        let sent_at = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let question = BatchRequest { version: VERSION, identity: self.identity, sent_at, entries };
        let request = Request::post(BATCH_PATH)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(serde_json::to_vec(&question)?)))?;
        let began = Instant::now();
        let answer = self.connection.send_request(request).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        let took = began.elapsed().as_secs_f64() * 1e6;
        let response: BatchResponse = serde_json::from_slice(&body)?;
        let open = |answer: &Answer| matches!(answer, Answer::Channel { channel: ChannelState::Open(_) });
        ensure!(
            response.answers.len() == channels.len() && response.answers.iter().all(open),
            "not all of these channels are open: {response:?}"
        );
        self.connection.ready().await?;
        Ok(took)
    }
}
