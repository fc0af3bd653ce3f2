//! The sample service that is sold: it tells what reached it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uraiden_core::{Address, header};

/// Marks each answer of the service with a token that no other one has.
pub const ANSWER: &str = "x-answer";

/// Answers every request with what it got, as JSON. The query changes that, whatever the path:
/// `?status=503` answers with that status, `?delayMs=200` waits before, `?reset` closes the connection instead;
/// `?contentType=text/html&body=hello` answers with that, and `&download=name` as a file of that name.
///
/// It runs on a thread of its own, so it outlives the async runtime of the test that started it.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the service has noted.
#[derive(Debug, Default)]
struct Book {
    /// Requests by their path.
    seen: HashMap<String, usize>,
    /// The sender whom the paywall named, by the token of each answer.
    answers: HashMap<String, Address>,
    /// All requests.
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    status: Option<u16>,
    delay_ms: Option<u64>,
    reset: Option<String>,
    content_type: Option<String>,
    body: Option<String>,
    download: Option<String>,
}

#[derive(Serialize)]
struct Echo {
    method: String,
    path: String,
    query: String,
    /// In lower case; the values of a name that stands several times are joined by `, `.
    headers: BTreeMap<String, String>,
    body: String,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self> {
        let book = Arc::<Mutex<Book>>::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let app = Router::new().fallback(answer).with_state(Arc::clone(&book));
        let serve = async {
            let listener = TcpListener::from_std(listener)?;
            axum::serve(listener, app).await
        };
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    served = serve => tracing::error!(?served, "the upstream has ended"),
                    // An error means that the Upstream is gone, which is the same wish.
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, book, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests for this path reached it, whatever their method and query.
    pub fn seen(&self, path: &str) -> usize {
        locked(&self.book).seen.get(path).copied().unwrap_or_default()
    }

    /// Each answer that it has begun, by the token in its header `x-answer`, with the sender who paid for it. Answers
    /// for which nobody paid are left out.
    pub fn answers(&self) -> HashMap<String, Address> {
        locked(&self.book).answers.clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the upstream has panicked");
        }
    }
}

async fn answer(
    State(book): State<Arc<Mutex<Book>>>,
    method: Method,
    uri: Uri,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let token = note(&mut locked(&book), uri.path(), &headers);
    if let Some(delay) = wish.delay_ms {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    if wish.reset.is_some() {
        // Ends the task that owns the connection, and with it the connection. No message: it is wanted.
        std::panic::resume_unwind(Box::new("a reset was asked for"));
    }
    let Ok(status) = StatusCode::from_u16(wish.status.unwrap_or(200)) else {
        return (StatusCode::BAD_REQUEST, "status: not a number from 100 to 999").into_response();
    };
    if let Some(content_type) = wish.content_type {
        let file = wish.download.map(|name| (CONTENT_DISPOSITION, format!("attachment; filename={name}")));
        let body = wish.body.unwrap_or_default();
        return (status, AppendHeaders(file), [(CONTENT_TYPE, content_type)], body).into_response();
    }
    let echo = Echo {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers: joined(&headers),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    (status, [(ANSWER, token)], Json(echo)).into_response()
}

/// Notes a request, and answers the token of its answer.
fn note(book: &mut Book, path: &str, headers: &HeaderMap) -> String {
    *book.seen.entry(path.to_owned()).or_default() += 1;
    book.count += 1;
    let token = book.count.to_string();
    let sender = headers.get(header::UPSTREAM_SENDER).and_then(|value| value.to_str().ok());
    if let Some(sender) = sender.and_then(|text| text.parse().ok()) {
        book.answers.insert(token.clone(), sender);
    }
    token
}

fn locked(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw;

    #[tokio::test]
    async fn a_request_is_echoed_and_counted() {
        let upstream = Upstream::start().unwrap();
        let headers = [("x-a", "1"), ("x-a", "2")];
        let answer = raw::send(upstream.address(), "POST", "/p?q=1", headers, "hello").await.unwrap();
        let echo = answer.json().unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(echo["method"], "POST");
        assert_eq!(echo["path"], "/p");
        assert_eq!(echo["query"], "q=1");
        assert_eq!(echo["headers"]["x-a"], "1, 2");
        assert_eq!(echo["body"], "hello");
        assert_eq!((upstream.seen("/p"), upstream.seen("/q")), (1, 0));
    }

    #[tokio::test]
    async fn content_of_any_type_can_be_asked_for() {
        let upstream = Upstream::start().unwrap();
        let path = "/p?contentType=text/x-a&body=b%20c&download=d.bin";
        let answer = raw::send(upstream.address(), "GET", path, raw::NO_HEADERS, "").await.unwrap();
        assert_eq!((answer.header("content-type"), answer.text().as_ref()), (Some("text/x-a"), "b c"));
        assert_eq!(answer.header("content-disposition"), Some("attachment; filename=d.bin"));
    }

    #[tokio::test]
    async fn each_answer_has_a_token_of_its_own_and_is_noted_for_who_paid() {
        let upstream = Upstream::start().unwrap();
        let sender = Address([7; 20]);
        let paid = [(header::UPSTREAM_SENDER, sender.to_string())];
        let mut tokens = Vec::new();
        for path in ["/p", "/q", "/p"] {
            let answer = raw::send(upstream.address(), "GET", path, paid.clone(), "").await.unwrap();
            tokens.push(answer.header(ANSWER).unwrap().to_owned());
        }
        let free = raw::send(upstream.address(), "GET", "/p", raw::NO_HEADERS, "").await.unwrap();
        assert!(free.header(ANSWER).is_some_and(|token| !tokens.contains(&token.to_owned())));
        assert_eq!(upstream.answers(), tokens.into_iter().map(|token| (token, sender)).collect());
        assert_eq!(upstream.answers().len(), 3);
    }

    #[tokio::test]
    async fn a_status_or_a_reset_can_be_asked_for() {
        let upstream = Upstream::start().unwrap();
        let get = |path| raw::send(upstream.address(), "GET", path, raw::NO_HEADERS, "");
        assert_eq!(get("/p?status=503").await.unwrap().status, 503);
        get("/p?reset").await.unwrap_err();
        assert_eq!(get("/p").await.unwrap().status, 200);
        assert_eq!(upstream.seen("/p"), 3);
    }
}
