//! Telling whether a reorganisation of believed blocks is not over.

use crate::health::HealthBoard;
use crate::store::{Store, StoreError};

/// Has `health` say what stands in the ledger: another process may have noticed a reorganisation, or ended one.
///
/// # Errors
///
/// [`StoreError::NotRead`].
pub async fn tell_incident(store: &Store, health: &HealthBoard) -> Result<(), StoreError> {
    let incident = store.incident().await?;
    let reason = incident.map(|incident| incident.to_string());
    if health.incident(reason.clone()) != reason {
        match reason {
            Some(reason) => tracing::error!("paid routes are closed: {reason}"),
            None => tracing::info!("the reorganisation is over"),
        }
    }
    Ok(())
}
