//! The life of namespaces: what is born with them, and how they end.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{CONTROLLER, CONTROLLER_STATUS, create_if_missing, set_status, write};
use crate::catalog;
use crate::handlers::Env;
use crate::handlers::delete;
use crate::meta;
use crate::store::Txn;

/// Every namespace gets its default account and the certificate of the cluster's authority.
pub(super) fn after_write(txn: &mut Txn<'_>, env: &Env<'_>, namespace: &Arc<Value>) {
    let name = meta::name(namespace);
    if meta::is_terminating(namespace) {
        finish_if_empty(txn, env, name);
        return;
    }
    create_if_missing(
        txn,
        env,
        "serviceaccounts",
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": name},
        }),
    );
    create_if_missing(
        txn,
        env,
        "configmaps",
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "kube-root-ca.crt",
                "namespace": name,
                "annotations": {
                    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
                },
            },
            "data": {"ca.crt": ""},
        }),
    );
}

/// Deletes what is in a namespace that is going away.
pub(crate) fn empty(txn: &mut Txn<'_>, env: &Env<'_>, name: &str) {
    txn.emptying.insert(name.to_owned());
    for served in catalog::all(txn) {
        if !served.resource.namespaced {
            continue;
        }
        for object in txn.list(&served.table, Some(name)) {
            delete::remove(txn, env, &served, &object);
        }
    }
    txn.emptying.remove(name);
    finish_if_empty(txn, env, name);
}

/// Ends a terminating namespace in which nothing is left.
pub(super) fn finish_if_empty(txn: &mut Txn<'_>, env: &Env<'_>, name: &str) {
    let Some(namespace) = txn.get("namespaces", "", name) else { return };
    let Some(served) = catalog::built_in_table("namespaces") else { return };
    if !meta::is_terminating(&namespace) || txn.emptying.contains(name) {
        return;
    }
    let left = left_over(txn, name);
    if !left.is_empty() {
        let status = terminating_status(env, &left);
        set_status(txn, env, served, &namespace, status, CONTROLLER_STATUS);
        return;
    }
    let mut last = (*namespace).clone();
    let finalizers = last["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
    let kept: Vec<Value> = finalizers.into_iter().filter(|name| name != "kubernetes").collect();
    let held = !kept.is_empty() || !meta::finalizers(&last).is_empty();
    meta::map_at(&mut last, "spec").insert("finalizers".to_owned(), Value::Array(kept));
    if held {
        write(txn, env, served, Some(&namespace), last, CONTROLLER);
    } else {
        txn.delete("namespaces", &last);
    }
}

/// What keeps a namespace: resources by their number of objects.
fn left_over(txn: &Txn<'_>, name: &str) -> Vec<(String, usize)> {
    let namespaced = catalog::all(txn).into_iter().filter(|served| served.resource.namespaced);
    let counted = namespaced.map(|served| {
        let objects = txn.list(&served.table, Some(name)).len();
        (served.table, objects)
    });
    counted.filter(|(_, objects)| *objects > 0).collect()
}

fn terminating_status(env: &Env<'_>, left: &[(String, usize)]) -> Value {
    let remaining: Vec<String> = left
        .iter()
        .map(|(table, objects)| format!("{table} has {objects} resource instances"))
        .collect();
    let message = format!("Some resources are remaining: {}", remaining.join(", "));
    json!({
        "phase": "Terminating",
        "conditions": [{
            "type": "NamespaceContentRemaining",
            "status": "True",
            "reason": "SomeResourcesRemain",
            "message": message,
            "lastTransitionTime": env.now_text,
        }],
    })
}
