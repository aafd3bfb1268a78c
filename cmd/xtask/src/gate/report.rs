//! What ran, how long it took, and what was left out.

use crate::trouble::{Trouble, say};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// The steps so far, in their order.
#[derive(Debug, Default)]
pub(super) struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    ended: Ended,
    took: Duration,
}

#[derive(Debug)]
enum Ended {
    Passed,
    Failed(String),
    Skipped(String),
}

impl Report {
    /// Runs one step and tells whether it passed.
    pub(super) fn step(
        &mut self,
        name: &'static str,
        run: impl FnOnce() -> Result<(), Trouble>,
    ) -> bool {
        say(format_args!("==> {name}"));
        let begun = Instant::now();
        let ended = match run() {
            Ok(()) => Ended::Passed,
            Err(trouble) => {
                say(format_args!("==> {name}: {trouble}"));
                Ended::Failed(trouble.to_string())
            }
        };
        let passed = matches!(ended, Ended::Passed);
        self.steps.push(Step { name, ended, took: begun.elapsed() });
        passed
    }

    /// Records a step that is not run, and says so at once.
    pub(super) fn skip(&mut self, name: &'static str, why: &str) {
        say(format_args!("==> {name}: SKIPPED: {why}"));
        let ended = Ended::Skipped(why.to_owned());
        self.steps.push(Step { name, ended, took: Duration::ZERO });
    }

    pub(super) fn failures(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.ended, Ended::Failed(_))).count()
    }

    /// A table with one line for each step; a reason is cut to its first line.
    pub(super) fn summary(&self) -> String {
        let mut table = String::from("\n");
        for Step { name, ended, took } in &self.steps {
            let (word, why) = match ended {
                Ended::Passed => ("ok", ""),
                Ended::Failed(why) => ("FAILED", why.as_str()),
                Ended::Skipped(why) => ("SKIPPED", why.as_str()),
            };
            let why = why.lines().next().unwrap_or_default();
            let line = format!("{name:16} {word:8} {:7.1}s  {why}", took.as_secs_f32());
            let _ = writeln!(table, "{}", line.trim_end());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_shows_every_step_with_its_reason() {
        let mut report = Report::default();
        assert!(report.step("format", || Ok(())));
        assert!(!report.step("clippy", || Err(Trouble::new("two warnings\nat length"))));
        report.skip("tests", "they do not compile");
        assert_eq!(report.failures(), 1);
        let lines: Vec<String> = report
            .summary()
            .trim()
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "format ok 0.0s",
                "clippy FAILED 0.0s two warnings",
                "tests SKIPPED 0.0s they do not compile"
            ]
        );
    }
}
