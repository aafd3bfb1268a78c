//! Which files and folders there are.

use super::Finding;
use super::code::{blank, line_of};
use super::tree::Tree;
use std::collections::BTreeSet;

/// The top level, beside dot-folders and files.
const FOLDERS: [&str; 6] = ["engine", "providers", "schemas", "examples", "testdata", "cmd"];

pub(super) fn top_level(tree: &Tree) -> Vec<Finding> {
    let present: BTreeSet<&str> =
        tree.files.keys().filter_map(|path| path.split_once('/')).map(|(first, _)| first).collect();
    let strange = present.iter().filter(|name| !name.starts_with('.') && !FOLDERS.contains(name));
    let strange = strange.map(|name| {
        let what = "is not a folder of the top level";
        Finding::new(
            name,
            1,
            what,
            "move it under engine, providers, schemas, examples, testdata or cmd",
        )
    });
    let missing = FOLDERS
        .iter()
        .filter(|name| !present.contains(*name))
        .map(|name| Finding::new(name, 1, "is missing", "the top level has exactly six folders"));
    let manifest = (!tree.files.contains_key("Cargo.toml"))
        .then(|| Finding::new("Cargo.toml", 1, "is missing", "the root is the workspace"));
    strange.chain(missing).chain(manifest).collect()
}

/// Every example can be run, and says what it is.
pub(super) fn examples(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in folders(tree, "examples/") {
        for file in ["main.hcl", "README.md"] {
            let path = format!("examples/{name}/{file}");
            if !tree.files.contains_key(&path) {
                let help = "an example is a main.hcl and a README.md that says which task it shows";
                findings.push(Finding::new(&path, 1, "is missing", help));
            }
        }
    }
    findings
}

const REGENERATE: &str = "run `cargo xtask codegen` and commit what it wrote";

/// Every resource type has its schema and its page, once there are any.
///
/// That no page outlives its type is checked by `codegen --check`, which knows all of them.
pub(super) fn resource_pages(tree: &Tree) -> Vec<Finding> {
    const FOLDER: &str = "schemas/resources/";
    if !tree.files.keys().any(|path| path.starts_with(FOLDER)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (path, line, name) in resource_types(tree) {
        for ending in ["json", "md"] {
            if !tree.files.contains_key(&format!("{FOLDER}{name}.{ending}")) {
                let what = format!("`{name}` has no {FOLDER}{name}.{ending}");
                findings.push(Finding::new(path, line, what, REGENERATE));
            }
        }
    }
    findings
}

/// Resource types: file, line and name. A type is called like its file, or its folder.
fn resource_types(tree: &Tree) -> Vec<(&str, usize, &str)> {
    let mut types = Vec::new();
    for (path, text) in tree.rust() {
        if !path.starts_with("providers/") || !path.contains("/src/") {
            continue;
        }
        let code = blank(text);
        // A generic implementation begins with `impl<`, and is no type of its own.
        let found = ["impl ApiType for ", "impl ResourceKind for "]
            .iter()
            .find_map(|implementation| code.find(implementation));
        let whole = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs"));
        if let (Some(at), Some((_, name))) = (found, whole.and_then(|whole| whole.rsplit_once('/')))
        {
            types.push((path, line_of(&code, at), name));
        }
    }
    types
}

/// A Rust file that no module names is never compiled, and its tests never run.
pub(super) fn forgotten_files(tree: &Tree) -> Vec<Finding> {
    let targets: BTreeSet<&str> =
        tree.packages.iter().flat_map(|package| &package.targets).map(String::as_str).collect();
    tree.rust()
        .filter(|(path, _)| path.contains("/src/") || path.contains("/tests/"))
        .filter(|(path, _)| !targets.contains(path) && !is_declared(tree, &targets, path))
        .map(|(path, _)| {
            let help = "name it with `mod` in the module above, or delete it";
            Finding::new(path, 1, "no module names this file", help)
        })
        .collect()
}

fn is_declared(tree: &Tree, targets: &BTreeSet<&str>, path: &str) -> bool {
    let whole = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs")).unwrap_or(path);
    let Some((folder, name)) = whole.rsplit_once('/') else { return false };
    // The module above is `folder/mod.rs`, `folder.rs`, or a target's root file in `folder`.
    let above = [format!("{folder}/mod.rs"), format!("{folder}.rs")];
    let roots = targets
        .iter()
        .filter(|root| root.rsplit_once('/').is_some_and(|(its_folder, _)| its_folder == folder));
    above.iter().map(String::as_str).chain(roots.copied()).any(|above| {
        tree.files.get(above).is_some_and(|text| {
            let code = blank(text);
            let mut words = code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            let names: Vec<&str> = words.by_ref().filter(|word| !word.is_empty()).collect();
            names.windows(2).any(|pair| pair == ["mod", name])
        })
    })
}

/// Names of the folders right below `parent`.
fn folders<'a>(tree: &'a Tree, parent: &'a str) -> BTreeSet<&'a str> {
    let below = tree.files.keys().filter_map(|path| path.strip_prefix(parent));
    below.filter_map(|rest| rest.split_once('/')).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::fixtures::{files, package};
    use super::*;

    fn said(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|one| format!("{} {}", one.path, one.what)).collect()
    }

    const WHOLE: [(&str, &str); 8] = [
        ("Cargo.toml", ""),
        (".ci/run", ""),
        ("engine/x", ""),
        ("providers/x", ""),
        ("schemas/x", ""),
        ("examples/x/main.hcl", ""),
        ("testdata/x", ""),
        ("cmd/x", ""),
    ];

    #[test]
    fn top_level_is_exact() {
        assert_eq!(said(&top_level(&files(&WHOLE))), [""; 0]);
        let mut more = WHOLE.to_vec();
        more.push(("docs/guide.md", ""));
        assert_eq!(said(&top_level(&files(&more))), ["docs is not a folder of the top level"]);
        assert_eq!(said(&top_level(&files(&WHOLE[..7]))), ["cmd is missing"]);
        assert_eq!(said(&top_level(&files(&WHOLE[1..]))), ["Cargo.toml is missing"]);
    }

    #[test]
    fn example_without_configuration_or_words_is_found() {
        let tree = files(&[
            ("examples/whole/main.hcl", ""),
            ("examples/whole/README.md", ""),
            ("examples/silent/main.hcl", ""),
            ("examples/empty/README.md", ""),
        ]);
        assert_eq!(
            said(&examples(&tree)),
            ["examples/empty/main.hcl is missing", "examples/silent/README.md is missing"]
        );
    }

    #[test]
    fn resource_type_without_its_page_is_found_once_there_are_pages() {
        let api = "// impl ApiType for Comment {}\nimpl ApiType for LimitRange {}\n";
        let mut tree = files(&[
            ("providers/cluster/src/kinds/limit_range.rs", api),
            ("providers/cluster/src/kinds/nodes.rs", "impl DataKind for Nodes {}"),
            ("providers/cluster/src/api/mod.rs", "impl<T: ApiType> ResourceKind for Api<T> {}"),
            ("providers/node/src/kubelet/mod.rs", "impl ResourceKind for Kubelet {}"),
        ]);
        assert_eq!(resource_pages(&tree), []);
        for page in ["limit_range.md", "kubelet.md", "kubelet.json"] {
            tree.files.insert(format!("schemas/resources/{page}"), String::new());
        }
        let found = resource_pages(&tree);
        assert_eq!(
            said(&found),
            [
                "providers/cluster/src/kinds/limit_range.rs `limit_range` has no schemas/resources/limit_range.json"
            ]
        );
        assert_eq!(found[0].line, 2);
        tree.files.remove("schemas/resources/kubelet.md");
        assert_eq!(
            said(&resource_pages(&tree))[1..],
            ["providers/node/src/kubelet/mod.rs `kubelet` has no schemas/resources/kubelet.md"]
        );
    }

    #[test]
    fn file_that_no_module_names_is_found() {
        let mut tree = package("x", &[]);
        let lib = "mod named;\nmod folder;\n// mod commented;\nmod grouped { }\n";
        for (path, text) in [
            ("x/src/lib.rs", lib),
            ("x/src/named.rs", ""),
            ("x/src/folder/mod.rs", "mod inner;"),
            ("x/src/folder/inner.rs", ""),
            ("x/src/commented.rs", ""),
            ("x/tests/forgotten.rs", ""),
        ] {
            tree.files.insert(path.to_owned(), text.to_owned());
        }
        assert_eq!(
            said(&forgotten_files(&tree)),
            [
                "x/src/commented.rs no module names this file",
                "x/tests/forgotten.rs no module names this file"
            ]
        );
    }
}
