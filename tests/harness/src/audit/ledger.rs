//! The ledger's tables, read from outside: the auditor's own queries, not the sidecar's.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection, Row};
use uraiden_core::digest::keccak256;
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};

use crate::stack::Ledger as Place;

/// One channel, as the ledger has it.
#[derive(Clone, Debug)]
pub struct LedgerChannel {
    /// What was accepted so far, in base units.
    pub balance: u64,
    /// The proof of it; `None` before the first payment.
    pub signature: Option<Signature>,
    /// The part of the balance that later requests are served from.
    pub credit: u64,
    /// The balance of the closing agreement, where there is one.
    pub closing: Option<u64>,
    /// What became of each attempt to pay, with the balance it was for.
    pub attempts: Vec<(u64, Outcome)>,
}

/// What became of an attempt, in the words of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The step to this balance counts.
    Accepted,
    /// A credit was used up.
    Spent,
    /// It does not count.
    TakenBack,
    /// It counts, and is a credit.
    Credited,
    /// It counts although the resource failed.
    Kept,
}

/// An attempt whose payer is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// keccak-256 of channel, price, balance and signature.
    pub contents: [u8; 32],
    /// What became of it.
    pub outcome: Outcome,
}

/// The tables, as far as an audit needs them.
pub(super) struct Ledger {
    pub(super) channels: HashMap<ChannelKey, LedgerChannel>,
    pub(super) attempts: Vec<Attempt>,
}

impl Ledger {
    /// Reads them while sidecars may be writing.
    pub(super) async fn read(place: &Place) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let (url, shown) = match place {
            Place::Sqlite(file) => {
                (format!("sqlite://{}?mode=ro", file.display()), file.display().to_string())
            }
            Place::Postgres(url) => (url.clone(), "the ledger's server".to_owned()),
        };
        let mut connection = AnyConnection::connect(&url).await.with_context(|| shown)?;
        let ledger =
            Self { channels: channels(&mut connection).await?, attempts: attempts(&mut connection).await? };
        connection.close().await?;
        Ok(ledger)
    }
}

async fn channels(connection: &mut AnyConnection) -> Result<HashMap<ChannelKey, LedgerChannel>> {
    let rows =
        sqlx::query("SELECT sender, open_block, balance, signature, credit, closing_balance FROM channels")
            .fetch_all(connection)
            .await?;
    rows.iter().map(channel).collect()
}

fn channel(row: &AnyRow) -> Result<(ChannelKey, LedgerChannel)> {
    let sender = bytes(&row.try_get::<Vec<u8>, _>("sender")?, "sender")?;
    let open_block = u32::try_from(row.try_get::<i64, _>("open_block")?)?;
    let signature = row.try_get::<Option<Vec<u8>>, _>("signature")?;
    let closing = row.try_get::<Option<Vec<u8>>, _>("closing_balance")?;
    let held = LedgerChannel {
        balance: units(&row.try_get::<Vec<u8>, _>("balance")?)?,
        signature: signature.map(|bytes| Signature::from_bytes(&bytes)).transpose()?,
        credit: units(&row.try_get::<Vec<u8>, _>("credit")?)?,
        closing: closing.map(|bytes| units(&bytes)).transpose()?,
        attempts: Vec::new(),
    };
    Ok((ChannelKey { sender: Address(sender), open_block: BlockNumber(open_block) }, held))
}

async fn attempts(connection: &mut AnyConnection) -> Result<Vec<Attempt>> {
    let rows = sqlx::query("SELECT contents, outcome FROM attempts").fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let contents = bytes(&row.try_get::<Vec<u8>, _>("contents")?, "contents")?;
            let outcome = match row.try_get::<&str, _>("outcome")? {
                "accepted" => Outcome::Accepted,
                "spent" => Outcome::Spent,
                "taken_back" => Outcome::TakenBack,
                "credited" => Outcome::Credited,
                "kept" => Outcome::Kept,
                other => anyhow::bail!("the ledger has an attempt with the outcome {other:?}"),
            };
            Ok(Attempt { contents, outcome })
        })
        .collect()
}

/// What the ledger keeps of an attempt instead of its parts.
pub(super) fn contents(channel: ChannelKey, price: u64, balance: u64, signature: &Signature) -> [u8; 32] {
    keccak256(&[
        &channel.sender.0,
        &channel.open_block.0.to_be_bytes(),
        &TokenAmount::new(price).to_be_bytes(),
        &TokenAmount::new(balance).to_be_bytes(),
        &signature.to_bytes(),
    ])
}

fn units(amount: &[u8]) -> Result<u64> {
    let (high, low) = amount.split_at_checked(16).context("an amount has 24 bytes")?;
    ensure!(high.iter().all(|byte| *byte == 0), "an amount above 2^64: 0x{}", hex::encode(amount));
    Ok(u64::from_be_bytes(bytes(low, "amount")?))
}

fn bytes<const N: usize>(value: &[u8], what: &str) -> Result<[u8; N]> {
    value.try_into().ok().with_context(|| format!("{what} has {} bytes in the ledger, not {N}", value.len()))
}
