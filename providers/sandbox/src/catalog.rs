//! Which resources are served: the built-in ones that the sandbox knows, and those
//! that `CustomResourceDefinition` objects define.
//!
//! **Not served**, and so answered like any unknown path: kinds whose types are not in
//! the table, and second versions of one resource (`autoscaling/v1`,
//! `events.k8s.io/v1`), because nothing here converts between versions.

use std::sync::{Arc, LazyLock};

use apimachinery::discovery::{self, Resource, Subresource};
use apimachinery::types::{self, TypeId};
use serde_json::Value;

use crate::custom::Definition;
use crate::handlers::reviews;
use crate::store::Txn;

/// The table in which definitions of custom resources are kept.
pub(crate) const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// A served resource with what is needed to read its objects.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) resource: Resource,
    pub(crate) type_id: TypeId,
    /// Defined by an object, not built in.
    pub(crate) custom: bool,
    /// Where it is defined, if it is not built in.
    pub(crate) definition: Option<Definition>,
    /// The key of its objects in the store.
    pub(crate) table: String,
}

/// The subresources that the sandbox plays.
const SUBRESOURCES: [&str; 7] =
    ["status", "scale", "eviction", "finalize", "binding", "token", "approval"];

static BUILT_IN: LazyLock<Vec<Served>> = LazyLock::new(|| {
    let known = discovery::all().iter().filter(|resource| {
        let second = matches!(
            (resource.group.as_str(), resource.version.as_str()),
            ("autoscaling", "v1") | ("events.k8s.io", _)
        );
        let kept = resource.verbs.iter().any(|verb| verb == "list");
        !second
            && resource.plural != "componentstatuses"
            && (kept || reviews::is_review(&resource.plural))
    });
    known
        .filter_map(|resource| {
            let type_id = types::builtin().kind(&resource.api_version(), &resource.kind)?;
            let mut resource = resource.clone();
            resource.subresources.retain(|sub| SUBRESOURCES.contains(&sub.name.as_str()));
            let table = resource.qualified();
            Some(Served { resource, type_id, custom: false, definition: None, table })
        })
        .collect()
});

/// The built-in resources.
pub(crate) fn built_in() -> &'static [Served] {
    &BUILT_IN
}

/// The built-in resource of this name, such as `pods` or `deployments.apps`.
pub(crate) fn built_in_table(table: &str) -> Option<&'static Served> {
    built_in().iter().find(|served| served.table == table)
}

/// The resource under this path, built in or custom.
pub(crate) fn find(txn: &Txn<'_>, group: &str, version: &str, plural: &str) -> Option<Served> {
    let matches = |served: &Served| {
        let known = &served.resource;
        known.group == group && known.version == version && known.plural == plural
    };
    built_in()
        .iter()
        .find(|served| matches(served))
        .cloned()
        .or_else(|| custom(txn).into_iter().find(matches))
}

/// The resource whose objects this table holds.
pub(crate) fn find_table(txn: &Txn<'_>, table: &str) -> Option<Served> {
    let built_in = built_in_table(table).cloned();
    built_in.or_else(|| custom(txn).into_iter().find(|served| served.table == table))
}

/// Everything served, built-in resources first.
pub(crate) fn all(txn: &Txn<'_>) -> Vec<Served> {
    built_in().iter().cloned().chain(custom(txn)).collect()
}

/// The resources that definitions serve: the storage version of each.
fn custom(txn: &Txn<'_>) -> Vec<Served> {
    txn.list(DEFINITIONS, None).iter().filter_map(from_definition).collect()
}

fn from_definition(definition: &Arc<Value>) -> Option<Served> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(text).collect()
    };
    let versions = spec["versions"].as_array()?;
    let is_served = |version: &Value| version["storage"] == true && version["served"] == true;
    let index = versions.iter().position(is_served)?;
    let version = &versions[index];
    let plural = text(&names["plural"]);
    let group = text(&spec["group"]);
    let kind = text(&names["kind"]);
    let singular = match text(&names["singular"]) {
        empty if empty.is_empty() => kind.to_lowercase(),
        singular => singular,
    };
    let mut subresources = Vec::new();
    if !version["subresources"]["status"].is_null() {
        subresources.push(Subresource {
            name: "status".to_owned(),
            kind: kind.clone(),
            group: String::new(),
            version: String::new(),
            verbs: ["get", "patch", "update"].map(str::to_owned).to_vec(),
        });
    }
    if !version["subresources"]["scale"].is_null() {
        subresources.push(Subresource {
            name: "scale".to_owned(),
            kind: "Scale".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v1".to_owned(),
            verbs: ["get", "patch", "update"].map(str::to_owned).to_vec(),
        });
    }
    let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
    let resource = Resource {
        group,
        version: text(&version["name"]),
        kind,
        plural,
        singular,
        namespaced: spec["scope"] == "Namespaced",
        short_names: texts(&names["shortNames"]),
        verbs: verbs.map(str::to_owned).to_vec(),
        categories: texts(&names["categories"]),
        subresources,
    };
    let table = resource.qualified();
    let definition = Some(Definition::new(definition.clone(), index));
    let type_id = types::builtin().custom_object();
    Some(Served { resource, type_id, custom: true, definition, table })
}
