//! The tables that are in use: one for the generator, and one per busy signer, the larger the fewer there are.

use std::sync::LazyLock;

use super::comb::{Comb, Shape};
use super::point::Affine;

/// 8,192 points, 640 KB, made in some milliseconds.
const GENERATOR: Shape = Shape { teeth: 13, blocks: 2, spacing: 10 };

/// What a signer's table may look like, from the fastest to the smallest: 20, 10, 5 and 2.5 KB.
pub(super) const SIGNER: [Shape; 4] = [
    Shape { teeth: 8, blocks: 2, spacing: 16 },
    Shape { teeth: 6, blocks: 4, spacing: 11 },
    Shape { teeth: 6, blocks: 2, spacing: 22 },
    Shape { teeth: 5, blocks: 2, spacing: 26 },
];

/// The generator's table, made at its first use; `None` if it could not be made, and then `k256` does the work.
pub(super) fn generator() -> Option<&'static Comb> {
    static TABLE: LazyLock<Option<Comb>> =
        LazyLock::new(|| Comb::new(Affine::of(&k256::AffinePoint::GENERATOR), GENERATOR));
    TABLE.as_ref()
}
