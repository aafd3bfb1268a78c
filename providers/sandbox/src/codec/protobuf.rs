//! Objects as `application/vnd.kubernetes.protobuf`, which is how kubectl sends some of them.
//!
//! The envelope is four magic bytes and a message `Unknown` that names the kind; inside is the
//! object's message. The numbers of fields are part of the table of types. Only reading is here:
//! every client that sends this also accepts JSON.
//!
//! A field whose number the type does not have is skipped, as the real server does: its generated
//! readers skip what they do not know (`skipGenerated` of each `generated.pb.go` of `k8s.io/api`),
//! and validation of fields is about JSON and YAML only. A field that the type has in another
//! shape is refused, as there; of several with one number the last counts.
//!
//! Format: <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding> and
//! <https://protobuf.dev/programming-guides/encoding/>.

use apimachinery::types::{Field, MapType, Scalar, Schema, Type, TypeId};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

const MAGIC: &[u8] = b"k8s\0";
/// Deeper than any object goes; a guard for the stack.
const DEEPEST: usize = 64;

/// Why bytes are no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
    )]
    Magic,
    #[error("unexpected EOF")]
    Cut,
    #[error("the message does not have the shape of its type")]
    Shape,
    #[error("the type of the object is not known")]
    Type,
}

/// Reads an object of any known kind.
pub(crate) fn read(schema: &Schema, bytes: &[u8]) -> Result<Value, Unreadable> {
    let envelope = bytes.strip_prefix(MAGIC).ok_or(Unreadable::Magic)?;
    let (mut version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for part in Parts(envelope) {
        match part? {
            (1, Part::Bytes(meta)) => {
                for part in Parts(meta) {
                    match part? {
                        (1, Part::Bytes(text)) => version = string(text)?,
                        (2, Part::Bytes(text)) => kind = string(text)?,
                        (1 | 2, Part::Number(_)) => return Err(Unreadable::Shape),
                        (_unknown, _) => {}
                    }
                }
            }
            (2, Part::Bytes(inside)) => raw = inside,
            (1 | 2, Part::Number(_)) => return Err(Unreadable::Shape),
            // Also what the envelope says of the content's encoding, which nobody reads.
            (_unknown, _) => {}
        }
    }
    // Options of a request belong to every group.
    let found = schema.kind(&version, &kind).or_else(|| schema.kind("v1", &kind));
    let definition = schema.get(found.ok_or(Unreadable::Type)?);
    let fields = definition.map.as_ref().ok_or(Unreadable::Type)?;
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), Value::from(version));
    object.insert("kind".to_owned(), Value::from(kind));
    Reader { schema }.message(fields, &[], raw, &mut object, 0)?;
    Ok(Value::Object(object))
}

/// One field of a message.
enum Part<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, with their numbers.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn varint(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first().ok_or(Unreadable::Cut)?;
            self.0 = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable::Shape)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(length).map_err(|_| Unreadable::Cut)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn part(&mut self) -> Result<(u32, Part<'a>), Unreadable> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| Unreadable::Shape)?;
        let fixed = |bytes: &[u8]| {
            bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let part = match key & 7 {
            0 => Part::Number(self.varint()?),
            1 => Part::Number(fixed(self.take(8)?)),
            2 => {
                let length = self.varint()?;
                Part::Bytes(self.take(length)?)
            }
            5 => Part::Number(fixed(self.take(4)?)),
            _ => return Err(Unreadable::Shape),
        };
        Ok((number, part))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<(u32, Part<'a>), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_err() {
            self.0 = &[];
        }
        Some(part)
    }
}

struct Reader<'a> {
    schema: &'a Schema,
}

impl Reader<'_> {
    /// Reads a struct; `inside` is the way to a part of it that JSON flattens.
    fn message(
        &self,
        fields: &MapType,
        inside: &[u32],
        bytes: &[u8],
        into: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), Unreadable> {
        if depth > DEEPEST {
            return Err(Unreadable::Shape);
        }
        for part in Parts(bytes) {
            let (number, part) = part?;
            let way = [inside, &[number]].concat();
            if let Some((name, field)) = fields.fields.iter().find(|(_, field)| field.wire == way) {
                self.field(name, field, part, into, depth)?;
            } else if fields.fields.values().any(|field| field.wire.starts_with(&way)) {
                let Part::Bytes(bytes) = part else { return Err(Unreadable::Shape) };
                self.message(fields, &way, bytes, into, depth + 1)?;
            }
            // Else the type has no such number.
        }
        Ok(())
    }

    fn field(
        &self,
        name: &str,
        field: &Field,
        part: Part<'_>,
        into: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), Unreadable> {
        let definition = self.schema.get(field.type_id);
        match (&definition.list, &definition.map) {
            (Some(list), _) if definition.scalar.is_none() => {
                let item = self.value(self.schema.get(list.element), part, depth)?;
                let items = into.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                items.as_array_mut().ok_or(Unreadable::Shape)?.push(item);
            }
            (_, Some(MapType { element: Some(element), .. })) if definition.scalar.is_none() => {
                let Part::Bytes(bytes) = part else { return Err(Unreadable::Shape) };
                let (key, value) = self.entry(*element, bytes, depth)?;
                let entries = into.entry(name).or_insert_with(|| Value::Object(Map::new()));
                entries.as_object_mut().ok_or(Unreadable::Shape)?.insert(key, value);
            }
            _ => {
                into.insert(name.to_owned(), self.value(definition, part, depth)?);
            }
        }
        Ok(())
    }

    /// An entry of a plain map is a message of key and value.
    fn entry(
        &self,
        element: TypeId,
        bytes: &[u8],
        depth: usize,
    ) -> Result<(String, Value), Unreadable> {
        let element = self.schema.get(element);
        let (mut key, mut value) = (String::new(), None);
        for part in Parts(bytes) {
            match part? {
                (1, Part::Bytes(text)) => key = string(text)?,
                (2, part) => value = Some(self.value(element, part, depth)?),
                (1, Part::Number(_)) => return Err(Unreadable::Shape),
                (_unknown, _) => {}
            }
        }
        let nothing = || self.value(element, Part::Bytes(&[]), depth);
        Ok((key, value.map_or_else(nothing, Ok)?))
    }

    fn value(&self, definition: &Type, part: Part<'_>, depth: usize) -> Result<Value, Unreadable> {
        match (definition.scalar, &definition.list, &definition.map, part) {
            (Some(kind), _, _, part) => scalar(kind, part),
            // A list where only one value can stand is a message of its items.
            (None, Some(list), _, Part::Bytes(bytes)) => {
                let element = self.schema.get(list.element);
                let items = Parts(bytes).map(|part| self.value(element, part?.1, depth + 1));
                items.collect::<Result<_, _>>().map(Value::Array)
            }
            (None, None, Some(fields), Part::Bytes(bytes)) => {
                let mut object = Map::new();
                self.message(fields, &[], bytes, &mut object, depth + 1)?;
                Ok(Value::Object(object))
            }
            (None, _, _, _) => Err(Unreadable::Shape),
        }
    }
}

fn string(bytes: &[u8]) -> Result<String, Unreadable> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Unreadable::Shape)
}

/// A field of a message that consists of numbers and texts.
fn last(bytes: &[u8], wanted: u32) -> Result<Option<Part<'_>>, Unreadable> {
    let mut found = None;
    for part in Parts(bytes) {
        let (number, part) = part?;
        if number == wanted {
            found = Some(part);
        }
    }
    Ok(found)
}

/// A number; 0 where there is none.
fn signed(bytes: &[u8], wanted: u32) -> Result<i64, Unreadable> {
    match last(bytes, wanted)? {
        Some(Part::Number(number)) => Ok(number.cast_signed()),
        Some(Part::Bytes(_)) => Err(Unreadable::Shape),
        None => Ok(0),
    }
}

/// A text; empty where there is none.
fn text(bytes: &[u8], wanted: u32) -> Result<String, Unreadable> {
    match last(bytes, wanted)? {
        Some(Part::Bytes(text)) => string(text),
        Some(Part::Number(_)) => Err(Unreadable::Shape),
        None => Ok(String::new()),
    }
}

fn scalar(kind: Scalar, part: Part<'_>) -> Result<Value, Unreadable> {
    match (kind, part) {
        (Scalar::Bool, Part::Number(number)) => Ok(Value::from(number != 0)),
        (Scalar::Int32 | Scalar::Int64, Part::Number(number)) => {
            Ok(Value::from(number.cast_signed()))
        }
        (Scalar::Float, Part::Number(number)) => Ok(Value::from(f64::from_bits(number))),
        (Scalar::String, Part::Bytes(text)) => string(text).map(Value::from),
        (Scalar::Bytes, Part::Bytes(bytes)) => Ok(Value::from(STANDARD.encode(bytes))),
        (Scalar::Quantity, Part::Bytes(bytes)) => {
            let text = text(bytes, 1)?;
            Ok(Value::from(if text.is_empty() { "0" } else { &text }))
        }
        (Scalar::IntOrString, Part::Bytes(bytes)) => match signed(bytes, 1)? {
            0 => Ok(Value::from(signed(bytes, 2)?)),
            1 => Ok(Value::from(text(bytes, 3)?)),
            _ => Err(Unreadable::Shape),
        },
        (Scalar::Time | Scalar::MicroTime, Part::Bytes([])) => Ok(Value::Null),
        (Scalar::Time | Scalar::MicroTime, Part::Bytes(bytes)) => {
            let (seconds, nanos) = (signed(bytes, 1)?, signed(bytes, 2)?);
            let nanos = i32::try_from(nanos).map_err(|_| Unreadable::Shape)?;
            let time = jiff::Timestamp::new(seconds, nanos).map_err(|_| Unreadable::Shape)?;
            Ok(Value::from(time.to_string()))
        }
        (Scalar::Duration, Part::Bytes(bytes)) => {
            Ok(Value::from(format!("{}ns", signed(bytes, 1)?)))
        }
        // JSON inside of protobuf.
        (Scalar::Any, Part::Bytes(bytes)) => match last(bytes, 1)? {
            Some(Part::Bytes(raw)) => serde_json::from_slice(raw).map_err(|_| Unreadable::Shape),
            Some(Part::Number(_)) => Err(Unreadable::Shape),
            None => Ok(Value::Null),
        },
        (_, Part::Number(_) | Part::Bytes(_)) => Err(Unreadable::Shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apimachinery::types::builtin;
    use serde_json::json;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).expect("short");
        [&[number << 3 | 2, length], bytes].concat()
    }

    fn envelope(version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &meta), &field(2, raw)].concat()
    }

    #[test]
    fn config_map_is_read_with_its_metadata_and_entries() {
        let metadata = [field(1, b"c"), field(3, b"default"), field(8, b"")].concat();
        let entry = [field(1, b"k"), field(2, b"v")].concat();
        let raw = [field(1, &metadata), field(2, &entry)].concat();
        let read = read(builtin(), &envelope("v1", "ConfigMap", &raw));
        let want = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "c", "namespace": "default", "creationTimestamp": null},
            "data": {"k": "v"},
        });
        assert_eq!(read, Ok(want));
    }

    #[test]
    fn struct_that_json_flattens_is_read_into_the_struct_around_it() {
        // Volume { name, volumeSource { emptyDir {} } } of a pod.
        let source = field(2, b"");
        let volume = [field(1, b"tmp"), field(2, &source)].concat();
        let raw = field(2, &field(1, &volume));
        let read = read(builtin(), &envelope("v1", "Pod", &raw)).expect("a pod");
        assert_eq!(read["spec"]["volumes"], json!([{"name": "tmp", "emptyDir": {}}]));
    }

    #[test]
    fn field_that_the_type_does_not_have_is_skipped_and_one_of_another_shape_refused() {
        let metadata = [field(1, b"c"), field(3, b"default"), field(8, b"")].concat();
        let entry = [field(1, b"k"), field(2, b"v"), field(9, b"new")].concat();
        let raw = [field(1, &metadata), field(15, b"new"), field(2, &entry)].concat();
        let mut bytes = envelope("v1", "ConfigMap", &raw);
        bytes.extend(field(4, b"application/new"));
        let object = read(builtin(), &bytes).expect("a config map");
        assert_eq!(object["data"], json!({"k": "v"}));
        assert_eq!(object.as_object().map(Map::len), Some(4));

        let number = |number: u8| vec![number << 3, 1];
        let refused = |bytes: &[u8]| {
            assert_eq!(read(builtin(), bytes), Err(Unreadable::Shape), "{bytes:?}");
        };
        refused(&[MAGIC, &number(1)].concat());
        refused(&[MAGIC, &number(2)].concat());
        refused(&[MAGIC, &field(1, &number(2))].concat());
        refused(&envelope("v1", "ConfigMap", &field(2, &number(1))));
    }

    #[test]
    fn values_of_another_shape_are_refused_and_not_taken_for_nothing() {
        #[track_caller]
        fn check(kind: Scalar, bytes: &[u8], want: Result<Value, Unreadable>) {
            assert_eq!(scalar(kind, Part::Bytes(bytes)), want);
        }
        let number = |field: u8, value: u8| vec![field << 3, value];
        check(Scalar::Quantity, b"", Ok(json!("0")));
        check(Scalar::Quantity, &field(1, b"2Gi"), Ok(json!("2Gi")));
        check(Scalar::Quantity, &number(1, 2), Err(Unreadable::Shape));
        check(Scalar::IntOrString, b"", Ok(json!(0)));
        check(Scalar::IntOrString, &[number(1, 0), number(2, 80)].concat(), Ok(json!(80)));
        let text = [number(1, 1), field(3, b"http")].concat();
        check(Scalar::IntOrString, &text, Ok(json!("http")));
        check(Scalar::IntOrString, &number(1, 2), Err(Unreadable::Shape));
        check(Scalar::IntOrString, &field(2, b"80"), Err(Unreadable::Shape));
        check(Scalar::Time, &field(1, b"1"), Err(Unreadable::Shape));
        check(Scalar::Any, &number(1, 1), Err(Unreadable::Shape));
        // The last one counts.
        check(Scalar::Quantity, &[field(1, b"1"), field(1, b"2")].concat(), Ok(json!("2")));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            kind in proptest::sample::select(vec!["Pod", "ConfigMap", "Namespace", "Eviction"]),
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100),
            number in 1_u8..15,
        ) {
            let _whatever = read(builtin(), &[MAGIC, &bytes].concat());
            let _whatever = read(builtin(), &envelope("v1", kind, &bytes));
            let _whatever = read(builtin(), &envelope("v1", kind, &field(number, &bytes)));
        }
    }

    #[test]
    fn bytes_that_are_no_object_are_refused() {
        assert_eq!(read(builtin(), b"{}"), Err(Unreadable::Magic));
        assert_eq!(read(builtin(), b"k8s\0\x0a\x20abc"), Err(Unreadable::Cut));
        assert_eq!(read(builtin(), &envelope("v1", "Nonsense", b"")), Err(Unreadable::Type));
        let number_for_metadata = [1 << 3, 1];
        let wrong = envelope("v1", "ConfigMap", &number_for_metadata);
        assert_eq!(read(builtin(), &wrong), Err(Unreadable::Shape));
    }
}
