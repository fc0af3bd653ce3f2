//! The sidecars and Envoys of a stack, of which there may be several.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::{Envoy, Sidecar, Stack};

/// How long it may take until a sidecar leads: the lease is 3 s, and the machine may be busy.
const TAKE_OVER: Duration = Duration::from_secs(20);

impl Stack {
    /// Where clients come in, by all Envoys.
    pub fn doors(&self) -> Vec<SocketAddr> {
        std::iter::once(&self.envoy).chain(&self.other_envoys).map(Envoy::address).collect()
    }

    /// How many Envoys there are.
    pub fn envoys(&self) -> usize {
        self.options.envoys
    }

    /// An Envoy of the stack: the first, or one of the others.
    ///
    /// # Panics
    ///
    /// There are not so many.
    pub fn envoy_at(&mut self, number: usize) -> &mut Envoy {
        match number {
            0 => &mut self.envoy,
            other => &mut self.other_envoys[other - 1],
        }
    }

    /// How many sidecars share the ledger.
    pub fn sidecars(&self) -> usize {
        self.options.sidecars
    }

    /// A sidecar of the stack: the first, or one of the others.
    ///
    /// # Panics
    ///
    /// There are not so many.
    pub fn sidecar_at(&mut self, number: usize) -> &mut Sidecar {
        match number {
            0 => &mut self.sidecar,
            other => &mut self.others[other - 1],
        }
    }

    /// The sidecar that follows the chain and sends transactions, which may not be long ago. None of them may sleep.
    ///
    /// # Errors
    ///
    /// Nobody leads in time.
    pub async fn leader(&self) -> Result<&Sidecar> {
        let deadline = Instant::now() + TAKE_OVER;
        loop {
            for sidecar in std::iter::once(&self.sidecar).chain(&self.others) {
                // One that was killed does not answer.
                if sidecar.leads().await.is_ok_and(|leads| leads) {
                    return Ok(sidecar);
                }
            }
            if Instant::now() > deadline {
                bail!("nobody leads after {TAKE_OVER:?}\n{}", self.sidecar_logs()?);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What all sidecars have written, one after the other.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub fn sidecar_logs(&self) -> Result<String> {
        std::iter::once(&self.sidecar).chain(&self.others).map(Sidecar::log).collect()
    }
}
