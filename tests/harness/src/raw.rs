//! Requests without any client logic: what is written goes out, what comes back is shown.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// No headers but `Host`.
pub const NO_HEADERS: [(&str, &str); 0] = [];

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The value of a header, where it stands exactly once and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("no JSON: {:?}", self.text()))
    }
}

/// One request over a connection of its own, in HTTP/1.1. The path goes out as it is written.
pub async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    body: impl Into<Bytes>,
) -> Result<Answer> {
    let mut request = Request::builder().method(method).uri(path).header(HOST, address.to_string());
    for (name, value) in headers {
        let name: HeaderName = name.as_ref().parse().with_context(|| format!("{:?}", name.as_ref()))?;
        request = request.header(name, HeaderValue::from_bytes(value.as_ref())?);
    }
    let request = request.body(Full::<Bytes>::new(body.into()))?;

    let stream = TcpStream::connect(address).await.with_context(|| address.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends when `sender` is dropped. Its error, if any, is that of the answer too.
    tokio::spawn(connection);
    let (parts, body) =
        sender.send_request(request).await.with_context(|| format!("{method} {path}"))?.into_parts();
    let body = body.collect().await.with_context(|| format!("{method} {path}: its body"))?.to_bytes();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}
