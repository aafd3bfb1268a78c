//! `cargo xtask tidy`: what the compiler does not check.
//!
//! Answers one question: *does the checkout still have the shape of the house?* Each rule is a
//! pure function from a [`Tree`] to [`Finding`]s, so that its tests need no checkout.
//!
//! Start reading at [`check`], which names every rule.
//!
//! **Invariant:** every rule has a test with a tree that breaks it. A rule that cannot fail is a
//! defect.

mod code;
mod imports;
mod layout;
mod manifests;
mod sources;
mod tree;

use crate::trouble::{Trouble, print};
use std::fmt;
use tree::Tree;

/// Something out of place, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    help: &'static str,
    weight: Weight,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// Fails the check.
    Error,
    /// Is said and forgiven.
    Warning,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, help: &'static str) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), help, weight: Weight::Error }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Error => "error",
            Weight::Warning => "warning",
        };
        write!(f, "{}:{}: {weight}: {} (help: {})", self.path, self.line, self.what, self.help)
    }
}

pub(crate) fn run() -> Result<(), Trouble> {
    let tree = Tree::read()?;
    let findings = check(&tree);
    findings.iter().try_for_each(print)?;
    let errors = findings.iter().filter(|one| one.weight == Weight::Error).count();
    if errors > 0 {
        return Err(Trouble::new(format!("tidy: {errors} findings")));
    }
    print(format_args!("tidy: {} files, nothing out of place", tree.files.len()))
}

/// All rules, their findings in order of place.
fn check(tree: &Tree) -> Vec<Finding> {
    let rules = [
        imports::our_crates,
        imports::outside_crates,
        layout::top_level,
        layout::examples,
        layout::resource_pages,
        layout::forgotten_files,
        manifests::lints,
        manifests::inherited_versions,
        manifests::git_dependencies,
        sources::serialization,
        sources::exceptions,
        sources::codes,
        sources::placeholders,
        sources::machine_paths,
        sources::long_files,
    ];
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(tree)).collect();
    findings.sort();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_is_one_line_with_place_and_help() {
        let finding = Finding::new("a/b.rs", 3, "something", "do this");
        assert_eq!(finding.to_string(), "a/b.rs:3: error: something (help: do this)");
    }
}
