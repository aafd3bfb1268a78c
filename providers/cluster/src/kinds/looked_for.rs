//! Arguments of data sources: which kind, where, with which labels.

use crate::args::{self, entries, get, text};
use crate::codes;
use apimachinery::{discovery, names};
use plans::Problem;
use values::{Attr, Path, Role, Type, Value};

pub(super) fn kind() -> [Attr; 2] {
    [
        Attr::new(
            "api_version",
            Type::String,
            Role::Required,
            "The version of the API that it is read in, such as `v1` or `apps/v1`.",
        ),
        Attr::new("kind", Type::String, Role::Required, "The kind, such as `ConfigMap`."),
    ]
}

pub(super) fn namespace() -> Attr {
    Attr::new(
        "namespace",
        Type::String,
        Role::Optional,
        "Only those of this namespace. Left out: of all namespaces.",
    )
}

pub(super) fn selector(doc: &'static str) -> Attr {
    Attr::new("selector", Type::map(Type::String), Role::Optional, doc)
}

fn wrong(path: Path, detail: String) -> Problem {
    Problem::error(codes::LOOK, "Object cannot be looked for", path, detail)
}

/// Whether the kind lives in namespaces; `None` for a kind that is not built in.
pub(super) fn namespaced(args: &Value) -> Option<bool> {
    let known = discovery::by_kind(text(args, "api_version"), text(args, "kind"));
    known.map(|known| known.namespaced)
}

/// What is wrong with `api_version`, `kind` and `namespace`.
pub(super) fn check_kind(args: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in ["api_version", "kind"] {
        if get(args, name).as_str() == Some("") {
            problems.push(wrong(Path::of(name), format!("`{name}` is empty.")));
        }
    }
    let (version, kind) = (text(args, "api_version"), text(args, "kind"));
    if let (Some(false), Some(_)) = (namespaced(args), get(args, "namespace").as_str()) {
        let problem = wrong(Path::of("namespace"), format!("A {kind} lives in no namespace."));
        problems.push(problem.with_help("Remove `namespace`."));
    }
    if let Some(namespace) = get(args, "namespace").as_str() {
        problems.extend(args::check_name("namespace", namespace, names::dns_1123_label));
    }
    let (group, _) = discovery::split_api_version(version);
    let mut of_group = discovery::all().iter().filter(|known| known.group == group);
    let built_in = of_group.clone().next().is_some();
    if built_in && namespaced(args).is_none() && !kind.is_empty() {
        let kinds = of_group.clone().map(|known| known.kind.as_str());
        if let Some(other) = of_group.find(|known| known.kind == kind) {
            let served = other.api_version();
            let detail = format!("Kubernetes 1.36 serves {kind} as `{served}`.");
            let path = Path::of("api_version");
            let problem = Problem::warning(codes::NO_KIND, "Version of the API", path, detail);
            problems.push(problem.with_help(format!("Write `api_version = \"{served}\"`.")));
        } else if let Some(other) = discovery::all().iter().find(|known| known.kind == kind) {
            let served = other.api_version();
            let problem = wrong(
                Path::of("api_version"),
                format!("{kind} is a kind of `{served}`, not of `{version}`."),
            );
            problems.push(problem.with_help(format!("Write `api_version = \"{served}\"`.")));
        } else if let Some(meant) = diags::did_you_mean(kind, kinds) {
            let detail = format!("There is no kind `{kind}` in `{version}`.");
            let problem = wrong(Path::of("kind"), detail);
            problems.push(problem.with_help(format!("Did you mean `{meant}`?")));
        }
    }
    problems
}

/// What is wrong with `selector`.
pub(super) fn check_selector(args: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, value) in entries(get(args, "selector")) {
        let path = Path::of("selector").attr(key);
        let complaints = names::qualified_name(key)
            .into_iter()
            .chain(value.as_str().map(names::label_value).unwrap_or_default());
        problems.extend(complaints.map(|why| {
            let detail = format!("Nothing can have this label: {why}.");
            Problem::error(codes::LABEL, "Invalid selector", path.clone(), detail)
        }));
    }
    problems
}
