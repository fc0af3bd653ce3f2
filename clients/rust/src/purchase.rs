//! One request, until it is served or refused for good.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Request, StatusCode};
use tokio::time::{Instant, sleep};
use uraiden_core::TokenAmount;

use crate::charge::{Charge, Terms, shown_balance};
use crate::judge::{Missing, Next, judge};
use crate::session::{Asked, Memory, Resource};
use crate::{Chain, ChainError, Channel, Error, OnLost, Response, Session};

/// How many corrected payments one request may make: our balance, the price, and the receiver may each have changed.
const MAX_CORRECTIONS: u32 = 3;

pub(crate) struct Purchase<'a> {
    session: &'a Session,
    memory: &'a mut Memory,
    request: Request,
    resource: Resource,
    started: Instant,
    round_trips: u32,
    corrections: u32,
}

/// What one round trip of a payment led to.
enum Round {
    Served(Response),
    Refused(Charge),
}

impl<'a> Purchase<'a> {
    pub(crate) fn new(session: &'a Session, memory: &'a mut Memory, request: Request) -> Self {
        let resource = Resource::of(&request);
        let started = Instant::now();
        Self { session, memory, request, resource, started, round_trips: 0, corrections: 0 }
    }

    pub(crate) async fn run(mut self) -> Result<Response, Error> {
        let mut terms = match self.memory.asked(&self.resource) {
            Some(Asked::Payment(terms)) => terms,
            Some(Asked::Nothing) | None => match self.ask().await? {
                Round::Served(response) => return Ok(response),
                Round::Refused(charge) => charge.terms,
            },
        };
        let mut lost = TokenAmount::ZERO;
        loop {
            self.session.policy.check(&terms)?;
            let mut channel = self.channel(&terms).await?;
            let sent = self.balance_to_send(&mut channel, &terms).await?;
            let charge = match self.pay(&mut channel, sent, &terms).await? {
                Round::Served(response) => return Ok(response),
                Round::Refused(charge) => charge,
            };
            let same_parties =
                (charge.terms.contract, charge.terms.receiver) == (terms.contract, terms.receiver);
            terms = charge.terms.clone();
            self.memory.learn(&self.resource, Asked::Payment(terms.clone()));
            if !same_parties {
                self.correct()?;
                continue;
            }
            let young = channel.balance.is_none_or(TokenAmount::is_zero);
            let next = match judge(&self.session.payer(&channel), sent, young, &charge) {
                Err(Error::ChannelRefused { .. }) if self.is_over(&mut channel).await? => {
                    self.correct()?;
                    continue;
                }
                judged => judged?,
            };
            match next {
                Next::Repeat(missing) => self.pause(missing, &channel).await?,
                Next::Resume(balance) => {
                    self.correct()?;
                    self.adopt(&mut channel, balance)?;
                }
                Next::Lost => {
                    let amount = sent.checked_sub(channel.balance.unwrap_or_default()).unwrap_or(sent);
                    self.adopt(&mut channel, sent)?;
                    if self.session.policy.on_lost == OnLost::Stop || !lost.is_zero() {
                        return Err(Error::PaymentLost { amount });
                    }
                    lost = amount;
                }
            }
        }
    }

    /// Sends the request without a payment, to learn the price.
    async fn ask(&mut self) -> Result<Round, Error> {
        let http = self.send(HeaderMap::new()).await?;
        let round = self.answer(http, TokenAmount::ZERO).await?;
        self.memory.learn(
            &self.resource,
            match &round {
                Round::Served(_) => Asked::Nothing,
                Round::Refused(charge) => Asked::Payment(charge.terms.clone()),
            },
        );
        Ok(round)
    }

    /// Sends the request with the proof of `sent`, and notes what is certain after the answer.
    async fn pay(&mut self, channel: &mut Channel, sent: TokenAmount, terms: &Terms) -> Result<Round, Error> {
        // Before it leaves: after a crash or a lost answer this proof is sent again, and none above it.
        if !sent.is_zero() {
            channel.pending = Some(sent);
            self.session.keep(self.memory, channel)?;
        }
        let http = self.send(payment_headers(&self.session.payer(channel).headers(sent))).await?;
        let status = http.status();
        let shown = shown_balance(http.headers());
        let taken_back = shown.is_some() && shown == channel.balance;
        let paid = if taken_back { TokenAmount::ZERO } else { terms.price.amount() };
        let round = self.answer(http, paid).await?;
        // A server error may be followed by a take-back, or by a credit that the same proof uses up: it stays pending.
        if let Round::Served(_) = round
            && !status.is_server_error()
        {
            let held = if taken_back { channel.balance.unwrap_or_default() } else { sent };
            self.adopt(channel, held)?;
        }
        Ok(round)
    }

    async fn send(&mut self, payment: HeaderMap) -> Result<reqwest::Response, Error> {
        let mut request = self.request.try_clone().ok_or(Error::BodyNotRepeatable)?;
        request.headers_mut().extend(payment);
        self.round_trips += 1;
        Ok(self.session.http.execute(request).await?)
    }

    /// Tells the paywall's own answers from the service's, which show a balance where a payment was judged good.
    async fn answer(&self, http: reqwest::Response, paid: TokenAmount) -> Result<Round, Error> {
        let judged = http.headers().contains_key(uraiden_core::header::SENDER_BALANCE);
        match http.status() {
            StatusCode::PAYMENT_REQUIRED => Ok(Round::Refused(Charge::read(http.headers())?)),
            StatusCode::CONFLICT if !judged => Err(Error::Malformed { reason: reason(http).await }),
            StatusCode::BAD_GATEWAY if !judged => Err(Error::Unavailable { reason: reason(http).await }),
            StatusCode::SERVICE_UNAVAILABLE if !judged => {
                Err(Error::Busy { retry_after: retry_after(http.headers()), reason: reason(http).await })
            }
            _ => Ok(Round::Served(Response { http, paid, round_trips: self.round_trips })),
        }
    }

    /// The channel that pays: one that we know, one that the chain knows, or a new one.
    async fn channel(&mut self, terms: &Terms) -> Result<Channel, Error> {
        let sender = self.session.sender();
        if let Some(known) = self.memory.paying(sender, terms.contract, terms.receiver) {
            return Ok(known.clone());
        }
        let chain = self.session.chain()?;
        self.last_deposit(chain).await?;
        let token = chain.token(terms.contract).await?;
        if token != terms.token {
            return Err(ChainError::OtherToken { found: terms.token, expected: token }.into());
        }
        let first_block = self.session.policy.first_block;
        let channel = match chain.find_open(terms.contract, terms.receiver, first_block).await? {
            Some((id, deposit)) => Channel::found(id, deposit),
            None => {
                let price = terms.price;
                let deposit = self.session.policy.addition(TokenAmount::ZERO, price.amount(), price)?;
                let opened = chain.open(terms.contract, terms.receiver, deposit).await;
                let (id, mined) = self.note_unmined(opened)?;
                tracing::info!(channel = %id, %deposit, transaction = %mined.transaction, "channel opened");
                Channel::opened(id, deposit)
            }
        };
        self.session.keep(self.memory, &channel)?;
        Ok(channel)
    }

    /// The balance to sign: the pending one first, then one price above the last. Within the deposit, which is topped
    /// up for it. A channel whose balance is not known is asked with a proof of 0, which is worth nothing.
    async fn balance_to_send(&mut self, channel: &mut Channel, terms: &Terms) -> Result<TokenAmount, Error> {
        if let Some(pending) = channel.pending {
            return Ok(pending);
        }
        let Some(balance) = channel.balance else { return Ok(TokenAmount::ZERO) };
        let limit = self.session.policy.max_deposit;
        let next = balance
            .checked_add(terms.price.amount())
            .ok_or(Error::DepositAboveLimit { needed: TokenAmount::MAX, limit })?;
        if next > channel.deposit {
            self.top_up(channel, next, terms).await?;
        }
        Ok(next)
    }

    /// Makes the deposit cover `balance`, if the chain does not say that it does already.
    async fn top_up(
        &mut self,
        channel: &mut Channel,
        balance: TokenAmount,
        terms: &Terms,
    ) -> Result<(), Error> {
        let chain = self.session.chain()?;
        self.last_deposit(chain).await?;
        if let Some(info) = chain.info(&channel.id()).await? {
            channel.deposit = info.deposit;
        }
        if balance > channel.deposit {
            let added = self.session.policy.addition(channel.deposit, balance, terms.price)?;
            let topped_up = chain.top_up(&channel.id(), added).await;
            let mined = self.note_unmined(topped_up)?;
            tracing::info!(channel = %channel.id(), %added, transaction = %mined.transaction, "channel topped up");
            // Within the policy's limit, so within the range.
            channel.deposit = channel.deposit.checked_add(added).unwrap_or(TokenAmount::MAX);
        }
        self.session.keep(self.memory, channel)
    }

    /// Waits for a deposit that an earlier request gave up waiting for, so that none is made twice.
    async fn last_deposit(&mut self, chain: &Chain) -> Result<(), Error> {
        if let Some(transaction) = self.memory.unmined {
            match chain.wait_for(transaction).await {
                Ok(_) | Err(ChainError::Failed { .. }) => self.memory.unmined = None,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn note_unmined<T>(&mut self, result: Result<T, ChainError>) -> Result<T, Error> {
        if let Err(ChainError::NotMined { transaction, .. }) = &result {
            self.memory.unmined = Some(*transaction);
        }
        Ok(result?)
    }

    /// Whether the chain agrees that the channel has ended, be it by the receiver. It then pays no more.
    async fn is_over(&mut self, channel: &mut Channel) -> Result<bool, Error> {
        let Some(chain) = &self.session.chain else { return Ok(false) };
        let open = chain.info(&channel.id()).await?.is_some_and(|info| info.settle_block.is_none());
        if !open {
            channel.closing = true;
            self.session.keep(self.memory, channel)?;
        }
        Ok(!open)
    }

    /// The server holds this balance, and nothing is pending any more.
    fn adopt(&mut self, channel: &mut Channel, balance: TokenAmount) -> Result<(), Error> {
        channel.balance = Some(balance);
        channel.pending = None;
        self.session.keep(self.memory, channel)
    }

    fn correct(&mut self) -> Result<(), Error> {
        self.corrections += 1;
        if self.corrections > MAX_CORRECTIONS {
            return Err(Error::Endless { corrections: MAX_CORRECTIONS });
        }
        Ok(())
    }

    async fn pause(&self, missing: Missing, channel: &Channel) -> Result<(), Error> {
        let waited = self.started.elapsed();
        if waited <= self.session.policy.max_wait {
            sleep(self.session.policy.poll).await;
            return Ok(());
        }
        Err(match missing {
            Missing::Opening => Error::ChannelRefused { channel: channel.id() },
            Missing::Confirmations => Error::NotConfirmed { what: "channel", waited },
            Missing::Deposit => Error::NotConfirmed { what: "deposit", waited },
        })
    }
}

/// Our headers as the transport wants them.
pub(crate) fn payment_headers(headers: &[(&'static str, String); 6]) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("the protocol's names are header names");
            (name, HeaderValue::from_str(value).expect("addresses, numbers and hex are header values"))
        })
        .collect()
}

/// The server's words: the detail of a problem document, else the start of the body.
pub(crate) async fn reason(http: reqwest::Response) -> String {
    let Ok(body) = http.text().await else { return "(its reason did not arrive)".to_owned() };
    let detail = serde_json::from_str::<serde_json::Value>(&body)
        .ok()
        .and_then(|problem| Some(problem.get("detail")?.as_str()?.to_owned()));
    detail.unwrap_or_else(|| body.chars().take(200).collect())
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}
