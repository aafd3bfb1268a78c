//! How custom objects merge: the schema as types.
//!
//! Lists are replaced whole unless `x-kubernetes-list-type` says otherwise, maps and structs
//! merge unless `x-kubernetes-map-type` is `atomic`, and what is not described merges map by map.

use apimachinery::types::{
    Field, ListMerge, ListType, MapType, Scalar, Schema, Type, TypeId, builtin,
};
use serde_json::Value;

use super::{INT_OR_STRING, PRESERVES, properties, says};

pub(super) fn types(schema: &Value) -> (Schema, TypeId) {
    let mut into = Builder { types: Schema::default() };
    let mut root = into.described(schema);
    let metadata = builtin().named("meta/v1.ObjectMeta");
    let metadata = metadata.map(|id| into.copied(id));
    let text = into.types.add(Type { scalar: Some(Scalar::String), ..Type::default() });
    let map = root.map.get_or_insert_default();
    for name in ["apiVersion", "kind"] {
        map.fields.insert(name.to_owned(), field(text, None));
    }
    if let Some(metadata) = metadata {
        map.fields.insert("metadata".to_owned(), field(metadata, None));
    }
    let root = into.types.add(root);
    (into.types, root)
}

fn field(type_id: TypeId, key_default: Option<Value>) -> Field {
    Field {
        type_id,
        pointer: true,
        omit_empty: true,
        omit_zero: false,
        key_default,
        patch: None,
        wire: Vec::new(),
    }
}

struct Builder {
    types: Schema,
}

impl Builder {
    fn add(&mut self, schema: &Value) -> TypeId {
        let described = self.described(schema);
        self.types.add(described)
    }

    fn described(&mut self, schema: &Value) -> Type {
        if says(schema, INT_OR_STRING) {
            return scalar(Scalar::Any);
        }
        match schema["type"].as_str() {
            Some("object") => self.map(schema),
            Some("array") => {
                let element = self.add(&schema["items"]);
                let keys = schema["x-kubernetes-list-map-keys"].as_array();
                let keys = keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                let merge = match schema["x-kubernetes-list-type"].as_str() {
                    Some("set") => ListMerge::Set,
                    Some("map") => ListMerge::Keyed(keys.collect()),
                    _ => ListMerge::Atomic,
                };
                Type { list: Some(ListType { element, merge }), ..Type::default() }
            }
            Some("string") => scalar(Scalar::String),
            Some("boolean") => scalar(Scalar::Bool),
            Some("integer") => scalar(Scalar::Int64),
            Some("number") => scalar(Scalar::Float),
            _ => {
                let any = self.undescribed();
                self.types.get(any).clone()
            }
        }
    }

    fn map(&mut self, schema: &Value) -> Type {
        let mut map =
            MapType { atomic: schema["x-kubernetes-map-type"] == "atomic", ..MapType::default() };
        for (name, known) in properties(schema) {
            let id = self.add(known);
            map.fields.insert(name.clone(), field(id, known.get("default").cloned()));
        }
        let others = &schema["additionalProperties"];
        if others.is_object() {
            map.element = Some(self.add(others));
        } else if map.fields.is_empty() || says(schema, PRESERVES) || *others == true {
            map.element = Some(self.undescribed());
        }
        Type { map: Some(map), ..Type::default() }
    }

    /// Whatever it is: values and lists whole, maps entry by entry.
    fn undescribed(&mut self) -> TypeId {
        let value = self.types.add(scalar(Scalar::Any));
        let any = self.types.add(Type::default());
        let list = ListType { element: value, merge: ListMerge::Atomic };
        let map = MapType { element: Some(any), ..MapType::default() };
        let all = Type { list: Some(list), map: Some(map), ..scalar(Scalar::Any) };
        self.types.set(any, all);
        any
    }

    /// A type of the built-in kinds, with all that it refers to.
    fn copied(&mut self, id: TypeId) -> TypeId {
        let mut definition = builtin().get(id).clone();
        if let Some(known) =
            self.types.named(&definition.name).filter(|_| !definition.name.is_empty())
        {
            return known;
        }
        let new = self.types.add(Type { name: definition.name.clone(), ..Type::default() });
        if let Some(list) = &mut definition.list {
            list.element = self.copied(list.element);
        }
        if let Some(map) = &mut definition.map {
            map.element = map.element.map(|element| self.copied(element));
            for field in map.fields.values_mut() {
                field.type_id = self.copied(field.type_id);
            }
        }
        self.types.set(new, definition);
        new
    }
}

fn scalar(kind: Scalar) -> Type {
    Type { scalar: Some(kind), ..Type::default() }
}
