//! Payments to several sidecars at once.

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use hyper::body::Bytes;
use uraiden_core::wire::Entry;
use uraiden_harness::Stack;

use crate::calls::{CALL, Filter, Ids, flood};
use crate::channels::Channel;
use crate::histogram::{Histogram, TRANSACTION_ENTRIES};

/// Connections, which are spread evenly over 1 to 4 sidecars.
pub(super) const CONNECTIONS: usize = 24;

/// Payments in flight.
pub(super) const IN_FLIGHT: usize = CONNECTIONS * CALL;

/// Who pays. Each belongs to one connection, since a channel's payments have an order.
pub(super) struct Payers {
    channels: Vec<Channel>,
    ids: [Ids; CONNECTIONS],
}

/// What a measurement finds.
pub(super) struct Sample {
    pub(super) payments: usize,
    time: Duration,
    /// How long each call took, from the shortest to the longest.
    calls: Vec<Duration>,
    pub(super) per_transaction: f64,
    /// Processor time.
    pub(super) server_cpu: Duration,
    pub(super) sidecar_cpu: Duration,
}

impl Sample {
    /// Payments a second.
    pub(super) fn rate(&self) -> f64 {
        self.payments as f64 / self.time.as_secs_f64()
    }

    /// The time within which this part of the calls was answered, in milliseconds.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        let at = (self.calls.len().saturating_sub(1) as f64 * part).round() as usize;
        self.calls.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }

    /// A payment's share, in microseconds.
    pub(super) fn each_us(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.payments as f64
    }
}

impl Payers {
    pub(super) fn new() -> Self {
        Self { channels: Vec::new(), ids: std::array::from_fn(|_| Ids::default()) }
    }

    pub(super) fn count(&self) -> usize {
        self.channels.len()
    }

    pub(super) fn add(&mut self, channels: Vec<Channel>) {
        self.channels.extend(channels);
    }

    /// Pays about so many times by the first `sidecars` sidecars, all of them at once.
    pub(super) async fn pay(
        &mut self,
        stack: &mut Stack,
        sidecars: usize,
        payments: usize,
    ) -> Result<Sample> {
        let mut filters = Vec::with_capacity(CONNECTIONS);
        for connection in 0..CONNECTIONS {
            let number = connection % sidecars;
            let sidecar = number.checked_sub(1).map_or(&stack.sidecar, |other| &stack.others[other]);
            filters.push(Filter::connect(stack, sidecar).await?);
        }
        let calls = payments.div_ceil(IN_FLIGHT);
        let questions = self.questions(&filters, calls)?;
        let before = Used::by_now(stack, sidecars).await?;
        let flooded = flood(&mut filters, questions).await?;
        let after = Used::by_now(stack, sidecars).await?;
        let payments = calls * IN_FLIGHT;
        let transactions: f64 =
            after.entries.iter().zip(&before.entries).map(|(now, then)| now.since(then).count()).sum();
        Ok(Sample {
            payments,
            time: flooded.time,
            calls: flooded.calls,
            per_transaction: payments as f64 / transactions,
            server_cpu: after.server.saturating_sub(before.server),
            sidecar_cpu: after.sidecars.saturating_sub(before.sidecars),
        })
    }

    /// So many calls for each connection, signed.
    fn questions(&mut self, filters: &[Filter], calls: usize) -> Result<Vec<Vec<Bytes>>> {
        let own = self.channels.len() / CONNECTIONS;
        thread::scope(|scope| {
            let turns = filters.iter().zip(self.channels.chunks_mut(own)).zip(&mut self.ids);
            let signing: Vec<_> = turns
                .enumerate()
                .map(|(at, ((filter, own), ids))| scope.spawn(move || script(filter, own, at, ids, calls)))
                .collect();
            signing
                .into_iter()
                .map(|thread| thread.join().map_err(|_| anyhow!("signing panicked"))?)
                .collect()
        })
    }
}

/// So many calls, in which these channels pay in turns.
fn script(
    filter: &Filter,
    own: &mut [Channel],
    at: usize,
    ids: &mut Ids,
    calls: usize,
) -> Result<Vec<Bytes>> {
    let mut turn = 0;
    let mut call = || -> Result<Bytes> {
        let mut entries = Vec::with_capacity(CALL);
        for _ in 0..CALL {
            entries.push(Entry::Commit(own[turn % own.len()].attempt(ids.next(at))?));
            turn += 1;
        }
        filter.question(entries)
    };
    (0..calls).map(|_| call()).collect()
}

/// What the server and the first sidecars have done so far.
struct Used {
    entries: Vec<Histogram>,
    server: Duration,
    sidecars: Duration,
}

impl Used {
    async fn by_now(stack: &mut Stack, sidecars: usize) -> Result<Self> {
        let mut used =
            Self { entries: Vec::with_capacity(sidecars), server: Duration::ZERO, sidecars: Duration::ZERO };
        for number in 0..sidecars {
            let sidecar = stack.sidecar_at(number);
            used.entries.push(Histogram::read(sidecar, TRANSACTION_ENTRIES).await?);
            used.sidecars += sidecar.part().usage()?.cpu;
        }
        used.server = stack.postgres().cpu()?;
        Ok(used)
    }
}
