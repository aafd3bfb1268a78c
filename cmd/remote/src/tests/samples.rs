use crate::room::{content, secrets};
use crate::{Claim, Holder, Loaded, Lock, Room, Store};
use access::{Cluster, Write};
use addrs::InstanceAddr;
use diags::Diagnostics;
use jiff::Timestamp;
use plans::{Ended, Fingerprints, Identity, Mode, ObjectKey, Plan, Recorded, StepId, Target};
use sandbox::{Clock, Options, Sandbox};
use schemas::plan::{SavedPlan, Snapshot, SourceText};
use serde_json::{Value as Json, json};
use states::{JournalEntry, RecordChange, RunStarted, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use values::Value;

/// A server with nothing in it.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    ahead: Arc<Ahead>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let ahead = Arc::new(Ahead::default());
        let options = Options { clock: ahead.clone(), ..Options::real() };
        Self { sandbox: Sandbox::in_memory_with(options), ahead }
    }

    pub(super) fn cluster(&self) -> Cluster {
        Cluster::from_client(self.sandbox.client(), "sandbox", "memory")
    }

    pub(super) fn room(&self) -> Room {
        Room::new(self.cluster(), "clinch-system", "shop")
    }

    pub(super) fn store(&self) -> Store {
        Store::new(self.room())
    }

    pub(super) async fn lock(&self, who: &str) -> Lock {
        self.room().lock(&claim(who, 0), &|_| {}).await.unwrap()
    }

    /// A state that was written under a lock that is free again.
    pub(super) async fn with(first: &State) -> Self {
        let stage = Self::new();
        let lock = stage.lock("ada").await;
        stage.store().under(&lock).commit(first, true).await.unwrap();
        stage
    }

    pub(super) async fn load(&self) -> Result<Loaded, Diagnostics> {
        self.store().load().await
    }

    /// All Secrets, by name.
    pub(super) async fn secrets(&self) -> BTreeMap<String, Json> {
        let all = self.room().list(&secrets(), None).await.unwrap();
        let name = |object: &Json| object["metadata"]["name"].as_str().unwrap().to_owned();
        all.into_iter().map(|object| (name(&object), object)).collect()
    }

    /// Names of Secrets, with what differs from run to run left out.
    pub(super) async fn names(&self) -> Vec<String> {
        let plain = |name: &String| {
            let parts = name.split('-').filter(|p| !(p.len() >= 10 && p.len() != 11));
            parts.collect::<Vec<_>>().join("-")
        };
        self.secrets().await.keys().map(plain).collect()
    }

    /// Puts a Secret back as it was, or changed, whatever is there.
    pub(super) async fn put_back(&self, object: &Json) {
        let mut object = object.clone();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.room().delete(&secrets(), &name).await.unwrap();
        for field in ["resourceVersion", "uid", "creationTimestamp", "managedFields"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        let write = Write { object: &object, manager: "test", dry_run: false };
        self.cluster().create(&secrets(), Some("clinch-system"), &name, write).await.unwrap();
    }

    pub(super) async fn delete(&self, name: &str) {
        self.room().delete(&secrets(), name).await.unwrap();
    }

    /// As if nothing had come from the holder for this long: time passes on the server.
    pub(super) fn silence(&self, seconds: i64) {
        self.ahead.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// The machine's clock, and some more.
#[derive(Debug, Default)]
pub(super) struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::SeqCst);
        Timestamp::now() + jiff::SignedDuration::from_secs(ahead)
    }
}

/// The head's text.
pub(super) fn text(object: &Json) -> String {
    String::from_utf8(content(object).unwrap()).unwrap()
}

pub(super) fn with_text(object: &Json, text: &[u8]) -> Json {
    use base64::Engine as _;
    let mut object = object.clone();
    object["data"] = json!({ "content": base64::prelude::BASE64_STANDARD.encode(text) });
    object
}

pub(super) fn claim(who: &str, timeout: u64) -> Claim {
    let holder = Holder {
        pid: 7,
        host: "desk".to_owned(),
        user: who.to_owned(),
        operation: "apply".to_owned(),
        since: 1_700_000_000,
    };
    let (lease, timeout) = (Duration::from_secs(5), Duration::from_secs(timeout));
    Claim { holder, run: format!("run of {who}"), lease, timeout }
}

pub(super) fn addr(name: &str) -> InstanceAddr {
    format!("config_map.{name}").parse().unwrap()
}

pub(super) fn record(name: &str, digest: &str) -> Recorded {
    Recorded {
        identity: Identity {
            key: ObjectKey(format!("v1/ConfigMap/shop/{name}").into()),
            args: Value::Null,
            shown: format!("ConfigMap shop/{name}"),
        },
        uid: None,
        digest: digest.to_owned(),
        needs: Vec::new(),
        protected: false,
    }
}

/// A state of this serial with records of these names.
pub(super) fn state(serial: u64, names: &[&str]) -> State {
    State {
        serial,
        cluster_uid: Some("uid".to_owned()),
        records: names.iter().map(|name| (addr(name), record(name, ""))).collect(),
        ..State::new("line", "shop")
    }
}

pub(super) fn started(run: &str, serial: u64) -> JournalEntry {
    JournalEntry::RunStarted(RunStarted {
        run: run.to_owned(),
        plan_id: format!("plan of {run}"),
        at: plans::Timestamp(0),
        steps: 2,
        lineage: "line".to_owned(),
        serial,
        project: "shop".to_owned(),
        cluster_uid: "uid".to_owned(),
        by: "ada@desk".to_owned(),
        forced: Vec::new(),
    })
}

pub(super) fn begin(step: u32) -> JournalEntry {
    JournalEntry::Begin { step: StepId(step) }
}

pub(super) fn done(step: u32, name: &str) -> JournalEntry {
    let change = RecordChange::Set(addr(name), Box::new(record(name, "")));
    JournalEntry::End { step: StepId(step), ended: Ended::Done, change }
}

pub(super) fn finished(run: &str) -> JournalEntry {
    JournalEntry::RunFinished {
        run: run.to_owned(),
        at: plans::Timestamp(1),
        outputs: BTreeMap::new(),
    }
}

pub(super) fn saved(id: &str) -> SavedPlan {
    let empty = String::new;
    let plan = Plan {
        id: id.to_owned(),
        made: plans::Timestamp(0),
        mode: Mode::Normal,
        project: "shop".to_owned(),
        target: Target { name: empty(), server: empty(), uid: empty(), version: empty() },
        fingerprints: Fingerprints {
            config: empty(),
            engine: empty(),
            lineage: empty(),
            serial: 0,
        },
        changes: Vec::new(),
        outputs: Vec::new(),
        steps: Vec::new(),
        brackets: Vec::new(),
        rollouts: Vec::new(),
        turns: Vec::new(),
        remember: Vec::new(),
        complete: true,
        blocked: Vec::new(),
        rights: Vec::new(),
    };
    let sources = vec![SourceText { name: "main.hcl".to_owned(), text: "locals {}\n".to_owned() }];
    let snapshot = Snapshot { dir: ".".to_owned(), sources, variables: BTreeMap::new() };
    SavedPlan { plan, snapshot }
}

pub(super) async fn append(store: &Store, entries: &[JournalEntry]) -> Result<(), String> {
    use runner::Journal as _;
    let journal = store.journal().await.unwrap();
    for entry in entries {
        journal.append(entry).await?;
    }
    Ok(())
}

/// Names that are remembered.
pub(super) fn names(loaded: &Loaded) -> Vec<String> {
    let records = loaded.state.iter().flat_map(|state| state.records.keys());
    records.map(|addr| addr.name.to_string()).collect()
}

/// The code of the one thing that is wrong.
#[track_caller]
pub(super) fn code<T: std::fmt::Debug>(result: Result<T, Diagnostics>) -> String {
    let problems = result.unwrap_err();
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code.0).collect();
    codes.join(" ")
}
