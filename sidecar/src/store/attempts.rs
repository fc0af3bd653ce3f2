//! What became of the attempts to pay of the last minutes.

use rusqlite::{Connection, params};
use uraiden_core::digest::{Digest, keccak256};
use uraiden_core::wire::{Attempt, AttemptId};

use super::columns::{self, Fields, failed, signed};

/// What an attempt led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The payment counts: it is the step to a higher balance.
    Accepted,
    /// It counts: it used up a part of the channel's credit.
    Spent,
    /// It does not count, now or ever.
    TakenBack,
    /// It counts, and its price is a credit since the resource failed.
    Credited,
    /// It counts although the resource failed, because too many were taken back in a row.
    Kept,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Accepted, Self::Spent, Self::TakenBack, Self::Credited, Self::Kept];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Spent => "spent",
            Self::TakenBack => "taken_back",
            Self::Credited => "credited",
            Self::Kept => "kept",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// What is known of an attempt that a message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Its id was not seen yet, or long ago.
    Unknown,
    /// It led to this.
    Known(Outcome),
    /// Its id was seen with another channel, price, balance or signature.
    Conflict,
}

/// What is noted of an attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub(super) contents: Digest,
    /// What it led to.
    pub(super) outcome: Outcome,
    /// What the table says it led to; `None` where it is not in the table yet.
    stored: Option<Outcome>,
    /// When it was noted, in milliseconds since 1970.
    pub(super) at: u64,
    /// Whether the income of its hour is counted.
    pub(super) tallied: bool,
}

/// What is to be written of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// All of it.
    New,
    /// Its outcome, which was this before.
    From(Outcome),
}

impl Noted {
    pub(super) fn new(attempt: &Attempt, outcome: Outcome, at: u64) -> Self {
        Self { contents: contents(attempt), outcome, stored: None, at, tallied: true }
    }

    /// What a row says; its column `tallied` is 1 where the income of the hour is counted.
    pub(super) fn read(row: &impl Fields) -> Result<Self, sqlx::Error> {
        let outcome = columns::word(row, "outcome", Outcome::read)?;
        Ok(Self {
            contents: columns::bytes(row, "contents")?,
            outcome,
            stored: Some(outcome),
            at: columns::unsigned(row, "at")?,
            tallied: columns::unsigned(row, "tallied")? == 1,
        })
    }

    /// What is to be written; `None` where the table says it already.
    pub(super) fn change(&self) -> Option<Change> {
        match self.stored {
            None => Some(Change::New),
            Some(stored) if stored != self.outcome => Some(Change::From(stored)),
            Some(_) => None,
        }
    }

    /// Whether this is what was noted under the attempt's id.
    pub(super) fn compare(&self, attempt: &Attempt) -> Recorded {
        if self.contents == contents(attempt) {
            Recorded::Known(self.outcome)
        } else {
            tracing::error!(attempt = %attempt.id, "an attempt id came again with other contents: nothing was changed");
            Recorded::Conflict
        }
    }
}

/// What an attempt says, in 32 bytes.
fn contents(attempt: &Attempt) -> Digest {
    keccak256(&[
        &attempt.channel.sender.0,
        &attempt.channel.open_block.0.to_be_bytes(),
        &attempt.price.to_be_bytes(),
        &attempt.balance.to_be_bytes(),
        &attempt.signature.to_bytes(),
    ])
}

/// What is noted under this id.
pub(super) fn find(connection: &Connection, id: AttemptId) -> Result<Option<Noted>, sqlx::Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT contents, outcome, at, EXISTS (SELECT 1 FROM income WHERE hour = at / 3600000) AS tallied \
             FROM attempts WHERE id = ?1",
        )
        .map_err(failed)?;
    let mut rows = query.query([id.0.to_be_bytes()]).map_err(failed)?;
    let Some(row) = rows.next().map_err(failed)? else { return Ok(None) };
    Noted::read(row).map(Some)
}

/// Writes what is noted under an id, as far as it is not in the table.
pub(super) fn write(connection: &Connection, id: AttemptId, noted: &Noted) -> Result<(), sqlx::Error> {
    let id = id.0.to_be_bytes();
    let written = match noted.change() {
        Some(Change::New) => connection
            .prepare_cached("INSERT INTO attempts (id, contents, outcome, at) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut insert| {
                insert.execute(params![id, noted.contents, noted.outcome.as_str(), signed(noted.at)])
            }),
        Some(Change::From(stored)) => connection
            .prepare_cached("UPDATE attempts SET outcome = ?1 WHERE id = ?2 AND outcome = ?3")
            .and_then(|mut update| update.execute(params![noted.outcome.as_str(), id, stored.as_str()])),
        None => return Ok(()),
    };
    match written.map_err(failed)? {
        1 => Ok(()),
        _ => Err(sqlx::Error::RowNotFound),
    }
}

/// Forgets attempts from before `before`, in milliseconds since 1970, at most `limit` of them.
pub(super) fn prune(connection: &Connection, before: u64, limit: u32) -> Result<(), sqlx::Error> {
    connection
        .prepare_cached(
            "DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE at < ?1 ORDER BY at LIMIT ?2)",
        )
        .and_then(|mut delete| delete.execute(params![signed(before), limit]))
        .map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use uraiden_core::wire::ChannelKey;
    use uraiden_core::{Address, BlockNumber, Signature, TokenAmount};

    use super::super::sqlite::in_memory;
    use super::*;

    fn attempt(id: u128) -> Attempt {
        Attempt {
            id: AttemptId(id),
            channel: ChannelKey { sender: Address([1; 20]), open_block: BlockNumber(1) },
            price: TokenAmount::new(1),
            balance: TokenAmount::new(1),
            signature: Signature::from_bytes(&[27; 65]).unwrap(),
        }
    }

    #[test]
    fn old_attempts_are_forgotten_the_oldest_first_and_so_many_at_a_time() {
        let connection = in_memory();
        for id in 1..=5 {
            let noted = Noted::new(&attempt(id), Outcome::Accepted, 100 * u64::try_from(id).unwrap());
            write(&connection, AttemptId(id), &noted).unwrap();
        }
        let known = |id: &u128| {
            let found = find(&connection, AttemptId(*id)).unwrap();
            found.is_some_and(|noted| noted.compare(&attempt(*id)) == Recorded::Known(Outcome::Accepted))
        };
        prune(&connection, 400, 2).unwrap();
        assert_eq!((1..=5).filter(known).collect::<Vec<_>>(), [3, 4, 5]);
        prune(&connection, 400, 2).unwrap();
        assert_eq!((1..=5).filter(known).collect::<Vec<_>>(), [4, 5], "not older than the limit");
    }

    #[test]
    fn what_somebody_else_has_settled_meanwhile_is_an_error() {
        let connection = in_memory();
        write(&connection, AttemptId(1), &Noted::new(&attempt(1), Outcome::Accepted, 100)).unwrap();
        let mut mine = find(&connection, AttemptId(1)).unwrap().unwrap();
        let mut theirs = mine;
        theirs.outcome = Outcome::Credited;
        write(&connection, AttemptId(1), &theirs).unwrap();
        mine.outcome = Outcome::TakenBack;
        assert!(write(&connection, AttemptId(1), &mine).is_err());
        assert!(write(&connection, AttemptId(1), &Noted::new(&attempt(1), Outcome::Accepted, 100)).is_err());
        assert_eq!(find(&connection, AttemptId(1)).unwrap().unwrap().outcome, Outcome::Credited);
    }
}
