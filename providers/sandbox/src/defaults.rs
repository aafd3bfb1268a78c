//! What a server fills in where an object says nothing.
//!
//! [`apply`] works on the normal form (see `codec`), for the kinds listed there; other
//! kinds get no defaults. A default is only ever added, never changed, so that applying
//! them twice is applying them once.

mod core;
mod network;
mod pod;
mod rest;
mod workloads;

use apimachinery::Quantity;
use serde_json::{Map, Value};

use crate::catalog::Served;
use crate::meta;

/// Fills in the defaults of this kind.
pub(crate) fn apply(served: &Served, object: &mut Value) {
    if let Some(definition) = &served.definition {
        definition.fill_in(object);
    }
    match served.table.as_str() {
        "limitranges" => core::limit_range(object),
        "resourcequotas" => core::resource_quota(object),
        "namespaces" => core::namespace(object),
        "secrets" => core::secret(object),
        "nodes" => core::node(object),
        "persistentvolumeclaims" => core::claim(object),
        "persistentvolumes" => core::volume(object),
        "pods" => pod::pod(object),
        "podtemplates" => pod::template(meta::map_at(object, "template")),
        "services" => network::service(object),
        "endpoints" => network::endpoints(object),
        "endpointslices.discovery.k8s.io" => network::endpoint_slice(object),
        "networkpolicies.networking.k8s.io" => network::network_policy(object),
        "deployments.apps" => workloads::deployment(object),
        "daemonsets.apps" => workloads::daemon_set(object),
        "statefulsets.apps" => workloads::stateful_set(object),
        "replicasets.apps" | "replicationcontrollers" => workloads::replica_set(object),
        "jobs.batch" => workloads::job(meta::map_at(object, "spec")),
        "cronjobs.batch" => workloads::cron_job(object),
        "rolebindings.rbac.authorization.k8s.io"
        | "clusterrolebindings.rbac.authorization.k8s.io" => {
            rest::binding(object);
        }
        "priorityclasses.scheduling.k8s.io" => rest::priority_class(object),
        "storageclasses.storage.k8s.io" => rest::storage_class(object),
        "validatingwebhookconfigurations.admissionregistration.k8s.io"
        | "mutatingwebhookconfigurations.admissionregistration.k8s.io" => rest::webhooks(object),
        "customresourcedefinitions.apiextensions.k8s.io" => rest::definition(object),
        _ => {}
    }
}

/// Sets a field that is not there.
fn default(map: &mut Map<String, Value>, field: &str, value: impl Into<Value>) {
    map.entry(field).or_insert_with(|| value.into());
}

/// The maps in a list under this field.
fn items<'a>(
    map: &'a mut Map<String, Value>,
    field: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    map.get_mut(field)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// The map under this field, if there is one.
fn inside<'a>(map: &'a mut Map<String, Value>, field: &str) -> Option<&'a mut Map<String, Value>> {
    map.get_mut(field).and_then(Value::as_object_mut)
}

/// Amounts of resources are kept to the thousandth, rounded up.
fn round_amounts(list: Option<&mut Map<String, Value>>) {
    for amount in list.into_iter().flat_map(Map::values_mut) {
        if let Some(quantity) = amount.as_str().and_then(|text| Quantity::parse(text).ok()) {
            *amount = Value::from(quantity.rounded_up_to_milli().to_string());
        }
    }
}

/// Requests and limits of a container or claim.
fn round_resources(map: &mut Map<String, Value>) {
    if let Some(resources) = inside(map, "resources") {
        round_amounts(inside(resources, "requests"));
        round_amounts(inside(resources, "limits"));
    }
}
