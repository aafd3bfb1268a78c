//! Whether a kubelet would start with settings, by its version and by the rules of all.

use super::{rules, running};
use crate::codes;
use crate::settings::ways::Way;
use apimachinery::versions::{self, Minor, Subject};
use plans::Problem;
use std::collections::BTreeSet;
use values::{Path, Value};

/// Settings that are asked for, and what they become a part of.
pub(crate) struct Asked<'a> {
    /// Whose settings, in messages.
    pub(crate) shown: &'a str,
    pub(crate) minor: Minor,
    /// The argument `settings`, and each of them.
    pub(crate) given: &'a Value,
    pub(crate) settings: &'a [(Way, Value)],
    /// The configuration as it is, and as it will be.
    pub(crate) live: &'a Value,
    pub(crate) wanted: &'a Value,
}

impl Asked<'_> {
    pub(crate) fn judge(&self) -> Result<(), Vec<Problem>> {
        let mut problems = self.of_version();
        if problems.is_empty() {
            problems = self.of_rules();
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn of_version(&self) -> Vec<Problem> {
        let at = Path::of("settings");
        let place = |path: &Path| {
            path.steps().iter().fold(at.clone(), |path, step| path.step(step.clone()))
        };
        let subject = Subject { shown: self.shown, program: "the kubelet", minor: self.minor };
        let of = running::fields(self.minor);
        let mistakes = of.map(|of| versions::check(self.given, of, subject)).unwrap_or_default();
        let mut problems: Vec<Problem> = mistakes
            .into_iter()
            .map(|m| Problem {
                help: m.help,
                ..Problem::error(codes::KUBELET_SETTING, m.summary, place(&m.path), m.detail)
            })
            .collect();
        for way in running::silent(self.settings, self.minor) {
            let path = way.iter().fold(at.clone(), |path, key| path.attr(key));
            let detail = format!("{}: a kubelet takes `0` for its default here.", self.shown);
            problems.push(
                Problem::error(codes::KUBELET_SETTING, "Invalid kubelet setting", path, detail)
                    .with_help("Leave it out, or write the duration that you mean."),
            );
        }
        problems
    }

    fn of_rules(&self) -> Vec<Problem> {
        let ours: BTreeSet<&str> =
            self.settings.iter().filter_map(|(way, _)| way.first()).map(|key| &**key).collect();
        // What is wrong without us is not ours to refuse.
        let before: BTreeSet<_> = rules::refused(self.live).into_iter().collect();
        let refused = rules::refused(self.wanted).into_iter();
        refused
            .filter(|found| !before.contains(found))
            .map(|(name, why)| {
                let at = Path::of("settings");
                let path = if ours.contains(name) { at.attr(name) } else { at };
                let detail = format!("{}: `{name}`: {why}", self.shown);
                let summary = "Invalid kubelet setting";
                Problem::error(codes::KUBELET_SETTING, summary, path, detail)
            })
            .collect()
    }
}
