//! The protocol's table of answers, row by row, against the real Envoy and a real chain.

use anyhow::Result;
use tokio::sync::OnceCell;
use uraiden_core::{TokenAmount, header};
use uraiden_harness::{NO_HEADERS, Options, Stack};

/// One stack for all scenes that do not stop a part of it; each scene has a payer and a path of its own.
async fn stack() -> Result<&'static Stack> {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_try_init(|| Stack::start(Options::default())).await
}

const ERRORS: [&str; 4] = [
    header::INSUFFICIENT_CONFIRMATIONS,
    header::NONEXISTING_CHANNEL,
    header::INVALID_BALANCE_PROOF,
    header::INVALID_AMOUNT,
];

#[tokio::test]
async fn row_4_without_a_signature_the_terms_are_told() -> Result<()> {
    let stack = stack().await?;
    let answer = stack.raw_get("/premium/row-4", NO_HEADERS).await?;
    assert_eq!(answer.status, 402, "{}", answer.text());
    assert_eq!(answer.header(header::PRICE), Some("1000"));
    assert_eq!(answer.header(header::CONTRACT_ADDRESS), Some(stack.contract().to_string().as_str()));
    assert_eq!(answer.header(header::RECEIVER_ADDRESS), Some(stack.receiver().to_string().as_str()));
    assert_eq!(answer.header(header::TOKEN_ADDRESS), Some(stack.token().to_string().as_str()));
    assert_eq!(answer.header(header::GATEWAY_PATH), Some("/api/1"));
    assert_eq!(ERRORS.map(|error| answer.header(error)), [None; 4]);
    assert_eq!(stack.upstream().seen("/premium/row-4"), 0);
    Ok(())
}

#[tokio::test]
async fn row_9_a_replay_is_told_our_state_and_no_error() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let first = payer.headers(TokenAmount::new(1000));
    assert_eq!(stack.raw_get("/premium/row-9", first.clone()).await?.status, 200);

    let answer = stack.raw_get("/premium/row-9", first.clone()).await?;
    assert_eq!(answer.status, 402, "{}", answer.text());
    assert_eq!(answer.header(header::SENDER_ADDRESS), Some(payer.channel().sender.to_string().as_str()));
    assert_eq!(answer.header(header::SENDER_BALANCE), Some("1000"));
    let signature = payer.proof(TokenAmount::new(1000)).signature.to_string();
    assert_eq!(answer.header(header::BALANCE_SIGNATURE), Some(signature.as_str()));
    assert_eq!(ERRORS.map(|error| answer.header(error)), [None; 4]);
    assert_eq!(stack.upstream().seen("/premium/row-9"), 1);
    Ok(())
}

#[tokio::test]
async fn row_12_the_exact_price_is_served() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    for (payments, balance) in [(1, "1000"), (2, "2000"), (3, "3000")] {
        let answer = stack.raw_get("/premium/row-12", payer.headers(balance.parse()?)).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header(header::SENDER_BALANCE), Some(balance));
        assert_eq!(answer.header(header::COST), Some("1000"));
        assert_eq!(answer.header(header::PRICE), Some("1000"));
        assert_eq!(stack.upstream().seen("/premium/row-12"), payments);
    }
    Ok(())
}
