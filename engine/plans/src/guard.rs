//! What stands between a plan and its first step: what must be allowed by name, and rights.

use std::collections::BTreeSet;
use std::fmt;

/// Why a change, or a whole plan, does not happen unless a person allows it by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Guard {
    /// Which of them, and with that how to allow it.
    pub kind: GuardKind,
    /// What would happen, as a clause without sensitive values: `2 objects in it are not of
    /// this project`.
    pub why: String,
}

/// What a guard is about. Deleting cannot be taken back; each of these is a way in which more
/// or something else was deleted than anybody meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuardKind {
    /// Objects that belong to others go along, or the object is shared with them.
    Foreign,
    /// The object holds data, or is a machine; or data on a node goes with its pods.
    Data,
    /// The object itself says that it wants to be kept.
    Kept,
    /// Nothing is declared any more, and all that is remembered would go.
    Empty,
    /// More would be deleted than is usual.
    Many,
    /// Pods would go that nothing creates again.
    Bare,
    /// Pods would go that no other node takes.
    Stranded,
    /// `prevent_destroy` was applied to it. No flag lifts this.
    Protected,
    /// Nobody knows yet how to surround it: a node would have to be drained. No flag lifts this.
    Disruption,
}

impl GuardKind {
    /// Its name in JSON and behind `-allow=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Data => "data",
            Self::Kept => "kept",
            Self::Empty => "empty",
            Self::Many => "many",
            Self::Bare => "bare",
            Self::Stranded => "stranded",
            Self::Protected => "protected",
            Self::Disruption => "disruption",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Foreign,
            Self::Data,
            Self::Kept,
            Self::Empty,
            Self::Many,
            Self::Bare,
            Self::Stranded,
            Self::Protected,
            Self::Disruption,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// What a person allowed by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allowed {
    /// These kinds of guards.
    pub kinds: BTreeSet<GuardKind>,
    /// At most so many deletions; `None` for the usual limit.
    pub max_destroy: Option<usize>,
    /// Objects of what cannot be reached may be left out of the plan.
    pub unreachable: bool,
}

impl Allowed {
    /// How many may be deleted when nobody says another number: ten, or a tenth of all.
    pub const USUAL: usize = 10;

    /// Whether so many deletions of so many objects need a number of their own.
    pub fn exceeds(&self, deletions: usize, all: usize) -> bool {
        deletions > self.max_destroy.unwrap_or_else(|| Self::USUAL.max(all / 10))
    }

    /// Whether a guard of a plan with so many deletions does not hold any more.
    pub fn lifts(&self, kind: GuardKind, deletions: usize) -> bool {
        match kind {
            GuardKind::Many => self.max_destroy.is_some_and(|most| deletions <= most),
            GuardKind::Protected | GuardKind::Disruption => false,
            GuardKind::Foreign
            | GuardKind::Data
            | GuardKind::Kept
            | GuardKind::Empty
            | GuardKind::Bare
            | GuardKind::Stranded => self.kinds.contains(&kind),
        }
    }
}

/// The flag that allows what a guard is about, for a plan with so many deletions.
pub fn flag(kind: GuardKind, deletions: usize) -> Option<String> {
    match kind {
        GuardKind::Many => Some(format!("-max-destroy={deletions}")),
        GuardKind::Protected | GuardKind::Disruption => None,
        GuardKind::Foreign
        | GuardKind::Data
        | GuardKind::Kept
        | GuardKind::Empty
        | GuardKind::Bare
        | GuardKind::Stranded => Some(format!("-allow={}", kind.name())),
    }
}

/// A right that a plan's steps need, and whether whoever plans has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `patch`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// `configmaps`, `nodes/status`.
    pub resource: String,
    /// The namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// The object, when the right was asked for this one only.
    pub name: Option<String>,
    /// Who needs it: addresses of instances, or what else.
    pub needed_by: Vec<String>,
    /// Whether it is there; `None` when that could not be asked.
    pub allowed: Option<bool>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, " ({})", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace `{namespace}`"),
            None => f.write_str(" in the whole cluster"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_or_a_tenth_may_go_and_a_number_says_otherwise() {
        let usual = Allowed::default();
        assert!(!usual.exceeds(10, 5) && usual.exceeds(11, 5));
        assert!(!usual.exceeds(100, 1000) && usual.exceeds(101, 1000));
        let none = Allowed { max_destroy: Some(0), ..Allowed::default() };
        assert!(none.exceeds(1, 1000));
        let twenty = Allowed { max_destroy: Some(20), ..Allowed::default() };
        assert!(twenty.lifts(GuardKind::Many, 20) && !twenty.lifts(GuardKind::Many, 21));
    }

    #[test]
    fn protection_and_what_nobody_can_do_are_lifted_by_no_flag() {
        let kinds = [GuardKind::Protected, GuardKind::Disruption, GuardKind::Data].into();
        let all = Allowed { kinds, max_destroy: Some(1000), ..Allowed::default() };
        assert!(all.lifts(GuardKind::Data, 1));
        for kind in [GuardKind::Protected, GuardKind::Disruption] {
            assert!(!all.lifts(kind, 1));
            assert_eq!(flag(kind, 1), None);
        }
    }
}
