//! How many blocks to ask a node about at once. Nodes limit ranges and results, and say so in their own words.

/// A number of blocks that halves when the node refuses and grows slowly when it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window(u64);

impl Window {
    const START: u64 = 500;
    const MAX: u64 = 100_000;
    const FEW: usize = 1_000;
    const MANY: usize = 4_000;

    pub(super) const fn new() -> Self {
        Self(Self::START)
    }

    pub(super) const fn blocks(self) -> u64 {
        self.0
    }

    /// After an answer with so many events. Many are written in several small transactions rather than in one, and
    /// while one is written the node can look for the next.
    pub(super) fn answered(&mut self, asked: u64, events: usize) {
        match events {
            0..Self::FEW => self.0 = (self.0 + self.0 / 4 + 1).min(Self::MAX),
            Self::FEW..=Self::MANY => {}
            _ => self.0 = (asked / 2).max(1),
        }
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
        assert_eq!((window, halvings), (Window(1), 8));
        for _ in 0..100 {
            window.answered(window.blocks(), 0);
        }
        assert_eq!(window, Window(Window::MAX));
    }

    #[test]
    fn it_shrinks_where_much_happens() {
        for (events, blocks) in [(0, 101), (999, 101), (1_000, 80), (4_000, 80), (4_001, 40)] {
            let mut window = Window(80);
            window.answered(80, events);
            assert_eq!(window, Window(blocks), "{events} events");
        }
        let mut one = Window(1);
        one.answered(1, 100_000);
        assert_eq!(one, Window(1));
    }
}
