//! Asking the server what an operation would do.

use super::along;
use super::nodelocal_dns;
use super::object::{Intent, Named, broken, text};
use super::perform::{self, Moved};
use super::work::Work;
use access::{Apply, Cluster, ClusterError, Delete, Failure, Propagation, Resource, json};
use futures::future::join_all;
use plans::{Op, Problem};
use provider::Preview;
use serde_json::Value as Json;
use values::Value;

use crate::api::several;
use crate::ownership::MANAGER;
use crate::shown;

pub(super) async fn preview(cluster: &Cluster, ops: Vec<Op>) -> Vec<Preview> {
    join_all(ops.iter().map(|op| whole(cluster, op))).await
}

/// One operation, or a question about several.
async fn whole(cluster: &Cluster, op: &Op) -> Preview {
    match Work::of(op) {
        Ok(Work::Several) => several_at_once(cluster, op).await,
        Ok(_) | Err(_) => one(cluster, op).await,
    }
}

async fn several_at_once(cluster: &Cluster, op: &Op) -> Preview {
    let Some(ops) = several::asked(op) else {
        return Preview::Unknown(broken(format!("`{}` asks nothing.", op.text)));
    };
    let kubelets = async {
        match op.args.get("kubelets").and_then(Value::as_map) {
            Some(labels) => nodelocal_dns::kubelets(cluster, labels).await,
            None => Value::Null,
        }
    };
    let answers = join_all(ops.iter().map(|op| one(cluster, op)));
    let (answers, kubelets) = tokio::join!(answers, kubelets);
    several::answered(answers, kubelets)
}

async fn one(cluster: &Cluster, op: &Op) -> Preview {
    match asked(cluster, op).await {
        Ok(preview) => preview,
        Err(problem) => Preview::Unknown(problem),
    }
}

async fn asked(cluster: &Cluster, op: &Op) -> Result<Preview, Problem> {
    let named = Named::of(&op.identity)?;
    let Some(resource) = named.resolve(cluster).await? else { return Ok(not_served(&named)) };
    let namespace = named.namespace();
    match Work::of(op)? {
        Work::Apply | Work::Release => {
            let intent = Intent::of(op)?;
            let asked = apply(cluster, op, &intent, &resource, &named).await;
            Ok(answer(asked, &intent.value))
        }
        Work::Delete => {
            let delete = Delete {
                uid: text(&op.guard, "uid"),
                resource_version: None,
                propagation: Propagation::Background,
                dry_run: true,
            };
            let asked = cluster.delete(&resource, namespace, &named.name, delete).await;
            let would = answer(asked, &Value::Null);
            // What goes along matters too where only somebody else may delete it.
            let refused = matches!(&would, Preview::Refused(refusal) if code_of(refusal) != 403);
            if refused || matches!(would, Preview::Unknown(_)) {
                return Ok(would);
            }
            let along = match &*named.kind {
                "CustomResourceDefinition" => along::of_kind(cluster, &resource, &named).await,
                "Namespace" => along::in_namespace(cluster, &named.name).await,
                _ => return Ok(would),
            };
            let along = along.map_err(|error| error.to_problem())?;
            Ok(match would {
                Preview::Refused(refusal) => Preview::Refused(along.beside(&refusal)),
                Preview::Would(_) | Preview::Unknown(_) => {
                    Preview::Would(along.beside(&Value::Null))
                }
            })
        }
        Work::SetCapacity | Work::UnsetCapacity => {
            Ok(answer(perform::capacity_preview(cluster, op, &named).await?, &Value::Null))
        }
        // The whole of it is decided from what was read.
        Work::SetNode | Work::SetText | Work::Several => {
            Err(broken(format!("`{}` cannot be previewed.", op.text)))
        }
    }
}

fn code_of(refusal: &Value) -> i64 {
    refusal.get("code").and_then(Value::as_number).and_then(values::Number::as_i64).unwrap_or(0)
}

/// A dry-run of an apply, at the version that the plan saw. When only others have moved the
/// object since, it is asked at the version that it is at now.
async fn apply(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
) -> Result<Json, ClusterError> {
    let uid = text(&op.guard, "uid");
    let version = text(&op.guard, "resource_version");
    let asked = perform::apply_once(cluster, op, intent, resource, named, (uid, version), true);
    let error = match asked.await {
        Err(error) if error.refusal().is_some_and(access::Refusal::is_stale_version) => error,
        answered => return answered,
    };
    match perform::moved(cluster, op, intent, resource, named).await {
        Ok(Moved::OnlyOthers { version }) => {
            let guard = (uid, Some(version.as_str()));
            perform::apply_once(cluster, op, intent, resource, named, guard, true).await
        }
        // What we own has moved, or it cannot be seen: the refusal is what there is to say.
        Ok(Moved::Done(_) | Moved::Ours(_)) | Err(_) => Err(error),
    }
}

/// A refusal goes to the pure half as data; what could not be asked is a problem.
fn answer(asked: Result<Json, ClusterError>, intent: &Value) -> Preview {
    let error = match asked {
        Ok(live) => return Preview::Would(json::from_json(&live)),
        Err(error) => error,
    };
    match &error.failure {
        Failure::Refused(r) if !matches!(r.code, 401 | 429 | 502..=504) => {
            let redacted = |text: &str| Value::from(shown::redacted(text, intent));
            Preview::Refused(Value::map([
                ("code", i64::from(r.code).into()),
                ("reason", redacted(&r.reason)),
                ("message", redacted(&r.message)),
                (
                    "causes",
                    Value::list(r.causes.iter().map(|cause| {
                        Value::map([
                            ("reason", redacted(&cause.reason)),
                            ("message", redacted(&cause.message)),
                            ("field", redacted(&cause.field)),
                        ])
                    })),
                ),
                ("non_json", r.non_json.into()),
            ]))
        }
        Failure::Refused(_) | Failure::Unreachable(_) | Failure::Malformed(_) => {
            let problem = error.to_problem();
            let detail = shown::redacted(&problem.detail, intent);
            Preview::Unknown(Problem { detail, ..problem })
        }
    }
}

/// In the form of the answer that a server without this kind gives.
fn not_served(named: &Named) -> Preview {
    let message = format!("the server has no kind {} in {}", named.kind, named.api_version);
    Preview::Refused(Value::map([
        ("code", 404.into()),
        ("reason", "NotFound".into()),
        ("message", message.into()),
        ("causes", Value::list([])),
        ("non_json", true.into()),
    ]))
}

/// An apply with the manager that all applies have.
pub(super) fn as_manager(object: &Json, force: bool, dry_run: bool) -> Apply<'_> {
    Apply { object, manager: MANAGER, force, dry_run }
}
