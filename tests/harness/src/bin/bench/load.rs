//! A load generator: connections that are kept, requests that were written before, and nothing else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What one connection sends, request after request.
pub(crate) type Script = Vec<Vec<u8>>;

/// What came of a run.
pub(crate) struct Run {
    /// From the first request to the last answer.
    pub(crate) time: Duration,
    /// How long each request took, from the shortest to the longest.
    pub(crate) latencies: Vec<Duration>,
    /// Answers other than 200.
    pub(crate) errors: usize,
}

impl Run {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    /// The time within which this part of the requests was answered, in milliseconds.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * part).round() as usize;
        self.latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// A GET without a body.
pub(crate) fn get(path: &str, headers: &[(&'static str, String)]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n{headers}\r\n").into_bytes()
}

/// A connection that has sent all it had to, how long its answers took, and how many were not 200.
type Done = (TcpStream, Vec<Duration>, usize);

/// Connections, each kept from run to run.
pub(crate) struct Load {
    connections: Vec<TcpStream>,
}

impl Load {
    pub(crate) async fn connect(address: SocketAddr, connections: usize) -> Result<Self> {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            let connection = TcpStream::connect(address).await.with_context(|| address.to_string())?;
            connection.set_nodelay(true)?;
            open.push(connection);
        }
        Ok(Self { connections: open })
    }

    /// Sends each connection its script, all at the same time.
    ///
    /// `pause` is waited between two requests of a connection.
    ///
    /// # Errors
    ///
    /// A connection breaks, or an answer cannot be read.
    pub(crate) async fn run(&mut self, scripts: Vec<Script>, pause: Duration) -> Result<Run> {
        ensure!(scripts.len() == self.connections.len(), "a script for each connection");
        let mut tasks = JoinSet::new();
        let start = Instant::now();
        for (mut connection, script) in self.connections.drain(..).zip(scripts) {
            tasks.spawn(async move {
                let mut latencies = Vec::with_capacity(script.len());
                let mut errors = 0;
                for request in script {
                    let sent = Instant::now();
                    connection.write_all(&request).await?;
                    errors += usize::from(answer(&mut connection).await? != 200);
                    latencies.push(sent.elapsed());
                    if !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                }
                anyhow::Ok((connection, latencies, errors))
            });
        }
        self.gather(tasks, start).await
    }

    /// Lets each connection send what its source gives, one request in each `every`, or without a pause where that is
    /// zero, until the time is over.
    ///
    /// # Errors
    ///
    /// A connection breaks, or an answer cannot be read.
    pub(crate) async fn steady<S>(
        &mut self,
        sources: Vec<S>,
        every: Duration,
        lasting: Duration,
    ) -> Result<Run>
    where
        S: FnMut() -> Result<Vec<u8>> + Send + 'static,
    {
        ensure!(sources.len() == self.connections.len(), "a source for each connection");
        let mut tasks = JoinSet::new();
        let start = Instant::now();
        for (mut connection, mut next) in self.connections.drain(..).zip(sources) {
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                let mut errors = 0;
                let mut due = start;
                while start.elapsed() < lasting {
                    tokio::time::sleep_until(due.into()).await;
                    // Whoever is late does not make up for it.
                    due = Instant::now().max(due + every);
                    let request = next()?;
                    let sent = Instant::now();
                    connection.write_all(&request).await?;
                    errors += usize::from(answer(&mut connection).await? != 200);
                    latencies.push(sent.elapsed());
                }
                anyhow::Ok((connection, latencies, errors))
            });
        }
        self.gather(tasks, start).await
    }

    async fn gather(&mut self, mut tasks: JoinSet<Result<Done>>, start: Instant) -> Result<Run> {
        let mut run = Run { time: Duration::ZERO, latencies: Vec::new(), errors: 0 };
        while let Some(done) = tasks.join_next().await {
            let (connection, latencies, errors) = done??;
            self.connections.push(connection);
            run.latencies.extend(latencies);
            run.errors += errors;
        }
        run.time = start.elapsed();
        run.latencies.sort_unstable();
        Ok(run)
    }
}

/// Reads one answer to its end, and says its status.
async fn answer(connection: &mut TcpStream) -> Result<u16> {
    let mut buffer = [0; 4096];
    let mut filled = 0;
    loop {
        let read = connection.read(&mut buffer[filled..]).await?;
        ensure!(read > 0, "the connection was closed, or an answer has more than {} bytes", buffer.len());
        filled += read;
        let text = &buffer[..filled];
        let Some(head) = text.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&text[..head]).context("an answer's head is no text")?;
        let length = |line: &str| line.strip_prefix("content-length: ")?.parse::<usize>().ok();
        let body = head.lines().find_map(length).context("an answer without its length")?;
        if filled >= head.len() + 4 + body {
            return head
                .get(9..12)
                .and_then(|status| status.parse().ok())
                .context("an answer without status");
        }
    }
}
