//! `cargo xtask codegen`: what is generated from the code and committed with it.
//!
//! The binary describes itself: `clinch schema -out=DIR` writes `resources/TYPE.json`,
//! `resources/TYPE.md`, `json/*.schema.json` and `functions/functions.md` below `DIR`. This task runs it into a folder of
//! its own and makes the folders of `schemas/` equal to that, or says where they are not.
//!
//! **Invariant:** these folders hold generated files only, so a file that nobody generates any
//! more is removed, or found by `--check`.

use crate::checkout;
use crate::trouble::{Doing, Trouble, print, say};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Below `schemas/`, wholly generated.
const FOLDERS: [&str; 3] = ["resources", "json", "functions"];

/// How to generate.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Change nothing; fail when a committed file is not what would be generated
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Trouble> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--bin", "clinch", "--"]);
    generate(cargo, arguments.check)
}

/// Fails when a committed file is not what this binary would generate.
pub(crate) fn check(binary: &Path) -> Result<(), Trouble> {
    generate(Command::new(binary), true)
}

fn generate(clinch: Command, check: bool) -> Result<(), Trouble> {
    let committed = checkout::root().join("schemas");
    let fresh = describe(clinch)?;
    let wanted = contents(&fresh)?;
    let _ = fs::remove_dir_all(&fresh); // A folder for temporary files is emptied by others, too.
    if wanted.is_empty() {
        return Err(Trouble::new("`clinch schema` wrote no file"));
    }
    let differences = differences(&wanted, &contents(&committed)?);
    if !check {
        return write(&committed, &wanted, &differences);
    }
    for (path, difference) in &differences {
        print(format_args!("schemas/{path}:1: error: {}", difference.words()))?;
    }
    if differences.is_empty() {
        return print(format_args!("codegen: {} files are fresh", wanted.len()));
    }
    let count = differences.len();
    Err(Trouble::new(format!("codegen: {count} files are stale. Run: cargo xtask codegen")))
}

/// Lets the binary describe itself, and returns the folder it wrote.
fn describe(mut clinch: Command) -> Result<PathBuf, Trouble> {
    let folder = std::env::temp_dir().join(format!("clinch-codegen-{}", std::process::id()));
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    let run = clinch
        .args(["schema", &format!("-out={}", folder.display())])
        .current_dir(checkout::root())
        .output()
        .doing(|| format!("starting {}", clinch.get_program().display()))?;
    if run.status.success() {
        return Ok(folder);
    }
    let _ = fs::remove_dir_all(&folder);
    let why = String::from_utf8_lossy(&run.stderr);
    Err(Trouble::new(format!("`clinch schema` failed:\n{}", why.trim_end())))
}

type Contents = BTreeMap<String, Vec<u8>>;

/// Files of the generated folders, by path such as `resources/limit_range.md`.
fn contents(parent: &Path) -> Result<Contents, Trouble> {
    let mut all = BTreeMap::new();
    for folder in FOLDERS {
        let path = parent.join(folder);
        if !path.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&path).doing(|| format!("reading {}", path.display()))? {
            let file = entry.doing(|| format!("reading {}", path.display()))?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let bytes = fs::read(&file).doing(|| format!("reading {}", file.display()))?;
            all.insert(format!("{folder}/{name}"), bytes);
        }
    }
    Ok(all)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    Missing,
    Stale,
    Orphaned,
}

impl Difference {
    fn words(self) -> &'static str {
        match self {
            Self::Missing => "is generated but not committed",
            Self::Stale => "is not what the code generates",
            Self::Orphaned => "is committed but no longer generated",
        }
    }
}

fn differences(wanted: &Contents, committed: &Contents) -> BTreeMap<String, Difference> {
    let wrong = wanted.iter().filter_map(|(path, bytes)| match committed.get(path) {
        None => Some((path.clone(), Difference::Missing)),
        Some(other) if other != bytes => Some((path.clone(), Difference::Stale)),
        Some(_) => None,
    });
    let orphans = committed.keys().filter(|path| !wanted.contains_key(*path));
    wrong.chain(orphans.map(|path| (path.clone(), Difference::Orphaned))).collect()
}

fn write(
    parent: &Path,
    wanted: &Contents,
    differences: &BTreeMap<String, Difference>,
) -> Result<(), Trouble> {
    for (path, difference) in differences {
        let file = parent.join(path);
        match (difference, wanted.get(path)) {
            (Difference::Orphaned, _) | (_, None) => fs::remove_file(&file),
            (_, Some(bytes)) => fs::create_dir_all(file.parent().unwrap_or(parent))
                .and_then(|()| fs::write(&file, bytes)),
        }
        .doing(|| format!("writing {}", file.display()))?;
        say(format_args!("schemas/{path}: {difference:?}, now fresh"));
    }
    print(format_args!("codegen: {} files, {} changed", wanted.len(), differences.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents_of(files: &[(&str, &str)]) -> Contents {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn missing_stale_and_orphaned_files_are_told_apart() {
        let wanted = contents_of(&[("json/a", "1"), ("json/b", "1"), ("json/c", "1")]);
        let committed = contents_of(&[("json/b", "0"), ("json/c", "1"), ("json/d", "1")]);
        let found: Vec<_> = differences(&wanted, &committed).into_iter().collect();
        assert_eq!(
            found,
            [
                ("json/a".to_owned(), Difference::Missing),
                ("json/b".to_owned(), Difference::Stale),
                ("json/d".to_owned(), Difference::Orphaned),
            ]
        );
    }

    #[test]
    fn writing_makes_the_folder_equal() {
        let folder = std::env::temp_dir().join(format!("xtask-codegen-{}", std::process::id()));
        fs::create_dir_all(folder.join("json")).unwrap();
        fs::write(folder.join("json/old"), "x").unwrap();
        fs::write(folder.join("json/stale"), "x").unwrap();
        let wanted = contents_of(&[("json/stale", "y"), ("resources/new.md", "z")]);
        let found = differences(&wanted, &contents(&folder).unwrap());
        write(&folder, &wanted, &found).unwrap();
        assert_eq!(contents(&folder).unwrap(), wanted);
        fs::remove_dir_all(folder).unwrap();
    }
}
