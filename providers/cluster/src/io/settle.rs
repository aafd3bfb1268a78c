//! What became of an operation that was begun and not seen to end?

use super::object::{Intent, Named, flag, is_going, meta, text};
use super::perform::{self, Moved, unread};
use super::target::{config_maps, nodes};
use super::work::Work;
use access::{Cluster, Resource, Secrets, json};
use plans::{Op, Problem};
use provider::{Performed, Settled, StepError};
use serde_json::Value as Json;
use values::Value;

pub(super) async fn settle(
    cluster: &Cluster,
    secrets: &Secrets,
    op: &Op,
) -> Result<Settled, StepError> {
    let named = Named::of(&op.identity).map_err(StepError::Refused)?;
    match Work::of(op).map_err(StepError::Refused)? {
        Work::Apply => apply(cluster, secrets, op, &named).await,
        Work::Release => release(cluster, op, &named).await,
        Work::Delete => delete(cluster, op, &named).await,
        Work::SetCapacity => {
            of_others(cluster, secrets, op, &nodes(), false, perform::capacity_holds).await
        }
        Work::UnsetCapacity => {
            of_others(cluster, secrets, op, &nodes(), true, perform::capacity_holds).await
        }
        Work::SetNode => {
            let releases = flag(&op.args, "release");
            of_others(cluster, secrets, op, &nodes(), releases, perform::settings_hold).await
        }
        Work::SetText => {
            let releases = flag(&op.args, "release");
            of_others(cluster, secrets, op, &config_maps(), releases, perform::text_holds).await
        }
        Work::Several => Err(StepError::Refused(perform::only_asked(op))),
    }
}

async fn read(
    cluster: &Cluster,
    resource: &Resource,
    named: &Named,
) -> Result<Option<Json>, StepError> {
    match cluster.get(resource, named.namespace(), &named.name).await {
        Ok(live) => Ok(Some(live)),
        Err(error) if error.is_object_not_found() => Ok(None),
        Err(error) => Err(unread(&error)),
    }
}

async fn apply(
    cluster: &Cluster,
    secrets: &Secrets,
    op: &Op,
    named: &Named,
) -> Result<Settled, StepError> {
    let intent = Intent::complete(op, secrets).await.map_err(StepError::Refused)?;
    let create = flag(&op.args, "create");
    let shown = named.shown();
    let resource = named.resolve(cluster).await.map_err(StepError::Refused)?;
    let live = match &resource {
        Some(resource) => read(cluster, resource, named).await?,
        None => None,
    };
    let (Some(resource), Some(live)) = (resource, live) else {
        return Ok(if create {
            Settled::NotDone
        } else {
            Settled::Changed(format!("{shown} does not exist any more."))
        });
    };
    if text(&op.guard, "uid").is_some_and(|uid| meta(&live, "uid") != Some(uid)) {
        return Ok(Settled::Changed(format!("{shown} was deleted and created anew.")));
    }
    if is_going(&live) {
        return Ok(Settled::Changed(format!("{shown} is being deleted.")));
    }
    let done = perform::took_effect(&intent, &live)
        || applied_again_changes_nothing(cluster, op, &intent, &resource, named, &live).await;
    if done {
        let quiet = |_| {};
        let performed =
            perform::after_apply(cluster, op, &intent, &resource, named, live, &quiet).await?;
        return Ok(Settled::Done(performed));
    }
    if create {
        return Ok(Settled::Changed(format!("{shown} exists and is not as it was planned.")));
    }
    if meta(&live, "resourceVersion") == text(&op.guard, "resource_version") {
        return Ok(Settled::NotDone);
    }
    match perform::moved(cluster, op, &intent, &resource, named).await? {
        Moved::OnlyOthers { .. } => Ok(Settled::NotDone),
        Moved::Done(live) => Ok(Settled::Done(intent.performed(&live))),
        Moved::Ours(why) => Ok(Settled::Changed(why)),
    }
}

/// Where the server makes something else of the intent (defaults inside a list, a webhook),
/// only the server can say whether it has been applied: by applying it again, as a dry-run.
async fn applied_again_changes_nothing(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
    live: &Json,
) -> bool {
    let ours = crate::noop::has_apply_entry(&json::from_json(live), crate::ownership::MANAGER);
    if !ours {
        return false;
    }
    let guard = (meta(live, "uid"), meta(live, "resourceVersion"));
    let again = perform::apply_once(cluster, op, intent, resource, named, guard, true).await;
    again.is_ok_and(|again| steady(&again) == steady(live))
}

/// The object without what changes with every request, and with who owns what.
fn steady(live: &Json) -> Json {
    let mut steady = live.clone();
    if let Some(meta) = steady["metadata"].as_object_mut() {
        meta.remove("resourceVersion");
        meta.remove("generation");
        if let Some(entries) = meta.get_mut("managedFields").and_then(Json::as_array_mut) {
            for entry in entries.iter_mut().filter_map(Json::as_object_mut) {
                entry.remove("time");
            }
        }
    }
    steady
}

/// Given back, when nothing of the object is ours any more, or it is gone.
async fn release(cluster: &Cluster, op: &Op, named: &Named) -> Result<Settled, StepError> {
    let done = Settled::Done(Performed { exported: Value::Null, uid: None });
    let Some(resource) = named.resolve(cluster).await.map_err(StepError::Refused)? else {
        return Ok(done);
    };
    let Some(live) = read(cluster, &resource, named).await? else { return Ok(done) };
    let successor = text(&op.guard, "uid").is_some_and(|uid| meta(&live, "uid") != Some(uid));
    let ours = crate::noop::has_apply_entry(&json::from_json(&live), crate::ownership::MANAGER);
    Ok(if successor || !ours { done } else { Settled::NotDone })
}

async fn delete(cluster: &Cluster, op: &Op, named: &Named) -> Result<Settled, StepError> {
    let gone = Settled::Done(Performed { exported: Value::Null, uid: None });
    let Some(resource) = named.resolve(cluster).await.map_err(StepError::Refused)? else {
        return Ok(gone);
    };
    match read(cluster, &resource, named).await? {
        None => Ok(gone),
        // A successor means that ours is gone.
        Some(live) if text(&op.guard, "uid").is_some_and(|uid| meta(&live, "uid") != Some(uid)) => {
            Ok(gone)
        }
        // Also when it is on its way out: performing again waits for the end.
        Some(_) => Ok(Settled::NotDone),
    }
}

/// Something of an object that is somebody else's, a node say. What is taken off it is done when
/// the object is gone.
async fn of_others(
    cluster: &Cluster,
    secrets: &Secrets,
    op: &Op,
    resource: &Resource,
    releases: bool,
    holds: impl Fn(&Op, &Json) -> Result<bool, Problem>,
) -> Result<Settled, StepError> {
    let named = &Named::of(&op.identity).map_err(StepError::Refused)?;
    let Some(live) = read(cluster, resource, named).await? else {
        return Ok(if releases {
            Settled::Done(Performed { exported: Value::Null, uid: None })
        } else {
            Settled::Changed(format!("{} does not exist any more.", named.shown()))
        });
    };
    if text(&op.guard, "uid").is_some_and(|uid| meta(&live, "uid") != Some(uid)) {
        return Ok(Settled::Changed(format!("{} is another one.", named.shown())));
    }
    if holds(op, &live).map_err(StepError::Refused)? {
        // Performing again finds that it holds, waits for the kubelet and exports.
        return perform::perform(cluster, secrets, op, &|_| {}).await.map(Settled::Done);
    }
    Ok(Settled::NotDone)
}
