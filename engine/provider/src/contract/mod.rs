//! What every resource type promises, and how to find out whether it does.
//!
//! This module answers one question: *does a type keep the promises that the engine relies on?*
//! It takes a type and arguments that it accepts, the examples of its own page first, and asks
//! about them in all ways that a configuration could. The answer is a list of sentences, one for
//! each broken promise, and empty for a type that keeps them all.
//!
//! Start reading at [`documented`], [`judged`] and [`decided`]. What becomes of the world when an
//! operation is performed is tested where there is a world: in the crates of the types.
//!
//! **Not here:** rules of a type's own domain, which its own tests are about.

mod examples;
mod literal;
mod vary;

#[cfg(test)]
mod tests;

pub use examples::{arguments, examples};

use crate::{Decision, Observation, PlanRequest, Planned, ResourceKind};
use plans::{Identity, ObjectKey, Problem};
use std::collections::BTreeSet;
use values::{Path, Schema, Type, Value};

/// Texts that hardly any argument can be, for people who try.
const STRANGE: [&str; 4] = ["hunter/2 %", "-31337", "31337.5", ""];
const NOTHING: &BTreeSet<ObjectKey> = &BTreeSet::new();

/// A request of the project `p` with nothing but this: no memory, no preview, no option.
pub fn request<'a>(
    identity: &'a Identity,
    desired: Option<&'a Value>,
    observed: &'a Observation,
) -> PlanRequest<'a> {
    PlanRequest {
        identity,
        desired,
        observed,
        recorded: None,
        preview: None,
        asked: None,
        ignore: &[],
        created: NOTHING,
        project: "p",
        protect: false,
        release: false,
        wait: None,
        adopt: false,
    }
}

/// The page shows an example and leads on, and every argument is explained in a sentence.
pub fn documented(name: &str, schema: &Schema, page: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut must = |is: bool, what: String| {
        if !is {
            broken.push(what);
        }
    };
    for attr in &schema.attrs {
        let is_sentence = attr.doc.len() > 15 && attr.doc.ends_with('.');
        must(is_sentence, format!("`{name}.{}` is not explained: {:?}", attr.name, attr.doc));
    }
    must(page.contains("```hcl\n"), format!("the page of `{name}` has no example"));
    must(page.contains("# See also"), format!("the page of `{name}` leads nowhere"));
    let is_text = !page.starts_with('\n') && !page.contains("//!");
    must(is_text, format!("the page of `{name}` is not cut out well"));
    broken
}

/// What a type says of arguments that it accepts, and of the same with one part exchanged.
///
/// They are accepted; they mean one object, which is known before anything is read, and known
/// while other parts are not; what is not known yet is not judged; a problem points at an argument
/// that there is, and says nothing of a sensitive value.
pub fn judged(kind: &dyn ResourceKind, args: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    broken.extend(kind.check(args).iter().map(|problem| format!("is refused: {}", told(problem))));
    let identity = kind.identify(args);
    if let Err(problems) = &identity {
        broken.extend(problems.iter().map(|p| format!("has no identity: {}", told(p))));
    }
    if kind.identify(args) != identity {
        broken.push("means another object the second time".to_owned());
    }
    for late in with_late(kind.schema(), args) {
        if !is_meant_by(kind, &late, &identity) {
            broken.push(format!("means another object while a part is not known: {late:?}"));
        }
        let problems = kind.check(&late);
        broken.extend(problems.iter().map(|p| format!("judges what is not known: {}", told(p))));
    }
    for strange in STRANGE {
        let every = vary::each(args, &|_| Value::from(strange));
        let hidden = vary::all(args, &mut |_| Value::from(strange).into_sensitive());
        for args in every.iter().chain([&hidden]) {
            let problems = kind.check(args);
            broken.extend(astray(kind.schema(), &problems));
            // An example may say so in words of its own.
            let secret = args == &hidden && strange.len() > 4;
            let of_it = |p: &&Problem| secret && told(p).contains(strange);
            broken.extend(problems.iter().filter(of_it).map(|p| format!("tells: {}", told(p))));
        }
    }
    broken
}

/// Whether the arguments mean the same object. What else is looked at may depend on what is not
/// known. An object that is named in what is not known is said to be, at that argument.
fn is_meant_by(
    kind: &dyn ResourceKind,
    late: &Value,
    identity: &Result<Identity, Vec<Problem>>,
) -> bool {
    match (kind.identify(late), identity) {
        (Ok(late), Ok(known)) => late.key == known.key,
        (Err(problems), _) => !problems.is_empty() && astray(kind.schema(), &problems).is_empty(),
        (Ok(_), Err(_)) => false,
    }
}

/// What a type decides about arguments that it accepts, and about the same with one part not
/// known, or sensitive, when this is what was read.
///
/// Equal requests have equal answers; whatever the answer is, it points at arguments that there
/// are, and nothing of a sensitive value is in it.
pub fn decided(kind: &dyn ResourceKind, args: &Value, observed: &Observation) -> Vec<String> {
    let Ok(identity) = kind.identify(args) else { return vec!["has no identity".to_owned()] };
    let plan = |args: Option<&Value>| kind.plan(&request(&identity, args, observed));
    let mut broken = Vec::new();
    for desired in [Some(args), None] {
        let planned = plan(desired);
        if plan(desired) != planned {
            broken.push("equal requests have different answers".to_owned());
        }
        broken.extend(points_astray(kind.schema(), &planned));
    }
    for late in with_late(kind.schema(), args) {
        broken.extend(points_astray(kind.schema(), &plan(Some(&late))));
    }
    for (hidden, secrets) in with_secrets(kind.schema(), args) {
        let planned = plan(Some(&hidden));
        broken.extend(points_astray(kind.schema(), &planned));
        let text = format!("{planned:?}");
        let tells = |secret: &&String| text.contains(secret.as_str());
        broken.extend(secrets.iter().filter(tells).map(|s| format!("tells `{s}`: {text}")));
    }
    broken
}

/// What a type decides about what is as it was asked for: nothing, and what is exported is there.
pub fn nothing_to_do(kind: &dyn ResourceKind, planned: &Planned) -> Vec<String> {
    let Planned::Decided(decision) = planned else { return vec![format!("is {planned:?}")] };
    let Decision { action, ops, exported, .. } = &**decision;
    let mut broken = Vec::new();
    if *action != plans::Action::NoOp || !ops.is_empty() {
        broken.push(format!("changes what is as it was asked for: {decision:?}"));
    }
    let computed = kind.schema().attrs.iter().filter(|attr| !attr.is_argument());
    let missing = computed.filter(|attr| exported.get(attr.name).is_none());
    broken.extend(missing.map(|attr| format!("does not export `{}`", attr.name)));
    broken
}

/// The arguments with one part not known, each in turn; which object is meant is always known.
fn with_late(schema: &Schema, args: &Value) -> Vec<Value> {
    let unknown = |value: &Value| Value::Unknown(type_of(value));
    each_argument(schema, args, |value| vary::each(value, &unknown))
}

fn type_of(value: &Value) -> Type {
    match value {
        Value::String(_) => Type::String,
        Value::Number(_) => Type::Number,
        Value::Bool(_) => Type::Bool,
        _ => Type::Any,
    }
}

/// The arguments with other, hidden texts in one of them, each in turn, and these texts.
pub fn with_secrets(schema: &Schema, args: &Value) -> Vec<(Value, Vec<String>)> {
    let mut secrets = Vec::new();
    let mut next = |_: &Value| {
        let secret = format!("77{:04}", secrets.len());
        secrets.push(secret.clone());
        Value::string(secret).into_sensitive()
    };
    let hidden = each_argument(schema, args, |value| vec![vary::all(value, &mut next)]);
    hidden.into_iter().map(|args| (args, secrets.clone())).collect()
}

fn each_argument(
    schema: &Schema,
    args: &Value,
    mut exchange: impl FnMut(&Value) -> Vec<Value>,
) -> Vec<Value> {
    let map = args.as_map().cloned().unwrap_or_default();
    let mut out = Vec::new();
    for attr in schema.attrs.iter().filter(|attr| !attr.is_identity()) {
        let Some(value) = map.get(attr.name).filter(|value| !value.is_null()) else { continue };
        out.extend(exchange(value).into_iter().map(|new| {
            let mut map = map.clone();
            map.insert(attr.name.into(), new);
            Value::map(map)
        }));
    }
    out
}

/// Parts of an answer that point at what is not in the schema.
fn points_astray(schema: &Schema, planned: &Planned) -> Vec<String> {
    match planned {
        Planned::NeedsPreview(_) => Vec::new(),
        Planned::Failed(problems) => astray(schema, problems),
        Planned::Decided(decision) => {
            let lost = |path: &&Path| !vary::leads_into(schema, path);
            let notes = decision.notes.iter().map(|note| &note.path).filter(lost);
            let notes = notes.map(|path| format!("a note points at `{path}`"));
            astray(schema, &decision.warnings).into_iter().chain(notes).collect()
        }
    }
}

fn astray(schema: &Schema, problems: &[Problem]) -> Vec<String> {
    let lost = |problem: &&Problem| !vary::leads_into(schema, &problem.path);
    problems.iter().filter(lost).map(|p| format!("points astray: {}", told(p))).collect()
}

fn told(problem: &Problem) -> String {
    let help = problem.help.as_deref().unwrap_or_default();
    format!("{} at `{}`: {} {help}", problem.code, problem.path, problem.detail)
}
