//! What is in use is not deleted: claims and volumes hold on by a finalizer, and new
//! nodes take no pods until they are ready.

use serde_json::{Value, json};

use crate::catalog::Served;
use crate::meta;

/// Taken from a claim when no pod uses it.
pub(crate) const CLAIM: &str = "kubernetes.io/pvc-protection";
/// Taken from a volume when no claim uses it.
pub(crate) const VOLUME: &str = "kubernetes.io/pv-protection";
/// The taint of a node that is not ready.
pub(crate) const NOT_READY: &str = "node.kubernetes.io/not-ready";

pub(super) fn admit(served: &Served, object: &mut Value) {
    match served.table.as_str() {
        "persistentvolumeclaims" => hold(object, CLAIM),
        "persistentvolumes" => hold(object, VOLUME),
        "nodes" => {
            let taints = meta::map_at(object, "spec").entry("taints").or_insert_with(|| json!([]));
            if let Some(list) = taints.as_array_mut()
                && !list.iter().any(|taint| taint["key"] == NOT_READY)
            {
                list.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
            }
        }
        _ => {}
    }
}

fn hold(object: &mut Value, finalizer: &str) {
    let finalizers =
        meta::map_at(object, "metadata").entry("finalizers").or_insert_with(|| json!([]));
    if let Some(list) = finalizers.as_array_mut()
        && !list.contains(&Value::from(finalizer))
    {
        list.push(Value::from(finalizer));
    }
}
