//! Custom objects, as the schema of their definition wants them.
//!
//! A definition's `openAPIV3Schema` is *structural*: the type of every field is said once, so
//! that a server can drop what is not in it ([`prune`]), fill in what is left out ([`defaults`]),
//! refuse what breaks its rules ([`rules`]), and merge lists and maps as it says ([`merge`]).
//!
//! **Not here:** `x-kubernetes-validations` (no expressions are evaluated), `format`, and
//! conversion between versions: a definition is served in its storage version.
//!
//! Facts: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>
//! and the answers of a running server in `tests/casebook/differential.txt`.

pub(crate) mod columns;
mod defaults;
mod merge;
mod prune;
mod rules;

use std::sync::Arc;

use apimachinery::FieldError;
use apimachinery::types::{Schema, TypeId};
use serde_json::{Map, Value};

/// One version of a definition.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    object: Arc<Value>,
    /// Which of its versions.
    index: usize,
}

/// Where a custom object keeps its number of replicas, as paths such as `.spec.replicas`.
pub(crate) struct ScalePaths<'a> {
    pub(crate) wanted: &'a str,
    pub(crate) present: &'a str,
    pub(crate) selector: Option<&'a str>,
}

impl Definition {
    pub(crate) fn new(object: Arc<Value>, index: usize) -> Self {
        Self { object, index }
    }

    pub(crate) fn version(&self) -> &Value {
        &self.object["spec"]["versions"][self.index]
    }

    pub(crate) fn schema(&self) -> &Value {
        &self.version()["schema"]["openAPIV3Schema"]
    }

    /// Drops what the schema does not know; returns where that was.
    pub(crate) fn prune(&self, object: &mut Value) -> Vec<String> {
        if self.object["spec"]["preserveUnknownFields"] == true {
            return Vec::new();
        }
        prune::object(self.schema(), object)
    }

    pub(crate) fn fill_in(&self, object: &mut Value) {
        defaults::object(self.schema(), object);
    }

    /// What is wrong with an object, or with its status alone.
    pub(crate) fn complaints(&self, object: &Value, subresource: &str) -> Vec<FieldError> {
        let is_status = subresource == "status";
        let mut errors = if is_status {
            rules::status(self.schema(), object)
        } else {
            rules::object(self.schema(), object)
        };
        if let Some(scale) = self.scale() {
            let path = if is_status { scale.present } else { scale.wanted };
            errors.extend(columns::first(object, path).and_then(|found| no_count(path, found)));
        }
        errors
    }

    /// How objects merge.
    pub(crate) fn types(&self) -> (Schema, TypeId) {
        merge::types(self.schema())
    }

    pub(crate) fn scale(&self) -> Option<ScalePaths<'_>> {
        let scale = self.version()["subresources"].get("scale")?;
        Some(ScalePaths {
            wanted: scale["specReplicasPath"].as_str()?,
            present: scale["statusReplicasPath"].as_str()?,
            selector: scale["labelSelectorPath"].as_str(),
        })
    }
}

/// A number of replicas that is none, in the words of Go.
fn no_count(path: &str, found: &Value) -> Option<FieldError> {
    let kind = match found {
        Value::Number(number) if number.is_f64() => "float64",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Number(_) | Value::Null => return None,
    };
    let shown = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let why = format!("{path} accessor error: {shown} is of the type {kind}, expected int64");
    Some(FieldError::invalid(path, 0, why))
}

/// The properties that a schema declares.
fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flat_map(Map::iter)
}

fn says(schema: &Value, extension: &str) -> bool {
    schema[extension] == true
}

const PRESERVES: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
/// What every object has, whatever its schema says.
const HEADS: [&str; 3] = ["apiVersion", "kind", "metadata"];

#[cfg(test)]
mod tests;
