//! What fields a kind has, what they hold, and how lists and maps merge.
//!
//! This is the table behind decoding (what is unknown, what is left out when empty),
//! canonical quantities, server-side apply (the *topology*: which lists are maps by
//! key, which are sets, what is replaced whole) and strategic merge patches.
//!
//! Start reading at [`builtin`] and [`Schema::kind`]. A [`Type`] says what it may be:
//! a scalar, a list, a map, or any of these where nothing is known. Types refer to
//! each other by [`TypeId`], because some contain themselves.
//!
//! **Not here:** defaults and validation; no table holds those.

mod parse;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// A reference to a type of one [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeId(pub(crate) u32);

/// What a value may be. Built-in types have exactly one of the three.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Type {
    /// The name of a struct, such as `core/v1.Pod`; empty for the rest.
    pub name: String,
    /// It may be a single value.
    pub scalar: Option<Scalar>,
    /// It may be a list.
    pub list: Option<ListType>,
    /// It may be a map or a struct.
    pub map: Option<MapType>,
}

/// The kinds of single values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text.
    String,
    /// True or false.
    Bool,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A number.
    Float,
    /// Base64 text.
    Bytes,
    /// An amount with a suffix; see [`crate::quantity`].
    Quantity,
    /// A whole number or a text.
    IntOrString,
    /// A moment, to the second.
    Time,
    /// A moment, to the microsecond.
    MicroTime,
    /// A length of time, such as `1h30m`.
    Duration,
    /// Anything.
    Any,
}

/// A list and how it merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListType {
    /// The type of its items.
    pub element: TypeId,
    /// How it merges.
    pub merge: ListMerge,
}

/// How a list merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListMerge {
    /// Replaced as a whole.
    Atomic,
    /// Items are single values, each on its own.
    Set,
    /// Items are structs, each known by these fields.
    Keyed(Vec<String>),
}

/// A map or a struct.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapType {
    /// The known fields; empty for a plain map.
    pub fields: BTreeMap<String, Field>,
    /// The type of every other entry; `None` when there must be none.
    pub element: Option<TypeId>,
    /// Whether it is replaced as a whole.
    pub atomic: bool,
}

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it holds.
    pub type_id: TypeId,
    /// It tells absent from zero.
    pub pointer: bool,
    /// It is left out when empty.
    pub omit_empty: bool,
    /// It is left out when every part of it is zero.
    pub omit_zero: bool,
    /// What it stands for when it is missing and part of a list's key.
    pub key_default: Option<Value>,
    /// What a strategic merge patch does with it.
    pub patch: Option<PatchRule>,
    /// Its number in protobuf, after the numbers of the structs around it that JSON flattens;
    /// empty when it has none.
    pub wire: Vec<u32>,
}

/// What a strategic merge patch does with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchRule {
    /// Lists are merged, not replaced.
    pub merge: bool,
    /// Only the keys that the patch names are kept when it says so.
    pub retain_keys: bool,
    /// The key of a merged list's items; empty where items are single values.
    pub key: String,
}

/// A set of types.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    types: Vec<Type>,
    names: BTreeMap<String, TypeId>,
    kinds: BTreeMap<(String, String), TypeId>,
}

/// The types of the built-in kinds of Kubernetes 1.36.
pub fn builtin() -> &'static Schema {
    static BUILTIN: LazyLock<Schema> =
        LazyLock::new(|| parse::schema(include_str!("../data/types-v1.36.txt")));
    &BUILTIN
}

impl Schema {
    /// The type behind a reference of this schema.
    pub fn get(&self, id: TypeId) -> &Type {
        static NOTHING: Type = Type { name: String::new(), scalar: None, list: None, map: None };
        self.types.get(id.0 as usize).unwrap_or(&NOTHING)
    }

    /// The type of a built-in kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        self.kinds.get(&(api_version.to_owned(), kind.to_owned())).copied()
    }

    /// The type of this name, such as `core/v1.PodSpec`.
    pub fn named(&self, name: &str) -> Option<TypeId> {
        self.names.get(name).copied()
    }

    /// The type of an object of which only the metadata is known.
    pub fn custom_object(&self) -> TypeId {
        self.named(CUSTOM_OBJECT).unwrap_or(TypeId(0))
    }

    /// Adds a type and says how to refer to it.
    pub fn add(&mut self, definition: Type) -> TypeId {
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        if !definition.name.is_empty() {
            self.names.insert(definition.name.clone(), id);
        }
        self.types.push(definition);
        id
    }

    /// Replaces what a reference means; for types that refer to themselves.
    pub fn set(&mut self, id: TypeId, definition: Type) {
        if let Some(known) = self.types.get_mut(id.0 as usize) {
            *known = definition;
        }
    }

    /// Adds the types of custom objects: known metadata, and maps all the way down.
    fn add_custom_object(&mut self) {
        let untyped = self.add(Type { scalar: Some(Scalar::Any), ..Type::default() });
        let atomic_list = ListType { element: untyped, merge: ListMerge::Atomic };
        let deduced = self.add(Type::default());
        self.set(
            deduced,
            Type {
                name: String::new(),
                scalar: Some(Scalar::Any),
                list: Some(atomic_list),
                map: Some(MapType { element: Some(deduced), ..MapType::default() }),
            },
        );
        let string = self.add(Type { scalar: Some(Scalar::String), ..Type::default() });
        let metadata = self.named("meta/v1.ObjectMeta").unwrap_or(deduced);
        let field = |type_id| Field {
            type_id,
            pointer: false,
            omit_empty: true,
            omit_zero: false,
            key_default: None,
            patch: None,
            wire: Vec::new(),
        };
        let fields = [("apiVersion", string), ("kind", string), ("metadata", metadata)];
        let fields = fields.into_iter().map(|(name, id)| (name.to_owned(), field(id))).collect();
        let map = MapType { fields, element: Some(deduced), atomic: false };
        self.add(Type { name: CUSTOM_OBJECT.to_owned(), map: Some(map), ..Type::default() });
    }
}

const CUSTOM_OBJECT: &str = "custom object";
