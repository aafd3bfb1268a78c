//! What the rules look at: the files of the checkout and cargo's view of the workspace.

use crate::checkout;
use crate::trouble::{Doing, Trouble};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A checkout held in memory.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Text of every file that git tracks or would track, by path from the root.
    pub(super) files: BTreeMap<String, String>,
    pub(super) packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Debug, Default)]
pub(super) struct Package {
    /// Without the common prefix: `addrs`, `cli`.
    pub(super) name: String,
    pub(super) manifest: String,
    /// Root files of its targets: `lib.rs`, `main.rs`, test binaries.
    pub(super) targets: Vec<String>,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) ours: bool,
    /// Only for tests, examples and benchmarks.
    pub(super) development: bool,
}

impl Tree {
    pub(super) fn read() -> Result<Self, Trouble> {
        let listed = output("git", &["ls-files", "-z", "-co", "--exclude-standard"])?;
        let root = checkout::root();
        let mut files = BTreeMap::new();
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            // Deleted but still in the index, or a symbolic link into nowhere.
            if let Ok(bytes) = fs::read(root.join(path)) {
                files.insert(path.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let metadata = output("cargo", &["metadata", "--no-deps", "--format-version", "1"])?;
        let metadata =
            serde_json::from_str(&metadata).doing(|| "reading cargo metadata".to_owned())?;
        Ok(Self { files, packages: packages(&metadata) })
    }

    /// The Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(|(path, _)| Path::new(path).extension().is_some_and(|ending| ending == "rs"))
    }
}

fn output(program: &str, arguments: &[&str]) -> Result<String, Trouble> {
    let out = Command::new(program)
        .args(arguments)
        .current_dir(checkout::root())
        .output()
        .doing(|| format!("starting {program}"))?;
    if !out.status.success() {
        let why = String::from_utf8_lossy(&out.stderr);
        return Err(Trouble::new(format!("{program} {} failed:\n{why}", arguments.join(" "))));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Reads the answer of `cargo metadata --no-deps`.
fn packages(metadata: &Value) -> Vec<Package> {
    let root = metadata["workspace_root"].as_str().unwrap_or_default();
    let inside = |value: &Value| {
        let path = value.as_str().unwrap_or_default();
        path.strip_prefix(root).unwrap_or(path).trim_start_matches('/').to_owned()
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let package = |package: &Value| Package {
        name: short(package["name"].as_str().unwrap_or_default()).to_owned(),
        manifest: inside(&package["manifest_path"]),
        targets: list(&package["targets"]).iter().map(|one| inside(&one["src_path"])).collect(),
        dependencies: list(&package["dependencies"])
            .iter()
            .map(|one| Dependency {
                name: short(one["name"].as_str().unwrap_or_default()).to_owned(),
                ours: one["path"].is_string(),
                development: one["kind"] == "dev",
            })
            .collect(),
    };
    list(&metadata["packages"]).iter().map(package).collect()
}

/// The folder's name; only the binary's package is named after the product.
fn short(name: &str) -> &str {
    if name == "clinch" { "cli" } else { name.strip_prefix("clinch-").unwrap_or(name) }
}

#[cfg(test)]
pub(super) mod fixtures {
    use super::*;

    /// A tree of nothing but these files.
    pub(crate) fn files(files: &[(&str, &str)]) -> Tree {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Tree { files: files.iter().map(own).collect(), packages: Vec::new() }
    }

    /// A tree of one package. `+name` is a crate of ours, `dev name` is for tests only.
    pub(crate) fn package(name: &str, dependencies: &[&str]) -> Tree {
        let dependency = |text: &&str| {
            let rest = text.strip_prefix("dev ").unwrap_or(text);
            Dependency {
                name: rest.trim_start_matches('+').to_owned(),
                ours: rest.starts_with('+'),
                development: text.starts_with("dev "),
            }
        };
        let package = Package {
            name: name.to_owned(),
            manifest: format!("{name}/Cargo.toml"),
            targets: vec![format!("{name}/src/lib.rs")],
            dependencies: dependencies.iter().map(dependency).collect(),
        };
        Tree { packages: vec![package], ..Tree::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_is_read_with_short_names_and_paths_from_the_root() {
        let metadata = json!({
            "workspace_root": "/src",
            "packages": [{
                "name": "clinch",
                "manifest_path": "/src/cmd/cli/Cargo.toml",
                "targets": [{ "src_path": "/src/cmd/cli/src/main.rs" }],
                "dependencies": [
                    { "name": "clinch-view", "path": "/src/cmd/view", "kind": null },
                    { "name": "insta", "kind": "dev" },
                ],
            }],
        });
        let read = packages(&metadata);
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].name, "cli");
        assert_eq!(read[0].manifest, "cmd/cli/Cargo.toml");
        assert_eq!(read[0].targets, ["cmd/cli/src/main.rs"]);
        let [view, insta] = read[0].dependencies.as_slice() else {
            unreachable!("two dependencies were given")
        };
        assert!(view.name == "view" && view.ours && !view.development);
        assert!(insta.name == "insta" && !insta.ours && insta.development);
    }
}
