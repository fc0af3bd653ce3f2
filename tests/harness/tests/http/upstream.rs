//! What the service behind the paywall sees, and what its failures cost.

use anyhow::Result;
use serde_json::{Value, json};
use uraiden_core::header;
use uraiden_harness::{Answer, EnvoyConfig, Options, Stack};

use crate::fixture::{PRICE, paying, stack, with};

fn seen(answer: &Answer) -> Result<Value> {
    Ok(answer.json()?["headers"].clone())
}

#[tokio::test]
async fn a_paid_request_arrives_with_who_paid_and_without_the_proof() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let mut headers = with(paying(&payer, PRICE), "x-uraiden-sender", "0xthief");
    headers.push(("x-uraiden-mine".to_owned(), "1".to_owned()));
    headers.push(("cookie".to_owned(), "a=b; RDN-Sender-Balance=1000; c=d".to_owned()));
    let answer = stack.raw("POST", "/premium/seen", headers, "the body").await?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (seen, channel) = (seen(&answer)?, payer.channel());
    assert_eq!(seen["x-uraiden-sender"], channel.sender.to_string());
    assert_eq!(seen["x-uraiden-amount"], "1000");
    assert_eq!(seen["x-uraiden-channel"], channel.open_block.to_string());
    assert_eq!(seen["x-uraiden-payment"], "durable");
    assert_eq!(seen["x-uraiden-mine"], Value::Null);
    assert_eq!(seen["cookie"], "a=b; c=d");
    assert!(seen.as_object().unwrap().keys().all(|name| !name.starts_with("rdn-")), "{seen}");
    assert_eq!(answer.json()?["body"], "the body");
    Ok(())
}

#[tokio::test]
async fn a_free_request_arrives_without_what_only_the_paywall_may_say() -> Result<()> {
    let stack = stack().await?;
    let claims = [("x-uraiden-sender", "0xthief"), ("x-uraiden-payment", "durable"), ("rdn-price", "1")];
    let answer = stack.raw_get("/free", claims).await?;
    let seen = seen(&answer)?;
    for (name, _) in claims {
        assert_eq!(seen[name], Value::Null, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_of_the_service_gives_the_payment_back() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    for failure in ["status=500", "status=503", "reset"] {
        let path = format!("/premium/failure?{failure}");
        let answer = stack.raw_get(&path, paying(&payer, PRICE)).await?;
        assert!(answer.status >= 500, "{failure}: {}", answer.status);
        assert_eq!(answer.header(header::SENDER_BALANCE), Some("0"), "{failure}: {:?}", answer.headers);
        assert_eq!(answer.header(header::PRICE), Some("1000"));
    }
    // The same proof is good again.
    let answer = stack.raw_get("/premium/failure", paying(&payer, PRICE)).await?;
    assert_eq!((answer.status, answer.header(header::SENDER_BALANCE)), (200, Some("1000")));
    assert_eq!(stack.upstream().seen("/premium/failure"), 4);
    Ok(())
}

#[tokio::test]
async fn an_answer_below_500_is_charged() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    for (payments, status) in [(1, 404), (2, 418), (3, 304), (4, 206)] {
        let path = format!("/premium/charged?status={status}");
        let answer = stack.raw_get(&path, paying(&payer, payments * PRICE)).await?;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header(header::SENDER_BALANCE), Some((payments * PRICE).to_string().as_str()));
    }
    Ok(())
}

#[tokio::test]
async fn which_answers_are_charged_can_be_chosen() -> Result<()> {
    let change = |config: &mut EnvoyConfig| config.plugin["chargeOn"] = json!(["2xx", "304"]);
    let stack = Stack::start(Options { change, ..Options::default() }).await?;
    let payer = stack.payer().await?;
    let mut held = 0;
    for (status, charged) in [(404, false), (200, true), (500, false), (304, true), (302, false)] {
        let path = format!("/premium/chosen?status={status}");
        let answer = stack.raw_get(&path, paying(&payer, held + PRICE)).await?;
        held += if charged { PRICE } else { 0 };
        assert_eq!(answer.status, status);
        assert_eq!(answer.header(header::SENDER_BALANCE), Some(held.to_string().as_str()), "{status}");
    }
    Ok(())
}
