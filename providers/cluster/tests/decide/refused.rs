//! What the server says no to, and what whoever plans may not ask.

use super::*;

#[test]
fn refused_value_is_an_error_at_its_argument() {
    settings()
        .refused(
            r#"{"code": 422, "reason": "Invalid", "message": "is invalid", "causes": [
                {"reason": "FieldValueInvalid", "field": "metadata.labels",
                 "message": "Invalid value: \"?\": a valid label"},
                {"reason": "FieldValueForbidden", "field": "data[color]",
                 "message": "Forbidden: field is immutable when `immutable` is set"}]}"#,
        )
        .is("Error E0726 at `labels`: The server refuses the object: ConfigMap a/settings: \
             `metadata.labels`: Invalid value: \"?\": a valid label
             Error E0726 at `data.color`: The server refuses the object: ConfigMap a/settings: \
             `data[color]`: Forbidden: field is immutable when `immutable` is set");
}

#[test]
fn field_that_the_schema_does_not_have_is_an_error_at_its_argument() {
    let deployment = r#"manifest = {
        apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "d", namespace = "a" }
        spec = { replica = 3 }
    }"#;
    settings()
        .of_kind("object")
        .wanting(deployment)
        .refused(
            r#"{"code": 500, "reason": "", "causes": [], "message":
                "failed to create typed patch object (a/d; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema"}"#,
        )
        .is("Error E0726 at `manifest.spec.replica`: The server refuses the object: Deployment \
             a/d: `spec.replica`: field not declared in schema");
}

#[test]
fn what_may_only_be_read_is_compared_here_and_never_called_equal() {
    let live = |fields: &str| applied(fields);
    // A value of ours that differs is laid over what is there.
    let other = live(r#"{"color": "red"}"#);
    settings().live(&other).remembered("u1").refused(&lacking("patch")).has(&[
        "Update (predicted: `ci` may not patch configmaps in namespace `a`)",
        r#"~ data.color = "red" -> "blue""#,
    ]);
    // What is ours and no longer wanted goes.
    let more =
        config_map(r#"{"color": "blue", "size": "1"}"#, r#""f:color": {}, "f:size": {}"#, "");
    settings().live(&more).remembered("u1").refused(&lacking("patch")).has(&[
        "Update (predicted: `ci` may not patch configmaps in namespace `a`)",
        r#"- data.size = "1""#,
    ]);
}

#[test]
fn missing_rights_and_refusals_of_admission_are_told_apart() {
    settings().refused(&lacking("patch")).is(r#"
            Create (predicted: `ci` may not patch configmaps in namespace `a`)
            + apiVersion = "v1"
            + data.color = "blue"
            + kind = "ConfigMap"
            + metadata.name = "settings"
            + metadata.namespace = "a"
            op: create ConfigMap a/settings guard null
        "#);
    settings()
        .refused(r#"{"code": 403, "reason": "Forbidden", "message": "exceeded quota: counts"}"#)
        .is(
            "Error E0726 at ``: Refused by admission: ConfigMap a/settings: exceeded quota: counts",
        );
}
