//! What is not known yet, and what must not be seen.

use super::*;
use crate::support::answer;
use cluster::ownership;
use provider::Planned;

#[test]
fn values_known_after_apply_are_shown_as_such_and_verified_later() {
    let late = r#"
        namespace = "a"
        name      = "settings"
        data      = { color = unknown, size = "8" }
    "#;
    settings().wanting(late).live(&applied(r#"{"color": "red", "theirs": "x"}"#)).is(r#"
        Update (not verified: values known after apply)
        ~ data.color = "red" -> (known after apply)
        + data.size = "8"
        op: apply ConfigMap a/settings guard {"owned": {"data": {"color": "red"}, "metadata": {"labels": {"app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET"}}}, "resource_version": "7", "uid": "u1"}
    "#.replace("SET", &ownership::set_id("shop")).as_str());
    let Planned::Decided(decision) = settings().wanting(late).plan() else { panic!() };
    assert!(!decision.ops[0].args.is_known());
    assert_eq!(decision.ops[0].args.get("verify"), Some(&true.into()));
}

#[test]
fn hidden_value_is_hidden_in_the_old_object_the_new_one_the_guard_and_the_refusal() {
    let hidden = r#"
        namespace = "a"
        name      = "settings"
        data      = { color = secret-blue, plain = "x" }
    "#;
    let live = config_map(r#"{"color": "old-red"}"#, r#""f:color": {}"#, "");
    let case = || settings().wanting(hidden).live(&live);
    let would = case().would(&applied(r#"{"color": "secret-blue", "plain": "x"}"#));
    let refused = case().refused(
        r#"{"code": 422, "message": "bad secret-blue", "causes": [
            {"field": "data[color]", "reason": "FieldValueInvalid",
             "message": "Invalid value: \"secret-blue\""}]}"#,
    );
    let conflict = case().refused(
        r#"{"code": 409, "causes": [{"reason": "FieldManagerConflict", "field": ".data.color",
            "message": "conflict with \"them\" using v1"}]}"#,
    );
    for case in [case(), would, refused, conflict] {
        let text = format!("{:?}", case.plan());
        assert!(!text.contains("secret-blue") && !text.contains("old-red"), "{text}");
    }
    let shown = answer(&case().would(&applied(r#"{"color": "secret-blue", "plain": "x"}"#)).plan());
    assert!(shown.contains("~ data.color = (sensitive value) -> (sensitive value)"), "{shown}");
    assert!(shown.contains("\"owned\": null"), "{shown}");
}

#[test]
fn data_of_a_secret_is_hidden_whoever_wrote_it_and_strings_are_encoded() {
    let secret = r#"manifest = {
        apiVersion = "v1", kind = "Secret", metadata = { name = "s", namespace = "a" }
        stringData = { password = "hunter2hunter2" }
    }"#;
    let live = r#"{"apiVersion": "v1", "kind": "Secret", "data": {"password": "b2xkb2xkb2xk"},
        "metadata": {"name": "s", "namespace": "a", "uid": "u1",
            "labels": {"applyset.kubernetes.io/part-of": "SET"}}}"#;
    let case = || settings().of_kind("object").wanting(secret);
    for case in [case(), case().live(live), case().live(live).would(live)] {
        let text = format!("{:?}", case.plan());
        assert!(!text.contains("hunter2") && !text.contains("b2xk"), "{text}");
    }
    let Planned::NeedsPreview(op) = case().plan() else { panic!() };
    let (sent, _) = op.args.get("object").unwrap().exposed();
    assert_eq!(sent.get("data").unwrap().get("password"), Some(&"aHVudGVyMmh1bnRlcjI=".into()));
    assert_eq!(sent.get("stringData"), None);
}

#[test]
fn digest_names_the_intent_and_tells_nothing_of_a_hidden_value() {
    let digest = |text: &str| match settings()
        .wanting(text)
        .live(&applied("{}"))
        .would(&applied("{}"))
        .plan()
    {
        Planned::Decided(decision) => decision.digest,
        other => panic!("{other:?}"),
    };
    let with = |color: &str| {
        format!("namespace = \"a\"\nname = \"settings\"\ndata = {{ color = {color} }}")
    };
    assert_eq!(digest(&with("\"blue\"")), digest(SETTINGS));
    assert_ne!(digest(&with("\"red\"")), digest(SETTINGS));
    assert_eq!(digest(&with("secret-1")), digest(&with("secret-2")));
    // Stable across versions of the program: the state remembers it.
    assert_eq!(
        digest(SETTINGS),
        "sha256:5a8d7d5c1dfc6e41242c03460330d942a37ddbdf4753d36b6aad482d978e1644",
    );
}
