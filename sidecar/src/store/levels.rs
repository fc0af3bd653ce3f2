//! Proofs that the contract takes whatever becomes of a channel's top-ups.
//!
//! The contract refuses a balance above the deposit outright, and a reorganisation can take a top-up away. So for each
//! deposit that a channel had before a top-up, the highest accepted proof not above it is kept.

use sqlx::SqliteConnection;
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Signature, TokenAmount};

use super::columns::{self, Blob};
use super::row::ChannelRow;

/// A balance, and the sender's proof of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldProof {
    /// The balance.
    pub balance: TokenAmount,
    /// The proof.
    pub signature: Signature,
}

/// Keeps the proof of the balance before a payment for each deposit between the two balances. To be called in the
/// transaction that accepts the payment. Without an old proof, or with no top-up in between, there is nothing to keep.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    key: ChannelKey,
    old_balance: TokenAmount,
    old_signature: Option<Signature>,
    new_balance: TokenAmount,
) -> Result<(), sqlx::Error> {
    let Some(old_signature) = old_signature else { return Ok(()) };
    for deposit in deposits(connection, key).await? {
        if deposit < old_balance || new_balance <= deposit {
            continue;
        }
        // A payment that was taken back may have crossed this deposit before, from a lower balance.
        sqlx::query(
            "INSERT INTO levels (sender, open_block, deposit, balance, signature) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (sender, open_block, deposit) DO UPDATE SET balance = excluded.balance, \
             signature = excluded.signature",
        )
        .bind(key.sender.blob())
        .bind(i64::from(key.open_block.0))
        .bind(deposit.blob())
        .bind(old_balance.blob())
        .bind(old_signature.blob())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The deposits that a channel has had, in their order; none where it was never topped up.
async fn deposits(
    connection: &mut SqliteConnection,
    key: ChannelKey,
) -> Result<Vec<TokenAmount>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT amount FROM events WHERE sender = $1 AND open_block = $2 AND kind IN ('opened', 'topped_up') \
         AND EXISTS (SELECT 1 FROM events WHERE sender = $1 AND open_block = $2 AND kind = 'topped_up') \
         ORDER BY block_number, log_index",
    )
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .fetch_all(connection)
    .await?;
    let mut deposit = TokenAmount::ZERO;
    rows.iter()
        .map(|row| {
            let added = columns::amount(row, "amount")?;
            deposit = deposit.checked_add(added).unwrap_or(deposit);
            Ok(deposit)
        })
        .collect()
}

/// The highest proof of a channel that the contract takes with this deposit.
pub(super) async fn best(
    connection: &mut SqliteConnection,
    row: &ChannelRow,
    deposit: TokenAmount,
) -> Result<Option<HeldProof>, sqlx::Error> {
    match row.signature {
        Some(signature) if row.balance <= deposit => Ok(Some(HeldProof { balance: row.balance, signature })),
        Some(_) => kept(connection, row.key, deposit).await,
        None => Ok(None),
    }
}

/// The proof to close a channel with: of the balance that was agreed on before, or else the highest one that the
/// contract takes with the confirmed deposit.
pub(super) async fn claimable(
    connection: &mut SqliteConnection,
    row: &ChannelRow,
) -> Result<Option<HeldProof>, sqlx::Error> {
    match row.closing_balance {
        Some(agreed) if agreed > row.deposit => Ok(None),
        Some(agreed) => Ok(best(connection, row, agreed).await?.filter(|proof| proof.balance == agreed)),
        None => best(connection, row, row.deposit).await,
    }
}

async fn kept(
    connection: &mut SqliteConnection,
    key: ChannelKey,
    deposit: TokenAmount,
) -> Result<Option<HeldProof>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT balance, signature FROM levels WHERE sender = $1 AND open_block = $2 AND balance <= $3 \
         ORDER BY balance DESC LIMIT 1",
    )
    .bind(key.sender.blob())
    .bind(i64::from(key.open_block.0))
    .bind(deposit.blob())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let signature = columns::optional_signature(&row, "signature")?;
    let balance = columns::amount(&row, "balance")?;
    Ok(signature.map(|signature| HeldProof { balance, signature }))
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;
    use uraiden_core::{Address, BlockNumber};

    use super::super::open::migrations;
    use super::*;

    const KEY: ChannelKey = ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(10) };

    fn signature(balance: u8) -> Signature {
        let mut bytes = [balance; 65];
        bytes[64] = 27;
        Signature::from_bytes(&bytes).unwrap()
    }

    /// A channel that was opened with 100 and topped up with 50, 50.
    async fn ledger() -> SqliteConnection {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        migrations().run(&mut connection).await.unwrap();
        for (block, kind, amount) in [(10, "opened", 100), (12, "topped_up", 50), (14, "topped_up", 50)] {
            event(&mut connection, KEY, block, kind, amount).await;
        }
        connection
    }

    async fn event(connection: &mut SqliteConnection, key: ChannelKey, block: i64, kind: &str, amount: u64) {
        sqlx::query(
            "INSERT INTO events (block_number, log_index, block_hash, tx_hash, kind, sender, open_block, amount) \
             VALUES ($1, $2, x'00', x'00', $3, $4, $5, $6)",
        )
        .bind(block)
        .bind(i64::from(key.open_block.0))
        .bind(kind)
        .bind(key.sender.blob())
        .bind(i64::from(key.open_block.0))
        .bind(TokenAmount::new(amount).blob())
        .execute(connection)
        .await
        .unwrap();
    }

    async fn pay(connection: &mut SqliteConnection, key: ChannelKey, from: u8, to: u8) {
        let old = (from > 0).then(|| signature(from));
        record(connection, key, TokenAmount::new(from.into()), old, TokenAmount::new(to.into()))
            .await
            .unwrap();
    }

    async fn kept_below(connection: &mut SqliteConnection, deposit: u64) -> Option<u8> {
        let proof = kept(connection, KEY, TokenAmount::new(deposit)).await.unwrap()?;
        let balance = proof.balance.to_string().parse().unwrap();
        assert_eq!(proof.signature, signature(balance));
        Some(balance)
    }

    #[tokio::test]
    async fn the_proof_before_each_crossed_deposit_is_kept() {
        let mut connection = ledger().await;
        for (from, to) in [(0, 60), (60, 90), (90, 120), (120, 140), (140, 190)] {
            pay(&mut connection, KEY, from, to).await;
        }
        for (deposit, kept) in
            [(89, None), (90, Some(90)), (100, Some(90)), (150, Some(140)), (199, Some(140))]
        {
            assert_eq!(kept_below(&mut connection, deposit).await, kept, "{deposit}");
        }
    }

    #[tokio::test]
    async fn a_balance_of_exactly_the_deposit_does_not_cross_it() {
        let mut connection = ledger().await;
        pay(&mut connection, KEY, 60, 100).await;
        assert_eq!(kept_below(&mut connection, 200).await, None);
        pay(&mut connection, KEY, 100, 101).await;
        assert_eq!(kept_below(&mut connection, 100).await, Some(100));
    }

    #[tokio::test]
    async fn one_payment_can_cross_several_deposits() {
        let mut connection = ledger().await;
        pay(&mut connection, KEY, 60, 180).await;
        assert_eq!(kept_below(&mut connection, 100).await, Some(60));
        assert_eq!(kept_below(&mut connection, 150).await, Some(60));
    }

    #[tokio::test]
    async fn after_a_take_back_the_higher_proof_below_counts() {
        let mut connection = ledger().await;
        pay(&mut connection, KEY, 60, 110).await;
        // Taken back; then in two steps.
        pay(&mut connection, KEY, 60, 80).await;
        pay(&mut connection, KEY, 80, 110).await;
        assert_eq!(kept_below(&mut connection, 100).await, Some(80));
    }

    #[tokio::test]
    async fn a_channel_without_top_ups_keeps_nothing() {
        let mut connection = ledger().await;
        let other = ChannelKey { open_block: BlockNumber(11), ..KEY };
        event(&mut connection, other, 11, "opened", 100).await;
        pay(&mut connection, other, 60, 90).await;
        let rows = sqlx::query("SELECT * FROM levels").fetch_all(&mut connection).await.unwrap();
        assert!(rows.is_empty());
    }
}
