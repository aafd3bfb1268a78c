use crate::{Folder, Holder};
use addrs::InstanceAddr;
use diags::{Diagnostic, Diagnostics};
use plans::{
    Ended, Fingerprints, Identity, Mode, ObjectKey, Plan, Recorded, StepId, Target, Timestamp,
};
use schemas::plan::{SavedPlan, Snapshot, SourceText};
use states::{JournalEntry, RecordChange, RunStarted, State};
use std::collections::BTreeMap;
use tempfile::TempDir;
use values::Value;

/// A folder beside a configuration, with nothing in it yet.
pub(super) fn folder() -> (TempDir, Folder) {
    let dir = TempDir::new().unwrap();
    let folder = Folder::open(dir.path().join(crate::DATA_DIR));
    (dir, folder)
}

pub(super) fn addr(name: &str) -> InstanceAddr {
    format!("config_map.{name}").parse().unwrap()
}

pub(super) fn record(name: &str) -> Recorded {
    Recorded {
        identity: Identity {
            key: ObjectKey(format!("v1/ConfigMap/shop/{name}").into()),
            args: Value::Null,
            shown: format!("ConfigMap shop/{name}"),
        },
        uid: None,
        digest: String::new(),
        needs: Vec::new(),
        protected: false,
    }
}

/// A state of this serial with records of these names.
pub(super) fn state(serial: u64, names: &[&str]) -> State {
    State {
        serial,
        cluster_uid: Some("uid".to_owned()),
        records: names.iter().map(|name| (addr(name), record(name))).collect(),
        ..State::new("line", "shop")
    }
}

pub(super) fn started(run: &str, serial: u64) -> JournalEntry {
    JournalEntry::RunStarted(RunStarted {
        run: run.to_owned(),
        plan_id: format!("plan of {run}"),
        at: Timestamp(0),
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
    let change = RecordChange::Set(addr(name), Box::new(record(name)));
    JournalEntry::End { step: StepId(step), ended: Ended::Done, change }
}

pub(super) fn finished(run: &str) -> JournalEntry {
    JournalEntry::RunFinished { run: run.to_owned(), at: Timestamp(1), outputs: BTreeMap::new() }
}

pub(super) fn saved(id: &str) -> SavedPlan {
    let empty = String::new;
    let plan = Plan {
        id: id.to_owned(),
        made: Timestamp(0),
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

pub(super) fn holder(operation: &str) -> Holder {
    Holder {
        pid: std::process::id(),
        host: "desk".to_owned(),
        user: "ada".to_owned(),
        operation: operation.to_owned(),
        since: 1_700_000_000,
    }
}

pub(super) fn only(problems: &Diagnostics) -> &Diagnostic {
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.iter().next().unwrap()
}

/// Appends, and waits until it is durable.
pub(super) fn append(folder: &Folder, entries: &[JournalEntry]) -> Result<(), String> {
    use runner::Journal as _;
    let journal = folder.journal().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for entry in entries {
            journal.append(entry).await?;
        }
        Ok(())
    })
}

pub(super) fn names(state: Option<&State>) -> Vec<String> {
    let records = state.iter().flat_map(|state| state.records.keys());
    records.map(|addr| addr.name.to_string()).collect()
}
