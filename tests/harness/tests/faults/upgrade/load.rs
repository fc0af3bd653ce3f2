//! Strangers who ask for what is free and payers who buy, until they are told to stop.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use uraiden_core::{ChannelId, TokenAmount};
use uraiden_harness::audit::PayerBook;
use uraiden_harness::{NO_HEADERS, Stack, send};

use crate::customer::{Book, Customer, PATIENT, Wish};
use crate::scene::PRICE;

/// How many ask at a time for what is free, and how many buy.
const STRANGERS: usize = 4;
const PAYERS: usize = 8;

/// The pause of a stranger between two requests.
const PAUSE: Duration = Duration::from_millis(5);

/// So many more are served, of either kind, before the load is said to go on.
const SOME: u64 = 150;

/// How long that may take.
const STUCK: Duration = Duration::from_secs(30);

/// What became of the requests.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) free: AtomicU64,
    pub(super) free_failed: AtomicU64,
    pub(super) served: AtomicU64,
    pub(super) not_served: AtomicU64,
    /// The longest that a payer went on asking until it was served, in milliseconds.
    pub(super) longest_wait: AtomicU64,
}

/// Everybody who asks.
pub(super) struct Load {
    pub(super) counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    strangers: JoinSet<()>,
    payers: JoinSet<Result<()>>,
    books: Vec<(ChannelId, Book)>,
}

impl Load {
    pub(super) async fn start(stack: &Stack) -> Result<Self> {
        let (counts, stop) = (Arc::<Counts>::default(), Arc::<AtomicBool>::default());
        let (mut strangers, mut payers, mut books) = (JoinSet::new(), JoinSet::new(), Vec::new());
        let doors = stack.doors();
        let mut doors = doors.iter().copied().cycle();
        for door in doors.by_ref().take(STRANGERS) {
            strangers.spawn(ask(door, stack.free_path().to_owned(), Arc::clone(&counts), Arc::clone(&stop)));
        }
        let opened = stack.open_channels(PAYERS, TokenAmount::new(PRICE * 1_000_000)).await?;
        for (payer, door) in opened.into_iter().zip(doors) {
            let book = Book::default();
            books.push((*payer.channel(), Arc::clone(&book)));
            let customer = Customer::new(payer, book, PRICE, PATIENT);
            payers.spawn(buy(customer, door, Arc::clone(&counts), Arc::clone(&stop)));
        }
        Ok(Self { counts, stop, strangers, payers, books })
    }

    /// Waits until everybody has been served some more.
    pub(super) async fn goes_on(&self) -> Result<()> {
        let so_far = || [&self.counts.free, &self.counts.served].map(|count| count.load(Ordering::Relaxed));
        let (before, deadline) = (so_far(), Instant::now() + STUCK);
        while so_far().iter().zip(before).any(|(now, before)| *now < before + SOME) {
            ensure!(Instant::now() < deadline, "{:?} after {before:?}: somebody is stuck", so_far());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Stops everybody, each payer after it was served once more, and answers what they have noted.
    pub(super) async fn end(mut self) -> Result<Vec<(ChannelId, PayerBook)>> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(stranger) = self.strangers.join_next().await {
            stranger.context("a stranger panicked")?;
        }
        while let Some(payer) = self.payers.join_next().await {
            payer.context("a payer panicked")??;
        }
        let copy = |book: Book| book.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(self.books.into_iter().map(|(channel, book)| (channel, copy(book))).collect())
    }
}

async fn ask(door: SocketAddr, path: String, counts: Arc<Counts>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let answer = send(door, "GET", &path, NO_HEADERS, "").await;
        counts.free.fetch_add(1, Ordering::Relaxed);
        if !answer.as_ref().is_ok_and(|answer| answer.status == 200) {
            counts.free_failed.fetch_add(1, Ordering::Relaxed);
            println!("a free request: {answer:?}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn buy(
    mut customer: Customer,
    door: SocketAddr,
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    let mut since = Instant::now();
    loop {
        if customer.ask(door, &Wish::calm()).await? {
            let waited = u64::try_from(since.elapsed().as_millis())?;
            counts.longest_wait.fetch_max(waited, Ordering::Relaxed);
            counts.served.fetch_add(1, Ordering::Relaxed);
            since = Instant::now();
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        } else {
            counts.not_served.fetch_add(1, Ordering::Relaxed);
            ensure!(since.elapsed() < STUCK, "a payer was not served for {STUCK:?}");
        }
    }
}
