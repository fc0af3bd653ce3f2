//! A wire between sidecars and their database, which breaks when it is told to, and may lead to another server later.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// What the wire does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    /// Everything passes.
    None,
    /// Connections break, and new ones too.
    Closed,
    /// Connections stay, and nothing passes.
    Silent,
    /// Each piece of an answer is so much late.
    Slow(Duration),
    /// A connection breaks when the client says COMMIT, before the server hears it.
    CutBeforeCommit,
    /// A connection breaks after the server has committed, before the client hears it.
    CutAfterCommit,
}

/// How the client's library says it: PostgreSQL's simple query.
const COMMIT: &[u8] = b"COMMIT\0";

/// How often a silent wire looks whether it may speak again.
const LOOK: Duration = Duration::from_millis(5);

/// The wire, on threads of its own, so it outlives the async runtime of the test that started it.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    target: SocketAddr,
    fault: WireFault,
    /// All connections, of both sides.
    streams: Vec<TcpStream>,
    /// Commits that somebody did not hear of.
    cuts: u64,
}

impl Wire {
    /// Lays a wire to this server.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = State { target, fault: WireFault::None, streams: Vec::new(), cuts: 0 };
        let state = Arc::new(Mutex::new(state));
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                if let Err(error) = client.and_then(|client| connect(&accepting, client)) {
                    tracing::debug!(%error, "the wire lost a connection");
                }
            }
        });
        Ok(Self { address, state })
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Misbehaves so from now on.
    pub fn set(&self, fault: WireFault) {
        let mut state = lock(&self.state);
        state.fault = fault;
        if fault == WireFault::Closed {
            state.cut();
        }
    }

    /// Leads to another server from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        let mut state = lock(&self.state);
        state.target = target;
        state.cut();
    }

    /// How many commits it has broken so far.
    pub fn cuts(&self) -> u64 {
        lock(&self.state).cuts
    }
}

impl State {
    fn cut(&mut self) {
        for stream in self.streams.drain(..) {
            end(&stream);
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One that has ended already is no matter.
fn end(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

fn connect(state: &Arc<Mutex<State>>, client: TcpStream) -> io::Result<()> {
    let (fault, target) = {
        let state = lock(state);
        (state.fault, state.target)
    };
    if fault == WireFault::Closed {
        end(&client);
        return Ok(());
    }
    let server = TcpStream::connect(target)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    lock(state).streams.extend([client.try_clone()?, server.try_clone()?]);
    let doomed = Arc::new(AtomicBool::new(false));
    for (from, to, is_answer) in [(client.try_clone()?, server.try_clone()?, false), (server, client, true)] {
        let direction = Direction { state: Arc::clone(state), doomed: Arc::clone(&doomed), is_answer };
        thread::spawn(move || {
            // An error is what a closed connection looks like. Whoever ends, ends both.
            let _ = direction.carry(&from, &to);
            end(&from);
            end(&to);
        });
    }
    Ok(())
}

/// One direction of one connection.
struct Direction {
    state: Arc<Mutex<State>>,
    /// The server has heard of a commit that the client shall not hear of.
    doomed: Arc<AtomicBool>,
    is_answer: bool,
}

impl Direction {
    fn carry(&self, mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = from.read(&mut buffer)?;
            let bytes = &buffer[..count];
            if bytes.is_empty() || (self.is_answer && self.doomed.load(Ordering::SeqCst)) {
                return Ok(());
            }
            let commits = !self.is_answer && bytes.windows(COMMIT.len()).any(|part| part == COMMIT);
            match self.passing() {
                WireFault::CutBeforeCommit if commits => {
                    lock(&self.state).cuts += 1;
                    return Ok(());
                }
                WireFault::CutAfterCommit if commits => {
                    lock(&self.state).cuts += 1;
                    self.doomed.store(true, Ordering::SeqCst);
                }
                WireFault::Slow(late) if self.is_answer => thread::sleep(late),
                WireFault::Closed => return Ok(()),
                WireFault::None
                | WireFault::Silent
                | WireFault::Slow(_)
                | WireFault::CutBeforeCommit
                | WireFault::CutAfterCommit => {}
            }
            to.write_all(bytes)?;
        }
    }

    /// The fault of this moment; waits as long as the wire is silent.
    fn passing(&self) -> WireFault {
        loop {
            match lock(&self.state).fault {
                WireFault::Silent => {}
                fault => return fault,
            }
            thread::sleep(LOOK);
        }
    }
}
