//! The protocol's table of answers, row by row.

use anyhow::Result;
use uraiden_client::PrivateKeySigner;
use uraiden_core::{Address, TokenAmount, header};
use uraiden_harness::{NO_HEADERS, Options, Stack};

use crate::fixture::{
    PRICE, assert_error, assert_no_state, assert_terms, headers_of, paying, problem, stack, with,
};

#[tokio::test]
async fn row_1_a_free_resource_is_served_with_nothing_added() -> Result<()> {
    let stack = stack().await?;
    let answer = stack.raw_get("/free", NO_HEADERS).await?;
    assert_eq!(answer.status, 200);
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("rdn-")), "{:?}", answer.headers);
    Ok(())
}

#[tokio::test]
async fn row_3_what_cannot_be_read_is_409_and_names_the_header() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let good = paying(&payer, PRICE);
    let wrong_checksum = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293Bc";
    for (name, value) in [
        (header::CONTRACT_ADDRESS, "0x12"),
        (header::RECEIVER_ADDRESS, "nobody"),
        (header::SENDER_ADDRESS, wrong_checksum),
        (header::SENDER_BALANCE, "-1000"),
        (header::SENDER_BALANCE, "1e3"),
        (header::SENDER_BALANCE, "6277101735386680763835789423207666416102355444464034512896"),
        (header::BALANCE, "1001"),
        (header::OPEN_BLOCK, "4294967296"),
        (header::PAYMENT, "1_000"),
        (header::PRICE, "free"),
        (header::BALANCE_SIGNATURE, "0x1234"),
        (header::BALANCE_SIGNATURE, &format!("0x{}25", "11".repeat(64))),
    ] {
        let answer = stack.raw_get("/premium/row-3", with(good.clone(), name, value)).await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (409, "malformed-payment"), "{name}: {value}");
        assert!(answer.text().contains(name), "{name}: {}", answer.text());
    }
    for (name, value) in &good {
        let twice = [good.clone(), vec![(name.clone(), value.clone())]].concat();
        assert_eq!(stack.raw_get("/premium/row-3", twice).await?.status, 409, "{name} twice");
    }
    for missing in [header::SENDER_ADDRESS, header::OPEN_BLOCK, header::SENDER_BALANCE] {
        let left: Vec<_> = good.iter().filter(|(name, _)| name != missing).cloned().collect();
        assert_eq!(left.len() + 1, good.len());
        assert_eq!(stack.raw_get("/premium/row-3", left).await?.status, 409, "without {missing}");
    }
    assert_eq!(stack.upstream().seen("/premium/row-3"), 0);
    // Nothing of all that hurt the payment itself.
    assert_eq!(stack.raw_get("/premium/row-3", good).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn row_4_without_a_signature_the_terms_are_told() -> Result<()> {
    let stack = stack().await?;
    let answer = stack.raw_get("/premium/row-4", NO_HEADERS).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (402, "payment-required"));
    assert_terms(stack, &answer, PRICE);
    assert_error(&answer, None);
    assert_no_state(&answer);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(stack.upstream().seen("/premium/row-4"), 0);
    Ok(())
}

#[tokio::test]
async fn row_5_a_payment_to_someone_else_is_told_the_terms_only() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let stranger = Address([7; 20]).to_string();
    for name in [header::CONTRACT_ADDRESS, header::RECEIVER_ADDRESS] {
        let answer = stack.raw_get("/premium/row-5", with(paying(&payer, PRICE), name, &stranger)).await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (402, "other-party"));
        assert_terms(stack, &answer, PRICE);
        assert_error(&answer, None);
        assert_no_state(&answer);
    }
    Ok(())
}

#[tokio::test]
async fn row_6_an_unconfirmed_channel_is_told_how_many_blocks_are_missing() -> Result<()> {
    let stack = Stack::start(Options { confirmations: 3, ..Options::default() }).await?;
    let account = stack.account().await?;
    let id = stack.open_unconfirmed(&account, TokenAmount::new(10 * PRICE)).await?;
    let payer = uraiden_client::Payer::new(account.signer.clone(), id.contract, id.receiver, id.open_block);
    for missing in ["3", "2", "1"] {
        let answer = until(&stack, &payer, |answer| {
            answer.header(header::INSUFFICIENT_CONFIRMATIONS) == Some(missing)
        })
        .await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (402, "insufficient-confirmations"));
        assert_error(&answer, Some((header::INSUFFICIENT_CONFIRMATIONS, missing)));
        assert_no_state(&answer);
        stack.chain.mine(1).await?;
    }
    until(&stack, &payer, |answer| answer.status == 200).await?;
    assert_eq!(stack.upstream().seen("/premium/row-6"), 1);
    Ok(())
}

/// Sends the same payment until the answer is as wanted: the sidecar takes a moment to see a block.
async fn until(
    stack: &Stack,
    payer: &uraiden_client::Payer,
    wanted: impl Fn(&uraiden_harness::Answer) -> bool,
) -> Result<uraiden_harness::Answer> {
    for _ in 0..200 {
        let answer = stack.raw_get("/premium/row-6", paying(payer, PRICE)).await?;
        if wanted(&answer) {
            return Ok(answer);
        }
        assert_eq!(answer.status, 402, "{}", answer.text());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("not within 10 s")
}

#[tokio::test]
async fn row_7_a_channel_that_does_not_exist_or_is_closing_takes_no_payment() -> Result<()> {
    let stack = stack().await?;
    let nobody = uraiden_client::Payer::new(
        PrivateKeySigner::random(),
        stack.contract(),
        stack.receiver(),
        uraiden_core::BlockNumber(1),
    );
    let answer = stack.raw_get("/premium/row-7", paying(&nobody, PRICE)).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (402, "no-such-channel"));
    assert_error(&answer, Some((header::NONEXISTING_CHANNEL, "1")));
    assert_no_state(&answer);

    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/row-7", paying(&payer, PRICE)).await?.status, 200);
    let channel = payer.channel();
    let path = format!("/api/1/channels/{}/{}", channel.sender, channel.open_block);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(stack.raw("DELETE", &path, form, format!("balance={PRICE}")).await?.status, 200);
    for balance in [PRICE, 2 * PRICE] {
        let answer = stack.raw("POST", "/premium/row-7", paying(&payer, balance), "").await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (402, "channel-closed"));
        assert_error(&answer, Some((header::NONEXISTING_CHANNEL, "1")));
        assert_no_state(&answer);
    }
    assert_eq!(stack.upstream().seen("/premium/row-7"), 1);
    Ok(())
}

#[tokio::test]
async fn row_8_a_stranger_never_sees_what_we_hold() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    assert_eq!(stack.raw_get("/premium/row-8", paying(&payer, PRICE)).await?.status, 200);
    let channel = *payer.channel();
    let thief = uraiden_client::Payer::new(
        PrivateKeySigner::random(),
        channel.contract,
        channel.receiver,
        channel.open_block,
    );
    for balance in [0, PRICE, 2 * PRICE, 1_000_000 * PRICE] {
        let mut forged = thief.proof(TokenAmount::new(balance));
        forged.channel = channel;
        let answer = stack.raw_get("/premium/row-8", headers_of(&forged)).await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (402, "wrong-signer"), "{balance}");
        assert_error(&answer, Some((header::INVALID_BALANCE_PROOF, "1")));
        assert_no_state(&answer);
    }
    assert_eq!(stack.upstream().seen("/premium/row-8"), 1);
    Ok(())
}

#[tokio::test]
async fn row_9_a_replay_is_told_our_state_and_no_error() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    let probe = stack.raw_get("/premium/row-9", paying(&payer, 0)).await?;
    assert_eq!((probe.status, problem(&probe).as_str()), (402, "replay"), "a probe for our state");
    assert_eq!(probe.header(header::SENDER_BALANCE), Some("0"));
    assert_eq!(probe.header(header::BALANCE_SIGNATURE), None);

    assert_eq!(stack.raw_get("/premium/row-9", paying(&payer, PRICE)).await?.status, 200);
    let answer = stack.raw_get("/premium/row-9", paying(&payer, PRICE)).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (402, "replay"));
    assert_terms(stack, &answer, PRICE);
    assert_error(&answer, None);
    assert_eq!(answer.header(header::SENDER_ADDRESS), Some(payer.channel().sender.to_string().as_str()));
    assert_eq!(answer.header(header::SENDER_BALANCE), Some("1000"));
    let signature = payer.proof(TokenAmount::new(PRICE)).signature.to_string();
    assert_eq!(answer.header(header::BALANCE_SIGNATURE), Some(signature.as_str()));
    assert_eq!(stack.upstream().seen("/premium/row-9"), 1);
    Ok(())
}

#[tokio::test]
async fn row_10_anything_but_the_price_is_an_invalid_amount_with_our_state() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    for balance in [PRICE, 2 * PRICE] {
        assert_eq!(stack.raw_get("/premium/row-10", paying(&payer, balance)).await?.status, 200);
    }
    let named = with(paying(&payer, 3 * PRICE), header::PAYMENT, "999");
    for headers in [0, 1, PRICE, 3 * PRICE - 1, 3 * PRICE + 1, 4 * PRICE]
        .map(|balance| paying(&payer, balance))
        .into_iter()
        .chain([named])
    {
        let answer = stack.raw_get("/premium/row-10", headers.clone()).await?;
        assert_eq!((answer.status, problem(&answer).as_str()), (402, "invalid-amount"), "{headers:?}");
        assert_error(&answer, Some((header::INVALID_AMOUNT, "1")));
        assert_eq!(answer.header(header::SENDER_BALANCE), Some("2000"));
        assert!(answer.header(header::BALANCE_SIGNATURE).is_some());
    }
    assert_eq!(stack.upstream().seen("/premium/row-10"), 2);
    Ok(())
}

#[tokio::test]
async fn row_11_a_balance_above_the_deposit_waits_for_a_top_up() -> Result<()> {
    let stack = stack().await?;
    let account = stack.account().await?;
    let payer = stack.open_channel(&account, TokenAmount::new(PRICE + 1)).await?;
    assert_eq!(stack.raw_get("/premium/row-11", paying(&payer, PRICE)).await?.status, 200);
    let answer = stack.raw_get("/premium/row-11", paying(&payer, 2 * PRICE)).await?;
    assert_eq!((answer.status, problem(&answer).as_str()), (402, "over-deposit"));
    assert_error(&answer, Some((header::INVALID_BALANCE_PROOF, "1")));
    assert_eq!(answer.header(header::SENDER_BALANCE), Some("1000"));
    assert_eq!(stack.upstream().seen("/premium/row-11"), 1);
    Ok(())
}

#[tokio::test]
async fn row_12_the_exact_price_is_served() -> Result<()> {
    let stack = stack().await?;
    let payer = stack.payer().await?;
    for (payments, balance) in [(1, "1000"), (2, "2000"), (3, "3000")] {
        let answer = stack.raw_get("/premium/row-12", paying(&payer, balance.parse()?)).await?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_terms(stack, &answer, PRICE);
        assert_error(&answer, None);
        assert_eq!(answer.header(header::SENDER_BALANCE), Some(balance));
        assert_eq!(answer.header(header::COST), Some("1000"));
        assert_eq!(answer.header("cache-control"), Some("private"));
        assert_eq!(stack.upstream().seen("/premium/row-12"), payments);
    }
    Ok(())
}
