//! One object on a server, what happens to it, and what is decided about it.

use super::dice::Dice;
use super::draw::Kind;
use super::mutate::{mutated, respelled};
use access::{Apply, Cluster, ClusterError, Delete, Failure, JsonPatch, Propagation, Resource};
use cluster::{canon, json, noop, ownership};
use serde_json::{Value as Json, json};
use std::time::Duration;

/// How often an object is looked at again because a controller wrote to it in between.
const PATIENCE: usize = 50;

/// An object with its own fate.
pub(super) struct Track<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) kind: &'a Kind,
    pub(super) resource: &'a Resource,
    pub(super) namespace: Option<&'a str>,
    pub(super) name: String,
    pub(super) dice: Dice,
}

/// What the server makes of an apply.
#[derive(Debug, PartialEq)]
pub(super) enum Truth {
    NoOp,
    /// The object as it would be.
    Change(Json),
    Refusal(String),
}

/// The certificate and the truth about one intent over one object.
pub(super) struct Comparison {
    pub(super) intent: Json,
    pub(super) live: Json,
    pub(super) proof: Result<(), String>,
    pub(super) truth: Truth,
}

impl Track<'_> {
    /// Runs the life of the object, and leaves nothing behind.
    pub(super) async fn run(mut self, steps: usize) -> Result<Vec<Comparison>, String> {
        let comparisons = self.live(steps).await;
        let removed = self.remove().await;
        let comparisons = comparisons?;
        removed.map(|()| comparisons)
    }

    async fn live(&mut self, steps: usize) -> Result<Vec<Comparison>, String> {
        let mut ours = self.born().await?;
        let mut comparisons = Vec::new();
        for _ in 0..steps {
            self.suffer(&ours).await?;
            let wanted = self.wanted(&ours);
            let comparison = self.compare(&wanted).await?;
            let settle = match comparison.truth {
                Truth::NoOp => 30,
                Truth::Change(_) | Truth::Refusal(_) => 60,
            };
            comparisons.push(comparison);
            if self.dice.chance(settle) {
                let force = self.dice.chance(90);
                if self.apply(&wanted, ownership::MANAGER, force).await? {
                    ours = wanted;
                }
            }
        }
        Ok(comparisons)
    }

    /// Draws until the server takes one.
    async fn born(&mut self) -> Result<Json, String> {
        let mut last = Json::Null;
        for _ in 0..PATIENCE {
            last = self.kind.draw(&mut self.dice);
            // Someone else may have been there first.
            if self.dice.chance(15) {
                let theirs = self.kind.draw(&mut self.dice);
                self.apply(&theirs, "second", false).await?;
            }
            if self.apply(&last, ownership::MANAGER, true).await? {
                return Ok(last);
            }
        }
        Err(format!("no {} was ever taken by the server, such as {last}", self.kind.name))
    }

    /// What others do to the object before it is looked at.
    async fn suffer(&mut self, ours: &Json) -> Result<(), String> {
        match self.dice.below(20) {
            0..=8 => Ok(()),
            9..=11 => self.edit("kubectl-edit").await,
            12 => self.edit(ownership::MANAGER).await,
            13..=14 => {
                // Someone who means much the same.
                let other = self.kind.draw(&mut self.dice);
                let theirs = mutated(&mut self.dice, ours, &other);
                let force = self.dice.chance(50);
                self.apply(&theirs, "second", force).await.map(drop)
            }
            15..=16 => {
                let theirs = self.kind.draw(&mut self.dice);
                let force = self.dice.chance(50);
                self.apply(&theirs, "third", force).await.map(drop)
            }
            17 => {
                // What the least possible intent does not name is given up.
                let manager = self.dice.pick(&["second", "third"]);
                self.send(&json!({"metadata": {}}), manager, false).await.map(drop)
            }
            _ => {
                // Written by us as it was typed, which an earlier release may have done.
                let object = self.kind.object(self.namespace, &self.name, ours);
                self.send(&object, ownership::MANAGER, true).await.map(drop)
            }
        }
    }

    /// The intent that is decided about.
    fn wanted(&mut self, ours: &Json) -> Json {
        match self.dice.below(20) {
            0..=8 => ours.clone(),
            9..=12 => respelled(&mut self.dice, ours),
            13..=18 => {
                let other = self.kind.draw(&mut self.dice);
                mutated(&mut self.dice, ours, &other)
            }
            _ => self.kind.draw(&mut self.dice),
        }
    }

    /// Certifies, then asks the server; both about the same version of the object.
    async fn compare(&self, wanted: &Json) -> Result<Comparison, String> {
        let intent = self.canonical(wanted);
        for _ in 0..PATIENCE {
            let live = self.get().await?;
            let proof = noop::certify(
                &access::json::from_json(&intent),
                &access::json::from_json(&live),
                ownership::MANAGER,
            );
            let answer = self.ask(&intent, ownership::MANAGER, false, true).await?;
            let truth = match answer {
                Ok(after) if lasting(&after) == lasting(&live) => Truth::NoOp,
                Ok(after) => Truth::Change(after),
                Err(refusal) => Truth::Refusal(refusal),
            };
            // A controller may have come between the two requests; equal objects need no look.
            let version = |object: &Json| object["metadata"]["resourceVersion"].clone();
            if truth == Truth::NoOp || version(&self.get().await?) == version(&live) {
                return Ok(Comparison { intent, live, proof, truth });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("{} never came to rest", self.name))
    }

    fn canonical(&self, content: &Json) -> Json {
        let object = self.kind.object(self.namespace, &self.name, content);
        let intent = canon::canonical(&access::json::from_json(&object));
        json::to_json(&intent).expect("everything is known")
    }

    async fn get(&self) -> Result<Json, String> {
        let got = self.cluster.get(self.resource, self.namespace, &self.name).await;
        got.map_err(|error| told(&error))
    }

    /// Changes the object in place as its manager does who reads, edits and writes.
    async fn edit(&mut self, manager: &str) -> Result<(), String> {
        let live = self.get().await?;
        let other = self.kind.draw(&mut self.dice);
        let mut edited = mutated(&mut self.dice, &content(&live), &other);
        self.kind.keep_idle(&mut edited);
        let operations = Json::Array(operations(&live, &edited));
        let patch =
            JsonPatch { operations: &operations, manager, subresource: None, dry_run: false };
        let done = self.cluster.json_patch(self.resource, self.namespace, &self.name, patch).await;
        answered(done).map(drop)
    }

    /// Whether the server took it.
    async fn apply(&self, content: &Json, manager: &str, force: bool) -> Result<bool, String> {
        self.send(&self.canonical(content), manager, force).await
    }

    async fn send(&self, object: &Json, manager: &str, force: bool) -> Result<bool, String> {
        let mut object = object.clone();
        object["apiVersion"] = self.kind.api_version.into();
        object["kind"] = self.kind.name.into();
        object["metadata"]["name"] = self.name.as_str().into();
        Ok(self.ask(&object, manager, force, false).await?.is_ok())
    }

    async fn ask(
        &self,
        object: &Json,
        manager: &str,
        force: bool,
        dry_run: bool,
    ) -> Result<Result<Json, String>, String> {
        let apply = Apply { object, manager, force, dry_run };
        answered(self.cluster.apply(self.resource, self.namespace, &self.name, apply).await)
    }

    async fn remove(&self) -> Result<(), String> {
        let place = (self.resource, self.namespace, self.name.as_str());
        let operations = json!([{"op": "add", "path": "/metadata/finalizers", "value": []}]);
        let patch = JsonPatch {
            operations: &operations,
            manager: "cleaner",
            subresource: None,
            dry_run: false,
        };
        let freed = self.cluster.json_patch(place.0, place.1, place.2, patch).await;
        let delete = Delete {
            uid: None,
            resource_version: None,
            propagation: Propagation::Background,
            dry_run: false,
        };
        let deleted = self.cluster.delete(place.0, place.1, place.2, delete).await;
        freed.and(deleted).map(drop).map_err(|error| told(&error))
    }
}

/// A refusal is an answer; anything else tells nothing about the certificate.
fn answered(answer: Result<Json, ClusterError>) -> Result<Result<Json, String>, String> {
    match answer {
        Ok(object) => Ok(Ok(object)),
        Err(error) => match &error.failure {
            Failure::Refused(refusal) if refusal.code != 429 && refusal.code != 404 => {
                Ok(Err(format!("{} {}", refusal.code, refusal.message)))
            }
            _ => Err(told(&error)),
        },
    }
}

fn told(error: &ClusterError) -> String {
    format!("{:?}: {:?}", error.call, error.failure)
}

/// The object without what moves by itself: all that an apply could change.
fn lasting(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        metadata.remove("generation");
        let entries = metadata.get_mut("managedFields").and_then(Json::as_array_mut);
        for entry in entries.into_iter().flatten().filter_map(Json::as_object_mut) {
            entry.remove("time");
        }
    }
    object
}

const METADATA: [&str; 3] = ["labels", "annotations", "finalizers"];

/// What people would edit of an object.
fn content(live: &Json) -> Json {
    let mut content = live.clone();
    if let Some(content) = content.as_object_mut() {
        content.retain(|name, _| !["apiVersion", "kind", "status"].contains(&name.as_str()));
    }
    if let Some(metadata) = content["metadata"].as_object_mut() {
        metadata.retain(|name, _| METADATA.contains(&name.as_str()));
    }
    content
}

/// The JSON patch that makes the content of the object this.
fn operations(live: &Json, edited: &Json) -> Vec<Json> {
    let before = content(live);
    let mut operations = Vec::new();
    let mut set = |path: &str, old: Option<&Json>, new: Option<&Json>| match (old, new) {
        (old, Some(new)) if old != Some(new) => {
            operations.push(json!({"op": "add", "path": path, "value": new}));
        }
        (Some(_), None) => operations.push(json!({"op": "remove", "path": path})),
        _ => {}
    };
    for name in METADATA {
        let path = format!("/metadata/{name}");
        set(&path, before["metadata"].get(name), edited["metadata"].get(name));
    }
    let names = [&before, edited].into_iter().filter_map(Json::as_object).flat_map(|o| o.keys());
    let mut names = names.filter(|name| *name != "metadata").collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    for name in names {
        set(&format!("/{name}"), before.get(name), edited.get(name));
    }
    operations
}
