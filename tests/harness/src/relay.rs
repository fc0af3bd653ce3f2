//! A wire in front of a server, that can be cut.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

/// Hands on bytes, until it is cut. On threads of its own, so it outlives the async runtime of the test that started
/// it.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    wire: Arc<Mutex<Wire>>,
}

#[derive(Debug, Default)]
struct Wire {
    cut: bool,
    /// All connections, of both sides.
    streams: Vec<TcpStream>,
}

impl Relay {
    pub(crate) fn start(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let wire = Arc::<Mutex<Wire>>::default();
        let accepting = Arc::clone(&wire);
        thread::spawn(move || {
            for client in listener.incoming() {
                if let Err(error) = client.and_then(|client| connect(&accepting, client, target)) {
                    tracing::debug!(%error, "the relay lost a connection");
                }
            }
        });
        Ok(Self { address, wire })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections, and every later one at once.
    pub fn cut(&self) {
        let mut wire = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        wire.cut = true;
        for stream in wire.streams.drain(..) {
            // One that is gone already is no matter.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner).cut = false;
    }
}

fn connect(wire: &Mutex<Wire>, client: TcpStream, target: SocketAddr) -> io::Result<()> {
    let mut wire = wire.lock().unwrap_or_else(PoisonError::into_inner);
    if wire.cut {
        return client.shutdown(Shutdown::Both);
    }
    let server = TcpStream::connect(target)?;
    for (mut from, mut to) in
        [(client.try_clone()?, server.try_clone()?), (server.try_clone()?, client.try_clone()?)]
    {
        thread::spawn(move || {
            // Whoever ends, ends both.
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    wire.streams.extend([client, server]);
    Ok(())
}
