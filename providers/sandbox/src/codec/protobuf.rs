//! Objects as `application/vnd.kubernetes.protobuf`, which is how kubectl sends some of them.
//!
//! The envelope is four magic bytes and a message `Unknown` that names the kind; inside is the
//! object's message. The numbers of fields are part of the table of types. Only reading is here:
//! every client that sends this also accepts JSON.
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
                        _ => {}
                    }
                }
            }
            (2, Part::Bytes(inside)) => raw = inside,
            _ => {}
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
                _ => {}
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

/// The numbers of a message that consists of numbers and texts.
fn first(bytes: &[u8], wanted: u32) -> Result<Option<Part<'_>>, Unreadable> {
    for part in Parts(bytes) {
        let (number, part) = part?;
        if number == wanted {
            return Ok(Some(part));
        }
    }
    Ok(None)
}

fn signed(part: Option<Part<'_>>) -> i64 {
    match part {
        Some(Part::Number(number)) => number.cast_signed(),
        Some(Part::Bytes(_)) | None => 0,
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
        (Scalar::Quantity, Part::Bytes(bytes)) => match first(bytes, 1)? {
            Some(Part::Bytes(text)) if !text.is_empty() => string(text).map(Value::from),
            _ => Ok(Value::from("0")),
        },
        (Scalar::IntOrString, Part::Bytes(bytes)) => match first(bytes, 1)? {
            Some(Part::Number(1)) => match first(bytes, 3)? {
                Some(Part::Bytes(text)) => string(text).map(Value::from),
                _ => Ok(Value::from("")),
            },
            _ => Ok(Value::from(signed(first(bytes, 2)?))),
        },
        (Scalar::Time | Scalar::MicroTime, Part::Bytes([])) => Ok(Value::Null),
        (Scalar::Time | Scalar::MicroTime, Part::Bytes(bytes)) => {
            let (seconds, nanos) = (signed(first(bytes, 1)?), signed(first(bytes, 2)?));
            let nanos = i32::try_from(nanos).map_err(|_| Unreadable::Shape)?;
            let time = jiff::Timestamp::new(seconds, nanos).map_err(|_| Unreadable::Shape)?;
            Ok(Value::from(time.to_string()))
        }
        (Scalar::Duration, Part::Bytes(bytes)) => {
            Ok(Value::from(format!("{}ns", signed(first(bytes, 1)?))))
        }
        // JSON inside of protobuf.
        (Scalar::Any, Part::Bytes(bytes)) => match first(bytes, 1)? {
            Some(Part::Bytes(raw)) => serde_json::from_slice(raw).map_err(|_| Unreadable::Shape),
            _ => Ok(Value::Null),
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
