//! Answers that do not end soon: an upgrade, a tunnel's bytes and a stream of events are one payment each.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, Options, Stack};

use crate::fixture::{PRICE, paying};

/// A service that upgrades to a protocol that echoes, or sends three events with pauses between them.
async fn service() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(serve(connection));
        }
    });
    Ok(address)
}

async fn serve(connection: TcpStream) -> Result<()> {
    let mut connection = BufReader::new(connection);
    let head = head(&mut connection).await?;
    if head.contains("upgrade: websocket") {
        let accepted =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        connection.write_all(accepted.as_bytes()).await?;
        let mut bytes = [0; 64];
        loop {
            let length = connection.read(&mut bytes).await?;
            connection
                .write_all(bytes.get(..length).filter(|echo| !echo.is_empty()).context("closed")?)
                .await?;
        }
    }
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write_all(events.as_bytes()).await?;
    for event in 1..=3 {
        connection.write_all(format!("9\r\ndata: {event}\n\n\r\n").as_bytes()).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    connection.write_all(b"0\r\n\r\n").await?;
    Ok(())
}

/// Everything up to the empty line, in lower case.
async fn head(connection: &mut BufReader<TcpStream>) -> Result<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = connection.read_line(&mut head).await?;
        anyhow::ensure!(read > 0, "the connection was closed after {head:?}");
    }
    Ok(head.to_lowercase())
}

fn with_upgrades(config: &mut EnvoyConfig) {
    config.manager()["upgrade_configs"] = json!([{ "upgrade_type": "websocket" }]);
}

async fn stack() -> Result<Stack> {
    let upstream = Some(service().await?);
    Stack::start(Options { change: with_upgrades, upstream, ..Options::default() }).await
}

/// Sends a request by hand and reads the head of the answer.
async fn ask(
    stack: &Stack,
    path: &str,
    headers: &[(String, String)],
) -> Result<(BufReader<TcpStream>, String)> {
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: host\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut connection = BufReader::new(TcpStream::connect(stack.envoy.address()).await?);
    connection.write_all(format!("{request}\r\n").as_bytes()).await?;
    let head = head(&mut connection).await?;
    Ok((connection, head))
}

fn upgrading(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    for (name, value) in
        [("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13")]
    {
        headers.push((name.to_owned(), value.to_owned()));
    }
    headers
}

#[tokio::test]
async fn an_upgrade_is_one_payment_at_its_start() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let (_, refused) = ask(&stack, "/premium/socket", &upgrading(vec![])).await?;
    assert!(refused.starts_with("http/1.1 402"), "{refused}");

    let (mut socket, head) = ask(&stack, "/premium/socket", &upgrading(paying(&payer, PRICE))).await?;
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(head.contains(&format!("{}: 1000", header::SENDER_BALANCE.to_lowercase())), "{head}");
    for message in ["one", "two", "three"] {
        socket.write_all(message.as_bytes()).await?;
        let mut echo = vec![0; message.len()];
        socket.read_exact(&mut echo).await?;
        assert_eq!(echo, message.as_bytes());
    }
    let (_, replay) = ask(&stack, "/premium/socket", &upgrading(paying(&payer, PRICE))).await?;
    assert!(replay.starts_with("http/1.1 402"), "{replay}");
    Ok(())
}

#[tokio::test]
async fn events_arrive_as_they_happen_for_one_payment() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let (mut stream, head) = ask(&stack, "/premium/events", &paying(&payer, PRICE)).await?;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let mut text = String::new();
    let first = tokio::time::Instant::now();
    while !text.contains("data: 3") {
        let read = stream.read_line(&mut text).await?;
        anyhow::ensure!(read > 0, "the stream ended after {text:?}");
    }
    // The pauses between the events were not collected before the first one went out.
    assert!(first.elapsed() >= Duration::from_millis(100), "{:?}", first.elapsed());
    Ok(())
}
