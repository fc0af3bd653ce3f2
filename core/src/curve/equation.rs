//! Whether a known key made a signature.

use k256::elliptic_curve::PrimeField;

use super::comb::{Comb, Entry};
use super::field::{Fe, invert};
use super::halves::{Halves, STEPS};
use super::numbers::{Numbers, inverse_of_double};
use super::point::{Affine, Jacobian, sums_of_pairs};
use super::table::MOST_POINTS;

/// The formulas do not cover this input: `k256` has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incomplete;

/// Whether the key of a comb made the signature, exactly as `ecrecover` sees it, `v` included.
pub(super) fn holds_for_comb(numbers: &Numbers, generator: &Comb, key: &Comb) -> Result<bool, Incomplete> {
    let half = inverse_of_double(&numbers.s);
    let products =
        [(key, key.digits(&(numbers.r * half))), (generator, generator.digits(&(numbers.z * half)))];
    let columns = generator.columns().max(key.columns());
    // First all entries, then all points, and only then sums: so the memory, where the tables of many signers have left
    // the processor's caches, is asked for many points at a time.
    let mut entries = Vec::with_capacity(MOST_POINTS);
    for column in (0..columns).rev() {
        products.iter().for_each(|(comb, digits)| entries.extend(comb.column(digits, column)));
    }
    let points: Vec<Affine> = entries.into_iter().map(Entry::point).collect();
    // Every comb has an even number of points in a column, and to add two that are affine takes half the time.
    let mut pairs = sums_of_pairs(&points).ok_or(Incomplete)?.into_iter();
    let mut sum: Option<Jacobian> = None;
    for column in (0..columns).rev() {
        if let Some(sum) = &mut sum {
            sum.double();
        }
        let points: usize = products.iter().map(|(comb, _)| comb.points_of(column)).sum();
        pairs.by_ref().take(points / 2).for_each(|pair| add(&mut sum, pair));
    }
    is_point_of(numbers, sum)
}

/// The same for a key that has no comb.
pub(super) fn holds_for_key(numbers: &Numbers, generator: &Comb, key: &Affine) -> Result<bool, Incomplete> {
    let half = inverse_of_double(&numbers.s);
    let product = numbers.r * half;
    let sum = sum_of_products(generator, &(numbers.z * half), key, &(product + product))?;
    is_point_of(numbers, Some(sum))
}

/// `a·G + b·P`, given half of `a`.
pub(super) fn sum_of_products(
    generator: &Comb,
    half_of_a: &k256::Scalar,
    point: &Affine,
    b: &k256::Scalar,
) -> Result<Jacobian, Incomplete> {
    let digits = generator.digits(half_of_a);
    let halves = Halves::new(point, b).ok_or(Incomplete)?;
    let mut sum: Option<Jacobian> = None;
    for step in (0..STEPS).rev() {
        if let Some(sum) = &mut sum {
            sum.double();
        }
        halves.step(step).for_each(|point| add(&mut sum, point));
        generator.column(&digits, step).for_each(|entry| add(&mut sum, entry.point()));
    }
    sum.filter(Jacobian::holds).ok_or(Incomplete)
}

/// Adds a point; the first one starts the sum.
fn add(sum: &mut Option<Jacobian>, point: Affine) {
    match sum {
        Some(sum) => sum.add(&point),
        None => *sum = Some(Jacobian::from(point)),
    }
}

/// Whether the sum is the point that the signature names.
fn is_point_of(numbers: &Numbers, sum: Option<Jacobian>) -> Result<bool, Incomplete> {
    let sum = sum.filter(Jacobian::holds).ok_or(Incomplete)?;
    // No `v` of Ethereum stands for an x from the group's order up, so x is r itself.
    let x: Fe = Option::from(Fe::from_repr(numbers.r.to_bytes())).ok_or(Incomplete)?;
    let same_x = x.mul(&sum.z.square()) + sum.x.negate(6);
    if !bool::from(same_x.normalizes_to_zero()) {
        return Ok(false);
    }
    let inverse = invert(&sum.z);
    let y = sum.y.mul(&inverse.square().mul(&inverse)).normalize();
    Ok(bool::from(y.is_odd()) == numbers.odd_y)
}
