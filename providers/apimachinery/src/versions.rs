//! Which kinds and fields each version of Kubernetes has, from 1.25 on.
//!
//! For checks without a server: does this version have that field, of which type is it, must
//! it be there? Start reading at [`kind`] and [`check`]. The table is made from the API's
//! published specification (`api/openapi-spec/swagger.json` of `kubernetes/kubernetes`); alpha and
//! beta versions of the API are in it, although servers leave most of them switched off. So is
//! what a kubelet of each version reads from its configuration (`KubeletConfiguration`).
//!
//! **Not here:** how objects merge ([`crate::types`], for one version), and defaults.

mod check;

pub use check::{Mistake, Subject, check};

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// A minor version: `1.34`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor(u32);

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A whole number or a text.
    IntOrText,
    /// An amount with a suffix, as text or number.
    Quantity,
    /// A time span such as `1m30s`, as text.
    Duration,
    /// A list of these.
    List(Inner),
    /// Any keys, each with one of these.
    Map(Inner),
    /// These fields.
    Struct(Struct),
    /// Anything.
    Any,
}

/// The shape inside of a list or a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inner(&'static str);

impl Inner {
    /// What it is.
    pub fn shape(self) -> Shape {
        shape(self.0)
    }
}

/// A named set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Struct(&'static str);

/// A field of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether the server refuses an object without it.
    pub required: bool,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    holds: &'static str,
    required: bool,
    versions: &'static str,
}

#[derive(Default)]
struct Table {
    oldest: u32,
    newest: u32,
    /// By kind: the version of the API, the type, and the minor versions.
    kinds: BTreeMap<&'static str, Vec<(&'static str, &'static str, &'static str)>>,
    types: BTreeMap<&'static str, BTreeMap<&'static str, Vec<Line>>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    let mut open = "";
    for line in include_str!("../data/versions.txt").lines() {
        let mut words = line.split_ascii_whitespace();
        let mut word = || words.next().unwrap_or_default();
        if line.starts_with(' ') {
            let (name, holds, versions) = (word(), word(), word());
            let required = name.ends_with('!');
            let fields = table.types.entry(open).or_default();
            let lines = fields.entry(name.trim_end_matches('!')).or_default();
            lines.push(Line { holds, required, versions });
            continue;
        }
        match word() {
            "versions" => {
                table.oldest = word().parse().unwrap_or_default();
                table.newest = word().parse().unwrap_or_default();
            }
            "kind" => {
                let (api_version, kind, ty, versions) = (word(), word(), word(), word());
                table.kinds.entry(kind).or_default().push((api_version, ty, versions));
            }
            "type" => open = word(),
            // A comment.
            _ => {}
        }
    }
    table
});

impl Minor {
    /// The oldest that is known.
    pub fn oldest() -> Self {
        Self(TABLE.oldest)
    }

    /// The newest that is known.
    pub fn newest() -> Self {
        Self(TABLE.newest)
    }

    /// Of `1.34`, `v1.34.2` or `1.34+`; `None` when this is no version of Kubernetes 1, or not
    /// between [`Minor::oldest`] and [`Minor::newest`].
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts = text.split('.');
        let major = parts.next()?;
        let minor = Self(parts.next()?.trim_end_matches('+').parse().ok()?);
        let known = (Self::oldest()..=Self::newest()).contains(&minor);
        (major == "1" && known).then_some(minor)
    }

    fn all() -> impl Iterator<Item = Self> {
        (TABLE.oldest..=TABLE.newest).map(Self)
    }

    fn is_in(self, versions: &str) -> bool {
        versions.is_empty()
            || versions.split(',').any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let first = first.parse().unwrap_or(u32::MAX);
                let last = if last.is_empty() { u32::MAX } else { last.parse().unwrap_or(0) };
                (first..=last).contains(&self.0)
            })
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// The fields of a kind in a version; `None` when that version does not have it.
pub fn kind(api_version: &str, kind: &str, minor: Minor) -> Option<Struct> {
    let found = TABLE.kinds.get(kind)?.iter();
    let mut found = found.filter(|(v, _, versions)| *v == api_version && minor.is_in(versions));
    found.next().map(|(_, ty, _)| Struct(ty))
}

/// The first and the last version that have a kind; `None` when none does.
pub fn served(api_version: &str, kind: &str) -> Option<(Minor, Minor)> {
    let mut all = Minor::all().filter(|minor| self::kind(api_version, kind, *minor).is_some());
    let first = all.next()?;
    Some((first, all.last().unwrap_or(first)))
}

/// Under which versions of the API a version of Kubernetes has this kind, the best first:
/// stable before beta, newer before older.
pub fn alternatives(kind: &str, minor: Minor) -> Vec<&'static str> {
    let lines = TABLE.kinds.get(kind).map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<&str> =
        lines.iter().filter(|(_, _, versions)| minor.is_in(versions)).map(|(v, ..)| *v).collect();
    found.sort_by_key(|v| (v.contains("alpha"), v.contains("beta"), std::cmp::Reverse(*v)));
    found
}

impl Struct {
    /// Its fields in a version.
    pub fn fields(self, minor: Minor) -> impl Iterator<Item = Field> {
        let fields = TABLE.types.get(self.0).into_iter().flatten();
        fields.filter_map(move |(name, lines)| {
            let line = lines.iter().find(|line| minor.is_in(line.versions))?;
            Some(Field { name, shape: shape(line.holds), required: line.required })
        })
    }

    /// A field in a version.
    pub fn field(self, name: &str, minor: Minor) -> Option<Field> {
        let (name, lines) = TABLE.types.get(self.0)?.get_key_value(name)?;
        let line = lines.iter().find(|line| minor.is_in(line.versions))?;
        Some(Field { name, shape: shape(line.holds), required: line.required })
    }

    /// The first and the last version that have a field here; `None` when none does.
    pub fn has(self, name: &str) -> Option<(Minor, Minor)> {
        let mut all = Minor::all().filter(|minor| self.field(name, *minor).is_some());
        let first = all.next()?;
        Some((first, all.last().unwrap_or(first)))
    }
}

fn shape(word: &'static str) -> Shape {
    if let Some(inner) = word.strip_prefix("[]") {
        return Shape::List(Inner(inner));
    }
    if let Some(inner) = word.strip_prefix("{}") {
        return Shape::Map(Inner(inner));
    }
    match word {
        "string" => Shape::Text,
        "bool" => Shape::Bool,
        "int" => Shape::Integer,
        "number" => Shape::Number,
        "int|string" => Shape::IntOrText,
        "quantity" => Shape::Quantity,
        "duration" => Shape::Duration,
        "any" => Shape::Any,
        name => Shape::Struct(Struct(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(text: &str) -> Minor {
        Minor::parse(text).unwrap()
    }

    #[test]
    fn versions_are_read_as_people_and_servers_write_them() {
        assert_eq!(minor("1.34").to_string(), "1.34");
        assert_eq!(minor("v1.34.2-eks-1"), minor("1.34+"));
        for wrong in ["", "1", "34", "1.24", "1.99", "2.34", "latest"] {
            assert_eq!(Minor::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn kinds_come_and_go() {
        assert!(kind("autoscaling/v2beta2", "HorizontalPodAutoscaler", minor("1.25")).is_some());
        assert!(kind("autoscaling/v2beta2", "HorizontalPodAutoscaler", minor("1.26")).is_none());
        let range = |v: &str, k: &str| {
            served(v, k).map(|(first, last)| format!("{first} to {last}")).unwrap_or_default()
        };
        assert_eq!(range("flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema"), "1.25 to 1.28");
        assert_eq!(range("example.com/v1", "FlowSchema"), "");
        assert_eq!(
            alternatives("FlowSchema", minor("1.30")),
            ["flowcontrol.apiserver.k8s.io/v1", "flowcontrol.apiserver.k8s.io/v1beta3"]
        );
    }

    #[test]
    fn fields_come_with_versions() {
        let pod = kind("v1", "Pod", minor("1.26")).unwrap();
        let Shape::Struct(spec) = pod.field("spec", minor("1.26")).unwrap().shape else {
            panic!("a spec has fields")
        };
        let containers = spec.field("containers", minor("1.26")).unwrap();
        assert!(containers.required);
        let Shape::List(inner) = containers.shape else { panic!("containers are a list") };
        let Shape::Struct(container) = inner.shape() else { panic!("a container has fields") };
        assert_eq!(container.field("resizePolicy", minor("1.26")), None);
        assert_eq!(container.has("resizePolicy"), Some((minor("1.27"), Minor::newest())));
        assert_eq!(container.has("resizePolice"), None);
    }

    #[test]
    fn every_type_that_is_named_is_there() {
        for minor in [Minor::oldest(), Minor::newest()] {
            let mut seen = 0;
            for (ty, fields) in &TABLE.types {
                for (field, lines) in fields {
                    let line = lines.iter().find(|line| minor.is_in(line.versions));
                    let word = line.map_or("any", |line| line.holds);
                    let word = word.trim_start_matches(['[', ']', '{', '}']);
                    if let Shape::Struct(Struct(name)) = shape(word) {
                        assert!(TABLE.types.contains_key(name), "{ty}.{field}: {name}");
                        seen += 1;
                    }
                }
            }
            assert!(seen > 500, "{minor}: {seen}");
        }
    }
}
