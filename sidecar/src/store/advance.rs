//! What the chain says, brought into the ledger: blocks, events and their effects in one transaction.

use std::collections::{BTreeSet, HashMap};

use sqlx::AnyConnection;
use uraiden_core::TokenAmount;
use uraiden_core::wire::ChannelKey;

use super::columns::{self, Blob, signed};
use super::fold::{Step, fold};
use super::{Scope, binding, bulk, incident, read};

/// How many of the last blocks are remembered by their hash.
pub const REMEMBERED: u64 = 256;

/// An event of the contract about one of our channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainEvent {
    /// The block that holds it.
    pub block: u64,
    /// That block's hash.
    pub block_hash: [u8; 32],
    /// Its place among the block's events.
    pub log_index: u64,
    /// The transaction that made it.
    pub tx_hash: [u8; 32],
    /// The channel it is about.
    pub channel: ChannelKey,
    /// What happened.
    pub kind: EventKind,
    /// How much, in base units of the token: see [`EventKind`].
    pub amount: TokenAmount,
}

/// What can happen to a channel on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `ChannelCreated`; the amount is the deposit.
    Opened,
    /// `ChannelToppedUp`; the amount is what was added.
    ToppedUp,
    /// `ChannelCloseRequested`; the amount is the balance that the sender says.
    CloseRequested,
    /// `ChannelSettled`; the amount is the balance at which it was.
    Settled,
    /// `ChannelWithdraw`; the amount is what was withdrawn on top of earlier ones.
    Withdrawn,
}

impl EventKind {
    const ALL: [Self; 5] =
        [Self::Opened, Self::ToppedUp, Self::CloseRequested, Self::Settled, Self::Withdrawn];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::ToppedUp => "topped_up",
            Self::CloseRequested => "close_requested",
            Self::Settled => "settled",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A stretch of the chain that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// Where reading began. The lowest is remembered.
    pub start_block: u64,
    /// The first block of the stretch. What was read from here on before is dropped: it was reorganised away.
    pub from: u64,
    /// Whether the stretch replaces blocks that were read before by those of another branch.
    pub replaces: bool,
    /// The first block after the stretch.
    pub next: u64,
    /// All events of the stretch.
    pub events: Vec<ChainEvent>,
    /// Hashes of blocks of the stretch, as far as they are worth remembering.
    pub blocks: Vec<(u64, [u8; 32])>,
}

/// Applies one stretch.
pub(super) async fn advance(
    connection: &mut AnyConnection,
    scope: &Scope,
    advance: &Advance,
    now: u64,
) -> Result<(), sqlx::Error> {
    let before = read::position(connection).await?;
    let confirmed_below = advance.next.saturating_sub(u64::from(scope.confirmations));
    let before_confirmed = before.map_or(0, |position| position.confirmed_below);

    if advance.replaces && advance.from < before_confirmed {
        incident::open(connection, advance.from, before_confirmed, now).await?;
    }
    let mut touched: BTreeSet<ChannelKey> = advance.events.iter().map(|event| event.channel).collect();
    touched.extend(dropped(connection, advance.from).await?);
    bulk::insert_events(connection, &advance.events).await?;
    // Those whose events have just become believable, or with more confirmations asked than before, no longer are.
    // What stands in the stretch itself is touched anyway.
    let (low, high) = (before_confirmed.min(confirmed_below), before_confirmed.max(confirmed_below));
    touched.extend(channels_between(connection, low, high.min(advance.from)).await?);

    remember(connection, advance).await?;
    let start_block = before.map_or(u64::MAX, |position| position.start_block).min(advance.start_block);
    write_position(connection, start_block, advance.next, confirmed_below).await?;
    // The follower binds the ledger before it reads the first block.
    let bound = binding::read(connection).await?.ok_or(sqlx::Error::RowNotFound)?;
    let challenge_period = bound.binding.challenge_period;
    let young = young_steps(advance);
    let mut folded = Vec::with_capacity(touched.len());
    for key in touched {
        let known = young.get(&key);
        let read = if known.is_none() { steps(connection, key).await? } else { Vec::new() };
        folded.push((key, fold(known.unwrap_or(&read), confirmed_below, challenge_period)));
    }
    bulk::write_channels(connection, &folded, now).await?;
    incident::settle(connection).await
}

/// The events of the channels that were opened in the stretch: it has all of them, so they need not be read back.
fn young_steps(advance: &Advance) -> HashMap<ChannelKey, Vec<Step>> {
    let mut young: HashMap<ChannelKey, Vec<Step>> = HashMap::new();
    for event in advance.events.iter().filter(|event| u64::from(event.channel.open_block.0) >= advance.from) {
        let step = Step { block: event.block, kind: event.kind, amount: event.amount };
        young.entry(event.channel).or_default().push(step);
    }
    young
}

/// Adds up the events of a channel anew.
pub(super) async fn refold(
    connection: &mut AnyConnection,
    key: ChannelKey,
    now: u64,
) -> Result<(), sqlx::Error> {
    let bound = binding::read(connection).await?.ok_or(sqlx::Error::RowNotFound)?;
    let position = read::position(connection).await?.ok_or(sqlx::Error::RowNotFound)?;
    let steps = steps(connection, key).await?;
    let folded = fold(&steps, position.confirmed_below, bound.binding.challenge_period);
    bulk::write_channels(connection, &[(key, folded)], now).await
}

/// Drops the events from `from` on, and says whose they were.
async fn dropped(connection: &mut AnyConnection, from: u64) -> Result<Vec<ChannelKey>, sqlx::Error> {
    let rows = sqlx::query("DELETE FROM events WHERE block_number >= $1 RETURNING sender, open_block")
        .bind(signed(from))
        .fetch_all(connection)
        .await?;
    rows.iter().map(columns::key).collect()
}

async fn channels_between(
    connection: &mut AnyConnection,
    from: u64,
    below: u64,
) -> Result<Vec<ChannelKey>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT DISTINCT sender, open_block FROM events WHERE block_number >= $1 AND block_number < $2",
    )
    .bind(signed(from))
    .bind(signed(below))
    .fetch_all(connection)
    .await?;
    rows.iter().map(columns::key).collect()
}

async fn remember(connection: &mut AnyConnection, advance: &Advance) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM blocks WHERE number >= $1 OR number < $2")
        .bind(signed(advance.from))
        .bind(signed(advance.next.saturating_sub(REMEMBERED)))
        .execute(&mut *connection)
        .await?;
    for (number, hash) in &advance.blocks {
        sqlx::query("INSERT INTO blocks (number, hash) VALUES ($1, $2)")
            .bind(signed(*number))
            .bind(hash.to_vec())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn write_position(
    connection: &mut AnyConnection,
    start_block: u64,
    next_block: u64,
    confirmed_below: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO position (one, start_block, next_block, confirmed_below) VALUES (1, $1, $2, $3) \
         ON CONFLICT (one) DO UPDATE SET start_block = excluded.start_block, next_block = excluded.next_block, \
         confirmed_below = excluded.confirmed_below",
    )
    .bind(signed(start_block))
    .bind(signed(next_block))
    .bind(signed(confirmed_below))
    .execute(connection)
    .await?;
    Ok(())
}

async fn steps(connection: &mut AnyConnection, key: ChannelKey) -> Result<Vec<Step>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT block_number, kind, amount FROM events WHERE sender = $1 AND open_block = $2 \
         ORDER BY block_number, log_index",
    )
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Step {
                block: columns::unsigned(row, "block_number")?,
                kind: columns::word(row, "kind", EventKind::read)?,
                amount: columns::amount(row, "amount")?,
            })
        })
        .collect()
}
