//! A flood of payments on channels that do not exist: each is signed by a key of its own and has to be looked up.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use uraiden_harness::{Connection, Flood, Options, Stack};

use crate::fixture::{PRICE, paying};

const PATH: &str = "/premium/flood";

/// How long a new, honest channel may wait for its first paid answer.
const BOUND: Duration = Duration::from_secs(5);

/// More than one place may have waiting on Envoy's two workers.
const CONNECTIONS: usize = 200;

#[tokio::test]
async fn a_new_channel_is_paid_within_five_seconds_during_a_flood() -> Result<()> {
    let stack = Stack::start(Options::default()).await?;
    let newcomers = [stack.payer().await?, stack.payer().await?, stack.payer().await?];
    let (known, to) = (stack.payer().await?, stack.envoy.address());
    let mut kept = Connection::open(Ipv4Addr::LOCALHOST, to).await?;
    assert_eq!(kept.get(PATH, paying(&known, PRICE)).await?, 200);

    let flood = Flood::MadeUp.start(&stack, PATH, CONNECTIONS, Duration::ZERO);
    let begun = Instant::now();
    while flood.busy() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the flood never met its bound");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for newcomer in newcomers {
        let asked = Instant::now();
        let mut elsewhere = Connection::open(Ipv4Addr::new(127, 0, 0, 2), to).await?;
        loop {
            match elsewhere.get(PATH, paying(&newcomer, PRICE)).await? {
                200 => break,
                503 => tokio::time::sleep(Duration::from_millis(100)).await,
                other => bail!("the newcomer was answered {other}"),
            }
            assert!(asked.elapsed() < BOUND, "no paid answer within {BOUND:?}");
        }
        assert!(asked.elapsed() < BOUND, "paid after {:?}", asked.elapsed());
    }
    // Whom a worker knows it does not ask about again, wherever the flood comes from.
    for payment in 2..=10 {
        assert_eq!(kept.get(PATH, paying(&known, payment * PRICE)).await?, 200);
    }
    assert!(flood.refused() > 0, "some of it was looked up");
    flood.stop().await?;
    assert_eq!(stack.upstream().seen(PATH), 13);
    Ok(())
}
