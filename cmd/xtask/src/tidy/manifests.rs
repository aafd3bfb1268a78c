//! Cargo.toml and Cargo.lock.

use super::Finding;
use super::tree::Tree;

/// Every member takes the workspace's lints.
pub(super) fn lints(tree: &Tree) -> Vec<Finding> {
    let inherits = |text: &str| {
        sections(text).any(|(_, section, line)| section == "lints" && line == "workspace = true")
    };
    tree.packages
        .iter()
        .filter(|package| !tree.files.get(&package.manifest).is_some_and(|text| inherits(text)))
        .map(|package| {
            let what = "does not inherit the workspace's lints";
            Finding::new(&package.manifest, 1, what, "add `[lints]` with `workspace = true`")
        })
        .collect()
}

/// Versions stand in the root manifest only.
pub(super) fn inherited_versions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        let Some(text) = tree.files.get(&package.manifest) else { continue };
        for (number, section, line) in sections(text) {
            let inherits = line.contains("workspace = true") || line.starts_with('#');
            if section.ends_with("dependencies") && !inherits {
                let what = format!("`{line}` does not inherit its version");
                let help = "add it to [workspace.dependencies] and write `NAME.workspace = true`";
                findings.push(Finding::new(&package.manifest, number, what, help));
            }
        }
    }
    findings
}

/// A dependency from git is on no registry and in no review.
pub(super) fn git_dependencies(tree: &Tree) -> Vec<Finding> {
    let Some(text) = tree.files.get("Cargo.lock") else {
        let help = "commit Cargo.lock: the project builds with exact versions";
        return vec![Finding::new("Cargo.lock", 1, "is missing", help)];
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with("source = \"git+"))
        .map(|(index, line)| {
            let what = format!("a dependency comes from git: {}", line.trim());
            Finding::new("Cargo.lock", index + 1, what, "use a published release")
        })
        .collect()
}

/// Non-empty lines with their number and the section they stand in.
fn sections(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            return None;
        }
        (!line.is_empty()).then_some((index + 1, section, line))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::fixtures::{files, package};
    use super::*;

    fn with_manifest(text: &str) -> Tree {
        let mut tree = package("values", &[]);
        tree.files.insert("values/Cargo.toml".to_owned(), text.to_owned());
        tree
    }

    #[test]
    fn member_without_the_lints_is_found() {
        assert_eq!(lints(&with_manifest("[lints]\nworkspace = true\n")), []);
        assert_eq!(lints(&with_manifest("[lints]\nworkspace = false\n")).len(), 1);
        assert_eq!(lints(&with_manifest("[package]\nname = \"x\"\n")).len(), 1);
    }

    #[test]
    fn version_in_a_member_is_found_on_its_line() {
        let text = "[package]\nname = \"x\"\n\n[dependencies]\na.workspace = true\n\
                    b = { workspace = true, features = [\"x\"] }\n\n[dev-dependencies]\nc = \"1\"\n";
        let found = inherited_versions(&with_manifest(text));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].line, found[0].what.as_str()),
            (9, "`c = \"1\"` does not inherit its version")
        );
    }

    #[test]
    fn git_dependency_and_missing_lock_file_are_found() {
        let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        assert_eq!(git_dependencies(&files(&[("Cargo.lock", registry)])), []);
        let git = "name = \"x\"\nsource = \"git+https://example.com/x#1\"\n";
        assert_eq!(git_dependencies(&files(&[("Cargo.lock", git)]))[0].line, 2);
        assert_eq!(git_dependencies(&files(&[])).len(), 1);
    }
}
