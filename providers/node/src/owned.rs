//! Files that belong to clinch alone, and how they say so.
//!
//! The first line of such a file is a comment with the project's name. The mark is on the
//! host itself, so a state that is lost can be rebuilt, and two projects never write one
//! file. A file that came from a sensitive value says that too, since whoever removes its
//! resource has no configuration left that would.

use crate::codes;
use crate::place::part;
use access::FileOnHost;
use plans::{Identity, Op, Problem};
use values::{Path, Value};

/// Permission bits of a file that is kept: written by root, and readable for all unless it is a
/// secret.
pub(crate) fn mode(secret: bool) -> &'static str {
    if secret { "0600" } else { "0644" }
}

const MARK: &str = "# Managed by clinch (project ";
const NOTICE: &str = "# Changes made here are overwritten.\n";
const SECRET: &str = "# It holds a secret, which clinch shows nowhere.\n";

/// The project that a file says it belongs to; `None` when it says nothing.
pub(crate) fn project_of(content: &str) -> Option<&str> {
    content.lines().next()?.strip_prefix(MARK)?.strip_suffix(')')
}

/// The first lines of a file of this project.
pub(crate) fn head(project: &str, secret: bool) -> String {
    format!("{MARK}{project})\n{NOTICE}{}", if secret { SECRET } else { "" })
}

/// Whether a file says that it holds a secret.
pub(crate) fn is_secret(content: &str) -> bool {
    let rest = content.split_once('\n').map_or("", |(_, rest)| rest);
    rest.strip_prefix(NOTICE).is_some_and(|rest| rest.starts_with(SECRET))
}

/// What is below the first lines.
pub(crate) fn below_head(content: &str) -> &str {
    let Some((first, rest)) = content.split_once('\n') else { return content };
    if !first.starts_with(MARK) {
        return content;
    }
    let rest = rest.strip_prefix(NOTICE).unwrap_or(rest);
    rest.strip_prefix(SECRET).unwrap_or(rest)
}

/// Whether a file says that it belongs to this project.
pub(crate) fn is_of(file: &FileOnHost, project: &str) -> bool {
    project_of(&String::from_utf8_lossy(&file.content)) == Some(project)
}

/// What was read of a file, in the terms of the pure half.
pub(crate) fn observed(file: Option<&FileOnHost>) -> [(&'static str, Value); 4] {
    let content = |file: &FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
    [
        ("content", file.map_or(Value::Null, |file| content(file).into())),
        ("digest", file.map_or(Value::Null, |file| file.digest().into())),
        ("stamp", file.map_or(Value::Null, |file| file.stamp.clone().into())),
        ("mode", file.map_or(Value::Null, |file| octal(file.mode).into())),
    ]
}

/// Permission bits as people write them.
pub(crate) fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// What was read of a file: what the I/O half reports and the pure half decides from.
pub(crate) struct Seen<'a> {
    /// The text; `None` when there is no file.
    pub(crate) content: Option<&'a str>,
    /// Digest of the bytes.
    pub(crate) digest: &'a str,
    /// What changes with the file and tells nothing of it.
    stamp: &'a str,
    /// Permission bits, in octal.
    pub(crate) mode: &'a str,
}

impl<'a> Seen<'a> {
    /// From an observation of a file.
    pub(crate) fn read(present: &'a Value) -> Self {
        let text = |name: &str| present.get(name).and_then(Value::as_str);
        Self {
            content: text("content"),
            digest: text("digest").unwrap_or(""),
            stamp: text("stamp").unwrap_or(""),
            mode: text("mode").unwrap_or(""),
        }
    }

    /// Whether what it holds is shown to nobody.
    pub(crate) fn is_secret(&self) -> bool {
        self.content.is_some_and(is_secret)
    }
}

/// Why the file must be left alone, if it must.
pub(crate) fn not_ours(identity: &Identity, content: &str, project: &str) -> Option<Problem> {
    let shown = &identity.shown;
    match project_of(content) {
        Some(found) if found == project => None,
        Some(found) => {
            let detail = format!("{shown} belongs to project `{found}`, and this is `{project}`.");
            let problem = Problem::error(
                codes::OTHER_PROJECT,
                "File of another project",
                Path::root(),
                detail,
            );
            Some(
                problem
                    .with_help("Manage it in one project only, or give this one another `name`."),
            )
        }
        None => {
            let detail = format!("{shown} exists already and was not written by clinch.");
            let problem =
                Problem::error(codes::NOT_OURS, "File already exists", Path::root(), detail);
            Some(problem.with_help("Move it away, or give the resource another `name`."))
        }
    }
}

/// Writes the file over what was read, which must still be there unchanged.
pub(crate) fn write(
    ty: &addrs::TypeName,
    identity: &Identity,
    content: Value,
    effect: Value,
    seen: &Seen<'_>,
) -> Op {
    let secret = content.has_sensitive();
    let path = part(identity, "path").into();
    let parts =
        [("path", path), ("content", content), ("mode", mode(secret).into()), ("effect", effect)];
    let args = Value::map(parts.into_iter().filter(|(_, part)| !part.is_null()));
    operation(ty, identity, "write", args, seen, secret)
}

/// Removes the file that was read.
pub(crate) fn remove(
    ty: &addrs::TypeName,
    identity: &Identity,
    effect: Value,
    seen: &Seen<'_>,
) -> Op {
    let parts = [("path", part(identity, "path").into()), ("effect", effect)];
    let args = Value::map(parts.into_iter().filter(|(_, part)| !part.is_null()));
    operation(ty, identity, "remove", args, seen, false)
}

fn operation(
    ty: &addrs::TypeName,
    identity: &Identity,
    name: &str,
    args: Value,
    seen: &Seen<'_>,
    secret: bool,
) -> Op {
    // The digest of a secret would tell of it, and a guard is stored.
    let guard = match seen.content {
        None => ("digest", Value::Null),
        Some(_) if secret || seen.is_secret() => ("stamp", seen.stamp.into()),
        Some(_) => ("digest", seen.digest.into()),
    };
    Op {
        ty: ty.clone(),
        name: name.to_owned(),
        identity: identity.clone(),
        args,
        guard: Value::map([guard]),
        text: format!("{name} {} on {}", part(identity, "path"), part(identity, "node")),
    }
}
