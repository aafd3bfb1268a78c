//! What the server says no to, in the words of the configuration.

use super::Answer;
use super::decide::{Case, brief, namespace_of};
use super::escalation::{explained, role_comes};
use super::ops::identity_text;
use crate::{codes, fields, needs, ownership, shown};
use plans::Problem;
use provider::PlanRequest;
use values::{Path, Value};

/// A refusal, as the I/O half reports it.
struct Refusal {
    code: i64,
    reason: String,
    message: String,
    causes: Vec<Cause>,
    /// The answer was not one of the API's own: there is nothing at this path.
    not_json: bool,
}

struct Cause {
    reason: String,
    message: String,
    field: String,
}

impl Refusal {
    /// Texts of the server may hold what the configuration hides, hence the intent.
    fn read(value: &Value, intent: &Value) -> Self {
        let text = |of: &Value, name: &str| {
            shown::redacted(of.get(name).and_then(Value::as_str).unwrap_or(""), intent)
        };
        let cause = |cause: &Value| Cause {
            reason: text(cause, "reason"),
            message: text(cause, "message"),
            field: text(cause, "field"),
        };
        Self {
            code: value
                .get("code")
                .and_then(Value::as_number)
                .and_then(values::Number::as_i64)
                .unwrap_or(0),
            reason: text(value, "reason"),
            message: text(value, "message"),
            causes: value
                .get("causes")
                .and_then(Value::as_list)
                .unwrap_or(&[])
                .iter()
                .map(cause)
                .collect(),
            not_json: value.get("non_json").and_then(Value::as_bool).unwrap_or(false),
        }
    }
}

/// What follows from a refused preview: a replacement, or problems.
pub(super) fn answer(case: Case<'_>, refusal: &Value, live: Option<&Value>) -> Answer {
    let refusal = Refusal::read(refusal, &case.intent);
    match (refusal.code, live) {
        (409, Some(live)) if take_back(&refusal).is_some() => {
            let taken = take_back(&refusal).unwrap_or(Value::Null);
            Ok(case.taking(live, &taken))
        }
        (409, _) if refusal.causes.iter().any(|c| c.reason == "FieldManagerConflict") => {
            let causes = refusal.causes.iter();
            Err(causes.map(|cause| conflict(&case, cause, live.unwrap_or(&Value::Null))).collect())
        }
        (409, _) => Err(vec![moved(&case, &refusal)]),
        (404, None) if role_comes(&case).is_some() => {
            let why = role_comes(&case).unwrap_or_default();
            Ok(case.unverified(why))
        }
        (code, _) if explained(&case, code, &refusal.message).is_some() => {
            Err(explained(&case, code, &refusal.message).into_iter().collect())
        }
        (404, None) if refusal.not_json && needs::defined_here(case.request) => {
            let kind = identity_text(case.request.identity, "kind");
            Ok(case.unverified(format!("kind `{kind}` is created by this plan")))
        }
        (404, _) => Err(vec![missing(&case, &refusal)]),
        (403, _) if may_not(&refusal).is_some() => {
            let why = may_not(&refusal).unwrap_or_default();
            Ok(case.predicted(why, live))
        }
        (401 | 403, _) => Err(vec![forbidden(&case, &refusal)]),
        (422, Some(_)) if is_immutable(&refusal) && defines(&case) => {
            Err(vec![fixed_definition(&case, &refusal)])
        }
        (422, Some(live)) if is_immutable(&refusal) => {
            let paths = refusal.causes.iter().map(|cause| argument(&case, &cause.field)).collect();
            Ok(case.replaced(live, paths))
        }
        // The kind as it is now is not the kind as it will be.
        (400 | 422 | 500, _) if needs::defined_here(case.request) => {
            let kind = identity_text(case.request.identity, "kind");
            let why = format!("kind `{kind}` is changed by this plan, and refused as it is now");
            Ok(case.unverified_over(why, live))
        }
        _ => Err(invalid(&case, &refusal)),
    }
}

/// The right that whoever plans does not have, as a clause: the server said no before it looked
/// at what was asked. `User "viewer" cannot patch resource "configmaps" in API group "" in the
/// namespace "web"`; other rules answer 403 too, in other words.
fn may_not(refusal: &Refusal) -> Option<String> {
    let (head, rest) = refusal.message.split_once(" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once('"')?;
    let user = head.split("ser \"").nth(1).and_then(|rest| rest.split('"').next());
    let group = rest.split("in API group \"").nth(1).and_then(|rest| rest.split('"').next());
    let group = group.filter(|g| !g.is_empty()).map(|g| format!(" ({g})")).unwrap_or_default();
    let namespace = rest.split("in the namespace \"").nth(1);
    let place = match namespace.and_then(|rest| rest.split('"').next()) {
        Some(namespace) => format!("in namespace `{namespace}`"),
        None => "in the whole cluster".to_owned(),
    };
    Some(format!("`{}` may not {verb} {resource}{group} {place}", user.unwrap_or("?")))
}

/// Why whoever plans may not do this to an object, when that is all that stands in the way.
pub(super) fn not_permitted(refusal: &Value) -> Option<String> {
    let refusal = Refusal::read(refusal, &Value::Null);
    (refusal.code == 403).then(|| may_not(&refusal)).flatten()
}

/// Why the server would not delete an object; nothing when it is gone already.
pub(super) fn of_deletion(request: &PlanRequest<'_>, refusal: &Value) -> Option<Problem> {
    let refusal = Refusal::read(refusal, &Value::Null);
    let shown = &request.identity.shown;
    let (code, summary, help) = match refusal.code {
        404 => return None,
        409 => (codes::MOVED, "Object moved while planning", "Plan again."),
        _ => (codes::REFUSED, "The server refuses the deletion", ""),
    };
    let detail = format!("{shown} would not be deleted: {}", refusal.message);
    let problem = Problem::error(code, summary, Path::root(), detail);
    Some(if help.is_empty() { problem } else { problem.with_help(help) })
}

/// Whether the object defines a kind.
fn defines(case: &Case<'_>) -> bool {
    identity_text(case.request.identity, "kind") == "CustomResourceDefinition"
}

/// Replacing a definition deletes every object of its kind; nobody asked for that by changing
/// a field.
fn fixed_definition(case: &Case<'_>, refusal: &Refusal) -> Problem {
    let causes = refusal.causes.iter();
    let fields: Vec<&str> = causes.map(|cause| cause.field.trim_start_matches('.')).collect();
    let path = fields.first().map_or_else(Path::root, |field| argument(case, field));
    let detail = format!(
        "`{}` of {} cannot change while it exists. Creating it anew would delete every object of \
         its kind, in all namespaces.",
        fields.join("`, `"),
        case.request.identity.shown
    );
    Problem::error(codes::KEEP, "Definition cannot change in place", path, detail).with_help(
        "Take the change back. If all its objects may go, name it with `-replace=ADDRESS`, and \
         its objects too.",
    )
}

/// The conflicting fields with their managers, when every one of them was changed by hand.
fn take_back(refusal: &Refusal) -> Option<Value> {
    let by_hand = |cause: &Cause| {
        cause.reason == "FieldManagerConflict" && ownership::by_hand(manager(cause))
    };
    let all = !refusal.causes.is_empty() && refusal.causes.iter().all(by_hand);
    let taken = |cause: &Cause| {
        let pair = [("field", cause.field.as_str()), ("manager", manager(cause))];
        Value::map(pair.map(|(name, text)| (name, Value::from(text))))
    };
    all.then(|| Value::list(refusal.causes.iter().map(taken)))
}

/// The manager that a conflict names: `conflict with "kubectl-edit" using v1`.
fn manager(cause: &Cause) -> &str {
    cause.message.split('"').nth(1).unwrap_or("another manager")
}

/// The argument behind a field as the server calls it.
fn argument(case: &Case<'_>, field: &str) -> Path {
    case.names.argument(&fields::resolve(field, &case.intent))
}

/// Phrases of the server for a field that is fixed once the object exists.
const IMMUTABLE: &[&str] = &[
    "field is immutable",
    "is immutable",
    "cannot change roleRef",
    "may not be changed",
    "may not change once set",
    "updates to statefulset spec for fields other than",
    "pod updates may not change fields other than",
];

/// Whether nothing but fixed fields stands in the way. Anything else would stand in the way of
/// the new object too.
fn is_immutable(refusal: &Refusal) -> bool {
    let fixed = |cause: &Cause| IMMUTABLE.iter().any(|phrase| cause.message.contains(phrase));
    !refusal.causes.is_empty() && refusal.causes.iter().all(fixed)
}

fn conflict(of: &Case<'_>, cause: &Cause, live: &Value) -> Problem {
    let path = fields::resolve(&cause.field, live);
    let manager = manager(cause);
    let hidden = shown::masked(&shown::view(live), &of.intent);
    let text = |value: Option<&Value>| match value {
        Some(value) => format!("`{}`", brief(value)),
        None => "not set".to_owned(),
    };
    let place = fields::resolve(&cause.field, &of.intent);
    let detail = format!(
        "`{path}` of {} belongs to the field manager `{manager}` and is {}; the configuration \
         wants {}.",
        of.request.identity.shown,
        text(hidden.at(&path)),
        text(of.intent.at(&place)),
    );
    let argument = of.names.argument(&place);
    Problem::error(codes::CONFLICT, "Field of another manager", argument, detail).with_help(format!(
        "Remove the argument to leave the field to `{manager}`, or list it in `ignore_changes`, \
         or let `{manager}` give it up."
    ))
}

fn moved(case: &Case<'_>, refusal: &Refusal) -> Problem {
    let detail = format!(
        "{} was changed by someone else while the plan was made: {}",
        case.request.identity.shown, refusal.message
    );
    Problem::error(codes::MOVED, "Object moved while planning", Path::root(), detail)
        .with_help("Plan again.")
}

fn missing(case: &Case<'_>, refusal: &Refusal) -> Problem {
    let namespace = namespace_of(case.request);
    let says_namespace = refusal.message.contains(&format!("namespaces \"{namespace}\""));
    if !refusal.not_json && !namespace.is_empty() && says_namespace {
        let path = case.names.argument(&Path::of("metadata.namespace"));
        let detail = format!(
            "The namespace `{namespace}` does not exist, and this configuration does not create it."
        );
        return Problem::error(codes::NO_NAMESPACE, "Namespace does not exist", path, detail)
            .with_help(format!(
                "Declare it: resource \"namespace\" \"{}\" {{ name = \"{namespace}\" }}",
                namespace.replace('.', "_")
            ));
    }
    let identity = case.request.identity;
    let text = |name: &str| identity.args.get(name).and_then(Value::as_str).unwrap_or("");
    let detail = format!(
        "The server knows no kind `{}` in `{}`: {}",
        text("kind"),
        text("api_version"),
        if refusal.not_json { "nothing is served there." } else { &refusal.message }
    );
    let path = case.names.argument(&Path::of("kind"));
    Problem::error(codes::NO_KIND, "Kind does not exist", path, detail).with_help(
        "Check `apiVersion` and `kind`; a custom resource needs its CustomResourceDefinition in \
         the cluster or in this configuration.",
    )
}

fn forbidden(case: &Case<'_>, refusal: &Refusal) -> Problem {
    if refusal.causes.iter().any(|cause| cause.reason == "NamespaceTerminating") {
        let path = case.names.argument(&Path::of("metadata.namespace"));
        return Problem::error(
            codes::TERMINATING,
            "Namespace is being deleted",
            path,
            format!("Nothing can be created in `{}` any more.", namespace_of(case.request)),
        )
        .with_help("Plan again once it is gone.");
    }
    let detail = format!("{}: {}", case.request.identity.shown, refusal.message);
    Problem::error(codes::REFUSED, "Refused by admission", Path::root(), detail)
}

/// A webhook that the server cannot do without, and that does not answer.
fn webhook(case: &Case<'_>, refusal: &Refusal) -> Option<Problem> {
    let (_, rest) = refusal.message.split_once("failed calling webhook \"")?;
    let (name, why) = rest.split_once('"')?;
    let detail = format!(
        "{} cannot be written while the admission webhook `{name}` does not answer{why}",
        case.request.identity.shown
    );
    let problem = Problem::error(codes::REFUSED, "Webhook does not answer", Path::root(), detail);
    Some(problem.with_help(
        "Mend what serves the webhook, then try again. If it can only be mended by what it keeps \
         from being written, except that from its `namespaceSelector` first.",
    ))
}

/// One problem for each cause; without causes, one for each field that the message names.
fn invalid(case: &Case<'_>, refusal: &Refusal) -> Vec<Problem> {
    const SUMMARY: &str = "The server refuses the object";
    if let Some(problem) = webhook(case, refusal) {
        return vec![problem];
    }
    let shown = &case.request.identity.shown;
    let problem = |field: &str, why: &str| {
        let detail = match field.trim_start_matches('.') {
            "" => format!("{shown}: {why}"),
            field => format!("{shown}: `{field}`: {why}"),
        };
        Problem::error(codes::REFUSED, SUMMARY, argument(case, field), detail)
    };
    if !refusal.causes.is_empty() {
        return refusal.causes.iter().map(|c| problem(&c.field, &c.message)).collect();
    }
    let named: Vec<Problem> =
        schema_errors(&refusal.message).map(|(field, why)| problem(field, why)).collect();
    if !named.is_empty() {
        return named;
    }
    let reason = if refusal.reason.is_empty() { "" } else { &refusal.reason };
    let detail = format!("{shown}: {} {reason}: {}", refusal.code, refusal.message);
    vec![Problem::error(codes::REFUSED, SUMMARY, Path::root(), detail)]
}

/// Fields in the message of an apply that does not fit the schema, which comes without
/// causes: `failed to create typed patch object (...): .spec.foo: field not declared in schema`.
fn schema_errors(message: &str) -> impl Iterator<Item = (&str, &str)> {
    let typed = message.contains("typed patch object");
    let parts = message.split(['\n']).flat_map(|line| line.split("): "));
    parts.filter(move |_| typed).filter_map(|part| {
        let part = part.trim();
        part.starts_with('.').then(|| part.split_once(": ")).flatten()
    })
}
