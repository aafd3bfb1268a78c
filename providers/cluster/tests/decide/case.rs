//! A plan of one object, as a test says it.

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

pub(crate) const SETTINGS: &str = r#"
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

    pub(crate) fn unwanted(self) -> Self {
        Self { args: None, ..self }
    }

    pub(crate) fn live(self, json: &str) -> Self {
        Self { observed: Observation::Present(object(json)), ..self }
    }

    /// The server cannot be read.
    pub(crate) fn unread(self, why: &Problem) -> Self {
        Self { observed: Observation::Unknown(why.clone()), ..self }
    }

    /// The server cannot be asked.
    pub(crate) fn unasked(self, why: &Problem) -> Self {
        Self { preview: Some(Preview::Unknown(why.clone())), ..self }
    }

    pub(crate) fn would(self, json: &str) -> Self {
        Self { preview: Some(Preview::Would(object(json))), ..self }
    }

    pub(crate) fn refused(self, json: &str) -> Self {
        Self { preview: Some(Preview::Refused(object(json))), ..self }
    }

    pub(crate) fn asked(self, op: Op) -> Self {
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
            adopt: false,
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
    pub(crate) fn has(&self, lines: &[&str]) {
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
pub(crate) fn config_map(data: &str, owned: &str, more: &str) -> String {
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

pub(crate) fn applied(data: &str) -> String {
    config_map(data, r#""f:color": {}"#, "")
}

/// What a server says to whoever may only read.
pub(crate) fn lacking(verb: &str) -> String {
    format!(
        r#"{{"code": 403, "reason": "Forbidden", "message": "configmaps \"settings\" is forbidden: User \"ci\" cannot {verb} resource \"configmaps\" in API group \"\" in the namespace \"a\""}}"#
    )
}
