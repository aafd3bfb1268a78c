//! The owners of an object's fields across one request.
//!
//! This is the seam between objects in their normal form and [`crate::ssa`], which
//! works on what is written.

use apimachinery::types::{self, Schema, TypeId};
use serde_json::{Value, json};

use crate::catalog::Served;
use crate::codec;
use crate::errors::ApiError;
use crate::kinds;
use crate::meta;
use crate::ssa::managers::Managers;
use crate::ssa::updater::{ApplyError, Conflict, Updater};

/// One request, as far as owners are concerned.
pub(crate) struct FieldRequest<'a> {
    pub(crate) served: &'a Served,
    pub(crate) subresource: &'a str,
    pub(crate) manager: &'a str,
    pub(crate) now: &'a str,
}

/// How the objects of a request merge.
enum Types {
    BuiltIn(TypeId),
    Defined(Box<Schema>, TypeId),
}

impl FieldRequest<'_> {
    fn updater<'b>(&'b self, api_version: &'b str, types: &'b Types) -> Updater<'b> {
        let (schema, type_id) = match types {
            Types::BuiltIn(id) => (types::builtin(), *id),
            Types::Defined(schema, id) => (&**schema, *id),
        };
        Updater {
            schema,
            type_id,
            api_version,
            subresource: self.subresource,
            ignored: kinds::ignored(self.served, self.subresource),
            now: self.now,
        }
    }

    fn types(&self) -> Types {
        match &self.served.definition {
            None => Types::BuiltIn(self.served.type_id),
            Some(definition) => {
                let (schema, id) = definition.types();
                Types::Defined(Box::new(schema), id)
            }
        }
    }

    /// An object of this kind about which nothing was said, as it is written.
    fn empty(&self) -> Value {
        let resource = &self.served.resource;
        let object = json!({"apiVersion": resource.api_version(), "kind": resource.kind});
        self.encode(&object)
    }

    fn encode(&self, object: &Value) -> Value {
        let mut written = codec::encode(types::builtin(), self.served.type_id, object);
        meta::unset(&mut written, "managedFields");
        written
    }

    /// Records who made `new` (normal form) out of `live` (as stored; `None` for a creation).
    pub(crate) fn update(&self, live: Option<&Value>, new: &mut Value) {
        let sent = new["metadata"].get("managedFields").cloned();
        let live_owners = || {
            let list = live.map_or(&Value::Null, |live| &live["metadata"]["managedFields"]);
            Managers::decode(list).unwrap_or_default()
        };
        let owners = match sent {
            _ if !self.subresource.is_empty() => live_owners(),
            Some(sent) if is_reset(&sent) => Managers::default(),
            Some(sent) => match Managers::decode(&sent) {
                Some(owners) if !owners.entries.is_empty() => owners,
                _ => live_owners(),
            },
            None => live_owners(),
        };
        meta::unset(new, "managedFields");
        // An object without owners stays without: somebody opted out, or never began.
        if owners.entries.is_empty() && live.is_some() {
            return;
        }
        let api_version = self.served.resource.api_version();
        let before = live.map_or_else(|| self.empty(), without_managed);
        let types = self.types();
        let owners = self.updater(&api_version, &types).update(
            &before,
            &self.encode(new),
            owners,
            self.manager,
        );
        meta::put(new, "managedFields", owners.encode());
    }

    /// Applies a configuration; returns the object as merged (not yet decoded), or
    /// `None` when nothing changed, and its owners.
    pub(crate) fn apply(
        &self,
        live: Option<&Value>,
        config: &Value,
        force: bool,
    ) -> Result<(Option<Value>, Option<Value>), ApiError> {
        let list = live.map_or(&Value::Null, |live| &live["metadata"]["managedFields"]);
        let owners = Managers::decode(list)
            .ok_or_else(|| ApiError::internal("failed to decode managed fields"))?;
        let empty = self.empty();
        let before = live.map_or_else(|| empty.clone(), without_managed);
        let api_version = self.served.resource.api_version();
        let types = self.types();
        let updater = self.updater(&api_version, &types);
        match updater.apply(&empty, &before, config, owners, self.manager, force) {
            Ok((merged, owners)) => Ok((merged, owners.encode())),
            Err(ApplyError::Conflicts(conflicts)) => Err(conflict(&conflicts)),
            Err(ApplyError::Type(why)) => Err(self.wrong_type(config, &why)),
        }
    }

    fn wrong_type(&self, config: &Value, why: &str) -> ApiError {
        let resource = &self.served.resource;
        let namespace = meta::namespace(config);
        let group = if resource.group.is_empty() { "" } else { resource.group.as_str() };
        ApiError::internal(format!(
            "failed to create typed patch object ({namespace}/{}; {group}/{}, Kind={}): {why}",
            meta::name(config),
            resource.version,
            resource.kind,
        ))
    }
}

fn without_managed(live: &Value) -> Value {
    let mut live = live.clone();
    meta::unset(&mut live, "managedFields");
    live
}

/// An empty list, or one empty entry, asks to forget all owners.
fn is_reset(sent: &Value) -> bool {
    match sent.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([Value::Object(one)]) => one.is_empty(),
        _ => false,
    }
}

fn conflict(conflicts: &[Conflict]) -> ApiError {
    let causes = conflicts
        .iter()
        .map(|conflict| {
            json!({
                "reason": "FieldManagerConflict",
                "message": format!("conflict with {}", conflict.manager.described()),
                "field": conflict.field(),
            })
        })
        .collect();
    let message = match conflicts {
        [one] => format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            one.manager.described(),
            one.field()
        ),
        many => {
            let mut lines: Vec<String> = Vec::new();
            let mut last = None;
            for conflict in many {
                if last != Some(&conflict.manager) {
                    lines.push(format!("conflicts with {}:", conflict.manager.described()));
                    last = Some(&conflict.manager);
                }
                lines.push(format!("- {}", conflict.field()));
            }
            format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n"))
        }
    };
    ApiError::apply_conflict(message, causes)
}
