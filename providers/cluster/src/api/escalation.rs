//! Refusals of RBAC: whoever gives rights away must have them.
//!
//! The server names every right that lacks, a line each; there can be hundreds. Source:
//! [Privilege escalation prevention and bootstrapping](https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).

use super::decide::Case;
use super::ops::identity_text;
use crate::api::ObjectRef;
use crate::codes;
use plans::Problem;
use values::{Path, Value};

/// How many rights are listed.
const MOST: usize = 5;
const GROUP: &str = "rbac.authorization.k8s.io/v1";

/// The role that a binding names, with its kind.
fn role<'a>(case: &'a Case<'_>) -> Option<(&'a str, &'a str)> {
    let role = case.intent.get("roleRef")?;
    Some((role.get("kind")?.as_str()?, role.get("name")?.as_str()?))
}

/// Why a binding cannot be judged yet: its role is created by this plan, and only who may bind
/// any role may bind one that is not there.
pub(super) fn role_comes(case: &Case<'_>) -> Option<String> {
    let (kind, name) = role(case)?;
    let key = match kind {
        "Role" => {
            let namespace = identity_text(case.request.identity, "namespace");
            ObjectRef::namespaced(GROUP, kind, namespace, name).key()
        }
        _ => ObjectRef::cluster_wide(GROUP, kind, name).key(),
    };
    case.request.created.contains(&key).then(|| format!("{kind} `{name}` is created by this plan"))
}

/// The role of a binding is not there, and the user may not bind what is not there.
pub(super) fn no_role(case: &Case<'_>, message: &str) -> Option<Problem> {
    let (kind, name) = role(case)?;
    if !message.contains(&format!("\"{name}\" not found")) {
        return None;
    }
    let path = case.names.argument(&Path::of("roleRef").attr("name"));
    let detail = format!(
        "There is no {kind} `{name}`, and a role that does not exist can only be bound by \
         someone who has the verb `bind` on it."
    );
    let problem = Problem::error(codes::FORBIDDEN, "Role does not exist", path, detail);
    Some(problem.with_help("Check `role_ref`, or declare the role in this configuration."))
}

/// The user would give away more than they have.
pub(super) fn escalation(case: &Case<'_>, message: &str) -> Option<Problem> {
    let (head, rights) = message.split_once("is attempting to grant RBAC permissions not")?;
    let user = head.split("user \"").nth(1).and_then(|rest| rest.split('"').next());
    // Each right stands in braces; whether lines break between them is not to be relied on.
    let lacking: Vec<String> = rights.split('{').skip(1).map(right).collect();
    let more = lacking.len().saturating_sub(MOST);
    let mut listed = lacking.into_iter().take(MOST).collect::<Vec<_>>().join("; ");
    if more > 0 {
        listed = format!("{listed}; and {more} more");
    }
    let (binds, field) = match case.intent.get("roleRef") {
        Some(_) => (true, "roleRef"),
        None => (false, "rules"),
    };
    let detail = format!(
        "{} would give rights that user `{}` does not have, and the server lets nobody give away \
         more than they have. Lacking: {listed}.",
        case.request.identity.shown,
        user.unwrap_or("?"),
    );
    let path = case.names.argument(&Path::of(field));
    let verb = if binds { "bind" } else { "escalate" };
    let problem =
        Problem::error(codes::FORBIDDEN, "Rights that you do not have yourself", path, detail);
    Some(problem.with_help(format!(
        "Plan as somebody who has these rights, or let an administrator give you the verb \
         `{verb}` on this role."
    )))
}

/// `APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]` in words.
fn right(line: &str) -> String {
    let list = |name: &str| -> Vec<&str> {
        let inside =
            line.split_once(&format!("{name}:[")).and_then(|(_, rest)| rest.split_once(']'));
        let texts = inside.map(|(inside, _)| inside.split('"').skip(1).step_by(2));
        texts.into_iter().flatten().collect()
    };
    let (verbs, groups) = (list("Verbs").join(", "), list("APIGroups"));
    let mut things = [list("Resources"), list("NonResourceURLs")].concat().join(", ");
    if let Some(group) = groups.iter().find(|group| !group.is_empty()) {
        things = format!("{things} ({group})");
    }
    let only = match list("ResourceNames") {
        names if names.is_empty() => String::new(),
        names => format!(" named {}", names.join(", ")),
    };
    format!("{verbs} of {things}{only}")
}

/// What the server says about a role or a binding, if it is about rights.
pub(super) fn explained(case: &Case<'_>, code: i64, message: &str) -> Option<Problem> {
    let text = |name: &str| case.request.identity.args.get(name).and_then(Value::as_str);
    if text("api_version") != Some(GROUP) {
        return None;
    }
    match code {
        403 => escalation(case, message),
        404 => no_role(case, message),
        _ => None,
    }
}
