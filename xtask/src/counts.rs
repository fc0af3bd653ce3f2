//! How many tests a program says it ran.

/// Tests that passed and failed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed, and steps that did not end well.
    pub(crate) failed: u64,
}

impl Counts {
    /// Reads one line of a test program's output: `test result: ok. 3 passed; 0 failed; …` as Rust's test
    /// programs print it, or `3 passed, 0 failed` as our scripts do. `None` for every other line.
    pub(crate) fn in_line(line: &str) -> Option<Self> {
        let line = line.trim();
        let (passed, failed) = match line.strip_prefix("test result: ") {
            Some(rest) => {
                let mut parts = rest.split_once(". ")?.1.split("; ");
                (parts.next()?, parts.next()?)
            }
            None => line.split_once(", ")?,
        };
        let number = |part: &str, word: &str| part.strip_suffix(word)?.strip_suffix(' ')?.parse().ok();
        Some(Self { passed: number(passed, "passed")?, failed: number(failed, "failed")? })
    }

    /// How many there were.
    pub(crate) const fn total(self) -> u64 {
        self.passed + self.failed
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_closing_lines_count() {
        for (line, expected) in [
            (
                "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
                Some((12, 0)),
            ),
            (
                "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s",
                Some((3, 2)),
            ),
            ("41 passed, 1 failed", Some((41, 1))),
            ("  7 passed, 0 failed\n", Some((7, 0))),
            ("7 passed, 0 failed so far", None),
            ("about 7 passed, 0 failed", None),
            ("test decides ... ok", None),
            ("", None),
        ] {
            let expected = expected.map(|(passed, failed)| Counts { passed, failed });
            assert_eq!(Counts::in_line(line), expected, "{line}");
        }
    }

    #[test]
    fn our_own_closing_line_is_read_back() {
        let counts = Counts { passed: 5, failed: 6 };
        assert_eq!(Counts::in_line(&counts.to_string()), Some(counts));
    }
}
