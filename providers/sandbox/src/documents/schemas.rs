//! The fields of kinds as `OpenAPI` schemas, without descriptions: for `kubectl explain`.

use apimachinery::types::{Scalar, Type, TypeId, builtin};
use serde_json::{Map, Value, json};

use crate::catalog::Served;
use crate::meta;

/// The schemas of these kinds, and of everything inside them.
pub(super) fn of(kinds: &[Served]) -> Value {
    let mut schemas = Map::new();
    for served in kinds {
        let resource = &served.resource;
        let name = match &served.definition {
            None => add(&mut schemas, served.type_id),
            Some(definition) => {
                let domain: Vec<&str> = resource.group.rsplit('.').collect();
                let name = format!("{}.{}.{}", domain.join("."), resource.version, resource.kind);
                let mut described = definition.schema().clone();
                let metadata = builtin().named("meta/v1.ObjectMeta");
                let metadata = metadata.map(|id| add(&mut schemas, id)).unwrap_or_default();
                let properties = meta::map_at(&mut described, "properties");
                properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
                properties.insert("kind".to_owned(), json!({"type": "string"}));
                properties.insert("metadata".to_owned(), refer(&metadata));
                schemas.insert(name.clone(), described);
                name
            }
        };
        schemas[&name]["x-kubernetes-group-version-kind"] = json!([{
            "group": resource.group, "version": resource.version, "kind": resource.kind,
        }]);
    }
    Value::Object(schemas)
}

fn refer(name: &str) -> Value {
    json!({"allOf": [{"$ref": format!("#/components/schemas/{name}")}]})
}

/// The published name of a struct: `core/v1.Pod` is `io.k8s.api.core.v1.Pod`.
fn published(name: &str) -> String {
    let inside = match name.split('/').next() {
        Some("meta") => "apimachinery.pkg.apis",
        Some("apiextensions") => "apiextensions-apiserver.pkg.apis",
        _ => "api",
    };
    format!("io.k8s.{inside}.{}", name.replace('/', "."))
}

/// Adds a struct and what it refers to; returns its name.
fn add(schemas: &mut Map<String, Value>, id: TypeId) -> String {
    let definition = builtin().get(id);
    let name = published(&definition.name);
    if schemas.contains_key(&name) {
        return name;
    }
    // There before its fields are, because some contain themselves.
    schemas.insert(name.clone(), json!({"type": "object"}));
    let fields = definition.map.iter().flat_map(|map| &map.fields);
    let properties: Map<String, Value> =
        fields.map(|(field, held)| (field.clone(), schema(schemas, held.type_id))).collect();
    schemas.insert(name.clone(), json!({"type": "object", "properties": properties}));
    name
}

fn schema(schemas: &mut Map<String, Value>, id: TypeId) -> Value {
    let definition: &Type = builtin().get(id);
    match (definition.scalar, &definition.list, &definition.map) {
        (Some(kind), None, None) => scalar(kind),
        (None, Some(list), None) => {
            json!({"type": "array", "items": schema(schemas, list.element)})
        }
        (None, None, Some(map)) => match map.element {
            Some(element) if map.fields.is_empty() => {
                json!({"type": "object", "additionalProperties": schema(schemas, element)})
            }
            _ => refer(&add(schemas, id)),
        },
        _ => json!({}),
    }
}

fn scalar(kind: Scalar) -> Value {
    match kind {
        Scalar::String | Scalar::Quantity | Scalar::Duration => json!({"type": "string"}),
        Scalar::Bool => json!({"type": "boolean"}),
        Scalar::Int32 => json!({"type": "integer", "format": "int32"}),
        Scalar::Int64 => json!({"type": "integer", "format": "int64"}),
        Scalar::Float => json!({"type": "number", "format": "double"}),
        Scalar::Bytes => json!({"type": "string", "format": "byte"}),
        Scalar::IntOrString => json!({"type": "string", "format": "int-or-string"}),
        Scalar::Time | Scalar::MicroTime => json!({"type": "string", "format": "date-time"}),
        Scalar::Any => json!({"type": "object"}),
    }
}
