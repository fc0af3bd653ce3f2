//! Two Envoys on one sidecar, and many connections that race the same proof.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use uraiden_client::proof_headers;
use uraiden_core::TokenAmount;
use uraiden_harness::audit::{Interruptions, PayerBook, Serving, collect};
use uraiden_harness::{ANSWER, Answer, NO_HEADERS, Stack, send};

use crate::scene::{PRICE, options};

const CONNECTIONS: usize = 64;
const ROUNDS: u64 = 12;
const PATH: &str = "/premium/race";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_connections_to_two_envoys_with_the_same_proof_one_is_served() -> Result<()> {
    let stack = Stack::start(options()).await?;
    let mut second = stack.another_envoy("envoy-2").await?;
    let doors = [stack.envoy.address(), second.address()];
    until_open(second.address()).await?;
    let payer = stack.open_channels(1, TokenAmount::new(PRICE * 1000)).await?.remove(0);
    let mut book = PayerBook::default();
    for round in 1..=ROUNDS {
        let balance = round * PRICE;
        let proof = payer.proof(TokenAmount::new(balance));
        book.signed.insert(balance, proof.signature);
        // A call that was too slow on a busy machine is taken back; the proof is then good again.
        for attempt in 1.. {
            let served = race(&doors, &proof_headers(&proof)).await?;
            ensure!(served.len() <= 1, "round {round}: {} were served for one payment", served.len());
            if let Some(answer) = served.first() {
                book.served.push(serving(balance, answer)?);
                break;
            }
            ensure!(attempt < 10, "round {round}: nobody was served in {attempt} races");
        }
    }
    let report = collect(&stack, vec![(*payer.channel(), book)], Interruptions::default()).await?.audit();
    println!("two Envoys: {report}");
    assert!(report.passes(), "{report}");
    assert_eq!((report.figures.served, report.figures.durable), (ROUNDS, ROUNDS), "{report}");
    second.part().stop();
    Ok(())
}

/// Sends one proof by all connections at once, and answers what was served.
async fn race(doors: &[SocketAddr], headers: &[(&'static str, String)]) -> Result<Vec<Answer>> {
    let mut connections = JoinSet::new();
    for (number, door) in doors.iter().cycle().take(CONNECTIONS).enumerate() {
        let (door, headers) = (*door, headers.to_vec());
        let method = if number % 4 == 3 { "POST" } else { "GET" };
        connections.spawn(async move { send(door, method, PATH, headers, "").await });
    }
    let mut served = Vec::new();
    while let Some(answer) = connections.join_next().await {
        let answer = answer??;
        match answer.status {
            200 => served.push(answer),
            402 | 502 => {}
            other => anyhow::bail!("{other}: {}", answer.text()),
        }
    }
    Ok(served)
}

fn serving(balance: u64, answer: &Answer) -> Result<Serving> {
    let token = answer.header(ANSWER).context("an answer that is not the service's")?.to_owned();
    Ok(Serving { balance, token })
}

/// Until each worker of the second Envoy has heard from the sidecar.
async fn until_open(door: SocketAddr) -> Result<()> {
    let mut in_a_row = 0;
    for _ in 0..1000 {
        let open = send(door, "GET", PATH, NO_HEADERS, "").await?.status == 402;
        in_a_row = if open { in_a_row + 1 } else { 0 };
        if in_a_row == 32 {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    anyhow::bail!("the second Envoy did not open")
}
