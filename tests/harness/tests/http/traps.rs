//! Traps that the original clients set, and hostile requests. One of either must never hurt another.

use anyhow::Result;
use uraiden_client::Payer;
use uraiden_core::header;
use uraiden_harness::{Answer, NO_HEADERS};

use crate::fixture::{PRICE, assert_error, paying, problem, stack, with};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");

/// The cookies of the original page's payment.
fn cookies(payer: &Payer, balance: u64) -> String {
    let proof = payer.proof(balance.into());
    let channel = payer.channel();
    format!(
        "RDN-Sender-Address={}; RDN-Open-Block={}; RDN-Sender-Balance={balance}; RDN-Balance-Signature={}",
        channel.sender.to_string().to_lowercase(),
        channel.open_block,
        proof.signature
    )
}

fn set_cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect()
}

#[tokio::test]
async fn a_page_pays_by_cookies_and_learns_our_state_from_them() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let first = stack.raw_get("/premium/page", [BROWSER]).await?;
    assert_eq!((first.status, first.header("content-type")), (402, Some("text/html; charset=utf-8")));
    assert!(set_cookies(&first).contains(&"RDN-Price=1000; Path=/; SameSite=Lax"), "{:?}", first.headers);

    let paid = cookies(&payer, PRICE);
    let answer = stack.raw_get("/premium/page", [BROWSER, ("cookie", &paid)]).await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(set_cookies(&answer), [""; 0]);

    // A reload sends the same cookies: a replay, whose page tells what we hold.
    let reload = stack.raw_get("/premium/page", [BROWSER, ("cookie", &paid)]).await?;
    assert_eq!(reload.status, 402);
    let set = set_cookies(&reload);
    assert!(set.contains(&"RDN-Sender-Balance=1000; Path=/; SameSite=Lax"), "{set:?}");
    assert!(set.iter().any(|cookie| cookie.starts_with("RDN-Balance-Signature=0x")), "{set:?}");
    assert_error(&reload, None);
    assert_eq!(stack.upstream().seen("/premium/page"), 1);
    Ok(())
}

#[tokio::test]
async fn cookies_pay_for_navigation_only() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let cookie = cookies(&payer, PRICE);
    for foreign in [("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "image")] {
        let answer = stack.raw_get("/premium/foreign", [foreign, ("cookie", &cookie)]).await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (402, "payment-required"));
    }
    assert_eq!(stack.raw("POST", "/premium/foreign", [("cookie", &cookie)], "").await?.status, 402);
    assert_eq!(stack.upstream().seen("/premium/foreign"), 0);
    Ok(())
}

#[tokio::test]
async fn a_client_with_a_cookie_jar_is_judged_by_its_headers() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let stale = cookies(&payer, 0);
    for payment in 1..=3 {
        let headers = with(paying(&payer, payment * PRICE), "cookie", &stale);
        assert_eq!(stack.raw_get("/premium/jar", headers).await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_of_2018_pays_each_request_in_two_round_trips() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let mut balance = 0;
    let mut round_trips = 0;
    for _ in 0..20 {
        // Every request starts with the last proof; a plain 402 makes it add the price.
        loop {
            let mut headers = paying(&payer, balance);
            // The original sends the balance under this name only.
            for (name, _) in &mut headers {
                if name == header::SENDER_BALANCE {
                    *name = header::BALANCE.to_owned();
                }
            }
            let answer = stack.raw_get("/premium/2018", headers).await?;
            round_trips += 1;
            if answer.status == 200 {
                break;
            }
            assert_eq!(answer.status, 402);
            assert_error(&answer, None);
            balance += answer.header(header::PRICE).unwrap_or_default().parse::<u64>()?;
        }
    }
    assert_eq!((balance, round_trips), (20 * PRICE, 40));
    assert_eq!(stack.upstream().seen("/premium/2018"), 20);

    let channel = payer.channel();
    let path = format!("/api/1/channels/{}/{}", channel.sender, channel.open_block);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let close = stack.raw("DELETE", &path, form, format!("balance={balance}")).await?;
    assert_eq!(close.status, 200, "{}", close.text());
    let agreement = uraiden_core::ClosingAgreement {
        channel: *channel,
        balance: balance.into(),
        signature: close.json()?["close_signature"].as_str().unwrap_or_default().parse()?,
    };
    assert!(agreement.is_by_receiver());
    Ok(())
}

#[tokio::test]
async fn hostile_headers_are_refused_and_hurt_nobody_else() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let long = "9".repeat(20_000);
    let many: String = (0..500).map(|n| format!("RDN-{n}=x; ")).collect();
    let hostile: Vec<Vec<(&str, &[u8])>> = vec![
        vec![("rdn-sender-address", b"\xff\xfe")],
        vec![("rdn-balance-signature", b"\x80")],
        vec![("cookie", b"\xff=\xff; RDN-Sender-Balance=\xff")],
        vec![("x-anything", b"\xff")],
        vec![("rdn-balance", long.as_bytes())],
        vec![("cookie", many.as_bytes())],
        vec![("accept", b"\xff/\xff;q=\xff, text/html;q=99999999999999999999")],
        vec![("rdn-", b""), ("rdn--", b"x"), ("rdn-payment", b"")],
    ];
    for headers in &hostile {
        let answer = stack.raw_get("/premium/hostile", headers.clone()).await?;
        assert!(matches!(answer.status, 402 | 409), "{headers:?}: {}", answer.status);
    }
    for payment in 1..=8 {
        assert_eq!(stack.raw_get("/premium/hostile", paying(&payer, payment * PRICE)).await?.status, 200);
    }
    assert_eq!(stack.raw_get("/free", NO_HEADERS).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_grpc_client_gets_a_grpc_status() -> Result<()> {
    let stack = stack().await?;
    let grpc = [("content-type", "application/grpc"), ("te", "trailers")];
    let answer = stack.raw("POST", "/premium/grpc", grpc, "").await?;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("9")));
    assert_eq!(answer.header(header::PRICE), Some("1000"));
    Ok(())
}
