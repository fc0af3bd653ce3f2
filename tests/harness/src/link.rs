//! A TCP proxy between the filter and the sidecar that misbehaves when it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// What the link does with what the filter sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// Everything passes.
    None,
    /// Requests arrive at the sidecar, answers never arrive at the filter.
    Deaf,
    /// Requests arrive at the sidecar, and the connection breaks in the middle of the answer.
    Cut,
    /// Requests do not arrive, and the answer is no answer of a sidecar.
    Nonsense,
    /// Requests do not arrive, and connections are closed at once.
    Closed,
}

/// The proxy, on a thread of its own, so it outlives the async runtime of the test that started it.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    fault: Arc<Mutex<LinkFault>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Link {
    pub(crate) fn start(sidecar: SocketAddr) -> Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let fault = Arc::new(Mutex::new(LinkFault::None));
        let shared = Arc::clone(&fault);
        let carry = async move {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (client, _) = listener.accept().await?;
                let fault = Arc::clone(&shared);
                tokio::spawn(async move {
                    // An error is what a closed connection looks like.
                    if let Err(error) = carry(client, sidecar, &fault).await {
                        tracing::debug!(%error, "a connection of the link has ended");
                    }
                });
            }
        };
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                let carry: std::pin::Pin<Box<dyn Future<Output = Result<()>>>> = Box::pin(carry);
                tokio::select! {
                    ended = carry => tracing::error!(?ended, "the link has ended"),
                    // An error means that the link is gone, which is the same wish.
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, fault, stop: Some(stop), thread: Some(thread) })
    }

    /// Where the filter finds the sidecar.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Misbehaves so from now on.
    pub fn set(&self, fault: LinkFault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the link has panicked");
        }
    }
}

/// Carries one connection until an end closes it.
async fn carry(mut client: TcpStream, sidecar: SocketAddr, fault: &Mutex<LinkFault>) -> Result<()> {
    let fault = || *fault.lock().unwrap_or_else(PoisonError::into_inner);
    let mut sidecar = TcpStream::connect(sidecar).await?;
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let bytes = up.get(..read?).filter(|bytes| !bytes.is_empty()).context("closed")?;
                match fault() {
                    LinkFault::None | LinkFault::Deaf | LinkFault::Cut => sidecar.write_all(bytes).await?,
                    LinkFault::Nonsense => {
                        client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}").await?;
                    }
                    LinkFault::Closed => bail!("closed"),
                }
            }
            read = sidecar.read(&mut down) => {
                let bytes = down.get(..read?).filter(|bytes| !bytes.is_empty()).context("closed")?;
                match fault() {
                    LinkFault::None => client.write_all(bytes).await?,
                    LinkFault::Cut => {
                        client.write_all(&bytes[..bytes.len() / 2]).await?;
                        bail!("cut off");
                    }
                    LinkFault::Deaf | LinkFault::Nonsense | LinkFault::Closed => {}
                }
            }
        }
    }
}
