//! The service that is sold: as cheap as a real one over loopback can be.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A path below which every answer takes ten milliseconds.
pub(crate) const SLOW: &str = "slow";

/// How long that is.
const DELAY: Duration = Duration::from_millis(10);

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\nhello\n";

/// Starts it on a thread of its own, which ends with the process.
pub(crate) fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            loop {
                let (connection, _) = listener.accept().await?;
                tokio::spawn(serve(connection));
            }
            // Says what the block's errors are.
            #[expect(unreachable_code, reason = "the loop ends only by an error")]
            anyhow::Ok(())
        })
    });
    Ok(address)
}

/// Answers requests without a body until the connection ends.
async fn serve(mut connection: TcpStream) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut request = Vec::with_capacity(4096);
    loop {
        if connection.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        if line.windows(SLOW.len()).any(|word| word == SLOW.as_bytes()) {
            tokio::time::sleep(DELAY).await;
        }
        connection.write_all(ANSWER).await?;
        request.clear();
    }
}
