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

/// The middle one of these samples' figures; 0 where there is none.
pub(crate) fn median<T>(samples: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    let mut figures: Vec<f64> = samples.iter().map(figure).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
