//! `cargo xtask kubernetes-versions`: which kinds and fields each version of Kubernetes has.
//!
//! The table is made from `api/openapi-spec/swagger.json` of the Go module `k8s.io/kubernetes`
//! (Apache-2.0) of every minor version: names, types and what is required, without any text. The
//! configuration of the kubelet, which is in no specification, is added from [`kubelet`].
//! `--check` makes the part of the newest version again and compares, and compares the digest
//! of the whole.

mod kubelet;

use crate::checkout;
use crate::trouble::{Trouble, print};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILE: &str = "providers/apimachinery/data/versions.txt";
const OLDEST: u32 = 25;
const NEWEST: u32 = 37;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only compare: the newest version with its source, the whole with its digest
    #[arg(long)]
    check: bool,
}

/// A line of the table, and the minor versions that have it.
type Lines = BTreeMap<Line, BTreeSet<u32>>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Line {
    /// `apiVersion`, kind, and its type.
    Kind(String, String, String),
    /// Type, field, whether it is required, and what it holds.
    Field(String, String, bool, String),
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Trouble> {
    if arguments.check {
        return check();
    }
    let mut lines = Lines::new();
    for minor in OLDEST..=NEWEST {
        read(minor, &mut lines)?;
    }
    let text = written(&lines);
    let file = checkout::root().join(FILE);
    std::fs::write(&file, &text).map_err(|e| Trouble::new(format!("{}: {e}", file.display())))?;
    print(format_args!("{FILE}: 1.{OLDEST} to 1.{NEWEST}, {} lines", text.lines().count()))
}

/// Compares the newest version with its source, and the whole with its digest.
pub(crate) fn check() -> Result<(), Trouble> {
    let file = checkout::root().join(FILE);
    let text = std::fs::read_to_string(&file)
        .map_err(|e| Trouble::new(format!("{}: {e}", file.display())))?;
    let stale =
        |why: &str| Trouble::new(format!("{FILE} {why}. Run: cargo xtask kubernetes-versions"));
    let (body, digest) = text.trim_end().rsplit_once('\n').ok_or_else(|| stale("is empty"))?;
    if digest != format!("# sha256 {}", digest_of(body)) {
        return Err(stale("was changed by hand"));
    }
    let mut now = Lines::new();
    read(NEWEST, &mut now)?;
    let now: BTreeSet<Line> = now.into_keys().collect();
    let then = of_newest(body);
    if let Some(line) = now.symmetric_difference(&then).next() {
        return Err(stale(&format!("is not what 1.{NEWEST} has: {line:?}")));
    }
    print(format_args!("{FILE} is fresh: 1.{NEWEST} with its source, the rest by its digest"))
}

/// What the table says of the newest version.
fn of_newest(body: &str) -> BTreeSet<Line> {
    let mut found = BTreeSet::new();
    let mut ty = "";
    for line in body.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let newest = |range: Option<&&str>| range.is_none_or(|range| range.ends_with('-'));
        let own = |text: &str| text.to_owned();
        let inside = line.starts_with(' ');
        match words.as_slice() {
            [field, holds, rest @ ..] if inside && newest(rest.first()) => {
                let name = field.trim_end_matches('!');
                found.insert(Line::Field(own(ty), own(name), field.ends_with('!'), own(holds)));
            }
            ["kind", version, kind, of, rest @ ..] if !inside && newest(rest.first()) => {
                found.insert(Line::Kind(own(version), own(kind), own(of)));
            }
            ["type", name] if !inside => ty = name,
            // A comment, the range of versions, or a line of older versions.
            _ => {}
        }
    }
    found
}

/// The folder of the Go module of a version.
fn module(minor: u32) -> Result<PathBuf, Trouble> {
    let module = format!("k8s.io/kubernetes@v1.{minor}.0");
    let output = Command::new("go")
        .args(["mod", "download", "-json", &module])
        .current_dir(std::env::temp_dir())
        .output()
        .map_err(|e| Trouble::new(format!("go cannot be started: {e}")))?;
    let said: Value = serde_json::from_slice(&output.stdout)
        .map_err(|e| Trouble::new(format!("go mod download {module}: {e}")))?;
    let Some(dir) = said["Dir"].as_str() else {
        return Err(Trouble::new(format!("go mod download {module}: {}", said["Error"])));
    };
    Ok(PathBuf::from(dir))
}

/// The specification of a version.
fn swagger(module: &Path) -> Result<Value, Trouble> {
    let file = module.join("api/openapi-spec/swagger.json");
    let text =
        std::fs::read(&file).map_err(|e| Trouble::new(format!("{}: {e}", file.display())))?;
    serde_json::from_slice(&text).map_err(|e| Trouble::new(format!("{}: {e}", file.display())))
}

fn read(minor: u32, lines: &mut Lines) -> Result<(), Trouble> {
    let module = module(minor)?;
    let swagger = swagger(&module)?;
    let definitions = &swagger["definitions"];
    let mut open = Vec::new();
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        for kind in created(&swagger, definition) {
            lines.entry(Line::Kind(kind.0, kind.1, short(name))).or_default().insert(minor);
            open.push(name.clone());
        }
    }
    fields(definitions, open, minor, lines);
    let (version, kind) = ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration");
    let kind = Line::Kind(version.to_owned(), kind.to_owned(), short(kubelet::ROOT));
    lines.entry(kind).or_default().insert(minor);
    fields(&kubelet::definitions(&module)?, vec![kubelet::ROOT.to_owned()], minor, lines);
    Ok(())
}

/// The fields of these types, and of all that they refer to.
fn fields(definitions: &Value, mut open: Vec<String>, minor: u32, lines: &mut Lines) {
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(name) = open.pop() {
        let definition = &definitions[&name];
        let required: Vec<&str> = definition["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (field, holds) in definition["properties"].as_object().into_iter().flatten() {
            let holds = shape(definitions, holds, &mut |inner| {
                if seen.insert(inner.to_owned()) {
                    open.push(inner.to_owned());
                }
            });
            let line =
                Line::Field(short(&name), field.clone(), required.contains(&&**field), holds);
            lines.entry(line).or_default().insert(minor);
        }
    }
}

/// The kinds of a definition that can be created by a request of their own.
fn created(swagger: &Value, definition: &Value) -> Vec<(String, String)> {
    let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let kinds = definition["x-kubernetes-group-version-kind"].as_array();
    let mut found = Vec::new();
    for kind in kinds.into_iter().flatten() {
        let posts = |(path, operations): (&String, &Value)| {
            !path.contains("{name}")
                && operations["post"]["x-kubernetes-group-version-kind"] == *kind
        };
        if swagger["paths"].as_object().into_iter().flatten().any(posts) {
            let (group, version) = (text(kind, "group"), text(kind, "version"));
            let slash = if group.is_empty() { "" } else { "/" };
            found.push((format!("{group}{slash}{version}"), text(kind, "kind")));
        }
    }
    found
}

/// What a field holds: a word, `[]`, `{}` or a type.
fn shape(definitions: &Value, schema: &Value, refers: &mut impl FnMut(&str)) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        let target = &definitions[name];
        if target["properties"].is_object() {
            refers(name);
            return short(name);
        }
        if name.ends_with(".Quantity") {
            return "quantity".to_owned();
        }
        if name.ends_with(".Duration") {
            return "duration".to_owned();
        }
        return shape(definitions, target, refers);
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("int-or-string")) => "int|string".to_owned(),
        (Some("string"), _) => "string".to_owned(),
        (Some("boolean"), _) => "bool".to_owned(),
        (Some("integer"), _) => "int".to_owned(),
        (Some("number"), _) => "number".to_owned(),
        (Some("array"), _) => format!("[]{}", shape(definitions, &schema["items"], refers)),
        (Some("object"), _) if schema["additionalProperties"].is_object() => {
            format!("{{}}{}", shape(definitions, &schema["additionalProperties"], refers))
        }
        _ => "any".to_owned(),
    }
}

/// `core.v1.Pod` of `io.k8s.api.core.v1.Pod`.
fn short(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    parts[parts.len().saturating_sub(3)..].join(".")
}

fn written(lines: &Lines) -> String {
    let mut text = format!(
        "# Written by `cargo xtask kubernetes-versions`; what the words mean stands in README.md.\n\
         versions {OLDEST} {NEWEST}\n"
    );
    let mut open = String::new();
    for (line, minors) in lines {
        let range = range(minors);
        // Writing to a string cannot fail.
        let _ = match line {
            Line::Kind(version, kind, ty) => writeln!(text, "kind {version} {kind} {ty}{range}"),
            Line::Field(ty, field, required, holds) => {
                if *ty != open {
                    open.clone_from(ty);
                    let _ = writeln!(text, "type {ty}");
                }
                let required = if *required { "!" } else { "" };
                writeln!(text, " {field}{required} {holds}{range}")
            }
        };
    }
    let digest = digest_of(text.trim_end());
    format!("{text}# sha256 {digest}\n")
}

/// ` 27-` and ` 25-28,30-31`; nothing for all versions.
fn range(minors: &BTreeSet<u32>) -> String {
    if minors.iter().copied().eq(OLDEST..=NEWEST) {
        return String::new();
    }
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for minor in minors {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *minor => *last = *minor,
            _ => ranges.push((*minor, *minor)),
        }
    }
    let one = |(first, last): &(u32, u32)| match *last {
        NEWEST => format!("{first}-"),
        last => format!("{first}-{last}"),
    };
    format!(" {}", ranges.iter().map(one).collect::<Vec<_>>().join(","))
}

fn digest_of(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
