//! Looking at the database's server now and then. What it promised at the start may change: a standby attaches that nobody
//! waits for, or takes over.

use core::convert::Infallible;
use std::time::Duration;

use super::{Sharing, Store, StoreError, postgres};
use crate::metrics;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(10);

impl Store {
    /// Looks for ever; at once first. Keeps this handle.
    pub async fn watch_server(self) -> Infallible {
        if self.sharing == Sharing::Sole {
            return core::future::pending().await;
        }
        let mut before = None;
        loop {
            match self.look_at_server().await {
                Ok(lagging) => {
                    metrics::standbys_lag(lagging);
                    // What there was at the start was said then.
                    if before.replace(lagging).is_some_and(|before| before != lagging) {
                        tell(lagging);
                    }
                }
                // The writer says so louder.
                Err(error) => tracing::debug!(%error, "the database's server could not be looked at"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Takes note of what the server is, and answers how many of its standbys a failover could lose payments by.
    async fn look_at_server(&self) -> Result<u64, StoreError> {
        let mut reader = self.readers().acquire().await?;
        // Those that do not know either have said so at the start.
        let lagging = postgres::lagging(&mut reader).await?.unwrap_or(0);
        if let Ok(server) = postgres::server(&mut reader).await?
            && postgres::noted(&mut reader).await? != Some(server)
        {
            drop(reader);
            self.step(move |connection, _| Box::pin(postgres::note(connection, server))).await?.tell();
        }
        Ok(lagging)
    }
}

fn tell(lagging: u64) {
    match lagging {
        0 => tracing::info!("no failover of the database to a standby that lags can lose payments any more"),
        standbys => tracing::warn!(
            standbys,
            "standbys of the database stream asynchronously and none synchronously: a failover can lose payments that were \
             accepted. Name one in synchronous_standby_names"
        ),
    }
}
