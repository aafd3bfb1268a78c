//! What is decided about an object, case by case.

use crate::support::{answer, arguments, kind};
use cluster::{json, ownership};
use plans::{ObjectKey, Op, Problem, Recorded};
use provider::{Observation, PlanRequest, Planned, Preview};
use std::collections::BTreeSet;
use values::{Path, Value};

/// A plan of one object; what is not said is as in a quiet cluster.
pub(crate) struct Case {
    kind: &'static str,
    args: Option<String>,
    observed: Observation,
    preview: Option<Preview>,
    asked: Option<Op>,
    recorded: Option<&'static str>,
    ignore: Vec<Path>,
    created: BTreeSet<ObjectKey>,
}

const SETTINGS: &str = r#"
    namespace = "a"
    name      = "settings"
    data      = { color = "blue" }
"#;

pub(crate) fn settings() -> Case {
    Case {
        kind: "config_map",
        args: Some(SETTINGS.to_owned()),
        observed: Observation::Absent,
        preview: None,
        asked: None,
        recorded: None,
        ignore: Vec::new(),
        created: BTreeSet::new(),
    }
}

impl Case {
    pub(crate) fn wanting(self, args: &str) -> Self {
        Self { args: Some(args.to_owned()), ..self }
    }

    pub(crate) fn of_kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    fn unwanted(self) -> Self {
        Self { args: None, ..self }
    }

    pub(crate) fn live(self, json: &str) -> Self {
        Self { observed: Observation::Present(object(json)), ..self }
    }

    fn would(self, json: &str) -> Self {
        Self { preview: Some(Preview::Would(object(json))), ..self }
    }

    pub(crate) fn refused(self, json: &str) -> Self {
        Self { preview: Some(Preview::Refused(object(json))), ..self }
    }

    fn asked(self, op: Op) -> Self {
        Self { asked: Some(op), ..self }
    }

    pub(crate) fn remembered(self, uid: &'static str) -> Self {
        Self { recorded: Some(uid), ..self }
    }

    pub(crate) fn ignoring(mut self, path: Path) -> Self {
        self.ignore.push(path);
        self
    }

    pub(crate) fn creating(mut self, key: &str) -> Self {
        self.created.insert(ObjectKey(key.into()));
        self
    }

    pub(crate) fn plan(&self) -> Planned {
        let kind = kind(self.kind);
        // An object that is not wanted any more is known by the identity that was recorded.
        let text = self.args.clone().unwrap_or_else(|| SETTINGS.to_owned());
        let args = arguments(kind.schema(), &text);
        let identity = kind.identify(&args).unwrap();
        let recorded = self.recorded.map(|uid| Recorded {
            identity: identity.clone(),
            uid: Some(uid.to_owned()),
            digest: String::new(),
            needs: Vec::new(),
            protected: false,
        });
        kind.plan(&PlanRequest {
            identity: &identity,
            desired: self.args.as_ref().map(|_| &args),
            observed: &self.observed,
            recorded: recorded.as_ref(),
            preview: self.preview.as_ref(),
            asked: self.asked.as_ref(),
            ignore: &self.ignore,
            created: &self.created,
            project: "shop",
            protect: false,
            release: false,
            wait: None,
        })
    }

    #[track_caller]
    pub(crate) fn is(&self, expected: &str) {
        let lines = expected.lines().map(str::trim).filter(|line| !line.is_empty());
        let found = answer(&self.plan());
        let found_lines = found.lines().map(str::trim).collect::<Vec<_>>();
        assert_eq!(found_lines, lines.collect::<Vec<_>>(), "\n{found}\n");
    }

    /// Some lines of the answer.
    fn has(&self, lines: &[&str]) {
        let found = answer(&self.plan());
        for line in lines {
            assert!(found.lines().any(|l| l.trim() == *line), "no `{line}` in\n{found}\n");
        }
    }
}

/// JSON with `SET` for the set of project `shop`.
pub(crate) fn object(text: &str) -> Value {
    json::parse(&text.replace("SET", &ownership::set_id("shop"))).unwrap()
}

/// The `ConfigMap` as clinch applied it, with this data, labels, owned keys and more metadata.
fn config_map(data: &str, owned: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion": "v1", "kind": "ConfigMap", "data": {data}, "metadata": {{
            "name": "settings", "namespace": "a", "uid": "u1", "resourceVersion": "7", {more}
            "labels": {{"app.kubernetes.io/managed-by": "clinch",
                        "applyset.kubernetes.io/part-of": "SET"}},
            "managedFields": [{{"manager": "clinch", "operation": "Apply", "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": {{
                    "f:data": {{{owned}}},
                    "f:metadata": {{"f:labels": {{"f:app.kubernetes.io/managed-by": {{}},
                        "f:applyset.kubernetes.io/part-of": {{}}}}}}}}}}]}}}}"#
    )
}

fn applied(data: &str) -> String {
    config_map(data, r#""f:color": {}"#, "")
}

#[test]
fn unreachable_object_is_reported_and_neither_created_nor_deleted() {
    let problem =
        Problem::error(diags::Code("E0700"), "Server is down", Path::root(), "No answer.");
    let unknown = || Observation::Unknown(problem.clone());
    let expected = "Error E0700 at ``: Server is down: No answer.";
    Case { observed: unknown(), ..settings() }.is(expected);
    Case { observed: unknown(), ..settings().unwanted() }.is(expected);
    Case { preview: Some(Preview::Unknown(problem.clone())), ..settings() }.is(expected);
}

#[test]
fn new_object_is_shown_as_the_server_would_make_it() {
    settings().is("ask: create ConfigMap a/settings guard null");
    settings().would(&applied(r#"{"color": "blue", "added": "by a webhook"}"#)).is(r#"
            Create (the server said so)
            + apiVersion = "v1"
            + data.added = "by a webhook"
            + data.color = "blue"
            + kind = "ConfigMap"
            + metadata.name = "settings"
            + metadata.namespace = "a"
            op: create ConfigMap a/settings guard null
        "#);
}

#[test]
fn object_in_a_namespace_of_the_same_plan_is_created_without_asking() {
    let case = settings().creating("Namespace//a");
    case.is(r#"
        Create (not verified: namespace `a` is created by this plan)
        + apiVersion = "v1"
        + data.color = "blue"
        + kind = "ConfigMap"
        + metadata.name = "settings"
        + metadata.namespace = "a"
        op: create ConfigMap a/settings guard null
    "#);
    let Planned::Decided(decision) = case.plan() else { panic!() };
    assert_eq!(decision.ops[0].args.get("verify"), Some(&true.into()));
    assert!(decision.exported.get("uid").is_some_and(|uid| !uid.is_known()));
}

#[test]
fn object_of_a_kind_that_the_same_plan_brings_is_created_unverified() {
    let widget = r#"manifest = {
        apiVersion = "example.com/v1", kind = "Widget", metadata = { name = "w" }
    }"#;
    let case = settings().of_kind("object").wanting(widget);
    case.is("ask: create Widget w guard null");
    let case = case
        .refused(r#"{"code": 404, "non_json": true, "message": "404 page not found"}"#)
        .creating("example.com/Widget");
    assert!(answer(&case.plan()).starts_with("Create (not verified: kind `Widget` is created"));
    let Planned::Decided(decision) = case.plan() else { panic!() };
    assert_eq!(decision.ops[0].args.get("verify"), Some(&true.into()));
}

#[test]
fn what_was_applied_is_proven_unchanged_without_asking() {
    settings().live(&applied(r#"{"color": "blue", "theirs": "x"}"#)).is("NoOp (proven)");
}

#[test]
fn changed_field_is_shown_with_old_and_new_value_and_foreign_fields_are_not() {
    let case = settings().live(&applied(r#"{"color": "red", "theirs": "x"}"#));
    assert!(answer(&case.plan()).starts_with("ask: apply ConfigMap a/settings guard {"));
    let case = case.would(&applied(r#"{"color": "blue", "theirs": "x"}"#));
    let Planned::Decided(decision) = case.plan() else { panic!() };
    let guard = &decision.ops[0].guard;
    assert_eq!(guard.get("uid"), Some(&"u1".into()));
    assert_eq!(guard.get("resource_version"), Some(&"7".into()));
    let owned = guard.get("owned").unwrap();
    assert_eq!(format!("{:?}", owned.get("data")), r#"Some({"color": "red"})"#);
    let text = answer(&case.plan());
    assert_eq!(
        text.lines().take(2).collect::<Vec<_>>(),
        ["Update (the server said so)", "  ~ data.color = \"red\" -> \"blue\""]
    );
}

#[test]
fn answer_of_the_server_without_a_difference_is_no_change() {
    let live = config_map(r#"{"color": "blue"}"#, r#""f:size": {}"#, r#""generation": 4,"#);
    let same = config_map(r#"{"color": "blue"}"#, r#""f:color": {}"#, r#""generation": 5,"#);
    settings().live(&live).would(&same).is("NoOp (the server said so)");
}

#[test]
fn field_that_the_server_changes_is_warned_about_at_its_argument() {
    let case =
        settings().live(&applied(r#"{"color": "red"}"#)).would(&applied(r#"{"color": "BLUE"}"#));
    let text = answer(&case.plan());
    assert!(
        text.ends_with(
            "Warning E0731 at `data.color`: Server changes a field: The configuration wants \
             `blue` for `data.color`, and the server makes it `BLUE`: a webhook or a rule of the \
             server changes or ignores it."
        ),
        "{text}"
    );
}

#[test]
fn object_that_nobody_declared_here_is_not_taken_over() {
    let theirs = r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": "blue"},
        "metadata": {"name": "settings", "namespace": "a", "uid": "u9"}}"#;
    let expected = "Error E0721 at ``: Object already exists: ConfigMap a/settings exists already \
         and was not created by this configuration. [Remove the block to leave the object as it \
         is, or delete the object first to have it created anew.]";
    settings().live(theirs).is(expected);
    settings().live(theirs).remembered("u1").is(expected);
    // The state remembers having created this very object: someone took our labels off.
    let text = answer(&settings().live(theirs).remembered("u9").plan());
    assert!(text.starts_with("ask:"), "{text}");
}

#[test]
fn object_of_another_project_is_left_alone_and_the_project_is_named() {
    let other = applied(r#"{"color": "red"}"#).replace("SET", &ownership::set_id("bank"));
    let (bank, shop) = (ownership::set_id("bank"), ownership::set_id("shop"));
    let detail = format!(
        "Error E0722 at ``: Object of another project: ConfigMap a/settings belongs to another \
         project: its label `applyset.kubernetes.io/part-of` says `{bank}`, and project `shop` is \
         `{shop}`."
    );
    settings().live(&other).is(&format!("{detail} [Manage it in one project only.]"));
    let forget = "[Forget it with `clinch state rm ADDRESS`; the object stays as it is.]";
    settings().live(&other).unwanted().is(&format!("{detail} {forget}"));
}

#[test]
fn object_that_is_being_deleted_blocks_and_names_what_it_waits_on() {
    let going = config_map(
        r#"{"color": "blue"}"#,
        r#""f:color": {}"#,
        r#""deletionTimestamp": "2026-01-02T03:04:05Z", "finalizers": ["example.com/hold"],"#,
    );
    settings().live(&going).is(
        "Error E0723 at ``: Object is being deleted: ConfigMap a/settings is being deleted since \
         2026-01-02T03:04:05Z and waits on finalizers `example.com/hold`. [Plan again once it is \
         gone.]",
    );
}

#[test]
fn object_created_again_by_someone_is_noted_and_planned() {
    settings()
        .live(&applied(r#"{"color": "blue"}"#))
        .remembered("u0")
        .is("NoOp (proven)\nnote at ``: it was deleted and created again since the last apply");
}

#[test]
fn labels_of_ownership_are_shown_only_when_they_change() {
    let bare = r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": "blue"}, "metadata":
        {"name": "settings", "namespace": "a", "uid": "u1", "resourceVersion": "7", "managedFields":
            [{"manager": "clinch", "operation": "Apply", "apiVersion": "v1",
              "fieldsV1": {"f:data": {"f:color": {}}}}]}}"#;
    let case = settings().live(bare).would(&applied(r#"{"color": "blue"}"#));
    let text = answer(&case.plan());
    assert!(
        text.contains("+ metadata.labels[\"app.kubernetes.io/managed-by\"] = \"clinch\""),
        "{text}"
    );
}

/// A conflict about the colour with this manager.
fn conflict(manager: &str) -> String {
    format!(
        r#"{{"code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "causes": [{{"reason": "FieldManagerConflict", "field": ".data.color",
                "message": "conflict with \"{manager}\" using v1"}}]}}"#
    )
}

#[test]
fn each_conflict_names_the_field_the_manager_and_both_values() {
    for manager in ["colour-controller", "kubectlike", "helm"] {
        settings().live(&applied(r#"{"color": "red"}"#)).refused(&conflict(manager)).is(&format!(
            "Error E0724 at `data.color`: Field of another manager: `data.color` of ConfigMap \
             a/settings belongs to the field manager `{manager}` and is `red`; the configuration \
             wants `blue`. [Remove the argument to leave the field to `{manager}`, or list it in \
             `ignore_changes`, or let `{manager}` give it up.]"
        ));
    }
}

#[test]
fn field_that_a_person_changed_by_hand_is_taken_back_in_the_open() {
    for manager in ["kubectl-edit", "kubectl", "k9s"] {
        let case = || settings().live(&applied(r#"{"color": "red"}"#));
        let Planned::NeedsPreview(op) = case().refused(&conflict(manager)).plan() else { panic!() };
        assert_eq!(op.args.get("force"), Some(&true.into()));
        let taken = case().asked(op).would(&applied(r#"{"color": "blue"}"#)).plan();
        let text = answer(&taken);
        assert!(text.contains("~ data.color = \"red\" -> \"blue\""), "{text}");
        let note =
            format!("note at `data.color`: changed by hand (`{manager}`); an apply takes it back");
        assert!(text.contains(&note), "{text}");
        let Planned::Decided(decision) = taken else { panic!() };
        assert_eq!(decision.ops[0].args.get("force"), Some(&true.into()));
    }
    // One controller among the owners, and nothing is taken.
    let both = conflict("kubectl-edit").replace(
        "[{",
        r#"[{"reason": "FieldManagerConflict", "field": ".data.size",
             "message": "conflict with \"a-controller\" using v1"}, {"#,
    );
    let text = answer(&settings().live(&applied(r#"{"color": "red"}"#)).refused(&both).plan());
    assert_eq!(text.matches("Error E0724").count(), 2, "{text}");
}

#[test]
fn object_that_moved_between_reading_and_asking_must_be_planned_again() {
    settings()
        .live(&applied(r#"{"color": "red"}"#))
        .refused(
            r#"{"code": 409, "reason": "Conflict", "causes": [],
                "message": "the object has been modified"}"#,
        )
        .is("Error E0725 at ``: Object moved while planning: ConfigMap a/settings was changed by \
             someone else while the plan was made: the object has been modified [Plan again.]");
}

#[test]
fn field_that_cannot_change_in_place_replaces_the_object() {
    let quota = r#"
        namespace = "a"
        name      = "settings"
        hard      = { pods = 3 }
        scopes    = ["Terminating"]
    "#;
    let live = r#"{"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "settings",
        "namespace": "a", "uid": "u1", "labels": {"applyset.kubernetes.io/part-of": "SET",
        "app.kubernetes.io/managed-by": "clinch"}}, "spec": {"hard": {"pods": "3"}}}"#;
    settings()
        .of_kind("resource_quota")
        .wanting(quota)
        .live(live)
        .refused(
            r#"{"code": 422, "reason": "Invalid", "message": "is invalid", "causes": [{
                "reason": "FieldValueInvalid", "field": "spec.scopes",
                "message": "Invalid value: [\"Terminating\"]: field is immutable"}]}"#,
        )
        .is(r#"
            Replace (not verified: the server cannot be asked about the new object while the old one exists)
            replaced for `scopes`
            + spec.scopes[0] = "Terminating"
            foreign guard: none of its fields is ours any more
            op: delete ResourceQuota a/settings guard {"uid": "u1"}
            op: create ResourceQuota a/settings guard null
        "#);
}

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
fn missing_namespace_is_named_with_the_block_that_declares_it() {
    settings()
        .refused(
            r#"{"code": 404, "reason": "NotFound", "causes": [],
                "message": "namespaces \"a\" not found"}"#,
        )
        .is("Error E0728 at `namespace`: Namespace does not exist: The namespace `a` does not \
             exist, and this configuration does not create it. [Declare it: resource \
             \"namespace\" \"a\" { name = \"a\" }]");
}

#[test]
fn kind_that_the_server_does_not_serve_is_named() {
    let widget = r#"manifest = {
        apiVersion = "example.com/v1", kind = "Widget", metadata = { name = "w" }
    }"#;
    settings()
        .of_kind("object")
        .wanting(widget)
        .refused(r#"{"code": 404, "non_json": true, "message": "404 page not found"}"#)
        .is("Error E0729 at `manifest.kind`: Kind does not exist: The server knows no kind \
             `Widget` in `example.com/v1`: nothing is served there. [Check `apiVersion` and \
             `kind`; a custom resource needs its CustomResourceDefinition in the cluster or in \
             this configuration.]");
}

/// What a server says to whoever may only read.
fn lacking(verb: &str) -> String {
    format!(
        r#"{{"code": 403, "reason": "Forbidden", "message": "configmaps \"settings\" is forbidden: User \"ci\" cannot {verb} resource \"configmaps\" in API group \"\" in the namespace \"a\""}}"#
    )
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

#[test]
fn gone_object_is_forgotten_and_present_one_deleted_by_its_uid() {
    settings().unwanted().is("Forget (compared here)");
    let present = || settings().unwanted().live(&applied(r#"{"color": "blue"}"#)).remembered("u1");
    present().is(r#"ask: delete ConfigMap a/settings guard {"uid": "u1"}"#);
    present().would("{}").is(r#"
        Delete (compared here)
        - apiVersion = "v1"
        - data.color = "blue"
        - kind = "ConfigMap"
        - metadata.name = "settings"
        - metadata.namespace = "a"
        op: delete ConfigMap a/settings guard {"uid": "u1"}
    "#);
}

#[test]
fn object_that_is_shared_or_owned_or_wants_to_be_kept_is_guarded() {
    let live = |metadata: &str, entries: &str| {
        format!(
            r#"{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "settings",
                "namespace": "a", "uid": "u1", "labels": {{"applyset.kubernetes.io/part-of": "SET"}},
                {metadata}
                "managedFields": [{{"manager": "clinch", "operation": "Apply", "apiVersion": "v1",
                "fieldsV1": {{"f:data": {{"f:k": {{}}}}}}}}{entries}]}}, "data": {{"k": "1"}}}}"#
        )
    };
    let guards = |live: &str| {
        let case = settings().unwanted().live(live).remembered("u1").would("{}");
        let Planned::Decided(decision) = case.plan() else { panic!("not decided") };
        let told = decision.guards.iter().map(|g| format!("{}: {}", g.kind.name(), g.why));
        told.collect::<Vec<_>>()
    };
    assert_eq!(guards(&live("", "")), [""; 0]);
    let owner = r#""ownerReferences": [{"kind": "Deployment", "name": "web"}],"#;
    assert_eq!(
        guards(&live(owner, "")),
        ["foreign: it belongs to Deployment web (ownerReferences)"]
    );
    let applies = |manager: &str| {
        format!(r#", {{"manager": "{manager}", "operation": "Apply", "fieldsV1": {{}}}}"#)
    };
    assert_eq!(
        guards(&live("", &applies("argocd"))),
        ["foreign: `argocd` applies fields of it, too"]
    );
    // What a person applied by hand is drift, and no other owner.
    assert_eq!(guards(&live("", &applies("kubectl"))), [""; 0]);
    let keep = r#""annotations": {"cli-utils.sigs.k8s.io/on-remove": "keep"},"#;
    assert_eq!(
        guards(&live(keep, "")),
        ["kept: its annotation `cli-utils.sigs.k8s.io/on-remove: keep` asks for it to be kept"]
    );
    let protected = r#""annotations": {"clinch.dev/prevent-destroy": "true"},"#;
    assert_eq!(
        guards(&live(protected, "")),
        ["protected: its annotation `clinch.dev/prevent-destroy` says so"]
    );
}

#[test]
fn object_that_is_not_the_one_that_was_created_is_not_deleted() {
    let forget = "[Forget it with `clinch state rm ADDRESS`; the object stays as it is.]";
    settings().unwanted().live(&applied("{}")).remembered("u0").is(&format!(
        "Error E0730 at ``: Object must not be deleted: ConfigMap a/settings was deleted and \
         created again by someone else since the last apply: it is not the object that this \
         configuration created. {forget}"
    ));
    let theirs = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"uid": "u1"}}"#;
    settings().unwanted().live(theirs).remembered("u1").is(&format!(
        "Error E0730 at ``: Object must not be deleted: ConfigMap a/settings does not say any \
         more that it belongs to this project. {forget}"
    ));
}

#[test]
fn namespace_that_does_not_go_says_what_is_still_in_it() {
    let going = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a",
        "uid": "u1", "deletionTimestamp": "2026-01-01T00:00:00Z", "labels": {
            "app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET"}},
        "status": {"phase": "Terminating", "conditions": [
            {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "no"},
            {"type": "NamespaceContentRemaining", "status": "True",
             "message": "Some resources are remaining: widgets.example.com has 1 resource instances"},
            {"type": "NamespaceFinalizersRemaining", "status": "True",
             "message": "Some content has finalizers remaining: example.com/hold in 1 resource instances"}]}}"#;
    settings().of_kind("namespace").wanting("name = \"a\"").live(going).is(
        "Error E0723 at ``: Object is being deleted: Namespace a is being deleted since \
         2026-01-01T00:00:00Z and waits: Some resources are remaining: widgets.example.com has 1 \
         resource instances; Some content has finalizers remaining: example.com/hold in 1 resource \
         instances. [Plan again once it is gone.]",
    );
}

#[test]
fn deletion_that_the_server_would_refuse_is_told_in_the_plan() {
    let case = |refusal: &str| settings().unwanted().live(&applied("{}")).refused(refusal);
    case(r#"{"code": 403, "message": "admission webhook \"keep\" denied the request: kept"}"#).is(
        "Error E0726 at ``: The server refuses the deletion: ConfigMap a/settings would not be \
         deleted: admission webhook \"keep\" denied the request: kept",
    );
    case(&lacking("delete")).is(r#"
        Delete (predicted: `ci` may not delete configmaps in namespace `a`)
        - apiVersion = "v1"
        - data = {}
        - kind = "ConfigMap"
        - metadata.name = "settings"
        - metadata.namespace = "a"
        op: delete ConfigMap a/settings guard {"uid": "u1"}
    "#);
    let gone = case(r#"{"code": 404, "message": "not found"}"#).plan();
    assert!(answer(&gone).starts_with("Delete"), "{}", answer(&gone));
}

#[test]
fn namespace_that_the_cluster_needs_is_never_deleted() {
    let kind = kind("namespace");
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let args = arguments(kind.schema(), &format!("name = \"{name}\""));
        let identity = kind.identify(&args).unwrap();
        let live = object(&applied("{}"));
        let planned = kind.plan(&PlanRequest {
            identity: &identity,
            desired: None,
            observed: &Observation::Present(live),
            recorded: None,
            preview: None,
            asked: None,
            ignore: &[],
            created: &BTreeSet::new(),
            project: "shop",
            protect: false,
            release: false,
            wait: None,
        });
        let text = answer(&planned);
        assert!(
            text.contains(&format!("A cluster cannot do without the namespace `{name}`")),
            "{text}"
        );
    }
}

#[test]
fn ignored_argument_keeps_what_the_cluster_has() {
    let live = config_map(r#"{"color": "red", "theirs": "x"}"#, r#""f:color": {}"#, "");
    for path in ["data", "data.color"] {
        settings().live(&live).ignoring(Path::of(path)).is("NoOp (proven)");
    }
    // It does not exist yet: then the configuration counts.
    let created = settings().ignoring(Path::of("data")).would(&applied(r#"{"color": "blue"}"#));
    assert!(answer(&created.plan()).contains("+ data.color = \"blue\""));
}

/// An autoscaler took the replicas over and a person another image: neither is asked for
/// again, and what we still own of the ignored parts is not dropped.
#[test]
fn ignored_field_that_another_manager_took_over_is_not_claimed_back() {
    let live = |image_owned: &str| {
        format!(
            r#"{{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {{
                "name": "d", "namespace": "a", "uid": "u1", "resourceVersion": "7",
                "labels": {{"app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET"}},
                "managedFields": [{{"manager": "clinch", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {{
                    "f:metadata": {{"f:labels": {{"f:app.kubernetes.io/managed-by": {{}}, "f:applyset.kubernetes.io/part-of": {{}}}}}},
                    "f:spec": {{"f:template": {{"f:spec": {{"f:containers": {{
                        "k:{{\"name\":\"c\"}}": {{".": {{}}, "f:name": {{}}{image_owned}}}}}}}}}}}}}}}]}},
                "spec": {{"replicas": 5, "template": {{"spec": {{"containers": [
                    {{"name": "sidecar", "image": "s:1"}}, {{"name": "c", "image": "i:2"}}]}}}}}}}}"#
        )
    };
    let deployment = r#"manifest = {
        apiVersion = "apps/v1", kind = "Deployment", metadata = { name = "d", namespace = "a" }
        spec = { replicas = 2, template = { spec = { containers = [{ name = "c", image = "i:1" }] } } }
    }"#;
    let containers = Path::of("manifest.spec.template.spec.containers");
    for image_owned in ["", r#", "f:image": {}"#] {
        settings()
            .of_kind("object")
            .wanting(deployment)
            .live(&live(image_owned))
            .ignoring(Path::of("manifest.spec.replicas"))
            .ignoring(containers.clone().index(0).attr("image"))
            .is("NoOp (proven)");
    }
}

#[test]
fn ignored_block_stands_for_all_its_parts() {
    let live = r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "uid": "u1",
        "labels": {"app.kubernetes.io/managed-by": "clinch", "applyset.kubernetes.io/part-of": "SET",
            "pod-security.kubernetes.io/enforce": "restricted"},
        "managedFields": [{"manager": "clinch", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {
            "f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {},
                "f:applyset.kubernetes.io/part-of": {}}}}}]}}"#;
    let args = "name = \"a\"\npod_security {\n enforce = \"baseline\"\n}";
    let case = settings().of_kind("namespace").wanting(args).live(live);
    case.ignoring(Path::of("pod_security")).is("NoOp (proven)");
}

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
