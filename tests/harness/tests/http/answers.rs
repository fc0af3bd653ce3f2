//! What the sidecar answers is slow, late or nonsense, and clients do not wait for it: nobody is charged unserved, and
//! nobody is served unpaid.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use uraiden_core::header;
use uraiden_core::wire::BATCH_PATH;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, calls_go_to, paying, problem};

/// What happens to the answer to a call with a commit in it. The sidecar has carried out all of the call by then.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// It comes after half of the time that a call may take.
    Slow,
    /// It comes when nobody waits for it any more.
    Late,
    /// It ends in the middle of the JSON.
    Truncated,
    /// It speaks another version.
    Version,
    /// It is for another chain.
    Identity,
    /// It comes from another ledger.
    Ledger,
    /// It has no answers.
    Fewer,
    /// It has each answer twice.
    More,
    /// It has answers to other questions.
    Other,
    /// It goes on for 100 MB.
    Huge,
    /// It is no JSON.
    Page,
    /// It is an error of the sidecar's.
    Error,
}

/// Stands before the sidecar's internal listener.
#[derive(Clone)]
struct Proxy {
    fault: Arc<Mutex<Fault>>,
    sidecar: Arc<OnceLock<SocketAddr>>,
    commits: Arc<AtomicUsize>,
    client: reqwest::Client,
}

impl Proxy {
    async fn start() -> Result<(Self, SocketAddr)> {
        let proxy = Self {
            fault: Arc::new(Mutex::new(Fault::None)),
            sidecar: Arc::default(),
            commits: Arc::default(),
            client: reqwest::Client::builder().no_proxy().build()?,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = Router::new().fallback(carry).with_state(proxy.clone());
        tokio::spawn(async { axum::serve(listener, app).await });
        Ok((proxy, address))
    }

    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    /// How many calls with a commit the sidecar has carried out.
    fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}

async fn carry(State(proxy): State<Proxy>, headers: HeaderMap, body: Bytes) -> Response {
    match proxy.ask(&headers, body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response(),
    }
}

impl Proxy {
    async fn ask(&self, headers: &HeaderMap, body: Bytes) -> Result<Response> {
        let paying = String::from_utf8_lossy(&body).contains(r#""do":"commit""#);
        let sidecar = self.sidecar.get().context("the sidecar is not known yet")?;
        let mut request = self.client.post(format!("http://{sidecar}{BATCH_PATH}")).body(body);
        for name in ["authorization", "content-type"] {
            request = request.header(name, headers.get(name).context(name)?);
        }
        let answer = request.send().await?;
        let (status, text) = (StatusCode::from_u16(answer.status().as_u16())?, answer.text().await?);
        if !paying {
            return Ok((status, text).into_response());
        }
        let fault = *self.fault.lock().unwrap();
        self.commits.fetch_add(1, Ordering::SeqCst);
        distort(fault, status, text).await
    }
}

async fn distort(fault: Fault, status: StatusCode, text: String) -> Result<Response> {
    let mut answer: Value = serde_json::from_str(&text)?;
    let answers = answer["answers"].as_array().cloned().unwrap_or_default();
    match fault {
        Fault::None => {}
        Fault::Slow => tokio::time::sleep(Duration::from_secs(1)).await,
        Fault::Late => tokio::time::sleep(Duration::from_secs(4)).await,
        Fault::Truncated => return Ok((status, text[..text.len() / 2].to_owned()).into_response()),
        Fault::Version => answer["version"] = json!(2),
        Fault::Identity => answer["identity"]["chainId"] = json!(1),
        Fault::Ledger => answer["ledger"]["id"] = json!("0123456789abcdef0123456789abcdef"),
        Fault::Fewer => answer["answers"] = json!([]),
        Fault::More => answer["answers"] = [answers.clone(), answers].concat().into(),
        Fault::Other => {
            let other = |answer: &Value| json!({ "is": "channel", "channel": answer["channel"] });
            answer["answers"] = answers.iter().map(other).collect();
        }
        Fault::Huge => return Ok((status, text + &" ".repeat(100_000_000)).into_response()),
        Fault::Page => return Ok((status, "<html>").into_response()),
        Fault::Error => return Ok((StatusCode::INTERNAL_SERVER_ERROR, text).into_response()),
    }
    Ok((status, answer.to_string()).into_response())
}

/// A stack whose calls go through a proxy, one for each address.
async fn stack(
    address: &'static OnceLock<SocketAddr>,
    change: fn(&mut EnvoyConfig),
) -> Result<(Stack, Proxy)> {
    let (proxy, own) = Proxy::start().await?;
    address.set(own).ok().context("set once")?;
    let options = Options { change, open: false, concurrency: 1, ..Options::default() };
    let stack = Stack::start(options).await?;
    proxy.sidecar.set(stack.sidecar.internal()).ok().context("set once")?;
    until(&stack, NO_HEADERS, 402).await?;
    Ok((stack, proxy))
}

fn through(config: &mut EnvoyConfig, address: &OnceLock<SocketAddr>) {
    calls_go_to(config, address.get().expect("the proxy is there before Envoy").port());
    config.plugin["sidecar"]["timeout"] = json!("2s");
    // So that whoever was served unpaid would show.
    config.plugin["overlap"] = json!("never");
}

/// Sends the same request until it is answered so.
async fn until<N: AsRef<str>, V: AsRef<[u8]>>(
    stack: &Stack,
    headers: impl IntoIterator<Item = (N, V)> + Clone,
    status: u16,
) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let answer = stack.raw_get("/premium/answers", headers.clone()).await?;
        if answer.status == status {
            return Ok(());
        }
        assert!(matches!(answer.status, 402 | 502), "{}: {}", answer.status, answer.text());
        if Instant::now() > deadline {
            bail!("{} instead of {status}: {}", answer.status, answer.text());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_none_charges_nobody() -> Result<()> {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    let (stack, proxy) = stack(&ADDRESS, |config| through(config, &ADDRESS)).await?;
    let payer = stack.payer().await?;
    let mut held = 0;
    for fault in [
        Fault::Truncated,
        Fault::Version,
        Fault::Identity,
        Fault::Fewer,
        Fault::More,
        Fault::Other,
        Fault::Huge,
        Fault::Page,
        Fault::Error,
        Fault::Late,
    ] {
        let served = stack.upstream().seen("/premium/answers");
        proxy.set(fault);
        let asked = Instant::now();
        let answer = stack.raw_get("/premium/answers", paying(&payer, held + PRICE)).await?;
        // Taken back at once where the sidecar says so, or else by the next tick.
        let told = ["taken-back", "unknown-outcome"].contains(&problem(&answer).as_str());
        assert!(answer.status == 502 && told, "{fault:?}: {} {}", answer.status, answer.text());
        assert!(asked.elapsed() < Duration::from_secs(5), "{fault:?}: held for {:?}", asked.elapsed());
        assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200, "{fault:?}");
        assert_eq!(stack.upstream().seen("/premium/answers"), served, "{fault:?}: served unpaid");

        // The same proof is good.
        proxy.set(Fault::None);
        held += PRICE;
        until(&stack, paying(&payer, held), 200).await.with_context(|| format!("{fault:?}"))?;
        assert_eq!(stack.upstream().seen("/premium/answers"), served + 1, "{fault:?}");
    }
    // In time is in time, and a ledger that was restored from a backup is the one that counts from then on.
    for fault in [Fault::Slow, Fault::Ledger] {
        proxy.set(fault);
        held += PRICE;
        let answer = stack.raw_get("/premium/answers", paying(&payer, held)).await?;
        let balance = held.to_string();
        assert_eq!(
            (answer.status, answer.header(header::SENDER_BALANCE)),
            (200, Some(balance.as_str())),
            "{fault:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn who_leaves_before_the_service_was_asked_gets_the_money_back() -> Result<()> {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    let (stack, proxy) = stack(&ADDRESS, |config| through(config, &ADDRESS)).await?;
    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/answers", paying(&payer, PRICE)).await?.status, 200);

    // It leaves while its payment is recorded, and the answer is on its way.
    proxy.set(Fault::Slow);
    let commits = proxy.commits();
    let connection = send(&stack, "/premium/answers", paying(&payer, 2 * PRICE)).await?;
    wait_for(|| proxy.commits() > commits).await?;
    drop(connection);
    proxy.set(Fault::None);
    until(&stack, paying(&payer, 2 * PRICE), 200).await?;
    assert_eq!(stack.upstream().seen("/premium/answers"), 2);

    // It leaves while the service works: the service was asked, so it is paid.
    let connection = send(&stack, "/premium/asked?delayMs=1500", paying(&payer, 3 * PRICE)).await?;
    wait_for(|| stack.upstream().seen("/premium/asked") == 1).await?;
    drop(connection);
    let replay = stack.raw_get("/premium/answers", paying(&payer, 3 * PRICE)).await?;
    assert_eq!((replay.status, replay.header(header::SENDER_BALANCE)), (402, Some("3000")));

    // It leaves before its head is whole: nobody was asked anything.
    let mut connection = TcpStream::connect(stack.envoy.address()).await?;
    connection.write_all(b"GET /premium/half HTTP/1.1\r\nhost: host\r\nrdn-balance: 40").await?;
    drop(connection);
    assert_eq!(stack.raw_get("/premium/answers", paying(&payer, 4 * PRICE)).await?.status, 200);
    assert_eq!(stack.upstream().seen("/premium/half"), 0);
    Ok(())
}

/// Sends a request and does not wait for its answer.
async fn send(stack: &Stack, target: &str, headers: Vec<(String, String)>) -> Result<TcpStream> {
    let mut request = format!("GET {target} HTTP/1.1\r\nhost: host\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut connection = TcpStream::connect(stack.envoy.address()).await?;
    connection.write_all(format!("{request}\r\n").as_bytes()).await?;
    Ok(connection)
}

async fn wait_for(reached: impl Fn() -> bool) -> Result<()> {
    for _ in 0..500 {
        if reached() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("not reached within 10 s")
}
