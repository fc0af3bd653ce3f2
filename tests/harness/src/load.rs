//! Many requests at once, from a loopback address of one's choice: to Envoy, each address is another client.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use uraiden_client::{Payer, PrivateKeySigner};
use uraiden_core::BlockNumber;

use crate::Stack;

/// How many made-up channels one connection of a flood pays by, in turns.
const CHANNELS: u32 = 8;

/// A connection that is kept, in HTTP/1.1: all its requests meet the same worker of Envoy.
#[derive(Debug)]
pub struct Connection {
    sender: http1::SendRequest<Empty<Bytes>>,
}

impl Connection {
    /// Connects from this address.
    pub async fn open(from: Ipv4Addr, to: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into()).with_context(|| from.to_string())?;
        let stream = socket.connect(to).await.with_context(|| to.to_string())?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when `sender` is dropped. Its error, if any, is that of the next request too.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// The status of the answer to a GET.
    pub async fn get(
        &mut self,
        path: &str,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
    ) -> Result<u16> {
        let mut request = Request::get(path).header(HOST, "host");
        for (name, value) in headers {
            request = request.header(name.as_ref(), value.as_ref());
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(Empty::new())?).await?;
        let status = answer.status().as_u16();
        answer.into_body().collect().await?;
        Ok(status)
    }
}

/// What a flood consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// Requests without a payment, which need no question.
    Unpaid,
    /// Payments by channels that do not exist, each signed by a key of its own.
    MadeUp,
}

impl Flood {
    /// Sends them to a path that has a price, over this many connections from 127.0.0.1, each with this pause between
    /// an answer and the next request.
    pub fn start(self, stack: &Stack, path: &str, connections: usize, pause: Duration) -> Flooding {
        let told = Arc::new(Told::default());
        let flood = |_| {
            let (to, path, told) = (stack.envoy.address(), path.to_owned(), Arc::clone(&told));
            tokio::spawn(send(to, path, self.payments(stack), pause, told))
        };
        let connections = (0..connections).map(flood).collect();
        Flooding { told, connections }
    }

    fn payments(self, stack: &Stack) -> Vec<Vec<(&'static str, String)>> {
        let made_up = |block| {
            let signer = PrivateKeySigner::random();
            let payer = Payer::new(signer, stack.contract(), stack.receiver(), BlockNumber(block));
            payer.headers(stack.price()).to_vec()
        };
        match self {
            Self::Unpaid => vec![Vec::new()],
            Self::MadeUp => (1..=CHANNELS).map(made_up).collect(),
        }
    }
}

/// A flood that goes on.
#[derive(Debug)]
pub struct Flooding {
    told: Arc<Told>,
    connections: Vec<JoinHandle<Result<()>>>,
}

/// What a flood was told.
#[derive(Debug, Default)]
struct Told {
    refused: AtomicU64,
    busy: AtomicU64,
    stop: AtomicBool,
}

impl Flooding {
    /// How many of its requests were answered with 402.
    pub fn refused(&self) -> u64 {
        self.told.refused.load(Ordering::Relaxed)
    }

    /// How many of its requests were answered with 503, because there are too many.
    pub fn busy(&self) -> u64 {
        self.told.busy.load(Ordering::Relaxed)
    }

    /// Ends it.
    ///
    /// # Errors
    ///
    /// One of its requests was answered otherwise, or not at all.
    pub async fn stop(self) -> Result<()> {
        self.told.stop.store(true, Ordering::Relaxed);
        for connection in self.connections {
            connection.await.context("a connection of the flood")??;
        }
        Ok(())
    }
}

async fn send(
    to: SocketAddr,
    path: String,
    payments: Vec<Vec<(&'static str, String)>>,
    pause: Duration,
    told: Arc<Told>,
) -> Result<()> {
    let mut connection = Connection::open(Ipv4Addr::LOCALHOST, to).await?;
    for payment in payments.iter().cycle() {
        if told.stop.load(Ordering::Relaxed) {
            break;
        }
        let headers = payment.iter().map(|(name, value)| (name, value));
        match connection.get(&path, headers).await? {
            402 => told.refused.fetch_add(1, Ordering::Relaxed),
            503 => told.busy.fetch_add(1, Ordering::Relaxed),
            other => bail!("a request of the flood was answered {other}"),
        };
        tokio::time::sleep(pause).await;
    }
    Ok(())
}
