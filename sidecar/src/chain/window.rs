//! How many blocks to ask a node about at once. Nodes limit ranges and results, and say so in their own words.

/// A number of blocks that halves when the node refuses and grows slowly when it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(u64);

impl Window {
    const START: u64 = 2_000;
    const MAX: u64 = 100_000;

    pub(super) const fn new() -> Self {
        Self(Self::START)
    }

    pub(super) const fn blocks(self) -> u64 {
        self.0
    }

    /// After an answer.
    pub(super) fn grow(&mut self) {
        self.0 = (self.0 + self.0 / 4 + 1).min(Self::MAX);
    }

    /// After a refusal of this many blocks. `false` where there is nothing left to halve.
    pub(super) fn shrink(&mut self, refused: u64) -> bool {
        if refused <= 1 {
            return false;
        }
        self.0 = refused / 2;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_down_to_one_block_and_grows_back() {
        let mut window = Window::new();
        let mut halvings = 0;
        while window.shrink(window.blocks()) {
            halvings += 1;
        }
        assert_eq!((window, halvings), (Window(1), 10));
        for _ in 0..100 {
            window.grow();
        }
        assert_eq!(window, Window(Window::MAX));
    }
}
