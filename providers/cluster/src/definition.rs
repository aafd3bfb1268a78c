//! What a `CustomResourceDefinition` of this configuration says about objects of its kind.
//!
//! This module answers one question: *is this object wrong by the definition that comes with
//! it?* The server cannot say so before the definition is there, so the rules that can be
//! judged for sure are read here. Start at [`check`].
//!
//! **Invariant:** only what is certainly refused is a problem. What is unknown, sensitive, or
//! ruled by a part of the schema that is not read here (`pattern`, `oneOf`, rules in CEL) is
//! left to the server, which is asked right before the object is written.
//!
//! Source: [Extend the Kubernetes API with CustomResourceDefinitions](https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema).

use crate::codes;
use apimachinery::discovery;
use plans::{Identity, ObjectKey, Problem};
use values::{Path, Value};

use crate::args::items;

/// What objects of a kind need: whatever defines the kind.
pub(crate) fn kind_key(group: &str, kind: &str) -> ObjectKey {
    ObjectKey(format!("{group}/{kind}").into())
}

/// The kind that a definition provides, if that is known.
pub(crate) fn provides(definition: &Value) -> Vec<ObjectKey> {
    let spec = get(definition, "spec");
    let kind = get(get(spec, "names"), "kind").as_str();
    let group = get(spec, "group").as_str();
    group.zip(kind).map(|(group, kind)| kind_key(group, kind)).into_iter().collect()
}

fn get<'a>(of: &'a Value, name: &str) -> &'a Value {
    of.get(name).unwrap_or(&Value::Null)
}

/// What is wrong with an object by its definition, with paths inside the object.
pub(crate) fn check(identity: &Identity, object: &Value, definition: &Value) -> Vec<Problem> {
    let text = |name: &str| identity.args.get(name).and_then(Value::as_str).unwrap_or("");
    let spec = get(definition, "spec");
    let mut problems = Vec::new();
    problems.extend(misplaced(text("kind"), text("namespace"), get(spec, "scope")));
    let (_, wanted) = discovery::split_api_version(text("api_version"));
    let Some(versions) = get(spec, "versions").as_list() else { return problems };
    let named = |version: &&Value| get(version, "name").as_str() == Some(wanted);
    match versions.iter().find(named) {
        Some(version) if get(version, "served").as_bool() != Some(false) => {
            let schema = get(get(version, "schema"), "openAPIV3Schema");
            let mut reader = Reader { kind: text("kind"), problems };
            reader.root(object, schema);
            problems = reader.problems;
        }
        // A version whose name is not known yet may be the one.
        None if versions.iter().any(|v| get(v, "name").as_str().is_none()) => {}
        Some(_) | None => problems.push(not_served(text("kind"), wanted, versions)),
    }
    problems
}

fn problem(path: Path, detail: String) -> Problem {
    Problem::error(codes::DEFINITION, "Object does not fit its definition", path, detail)
}

fn misplaced(kind: &str, namespace: &str, scope: &Value) -> Option<Problem> {
    let path = Path::of("metadata.namespace");
    match (scope.as_str()?, namespace.is_empty()) {
        ("Namespaced", true) => {
            let detail = format!(
                "Objects of kind {kind} live in namespaces, as its definition says, and \
                 `metadata.namespace` is missing."
            );
            Some(problem(path, detail).with_help("Write it, even if it is `default`."))
        }
        ("Cluster", false) => {
            let detail =
                format!("Objects of kind {kind} live in no namespace, as its definition says.");
            Some(problem(path, detail).with_help("Remove `metadata.namespace`."))
        }
        _ => None,
    }
}

fn not_served(kind: &str, wanted: &str, versions: &[Value]) -> Problem {
    let served = versions.iter().filter(|v| get(v, "served").as_bool() != Some(false));
    let names: Vec<&str> = served.filter_map(|v| get(v, "name").as_str()).collect();
    let detail = match names.as_slice() {
        [] => format!("The definition of {kind} serves no version."),
        names => {
            format!("The definition of {kind} serves `{}`, not `{wanted}`.", names.join("`, `"))
        }
    };
    problem(Path::of("apiVersion"), detail)
}

/// Reads an object beside its schema.
struct Reader<'a> {
    kind: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// `apiVersion`, `kind` and `metadata` are every object's; `status` is not written here.
    fn root(&mut self, object: &Value, schema: &Value) {
        let Some(map) = object.as_map() else { return };
        let own = ["apiVersion", "kind", "metadata", "status"];
        let rest = map.iter().filter(|(name, _)| !own.contains(&&***name));
        let rest = Value::map(rest.map(|(name, value)| (name.clone(), value.clone())));
        self.required(&rest, schema, &Path::root(), &own);
        self.fields(&rest, schema, &Path::root());
    }

    fn says(&mut self, path: &Path, detail: String) {
        self.problems.push(problem(path.clone(), detail));
    }

    fn value(&mut self, value: &Value, schema: &Value, path: &Path) {
        // Nothing is said of what is not known, nor of what must not be quoted.
        if matches!(value, Value::Null | Value::Unknown(_) | Value::Sensitive(_)) {
            return;
        }
        if !self.fits_type(value, schema, path) {
            return;
        }
        self.one_of(value, schema, path);
        self.bounds(value, schema, path);
        match value {
            Value::Map(_) => {
                self.required(value, schema, path, &[]);
                self.fields(value, schema, path);
            }
            Value::List(list) => {
                let of = get(schema, "items");
                for (i, item) in list.iter().enumerate() {
                    self.value(item, of, &path.clone().index(i));
                }
            }
            // Nothing inside.
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Unknown(_)
            | Value::Sensitive(_) => {}
        }
    }

    /// Whether the value is of the type that the schema wants.
    fn fits_type(&mut self, value: &Value, schema: &Value, path: &Path) -> bool {
        if get(schema, "x-kubernetes-int-or-string").as_bool() == Some(true) {
            let fits = match value {
                Value::Number(number) => number.is_integer(),
                other => other.as_str().is_some(),
            };
            if !fits {
                self.says(path, format!("`{path}` must be a whole number or a string."));
            }
            return fits;
        }
        let Some(wanted) = get(schema, "type").as_str() else { return true };
        let (fits, called) = match wanted {
            "string" => (matches!(value, Value::String(_)), "a string"),
            "boolean" => (matches!(value, Value::Bool(_)), "`true` or `false`"),
            "number" => (matches!(value, Value::Number(_)), "a number"),
            "integer" => {
                let whole = value.as_number().is_some_and(values::Number::is_integer);
                (whole, "a whole number")
            }
            "object" => (matches!(value, Value::Map(_)), "an object"),
            "array" => (matches!(value, Value::List(_)), "a list"),
            _ => return true,
        };
        if !fits {
            let found = value.kind();
            self.says(path, format!("`{path}` must be {called}, and this is of kind {found}."));
        }
        fits
    }

    fn required(&mut self, value: &Value, schema: &Value, path: &Path, own: &[&str]) {
        let Some(map) = value.as_map() else { return };
        let names = items(get(schema, "required")).iter().filter_map(Value::as_str);
        for name in names.filter(|name| !own.contains(name) && !map.contains_key(*name)) {
            let defaulted = get(get(schema, "properties"), name).get("default").is_some();
            if !defaulted {
                let missing = path.clone().attr(name);
                // The place is where it should have been written.
                self.says(
                    path,
                    format!("`{missing}` is missing, and every {} needs it.", self.kind),
                );
            }
        }
    }

    fn fields(&mut self, value: &Value, schema: &Value, path: &Path) {
        let Some(map) = value.as_map() else { return };
        let properties = get(schema, "properties");
        let others = get(schema, "additionalProperties");
        let open = ["x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"]
            .iter()
            .any(|name| get(schema, name).as_bool() == Some(true));
        for (name, value) in map.iter() {
            let at = path.clone().attr(name);
            match (properties.get(name), others) {
                (Some(schema), _) => self.value(value, schema, &at),
                (None, Value::Map(_)) => self.value(value, others, &at),
                (None, Value::Null | Value::Bool(false)) if !open => {
                    self.unknown(name, properties, schema, &at);
                }
                (None, _) => {}
            }
        }
    }

    fn unknown(&mut self, name: &str, properties: &Value, schema: &Value, at: &Path) {
        // A schema that is not an object with named fields says nothing about names.
        let known = match properties {
            Value::Map(map) => map.keys().map(|known| &**known).collect(),
            Value::Null if get(schema, "type").as_str() == Some("object") => Vec::new(),
            _ => return,
        };
        let near = diags::did_you_mean(name, known.iter().copied());
        let detail = format!("Objects of kind {} have no field `{at}`.", self.kind);
        let found = problem(at.clone(), detail);
        self.problems.push(match near {
            Some(near) => found.with_help(format!("Did you mean `{near}`?")),
            None => found,
        });
    }

    fn one_of(&mut self, value: &Value, schema: &Value, path: &Path) {
        let Some(allowed) = get(schema, "enum").as_list() else { return };
        let known = allowed.iter().all(Value::is_known);
        if let (Some(text), true) = (value.as_str(), known)
            && !allowed.contains(value)
        {
            let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
            let detail = format!("`{path}` is `{text}` and must be `{}`.", names.join("` or `"));
            self.says(path, detail);
        }
    }

    fn bounds(&mut self, value: &Value, schema: &Value, path: &Path) {
        let exclusive = |name: &str| get(schema, name).as_bool() == Some(true);
        if let Some(number) = value.as_number() {
            if let Some(least) = get(schema, "minimum").as_number()
                && (number < least || (exclusive("exclusiveMinimum") && number == least))
            {
                self.says(path, format!("`{path}` is {number}, below the minimum {least}."));
            }
            if let Some(most) = get(schema, "maximum").as_number()
                && (number > most || (exclusive("exclusiveMaximum") && number == most))
            {
                self.says(path, format!("`{path}` is {number}, above the maximum {most}."));
            }
        }
        let (length, least, most, of) = match value {
            Value::String(text) => (text.chars().count(), "minLength", "maxLength", "characters"),
            Value::List(list) => (list.len(), "minItems", "maxItems", "items"),
            Value::Map(map) => (map.len(), "minProperties", "maxProperties", "entries"),
            _ => return,
        };
        let bound = |name: &str| {
            get(schema, name).as_number()?.as_i64().and_then(|n| usize::try_from(n).ok())
        };
        if let Some(least) = bound(least).filter(|least| length < *least) {
            self.says(path, format!("`{path}` has {length} {of}, fewer than {least}."));
        }
        if let Some(most) = bound(most).filter(|most| length > *most) {
            self.says(path, format!("`{path}` has {length} {of}, more than {most}."));
        }
    }
}

#[cfg(test)]
mod tests;
