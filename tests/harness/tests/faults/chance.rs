//! Randomness that can be repeated.

use std::time::Duration;

use uraiden_core::digest::keccak256;

/// A generator (SplitMix64). What it draws follows from a seed and the scene's name; when things happen in the real
/// parts does not, so a repeated run is alike and not the same.
pub(crate) struct Chance(u64);

impl Chance {
    /// Draws by `URAIDEN_SEED`, any text; `cargo xtask test` sets it to what `--seed` says, or to the tree's hash.
    pub(crate) fn of(scene: &str) -> Self {
        let seed = std::env::var("URAIDEN_SEED").unwrap_or_else(|_| "µRaiden".to_owned());
        println!("{scene}: URAIDEN_SEED={seed}");
        let [a, b, c, d, e, f, g, h, ..] = keccak256(&[seed.as_bytes(), scene.as_bytes()]);
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// A generator of its own for one more task.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is above 0. Close enough to even for a bound that is small.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these, of which there is at least one.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let number = u64::try_from(choices.len()).expect("few choices");
        choices[usize::try_from(self.below(number)).expect("few choices")]
    }

    /// Waits for a random time below this.
    pub(crate) async fn wait(&mut self, below: Duration) {
        let micros = self.below(u64::try_from(below.as_micros()).expect("a short time"));
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}
