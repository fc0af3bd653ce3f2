//! Reorganisations of blocks that were believed: remembered until the new blocks are believed and cover what was
//! spent, or until an operator has seen what is lost.

use core::fmt;

use sqlx::AnyConnection;
use uraiden_core::wire::ChannelKey;

use super::columns::{self, signed};
use super::{Store, StoreError};

/// A reorganisation deeper than the confirmations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The first block that was replaced.
    pub first_block: u64,
    /// The first block that was not believed before.
    pub believed_below: u64,
    /// Whether the new branch is believed as far as the old one was.
    pub believed_again: bool,
    /// The channels that have spent more than the deposit that is left.
    pub overspent: Vec<ChannelKey>,
}

/// What payers and operators are told.
impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.believed_below.saturating_sub(1);
        write!(
            f,
            "the chain was reorganised in blocks {} to {last}, which were confirmed",
            self.first_block
        )?;
        match self.overspent.len() {
            channels if self.believed_again => write!(
                f,
                "; channels that have spent deposit that is gone: {channels}. `uraiden check` lists them, `uraiden \
                 resume` goes on without it"
            ),
            _ => f.write_str("; waiting for the new blocks to be confirmed"),
        }
    }
}

/// Takes note of a reorganisation, or of a further one.
pub(super) async fn open(
    connection: &mut AnyConnection,
    first_block: u64,
    believed_below: u64,
    now: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO incident (one, first_block, believed_below, at) VALUES (1, $1, $2, $3) \
         ON CONFLICT (one) DO UPDATE SET first_block = CASE WHEN excluded.first_block < incident.first_block \
         THEN excluded.first_block ELSE incident.first_block END, \
         believed_below = CASE WHEN excluded.believed_below > incident.believed_below \
         THEN excluded.believed_below ELSE incident.believed_below END",
    )
    .bind(signed(first_block))
    .bind(signed(believed_below))
    .bind(signed(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets it where nothing is lost.
pub(super) async fn settle(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    if read(connection)
        .await?
        .is_some_and(|incident| incident.believed_again && incident.overspent.is_empty())
    {
        sqlx::query("DELETE FROM incident").execute(connection).await?;
    }
    Ok(())
}

async fn read(connection: &mut AnyConnection) -> Result<Option<Incident>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT incident.*, position.confirmed_below FROM incident JOIN position ON position.one = incident.one",
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let overspent = sqlx::query(
        "SELECT sender, open_block FROM channels WHERE balance > deposit AND chain_state <> 'settled' \
         ORDER BY sender, open_block",
    )
    .fetch_all(connection)
    .await?;
    let believed_below = columns::unsigned(&row, "believed_below")?;
    Ok(Some(Incident {
        first_block: columns::unsigned(&row, "first_block")?,
        believed_below,
        believed_again: columns::unsigned(&row, "confirmed_below")? >= believed_below,
        overspent: overspent.iter().map(columns::key).collect::<Result<_, _>>()?,
    }))
}

impl Store {
    /// The reorganisation that is not over.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotRead`].
    pub async fn incident(&self) -> Result<Option<Incident>, StoreError> {
        let mut connection = self.readers().acquire().await?;
        Ok(read(&mut connection).await?)
    }

    /// Declares it over, and answers what it was. Deposits that are gone stay gone.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotWritten`].
    pub async fn resume(&self) -> Result<Option<Incident>, StoreError> {
        self.step(|connection, _| {
            Box::pin(async move {
                let incident = read(connection).await?;
                sqlx::query("DELETE FROM incident").execute(connection).await?;
                Ok(incident)
            })
        })
        .await
    }
}
