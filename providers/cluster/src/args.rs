//! Arguments that several types share, and small tools to look at values that may be
//! unknown or hidden.

use crate::api::ObjectRef;
use crate::{codes, ownership};
use apimachinery::names;
use plans::Problem;
use values::{Attr, Map, Path, Role, Type, Value};

/// The reference page in the `//!` lines at the head of a source file.
pub(crate) fn page_of(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let mut page: String =
        lines.flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"]).collect();
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// The page of the file that this stands in; the file's head is what people and the program
/// both read.
macro_rules! page {
    ($file:literal) => {{
        static PAGE: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| crate::args::page_of(include_str!($file)));
        &PAGE
    }};
}
pub(crate) use page;

pub(crate) fn namespace() -> Attr {
    Attr::new(
        "namespace",
        Type::String,
        Role::Identity,
        "The namespace that the object lives in. Changing it makes another object.",
    )
}

pub(crate) fn name(doc: &'static str) -> Attr {
    Attr::new("name", Type::String, Role::Identity, doc)
}

/// `labels` and `annotations`, then what the server decides.
pub(crate) fn metadata_and_computed() -> Vec<Attr> {
    let strings = || Type::map(Type::String);
    let mut attrs = vec![
        Attr::new(
            "labels",
            strings(),
            Role::Optional,
            "Labels of the object. Labels that others set are left alone.",
        ),
        Attr::new(
            "annotations",
            strings(),
            Role::Optional,
            "Annotations of the object. Annotations that others set are left alone.",
        ),
    ];
    attrs.extend(computed());
    attrs
}

/// What the server decides.
pub(crate) fn computed() -> [Attr; 2] {
    [
        Attr::new(
            "uid",
            Type::String,
            Role::Computed,
            "The identifier that the server gave the object.",
        ),
        Attr::new(
            "object",
            Type::Any,
            Role::Computed,
            "The whole object as the server holds it, without bookkeeping.",
        ),
    ]
}

/// An attribute of the arguments; null when it was left out.
pub(crate) fn get<'a>(args: &'a Value, name: &str) -> &'a Value {
    args.get(name).unwrap_or(&Value::Null)
}

/// A known text of the arguments.
pub(crate) fn text<'a>(args: &'a Value, name: &str) -> &'a str {
    get(args, name).as_str().unwrap_or("")
}

/// The entries of a map; none when it is left out, unknown or hidden as a whole.
pub(crate) fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_map().into_iter().flatten().map(|(name, value)| (&**name, value))
}

/// The items of a list; none when it is left out, unknown or hidden as a whole.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_list().unwrap_or(&[])
}

/// Each item of a list, made into something else; what is no list stays as it is.
pub(crate) fn each(list: &Value, one: impl Fn(&Value) -> Value) -> Value {
    match list {
        Value::List(items) => Value::list(items.iter().map(one)),
        Value::Sensitive(hidden) => each(hidden.expose(), one).into_sensitive(),
        other => other.clone(),
    }
}

/// An argument, the field that it becomes, and how its value does.
pub(crate) type Renamed = (&'static str, &'static str, fn(&Value) -> Value);

/// The attributes of an object under the names of the API; what is no object stays as it is.
pub(crate) fn renamed(value: &Value, names: &[Renamed]) -> Value {
    if let Value::Sensitive(hidden) = value {
        return renamed(hidden.expose(), names).into_sensitive();
    }
    let Some(given) = value.as_map() else { return value.clone() };
    let mut out = Map::new();
    for (argument, field, convert) in names {
        if let Some(value) = given.get(*argument).filter(|value| !value.is_null()) {
            out.insert((*field).into(), convert(value));
        }
    }
    Value::map(out)
}

/// A number, or a text; a number that is written as a text is a number all the same.
pub(crate) fn int_or_text(value: &Value) -> Value {
    if let Value::Sensitive(hidden) = value {
        return int_or_text(hidden.expose()).into_sensitive();
    }
    let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
    number.map_or_else(|| value.clone(), Value::from)
}

/// How to write an amount that is no quantity but clearly means one: `4GB`, `512mb`, `2 cores`.
pub(crate) fn quantity_hint(text: &str) -> Option<String> {
    const UNITS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    number.parse::<f64>().ok()?;
    let lower = unit.to_ascii_lowercase();
    if ["", "b", "byte", "bytes", "cpu", "cpus", "core", "cores", "vcpu", "vcpus"]
        .contains(&lower.as_str())
    {
        return Some(format!("Write `{number}`."));
    }
    let prefix = lower.chars().next()?;
    let known = UNITS.iter().find(|unit| unit.to_ascii_lowercase().starts_with(prefix))?;
    let binary = format!("{}i", known.to_uppercase());
    match &lower[1..] {
        "b" | "" => Some(format!(
            "Write `{number}{known}` (powers of 1000) or `{number}{binary}` (powers of 1024)."
        )),
        "ib" | "i" => Some(format!("Write `{number}{binary}`.")),
        _ => None,
    }
}

/// Puts a value in, unless it was left out.
pub(crate) fn put(map: &mut Map, name: &str, value: &Value) {
    if !value.is_null() {
        map.insert(name.into(), value.clone());
    }
}

/// `apiVersion`, `kind` and `metadata` of an object whose arguments are called as here.
pub(crate) fn head(object: &ObjectRef, args: &Value) -> Map {
    let mut metadata = Map::new();
    metadata.insert("name".into(), object.name.as_str().into());
    if let Some(namespace) = &object.namespace {
        metadata.insert("namespace".into(), namespace.as_str().into());
    }
    put(&mut metadata, "labels", get(args, "labels"));
    put(&mut metadata, "annotations", get(args, "annotations"));
    let mut map = Map::new();
    map.insert("apiVersion".into(), object.api_version.as_str().into());
    map.insert("kind".into(), object.kind.as_str().into());
    map.insert("metadata".into(), Value::map(metadata));
    map
}

/// The object that `namespace` and `name` mean.
pub(crate) fn namespaced(
    api_version: &str,
    kind: &str,
    args: &Value,
) -> Result<ObjectRef, Vec<Problem>> {
    let (namespace, name) = (text(args, "namespace"), text(args, "name"));
    let mut problems = check_name("namespace", namespace, names::dns_1123_label);
    problems.extend(check_name("name", name, names::dns_1123_subdomain));
    if problems.is_empty() {
        Ok(ObjectRef::namespaced(api_version, kind, namespace, name))
    } else {
        Err(problems)
    }
}

/// What is wrong with a name, by a rule of the API.
pub(crate) fn check_name(
    argument: &str,
    name: &str,
    rule: fn(&str) -> Vec<String>,
) -> Vec<Problem> {
    if name.is_empty() {
        let detail = format!("`{argument}` is empty.");
        return vec![Problem::error(codes::IDENTITY, "Invalid name", Path::of(argument), detail)];
    }
    let wrong = |why: String| {
        let detail = format!("`{name}` cannot be a {argument}: {why}.");
        Problem::error(codes::IDENTITY, "Invalid name", Path::of(argument), detail)
    };
    rule(name).into_iter().map(wrong).collect()
}

/// What is wrong with `labels` and `annotations`, which stand at this path of the arguments.
pub(crate) fn check_metadata(metadata: &Value, at: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |path: Path, detail: String, help: Option<&str>| {
        let problem = Problem::error(codes::LABEL, "Invalid label or annotation", path, detail);
        problems.push(match help {
            Some(help) => problem.with_help(help),
            None => problem,
        });
    };
    for (key, value) in entries(get(metadata, "labels")) {
        let path = at.clone().attr("labels").attr(key);
        if [ownership::MANAGED_BY, ownership::PART_OF].contains(&key) {
            let detail = format!("The label `{key}` says who manages the object.");
            wrong(path, detail, Some("Remove it; clinch writes it on every object that it owns."));
            continue;
        }
        for why in names::qualified_name(key) {
            wrong(path.clone(), format!("`{key}` cannot be the key of a label: {why}."), None);
        }
        for why in value.as_str().map(names::label_value).unwrap_or_default() {
            let value = value.as_str().unwrap_or("");
            wrong(path.clone(), format!("`{value}` cannot be the value of a label: {why}."), None);
        }
    }
    let mut size = 0;
    for (key, value) in entries(get(metadata, "annotations")) {
        size += key.len() + value.as_str().map_or(0, str::len);
        // Unlike a label's, the key of an annotation may have capitals.
        for why in names::qualified_name(&key.to_lowercase()) {
            let path = at.clone().attr("annotations").attr(key);
            wrong(path, format!("`{key}` cannot be the key of an annotation: {why}."), None);
        }
    }
    if size > names::ANNOTATIONS_MAX {
        let detail = format!(
            "All annotations together have {size} bytes, and {} are allowed.",
            names::ANNOTATIONS_MAX
        );
        wrong(at.clone().attr("annotations"), detail, None);
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::quantity_hint;

    #[test]
    fn amounts_as_people_write_them_lead_to_quantities() {
        for (text, hint) in [
            ("4GB", "Write `4G` (powers of 1000) or `4Gi` (powers of 1024)."),
            ("512mb", "Write `512M` (powers of 1000) or `512Mi` (powers of 1024)."),
            ("1.5 g", "Write `1.5G` (powers of 1000) or `1.5Gi` (powers of 1024)."),
            ("1K", "Write `1k` (powers of 1000) or `1Ki` (powers of 1024)."),
            ("4GiB", "Write `4Gi`."),
            ("4gi", "Write `4Gi`."),
            ("2 cores", "Write `2`."),
            ("100 bytes", "Write `100`."),
        ] {
            assert_eq!(quantity_hint(text).as_deref(), Some(hint), "{text}");
        }
        for text in ["", "much", "GB", "4 apples", "1.2.3G", "4\u{e9}"] {
            assert_eq!(quantity_hint(text), None, "{text}");
        }
    }
}
