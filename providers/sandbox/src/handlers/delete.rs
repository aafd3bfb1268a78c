//! Deleting one object, or many.

use std::sync::Arc;

use apimachinery::FieldError;
use serde_json::{Value, json};

use super::read::Selection;
use super::write::success;
use super::{Answer, Env, Target};
use crate::admission;
use crate::catalog::Served;
use crate::controllers;
use crate::errors::ApiError;
use crate::meta;
use crate::request::Query;
use crate::store::Txn;

/// What a deletion asks for: body and query together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    uid: Option<String>,
    version: Option<String>,
    propagation: Propagation,
    /// Seconds until the end, instead of what a pod says itself.
    grace: Option<i64>,
}

/// What becomes of the objects that the deleted one owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
}

impl DeleteOptions {
    pub(crate) fn parse(query: &Query, body: Option<&Value>) -> Answer<Self> {
        let body = body.unwrap_or(&Value::Null);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let in_query =
            |name: &str| Some(query.get(name).to_owned()).filter(|text| !text.is_empty());
        let propagation =
            text(&body["propagationPolicy"]).or_else(|| in_query("propagationPolicy"));
        let propagation = match propagation.as_deref() {
            None | Some("Background") => Propagation::Background,
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            Some(other) => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                let error = FieldError::not_supported("propagationPolicy", other, &supported);
                return Err(ApiError::bad_option("DeleteOptions", error));
            }
        };
        let grace = body["gracePeriodSeconds"].as_i64();
        let grace = match grace {
            None => query.number("gracePeriodSeconds")?.and_then(|n| i64::try_from(n).ok()),
            given => given,
        };
        let in_body = body["dryRun"].as_array().into_iter().flatten().any(|value| value == "All");
        Ok(Self {
            dry_run: in_body || query.get("dryRun") == "All",
            uid: text(&body["preconditions"]["uid"]),
            version: text(&body["preconditions"]["resourceVersion"]),
            propagation,
            grace,
        })
    }
}

impl DeleteOptions {
    /// For whoever has checked the version and then written to the object.
    pub(crate) fn without_version(self) -> Self {
        Self { version: None, ..self }
    }
}

/// Namespaces that a cluster cannot be without.
const LASTING: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// `DELETE` on an object: the answer's body.
pub(crate) fn delete(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    target: &Target,
    options: &DeleteOptions,
) -> Answer<Arc<Value>> {
    let (served, name) = (&target.served, target.name.as_str());
    let Some(object) = txn.get(&served.table, &target.namespace, name) else {
        return Err(ApiError::not_found(&served.resource, name));
    };
    check_preconditions(served, &object, options)?;
    if served.table == "namespaces" && LASTING.contains(&name) {
        let why = "this namespace may not be deleted";
        return Err(ApiError::forbidden(&served.resource, name, why));
    }
    let system = crate::validate::policy::SYSTEM.iter().any(|(class, _)| *class == name);
    if served.table == "priorityclasses.scheduling.k8s.io" && system {
        let why = "this is a system priority class and cannot be deleted";
        return Err(ApiError::forbidden(&served.resource, name, why));
    }
    Ok(match delete_one(txn, env, served, &object, options) {
        Gone::Waits(object) => object,
        Gone::Now(last) if shows_deleted(served) => last,
        Gone::Now(last) => {
            let mut details = json!({
                "name": name,
                "kind": served.resource.plural,
                "uid": last["metadata"]["uid"],
            });
            if !served.resource.group.is_empty() {
                details["group"] = Value::from(served.resource.group.as_str());
            }
            Arc::new(success(details))
        }
    })
}

/// `DELETE` on a collection: the objects that went.
pub(crate) fn delete_collection(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    target: &Target,
    query: &Query,
    options: &DeleteOptions,
) -> Answer<Vec<Arc<Value>>> {
    let selection = Selection::parse(&target.served, query)?;
    let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
    let mut gone = Vec::new();
    for object in txn.list(&target.served.table, namespace) {
        if selection.matches(&object) {
            match delete_one(txn, env, &target.served, &object, options) {
                Gone::Waits(object) | Gone::Now(object) => gone.push(object),
            }
        }
    }
    Ok(gone)
}

/// Removes an object as the cluster's own programs do.
pub(crate) fn remove(txn: &mut Txn<'_>, env: &Env<'_>, served: &Served, object: &Value) {
    if let Some(object) = txn.get(&served.table, meta::namespace(object), meta::name(object)) {
        delete_one(txn, env, served, &object, &DeleteOptions::default());
    }
}

enum Gone {
    /// It is marked, and something still keeps it.
    Waits(Arc<Value>),
    /// It is gone; this was its last state.
    Now(Arc<Value>),
}

fn delete_one(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    served: &Served,
    object: &Arc<Value>,
    options: &DeleteOptions,
) -> Gone {
    if options.propagation == Propagation::Orphan {
        controllers::garbage::orphan(txn, object);
    }
    let is_namespace = served.table == "namespaces";
    let object = &without_protection(txn, env, served, object);
    let object = &controllers::definitions::emptied(txn, env, served, object);
    let held = !meta::finalizers(object).is_empty();
    let graceful = served.table == "pods"
        && object["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    if !held && !is_namespace && !graceful {
        let last = txn.delete(&served.table, object);
        controllers::after_delete(txn, env, served, &last);
        return Gone::Now(last);
    }
    let mut marked = (**object).clone();
    if !meta::is_terminating(&marked) {
        let grace = if graceful {
            let own = || object["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
            options.grace.unwrap_or_else(own)
        } else {
            0
        };
        let at = env.now.checked_add(jiff::SignedDuration::from_secs(grace)).unwrap_or(env.now);
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        meta::set(&mut marked, "deletionTimestamp", Value::from(at));
        meta::set(&mut marked, "deletionGracePeriodSeconds", Value::from(grace));
        if let Some(generation) = marked["metadata"]["generation"].as_i64() {
            meta::set(&mut marked, "generation", Value::from(generation + 1));
        }
    }
    let before = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
    if let (true, Some(before), Some(shorter)) = (graceful, before, options.grace)
        && shorter < before
    {
        shorten(&mut marked, before, shorter);
    }
    if is_namespace {
        meta::map_at(&mut marked, "status").insert("phase".to_owned(), json!("Terminating"));
        meta::unset(&mut marked, "deletionGracePeriodSeconds");
    }
    let marked = if marked == **object { object.clone() } else { txn.put(&served.table, marked) };
    if is_namespace {
        controllers::namespaces::empty(txn, env, meta::name(object));
    } else if graceful && !held {
        // The node's agent stops the containers at once and confirms.
        let last = txn.delete(&served.table, &marked);
        controllers::after_delete(txn, env, served, &last);
    }
    Gone::Waits(marked)
}

/// Whoever deletes again may give less time, counted from the first deletion; never more.
fn shorten(marked: &mut Value, before: i64, shorter: i64) {
    let at = meta::text(marked, "deletionTimestamp").parse::<jiff::Timestamp>().ok();
    let earlier =
        at.and_then(|at| at.checked_sub(jiff::SignedDuration::from_secs(before - shorter)).ok());
    if let Some(earlier) = earlier {
        let text = earlier.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        meta::set(marked, "deletionTimestamp", Value::from(text));
    }
    meta::set(marked, "deletionGracePeriodSeconds", Value::from(shorter));
}

/// The object without the finalizer that protects it, if nothing uses it.
fn without_protection(
    txn: &Txn<'_>,
    env: &Env<'_>,
    served: &Served,
    object: &Arc<Value>,
) -> Arc<Value> {
    let finalizer = match served.table.as_str() {
        "persistentvolumeclaims" => admission::CLAIM,
        "persistentvolumes" => admission::VOLUME,
        _ => return object.clone(),
    };
    let name = meta::name(object);
    let is_used = match finalizer {
        admission::CLAIM => txn.list("pods", Some(meta::namespace(object))).iter().any(|pod| {
            let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
            volumes.into_iter().any(|volume| volume["persistentVolumeClaim"]["claimName"] == name)
        }),
        _ => txn
            .list("persistentvolumeclaims", None)
            .iter()
            .any(|claim| claim["spec"]["volumeName"] == name),
    };
    if is_used || !env.controllers {
        return object.clone();
    }
    let kept: Vec<String> =
        meta::finalizers(object).into_iter().filter(|known| known != finalizer).collect();
    let mut released = (**object).clone();
    meta::put(&mut released, "finalizers", (!kept.is_empty()).then(|| json!(kept)));
    Arc::new(released)
}

pub(crate) fn check_preconditions(
    served: &Served,
    object: &Value,
    options: &DeleteOptions,
) -> Answer<()> {
    let name = meta::name(object);
    let kept = meta::text(object, "uid");
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != kept) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({kept}). The object might have been deleted and then recreated"
        );
        return Err(ApiError::precondition(&served.resource, name, &why));
    }
    let kept = meta::text(object, "resourceVersion");
    if let Some(version) = options.version.as_deref().filter(|version| *version != kept) {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({kept}). The object might have been modified"
        );
        return Err(ApiError::precondition(&served.resource, name, &why));
    }
    Ok(())
}

/// Some kinds answer a deletion with the object that went.
fn shows_deleted(served: &Served) -> bool {
    matches!(
        served.table.as_str(),
        "pods"
            | "persistentvolumes"
            | "persistentvolumeclaims"
            | "podtemplates"
            | "resourcequotas"
            | "serviceaccounts"
            | "services"
    )
}
