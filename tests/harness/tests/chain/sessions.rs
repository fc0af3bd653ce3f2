//! Channels of the Rust client on a real chain: opened, topped up, found again, closed in both ways.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::sync::OnceCell;
use uraiden_client::{ChainError, Channel, Deposit, Error, JsonFile, Policy, Session};
use uraiden_core::{Address, TokenAmount};
use uraiden_harness::{Options, Stack};

/// Blocks come by themselves, as sessions wait for confirmations. One stack for all scenes that do not stop a part of it.
async fn stack() -> Result<&'static Stack> {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_try_init(|| Stack::start(options())).await
}

fn options() -> Options {
    Options { block_time: Some(Duration::from_millis(300)), price: amount(10), ..Options::default() }
}

/// Deposits of 20 up to 50, at 10 a request.
fn policy() -> Policy {
    Policy {
        deposit: Deposit::Payments(2),
        poll: Duration::from_millis(100),
        ..Policy::new(amount(10), amount(50))
    }
}

#[tokio::test]
async fn a_session_opens_tops_up_to_its_limit_and_closes() -> Result<()> {
    let stack = stack().await?;
    let account = stack.account_with(amount(1000)).await?;
    let session = stack.session(&account, policy())?;
    let got_before = tokens(stack, stack.receiver()).await?;

    let mut round_trips = Vec::new();
    for _ in 0..5 {
        let response = session.get(stack.url("/premium/top-up")).await?;
        assert_eq!((response.http.status().as_u16(), response.paid), (200, amount(10)));
        round_trips.push(response.round_trips);
    }
    // The second and the fourth payment are covered by a confirmed deposit: one round trip.
    assert_eq!((round_trips[1], round_trips[3]), (1, 1), "{round_trips:?}");
    assert_eq!(stack.upstream().seen("/premium/top-up"), 5);
    let refused = session.get(stack.url("/premium/top-up")).await.unwrap_err();
    assert!(matches!(refused, Error::DepositAboveLimit { .. }), "{refused}");

    let id = only_channel(&session).await?.id();
    let settlement = session.close_cooperatively(&stack.gateway(), &id).await?;
    assert_eq!((settlement.balance, settlement.receiver_tokens), (amount(50), amount(50)));
    assert_eq!(tokens(stack, account.address).await?, 950);
    assert!(tokens(stack, stack.receiver()).await? >= got_before + 50);

    // The next request opens another channel.
    assert_eq!(session.get(stack.url("/premium/top-up")).await?.paid, amount(10));
    assert_eq!(session.channels().await.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_session_without_memory_finds_its_channel_and_asks_for_the_balance() -> Result<()> {
    let stack = stack().await?;
    let account = stack.account_with(amount(1000)).await?;
    let first = stack.session(&account, policy())?;
    first.get(stack.url("/premium/found")).await?;

    let second = stack.session(&account, policy())?;
    let response = second.get(stack.url("/premium/found")).await?;
    // The price, the balance, the payment.
    assert_eq!((response.round_trips, response.paid), (3, amount(10)));
    let (old, new) = (only_channel(&first).await?, only_channel(&second).await?);
    assert_eq!((new.id(), new.balance), (old.id(), Some(amount(20))));
    assert_eq!(stack.upstream().seen("/premium/found"), 2);
    Ok(())
}

#[tokio::test]
async fn a_session_goes_on_from_its_file() -> Result<()> {
    let stack = stack().await?;
    let account = stack.account_with(amount(1000)).await?;
    let file = stack.logs().join("payer.json");
    let session = || -> Result<Session> {
        let builder = Session::builder(account.signer.clone(), policy()).store(JsonFile::open(&file)?);
        Ok(builder.rpc_url(stack.chain.rpc_url()).build()?)
    };
    session()?.get(stack.url("/premium/file")).await?;
    let response = session()?.get(stack.url("/premium/file")).await?;
    // The price, then the payment on top of the known balance.
    assert_eq!((response.round_trips, response.paid), (2, amount(10)));
    Ok(())
}

#[tokio::test]
async fn a_channel_that_the_chain_has_ended_is_replaced() -> Result<()> {
    let stack = stack().await?;
    let account = stack.account_with(amount(1000)).await?;
    let session = stack.session(&account, policy())?;
    session.get(stack.url("/premium/ended")).await?;
    let id = only_channel(&session).await?.id();

    // Behind the session's back.
    let other = stack.session(&account, policy())?;
    other.get(stack.url("/premium/ended")).await?;
    other.close_cooperatively(&stack.gateway(), &id).await?;

    assert_eq!(session.get(stack.url("/premium/ended")).await?.paid, amount(10));
    let open: Vec<_> = session.channels().await.into_iter().filter(|channel| !channel.closing).collect();
    assert!(matches!(&open[..], [channel] if channel.id() != id), "{open:?}");
    Ok(())
}

#[tokio::test]
async fn a_sender_alone_closes_after_the_challenge_period() -> Result<()> {
    let stack = stack().await?;
    let account = stack.account_with(amount(1000)).await?;
    let session = stack.session(&account, policy())?;
    session.get(stack.url("/premium/alone")).await?;
    let id = only_channel(&session).await?.id();

    session.close_uncooperatively(&id).await?;
    let early = session.settle(&id).await.unwrap_err();
    assert!(matches!(early, Error::Chain(ChainError::Reverted { .. })), "{early}");
    stack.chain.mine(500).await?;
    let settlement = session.settle(&id).await?;
    assert_eq!(settlement.balance, amount(10));
    assert_eq!(tokens(stack, account.address).await?, 990);
    Ok(())
}

#[tokio::test]
async fn a_deposit_that_is_late_is_not_made_twice() -> Result<()> {
    let stack = Stack::start(Options { block_time: None, ..options() }).await?;
    let account = stack.account_with(amount(1000)).await?;
    let policy = Policy { max_wait: Duration::from_secs(1), ..policy() };
    let session = stack.session(&account, policy)?;

    stack.chain.rpc("evm_setAutomine", json!([false])).await?;
    for _ in 0..2 {
        let late = session.get(stack.url("/premium/late")).await.unwrap_err();
        assert!(matches!(late, Error::Chain(ChainError::NotMined { .. })), "{late}");
    }
    stack.chain.mine(2).await?;

    assert_eq!(session.get(stack.url("/premium/late")).await?.paid, amount(10));
    assert_eq!(tokens(&stack, stack.contract()).await?, 20);
    Ok(())
}

#[tokio::test]
async fn a_payment_survives_a_sidecar_that_is_killed() -> Result<()> {
    let mut stack = Stack::start(options()).await?;
    let account = stack.account_with(amount(1000)).await?;
    let session = stack.session(&account, policy())?;
    session.get(stack.url("/premium/killed")).await?;

    stack.sidecar.part().kill();
    let refused = session.get(stack.url("/premium/killed")).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
    stack.sidecar.restart().await?;

    assert_eq!(until_served(&session, &stack).await?, amount(10));
    assert_eq!(only_channel(&session).await?.balance, Some(amount(20)));
    // The refused request is a safe one, so it may have run before it was known that nobody could record its payment.
    assert!((2..=3).contains(&stack.upstream().seen("/premium/killed")));
    Ok(())
}

/// The filter takes a moment to hear from a sidecar that is back.
async fn until_served(session: &Session, stack: &Stack) -> Result<TokenAmount> {
    for _ in 0..100 {
        match session.get(stack.url("/premium/killed")).await {
            Ok(response) => return Ok(response.paid),
            Err(Error::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => return Err(error.into()),
        }
    }
    bail!("the paywall did not find the sidecar again within 10 s")
}

async fn only_channel(session: &Session) -> Result<Channel> {
    let [channel] = <[Channel; 1]>::try_from(session.channels().await).ok().context("not one channel")?;
    Ok(channel)
}

async fn tokens(stack: &Stack, account: Address) -> Result<u64> {
    let tokens = stack.chain.chain().token_balance(stack.token(), account).await?;
    Ok(u64::try_from(tokens)?)
}

fn amount(units: u64) -> TokenAmount {
    TokenAmount::new(units)
}
