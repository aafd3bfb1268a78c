//! Deleting an object, and waiting until it is gone.

use crate::io::along;
use crate::io::object::{Named, meta, text};
use crate::io::perform::{sentence, unread};
use crate::io::wait::{self, Verdict, Waited};
use access::{Cluster, Delete, Propagation, Resource};
use plans::Op;
use provider::{Performed, Progress, StepError};
use serde_json::Value as Json;
use std::fmt::Write as _;
use values::Value;

/// How many objects that keep a definition are listed.
const MOST: usize = 5;

pub(super) async fn delete(
    cluster: &Cluster,
    op: &Op,
    named: &Named,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    let gone = Performed { exported: Value::Null, uid: None };
    // Without its kind there is no object.
    let Some(resource) = named.resolve(cluster).await.map_err(StepError::Refused)? else {
        return Ok(gone);
    };
    let live = match cluster.get(&resource, named.namespace(), &named.name).await {
        Ok(live) => live,
        Err(error) if error.is_object_not_found() => return Ok(gone),
        Err(error) => return Err(unread(&error)),
    };
    let Some(uid) = meta(&live, "uid") else {
        return Err(StepError::Stale(format!("{} has no uid.", named.shown())));
    };
    if text(&op.guard, "uid").is_some_and(|planned| planned != uid) {
        return Err(StepError::Stale(successor(named)));
    }
    let propagation = text(&op.args, "propagation").and_then(Propagation::parse);
    let request = Delete {
        uid: Some(uid),
        resource_version: None,
        propagation: propagation.unwrap_or(Propagation::Background),
        dry_run: false,
    };
    match cluster.delete(&resource, named.namespace(), &named.name, request).await {
        Ok(_) => {}
        Err(error) if error.is_object_not_found() => {}
        Err(error) if error.refusal().is_some_and(access::Refusal::is_other_uid) => {
            return Err(StepError::Stale(successor(named)));
        }
        Err(error) if error.may_have_taken_effect() => {
            doubted(cluster, &resource, named, uid, &sentence(&error.to_problem())).await?;
        }
        Err(error) => return Err(StepError::Refused(error.to_problem())),
    }
    until_gone(cluster, op, &resource, named, uid, progress).await?;
    if *named.kind == *"CustomResourceDefinition" {
        cluster.forget_discovery().await;
    }
    Ok(gone)
}

fn successor(named: &Named) -> String {
    format!(
        "{} was deleted and created anew by someone else since the plan was made; the new one \
         was not touched.",
        named.shown()
    )
}

/// There was no clear answer: waits only when the object is on its way out.
async fn doubted(
    cluster: &Cluster,
    resource: &Resource,
    named: &Named,
    uid: &str,
    why: &str,
) -> Result<(), StepError> {
    match cluster.get(resource, named.namespace(), &named.name).await {
        Ok(live) if meta(&live, "uid") == Some(uid) && !crate::io::object::is_going(&live) => {
            Err(StepError::InDoubt(why.to_owned()))
        }
        Ok(_) => Ok(()),
        Err(error) if error.is_object_not_found() => Ok(()),
        Err(_) => Err(StepError::InDoubt(why.to_owned())),
    }
}

async fn until_gone(
    cluster: &Cluster,
    op: &Op,
    resource: &Resource,
    named: &Named,
    uid: &str,
    progress: Progress<'_>,
) -> Result<(), StepError> {
    let judge = |live: Option<&Json>| match live {
        None => Verdict::Holds,
        // A successor means that ours is gone.
        Some(live) if meta(live, "uid") != Some(uid) => Verdict::Holds,
        Some(live) => Verdict::Waits(format!("{} to be gone{}", named.shown(), hindrance(live))),
    };
    let target = wait::Target { cluster, resource, named };
    match wait::until(target, None, wait::deadline(op), progress, judge).await {
        Waited::Held(_) => Ok(()),
        Waited::Failed(why) | Waited::TooLong(why) => {
            let mut detail = format!("{} is being deleted, but {why}.", named.shown());
            detail.push_str(&kept_by(cluster, resource, named).await);
            let problem = wait::problem("The object does not go", detail);
            Err(StepError::Refused(problem.with_help(
                "A finalizer is removed by the program that set it once its work is done: see \
                 whether that program runs. Nothing was removed by force.",
            )))
        }
    }
}

/// What keeps a definition: objects of its kind that do not go, as a sentence.
async fn kept_by(cluster: &Cluster, definitions: &Resource, named: &Named) -> String {
    if *named.kind != *"CustomResourceDefinition" {
        return String::new();
    }
    let keep = |live: Json| {
        let finalizers = hindrance(&live);
        let name = meta(&live, "name").map(access::text::clean).unwrap_or_default();
        let inside = meta(&live, "namespace").map(|ns| format!("{}/", access::text::clean(ns)));
        Some(format!("{}{name}{finalizers}", inside.unwrap_or_default()))
    };
    // Only help for a message: what cannot be read is left out of it.
    let Ok(Some((_, found))) = along::of_definition(cluster, definitions, named, keep).await else {
        return String::new();
    };
    let more = found.len().saturating_sub(MOST);
    let mut listed = found.into_iter().take(MOST).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(listed, " and {more} more");
    }
    if listed.is_empty() {
        String::new()
    } else {
        format!(" Objects of its kind that remain: {listed}.")
    }
}

/// What keeps an object that is being deleted.
fn hindrance(live: &Json) -> String {
    let list = |of: &Json| -> Vec<String> {
        let items = of.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(|f| f.as_str().map(access::text::clean)).collect()
    };
    let mut finalizers = list(&live["metadata"]["finalizers"]);
    // A namespace is kept by what is in it; its conditions say what that is.
    let conditions = live["status"]["conditions"].as_array().map(Vec::as_slice);
    let remaining = conditions.unwrap_or_default().iter().filter(|c| {
        let ty = c["type"].as_str().unwrap_or_default();
        c["status"] == "True" && (ty.ends_with("Remaining") || ty.ends_with("Failure"))
    });
    let remaining: Vec<String> =
        remaining.filter_map(|c| c["message"].as_str().map(access::text::clean)).collect();
    if live["kind"] == "Namespace" && !remaining.is_empty() {
        return format!(" ({})", remaining.join(" "));
    }
    finalizers.extend(list(&live["spec"]["finalizers"]).into_iter().filter(|f| f != "kubernetes"));
    match finalizers.as_slice() {
        [] => String::new(),
        [one] => format!(" (finalizer `{one}`)"),
        several => format!(" (finalizers `{}`)", several.join("`, `")),
    }
}
