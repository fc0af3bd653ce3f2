//! What a server promises when it says that a transaction is durable. A payment is answered on that word.

use sqlx::{AnyConnection, Row};

use super::super::columns;

/// What the operator insists on although acknowledged payments can be lost by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risks {
    /// A crash of the server may lose what was acknowledged just before.
    pub losing_commits: bool,
    /// A failover may lose what was acknowledged just before.
    pub losing_failover: bool,
}

/// Why a server's word is not good enough.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fragile {
    /// A setting that gives up durability.
    #[error(
        "{name} is {found}, so that a crash of the server can lose payments that were accepted: set it to on, or give \
         --allow-losing-commits if that is accepted"
    )]
    Setting {
        /// Its name.
        name: String,
        /// What it is.
        found: String,
    },
    /// A standby that may take over and lag.
    #[error(
        "{standbys} standby servers stream asynchronously and none synchronously, so that a failover can lose payments \
         that were accepted: name one in synchronous_standby_names (with synchronous_commit = on), or give \
         --allow-losing-failover if that is accepted"
    )]
    Standbys {
        /// How many.
        standbys: u64,
    },
}

/// Asks the server what it promises.
///
/// # Errors
///
/// What fails, or in the answer what is not good enough and not insisted on.
pub(in super::super) async fn check(
    connection: &mut AnyConnection,
    risks: Risks,
) -> Result<Result<(), Fragile>, sqlx::Error> {
    if risks.losing_commits {
        tracing::warn!(
            "payments that were accepted can be lost by a crash of the database: --allow-losing-commits"
        );
    } else {
        match settings(connection).await {
            Ok(Ok(())) => {}
            Ok(Err(fragile)) => return Ok(Err(fragile)),
            Err(error) if error.as_database_error().is_some() => tracing::warn!(
                %error,
                "the database does not say whether fsync, full_page_writes and synchronous_commit are on: see to it \
                 that what it acknowledges survives a crash"
            ),
            Err(error) => return Err(error),
        }
    }
    match standbys(connection).await {
        Ok(standbys) => Ok(judge(&standbys, risks)),
        Err(error) if error.as_database_error().is_some() => {
            tracing::warn!(%error, "the database does not say whether it has standbys that lag");
            Ok(Ok(()))
        }
        Err(error) => Err(error),
    }
}

/// How many standbys a failover could go to that lacks payments; `None` where the database does not say.
pub(in super::super) async fn lagging(connection: &mut AnyConnection) -> Result<Option<u64>, sqlx::Error> {
    match standbys(connection).await {
        Ok(standbys) => Ok(Some(standbys.lagging())),
        Err(error) if error.as_database_error().is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn settings(connection: &mut AnyConnection) -> Result<Result<(), Fragile>, sqlx::Error> {
    for (name, question) in [
        ("fsync", "SELECT current_setting('fsync') AS found"),
        ("full_page_writes", "SELECT current_setting('full_page_writes') AS found"),
        ("synchronous_commit", "SELECT current_setting('synchronous_commit') AS found"),
    ] {
        let found: String = sqlx::query(question).fetch_one(&mut *connection).await?.try_get("found")?;
        if found == "off" {
            return Ok(Err(Fragile::Setting { name: name.to_owned(), found }));
        }
    }
    Ok(Ok(()))
}

/// The standbys, by what is known of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Standbys {
    synchronous: u64,
    asynchronous: u64,
    /// We may not see.
    unseen: u64,
    /// Whether our commits wait for the synchronous ones.
    waits: bool,
}

impl Standbys {
    /// Those that nobody waits for, while nobody waits for any.
    fn lagging(&self) -> u64 {
        match self.waits {
            true if self.synchronous > 0 => 0,
            true => self.asynchronous,
            false => self.asynchronous + self.synchronous,
        }
    }
}

async fn standbys(connection: &mut AnyConnection) -> Result<Standbys, sqlx::Error> {
    let row = sqlx::query("SELECT current_setting('synchronous_commit') AS found");
    let found: String = row.fetch_one(&mut *connection).await?.try_get("found")?;
    let mut standbys = Standbys { waits: !matches!(found.as_str(), "off" | "local"), ..Standbys::default() };
    let rows = sqlx::query(
        "SELECT coalesce(sync_state, '') AS kind, count(*) AS standbys FROM pg_stat_replication \
         WHERE state IS NULL OR state IN ('streaming', 'catchup') GROUP BY sync_state",
    )
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let count = columns::unsigned(row, "standbys")?;
        let kind: &str = row.try_get("kind")?;
        match kind {
            "sync" | "quorum" => standbys.synchronous += count,
            "" => standbys.unseen += count,
            _ => standbys.asynchronous += count,
        }
    }
    Ok(standbys)
}

fn judge(standbys: &Standbys, risks: Risks) -> Result<(), Fragile> {
    if standbys.unseen > 0 {
        tracing::warn!(
            standbys = standbys.unseen,
            "the database has standbys, and does not let us see whether they are synchronous: GRANT pg_monitor TO the \
             user of --database"
        );
    }
    match (standbys.lagging(), risks.losing_failover) {
        (0, _) => Ok(()),
        (standbys, true) => {
            tracing::warn!(
                standbys,
                "payments that were accepted can be lost by a failover of the database: --allow-losing-failover"
            );
            Ok(())
        }
        (standbys, false) => Err(Fragile::Standbys { standbys }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_that_nobody_waits_for_is_a_risk() {
        let of = |synchronous, asynchronous, waits| Standbys { synchronous, asynchronous, unseen: 0, waits };
        for (standbys, lagging) in [
            (of(0, 0, true), 0),
            (of(1, 0, true), 0),
            (of(1, 1, true), 0),
            (of(0, 2, true), 2),
            (of(1, 0, false), 1),
        ] {
            let fragile = judge(&standbys, Risks::default()).err();
            let expected = (lagging > 0).then_some(Fragile::Standbys { standbys: lagging });
            assert_eq!(fragile, expected, "{standbys:?}");
            assert_eq!(judge(&standbys, Risks { losing_failover: true, ..Risks::default() }), Ok(()));
        }
    }
}
