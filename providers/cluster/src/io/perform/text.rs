//! One text of a `ConfigMap` that is somebody else's, and the annotation that says what of it is
//! ours: one patch for both.
//!
//! Not an apply: the whole text is one field, of which only some lines are ours. The patch is for
//! the very version that was looked at, and only while the text is as it was planned over.

use crate::io::object::{Named, broken, flag, meta, text};
use crate::io::perform::{sentence, unread};
use crate::io::target::config_maps;
use crate::ownership::MANAGER;
use access::{Cluster, ClusterError, JsonPatch, digest};
use plans::{Op, Problem};
use provider::{Performed, StepError};
use serde_json::{Value as Json, json};
use values::Value;

/// How often the object may move under our hands.
const TRIES: usize = 5;

/// What is set, and the digests of what it is set over.
struct Wanted<'a> {
    key: &'a str,
    text: &'a str,
    annotation: &'a str,
    /// `None`: the annotation goes.
    record: Option<&'a str>,
    over_text: &'a str,
    over_record: Option<&'a str>,
    release: bool,
}

impl<'a> Wanted<'a> {
    fn of(op: &'a Op) -> Result<Self, Problem> {
        let needed = |of: &'a Value, name: &str| {
            text(of, name).ok_or_else(|| broken(format!("`{}` has no `{name}`.", op.text)))
        };
        Ok(Self {
            key: needed(&op.args, "key")?,
            text: needed(&op.args, "text")?,
            annotation: needed(&op.args, "annotation")?,
            record: text(&op.args, "record"),
            over_text: needed(&op.guard, "text")?,
            over_record: text(&op.guard, "record"),
            release: flag(&op.args, "release"),
        })
    }

    fn text_of<'o>(&self, object: &'o Json) -> Option<&'o str> {
        object["data"][self.key].as_str()
    }

    fn record_of<'o>(&self, object: &'o Json) -> Option<&'o str> {
        object["metadata"]["annotations"][self.annotation].as_str()
    }

    fn holds(&self, object: &Json) -> bool {
        self.text_of(object) == Some(self.text) && self.record_of(object) == self.record
    }

    /// What is not as it was planned over.
    fn otherwise(&self, object: &Json) -> Option<String> {
        let is = |now: Option<&str>, over: Option<&str>| {
            now.map(|text| digest(text.as_bytes())).as_deref() == over
        };
        if !is(self.text_of(object), Some(self.over_text)) {
            return Some(format!("its `{}`", self.key));
        }
        let same = is(self.record_of(object), self.over_record);
        (!same).then(|| "what of it is whose".to_owned())
    }

    /// The operations on this very version of the object.
    fn patch(&self, object: &Json) -> Json {
        let at = &object["metadata"];
        let (uid, version) = (&at["uid"], &at["resourceVersion"]);
        let annotation = format!("/metadata/annotations/{}", escape(self.annotation));
        let mut ops = vec![
            json!({"op": "test", "path": "/metadata/uid", "value": uid}),
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
            json!({"op": "add", "path": format!("/data/{}", escape(self.key)), "value": self.text}),
        ];
        match self.record {
            Some(record) => {
                if !at["annotations"].is_object() {
                    ops.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
                }
                ops.push(json!({"op": "add", "path": annotation, "value": record}));
            }
            None if self.record_of(object).is_some() => {
                ops.push(json!({"op": "remove", "path": annotation}));
            }
            None => {}
        }
        Json::from(ops)
    }

    fn performed(&self, object: &Json) -> Performed {
        let uid = meta(object, "uid").filter(|_| !self.release).map(str::to_owned);
        Performed { exported: Value::Null, uid }
    }
}

/// One name as a part of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

pub(super) async fn set(cluster: &Cluster, op: &Op, named: &Named) -> Result<Performed, StepError> {
    let wanted = Wanted::of(op).map_err(StepError::Refused)?;
    let mut tries = 0;
    loop {
        let object = match cluster.get(&config_maps(), named.namespace(), &named.name).await {
            Ok(object) => object,
            // With the object what was ours of it is gone.
            Err(error) if error.is_object_not_found() && wanted.release => {
                return Ok(Performed { exported: Value::Null, uid: None });
            }
            Err(error) if error.is_object_not_found() => {
                return Err(StepError::Stale(format!(
                    "{} does not exist any more.",
                    named.shown()
                )));
            }
            Err(error) => return Err(unread(&error)),
        };
        if text(&op.guard, "uid").is_some_and(|uid| meta(&object, "uid") != Some(uid)) {
            let why = format!("{} is another one than when it was planned.", named.shown());
            return Err(StepError::Stale(why));
        }
        if wanted.holds(&object) {
            return Ok(wanted.performed(&object));
        }
        if let Some(what) = wanted.otherwise(&object) {
            let shown = named.shown();
            return Err(StepError::Stale(format!(
                "{shown} was changed since the plan was made: {what}."
            )));
        }
        tries += 1;
        match send(cluster, named, &wanted, &object).await {
            Ok(object) => return Ok(wanted.performed(&object)),
            // Something else of it was written in between; then the test of our own patch fails.
            Err(error) if tries < TRIES && matches!(error.code(), Some(409 | 422)) => {}
            Err(error) if error.may_have_taken_effect() => {
                let why = sentence(&error.to_problem());
                return match cluster.get(&config_maps(), named.namespace(), &named.name).await {
                    Ok(object) if wanted.holds(&object) => Ok(wanted.performed(&object)),
                    _ => Err(StepError::InDoubt(why)),
                };
            }
            Err(error) => return Err(StepError::Refused(error.to_problem())),
        }
    }
}

async fn send(
    cluster: &Cluster,
    named: &Named,
    wanted: &Wanted<'_>,
    object: &Json,
) -> Result<Json, ClusterError> {
    let operations = wanted.patch(object);
    let patch =
        JsonPatch { operations: &operations, manager: MANAGER, subresource: None, dry_run: false };
    cluster.json_patch(&config_maps(), named.namespace(), &named.name, patch).await
}

/// Whether an object is as the operation wants it.
pub(in crate::io) fn holds(op: &Op, object: &Json) -> Result<bool, Problem> {
    Wanted::of(op).map(|wanted| wanted.holds(object))
}
