//! Who made a signature.

use k256::elliptic_curve::PrimeField;

use super::equation::{Incomplete, sum_of_products};
use super::field::Fe;
use super::numbers::{Numbers, inverse_of_double};
use super::point::Affine;
use super::table;
use crate::Address;
use crate::digest::keccak256;

/// The address of the key that made a signature; `None` where there is none.
///
/// # Errors
///
/// [`Incomplete`] where the formulas do not cover the input.
pub(crate) fn signer(numbers: &Numbers) -> Result<Option<Address>, Incomplete> {
    Ok(key(numbers)?.map(|key| address(&key)))
}

/// The key that made a signature: `(s/r)·R - (z/r)·G`, where R is the point that the signature names.
pub(super) fn key(numbers: &Numbers) -> Result<Option<Affine>, Incomplete> {
    let generator = table::generator().ok_or(Incomplete)?;
    let x: Fe = Option::from(Fe::from_repr(numbers.r.to_bytes())).ok_or(Incomplete)?;
    let Some(point) = Affine::lift(x, numbers.odd_y) else { return Ok(None) };
    let half = inverse_of_double(&numbers.r);
    let product = numbers.s * half;
    let key = sum_of_products(generator, &(-numbers.z * half), &point, &(product + product))?;
    Ok(Some(key.to_affine()))
}

/// The address that belongs to a key: the last 20 bytes of the hash of its coordinates.
pub(super) fn address(key: &Affine) -> Address {
    let hash = keccak256(&[&key.to_bytes()]);
    Address(core::array::from_fn(|at| hash[12 + at]))
}
