//! Reads the embedded table. Its format is described in `data/README.md`.

use std::collections::BTreeMap;

use super::{Field, ListMerge, ListType, MapType, PatchRule, Scalar, Schema, Type, TypeId};

/// The types that the table describes. Lines that are not understood are left out;
/// a test compares the number of lines with the number of fields.
pub(super) fn schema(text: &str) -> Schema {
    let mut reader = Reader::default();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("type ") {
            let name = head.strip_suffix(" atomic").unwrap_or(head);
            let id = reader.named(name);
            let atomic = head != name;
            let map = MapType { atomic, ..MapType::default() };
            let definition = Type { name: name.to_owned(), map: Some(map), ..Type::default() };
            reader.schema.set(id, definition);
        }
    }
    let mut current = None;
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("kind ") {
            reader.kind(kind);
        } else if let Some(head) = line.strip_prefix("type ") {
            current = Some(reader.named(head.strip_suffix(" atomic").unwrap_or(head)));
        } else if let Some(id) = current {
            reader.field(id, line);
        }
    }
    reader.schema.add_custom_object();
    reader.schema
}

#[derive(Default)]
struct Reader {
    schema: Schema,
    /// Expressions that were met before, so that equal types are one type.
    met: BTreeMap<String, TypeId>,
}

impl Reader {
    fn named(&mut self, name: &str) -> TypeId {
        match self.schema.named(name) {
            Some(id) => id,
            None => self.schema.add(Type { name: name.to_owned(), ..Type::default() }),
        }
    }

    fn kind(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        if let [api_version, kind, name] = words.as_slice() {
            let id = self.named(name);
            self.schema.kinds.insert(((*api_version).to_owned(), (*kind).to_owned()), id);
        }
    }

    fn field(&mut self, id: TypeId, line: &str) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(flags), Some(expression)) =
            (words.next(), words.next(), words.next())
        else {
            return;
        };
        let (pointer, expression) = match expression.strip_prefix('*') {
            Some(inner) => (true, inner),
            None => (false, expression),
        };
        let type_id = self.expression(expression);
        let mut field = Field {
            type_id,
            pointer,
            omit_empty: flags.contains('o'),
            omit_zero: flags.contains('z'),
            key_default: None,
            patch: None,
            wire: Vec::new(),
        };
        for word in words {
            if let Some(default) = word.strip_prefix('=') {
                field.key_default = serde_json::from_str(default).ok();
            } else if let Some(way) = word.strip_prefix('#') {
                field.wire = way.split('/').filter_map(|number| number.parse().ok()).collect();
            } else if let Some(rule) = word.strip_prefix('~') {
                let (strategies, key) = rule.split_once(':').unwrap_or((rule, ""));
                field.patch = Some(PatchRule {
                    merge: strategies.split(',').any(|strategy| strategy == "merge"),
                    retain_keys: strategies.contains("retainKeys"),
                    key: key.to_owned(),
                });
            }
        }
        let mut definition = self.schema.get(id).clone();
        if let Some(map) = &mut definition.map {
            map.fields.insert(name.to_owned(), field);
        }
        self.schema.set(id, definition);
    }

    fn expression(&mut self, text: &str) -> TypeId {
        if let Some(id) = self.met.get(text) {
            return *id;
        }
        let id = self.new_expression(text);
        self.met.insert(text.to_owned(), id);
        id
    }

    fn new_expression(&mut self, text: &str) -> TypeId {
        // Items of lists and maps are never told apart from their zero: the star is dropped.
        let text = text.trim_start_matches('*');
        if let Some((marker, element)) =
            text.strip_prefix('[').and_then(|rest| rest.split_once(']'))
        {
            let merge = match marker {
                "atomic" => ListMerge::Atomic,
                "set" => ListMerge::Set,
                keys => ListMerge::Keyed(keys.split('+').map(str::to_owned).collect()),
            };
            let element = self.expression(element);
            return self
                .schema
                .add(Type { list: Some(ListType { element, merge }), ..Type::default() });
        }
        if let Some((marker, element)) =
            text.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        {
            let element = Some(self.expression(element));
            let map = MapType { element, atomic: marker == "atomicmap", ..MapType::default() };
            return self.schema.add(Type { map: Some(map), ..Type::default() });
        }
        match scalar(text) {
            Some(scalar) => self.schema.add(Type { scalar: Some(scalar), ..Type::default() }),
            None => self.named(text),
        }
    }
}

fn scalar(text: &str) -> Option<Scalar> {
    Some(match text {
        "string" => Scalar::String,
        "bool" => Scalar::Bool,
        "int32" => Scalar::Int32,
        "int64" => Scalar::Int64,
        "float" => Scalar::Float,
        "bytes" => Scalar::Bytes,
        "quantity" => Scalar::Quantity,
        "intstr" => Scalar::IntOrString,
        "time" => Scalar::Time,
        "microtime" => Scalar::MicroTime,
        "duration" => Scalar::Duration,
        "any" => Scalar::Any,
        _ => return None,
    })
}
