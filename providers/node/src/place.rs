//! Which host is meant, and which file there.

use crate::container_runtime::crio;
use crate::settings::digest;
use crate::{codes, records};
use access::Staged;
use addrs::{Scope, TypeName};
use plans::{Action, Basis, Guard, GuardKind, Identity, ObjectKey, Op, Problem};
use provider::{Decision, Observation, PlanRequest, Planned};
use values::{Attr, Disruption, Path, Role, Type, Value};

/// What every host has that runs; without it the host is a folder. Source: `proc(5)`.
pub(crate) const KERNEL: &str = "/proc/sys/kernel/ostype";

/// The reference page of a type: the `//!` header of its source.
macro_rules! page {
    ($file:literal) => {{
        static PAGE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
            let lines = include_str!($file).lines().map_while(|line| line.strip_prefix("//!"));
            lines.flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"]).collect()
        });
        &PAGE
    }};
}
pub(crate) use page;

/// The argument that every type of this crate begins with.
pub(crate) fn node_attr() -> Attr {
    Attr::new("node", Type::String, Role::Identity, "The node whose host keeps the file.")
}

/// The identity of a file. Two types that mean one file have one key for it, so that a
/// configuration cannot declare both. `more` is what else is needed to look at it.
pub(crate) fn file(node: &str, path: &str, more: Vec<(&'static str, Value)>) -> Identity {
    let args = [("node", node.into()), ("path", path.into())].into_iter().chain(more);
    Identity {
        key: ObjectKey(format!("node/{node}:{path}").into()),
        args: Value::map(args),
        shown: format!("{node}:{path}"),
    }
}

/// Where new content of a file is until it takes its place: CRI-O starts with every file of its
/// folder, and one that a loss of power left there in part would keep it from starting.
pub(crate) fn staged(path: &str) -> Staged {
    if crio::is_drop_in(path) { Staged::Above } else { Staged::Beside }
}

/// The identity of what a node has once.
pub(crate) fn of_node(
    args: &Value,
    identity: impl FnOnce(&str) -> Identity,
) -> Result<Identity, Vec<Problem>> {
    let node = args.get("node").and_then(Value::as_str).unwrap_or("");
    match check_node(node) {
        None => Ok(identity(node)),
        Some(problem) => Err(vec![problem]),
    }
}

/// What is wrong with the name of a node. What it may be called is for the API to say; what it
/// must not be is a path.
pub(crate) fn check_node(node: &str) -> Option<Problem> {
    let bad = node.is_empty()
        || node.contains(['/', ':', '\0'])
        || node.contains(char::is_whitespace)
        || node.chars().any(char::is_control);
    let detail = || format!("`{}` is not the name of a node.", node.escape_debug());
    bad.then(|| Problem::error(codes::IDENTITY, "Invalid name", Path::of("node"), detail()))
}

/// What is wrong with a path of a file.
pub(crate) fn check_path(path: &str) -> Option<Problem> {
    let below = |folder: &str| {
        path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let parts = || path.split('/').skip(1);
    let why = if !path.starts_with('/') {
        "is not absolute"
    } else if path.chars().any(char::is_control) {
        "has a character that cannot be shown"
    } else if parts().any(|part| part == "." || part == "..") {
        "has a part `.` or `..`"
    } else if parts().any(str::is_empty) {
        "has an empty part, or ends in `/`"
    } else if path.len() > 4095 || parts().any(|part| part.len() > 255) {
        "is too long"
    } else if ["/proc", "/sys", "/dev"].into_iter().any(below) {
        "is in a file system that the kernel makes up, where nothing is kept"
    } else if below(records::OURS) {
        "is in the folder that clinch keeps its own records in"
    } else {
        return None;
    };
    Some(bad_path(path, why))
}

/// A path at which a file cannot be kept; why, as the end of a sentence.
pub(crate) fn bad_path(path: &str, why: &str) -> Problem {
    let detail = format!("The path `{}` {why}.", path.escape_debug());
    Problem::error(codes::PATH, "A file cannot be kept there", Path::of("path"), detail)
        .with_help("Give it another path, or use the type that looks after that file.")
}

/// What an observation says of a node that carries the control plane.
pub(crate) const CONTROL_PLANE: &str = "control_plane";

/// Whether what restarts something there waits until all other nodes are through: the API server
/// that the way back goes through runs there.
fn comes_last(observed: &Observation) -> bool {
    let Observation::Present(present) = observed else { return false };
    present.get(CONTROL_PLANE).and_then(Value::as_bool) == Some(true)
}

/// Decides with what was seen, null when there is nothing. What could not be looked at is no change
/// and no deletion.
pub(crate) fn planned(
    request: &PlanRequest<'_>,
    decide: impl FnOnce(&Value) -> Planned,
) -> Planned {
    match request.observed {
        Observation::Unknown(problem) => Planned::Failed(vec![problem.clone()]),
        Observation::Absent => decide(&Value::Null),
        Observation::Present(present) => decide(present),
    }
}

/// The answer of a type whose objects are on hosts.
pub(crate) fn decided(observed: &Observation, decision: Decision) -> Planned {
    Planned::Decided(Box::new(Decision { last: comes_last(observed), ..decision }))
}

/// A change of a node's programs that is decided during apply, and judged then: one operation with
/// this name and text, of whose arguments none is known.
pub(crate) fn late(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    (name, parts, text): (&str, &[&'static str], String),
    args: &Value,
    action: Action,
) -> Decision {
    let unknown = || Value::Unknown(Type::Any);
    let op = Op {
        ty: ty.clone(),
        name: name.to_owned(),
        identity: request.identity.clone(),
        args: Value::map(parts.iter().map(|name| (*name, unknown()))),
        guard: Value::map([("files", unknown())]),
        text,
    };
    Decision {
        before: Some(Value::map([("node", part(request.identity, "node").into())])),
        after: Some(args.clone()),
        exported: args.clone(),
        basis: Basis::Unverified("values known after apply".to_owned()),
        disruption: Disruption::Drain,
        ops: vec![op],
        digest: digest(request.project, args),
        ..Decision::plain(action)
    }
}

/// What a drained node is not enough for.
pub(crate) fn no_procedure(what: &str, node: &str) -> Guard {
    let why = format!(
        "{what} of node `{node}` takes more than a drained node, and this version of clinch has \
         no procedure for it"
    );
    Guard { kind: GuardKind::Disruption, why }
}

/// That another cgroup driver is a change of kubelet and runtime together.
pub(crate) fn as_one(what: &str, node: &str) -> Guard {
    let why = format!(
        "{what} of node `{node}` is one change of its kubelet and its container runtime: declare a \
         `cgroup_driver` for the node instead"
    );
    Guard { kind: GuardKind::Disruption, why }
}

/// The scope that a change of it is in.
pub(crate) fn scope(identity: &Identity) -> Scope {
    Scope::node(part(identity, "node"))
}

/// An argument of the identity; empty when there is none.
pub(crate) fn part<'a>(identity: &'a Identity, name: &str) -> &'a str {
    identity.args.get(name).and_then(Value::as_str).unwrap_or("")
}
