//! Applying an object.

use crate::io::endpoints::{self, Behind};
use crate::io::object::{Intent, Named, flag, is_going, meta, text};
use crate::io::perform::{sentence, unread};
use crate::io::wait::{self, Waited};
use crate::io::{preview, ready};
use crate::noop;
use crate::ownership::MANAGER;
use access::{Cluster, ClusterError, Resource, Secrets, json};
use apimachinery::discovery;
use plans::{Op, Problem};
use provider::{Performed, Progress, StepError};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use values::{Path, Value};

/// How often an object may move under our hands by the doing of others.
const MOVES: usize = 5;
/// How long what was applied a moment ago may take to be there: a kind after its definition,
/// the service account of a new namespace.
const ARRIVAL: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);
/// How long a server may judge by the schema that a definition had before it was changed.
const SCHEMA: Duration = Duration::from_secs(5);
/// The usual time between the condition of a definition and its kind in discovery.
const SHORTLY: Duration = Duration::from_millis(100);

/// The uid and the version at which an object is to be applied.
type Guard<'a> = (Option<&'a str>, Option<&'a str>);

pub(super) async fn apply(
    cluster: &Cluster,
    secrets: &Secrets,
    op: &Op,
    named: &Named,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    let intent = Intent::complete(op, secrets).await.map_err(StepError::Refused)?;
    let resource = served(cluster, named, progress).await?;
    if flag(&op.args, "create") {
        absent(cluster, named, &resource).await?;
    }
    webhooks_served(cluster, op, &intent, named, progress).await?;
    if flag(&op.args, "verify") {
        verify(cluster, op, &intent, &resource, named, progress).await?;
    }
    let live = write(cluster, op, &intent, &resource, named, progress).await?;
    after_apply(cluster, op, &intent, &resource, named, live, progress).await
}

/// Gives back what is ours; nothing is waited for, since nothing is ours any more.
pub(super) async fn release(
    cluster: &Cluster,
    op: &Op,
    named: &Named,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    let intent = Intent::of(op).map_err(StepError::Refused)?;
    let resource = served(cluster, named, progress).await?;
    write(cluster, op, &intent, &resource, named, progress).await?;
    Ok(Performed { exported: Value::Null, uid: None })
}

/// Where the kind is. A definition that was applied a moment ago may not be served yet.
async fn served(
    cluster: &Cluster,
    named: &Named,
    progress: Progress<'_>,
) -> Result<Resource, StepError> {
    let began = Instant::now();
    loop {
        match named.resolve(cluster).await {
            Ok(Some(resource)) => return Ok(resource),
            Ok(None) if began.elapsed() < ARRIVAL => {
                progress(format!("kind {} to be served", named.kind));
                sleep(PAUSE).await;
                cluster.forget_discovery().await;
            }
            Ok(None) => {
                let detail = format!(
                    "The server has no kind `{}` in `{}`, so {} was not written.",
                    named.kind,
                    named.api_version,
                    named.shown()
                );
                let code = crate::codes::NO_KIND;
                let problem = Problem::error(code, "Kind does not exist", Path::root(), detail);
                return Err(StepError::Refused(problem.with_help(
                    "A custom resource needs its CustomResourceDefinition in the cluster or in \
                     this configuration.",
                )));
            }
            Err(problem) => return Err(StepError::Refused(problem)),
        }
    }
}

/// Whether a claim is bound only when a pod uses it, which may well be a pod that comes after
/// it in this very run. Where its class cannot be read nothing is waited for either: what
/// uses the claim says whether it works.
async fn binds_when_used(cluster: &Cluster, named: &Named, live: &Json) -> bool {
    if (&*named.api_version, &*named.kind) != ("v1", "PersistentVolumeClaim") {
        return false;
    }
    let Some(class) = live["spec"]["storageClassName"].as_str().filter(|c| !c.is_empty()) else {
        return false;
    };
    let Ok(Some(classes)) = cluster.resolve("storage.k8s.io/v1", "StorageClass").await else {
        return true;
    };
    match cluster.get(&classes, None, class).await {
        Ok(class) => class["volumeBindingMode"] == "WaitForFirstConsumer",
        // Without a class a volume is bound by its name or not at all: that is worth waiting.
        Err(error) if error.is_object_not_found() => false,
        Err(_) => true,
    }
}

fn never_ready(intent: &Intent, named: &Named, why: &str, help: Option<&str>) -> StepError {
    let detail = format!("{} was written, but {why}.", named.shown());
    let problem = wait::problem("The object does not become ready", detail);
    StepError::Refused(intent.redacted(Problem { help: help.map(str::to_owned), ..problem }))
}

/// A definition is established a moment before discovery tells of its kind, and what was
/// discovered before is out of date. Not an error when it takes long: whatever needs the kind
/// waits for it once more.
async fn until_served(cluster: &Cluster, live: &Json, op: &Op, progress: Progress<'_>) {
    let spec = &live["spec"];
    let (group, kind) = (spec["group"].as_str(), spec["names"]["kind"].as_str());
    let (Some(group), Some(kind)) = (group, kind) else { return };
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let served = versions.iter().filter(|version| version["served"] == true);
    let wanted: Vec<String> = served
        .filter_map(|version| version["name"].as_str())
        .map(|name| format!("{group}/{name}"))
        .collect();
    let lasting = ARRIVAL.min(wait::deadline(op));
    let began = Instant::now();
    loop {
        cluster.forget_discovery().await;
        let mut missing = false;
        for version in &wanted {
            missing |= !matches!(cluster.resolve(version, kind).await, Ok(Some(_)));
        }
        if !missing || began.elapsed() >= lasting {
            return;
        }
        progress(format!("kind {} to be served", access::text::clean(kind)));
        sleep(SHORTLY).await;
    }
}

/// A webhook that nobody answers refuses every request that it is about, maybe also the one
/// that would start who answers it. So its service must have somebody behind it first.
///
/// Source: [Avoiding deadlocks in self-hosted
/// webhooks](https://kubernetes.io/docs/concepts/cluster-administration/admission-webhooks-good-practices/).
async fn webhooks_served(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    named: &Named,
    progress: Progress<'_>,
) -> Result<(), StepError> {
    let kinds = ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"];
    let lasting = wait::deadline(op);
    if !kinds.contains(&&*named.kind) || lasting.is_zero() {
        return Ok(());
    }
    let body = intent.body(None, None);
    let webhooks = body["webhooks"].as_array().map(Vec::as_slice).unwrap_or_default();
    // What may be ignored when nobody answers keeps nothing from working.
    let strict = webhooks.iter().filter(|webhook| webhook["failurePolicy"] != "Ignore");
    let service = |webhook: &Json| {
        let service = &webhook["clientConfig"]["service"];
        Some((service["namespace"].as_str()?.to_owned(), service["name"].as_str()?.to_owned()))
    };
    let services: BTreeSet<(String, String)> = strict.filter_map(service).collect();
    if services.is_empty() {
        return Ok(());
    }
    if endpoints::are_missing(cluster).await.map_err(|error| unread(&error))? {
        return Ok(());
    }
    let began = Instant::now();
    for (namespace, name) in services {
        loop {
            let behind = endpoints::behind(cluster, &namespace, &name).await;
            match behind.map_err(|error| unread(&error))? {
                // Whoever may not look cannot wait either.
                Behind::Somebody | Behind::NoRecord | Behind::Unseen(_) => break,
                Behind::Nobody => {}
            }
            let what = format!("Service {namespace}/{name} to have a ready endpoint");
            if began.elapsed() >= lasting {
                let detail = format!(
                    "{} calls Service {namespace}/{name}, and nothing ready is behind it. Every \
                     request that it is about would be refused, so it was not written.",
                    named.shown()
                );
                let problem = wait::problem("Webhook without anybody behind it", detail);
                return Err(StepError::Refused(problem.with_help(
                    "Let the configuration need what serves it (`depends_on`), or write \
                     `failurePolicy = \"Ignore\"`. With `wait_timeout = \"0s\"` in `lifecycle` it \
                     is written nevertheless.",
                )));
            }
            progress(access::text::clean(&what));
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// What the server refuses only because something has not arrived yet.
fn not_yet(error: &ClusterError) -> Option<&'static str> {
    if error.is_path_not_found() {
        return Some("its kind to be served");
    }
    let refusal = error.refusal().filter(|r| r.code == 403)?;
    let account = refusal.message.contains("error looking up service account");
    account.then_some("the service account of its namespace")
}

/// A server may judge by the schema that a definition had a moment ago.
fn old_schema(error: &ClusterError, named: &Named) -> bool {
    let custom = discovery::by_kind(&named.api_version, &named.kind).is_none();
    custom && error.refusal().is_some_and(|r| r.message.contains("not declared in schema"))
}

/// Server-side apply knows no "create only", so it is looked right before.
async fn absent(cluster: &Cluster, named: &Named, resource: &Resource) -> Result<(), StepError> {
    match cluster.get(resource, named.namespace(), &named.name).await {
        Ok(_) => Err(StepError::Stale(came_to_exist(named))),
        Err(error) if error.is_object_not_found() => Ok(()),
        // The kind is so new that this server does not serve it yet; `write` waits for that.
        Err(error) if error.is_path_not_found() => Ok(()),
        Err(error) => Err(unread(&error)),
    }
}

async fn verify(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
    progress: Progress<'_>,
) -> Result<(), StepError> {
    progress("the server's verdict".to_owned());
    let guard = (text(&op.guard, "uid"), text(&op.guard, "resource_version"));
    let began = Instant::now();
    loop {
        match apply_once(cluster, op, intent, resource, named, guard, true).await {
            Ok(_) => return Ok(()),
            // `write` looks what moved.
            Err(error) if error.refusal().is_some_and(access::Refusal::is_stale_version) => {
                return Ok(());
            }
            Err(error) => match not_yet(&error) {
                Some(what) if began.elapsed() < ARRIVAL => {
                    progress(what.to_owned());
                    sleep(PAUSE).await;
                }
                None if old_schema(&error, named) && began.elapsed() < SCHEMA => {
                    progress("the schema of its kind".to_owned());
                    sleep(PAUSE).await;
                }
                _ => return Err(StepError::Refused(intent.redacted(error.to_problem()))),
            },
        }
    }
}

/// One apply with the guard in its body.
pub(in crate::io) async fn apply_once(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
    (uid, version): Guard<'_>,
    dry_run: bool,
) -> Result<Json, ClusterError> {
    let body = intent.body(uid, version);
    let apply = preview::as_manager(&body, flag(&op.args, "force"), dry_run);
    cluster.apply(resource, named.namespace(), &named.name, apply).await
}

/// Writes the object, at the version that the plan saw or a later one that differs only in
/// what is not ours.
async fn write(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
    progress: Progress<'_>,
) -> Result<Json, StepError> {
    let uid = text(&op.guard, "uid");
    let mut version = text(&op.guard, "resource_version").map(str::to_owned);
    let began = Instant::now();
    let mut moves = 0;
    loop {
        let guard = (uid, version.as_deref());
        let error = match apply_once(cluster, op, intent, resource, named, guard, false).await {
            Ok(live) => return Ok(live),
            Err(error) => error,
        };
        let refused = || StepError::Refused(intent.redacted(error.to_problem()));
        let stale = error.refusal().is_some_and(access::Refusal::is_stale_version);
        if stale && moves < MOVES {
            moves += 1;
            match moved(cluster, op, intent, resource, named).await? {
                Moved::OnlyOthers { version: now } => version = Some(now),
                Moved::Done(live) => return Ok(live),
                Moved::Ours(why) => return Err(StepError::Stale(why)),
            }
        } else if stale {
            let shown = named.shown();
            return Err(StepError::Stale(format!("{shown} is changed faster than it is read.")));
        } else if error.refusal().is_some_and(access::Refusal::is_manager_conflict) {
            // The server compares owners before it compares versions, so that this may be an
            // object that moved.
            return match moved(cluster, op, intent, resource, named).await {
                Ok(Moved::Ours(why)) => Err(StepError::Stale(why)),
                _ => Err(refused()),
            };
        } else if error.refusal().is_some_and(access::Refusal::is_other_uid) {
            return Err(StepError::Stale(other(named)));
        } else if let Some(what) = not_yet(&error).filter(|_| began.elapsed() < ARRIVAL) {
            progress(what.to_owned());
            sleep(PAUSE).await;
        } else if error.may_have_taken_effect() {
            return doubted(cluster, op, intent, resource, named, &error).await;
        } else {
            return Err(refused());
        }
    }
}

fn came_to_exist(named: &Named) -> String {
    format!("{} has come to exist since the plan was made.", named.shown())
}

fn other(named: &Named) -> String {
    format!(
        "{} was deleted since the plan was made, and maybe created anew by someone else.",
        named.shown()
    )
}

/// There was no clear answer to the write: looks whether it took effect.
async fn doubted(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
    error: &ClusterError,
) -> Result<Json, StepError> {
    let problem = intent.redacted(error.to_problem());
    let in_doubt = || StepError::InDoubt(sentence(&problem));
    match cluster.get(resource, named.namespace(), &named.name).await {
        Ok(live) if took_effect(intent, &live) => Ok(live),
        Ok(live) if meta(&live, "resourceVersion") == text(&op.guard, "resource_version") => {
            Err(StepError::Refused(problem))
        }
        Err(gone) if gone.is_object_not_found() && flag(&op.args, "create") => {
            Err(StepError::Refused(problem))
        }
        Ok(_) | Err(_) => Err(in_doubt()),
    }
}

/// Whether the object is as the intent wants it, by our hand.
pub(in crate::io) fn took_effect(intent: &Intent, live: &Json) -> bool {
    noop::certify(&intent.value, &json::from_json(live), MANAGER).is_ok()
}

/// What became of an object that is no longer at the version that the plan saw.
pub(in crate::io) enum Moved {
    /// What we own is as it was; it is now at this version.
    OnlyOthers {
        /// Where it is now.
        version: String,
    },
    /// It is as the intent wants it: an earlier try took effect.
    Done(Json),
    /// Something that we own has changed; what.
    Ours(String),
}

/// Looks what moved.
pub(in crate::io) async fn moved(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
) -> Result<Moved, StepError> {
    let live = match cluster.get(resource, named.namespace(), &named.name).await {
        Ok(live) => live,
        Err(error) if error.is_object_not_found() => return Ok(Moved::Ours(other(named))),
        Err(error) => return Err(unread(&error)),
    };
    let shown = named.shown();
    if text(&op.guard, "uid").is_some_and(|uid| meta(&live, "uid") != Some(uid)) {
        return Ok(Moved::Ours(other(named)));
    }
    if is_going(&live) {
        return Ok(Moved::Ours(format!("{shown} is being deleted since the plan was made.")));
    }
    if took_effect(intent, &live) {
        return Ok(Moved::Done(live));
    }
    let version = meta(&live, "resourceVersion");
    if let Some(version) = version.filter(|v| Some(*v) == text(&op.guard, "resource_version")) {
        return Ok(Moved::OnlyOthers { version: version.to_owned() });
    }
    if flag(&op.args, "create") {
        return Ok(Moved::Ours(came_to_exist(named)));
    }
    let planned = op.guard.get("owned").unwrap_or(&Value::Null);
    if planned.is_null() {
        return Ok(Moved::Ours(format!("{shown} was changed since the plan was made.")));
    }
    let now = noop::projection(&json::from_json(&live), MANAGER);
    if now != *planned {
        let field = first_difference(planned, &now);
        return Ok(Moved::Ours(format!("{shown} was changed since the plan was made: {field}.")));
    }
    match version {
        Some(version) => Ok(Moved::OnlyOthers { version: version.to_owned() }),
        None => Ok(Moved::Ours(format!("{shown} has no version any more."))),
    }
}

/// The first place where two projections differ, as the end of a sentence. Never a value.
fn first_difference(planned: &Value, now: &Value) -> String {
    if now.is_null() {
        return "someone else has taken all fields that were ours".to_owned();
    }
    match place_of_difference(planned, now) {
        place if place.is_empty() => "it is not as it was".to_owned(),
        place => format!("`{place}` is not as it was"),
    }
}

fn place_of_difference(planned: &Value, now: &Value) -> String {
    let (mut planned, mut now, mut place) = (planned, now, Path::root());
    while let (Value::Map(a), Value::Map(b)) = (planned, now) {
        let names = a.keys().chain(b.keys());
        let Some(name) = names.into_iter().find(|name| a.get(*name) != b.get(*name)) else { break };
        place = place.attr(name);
        match (a.get(name), b.get(name)) {
            (Some(a), Some(b)) => (planned, now) = (a, b),
            _ => break,
        }
    }
    place.to_string()
}

/// The object is written: waits until it is ready, and says what references see of it.
pub(in crate::io) async fn after_apply(
    cluster: &Cluster,
    op: &Op,
    intent: &Intent,
    resource: &Resource,
    named: &Named,
    live: Json,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    if wait::deadline(op).is_zero() {
        return Ok(intent.performed(&live));
    }
    let uid = meta(&live, "uid").map(str::to_owned);
    let lazy = binds_when_used(cluster, named, &live).await;
    let judge = |live: Option<&Json>| match live {
        None => wait::Verdict::Failed("it was deleted by someone else".to_owned()),
        Some(live) if meta(live, "uid") != uid.as_deref() => {
            wait::Verdict::Failed("it was deleted and created anew by someone else".to_owned())
        }
        Some(live) if lazy && live["status"]["phase"] == "Pending" => wait::Verdict::Holds,
        Some(live) => ready::state(live),
    };
    let target = wait::Target { cluster, resource, named };
    let live = match wait::until(target, Some(live), wait::deadline(op), progress, judge).await {
        Waited::Held(Some(live)) => live,
        Waited::Held(None) => return Err(StepError::InDoubt("it is gone".to_owned())),
        Waited::Failed(why) => return Err(never_ready(intent, named, &why, None)),
        Waited::TooLong(why) => {
            let help =
                "In `lifecycle`, `wait_timeout = \"20m\"` waits longer, and \"0s\" not at all.";
            return Err(never_ready(intent, named, &why, Some(help)));
        }
    };
    if *named.kind == *"CustomResourceDefinition" {
        until_served(cluster, &live, op, progress).await;
    }
    Ok(intent.performed(&live))
}
