//! The sidecar is killed between the closing mark, the signature of the agreement and the answer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::task::JoinSet;
use uraiden_client::{Payer, proof_headers};
use uraiden_core::{ClosingAgreement, Signature, TokenAmount, header};
use uraiden_harness::audit::{Interruptions, PayerBook, Serving, collect};
use uraiden_harness::{ANSWER, Answer, NO_HEADERS, Stack, send};

use crate::chance::Chance;
use crate::scene::{PRICE, options};

const ROUNDS: usize = 4;
/// Channels that are closed in one round.
const CLOSED: usize = 5;

/// A channel, and what its payer has noted.
struct Closer {
    payer: Payer,
    book: PayerBook,
    held: u64,
    agreement: Option<Signature>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agreement_that_left_the_sidecar_is_the_last_word_on_a_channel() -> Result<()> {
    let mut chance = Chance::of("closing killed");
    let mut stack = Stack::start(options()).await?;
    let payers = stack.open_channels(ROUNDS * CLOSED, TokenAmount::new(PRICE * 1000)).await?;
    let mut closers: Vec<_> = payers.into_iter().map(Closer::new).collect();
    for round in closers.chunks_mut(CLOSED) {
        for closer in round.iter_mut() {
            ensure!(closer.pay(&stack).await?, "the first payment was not served");
        }
        close_all_and_kill(&mut stack, round, &mut chance).await?;
        stack.sidecar.restart().await?;
        until_open(&stack).await?;
        for closer in round {
            closer.come_to_an_end(&stack, &mut chance).await?;
        }
    }
    let books = closers.into_iter().map(|closer| (*closer.payer.channel(), closer.book)).collect();
    let report = collect(&stack, books, Interruptions::default()).await?.audit();
    println!("closing killed: {report}");
    assert!(report.passes(), "{report}");
    Ok(())
}

/// Asks for all agreements at once, and kills the sidecar meanwhile.
async fn close_all_and_kill(stack: &mut Stack, closers: &mut [Closer], chance: &mut Chance) -> Result<()> {
    let door = stack.sidecar.public();
    let mut calls = JoinSet::new();
    for (number, closer) in closers.iter().enumerate() {
        let (payer, held, mut chance) = (Arc::new(closer.payer.clone()), closer.held, chance.fork());
        calls.spawn(async move {
            chance.wait(Duration::from_millis(10)).await;
            (number, close(door, &payer, held).await)
        });
    }
    chance.wait(Duration::from_millis(14)).await;
    stack.sidecar.part().kill();
    while let Some(call) = calls.join_next().await {
        // A call that broke off says nothing.
        if let (number, Ok(answer)) = call? {
            ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
            closers[number].agree(&answer)?;
        }
    }
    Ok(())
}

impl Closer {
    fn new(payer: Payer) -> Self {
        Self { payer, book: PayerBook::default(), held: 0, agreement: None }
    }

    /// Pays once. `false` where the channel takes no payments any more.
    async fn pay(&mut self, stack: &Stack) -> Result<bool> {
        let balance = self.held + PRICE;
        let proof = self.payer.proof(TokenAmount::new(balance));
        self.book.signed.insert(balance, proof.signature);
        for _ in 0..50 {
            let answer = stack.raw_get("/premium/closing", proof_headers(&proof)).await?;
            match (answer.status, answer.header(ANSWER)) {
                (200, Some(token)) => {
                    self.book.served.push(Serving { balance, token: token.to_owned() });
                    self.held = balance;
                    return Ok(true);
                }
                (402, _) if answer.header(header::NONEXISTING_CHANNEL).is_some() => return Ok(false),
                (402 | 502 | 503, _) => tokio::time::sleep(Duration::from_millis(100)).await,
                _ => bail!("{}: {}", answer.status, answer.text()),
            }
        }
        bail!("the payment was neither served nor refused")
    }

    /// Notes an agreement, which has to be the receiver's, at the balance that was asked for, and the same each time.
    fn agree(&mut self, answer: &Answer) -> Result<()> {
        let text = answer.json()?;
        let signature =
            text["close_signature"].as_str().context("no close_signature")?.parse::<Signature>()?;
        let balance = TokenAmount::new(self.held);
        let agreement = ClosingAgreement { channel: *self.payer.channel(), balance, signature };
        ensure!(agreement.is_by_receiver(), "an agreement that the receiver did not sign");
        ensure!(self.agreement.is_none_or(|before| before == signature), "two agreements for one channel");
        self.agreement = Some(signature);
        Ok(())
    }

    /// After the restart: where an agreement is out nothing can be paid any more, and else the channel is open at the
    /// same balance or closing at it. In the end it is closed.
    async fn come_to_an_end(&mut self, stack: &Stack, chance: &mut Chance) -> Result<()> {
        let id = self.payer.channel();
        let path = format!("/api/1/channels/{}/{}", id.sender, id.open_block);
        let state: Value = send(stack.sidecar.public(), "GET", &path, NO_HEADERS, "").await?.json()?;
        ensure!(
            state["balance"].as_u64() == Some(self.held),
            "the balance is no more {}: {state}",
            self.held
        );
        if chance.percent(60) {
            let paid = self.pay(stack).await?;
            ensure!(!(paid && self.agreement.is_some()), "a payment after an agreement");
        }
        let answer = close(stack.sidecar.public(), &self.payer, self.held).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        self.agree(&answer)?;
        ensure!(!self.pay(stack).await?, "a payment after the agreement");
        let other = close(stack.sidecar.public(), &self.payer, self.held + PRICE).await?;
        ensure!(other.status == 400, "an agreement at another balance: {} {}", other.status, other.text());
        Ok(())
    }
}

async fn close(door: std::net::SocketAddr, payer: &Payer, balance: u64) -> Result<Answer> {
    let id = payer.channel();
    let path = format!("/api/1/channels/{}/{}", id.sender, id.open_block);
    let mut headers = proof_headers(&payer.proof(TokenAmount::new(balance))).to_vec();
    headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
    send(door, "DELETE", &path, headers, format!("balance={balance}")).await
}

async fn until_open(stack: &Stack) -> Result<()> {
    for _ in 0..400 {
        if stack.raw_get("/premium/closing", NO_HEADERS).await?.status == 402 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the paywall did not open again")
}
