//! What other processes change in the ledger, and this one has in memory.

use std::time::Duration;

use crate::chain::{Fatal, tell_incident};
use crate::health::HealthBoard;
use crate::store::{BindError, Store};

/// How often to look.
const INTERVAL: Duration = Duration::from_secs(1);

/// Keeps what is remembered of a shared ledger at most a second behind it: what it is bound to, its generation, and
/// whether a reorganisation of believed blocks is not over.
pub(super) async fn watch(store: &Store, health: &HealthBoard) -> Fatal {
    loop {
        if let Err(error) = look(store, health).await {
            match error {
                BindError::Other { .. } => return Fatal::Bind(error),
                BindError::Store(error) => {
                    tracing::debug!(%error, "what others have changed is not known");
                }
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn look(store: &Store, health: &HealthBoard) -> Result<(), BindError> {
    store.refresh().await?;
    Ok(tell_incident(store, health).await?)
}
