//! Who may import whom.
//!
//! A new edge is a decision about the architecture. Here it is one line of a table that is
//! reviewed, and `ARCHITECTURE.md` shows the same table to people.

use super::Finding;
use super::tree::{Package, Tree};

/// Our crates, each with those of ours that it may import.
const OURS: &[(&str, &[&str])] = &[
    ("diags", &[]),
    ("addrs", &["diags"]),
    ("values", &["diags", "addrs"]),
    ("yaml", &["values"]),
    ("quantity", &[]),
    ("config", &["diags", "addrs", "values", "yaml"]),
    ("lang", &["diags", "addrs", "values", "config", "yaml", "quantity"]),
    ("plans", &["diags", "addrs", "values"]),
    ("states", &["diags", "addrs", "values", "plans"]),
    ("provider", &["diags", "addrs", "values", "plans"]),
    ("planner", &["diags", "addrs", "values", "config", "lang", "plans", "states", "provider"]),
    ("runner", &["diags", "addrs", "values", "plans", "states", "provider"]),
    ("schemas", &["diags", "addrs", "values", "plans", "states"]),
    (
        "session",
        &[
            "diags", "addrs", "values", "config", "lang", "plans", "states", "provider", "planner",
            "runner", "schemas",
        ],
    ),
    ("apimachinery", &["diags", "values", "quantity"]),
    ("access", &["diags", "addrs", "values", "plans", "provider", "apimachinery"]),
    ("sandbox", &["access", "apimachinery"]),
    ("rollout", &["diags", "addrs", "values", "plans", "provider", "access", "apimachinery"]),
    (
        "cluster",
        &["diags", "addrs", "values", "yaml", "plans", "provider", "access", "apimachinery"],
    ),
    (
        "node",
        &[
            "diags",
            "addrs",
            "values",
            "yaml",
            "plans",
            "provider",
            "access",
            "apimachinery",
            "rollout",
        ],
    ),
    ("view", &["diags", "addrs", "values", "plans", "states", "schemas"]),
    ("local", &["diags", "addrs", "values", "plans", "states", "runner", "schemas"]),
    ("remote", &["diags", "states", "runner", "schemas", "access"]),
    (
        "wiring",
        &[
            "addrs",
            "values",
            "plans",
            "provider",
            "apimachinery",
            "access",
            "cluster",
            "node",
            "rollout",
            "config",
            "diags",
        ],
    ),
    ("cli", EVERYTHING),
    ("sim", EVERYTHING),
    // Must still build when the crates that it checks do not.
    ("xtask", &[]),
];

const EVERYTHING: &[&str] = &["*"];

/// Crates of others that have a room of their own; nobody else may bring them in.
const OUTSIDE: &[(&str, &[&str])] = &[
    // Syntax stays where spans are; providers get values.
    ("hcl-edit", &["config", "lang"]),
    ("petgraph", &["lang", "planner"]),
    // Only `schemas` serializes, and `access` reads what servers answer; others may speak of JSON
    // values with serde_json.
    ("serde", &["schemas", "access"]),
    ("kube", &["access", "sandbox", "sim"]),
    ("clap", &["cli", "xtask"]),
];

/// Edges that not even a test may have: they would hide that a room cannot stand alone.
const NEVER: &[(&str, &[&str])] = &[
    ("engine/", &["access", "cluster", "node", "rollout", "sandbox", "apimachinery"]),
    ("providers/", &["config", "lang"]),
    ("cmd/view/", &["runner", "planner", "session"]),
];

const EDGE: &str =
    "remove the import, or add the edge to cmd/xtask/src/tidy/imports.rs and to ARCHITECTURE.md";

pub(super) fn our_crates(tree: &Tree) -> Vec<Finding> {
    tree.packages.iter().flat_map(|package| edges(tree, package)).collect()
}

fn edges(tree: &Tree, package: &Package) -> Vec<Finding> {
    let Package { name, manifest, .. } = package;
    let Some((_, allowed)) = OURS.iter().find(|(row, _)| row == name) else {
        let what = format!("`{name}` has no row in the import table");
        return vec![Finding::new(manifest, 1, what, EDGE)];
    };
    let never = NEVER.iter().filter(|(folder, _)| manifest.starts_with(folder));
    let never: Vec<&str> = never.flat_map(|(_, names)| names.iter().copied()).collect();
    let wrong = |target: &str, development: bool| {
        if development {
            return never.contains(&target);
        }
        *allowed != EVERYTHING && !allowed.contains(&target)
    };
    package
        .dependencies
        .iter()
        .filter(|one| one.ours && wrong(&one.name, one.development))
        .map(|one| {
            let what = format!("`{name}` may not import `{}`", one.name);
            Finding::new(manifest, place(tree, manifest, &one.name), what, EDGE)
        })
        .collect()
}

pub(super) fn outside_crates(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        for one in package.dependencies.iter().filter(|one| !one.ours && !one.development) {
            let Some((_, rooms)) = OUTSIDE.iter().find(|(name, _)| *name == one.name) else {
                continue;
            };
            if !rooms.contains(&package.name.as_str()) {
                let what = format!("`{}` belongs in {} only", one.name, rooms.join(" and "));
                let line = place(tree, &package.manifest, &one.name);
                findings.push(Finding::new(&package.manifest, line, what, EDGE));
            }
        }
    }
    findings
}

/// The line of a manifest that names a dependency.
fn place(tree: &Tree, manifest: &str, name: &str) -> usize {
    let text = tree.files.get(manifest).map_or("", String::as_str);
    let names = |line: &str| {
        let rest = line.trim_start().strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    text.lines().position(names).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::tree::fixtures::package;
    use super::*;

    fn said(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|one| one.what.as_str()).collect()
    }

    #[test]
    fn import_that_the_table_does_not_have_is_found_on_its_line() {
        let mut tree = package("values", &["+diags", "+lang", "bigdecimal"]);
        let text = "[dependencies]\ndiags.workspace = true\nlang.workspace = true\n";
        tree.files.insert("values/Cargo.toml".to_owned(), text.to_owned());
        let found = our_crates(&tree);
        assert_eq!(said(&found), ["`values` may not import `lang`"]);
        assert_eq!(found[0].line, 3);
    }

    #[test]
    fn crate_without_a_row_is_found_and_cli_may_import_everything() {
        assert_eq!(
            said(&our_crates(&package("newcomer", &[]))),
            ["`newcomer` has no row in the import table"]
        );
        assert_eq!(our_crates(&package("cli", &["+planner", "+sandbox"])), []);
    }

    #[test]
    fn test_of_a_provider_may_use_a_neighbour_but_never_the_language() {
        let mut tree = package("cluster", &["dev +sandbox", "dev +lang"]);
        tree.packages[0].manifest = "providers/cluster/Cargo.toml".to_owned();
        assert_eq!(said(&our_crates(&tree)), ["`cluster` may not import `lang`"]);
    }

    #[test]
    fn outside_crate_stays_in_its_room_except_in_tests() {
        let tree = package("view", &["hcl-edit", "dev serde", "similar"]);
        assert_eq!(said(&outside_crates(&tree)), ["`hcl-edit` belongs in config and lang only"]);
        assert_eq!(outside_crates(&package("config", &["hcl-edit"])), []);
    }

    #[test]
    fn table_has_no_edge_upwards_and_names_only_its_own_rows() {
        for (index, (name, allowed)) in OURS.iter().enumerate() {
            for target in allowed.iter().filter(|target| **target != "*") {
                let row = OURS.iter().position(|(row, _)| row == target);
                assert!(row.is_some_and(|row| row < index), "{name} -> {target}");
            }
        }
    }
}
