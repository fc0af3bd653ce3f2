//! The protocol over HTTP/2, pipelined, and with clients that leave.

use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uraiden_core::header;
use uraiden_harness::Stack;

use crate::fixture::{PRICE, paying, stack, with};

type Http2 = http2::SendRequest<Empty<Bytes>>;

async fn http2(stack: &Stack) -> Result<Http2> {
    let stream = TcpStream::connect(stack.envoy.address()).await?;
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn get(http2: &Http2, path: &str, headers: &[(String, String)]) -> Result<Response<Incoming>> {
    let mut request = Request::builder().uri(format!("http://host{path}"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut http2 = http2.clone();
    http2.ready().await?;
    Ok(http2.send_request(request.body(Empty::new())?).await?)
}

#[tokio::test]
async fn http_2_is_told_and_served_the_same() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let http2 = http2(stack).await?;
    let refused = get(&http2, "/premium/h2", &[]).await?;
    assert_eq!(refused.status().as_u16(), 402);
    assert_eq!(refused.headers()[header::PRICE], "1000");
    let twice = with(paying(&payer, PRICE), "RDN-Balance", "1001");
    assert_eq!(get(&http2, "/premium/h2", &twice).await?.status().as_u16(), 409);
    for payment in 1..=3 {
        let answer = get(&http2, "/premium/h2", &paying(&payer, payment * PRICE)).await?;
        assert_eq!(answer.status().as_u16(), 200);
        let replay = get(&http2, "/premium/h2", &paying(&payer, payment * PRICE)).await?;
        assert_eq!(replay.status().as_u16(), 402);
        assert!(replay.headers().contains_key(header::BALANCE_SIGNATURE));
    }
    assert_eq!(stack.upstream().seen("/premium/h2"), 3);
    Ok(())
}

#[tokio::test]
async fn cookies_in_crumbs_pay_and_never_reach_the_service() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let http2 = http2(stack).await?;
    // HTTP/2 may send each cookie as a header of its own.
    let crumbs: Vec<_> = [("own".to_owned(), "1".to_owned())]
        .into_iter()
        .chain(paying(&payer, PRICE))
        .map(|(name, value)| ("cookie".to_owned(), format!("{name}={value}")))
        .collect();
    let answer = get(&http2, "/premium/crumbs", &crumbs).await?;
    assert_eq!(answer.status().as_u16(), 200);
    let body = answer.into_body().collect().await?.to_bytes();
    let echo: serde_json::Value = serde_json::from_slice(&body)?;
    assert_eq!(echo["headers"]["cookie"], "own=1");
    Ok(())
}

#[tokio::test]
async fn one_proof_on_fifty_streams_buys_one_answer() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let http2 = http2(stack).await?;
    for payment in 1..=4 {
        let headers = paying(&payer, payment * PRICE);
        let streams = (0..50).map(|_| {
            let (http2, headers) = (http2.clone(), headers.clone());
            tokio::spawn(async move { get(&http2, "/premium/fifty", &headers).await })
        });
        let mut served = 0;
        for stream in streams.collect::<Vec<_>>() {
            let answer = stream.await??;
            match answer.status().as_u16() {
                200 => served += 1,
                402 => assert!(answer.headers().contains_key(header::SENDER_BALANCE)),
                other => panic!("{other}"),
            }
        }
        assert_eq!(served, 1, "payment {payment}");
    }
    assert_eq!(stack.upstream().seen("/premium/fifty"), 4);
    Ok(())
}

#[tokio::test]
async fn pipelined_requests_are_each_paid_for() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let mut pipeline = String::new();
    for balance in [PRICE, PRICE, 2 * PRICE, 0, 3 * PRICE] {
        pipeline += "GET /premium/pipeline HTTP/1.1\r\nhost: host\r\n";
        for (name, value) in paying(&payer, balance) {
            pipeline += &format!("{name}: {value}\r\n");
        }
        pipeline += "\r\n";
    }
    pipeline += "GET /free HTTP/1.1\r\nhost: host\r\nconnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(stack.envoy.address()).await?;
    stream.write_all(pipeline.as_bytes()).await?;
    let mut answers = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answers))
        .await
        .context("the connection stays open")??;
    // A body need not end its line.
    let statuses: Vec<_> =
        answers.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    assert_eq!(statuses, ["200", "402", "200", "402", "200", "200"]);
    assert_eq!(stack.upstream().seen("/premium/pipeline"), 3);
    Ok(())
}

#[tokio::test]
async fn clients_that_leave_at_any_time_hurt_nobody_else() -> Result<()> {
    let stack = stack().await?;
    let (leaving, staying) = (stack.payer().await?, stack.payer().await?);
    let mut payments = 0;
    for round in 0..40_u64 {
        let mut request = format!("GET /premium/leaving?delayMs={} HTTP/1.1\r\nhost: host\r\n", round % 4);
        // The balance may be ours or not, depending on what became of the round before: both must be harmless.
        for (name, value) in paying(&leaving, (1 + round / 2) * PRICE) {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        let mut stream = TcpStream::connect(stack.envoy.address()).await?;
        let sent = if round % 5 == 0 { request.len() / 2 } else { request.len() };
        stream.write_all(&request.as_bytes()[..sent]).await?;
        tokio::time::sleep(Duration::from_micros(300 * (round % 10))).await;
        drop(stream);
        if round % 4 == 0 {
            payments += 1;
            let answer = stack.raw_get("/premium/staying", paying(&staying, payments * PRICE)).await?;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    // Whatever was taken, the one who left can still learn what it is and go on.
    let probe = stack.raw_get("/premium/leaving", paying(&leaving, 0)).await?;
    let held: u64 = probe.header(header::SENDER_BALANCE).context("our state")?.parse()?;
    assert_eq!(stack.raw_get("/premium/leaving", paying(&leaving, held + PRICE)).await?.status, 200);
    Ok(())
}
