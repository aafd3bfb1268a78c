use super::*;
use serde_json::json;

fn schema() -> Value {
    json!({"type": "object", "properties": {
        "spec": {"type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "minimum": 1},
            "colour": {"type": "string", "default": "red"},
            "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "texts": {"type": "object", "additionalProperties": {"type": "string"}},
        }},
    }})
}

#[test]
fn what_no_schema_knows_is_dropped_and_named() {
    let mut object = json!({
        "apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "a"},
        "spec": {"size": 1, "weight": 2, "free": {"x": 1}, "texts": {"a": "b"}},
        "other": 1,
    });
    assert_eq!(prune::object(&schema(), &mut object), ["other", "spec.weight"]);
    assert_eq!(object["spec"], json!({"size": 1, "free": {"x": 1}, "texts": {"a": "b"}}));
    assert_eq!(object["metadata"]["name"], "a");
}

#[test]
fn default_stands_where_nothing_or_a_null_was() {
    let filled = |spec: Value| {
        let mut object = json!({"spec": spec});
        defaults::object(&schema(), &mut object);
        object["spec"]["colour"].clone()
    };
    assert_eq!(filled(json!({})), "red");
    assert_eq!(filled(json!({"colour": null})), "red");
    assert_eq!(filled(json!({"colour": ""})), "");
}

#[test]
fn every_broken_rule_is_named_with_its_field() {
    let object = json!({"spec": {"size": 0, "colour": 5, "tags": ["a", "a"], "texts": {"a": 1}}});
    let said: Vec<String> =
        rules::object(&schema(), &object).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            r#"spec.colour: Invalid value: "integer": spec.colour in body must be of type string: "integer""#,
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
            r#"spec.tags[1]: Duplicate value: "a""#,
            r#"spec.texts.a: Invalid value: "integer": spec.texts.a in body must be of type string: "integer""#,
        ]
    );
    let missing = rules::object(&schema(), &json!({"spec": {}}));
    assert_eq!(missing[0].to_string(), "spec.size: Required value");
}

#[test]
fn column_shows_the_first_value_at_its_path() {
    let object = json!({"status": {"conditions": [
        {"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True"},
    ], "names": ["a", "b"]}});
    let at = |path: &str| columns::first(&object, path).cloned();
    assert_eq!(at(r#".status.conditions[?(@.type=="Ready")].status"#), Some(json!("True")));
    assert_eq!(at(".status.names[1]"), Some(json!("b")));
    assert_eq!(at(".status.names[*]"), Some(json!("a")));
    assert_eq!(at(".status.nothing.here"), None);
}
