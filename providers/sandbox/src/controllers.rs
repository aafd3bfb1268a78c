//! What a cluster's controllers would do about a write, done before it is answered.
//!
//! A real cluster does these things a moment later. Here they belong to the same
//! transaction, so that a wait ends at once and a test never has to. Each controller
//! is a function of the store and is idempotent.
//!
//! **Invariant:** a controller's writes do not call controllers by themselves; what
//! depends on them is called by name, so that there is no endless loop.

pub(crate) mod definitions;
pub(crate) mod disruption;
pub(crate) mod garbage;
pub(crate) mod namespaces;
pub(crate) mod nodes;
pub(crate) mod quotas;
pub(crate) mod roles;
pub(crate) mod scheduler;
pub(crate) mod services;
pub(crate) mod signer;
pub(crate) mod workloads;

use std::sync::Arc;

use apimachinery::types;
use serde_json::Value;

use crate::catalog::{self, Served};
use crate::codec;
use crate::errors::ApiError;
use crate::fields::FieldRequest;
use crate::handlers::Env;
use crate::meta;
use crate::store::Txn;

/// Gives an object what only the cluster can give: addresses of services.
pub(crate) fn allocate(txn: &Txn<'_>, served: &Served, object: &mut Value) -> Result<(), ApiError> {
    if served.table == "services" {
        services::allocate(txn, object)?;
    }
    Ok(())
}

/// After an object was created or changed.
pub(crate) fn after_write(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Arc<Value>) {
    if !env.controllers {
        return;
    }
    match served.table.as_str() {
        "namespaces" => namespaces::after_write(txn, env, object),
        "resourcequotas" => quotas::recount(txn, env, meta::namespace(object)),
        "nodes" => {
            nodes::after_write(txn, env, object);
            scheduler::schedule_pending(txn, env);
            workloads::reconcile_daemon_sets(txn, env);
        }
        "pods" => after_pod(txn, env, object),
        "poddisruptionbudgets.policy" => disruption::recount(txn, env, meta::namespace(object)),
        catalog::DEFINITIONS => definitions::establish(txn, env, object),
        roles::TABLE => roles::aggregate(txn, env),
        signer::REQUESTS => signer::after_write(txn, env, object),
        table if workloads::is_workload(table) => {
            workloads::reconcile(txn, env, served, object);
            quotas::recount(txn, env, meta::namespace(object));
            disruption::recount(txn, env, meta::namespace(object));
        }
        _ => {}
    }
}

/// After an object is gone.
pub(crate) fn after_delete(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, last: &Arc<Value>) {
    if !env.controllers {
        return;
    }
    garbage::collect(txn, env, last);
    match served.table.as_str() {
        catalog::DEFINITIONS => definitions::drop_objects(txn, env, last),
        "pods" => after_pod(txn, env, last),
        "nodes" => workloads::reconcile_daemon_sets(txn, env),
        "replicasets.apps" => workloads::reconcile_owners(txn, env, last),
        roles::TABLE => roles::aggregate(txn, env),
        _ => {}
    }
    if served.custom {
        definitions::finish_if_empty(txn, env, served);
    }
    if served.resource.namespaced {
        quotas::recount(txn, env, meta::namespace(last));
        namespaces::finish_if_empty(txn, env, meta::namespace(last));
    }
}

/// After a pod came, changed or went: room for others, owners, budgets, quotas.
fn after_pod(txn: &mut Txn<'_>, env: &Env<'_>, pod: &Arc<Value>) {
    scheduler::schedule_pending(txn, env);
    workloads::reconcile_owners(txn, env, pod);
    for claim in txn.list("persistentvolumeclaims", Some(meta::namespace(pod))) {
        if let (true, Some(served)) =
            (meta::is_terminating(&claim), catalog::built_in_table("persistentvolumeclaims"))
        {
            crate::handlers::delete::remove(txn, env, served, &claim);
        }
    }
    disruption::recount(txn, env, meta::namespace(pod));
    quotas::recount(txn, env, meta::namespace(pod));
}

/// Writes an object as one of the cluster's own programs does; nothing if nothing changed.
fn write(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    served: &Served,
    live: Option<&Value>,
    object: Value,
    author: Author,
) -> Arc<Value> {
    let mut object = decode(served, &object);
    let fields = FieldRequest {
        served,
        subresource: author.subresource,
        manager: author.name,
        now: &env.now_text,
    };
    let before = live.map(|live| decode(served, live));
    if before.as_ref().is_some_and(|before| crate::kinds::same(before, &object)) {
        return Arc::new(live.cloned().unwrap_or_default());
    }
    fields.update(live, &mut object);
    txn.put(&served.table, codec::encode_stored(types::builtin(), served.type_id, &object))
}

fn decode(served: &Served, object: &Value) -> Value {
    // What is stored was decoded before; it cannot be refused now.
    codec::decode(types::builtin(), served.type_id, &served.resource.kind, object)
        .map_or_else(|_| object.clone(), |decoded| decoded.object)
}

/// Which of the cluster's programs writes, and where.
#[derive(Debug, Clone, Copy)]
struct Author {
    name: &'static str,
    subresource: &'static str,
}

/// The controllers, when they write a status.
const CONTROLLER_STATUS: Author = Author { name: "kube-controller-manager", subresource: "status" };
/// The controllers, when they write an object.
const CONTROLLER: Author = Author { name: "kube-controller-manager", subresource: "" };
/// The nodes' agent, when it reports.
const KUBELET_STATUS: Author = Author { name: "kubelet", subresource: "status" };
/// The scheduler, when it says why a pod waits.
const SCHEDULER_STATUS: Author = Author { name: "kube-scheduler", subresource: "status" };
/// The server itself.
const SERVER_STATUS: Author = Author { name: "kube-apiserver", subresource: "status" };

/// Creates an object as a controller does; keeps one that is there.
fn create_if_missing(txn: &mut Txn<'_>, env: &Env<'_>, table: &str, object: Value) {
    let Some(served) = catalog::built_in_table(table) else { return };
    if txn.get(table, meta::namespace(&object), meta::name(&object)).is_some() {
        return;
    }
    let mut object = object;
    meta::set(&mut object, "uid", Value::from(env.identities.next_uid()));
    meta::set(&mut object, "creationTimestamp", Value::from(env.now_text.as_str()));
    write(txn, env, served, None, object, CONTROLLER);
}

/// Sets the status of an object as one of the cluster's programs does.
fn set_status(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    served: &Served,
    live: &Value,
    status: Value,
    author: Author,
) -> Arc<Value> {
    let mut object = live.clone();
    meta::as_map(&mut object).insert("status".to_owned(), status);
    write(txn, env, served, Some(live), object, author)
}
