//! Commits that were lost while no process looked: all were stopped, or those that had made the lost ones were.
//!
//! A standby that takes over begins a new timeline of the server's history. The ledger says which one it was written in,
//! and whether commits waited for a synchronous standby then. Where they did not, whoever finds a newer timeline takes
//! it that the last of them are gone.

use sqlx::{AnyConnection, Connection, Row};

use super::super::columns::{self, signed};
use super::super::generation;
use super::connection::BEGIN;
use super::tries::Tries;
use crate::metrics;

/// A server as it is now, or as the ledger says that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Server {
    timeline: u64,
    /// Whether commits wait for a synchronous standby.
    waits: bool,
}

/// What a look at the server has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Look {
    /// Nothing that was not known.
    AsBefore,
    /// A standby took over that had everything.
    FailedOver { from: u64, to: u64 },
    /// A standby took over of which nobody knows that; the generation that began, if the ledger is in use.
    Lost { from: u64, to: u64, generation: Option<u64> },
    /// Another server, whose history is shorter.
    Other { from: u64, to: u64 },
}

impl Look {
    /// Says it, once it is durable.
    pub(in super::super) fn tell(self) {
        match self {
            Self::AsBefore => {}
            Self::FailedOver { from, to } => tracing::info!(
                from,
                to,
                "a standby of the database has taken over (it has a new timeline); commits waited for it, so nothing is lost"
            ),
            Self::Lost { from, to, generation } => {
                metrics::commits_lost();
                tracing::error!(
                    generation,
                    from,
                    to,
                    "a standby of the database has taken over (it has a new timeline), and commits did not wait for it: \
                     payments may be forgotten. All channels are held back until they are closed or released: see \
                     docs/operations.md"
                );
            }
            Self::Other { from, to } => tracing::warn!(
                from,
                to,
                "the database is on another server than before (its timeline is older), as after an upgrade or a dump that \
                 was restored. If it may lack payments, stop all sidecars and run `uraiden renew` on it"
            ),
        }
    }
}

/// Asks the server.
///
/// # Errors
///
/// It cannot be asked; in the answer, what it says where it does not know what a timeline is.
pub(in super::super) async fn server(
    connection: &mut AnyConnection,
) -> Result<Result<Server, sqlx::Error>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT pg_walfile_name(pg_current_wal_lsn()) AS file, current_setting('synchronous_commit') AS commits, \
         current_setting('synchronous_standby_names') AS standbys",
    )
    .fetch_one(connection)
    .await;
    match row {
        Ok(row) => {
            let (commits, standbys): (&str, &str) = (row.try_get("commits")?, row.try_get("standbys")?);
            let waits = !standbys.is_empty() && !matches!(commits, "off" | "local");
            Ok(Ok(Server { timeline: timeline(row.try_get("file")?)?, waits }))
        }
        Err(error) if error.as_database_error().is_some() => Ok(Err(error)),
        Err(error) => Err(error),
    }
}

/// The first 8 hex digits of a log file's name.
fn timeline(file: &str) -> Result<u64, sqlx::Error> {
    let digits = file.get(..8).unwrap_or(file);
    u64::from_str_radix(digits, 16).map_err(|_| sqlx::Error::ColumnDecode {
        index: "file".to_owned(),
        source: format!("{file:?} does not begin with a timeline in 8 hex digits").into(),
    })
}

/// What the ledger says of the server.
pub(in super::super) async fn noted(connection: &mut AnyConnection) -> Result<Option<Server>, sqlx::Error> {
    let row = sqlx::query("SELECT timeline, waits FROM server").fetch_optional(connection).await?;
    row.map(|row| {
        Ok(Server {
            timeline: columns::unsigned(&row, "timeline")?,
            waits: columns::unsigned(&row, "waits")? == 1,
        })
    })
    .transpose()
}

/// Notes down what the server is, in a transaction. Of several processes that find a new one, the first starts the
/// generation.
pub(in super::super) async fn note(
    connection: &mut AnyConnection,
    server: Server,
) -> Result<Look, sqlx::Error> {
    let (timeline, waits) = (signed(server.timeline), i64::from(server.waits));
    sqlx::query("INSERT INTO server (one, timeline, waits) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING")
        .bind(timeline)
        .bind(waits)
        .execute(&mut *connection)
        .await?;
    // Locks it.
    sqlx::query("UPDATE server SET timeline = timeline").execute(&mut *connection).await?;
    let before = noted(connection).await?.ok_or(sqlx::Error::RowNotFound)?;
    let mut look = judge(before, server);
    if let Look::Lost { generation, .. } = &mut look {
        *generation = match sqlx::query("SELECT 1 FROM ledger").fetch_optional(&mut *connection).await? {
            Some(_) => Some(generation::start(connection).await?),
            None => None,
        };
    }
    sqlx::query("UPDATE server SET timeline = $1, waits = $2")
        .bind(timeline)
        .bind(waits)
        .execute(connection)
        .await?;
    Ok(look)
}

fn judge(before: Server, now: Server) -> Look {
    let (from, to) = (before.timeline, now.timeline);
    match to.cmp(&from) {
        std::cmp::Ordering::Equal => Look::AsBefore,
        std::cmp::Ordering::Less => Look::Other { from, to },
        std::cmp::Ordering::Greater if before.waits => Look::FailedOver { from, to },
        std::cmp::Ordering::Greater => Look::Lost { from, to, generation: None },
    }
}

/// Looks whether the server is the one that it was, before anything is written over a new connection.
pub(in super::super) async fn look(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let server = match server(connection).await? {
        Ok(server) => server,
        Err(error) => {
            tracing::warn!(
                %error,
                "the database does not say its timeline: a failover that lost payments while no sidecar ran is not noticed"
            );
            return Ok(());
        }
    };
    if noted(connection).await? == Some(server) {
        return Ok(());
    }
    let mut tries = Tries::default();
    loop {
        match note_alone(connection, server).await {
            Ok(look) => {
                look.tell();
                return Ok(());
            }
            Err(error) => tries.again(error).await?,
        }
    }
}

async fn note_alone(connection: &mut AnyConnection, server: Server) -> Result<Look, sqlx::Error> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    let look = note(&mut transaction, server).await?;
    transaction.commit().await?;
    Ok(look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_timeline_is_a_loss_unless_commits_waited_for_a_standby() {
        let server = |timeline, waits| Server { timeline, waits };
        for (before, now, look) in [
            (server(1, false), server(1, false), Look::AsBefore),
            (server(1, false), server(1, true), Look::AsBefore),
            (server(1, true), server(2, false), Look::FailedOver { from: 1, to: 2 }),
            (server(1, false), server(2, true), Look::Lost { from: 1, to: 2, generation: None }),
            (server(2, false), server(5, false), Look::Lost { from: 2, to: 5, generation: None }),
            (server(5, false), server(1, false), Look::Other { from: 5, to: 1 }),
        ] {
            assert_eq!(judge(before, now), look, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_timeline_is_read_from_the_name_of_a_log_file() {
        assert_eq!(timeline("0000000B00000000000000A1").unwrap(), 11);
        for name in ["", "nothing", "00000x0100000000"] {
            assert!(timeline(name).is_err(), "{name}");
        }
    }
}
