//! The way between filter and sidecar fails while requests are paid: slow, silent, nonsense, cut off. Whatever was
//! recorded and not served is taken back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, calls_go_to, paying, problem};

/// What the link does with what the filter sends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
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

/// A TCP proxy before the sidecar's internal listener.
#[derive(Clone)]
struct Link {
    address: SocketAddr,
    state: Arc<Mutex<(Fault, Option<SocketAddr>)>>,
}

impl Link {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let link = Self { address: listener.local_addr()?, state: Arc::new(Mutex::new((Fault::None, None))) };
        let own = link.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(own.clone().carry(client));
            }
        });
        Ok(link)
    }

    fn set(&self, fault: Fault) {
        self.state.lock().unwrap().0 = fault;
    }

    fn fault(&self) -> Fault {
        self.state.lock().unwrap().0
    }

    /// Carries one connection until an end closes it. Errors are what a closed connection looks like.
    async fn carry(self, mut client: TcpStream) -> Result<()> {
        let sidecar = self.state.lock().unwrap().1.context("the sidecar is not known yet")?;
        let mut sidecar = TcpStream::connect(sidecar).await?;
        let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
        loop {
            tokio::select! {
                read = client.read(&mut up) => {
                    let bytes = up.get(..read?).filter(|bytes| !bytes.is_empty()).context("closed")?;
                    match self.fault() {
                        Fault::None | Fault::Deaf | Fault::Cut => sidecar.write_all(bytes).await?,
                        Fault::Nonsense => {
                            client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{\"a\":1}").await?;
                        }
                        Fault::Closed => bail!("closed"),
                    }
                }
                read = sidecar.read(&mut down) => {
                    let bytes = down.get(..read?).filter(|bytes| !bytes.is_empty()).context("closed")?;
                    match self.fault() {
                        Fault::None => client.write_all(bytes).await?,
                        Fault::Cut => {
                            client.write_all(&bytes[..bytes.len() / 2]).await?;
                            bail!("cut off");
                        }
                        Fault::Deaf | Fault::Nonsense | Fault::Closed => {}
                    }
                }
            }
        }
    }
}

/// Where the link is, for a configuration that is made by a plain function.
static LINK: OnceLock<SocketAddr> = OnceLock::new();

fn through_the_link(config: &mut EnvoyConfig) {
    calls_go_to(config, LINK.get().expect("the link is there before Envoy").port());
}

#[tokio::test]
async fn whatever_befalls_a_call_to_the_sidecar_nothing_is_charged_unserved() -> Result<()> {
    let link = Link::start().await?;
    LINK.set(link.address).expect("set once");
    let options = Options { change: through_the_link, open: false, concurrency: 1, ..Options::default() };
    let stack = Stack::start(options).await?;
    link.state.lock().unwrap().1 = Some(stack.sidecar.internal());
    until_open(&stack).await?;
    let payer = stack.payer().await?;
    let mut held = 0;
    for fault in [Fault::Deaf, Fault::Cut, Fault::Nonsense, Fault::Closed] {
        for (method, path) in [("POST", "/premium/link/held"), ("GET", "/premium/link")] {
            link.set(fault);
            let asked = Instant::now();
            let answer = stack.raw(method, path, paying(&payer, held + PRICE), "").await?;
            let what = format!("{fault:?}, {method}");
            assert_eq!(answer.status, 502, "{what}: {}", answer.text());
            let codes = ["unknown-outcome", "sidecar-unreachable"];
            assert!(codes.contains(&problem(&answer).as_str()), "{what}");
            assert!(asked.elapsed() < Duration::from_secs(3), "{what}: held for {:?}", asked.elapsed());
            assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200, "{what}");

            link.set(Fault::None);
            until_open(&stack).await?;
        }
        assert_eq!(stack.upstream().seen("/premium/link/held"), 0, "{fault:?}: served unpaid");
        // The payment that the sidecar may have recorded is taken back by the next tick: the same proof is good.
        held += PRICE;
        until_paid(&stack, paying(&payer, held), held).await.with_context(|| format!("{fault:?}"))?;
    }
    Ok(())
}

async fn until_open(stack: &Stack) -> Result<()> {
    for _ in 0..200 {
        if stack.raw_get("/premium/link", NO_HEADERS).await?.status == 402 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the paywall did not open within 10 s")
}

async fn until_paid(stack: &Stack, headers: Vec<(String, String)>, balance: u64) -> Result<()> {
    for _ in 0..100 {
        let answer = stack.raw_get("/premium/link", headers.clone()).await?;
        if answer.status == 200 {
            assert_eq!(answer.header(header::SENDER_BALANCE), Some(balance.to_string().as_str()));
            return Ok(());
        }
        assert!(matches!(answer.status, 402 | 502), "{}: {}", answer.status, answer.text());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the same proof was not taken again within 5 s")
}
