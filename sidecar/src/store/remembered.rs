//! What every process remembers of the ledger's own row. One process binds it, and another may start its next
//! generation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::lease::Epoch;
use super::{BindError, Binding, Bound, Chain, Store, binding, generation};

/// The ledger's row, as it was read last.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    bound: RwLock<Option<Arc<Bound>>>,
    /// Whether the head of the chain was not reached yet since the generation began.
    behind: AtomicBool,
}

impl Remembered {
    pub(super) fn new(bound: Option<Bound>, behind: bool) -> Self {
        Self { bound: RwLock::new(bound.map(Arc::new)), behind: behind.into() }
    }

    fn set(&self, bound: Bound) {
        // What a panicking thread left is whole.
        *self.bound.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(bound));
    }

    pub(super) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    pub(super) fn set_behind(&self, behind: bool) {
        self.behind.store(behind, Ordering::Release);
    }
}

impl Store {
    /// What the ledger is bound to; `None` before the node was ever reached.
    pub fn bound(&self) -> Option<Arc<Bound>> {
        self.remembered.bound.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Binds a new ledger to what the node says of chain and contract, or compares a bound one with it.
    ///
    /// # Errors
    ///
    /// [`BindError::Other`] where the ledger belongs to another chain, contract, token or receiver; those of the store.
    pub async fn bind(&self, epoch: Epoch, found: Binding) -> Result<(), BindError> {
        if self.bound().is_none() {
            let new = found.clone();
            let bound = self.led(epoch, move |connection, _| {
                let new = new.clone();
                Box::pin(async move { binding::write(connection, &new).await })
            });
            self.remembered.set(bound.await?);
        }
        self.compare(&found)
    }

    /// Whether a bound ledger belongs to this. One that is not bound belongs to anything.
    ///
    /// # Errors
    ///
    /// [`BindError::Other`].
    pub fn compare(&self, found: &Binding) -> Result<(), BindError> {
        self.bound().map_or(Ok(()), |bound| bound.binding.compare(found))
    }

    /// The part of [`Store::compare`] about the chain.
    ///
    /// # Errors
    ///
    /// [`BindError::Other`].
    pub fn check_chain(&self, chain: Chain) -> Result<(), BindError> {
        self.bound().map_or(Ok(()), |bound| bound.binding.chain.compare(chain))
    }

    /// Reads the ledger's row again: other processes may have changed it.
    ///
    /// # Errors
    ///
    /// [`BindError::Other`] where one has bound it to another contract or receiver; [`BindError::Store`].
    pub async fn refresh(&self) -> Result<(), BindError> {
        let mut connection = self.readers().acquire().await.map_err(super::StoreError::from)?;
        let Some(bound) = binding::read(&mut connection).await.map_err(super::StoreError::from)? else {
            return Ok(());
        };
        let behind = generation::is_behind(&mut connection).await.map_err(super::StoreError::from)?;
        bound.binding.compare_parties(self.scope.contract, self.scope.receiver)?;
        self.remembered.set(bound);
        self.remembered.set_behind(behind);
        Ok(())
    }
}
