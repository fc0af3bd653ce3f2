//! Proofs that the contract takes whatever becomes of a channel's top-ups.
//!
//! The contract refuses a balance above the deposit outright, and a reorganisation can take a top-up away. So for each
//! deposit that a channel had before a top-up, the highest accepted proof not above it is kept.

use rusqlite::{Connection, params};
use sqlx::AnyConnection;
use uraiden_core::wire::ChannelKey;
use uraiden_core::{Signature, TokenAmount};

use super::columns::{self, Blob, failed};
use super::row::ChannelRow;

/// A balance, and the sender's proof of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldProof {
    /// The balance.
    pub balance: TokenAmount,
    /// The proof.
    pub signature: Signature,
}

/// The deposits between two balances: for each of them the proof of the old balance is to be kept by the transaction that
/// accepts the new one. A balance of exactly the deposit does not cross it.
pub(super) fn crossed(
    deposits: &[TokenAmount],
    old_balance: TokenAmount,
    new_balance: TokenAmount,
) -> impl Iterator<Item = TokenAmount> {
    deposits.iter().copied().filter(move |&deposit| old_balance <= deposit && deposit < new_balance)
}

/// Keeps a proof for a deposit. A payment that was taken back may have crossed this deposit before, from a lower
/// balance.
pub(super) fn keep(
    connection: &Connection,
    key: ChannelKey,
    deposit: TokenAmount,
    proof: &HeldProof,
) -> Result<(), sqlx::Error> {
    connection
        .prepare_cached(
            "INSERT INTO levels (sender, open_block, deposit, balance, signature) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (sender, open_block, deposit) DO UPDATE SET balance = excluded.balance, \
             signature = excluded.signature",
        )
        .and_then(|mut insert| {
            insert.execute(params![
                key.sender.0,
                key.open_block.0,
                deposit.to_be_bytes(),
                proof.balance.to_be_bytes(),
                proof.signature.to_bytes(),
            ])
        })
        .map_err(failed)?;
    Ok(())
}

/// The deposits that a channel has had, in their order; none where it was never topped up.
pub(super) fn deposits(connection: &Connection, key: ChannelKey) -> Result<Vec<TokenAmount>, sqlx::Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT amount FROM events WHERE sender = ?1 AND open_block = ?2 AND kind IN ('opened', 'topped_up') \
             AND EXISTS (SELECT 1 FROM events WHERE sender = ?1 AND open_block = ?2 AND kind = 'topped_up') \
             ORDER BY block_number, log_index",
        )
        .map_err(failed)?;
    let mut rows = query.query(params![key.sender.0, key.open_block.0]).map_err(failed)?;
    let mut added = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        added.push(columns::amount(row, "amount")?);
    }
    Ok(running_sums(added))
}

/// The deposits after an opening and each top-up.
pub(super) fn running_sums(added: impl IntoIterator<Item = TokenAmount>) -> Vec<TokenAmount> {
    let add = |deposit: &mut TokenAmount, added| {
        *deposit = deposit.checked_add(added).unwrap_or(*deposit);
        Some(*deposit)
    };
    added.into_iter().scan(TokenAmount::ZERO, add).collect()
}

/// The highest proof of a channel that the contract takes with this deposit.
pub(super) async fn best(
    connection: &mut AnyConnection,
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
    connection: &mut AnyConnection,
    row: &ChannelRow,
) -> Result<Option<HeldProof>, sqlx::Error> {
    match row.closing_balance {
        Some(agreed) if agreed > row.deposit => Ok(None),
        Some(agreed) => Ok(best(connection, row, agreed).await?.filter(|proof| proof.balance == agreed)),
        None => best(connection, row, row.deposit).await,
    }
}

/// The highest proof that was kept with a balance not above a deposit.
const KEPT: &str = "SELECT balance, signature FROM levels WHERE sender = $1 AND open_block = $2 AND balance <= $3 \
     ORDER BY balance DESC LIMIT 1";

async fn kept(
    connection: &mut AnyConnection,
    key: ChannelKey,
    deposit: TokenAmount,
) -> Result<Option<HeldProof>, sqlx::Error> {
    let row = sqlx::query(KEPT)
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
    use rusqlite::OptionalExtension;
    use uraiden_core::{Address, BlockNumber};

    use super::super::sqlite::in_memory;
    use super::*;

    const KEY: ChannelKey = ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(10) };

    fn signature(balance: u8) -> Signature {
        let mut bytes = [balance; 65];
        bytes[64] = 27;
        Signature::from_bytes(&bytes).unwrap()
    }

    /// A channel that was opened with 100 and topped up with 50, 50.
    fn ledger() -> Connection {
        let connection = in_memory();
        for (block, kind, amount) in [(10, "opened", 100), (12, "topped_up", 50), (14, "topped_up", 50)] {
            event(&connection, KEY, block, kind, amount);
        }
        connection
    }

    fn event(connection: &Connection, key: ChannelKey, block: i64, kind: &str, amount: u64) {
        connection
            .execute(
                "INSERT INTO events (block_number, log_index, block_hash, tx_hash, kind, sender, open_block, amount) \
                 VALUES (?1, ?2, x'00', x'00', ?3, ?4, ?2, ?5)",
                params![block, key.open_block.0, kind, key.sender.0, TokenAmount::new(amount).to_be_bytes()],
            )
            .unwrap();
    }

    fn pay(connection: &Connection, key: ChannelKey, from: u8, to: u8) {
        let (balance, to) = (TokenAmount::new(from.into()), TokenAmount::new(to.into()));
        for deposit in crossed(&deposits(connection, key).unwrap(), balance, to) {
            keep(connection, key, deposit, &HeldProof { balance, signature: signature(from) }).unwrap();
        }
    }

    /// The proof that the other library finds.
    fn kept_below(connection: &Connection, deposit: u64) -> Option<u8> {
        let proof = connection
            .query_row(
                KEPT,
                params![KEY.sender.0, KEY.open_block.0, TokenAmount::new(deposit).to_be_bytes()],
                |row| {
                    Ok((
                        columns::amount(row, "balance").unwrap(),
                        columns::optional_signature(row, "signature").unwrap(),
                    ))
                },
            )
            .optional()
            .unwrap();
        let (balance, found) = proof?;
        let balance = balance.to_string().parse().unwrap();
        assert_eq!(found, Some(signature(balance)));
        Some(balance)
    }

    #[test]
    fn the_proof_before_each_crossed_deposit_is_kept() {
        let connection = ledger();
        for (from, to) in [(0, 60), (60, 90), (90, 120), (120, 140), (140, 190)] {
            pay(&connection, KEY, from, to);
        }
        for (deposit, kept) in
            [(89, None), (90, Some(90)), (100, Some(90)), (150, Some(140)), (199, Some(140))]
        {
            assert_eq!(kept_below(&connection, deposit), kept, "{deposit}");
        }
    }

    #[test]
    fn a_balance_of_exactly_the_deposit_does_not_cross_it() {
        let connection = ledger();
        pay(&connection, KEY, 60, 100);
        assert_eq!(kept_below(&connection, 200), None);
        pay(&connection, KEY, 100, 101);
        assert_eq!(kept_below(&connection, 100), Some(100));
    }

    #[test]
    fn one_payment_can_cross_several_deposits() {
        let connection = ledger();
        pay(&connection, KEY, 60, 180);
        assert_eq!(kept_below(&connection, 100), Some(60));
        assert_eq!(kept_below(&connection, 150), Some(60));
    }

    #[test]
    fn after_a_take_back_the_higher_proof_below_counts() {
        let connection = ledger();
        pay(&connection, KEY, 60, 110);
        // Taken back; then in two steps.
        pay(&connection, KEY, 60, 80);
        pay(&connection, KEY, 80, 110);
        assert_eq!(kept_below(&connection, 100), Some(80));
    }

    #[test]
    fn a_channel_without_top_ups_keeps_nothing() {
        let connection = ledger();
        let other = ChannelKey { open_block: BlockNumber(11), ..KEY };
        event(&connection, other, 11, "opened", 100);
        pay(&connection, other, 60, 90);
        let rows: u32 = connection.query_row("SELECT count(*) FROM levels", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0);
    }
}
