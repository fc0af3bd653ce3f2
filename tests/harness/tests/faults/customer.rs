//! A good client: it keeps what it signed, believes only what it can verify, and repeats rather than pays again.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use uraiden_client::{Payer, proof_headers};
use uraiden_core::{TokenAmount, header};
use uraiden_harness::audit::{PayerBook, Serving};
use uraiden_harness::{ANSWER, Answer, send};

/// The pause after an answer that time will mend.
const PAUSE: Duration = Duration::from_millis(200);

/// How often a proof is repeated that the ledger holds and that was not served for: the filter takes a payment of
/// unknown outcome back at the next tick of a second.
pub(crate) const PATIENT: u32 = 15;

/// The book of a channel, which all of its connections write.
pub(crate) type Book = Arc<Mutex<PayerBook>>;

/// One connection's worth of a payer.
pub(crate) struct Customer {
    payer: Payer,
    book: Book,
    price: u64,
    /// The balance whose proof is sent next.
    offer: u64,
    /// How often the answer to it was that it is held already.
    replays: u32,
    patience: u32,
}

/// One request to be made.
pub(crate) struct Wish {
    pub(crate) method: &'static str,
    pub(crate) query: String,
    /// When the client goes away.
    pub(crate) leave_after: Option<Duration>,
}

impl Wish {
    pub(crate) fn calm() -> Self {
        Self { method: "GET", query: String::new(), leave_after: None }
    }
}

impl Customer {
    /// `patience` is how often a proof is repeated that is held already: [`PATIENT`], or 0 where others pay by the same
    /// channel.
    pub(crate) fn new(payer: Payer, book: Book, price: u64, patience: u32) -> Self {
        Self { payer, book, price, offer: price, replays: 0, patience }
    }

    /// Sends one request. `true` where it was served.
    ///
    /// # Errors
    ///
    /// Where an answer is one that no good server gives.
    pub(crate) async fn ask(&mut self, door: SocketAddr, wish: &Wish) -> Result<bool> {
        let proof = self.payer.proof(TokenAmount::new(self.offer));
        self.book().signed.insert(self.offer, proof.signature);
        let path = format!("/premium/faults?{}", wish.query);
        let answer = send(door, wish.method, &path, proof_headers(&proof), "");
        let answer = match wish.leave_after {
            None => answer.await,
            Some(after) => match tokio::time::timeout(after, answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.leave();
                    return Ok(false);
                }
            },
        };
        match answer {
            Ok(answer) => self.judge(&answer).await.with_context(|| describe(&answer)),
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                Ok(false)
            }
        }
    }

    /// Whoever goes away does not wait for a take-back.
    fn leave(&mut self) {
        self.book().left.push(self.offer);
        self.replays = self.patience;
    }

    async fn judge(&mut self, answer: &Answer) -> Result<bool> {
        if answer.status < 500
            && let Some(token) = answer.header(ANSWER)
        {
            let held = number(answer, header::SENDER_BALANCE)?;
            ensure!(
                held == Some(self.offer),
                "served for a proof of {}, and told another balance",
                self.offer
            );
            let serving = Serving { balance: self.offer, token: token.to_owned() };
            self.book().served.push(serving);
            self.go_on_from(self.offer);
            return Ok(true);
        }
        let held = number(answer, header::SENDER_BALANCE)?;
        match (answer.status, held) {
            (402, Some(held)) => {
                ensure!(held == 0 || self.is_proven(held, answer), "a balance that we did not sign");
                if held != self.offer {
                    self.go_on_from(held);
                } else if self.replays >= self.patience {
                    // Charged and not served, as far as we can find out.
                    self.go_on_from(held);
                } else {
                    self.replays += 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
            (402, None) => bail!("a payment of a known channel was refused"),
            (500.., Some(held)) if answer.text().contains("urn:uraiden:problem:credited") => {
                // The latest proof again: it is served from the credit.
                ensure!(self.book().signed.contains_key(&held), "a credit in a balance that we did not sign");
                self.offer = held;
            }
            // More were taken back in a row than the merchant allows.
            (500.., Some(held)) if held == self.offer => self.go_on_from(held),
            (500.., _) => tokio::time::sleep(PAUSE).await,
            _ => bail!("neither served, nor refused, nor broken"),
        }
        Ok(false)
    }

    fn go_on_from(&mut self, held: u64) {
        self.offer = held + self.price;
        self.replays = 0;
    }

    fn is_proven(&self, held: u64, answer: &Answer) -> bool {
        let shown = answer.header(header::BALANCE_SIGNATURE).and_then(|text| text.parse().ok());
        shown.is_some() && self.book().signed.get(&held).copied() == shown
    }

    fn book(&self) -> MutexGuard<'_, PayerBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(answer: &Answer, name: &str) -> Result<Option<u64>> {
    answer.header(name).map(|text| text.parse().with_context(|| format!("{name}: {text:?}"))).transpose()
}

fn describe(answer: &Answer) -> String {
    format!("{} {:?} {}", answer.status, answer.headers, answer.text())
}
