//! Transactions that met each other: one of them begins anew.

use std::time::Duration;

use sqlx::Error;

use super::super::random::random;

/// How often one transaction is tried.
const TRIES: u32 = 12;

/// The states of SQL that say so: `serialization_failure`, `deadlock_detected`, and `unique_violation` where two
/// transactions have added the same row.
const MET: [&str; 3] = ["40001", "40P01", "23505"];

/// How often a transaction was tried.
#[derive(Debug, Default)]
pub(super) struct Tries {
    tried: u32,
    reconnected: bool,
}

impl Tries {
    /// Waits a little before the next try.
    ///
    /// # Errors
    ///
    /// What went wrong, where it would go wrong again, or where it is not known what became of the transaction.
    pub(super) async fn again(&mut self, error: Error) -> Result<(), Error> {
        self.tried += 1;
        if self.tried >= TRIES || !met_another(&error) {
            return Err(error);
        }
        tracing::debug!(%error, tries = self.tried, "a transaction met another one and begins anew");
        tokio::time::sleep(pause(self.tried)?).await;
        Ok(())
    }

    /// Allows one try over another connection.
    ///
    /// # Errors
    ///
    /// What went wrong, where that was tried before.
    pub(super) fn only_once(&mut self, error: Error) -> Result<(), Error> {
        match std::mem::replace(&mut self.reconnected, true) {
            true => Err(error),
            false => {
                tracing::info!(%error, "the connection to the database is gone: making another one");
                Ok(())
            }
        }
    }
}

fn met_another(error: &Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| MET.contains(&code.as_ref()))
}

/// Up to 2 ms at first, twice as much each time, and 256 ms at most: at random, so that those who met do not meet again.
fn pause(tries: u32) -> Result<Duration, Error> {
    let most = 1000_u64 << tries.min(8);
    Ok(Duration::from_micros(u64::from_be_bytes(random()?) % most))
}
