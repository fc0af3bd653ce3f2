//! A proxy in front of the Ethereum node that misbehaves when it is told to.

use core::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// What the proxy does to questions from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Hands them on, and the answers back.
    None,
    /// Answers 503.
    Refuse,
    /// Takes the question and never answers.
    Hang,
    /// Answers 200 and a page.
    Garbage,
    /// Answers with the first half of what the node says.
    HalfAnswers,
    /// Answers with results of another type.
    WrongTypes,
    /// Answers every question with null, as if there were no block at all.
    Nulls,
    /// Answers without an end.
    Endless,
    /// Refuses questions by this method.
    RefuseMethod {
        /// Its name.
        method: &'static str,
    },
    /// Refuses questions for log entries of more blocks than that, as public nodes do.
    LimitRanges {
        /// The most blocks that one question may be about.
        blocks: u64,
    },
    /// Answers as if the node had no log entry with this first topic.
    LoseLogs {
        /// `0x` and 64 lower-case hex digits.
        topic: String,
    },
}

/// A fault, and the sidecar that suffers it; `None` where all do.
#[derive(Clone, Debug)]
struct Towards {
    fault: Fault,
    sidecar: Option<&'static str>,
}

/// Which question the proxy keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// The next one by this method.
    Next(&'static str),
    /// It has come.
    Held,
}

/// A proxy on a thread of its own, so it outlives the async runtime of the test that started it.
#[derive(Debug)]
pub struct RpcProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    node: String,
    http: reqwest::Client,
    fault: Mutex<Towards>,
    hold: watch::Sender<Hold>,
    calls: AtomicU64,
}

impl RpcProxy {
    pub(crate) fn start(node: &str) -> Result<Self> {
        let shared = Arc::new(Shared {
            node: node.to_owned(),
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build()?,
            fault: Mutex::new(Towards { fault: Fault::None, sidecar: None }),
            hold: watch::Sender::new(Hold::Nothing),
            calls: AtomicU64::new(0),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let serve = async {
            let listener = TcpListener::from_std(listener)?;
            axum::serve(listener, app).await
        };
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    served = serve => tracing::error!(?served, "the RPC proxy has ended"),
                    // An error means that the proxy is gone, which is the same wish.
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The node's URL, for those who shall suffer.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Misbehaves so from now on.
    pub fn set(&self, fault: Fault) {
        self.shared.set(Towards { fault, sidecar: None });
    }

    /// Misbehaves so from now on when it is asked by the sidecar with this [name](crate::Sidecar::name), and not to others.
    pub fn set_for(&self, sidecar: &'static str, fault: Fault) {
        self.shared.set(Towards { fault, sidecar: Some(sidecar) });
    }

    /// Keeps the next question by this method until [`RpcProxy::let_go`]. Later ones go on.
    pub fn hold_next(&self, method: &'static str) {
        self.shared.hold.send_replace(Hold::Next(method));
    }

    /// Whether such a question has come.
    pub fn is_holding(&self) -> bool {
        *self.shared.hold.borrow() == Hold::Held
    }

    /// Hands the question that is kept on to the node.
    pub fn let_go(&self) {
        self.shared.hold.send_replace(Hold::Nothing);
    }

    /// How many questions came so far; a batch counts its parts.
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }
}

impl Drop for RpcProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the RPC proxy has panicked");
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, body: Bytes) -> Response {
    let questions = serde_json::from_slice::<Value>(&body).ok();
    let count = questions.as_ref().and_then(Value::as_array).map_or(1, Vec::len);
    shared.calls.fetch_add(u64::try_from(count).unwrap_or_default(), Ordering::Relaxed);
    shared.keep(questions.as_ref()).await;
    match shared.fault_for(uri.path()) {
        Fault::None => shared.ask(body, |_| {}).await,
        Fault::HalfAnswers => shared.half(body).await,
        Fault::WrongTypes => shared.ask(body, |answer| replace(answer, &json!({"unexpected": true}))).await,
        Fault::Nulls => shared.ask(body, |answer| replace(answer, &Value::Null)).await,
        Fault::Endless => Body::from_stream(stream::repeat_with(piece)).into_response(),
        Fault::Refuse => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Hang => std::future::pending().await,
        Fault::Garbage => "<html>no node here</html>".into_response(),
        Fault::RefuseMethod { method }
            if asks(questions.as_ref(), |question| question["method"] == method) =>
        {
            refusal(questions.as_ref(), &format!("the method {method} does not exist"))
        }
        Fault::LimitRanges { blocks } if asks(questions.as_ref(), |question| range(question) > blocks) => {
            refusal(questions.as_ref(), &format!("query exceeds max block range {blocks}"))
        }
        Fault::RefuseMethod { .. } | Fault::LimitRanges { .. } => shared.ask(body, |_| {}).await,
        Fault::LoseLogs { topic } => shared.ask(body, |answer| lose_logs(answer, &topic)).await,
    }
}

impl Shared {
    fn set(&self, towards: Towards) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = towards;
    }

    /// What whoever asks by this path suffers: each sidecar has its own.
    fn fault_for(&self, path: &str) -> Fault {
        let Towards { fault, sidecar } = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match sidecar {
            Some(name) if path.strip_prefix('/') != Some(name) => Fault::None,
            Some(_) | None => fault,
        }
    }

    /// Waits, if this is the question to keep.
    async fn keep(&self, questions: Option<&Value>) {
        let kept = self.hold.send_if_modified(|hold| match *hold {
            Hold::Next(method) if asks(questions, |question| question["method"] == method) => {
                *hold = Hold::Held;
                true
            }
            Hold::Next(_) | Hold::Held | Hold::Nothing => false,
        });
        if kept {
            // The sender lives as long as this.
            let _ = self.hold.subscribe().wait_for(|hold| *hold != Hold::Held).await;
        }
    }

    async fn half(&self, body: Bytes) -> Response {
        let whole = self.ask(body, |_| {}).await;
        match axum::body::to_bytes(whole.into_body(), usize::MAX).await {
            Ok(whole) => whole.slice(..whole.len() / 2).into_response(),
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }

    async fn ask(&self, body: Bytes, change: impl FnOnce(&mut Value)) -> Response {
        let sent = self
            .http
            .post(&self.node)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer.json::<Value>().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(mut answer) => {
                change(&mut answer);
                axum::Json(answer).into_response()
            }
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }
}

/// Whether the question, or one of a batch, is such a one.
fn asks(questions: Option<&Value>, such: impl Fn(&Value) -> bool) -> bool {
    match questions {
        Some(Value::Array(questions)) => questions.iter().any(such),
        Some(question) => such(question),
        None => false,
    }
}

/// How many blocks a question for log entries is about; 0 for any other.
fn range(question: &Value) -> u64 {
    let filter = &question["params"][0];
    let number = |key: &str| u64::from_str_radix(filter[key].as_str()?.strip_prefix("0x")?, 16).ok();
    match (number("fromBlock"), number("toBlock")) {
        (Some(first), Some(last)) => last.saturating_sub(first) + 1,
        _ => 0,
    }
}

/// A node's own error, for a single question.
fn refusal(question: Option<&Value>, message: &str) -> Response {
    let id = question.map_or(Value::Null, |question| question["id"].clone());
    let error = json!({ "code": -32602, "message": message });
    axum::Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response()
}

/// A piece of an answer that goes on.
fn piece() -> Result<Bytes, Infallible> {
    Ok(Bytes::from_static(&[b'['; 1 << 16]))
}

/// Replaces the result of each answer.
fn replace(answer: &mut Value, result: &Value) {
    match answer {
        Value::Array(answers) => answers.iter_mut().for_each(|answer| replace(answer, result)),
        answer => answer["result"] = result.clone(),
    }
}

/// Log entries are the only results that are lists of objects with topics.
fn lose_logs(answer: &mut Value, topic: &str) {
    match answer {
        Value::Array(answers) if answers.iter().any(|one| one.get("jsonrpc").is_some()) => {
            answers.iter_mut().for_each(|one| lose_logs(one, topic));
        }
        _ => {
            if let Some(Value::Array(logs)) = answer.get_mut("result") {
                logs.retain(|log| log["topics"][0] != topic);
            }
        }
    }
}
