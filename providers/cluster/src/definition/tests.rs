//! Objects beside the definition that comes with them.

use super::{check, provides};
use crate::api::{ObjectRef, identity_of};
use crate::json;
use values::Value;

const DEFINITION: &str = r#"{
    "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"kind": "Backup"},
        "versions": [
            {"name": "v1", "served": true, "schema": {"openAPIV3Schema": {
                "type": "object", "required": ["spec"],
                "properties": {"spec": {
                    "type": "object", "required": ["every", "keep"],
                    "properties": {
                        "every": {"type": "string", "minLength": 2, "enum": ["hour", "day", "x"]},
                        "keep": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
                        "port": {"x-kubernetes-int-or-string": true},
                        "paths": {"type": "array", "maxItems": 2, "items": {"type": "string"}},
                        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                        "extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
                    }
                }}
            }}},
            {"name": "v1alpha1", "served": false}
        ]
    }
}"#;

fn found(version: &str, namespace: Option<&str>, spec: &str) -> String {
    let object = ObjectRef {
        api_version: format!("example.com/{version}"),
        kind: "Backup".to_owned(),
        namespace: namespace.map(str::to_owned),
        name: "b".to_owned(),
    };
    let text = format!(
        r#"{{"apiVersion": "example.com/{version}", "kind": "Backup",
             "metadata": {{"name": "b"}}, {spec} }}"#
    );
    let text = text.replace(",  }", "}");
    let definition = json::parse(DEFINITION).unwrap();
    let problems = check(&identity_of(&object), &json::parse(&text).unwrap(), &definition);
    let line = |p: plans::Problem| {
        let help = p.help.map(|help| format!(" [{help}]")).unwrap_or_default();
        format!("{}: {}{help}", p.path, p.detail)
    };
    problems.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn definition_provides_its_kind_when_that_is_known() {
    let keys = provides(&json::parse(DEFINITION).unwrap());
    assert_eq!(keys.iter().map(|key| &*key.0).collect::<Vec<_>>(), ["example.com/Backup"]);
    assert_eq!(provides(&Value::map([("spec", Value::Unknown(values::Type::Any))])), []);
}

#[test]
fn field_of_an_object_is_judged_by_its_schema_at_its_place() {
    #[track_caller]
    fn is(spec: &str, expected: &str) {
        let spec = format!(r#""spec": {spec}"#);
        assert_eq!(found("v1", Some("a"), &spec), expected, "{spec}");
    }
    is(r#"{"every": "day"}"#, "");
    is(r#"{"every": "day", "keep": 9, "port": "http", "paths": ["/"]}"#, "");
    is(r#"{"every": "day", "port": 80, "labels": {"a": "b"}, "extra": {"a": {"b": 1}}}"#, "");
    is(r#"{"keep": 2}"#, "spec: `spec.every` is missing, and every Backup needs it.");
    is(
        r#"{"every": "day", "kep": 2}"#,
        "spec.kep: Objects of kind Backup have no field `spec.kep`. [Did you mean `keep`?]",
    );
    is(
        r#"{"every": "week"}"#,
        "spec.every: `spec.every` is `week` and must be `hour` or `day` or `x`.",
    );
    is(r#"{"every": "x"}"#, "spec.every: `spec.every` has 1 characters, fewer than 2.");
    is(r#"{"every": "day", "keep": 0}"#, "spec.keep: `spec.keep` is 0, below the minimum 1.");
    is(
        r#"{"every": "day", "keep": 1.5}"#,
        "spec.keep: `spec.keep` must be a whole number, and this is of kind number.",
    );
    is(r#"{"every": "day", "keep": 10}"#, "spec.keep: `spec.keep` is 10, above the maximum 9.");
    is(
        r#"{"every": "day", "port": true}"#,
        "spec.port: `spec.port` must be a whole number or a string.",
    );
    is(
        r#"{"every": "day", "paths": ["/", 7]}"#,
        "spec.paths[1]: `spec.paths[1]` must be a string, and this is of kind number.",
    );
    is(
        r#"{"every": "day", "paths": ["a", "b", "c"]}"#,
        "spec.paths: `spec.paths` has 3 items, more than 2.",
    );
    is(
        r#"{"every": "day", "labels": {"a": 1}}"#,
        "spec.labels.a: `spec.labels.a` must be a string, and this is of kind number.",
    );
}

#[test]
fn what_the_definition_says_of_place_and_version_is_kept() {
    let spec = r#""spec": {"every": "day"}"#;
    assert_eq!(
        found("v1", None, spec),
        "metadata.namespace: Objects of kind Backup live in namespaces, as its definition says, \
         and `metadata.namespace` is missing. [Write it, even if it is `default`.]"
    );
    let served = "apiVersion: The definition of Backup serves `v1`, not";
    assert_eq!(found("v1alpha1", Some("a"), spec), format!("{served} `v1alpha1`."));
    assert_eq!(found("v2", Some("a"), spec), format!("{served} `v2`."));
}

#[test]
fn nothing_is_said_of_what_is_unknown_or_hidden() {
    let hidden = |value: Value| {
        let spec = Value::map([("every", Value::from("day")), ("keep", value)]);
        let object = Value::map([("spec", spec)]);
        let of = ObjectRef::namespaced("example.com/v1", "Backup", "a", "b");
        check(&identity_of(&of), &object, &json::parse(DEFINITION).unwrap())
    };
    assert_eq!(hidden(Value::from("no number")).len(), 1);
    assert_eq!(hidden(Value::from("hunter2").into_sensitive()), []);
    assert_eq!(hidden(Value::Unknown(values::Type::Any)), []);
}
