//! The tables that are in use: one for the generator, and one per busy signer, the larger the fewer there are.

use std::sync::LazyLock;

use super::comb::{Comb, Shape};
use super::point::Affine;

/// 8,192 points, 640 KB, made in some milliseconds. With half as many a check takes 3 % longer.
const GENERATOR: Shape = Shape { teeth: 13, blocks: 2, spacing: 10 };

/// What a signer's table may look like, from the fastest to the smallest: 40, 20, 10, 5, 2.5, 1.3 and 0.7 KB.
pub(super) const SIGNER: [Shape; 7] = [
    Shape { teeth: 8, blocks: 4, spacing: 8 },
    Shape { teeth: 8, blocks: 2, spacing: 16 },
    Shape { teeth: 6, blocks: 4, spacing: 11 },
    Shape { teeth: 6, blocks: 2, spacing: 22 },
    Shape { teeth: 5, blocks: 2, spacing: 26 },
    Shape { teeth: 4, blocks: 2, spacing: 33 },
    Shape { teeth: 3, blocks: 2, spacing: 43 },
];

/// The most points that a check adds up: of the generator's table, and of the signer's.
pub(super) const MOST_POINTS: usize = {
    let (mut most, mut at) = (0, 0);
    while at < SIGNER.len() {
        assert!(SIGNER[at].blocks.is_multiple_of(2), "points are added in pairs");
        let points = SIGNER[at].blocks * SIGNER[at].spacing;
        most = if points > most { points } else { most };
        at += 1;
    }
    assert!(GENERATOR.blocks.is_multiple_of(2), "points are added in pairs");
    most + GENERATOR.blocks * GENERATOR.spacing
};

/// The generator's table, made at its first use; `None` if it could not be made, and then `k256` does the work.
pub(super) fn generator() -> Option<&'static Comb> {
    static TABLE: LazyLock<Option<Comb>> =
        LazyLock::new(|| Comb::new(Affine::of(&k256::AffinePoint::GENERATOR), GENERATOR));
    TABLE.as_ref()
}
