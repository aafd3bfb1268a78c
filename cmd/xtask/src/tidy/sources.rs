//! What stands in the files.

use super::code::{blank, line_of};
use super::tree::Tree;
use super::{Finding, Weight};
use std::collections::BTreeMap;

/// Only `schemas` decides what a stored or sent format looks like.
pub(super) fn serialization(tree: &Tree) -> Vec<Finding> {
    let help = "build a serde_json::Value, or give the format a versioned type in schemas";
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| !path.starts_with("schemas/")) {
        let code = blank(text);
        for (at, _) in code.match_indices("derive(") {
            let list = code[at..].split(')').next().unwrap_or_default();
            if has_word(list, "Serialize") {
                let what = "derives Serialize outside of schemas";
                findings.push(Finding::new(path, line_of(&code, at), what, help));
            }
        }
        for (at, _) in code.match_indices("Serialize for ") {
            let before = code[..at].rsplit([';', '}', '{']).next().unwrap_or_default();
            if has_word(before, "impl") {
                let what = "implements Serialize outside of schemas";
                findings.push(Finding::new(path, line_of(&code, at), what, help));
            }
        }
    }
    findings
}

/// An exception that is no longer needed must become a warning, so it is expected, not allowed.
pub(super) fn exceptions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        let code = blank(text);
        for (at, _) in code.match_indices("allow(") {
            let before = code[..at].trim_end();
            let attribute = before.rsplit(']').next().unwrap_or_default();
            let direct = before.ends_with("#[") || before.ends_with("#![");
            if direct || (before.ends_with(',') && attribute.contains("cfg_attr(")) {
                let help = "write #[expect(lint, reason = \"...\")]";
                findings.push(Finding::new(path, line_of(&code, at), "allows a lint", help));
            }
        }
    }
    findings
}

/// A code means one kind of problem, and is said in one place. Tests make up their own.
pub(super) fn codes(tree: &Tree) -> Vec<Finding> {
    let mut first: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut findings = Vec::new();
    let is_test = |path: &str| path.split('/').any(|part| part.starts_with("test"));
    for (path, text) in tree.rust().filter(|(path, _)| !is_test(path)) {
        for (at, _) in text.match_indices(": Code = Code(\"") {
            let rest = &text[at..];
            let Some(code) = rest.split('"').nth(1) else { continue };
            let line = line_of(text, at);
            if let Some((other, its)) = first.get(code) {
                let what = format!("`{code}` is defined in {other}:{its} already");
                findings.push(Finding::new(path, line, what, "give it a code of its own"));
            } else {
                first.insert(code, (path, line));
            }
        }
    }
    findings
}

/// What is not written yet must not compile as if it were.
pub(super) fn placeholders(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.rust() {
        let code = blank(text);
        for name in ["todo", "unimplemented"] {
            for (at, _) in code.match_indices(&format!("{name}!")) {
                if !code[..at].ends_with(is_word) {
                    let what = format!("`{name}!` panics in the user's hands");
                    let help = "write it, or leave it out";
                    findings.push(Finding::new(path, line_of(&code, at), what, help));
                }
            }
        }
    }
    findings
}

/// Folders of the machine it is developed on say nothing to anybody else.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    // In pieces, so that this file does not break its own rule.
    let folders = [concat!("/wo", "rk"), concat!("/fa", "rm")];
    let library = concat!(".libr", "ary");
    let within = |c: char| is_word(c) || matches!(c, '.' | '-' | '/');
    let mut findings = Vec::new();
    for (path, text) in &tree.files {
        let absolute = folders.iter().flat_map(|folder| {
            text.match_indices(folder).filter(|(at, folder)| {
                let after = &text[at + folder.len()..];
                !text[..*at].ends_with(within) && !after.starts_with(is_word)
            })
        });
        let hidden = text.match_indices(library).filter(|(at, library)| {
            let alone = !text[..*at].ends_with(is_word);
            alone && !text[at + library.len()..].starts_with(is_word)
        });
        for (at, found) in absolute.chain(hidden) {
            let what = format!("`{found}` is a place on one machine");
            let help = "use a path from the checkout, or an environment variable";
            findings.push(Finding::new(path, line_of(text, at), what, help));
        }
    }
    findings
}

/// Where a reader begins to lose the thread.
const LONG: usize = 600;

/// Files that may be longer, each with the reason.
const MAY_BE_LONG: &[(&str, &str)] = &[];

pub(super) fn long_files(tree: &Tree) -> Vec<Finding> {
    let lines = |text: &str| text.lines().count();
    let listed = |path: &str| MAY_BE_LONG.iter().any(|(long, _)| *long == path);
    let long = tree.rust().filter(|(path, text)| lines(text) > LONG && !listed(path));
    let long = long.map(|(path, text)| {
        let what = format!("{} lines", lines(text));
        let help = "split it by meaning, or list it with a reason in cmd/xtask/src/tidy/sources.rs";
        Finding { weight: Weight::Warning, ..Finding::new(path, 1, what, help) }
    });
    let stale = MAY_BE_LONG.iter().filter(|(path, _)| {
        !tree.files.is_empty() && tree.files.get(*path).is_none_or(|text| lines(text) <= LONG)
    });
    let stale = stale.map(|(path, _)| {
        Finding::new(path, 1, "is listed as long but is not", "take it off the list")
    });
    long.chain(stale).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c| !is_word(c)).any(|one| one == word)
}

#[cfg(test)]
mod tests {
    use super::super::tree::fixtures::files;
    use super::*;

    const NONE: [usize; 0] = [];

    /// Lines on which `rule` finds something in a file of that path and text.
    fn lines(rule: fn(&Tree) -> Vec<Finding>, path: &str, text: &str) -> Vec<usize> {
        rule(&files(&[(path, text)])).iter().map(|one| one.line).collect()
    }

    #[test]
    fn serialize_is_found_derived_or_written_but_not_in_schemas() {
        let derived = "use serde;\n#[derive(\n    Debug,\n    serde::Serialize,\n)]\nstruct A;\n";
        assert_eq!(lines(serialization, "engine/plans/src/lib.rs", derived), [2]);
        assert_eq!(lines(serialization, "schemas/src/lib.rs", derived), NONE);
        let written = "struct A;\nimpl serde::Serialize for A {}\n";
        assert_eq!(lines(serialization, "cmd/view/src/lib.rs", written), [2]);
        let harmless = "#[derive(Deserialize)]\nstruct SerializeNot;\n// derive(Serialize)\n";
        assert_eq!(lines(serialization, "cmd/view/src/lib.rs", harmless), NONE);
    }

    #[test]
    fn a_code_that_two_problems_have_is_found() {
        let text = "const A: Code = Code(\"E0001\");\npub const B: Code = Code(\"E0001\");\n";
        assert_eq!(lines(codes, "engine/plans/src/lib.rs", text), [2]);
        assert_eq!(lines(codes, "engine/plans/tests/all.rs", text), NONE);
        let two = text.replacen("E0001", "E0002", 1);
        assert_eq!(lines(codes, "engine/plans/src/lib.rs", &two), NONE);
    }

    #[test]
    fn allowed_lint_is_found_and_an_expected_one_is_not() {
        assert_eq!(lines(exceptions, "a.rs", "#[allow(dead_code)]\nfn f() {}"), [1]);
        assert_eq!(lines(exceptions, "a.rs", "\n#![allow(dead_code)]"), [2]);
        assert_eq!(lines(exceptions, "a.rs", "#[cfg_attr(test, allow(dead_code))]"), [1]);
        assert_eq!(lines(exceptions, "a.rs", "#[expect(dead_code, reason = \"x\")]"), NONE);
        assert_eq!(lines(exceptions, "a.rs", "fn f() { policy.allow(x, allow(y)) }"), NONE);
        assert_eq!(lines(exceptions, "a.rs", "// #[allow(x)]\nlet s = \"#[allow(x)]\";"), NONE);
    }

    #[test]
    fn placeholder_is_found_in_code_only() {
        assert_eq!(lines(placeholders, "a.rs", "fn f() {\n    todo!()\n}"), [2]);
        assert_eq!(lines(placeholders, "a.rs", "fn f() { unimplemented![\"x\"] }"), [1]);
        assert_eq!(
            lines(placeholders, "a.rs", "/// todo! and \"todo!\"\nlet a = r#\"todo!()\"#;"),
            NONE
        );
        assert_eq!(lines(placeholders, "a.rs", "mastodon_todo!()"), NONE);
    }

    #[test]
    fn path_of_one_machine_is_found_anywhere_but_not_inside_another_path() {
        let folder = concat!("/wo", "rk");
        let hidden = concat!(".libr", "ary");
        assert_eq!(lines(machine_paths, "README.md", &format!("\nsee {folder}/main\n")), [2]);
        assert_eq!(lines(machine_paths, "a.rs", &format!("// cd {folder}")), [1]);
        assert_eq!(lines(machine_paths, "a.sh", &format!("cp x/{hidden}/y z")), [1]);
        assert_eq!(lines(machine_paths, "a.md", &format!("docs{folder}/x {folder}loads")), NONE);
        assert_eq!(lines(machine_paths, "a.md", &format!("std{hidden}_path")), NONE);
    }

    #[test]
    fn long_file_is_a_warning() {
        let found = long_files(&files(&[("a.rs", &"\n".repeat(LONG + 1))]));
        assert_eq!((found.len(), found[0].weight), (1, Weight::Warning));
        assert_eq!(long_files(&files(&[("a.rs", &"\n".repeat(LONG))])), []);
    }
}
