//! Labels, annotations and taints of a node, and whether pods come to it: one patch for all.
//!
//! Not an apply: the taints of a node are one list, which the cluster's controllers write to.
//! The patch is for the very version that was looked at, so that no taint of theirs is lost.

use crate::io::object::{Named, broken, meta, text};
use crate::io::perform::{sentence, unread};
use crate::io::target::nodes;
use crate::ownership::MANAGER;
use crate::settings::RECORD;
use access::{Cluster, ClusterError, JsonPatch, json};
use plans::{Op, Problem};
use provider::{Performed, StepError};
use serde_json::{Map, Value as Json, json};
use values::Value;

/// How often the node may move under our hands.
const TRIES: usize = 5;

/// What is set, and what it is set from, as `kinds/node_settings.rs` writes it.
struct Wanted {
    set: Json,
    from: Json,
}

/// How a node stands to what is wanted.
enum Stands {
    AsWanted,
    AsPlanned,
    /// Something is neither; what.
    Otherwise(String),
}

impl Wanted {
    fn of(op: &Op) -> Result<Self, Problem> {
        let read = |value: &Value| {
            json::to_json_exposing_sensitive(value).map_err(|not_plain| {
                broken(format!("{} cannot be sent: {not_plain}.", op.identity.shown))
            })
        };
        Ok(Self { set: read(&op.args)?, from: read(&op.guard)? })
    }

    /// Everything that is set: the part, its name, what it shall be, and what it was; of what
    /// is hidden that is not said.
    fn all(&self) -> impl Iterator<Item = (&'static str, &str, &Json, Option<&Json>)> {
        let of = move |part: &'static str| {
            let set = self.set[part].as_object().into_iter().flatten();
            set.map(move |(name, want)| (part, name.as_str(), want, self.from[part].get(name)))
        };
        let single = move |part: &'static str| {
            let set = self.set.get(part).into_iter();
            set.map(move |want| (part, "", want, self.from.get(part)))
        };
        ["labels", "annotations", "taints"]
            .into_iter()
            .flat_map(of)
            .chain(["unschedulable", "record"].into_iter().flat_map(single))
    }

    fn stands(&self, node: &Json) -> Stands {
        let mut done = true;
        for (part, name, want, was) in self.all() {
            let now = now(node, part, name);
            if now == *want {
                continue;
            }
            done = false;
            if was.is_some_and(|was| now != *was) {
                return Stands::Otherwise(match part {
                    "record" => "what of it is whose".to_owned(),
                    "unschedulable" => "whether pods come to it".to_owned(),
                    part => format!("`{name}` of its {part}"),
                });
            }
        }
        if done { Stands::AsWanted } else { Stands::AsPlanned }
    }

    /// The operations on this very version of the node.
    fn patch(&self, node: &Json) -> Json {
        let mut ops = vec![
            json!({"op": "test", "path": "/metadata/uid", "value": node["metadata"]["uid"]}),
            json!({
                "op": "test",
                "path": "/metadata/resourceVersion",
                "value": node["metadata"]["resourceVersion"],
            }),
        ];
        let mut there = |path: &str, is: bool| {
            if !is {
                ops.push(json!({"op": "add", "path": path, "value": {}}));
            }
        };
        there("/metadata/labels", node["metadata"]["labels"].is_object());
        there("/metadata/annotations", node["metadata"]["annotations"].is_object());
        there("/spec", node["spec"].is_object());
        for (part, name, want, _) in self.all() {
            let now = now(node, part, name);
            if now == *want {
                continue;
            }
            match part {
                "record" => {
                    ops.push(put(&format!("/metadata/annotations/{}", escape(RECORD)), want));
                }
                "unschedulable" if *want == true => ops.push(put("/spec/unschedulable", want)),
                "unschedulable" => ops.push(put("/spec/unschedulable", &Json::Null)),
                // One list, below.
                "taints" => {}
                part => ops.push(put(&format!("/metadata/{part}/{}", escape(name)), want)),
            }
        }
        if let (Some(taints), changed) = (self.taints(node), &node["spec"]["taints"])
            && taints != list(changed)
        {
            let taints = if taints.is_empty() { Json::Null } else { Json::from(taints) };
            ops.push(put("/spec/taints", &taints));
        }
        Json::from(ops)
    }

    /// All taints that the node has then; `None` when none is set.
    fn taints(&self, node: &Json) -> Option<Vec<Json>> {
        let set = self.set["taints"].as_object()?;
        let mut all = list(&node["spec"]["taints"]);
        for (name, want) in set {
            match all.iter().position(|taint| taint_name(taint) == *name) {
                // One that is as wanted keeps the time at which it was added.
                Some(at) if plain(&all[at]) == *want => {}
                Some(at) if want.is_null() => drop(all.remove(at)),
                Some(at) => all[at] = want.clone(),
                None if want.is_null() => {}
                None => all.push(want.clone()),
            }
        }
        Some(all)
    }
}

fn list(value: &Json) -> Vec<Json> {
    value.as_array().cloned().unwrap_or_default()
}

/// Adding replaces what is there; a null takes it away.
fn put(path: &str, value: &Json) -> Json {
    if value.is_null() {
        json!({"op": "remove", "path": path})
    } else {
        json!({"op": "add", "path": path, "value": value})
    }
}

/// One name as a part of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn taint_name(taint: &Json) -> String {
    let text = |name: &str| taint[name].as_str().unwrap_or("");
    format!("{}:{}", text("key"), text("effect"))
}

/// A taint without the time at which it was added.
fn plain(taint: &Json) -> Json {
    let parts = ["key", "value", "effect"].into_iter();
    let parts = parts.filter(|name| taint[*name].as_str().is_some_and(|text| !text.is_empty()));
    Json::Object(parts.map(|name| (name.to_owned(), taint[name].clone())).collect::<Map<_, _>>())
}

/// What a node has of one thing; null for nothing.
fn now(node: &Json, part: &str, name: &str) -> Json {
    match part {
        "taints" => {
            let all = node["spec"]["taints"].as_array().into_iter().flatten();
            all.into_iter().find(|taint| taint_name(taint) == name).map_or(Json::Null, plain)
        }
        "unschedulable" => Json::from(node["spec"]["unschedulable"] == true),
        "record" => node["metadata"]["annotations"][RECORD].clone(),
        part => node["metadata"][part][name].clone(),
    }
}

pub(super) async fn set(cluster: &Cluster, op: &Op, named: &Named) -> Result<Performed, StepError> {
    let wanted = Wanted::of(op).map_err(StepError::Refused)?;
    let gone = || Ok(Performed { exported: Value::Null, uid: None });
    let mut tries = 0;
    loop {
        let node = match cluster.get(&nodes(), None, &named.name).await {
            Ok(node) => node,
            // With the node what was ours of it is gone.
            Err(error) if error.is_object_not_found() && wanted.set["release"] == true => {
                return gone();
            }
            Err(error) if error.is_object_not_found() => {
                let shown = named.shown();
                return Err(StepError::Stale(format!("{shown} does not exist any more.")));
            }
            Err(error) => return Err(unread(&error)),
        };
        if text(&op.guard, "uid").is_some_and(|uid| meta(&node, "uid") != Some(uid)) {
            let why = format!("{} is another one than when it was planned.", named.shown());
            return Err(StepError::Stale(why));
        }
        match wanted.stands(&node) {
            Stands::AsWanted => return Ok(performed(&wanted, &node)),
            Stands::AsPlanned => {}
            Stands::Otherwise(what) => {
                let shown = named.shown();
                return Err(StepError::Stale(format!(
                    "{shown} was changed since the plan was made: {what}."
                )));
            }
        }
        tries += 1;
        match send(cluster, named, &wanted, &node).await {
            Ok(node) => return Ok(performed(&wanted, &node)),
            // The kubelet may have written in between; then the test of our own patch fails.
            Err(error) if tries < TRIES && matches!(error.code(), Some(409 | 422)) => {}
            Err(error) if error.may_have_taken_effect() => {
                let why = sentence(&error.to_problem());
                return match cluster.get(&nodes(), None, &named.name).await {
                    Ok(node) if holds_json(&wanted, &node) => Ok(performed(&wanted, &node)),
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
    wanted: &Wanted,
    node: &Json,
) -> Result<Json, ClusterError> {
    let operations = wanted.patch(node);
    let patch =
        JsonPatch { operations: &operations, manager: MANAGER, subresource: None, dry_run: false };
    cluster.json_patch(&nodes(), None, &named.name, patch).await
}

fn performed(wanted: &Wanted, node: &Json) -> Performed {
    if wanted.set["release"] == true {
        return Performed { exported: Value::Null, uid: None };
    }
    let uid = meta(node, "uid").map(str::to_owned);
    let exported = Value::map([("uid", uid.as_deref().map_or(Value::Null, Value::from))]);
    Performed { exported, uid }
}

fn holds_json(wanted: &Wanted, node: &Json) -> bool {
    matches!(wanted.stands(node), Stands::AsWanted)
}

/// Whether a node is as the operation wants it.
pub(in crate::io) fn holds(op: &Op, node: &Json) -> Result<bool, Problem> {
    Wanted::of(op).map(|wanted| holds_json(&wanted, node))
}
