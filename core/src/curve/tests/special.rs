//! Inputs that are made so that the formulas meet what they do not cover, or numbers at the ends of their ranges.

use k256::ecdsa::{RecoveryId, VerifyingKey};
use k256::elliptic_curve::point::AffineCoordinates;

use super::super::comb::Entry;
use super::*;

/// Keys with a short relation to the generator.
fn keys() -> Vec<Scalar> {
    let lambda = Scalar::from_repr(
        [
            0x53, 0x63, 0xad, 0x4c, 0xc0, 0x5c, 0x30, 0xe0, 0xa5, 0x26, 0x1c, 0x02, 0x88, 0x12, 0x64, 0x5a,
            0x12, 0x2e, 0x22, 0xea, 0x20, 0x81, 0x66, 0x78, 0xdf, 0x02, 0x96, 0x7c, 0x1b, 0x23, 0xbd, 0x72,
        ]
        .into(),
    )
    .expect("λ is below the order");
    let small = (1..=5u64).map(Scalar::from);
    let mut power = Scalar::ONE;
    let powers: Vec<_> = (0..264)
        .map(|_| {
            power = power + power;
            power
        })
        .collect();
    // Every spacing of a comb's teeth is among these.
    let chosen = [1, 2, 3, 10, 11, 15, 16, 20, 22, 26, 32, 44, 66, 128, 130, 132, 176, 240, 255, 260];
    let powers = chosen.into_iter().flat_map(move |at: usize| {
        let power = powers[at - 1];
        [power, power.invert().expect("no power of two is zero"), power + Scalar::ONE]
    });
    let roots = [lambda, lambda * lambda, lambda + Scalar::ONE, lambda + lambda];
    small.chain(powers).chain(roots).flat_map(|key| [key, -key]).collect()
}

/// The signature whose sum is `u1·G + u2·Q`, for a key `d`. `None` where that is at infinity.
fn with_factors(d: &Scalar, u1: &Scalar, u2: &Scalar) -> Option<(Signature, Digest)> {
    let point = ProjectivePoint::GENERATOR * (*u1 + *u2 * d);
    let u2_inverse = Option::<Scalar>::from(u2.invert())?;
    let affine = point.to_affine();
    let r = scalar(&affine.x().into());
    if point == ProjectivePoint::IDENTITY || bool::from(r.is_zero()) {
        return None;
    }
    let s = r * u2_inverse;
    Some((signature(bytes(&r), bytes(&s), affine.y_is_odd().into()), bytes(&(*u1 * s))))
}

#[test]
fn keys_and_factors_with_short_relations_are_judged_as_k256_judges_them() {
    let mut random = Random(1 << 32);
    let mut good = 0;
    for d in keys() {
        let checks = Checks::new(&(ProjectivePoint::GENERATOR * d));
        let (u, one) = (random.scalar(), Scalar::ONE);
        let two = one + one;
        let factors = [
            (u, random.scalar()),
            // Both products are the same point, or opposite ones.
            (u * d, u),
            (-(u * d), u),
            (d, one),
            (-d, one),
            (d + d, one),
            (one, one),
            (one, -one),
            (two, one),
            (one, two),
            (Scalar::ZERO, u),
            (u, d),
        ];
        for (u1, u2) in factors {
            let Some((signature, digest)) = with_factors(&d, &u1, &u2) else { continue };
            let (holds, _) = checks.agree(&signature, &digest);
            assert!(holds, "made to hold: {signature}");
            good += 1;
        }
    }
    assert!(good > 1000, "{good}");
}

/// The points that the generator's comb adds last for this factor.
fn last_addends(factor: &Scalar) -> Vec<ProjectivePoint> {
    let generator = table::generator().expect("the generator has a table");
    let half = *factor * Scalar::from(2u64).invert().expect("two is not zero");
    let point = |entry: Entry<'_>| {
        let encoded = [&[4][..], &entry.point().to_bytes()].concat();
        let key = VerifyingKey::from_sec1_bytes(&encoded).expect("a point of the table is on the curve");
        ProjectivePoint::from(key.as_affine())
    };
    generator.column(&generator.digits(&half), 0).map(point).collect()
}

#[test]
fn a_sum_that_ends_in_a_doubling_is_judged_as_k256_judges_it() {
    let mut random = Random(6 << 32);
    for _ in 0..40 {
        // The sum before the last addend is that addend, which the formulas do not cover. First where a known key
        // checks: u1·G + u2·Q = 2P gives the key. Without a comb points are added one by one, with one in pairs.
        let (u1, u2) = (random.scalar(), random.scalar());
        let points = last_addends(&u1);
        let [.., last] = points[..] else { panic!("a column has points") };
        let pair: ProjectivePoint = points.iter().sum();
        for (addend, expected, by) in [(last, 1, "the key"), (pair, table::SIGNER.len(), "each of its combs")]
        {
            let point = addend.double();
            let key = (point - ProjectivePoint::GENERATOR * u1) * u2.invert().expect("a hash is not zero");
            let affine = point.to_affine();
            let r = scalar(&affine.x().into());
            let s = r * u2.invert().expect("a hash is not zero");
            let good = signature(bytes(&r), bytes(&s), affine.y_is_odd().into());
            let (holds, incomplete) = Checks::new(&key).agree(&good, &bytes(&(u1 * s)));
            assert!(holds);
            assert_eq!(incomplete, expected, "by {by}");
        }

        // Then where the key is recovered: Q = a·G + b·R = 2P gives R.
        let (a, b) = (random.scalar(), random.scalar());
        let [.., last] = last_addends(&a)[..] else { panic!("a column has points") };
        let key = last.double();
        let named = (key - ProjectivePoint::GENERATOR * a) * b.invert().expect("a hash is not zero");
        let affine = named.to_affine();
        let r = scalar(&affine.x().into());
        let good = signature(bytes(&r), bytes(&(b * r)), affine.y_is_odd().into());
        let (holds, incomplete) = Checks::new(&key).agree(&good, &bytes(&-(a * r)));
        assert!(holds);
        assert_eq!(incomplete, 1, "by recovery");
    }
}

#[test]
fn a_sum_at_infinity_is_no_signature() {
    let mut random = Random(2 << 32);
    for d in keys().into_iter().step_by(3).chain([random.scalar(), random.scalar()]) {
        let checks = Checks::new(&(ProjectivePoint::GENERATOR * d));
        for _ in 0..4 {
            let (r, s) = (random.scalar(), random.scalar());
            // z·G + r·Q is nothing.
            let digest = bytes(&-(r * d));
            for odd_y in [false, true] {
                let (holds, incomplete) = checks.agree(&signature(bytes(&r), bytes(&s), odd_y), &digest);
                assert!(!holds);
                assert!(
                    incomplete > table::SIGNER.len(),
                    "by the key, and by each of its combs: {incomplete}"
                );
            }
        }
    }
}

#[test]
fn numbers_at_the_ends_of_their_ranges_are_judged_as_k256_judges_them() {
    let mut random = Random(3 << 32);
    let order = {
        let mut order = order_minus_one();
        order[31] += 1;
        order
    };
    let one = bytes(&Scalar::ONE);
    let ends = [[0; 32], one, order_minus_one(), order, [0xff; 32]];
    for _ in 0..4 {
        let key = random.key();
        let checks = Checks::new(&key.verifying_key().as_affine().into());
        let good = signed(&key, &random.bytes());
        let (r, s) = good.r_s.split_at(32);
        let (r, s): ([u8; 32], [u8; 32]) = (r.try_into().unwrap(), s.try_into().unwrap());
        for digest in [[0; 32], order_minus_one(), order, [0xff; 32], random.bytes()] {
            let (holds, _) = checks.agree(&signed(&key, &digest), &digest);
            assert!(holds);
            for odd_y in [false, true] {
                for a in ends {
                    for b in ends {
                        checks.agree(&signature(a, b, odd_y), &digest);
                    }
                    checks.agree(&signature(a, s, odd_y), &digest);
                    checks.agree(&signature(r, a, odd_y), &digest);
                }
            }
        }
    }
}

/// Such a signature verifies in plain ECDSA, which looks at x modulo the order. No `v` of Ethereum stands for it.
#[test]
fn a_point_with_an_x_above_the_order_makes_no_signature_for_the_contract() {
    let mut random = Random(4 << 32);
    let mut met = 0;
    // x = n + r, which is below the field's prime for such small r.
    for small in 1..60u64 {
        let r = Scalar::from(small);
        for odd_y in [false, true] {
            let (s, digest) = (random.scalar(), random.bytes());
            let pair = k256::ecdsa::Signature::from_scalars(bytes(&r), bytes(&s)).expect("both are in range");
            let id = RecoveryId::new(odd_y, true);
            let Ok(key) = VerifyingKey::recover_from_prehash(&digest, &pair, id) else { continue };
            met += 1;
            let checks = Checks::new(&key.as_affine().into());
            for odd_y in [false, true] {
                let (holds, _) = checks.agree(&signature(bytes(&r), bytes(&s), odd_y), &digest);
                assert!(!holds);
            }
        }
    }
    assert!(met > 20, "{met}");
}
