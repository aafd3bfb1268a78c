//! Counting tests from what the test binaries print.

use std::fmt;

/// Totals over all test binaries, and the lines that belong in a summary.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    failed: usize,
    ignored: usize,
    /// What oracles reached, and what tests said they skipped.
    pub(super) notes: Vec<String>,
    /// Inside of what passing tests printed.
    talk: bool,
}

impl Tally {
    /// Takes in one line of output, and tells whether a person wants to see it.
    ///
    /// Passing tests are asked for their output because of the notes in it. The rest of it, and
    /// the second list of their names, would bury what matters.
    pub(super) fn read(&mut self, line: &str) -> bool {
        let line = line.trim();
        self.talk = match line {
            "successes:" => true,
            "failures:" => false,
            _ => self.talk && !line.starts_with("test result: "),
        };
        if line.starts_with("ORACLE ") || line.starts_with("SKIPPED") {
            self.notes.push(line.to_owned());
        }
        let counts = line.strip_prefix("test result: ").unwrap_or_default();
        for count in counts.split(['.', ';']) {
            let mut words = count.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else { continue };
            let Ok(number) = number.parse::<usize>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                // Measured and filtered out: neither happens here.
                _ => {}
            }
        }
        !self.talk
    }

    /// Takes in what another program said.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.notes.extend(other.notes);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, ignored, .. } = self;
        write!(f, "tests: {passed} passed, {failed} failed, {ignored} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn talk_of_passing_tests_is_hidden_and_that_of_failing_ones_shown() {
        let mut tally = Tally::default();
        let lines = [
            "test a ... ok",
            "successes:",
            "---- a stdout ----",
            "ORACLE vectors: 12/12 of 14",
            "failures:",
            "---- b stdout ----",
            "successes:",
            "    a",
            "failures:",
            "    b",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored",
            "test c ... ok",
        ];
        let shown: Vec<&str> = lines.into_iter().filter(|line| tally.read(line)).collect();
        assert_eq!(
            shown,
            [
                "test a ... ok",
                "failures:",
                "---- b stdout ----",
                "failures:",
                "    b",
                "test result: FAILED. 1 passed; 1 failed; 0 ignored",
                "test c ... ok",
            ]
        );
        assert_eq!(tally.notes, ["ORACLE vectors: 12/12 of 14"]);
    }

    #[test]
    fn counts_of_all_binaries_are_summed_and_notes_kept() {
        let mut tally = Tally::default();
        for line in [
            "test result: ok. 16 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.03s",
            "ORACLE vectors: 12/12 of 14",
            "test a::b ... ok",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 7 filtered out",
            "SKIPPED live: no control plane",
        ] {
            tally.read(line);
        }
        assert_eq!(tally.to_string(), "tests: 18 passed, 3 failed, 1 skipped");
        assert_eq!(tally.notes, ["ORACLE vectors: 12/12 of 14", "SKIPPED live: no control plane"]);
    }
}
