//! A second server that follows the first: real streaming replication.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use sqlx::{Connection, Row};

use super::{ADMIN, Postgres};
use crate::folder::Folder;

/// How long a standby may take to follow.
const FOLLOW: Duration = Duration::from_secs(20);

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replication {
    /// The standby has it on its disk as well: no failover loses it.
    Synchronous,
    /// The first server only.
    Asynchronous,
}

impl Postgres {
    /// Starts a copy of this server that follows it, and waits until it does.
    ///
    /// # Errors
    ///
    /// What the programs say.
    pub async fn standby(&self, replication: Replication) -> Result<Self> {
        let standby = self.standby_by(self.address).await?;
        if replication == Replication::Synchronous {
            self.set("synchronous_standby_names", "*").await?;
        }
        self.until_followed(replication).await?;
        Ok(standby)
    }

    /// Starts a copy that reaches this server at another address, such as that of a [`Relay`](crate::Relay).
    ///
    /// # Errors
    ///
    /// What the programs say.
    pub async fn standby_by(&self, address: SocketAddr) -> Result<Self> {
        let mut standby = Self::prepare(Folder::new()?, self.password.clone())?;
        let mut copy = standby.programs.part("pg_basebackup", standby.folder.file("pg_basebackup.log"));
        let connection = format!(
            "host={} port={} user={ADMIN} password={} application_name=standby",
            address.ip(),
            address.port(),
            self.password
        );
        copy.flag("--dbname", connection)
            .flag("--pgdata", &standby.data)
            .flag("--checkpoint", "fast")
            .flag("--wal-method", "stream")
            .arg("--write-recovery-conf")
            .arg("--no-sync");
        copy.run()?;
        standby.resume().await?;
        Ok(standby)
    }

    /// Waits until a standby streams from this server in this way.
    ///
    /// # Errors
    ///
    /// It does not in time.
    pub async fn until_followed(&self, replication: Replication) -> Result<()> {
        let wanted = match replication {
            Replication::Synchronous => "sync",
            Replication::Asynchronous => "async",
        };
        let deadline = Instant::now() + FOLLOW;
        let mut session = self.session(ADMIN).await?;
        loop {
            let rows = sqlx::query("SELECT state, sync_state FROM pg_stat_replication")
                .fetch_all(&mut session)
                .await?;
            let follows = |state: &str, sync: &str| state == "streaming" && sync == wanted;
            let states =
                rows.iter().map(|row| anyhow::Ok((row.try_get("state")?, row.try_get("sync_state")?)));
            let states: Vec<(&str, &str)> = states.collect::<Result<_>>()?;
            if states.iter().any(|(state, sync)| follows(state, sync)) {
                return Ok(session.close().await?);
            }
            if Instant::now() > deadline {
                bail!("no standby streams with {wanted} after {FOLLOW:?}: {states:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Makes a standby a server of its own that takes writes. What it has not heard of by then never happened.
    ///
    /// # Errors
    ///
    /// It is none, or does not answer.
    pub async fn promote(&self) -> Result<()> {
        let mut session = self.session(ADMIN).await?;
        let promoted: bool =
            sqlx::query_scalar("SELECT pg_promote(true, 30)").fetch_one(&mut session).await?;
        if !promoted {
            bail!("the standby was not promoted in 30 s");
        }
        // It was copied with the rest, and names a standby that it does not have.
        self.set("synchronous_standby_names", "").await?;
        Ok(session.close().await?)
    }
}
