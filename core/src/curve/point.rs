//! Points of the curve, and their sums by formulas that are fast and incomplete.

use super::field::{Fe, element, invert, invert_all};

/// A point that is not at infinity. The magnitude of `x` is 1, that of `y` at most 2, except in what [`Affine::plus`]
/// gives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub(super) x: Fe,
    pub(super) y: Fe,
}

impl Affine {
    /// A point of k256 that is not at infinity.
    pub(super) fn of(point: &k256::AffinePoint) -> Self {
        use k256::elliptic_curve::point::AffineCoordinates;
        let coordinate = |bytes: k256::FieldBytes| element(bytes.into()).unwrap_or(Fe::ZERO);
        Self { x: coordinate(point.x()), y: coordinate(point.y()) }
    }

    /// The point with this `x`, and the `y` of this parity; `None` where the curve has none.
    pub(super) fn lift(x: Fe, odd_y: bool) -> Option<Self> {
        let y = Option::<Fe>::from(right_side(&x).sqrt())?.normalize();
        let y = if bool::from(y.is_odd()) == odd_y { y } else { y.negate(1) };
        Some(Self { x, y })
    }

    /// How far it is to another point in `x`, which is what [`plus`](Self::plus) needs the inverse of.
    pub(super) fn distance(&self, other: &Self) -> Fe {
        other.x + self.x.negate(1)
    }

    /// `self + other` by the chord through both, given the inverse of their distance: 2 products and a square. In the sum
    /// the magnitude of `x` is 5, that of `y` 4.
    pub(super) fn plus(&self, other: &Self, inverse: &Fe) -> Self {
        let slope = (other.y + self.y.negate(2)).mul(inverse);
        let x = slope.square() + self.x.negate(1) + other.x.negate(1);
        let y = slope.mul(&(self.x + x.negate(5))) + self.y.negate(2);
        Self { x, y }
    }

    /// The same point with magnitudes of 1.
    pub(super) fn reduced(self) -> Self {
        Self { x: self.x.normalize_weak(), y: self.y.normalize_weak() }
    }

    /// Reads `x || y`. `None` where that is no point of the curve.
    pub(super) fn from_bytes(bytes: &[u8; 64]) -> Option<Self> {
        let (x, y) = bytes.split_at(32);
        let (x, y) = (element(x.try_into().ok()?)?, element(y.try_into().ok()?)?);
        let on_curve = (y.square() + right_side(&x).negate(2)).normalizes_to_zero();
        bool::from(on_curve).then_some(Self { x, y })
    }

    /// `x || y`.
    pub(super) fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let (x, y) = bytes.split_at_mut(32);
        x.copy_from_slice(&self.x.normalize().to_bytes());
        y.copy_from_slice(&self.y.normalize().to_bytes());
        bytes
    }
}

/// `x^3 + 7`, with magnitude 2.
fn right_side(x: &Fe) -> Fe {
    x.square().mul(x) + Fe::from_u64(7)
}

/// A point as `x = X/Z^2` and `y = Y/Z^3`: "Jacobian" coordinates. Magnitudes: X at most 6, Y at most 4, Z at most 2.
///
/// Where a sum has two points of equal `x`, which the formulas do not cover, Z becomes zero, and stays zero in whatever
/// is added or doubled afterwards. So one look at the end tells whether the result holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jacobian {
    pub(super) x: Fe,
    pub(super) y: Fe,
    pub(super) z: Fe,
}

impl From<Affine> for Jacobian {
    fn from(point: Affine) -> Self {
        Self { x: point.x, y: point.y, z: Fe::ONE }
    }
}

impl Jacobian {
    /// `self + other`, the magnitude of whose coordinates is at most 6 and 4, in 8 products and 3 squares: Cohen, Miyaji
    /// and Ono, "Efficient Elliptic Curve Exponentiation Using Mixed Coordinates", 1998.
    pub(super) fn add(&mut self, other: &Affine) {
        let zz = self.z.square();
        let h = other.x.mul(&zz) + self.x.negate(6);
        let r = other.y.mul(&zz.mul(&self.z)) + self.y.negate(4);
        let hh = h.square();
        let hhh = h.mul(&hh);
        let v = self.x.mul(&hh);
        self.x = r.square() + hhh.negate(1) + v.double().negate(2);
        self.y = r.mul(&(v + self.x.negate(6))) + self.y.mul(&hhh).negate(1);
        self.z = self.z.mul(&h);
    }

    /// `self + self`, in 3 products and 4 squares: the chord-and-tangent law for a curve `y^2 = x^3 + b`, whose tangent
    /// is `3X^2 / 2YZ`.
    pub(super) fn double(&mut self) {
        let tangent = self.x.square().mul_single(3);
        let yy = self.y.square();
        let s = self.x.mul(&yy.mul_single(4));
        self.z = self.y.mul(&self.z).double();
        self.x = tangent.square() + s.double().negate(2);
        self.y = tangent.mul(&(s + self.x.negate(4))) + yy.double().square().double().negate(2);
    }

    /// Whether the formulas held.
    pub(super) fn holds(&self) -> bool {
        !bool::from(self.z.normalizes_to_zero())
    }

    /// The point itself. Only of a sum that [holds](Self::holds).
    pub(super) fn to_affine(self) -> Affine {
        self.scaled(&invert(&self.z))
    }

    /// The point, given the inverse of Z.
    fn scaled(&self, inverse: &Fe) -> Affine {
        let square = inverse.square();
        Affine { x: self.x.mul(&square), y: self.y.mul(&square.mul(inverse)) }
    }
}

/// The points themselves, with a single inversion. `None` where the formulas failed for one.
pub(super) fn to_affine(points: &[Jacobian]) -> Option<Vec<Affine>> {
    let inverses = invert_all(points.iter().map(|point| point.z))?;
    Some(points.iter().zip(inverses).map(|(point, inverse)| point.scaled(&inverse)).collect())
}

/// The sums of the first two points, of the next two, and so on, with a single inversion. `None` where two of a pair have
/// the same `x`.
pub(super) fn sums_of_pairs(points: &[Affine]) -> Option<Vec<Affine>> {
    let (pairs, _) = points.as_chunks();
    let inverses = invert_all(pairs.iter().map(|[a, b]| a.distance(b)))?;
    Some(pairs.iter().zip(inverses).map(|([a, b], inverse)| a.plus(b, &inverse)).collect())
}
