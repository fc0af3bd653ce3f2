//! Samples that were taken in turns, so that a slow phase of the machine meets all that is compared.

use anyhow::{Context, Result};

/// The smallest sample: for work that always takes the same, everything above it is disturbance.
///
/// # Errors
///
/// There is no sample.
pub(crate) fn minimum(samples: &[f64]) -> Result<f64> {
    samples.iter().copied().min_by(f64::total_cmp).context("nothing was measured")
}
