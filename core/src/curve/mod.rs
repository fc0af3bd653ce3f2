//! Signature checks that are fast in Envoy's wasm, and natively too.
//!
//! Everything here is public (signatures, keys, digests), so everything runs in variable time on purpose. Nothing
//! here may ever touch a secret.
//!
//! A signature `(r, s)` over a digest `z` by the key `Q` holds if the point `(z/s)·G + (r/s)·Q` is the one with `x = r`
//! and the `y` that `v` names; G is the curve's generator. All time goes into that sum of two products:
//!
//! - For G, and for signers who sign again and again, a [`comb`] has the point's multiples ready: 51 additions, half of
//!   them cheap, and 9 to 15 doublings in place of the 128 doublings and 60 additions of a general product.
//! - For a key that has no comb yet, its factor is [split](halves) into two of half the length.
//! - For a signer who is not known yet, the key is [recovered](recover) as `(s/r)·R - (z/r)·G`, where R is the point
//!   that `r` and `v` name.
//!
//! The [formulas](point) fail for a few inputs that do not occur by chance. That is noticed at the end, and `k256`
//! decides then. Its field and scalar types are used throughout; the [inverse] is our own, many times as fast.
//! docs/signatures.md explains the idea with a picture, docs/performance.md has the figures.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "arithmetic on limbs and table indices whose bounds are shown where they are used"
)]

mod comb;
mod equation;
mod field;
mod halves;
mod inverse;
mod numbers;
mod point;
mod recover;
mod signers;
mod table;

pub(crate) use equation::Incomplete;
pub(crate) use numbers::Numbers;
pub(crate) use recover::signer;
pub use signers::{SharedKeys, SignatureCounts, Signers};

#[cfg(test)]
mod tests;
