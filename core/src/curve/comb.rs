//! Combs: tables by which a known point is multiplied with few additions (Lim and Lee, "More Flexible Exponentiation
//! with Precomputation", 1994), here with signed digits, of which none is ever zero.
//!
//! A number of `teeth · blocks · spacing` bits is read as digits that are +1 (bit set) or -1 (bit clear). A comb takes
//! every `spacing`-th digit of a block at a time, `teeth` of them, and has all their sums in its table: those in which
//! the topmost digit is +1, for the others are their negatives. One pass over `spacing` columns, doubling in between,
//! adds `blocks · spacing` points and is done.

use core::array;

use k256::Scalar;

use super::field::{Fe, invert_all};
use super::point::{Affine, Jacobian, to_affine};

/// A comb's measures. `teeth · blocks · spacing` is 256 to [`DIGITS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) teeth: usize,
    pub(super) blocks: usize,
    pub(super) spacing: usize,
}

impl Shape {
    const fn digits(self) -> usize {
        self.teeth * self.blocks * self.spacing
    }

    /// How many points the table has.
    const fn points(self) -> usize {
        self.blocks << (self.teeth - 1)
    }

    /// How many bytes the table takes.
    pub(super) const fn bytes(self) -> usize {
        self.points() * size_of::<Affine>() + size_of::<Comb>()
    }
}

/// The most digits that any shape in use has: 6 · 4 · 11.
const DIGITS: usize = 264;

/// The table of one point.
pub(super) struct Comb {
    shape: Shape,
    /// Block after block; within one, by the digits below the topmost, as bits.
    points: Box<[Affine]>,
    /// `(2^digits - 1) / 2`, which turns half a number into the bits of its digits.
    offset: Scalar,
}

impl Comb {
    /// The table of a point. `None` for a point for which the incomplete formulas fail, which none is known to be.
    pub(super) fn new(point: Affine, shape: Shape) -> Option<Self> {
        let Shape { teeth, blocks, spacing } = shape;
        let singles = powers(point, spacing, teeth * blocks)?;
        let mut sums: Vec<Vec<Affine>> = singles.chunks(teeth).map(|block| vec![block[teeth - 1]]).collect();
        for tooth in 0..teeth - 1 {
            let pairs: Vec<_> = sums
                .iter()
                .zip(singles.chunks(teeth))
                .flat_map(|(sums, block)| sums.iter().map(move |sum| (*sum, block[tooth])))
                .collect();
            let both = sums_and_differences(&pairs)?;
            let each = both.len() / blocks;
            for (block, both) in sums.iter_mut().zip(both.chunks(each)) {
                // The digit of this tooth is the next higher bit of the index: clear is -1, so differences come first.
                let (more, less): (Vec<_>, Vec<_>) = both.iter().copied().unzip();
                *block = [less, more].concat();
            }
        }
        let half = Option::<Scalar>::from(Scalar::from(2u64).invert_vartime())?;
        let all = (0..shape.digits()).fold(Scalar::ONE, |power, _| power + power) - Scalar::ONE;
        Some(Self { shape, points: sums.concat().into(), offset: all * half })
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// How many columns of digits there are.
    pub(super) fn columns(&self) -> usize {
        self.shape.spacing
    }

    /// The digits of a number, given half of it modulo the group's order.
    ///
    /// With the bits of `d` as digits the comb makes `2d - (2^digits - 1)`, so that d is half of the number and half
    /// of `2^digits - 1`.
    pub(super) fn digits(&self, half: &Scalar) -> Digits {
        let bytes = (half + self.offset).to_bytes();
        let word = |chunk: &[u8]| chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        let mut words = bytes.rchunks(4).map(word);
        Digits(array::from_fn(|_| words.next().unwrap_or(0)))
    }

    /// The points of one column of digits, the sum of which is what the column stands for: one of each block, and none
    /// where the comb has no such column.
    pub(super) fn column<'a>(
        &'a self,
        digits: &'a Digits,
        column: usize,
    ) -> impl Iterator<Item = Entry<'a>> + 'a {
        let Shape { teeth, spacing, .. } = self.shape;
        let highest = 1 << (teeth - 1);
        self.points.chunks_exact(highest).take(self.points_of(column)).enumerate().map(
            move |(block, points)| {
                let first = block * teeth * spacing + column;
                let index =
                    (0..teeth).rev().fold(0, |index, tooth| index << 1 | digits.bit(first + tooth * spacing));
                let negative = index & highest == 0;
                let index = if negative { !index } else { index };
                Entry { point: &points[index & (highest - 1)], negative }
            },
        )
    }

    /// How many points a column has.
    pub(super) fn points_of(&self, column: usize) -> usize {
        if column < self.shape.spacing { self.shape.blocks } else { 0 }
    }
}

/// An entry of a comb's table, or its negative, that has not been read yet.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    point: &'a Affine,
    negative: bool,
}

impl Entry<'_> {
    pub(super) fn point(self) -> Affine {
        let Affine { x, y } = *self.point;
        Affine { x, y: if self.negative { y.negate(1) } else { y } }
    }
}

/// A number's digits, as bits, from the lowest: set is +1, clear is -1.
pub(super) struct Digits([u32; DIGITS.div_ceil(32)]);

impl Digits {
    fn bit(&self, at: usize) -> usize {
        (self.0[at / 32] >> (at % 32)) as usize & 1
    }
}

/// The point times 2^(spacing · i) for each i below `count`.
fn powers(point: Affine, spacing: usize, count: usize) -> Option<Vec<Affine>> {
    let mut power = Jacobian::from(point);
    let mut powers = Vec::with_capacity(count);
    powers.push(power);
    while powers.len() < count {
        (0..spacing).for_each(|_| power.double());
        powers.push(power);
    }
    to_affine(&powers)
}

/// `a + b` and `a - b` of each pair, with a single inversion, since both chords span the same distance in `x`.
fn sums_and_differences(pairs: &[(Affine, Affine)]) -> Option<Vec<(Affine, Affine)>> {
    let inverses = invert_all(pairs.iter().map(|(a, b)| a.distance(b)))?;
    let both = |((a, b), inverse): (&(Affine, Affine), Fe)| {
        let minus_b = Affine { x: b.x, y: b.y.negate(1) };
        (a.plus(b, &inverse).reduced(), a.plus(&minus_b, &inverse).reduced())
    };
    Some(pairs.iter().zip(inverses).map(both).collect())
}
