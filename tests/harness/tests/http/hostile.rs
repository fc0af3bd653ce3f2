//! Requests that are too much, or too odd: each is answered, and none hurts another one.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uraiden_core::header;
use uraiden_harness::{EnvoyConfig, NO_HEADERS, Options, Stack};

use crate::fixture::{PRICE, paying, problem, stack, with};

/// Every header of a payment.
const OURS: [&str; 9] = [
    header::CONTRACT_ADDRESS,
    header::RECEIVER_ADDRESS,
    header::SENDER_ADDRESS,
    header::PAYMENT,
    header::SENDER_BALANCE,
    header::BALANCE,
    header::BALANCE_SIGNATURE,
    header::OPEN_BLOCK,
    header::PRICE,
];

/// An Envoy that lets more through than it does by default.
fn wide(config: &mut EnvoyConfig) {
    let manager = config.manager();
    manager["max_request_headers_kb"] = json!(1024);
    manager["common_http_protocol_options"]["max_headers_count"] = json!(2000);
}

#[tokio::test]
async fn large_heads_and_many_headers_are_answered() -> Result<()> {
    let stack = Stack::start(Options { change: wide, concurrency: 1, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    for size in [60_000, 500_000] {
        for name in OURS {
            let huge = [(name, "9".repeat(size))];
            let answer = stack.raw_get("/premium/large", huge).await?;
            assert_eq!(
                (answer.status, problem(&answer).as_str()),
                (409, "malformed-payment"),
                "{name} {size}"
            );
            assert!(answer.body.len() < 2000, "the answer does not grow with the request");
        }
        let cookie = [("cookie", format!("RDN-Sender-Balance={}", "9".repeat(size)))];
        assert_eq!(stack.raw_get("/premium/large", cookie).await?.status, 402);
    }
    let many: Vec<_> = (0..1500).map(|n| (format!("rdn-{n}"), "x".to_owned())).collect();
    let answer = stack.raw_get("/premium/many", many.clone()).await?;
    assert_eq!(
        (answer.status, problem(&answer).as_str()),
        (402, "payment-required"),
        "unknown names mean nothing"
    );
    let paid = [paying(&payer, PRICE), many].concat();
    let answer = stack.raw_get("/premium/many", paid).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()?["headers"]["rdn-7"].is_null(), "and do not reach the service");
    Ok(())
}

#[tokio::test]
async fn what_is_too_much_for_envoy_itself_is_refused_by_it() -> Result<()> {
    let stack = stack().await?;
    let many: Vec<_> = (0..200).map(|n| (format!("x-{n}"), "x".to_owned())).collect();
    assert_eq!(stack.raw_get("/premium/beyond", many).await?.status, 431);
    let large = [("rdn-balance", "9".repeat(70_000))];
    assert_eq!(stack.raw_get("/premium/beyond", large).await?.status, 431);
    let within = [("rdn-balance", "9".repeat(55_000))];
    assert_eq!(stack.raw_get("/premium/beyond", within).await?.status, 409);
    Ok(())
}

#[tokio::test]
async fn each_of_our_headers_is_refused_where_it_stands_twice_or_is_no_text() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let own: Vec<(String, Vec<u8>)> =
        paying(&payer, PRICE).into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    for name in OURS {
        let twice =
            [own.clone(), vec![(name.to_owned(), b"1".to_vec()), (name.to_lowercase(), b"1".to_vec())]];
        let mut no_text = own.clone();
        no_text.retain(|(found, _)| found != name);
        no_text.push((name.to_owned(), b"1\xff\xfe".to_vec()));
        for headers in [twice.concat(), no_text] {
            let answer = stack.raw_get("/premium/odd", headers).await?;
            assert_eq!((answer.status, problem(&answer).as_str()), (409, "malformed-payment"), "{name}");
            assert!(answer.text().contains(name), "{name}: {}", answer.text());
        }
    }
    assert_eq!(stack.upstream().seen("/premium/odd"), 0);
    assert_eq!(stack.raw_get("/premium/odd", own).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn numbers_are_plain_decimal_digits_or_nothing() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let eighty = "9".repeat(80);
    let odd = [
        "+1000",
        "-1000",
        "- 1000",
        "1 000",
        "1_000",
        "1,000",
        "1000.0",
        "1e3",
        "1E3",
        "0x3e8",
        "01000",
        "1000n",
        "１０００",
        "1000;",
        "NaN",
        "Infinity",
        "\"1000\"",
        &eighty,
    ];
    for name in [header::SENDER_BALANCE, header::BALANCE, header::PAYMENT, header::PRICE, header::OPEN_BLOCK]
    {
        for value in odd {
            let answer = stack.raw_get("/premium/numbers", with(paying(&payer, PRICE), name, value)).await?;
            assert_eq!(
                (answer.status, problem(&answer).as_str()),
                (409, "malformed-payment"),
                "{name}: {value}"
            );
        }
    }
    assert_eq!(stack.upstream().seen("/premium/numbers"), 0);
    Ok(())
}

#[tokio::test]
async fn addresses_with_a_wrong_checksum_are_refused_and_those_without_one_are_not() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let mut balance = 0;
    for name in [header::CONTRACT_ADDRESS, header::RECEIVER_ADDRESS, header::SENDER_ADDRESS] {
        let own = paying(&payer, PRICE).into_iter().find(|(found, _)| found == name).context("an address")?.1;
        // The first letter in the other case.
        let letter =
            own.char_indices().skip(2).find(|(_, sign)| sign.is_ascii_alphabetic()).context("a letter")?.0;
        let mut wrong = own.clone().into_bytes();
        wrong[letter] ^= 0x20;
        let wrong = String::from_utf8(wrong)?;
        let answer =
            stack.raw_get("/premium/checksum", with(paying(&payer, balance + PRICE), name, &wrong)).await?;
        assert_eq!(
            (answer.status, problem(&answer).as_str()),
            (409, "malformed-payment"),
            "{wrong} for {own}"
        );
        assert!(answer.text().contains(&own), "the right cases are shown: {}", answer.text());
        for form in [own.to_lowercase(), own[2..].to_uppercase(), own[2..].to_owned()] {
            balance += PRICE;
            let answer =
                stack.raw_get("/premium/checksum", with(paying(&payer, balance), name, &form)).await?;
            assert_eq!(answer.status, 200, "{name}: {form}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_signature_has_130_digits() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let good = payer.proof(PRICE.into()).signature.to_string();
    let digits = format!("{}{}", &good[2..], "1b".repeat(10));
    for length in (0..=140).filter(|&length| length != 130) {
        for prefix in ["0x", ""] {
            let cut = format!("{prefix}{}", &digits[..length]);
            let headers = with(paying(&payer, PRICE), header::BALANCE_SIGNATURE, &cut);
            let answer = stack.raw_get("/premium/lengths", headers).await?;
            // No signature at all is no payment.
            let expected =
                if cut.is_empty() { (402, "payment-required") } else { (409, "malformed-payment") };
            assert_eq!((answer.status, problem(&answer).as_str()), expected, "{length} digits");
        }
    }
    assert_eq!(stack.upstream().seen("/premium/lengths"), 0);
    assert_eq!(stack.raw_get("/premium/lengths", paying(&payer, PRICE)).await?.status, 200);
    Ok(())
}

/// Envoy ends a connection after it has refused a request that came behind another one; what follows has to be sent
/// again then, and nothing of it was charged.
#[tokio::test]
async fn a_hostile_request_in_a_pipeline_costs_none_beside_it() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let eighty = "9".repeat(80);
    let mut paid = 0;
    for (name, value, status) in [
        ("RDN-Balance-Signature", &b"\xff\x80"[..], "409"),
        ("RDN-Balance", eighty.as_bytes(), "409"),
        ("Cookie", b"RDN-Sender-Balance=\xff; RDN-Balance-Signature=0x", "402"),
        ("RDN-Sender-Address", b"0x\" or 1=1", "409"),
        ("RDN-Open-Block", b"-1", "409"),
    ] {
        let own = |payment: u64| paying(&payer, payment * PRICE);
        let last = with(own(paid + 2), "connection", "close");
        let pipeline = [request(&own(paid + 1)), hostile(name, value), request(&last)].concat();
        let statuses = statuses(stack, &pipeline).await?;
        assert!(statuses.len() >= 2, "{name}: {statuses:?}");
        assert_eq!(statuses, ["200", status, "200"][..statuses.len()], "{name}");
        if statuses.len() == 2 {
            assert_eq!(stack.raw_get("/premium/among", own(paid + 2)).await?.status, 200, "{name}");
        }
        paid += 2;
    }
    assert_eq!(stack.upstream().seen("/premium/among") as u64, paid);
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    Ok(())
}

const LINE: &str = "GET /premium/among HTTP/1.1\r\nhost: host\r\n";

fn request(headers: &[(String, String)]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{LINE}{headers}\r\n").into_bytes()
}

fn hostile(name: &str, value: &[u8]) -> Vec<u8> {
    [LINE.as_bytes(), name.as_bytes(), b": ", value, b"\r\n\r\n"].concat()
}

/// Sends all of it at once and reads until Envoy closes the connection.
async fn statuses(stack: &Stack, pipeline: &[u8]) -> Result<Vec<String>> {
    let mut connection = TcpStream::connect(stack.envoy.address()).await?;
    connection.write_all(pipeline).await?;
    let mut answers = Vec::new();
    let whole = connection.read_to_end(&mut answers);
    tokio::time::timeout(Duration::from_secs(20), whole).await.context("the connection stays open")??;
    let answers = String::from_utf8_lossy(&answers);
    // A body need not end its line.
    let statuses = answers.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.split(' ').next());
    Ok(statuses.map(str::to_owned).collect())
}
