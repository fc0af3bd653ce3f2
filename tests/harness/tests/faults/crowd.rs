//! Many customers at once.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::JoinSet;
use uraiden_client::Payer;
use uraiden_core::{ChannelId, TokenAmount};
use uraiden_harness::Stack;
use uraiden_harness::audit::PayerBook;

use crate::chance::Chance;
use crate::customer::{Book, Customer, PATIENT, Wish};
use crate::scene::PRICE;

/// Channels that one connection pays by, and channels that several connections race on.
const ALONE: usize = 8;
const RACED: usize = 3;
const RACERS: usize = 4;

/// All connections.
pub(crate) const IN_FLIGHT: u64 = 20;

/// How long a payer may be refused after everything is well again.
const STUCK: Duration = Duration::from_secs(30);

/// What the customers wish, each in so many of a hundred requests.
#[derive(Clone, Copy)]
pub(crate) struct Habits {
    pub(crate) posts: u64,
    /// The service answers 500 or 503, or resets the connection.
    pub(crate) failures: u64,
    /// The service does not answer before Envoy's timeout.
    pub(crate) hangs: u64,
    /// The client goes away within 40 ms.
    pub(crate) leaves: u64,
}

impl Default for Habits {
    fn default() -> Self {
        Self { posts: 25, failures: 3, hangs: 0, leaves: 0 }
    }
}

impl Habits {
    fn wish(self, chance: &mut Chance) -> Wish {
        let method = if chance.percent(self.posts) { "POST" } else { "GET" };
        let delay = format!("delayMs={}", chance.below(25));
        let query = if chance.percent(self.failures) {
            let failure = chance.one_of(&["status=500", "status=503", "reset"]);
            format!("{delay}&{failure}")
        } else if chance.percent(self.hangs) {
            "delayMs=3000".to_owned()
        } else {
            delay
        };
        let leave_after = chance.percent(self.leaves).then(|| Duration::from_micros(chance.below(40_000)));
        Wish { method, query, leave_after }
    }
}

/// The payers with their channels.
pub(crate) struct Crowd {
    channels: Vec<(Payer, Book)>,
}

/// Customers who are buying.
pub(crate) struct Shopping {
    stop: Arc<AtomicBool>,
    customers: JoinSet<Result<Customer>>,
    books: Vec<Book>,
}

impl Crowd {
    pub(crate) async fn open(stack: &Stack) -> Result<Self> {
        let deposit = TokenAmount::new(PRICE * 1_000_000);
        let payers = stack.open_channels(ALONE + RACED, deposit).await?;
        Ok(Self { channels: payers.into_iter().map(|payer| (payer, Book::default())).collect() })
    }

    /// Lets everybody buy through these doors until they are told to stop.
    pub(crate) fn shop(&self, doors: &[SocketAddr], habits: Habits, chance: &mut Chance) -> Shopping {
        let stop = Arc::new(AtomicBool::new(false));
        let mut customers = JoinSet::new();
        for (number, (payer, book)) in self.channels.iter().enumerate() {
            let (connections, patience) = if number < ALONE { (1, PATIENT) } else { (RACERS, 0) };
            for _ in 0..connections {
                let customer = Customer::new(payer.clone(), Arc::clone(book), PRICE, patience);
                customers.spawn(buy(customer, doors.to_vec(), habits, chance.fork(), Arc::clone(&stop)));
            }
        }
        let books = self.channels.iter().map(|(_, book)| Arc::clone(book)).collect();
        Shopping { stop, customers, books }
    }

    /// What everybody has noted.
    pub(crate) fn books(&self) -> Vec<(ChannelId, PayerBook)> {
        let copy = |book: &Book| book.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.channels.iter().map(|(payer, book)| (*payer.channel(), copy(book))).collect()
    }
}

async fn buy(
    mut customer: Customer,
    doors: Vec<SocketAddr>,
    habits: Habits,
    mut chance: Chance,
    stop: Arc<AtomicBool>,
) -> Result<Customer> {
    while !stop.load(Ordering::Relaxed) {
        let wish = habits.wish(&mut chance);
        customer.ask(chance.one_of(&doors), &wish).await?;
    }
    Ok(customer)
}

impl Shopping {
    /// Waits until so many more requests were served.
    pub(crate) async fn served(&self, more: usize) -> Result<()> {
        let wanted = self.count() + more;
        let deadline = Instant::now() + STUCK;
        while self.count() < wanted {
            if Instant::now() > deadline {
                bail!("{} of {wanted} requests were served after {STUCK:?}", self.count());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.books.iter().map(|book| book.lock().unwrap_or_else(PoisonError::into_inner).served.len()).sum()
    }

    /// Stops. Then each customer has to be served once more, from the state that it is told: nobody is stuck.
    pub(crate) async fn end(mut self, doors: &[SocketAddr]) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(customer) = self.customers.join_next().await {
            let mut customer = customer.context("a customer panicked")??;
            let deadline = Instant::now() + STUCK;
            let mut tries = doors.iter().cycle();
            while !customer.ask(*tries.next().expect("there is a door"), &Wish::calm()).await? {
                if Instant::now() > deadline {
                    bail!("a payer was not served for {STUCK:?} after everything was well again");
                }
            }
        }
        Ok(())
    }
}
