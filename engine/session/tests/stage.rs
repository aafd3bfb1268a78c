//! A world, its clock, and files, all in memory; they write down what happens to them.

use crate::types::{PROBLEM, key};
use addrs::TypeName;
use diags::Diagnostics;
use plans::{Exported, Identity, Op, Problem, Target};
use provider::{
    BoxFuture, Found, Observation, Performed, Preview, Progress, Providers, Search, Settled,
    StepError, Wanted,
};
use runner::{Clock, Journal};
use schemas::plan::SavedPlan;
use session::{LoadedState, Store, Stored};
use states::{Follows, JournalEntry, State};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use values::{Path, Value};

/// What is there, and what happened.
#[derive(Debug, Default)]
pub(crate) struct Inner {
    /// Name to size and colour.
    pub(crate) objects: BTreeMap<String, Value>,
    /// Objects that cannot be looked at.
    pub(crate) unreachable: BTreeSet<String>,
    /// Objects that the world does not let anybody change.
    pub(crate) refused: BTreeSet<String>,
    /// Objects that carry the mark of the configuration.
    pub(crate) marked: Vec<String>,
    /// The uid of the cluster.
    pub(crate) cluster: String,
    /// How many objects were looked at, each time.
    pub(crate) looked: Vec<usize>,
    /// Everything that happened, in order.
    pub(crate) log: Vec<String>,
    /// The file of the state.
    pub(crate) state: Option<State>,
    /// The file of the journal.
    pub(crate) journal: Vec<JournalEntry>,
    /// The files of kept plans.
    pub(crate) kept: BTreeMap<String, SavedPlan>,
    /// The journal takes so many entries more; then the disk, or the lock, is gone.
    pub(crate) room: Option<usize>,
}

/// Providers, clock, store and journal in one.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<Mutex<Inner>>);

impl Stage {
    pub(crate) fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }

    fn log(&self, line: impl Into<String>) {
        self.with(|s| s.log.push(line.into()));
    }

    /// What happened since somebody asked the last time.
    pub(crate) fn happened(&self) -> String {
        self.with(|s| std::mem::take(&mut s.log)).join("\n")
    }

    fn observation(&self, name: &str) -> Observation {
        self.with(|s| match s.objects.get(name) {
            _ if s.unreachable.contains(name) => Observation::Unknown(unreachable()),
            Some(value) => Observation::Present(value.clone()),
            None => Observation::Absent,
        })
    }
}

fn unreachable() -> Problem {
    Problem::error(PROBLEM, "Unreachable", Path::root(), "The server did not answer.")
}

fn performed(name: &str) -> Performed {
    let uid = format!("uid-of-{name}");
    let exported = Value::map([("uid", Value::from(uid.as_str()))]);
    Performed { exported, uid: Some(uid) }
}

impl Providers for Stage {
    fn target(&self) -> BoxFuture<'_, Result<Target, Problem>> {
        let uid = self.with(|s| s.cluster.clone());
        let target =
            Target { name: "test".into(), server: "memory".into(), uid, version: "v1".into() };
        Box::pin(async { Ok(target) })
    }

    fn observe(&self, wanted: Vec<Wanted>) -> BoxFuture<'_, Vec<Observation>> {
        self.with(|s| s.looked.push(wanted.len()));
        let seen = wanted.iter().map(|w| self.observation(&w.identity.key.0)).collect();
        Box::pin(async { seen })
    }

    fn read(&self, _: &TypeName, _: Value) -> BoxFuture<'_, Result<Exported, Problem>> {
        Box::pin(async { Err(unreachable()) })
    }

    fn preview(&self, ops: Vec<Op>) -> BoxFuture<'_, Vec<Preview>> {
        let answers = ops.into_iter().map(|op| Preview::Would(op.args)).collect();
        Box::pin(async { answers })
    }

    fn perform<'a>(
        &'a self,
        op: &'a Op,
        _: Progress<'a>,
    ) -> BoxFuture<'a, Result<Performed, StepError>> {
        Box::pin(async move {
            let name = op.identity.shown.clone();
            if self.with(|s| s.refused.contains(&name)) {
                self.log(format!("the world refuses to {}", op.text));
                let text = "The quota is used up.";
                let problem = Problem::error(PROBLEM, "Refused", Path::root(), text);
                return Err(StepError::Refused(problem));
            }
            self.log(op.text.clone());
            self.with(|s| match op.name.as_str() {
                "delete" => drop(s.objects.remove(&name)),
                _ => drop(s.objects.insert(name.clone(), op.args.clone())),
            });
            Ok(performed(&name))
        })
    }

    fn settle<'a>(&'a self, op: &'a Op) -> BoxFuture<'a, Result<Settled, StepError>> {
        let name = op.identity.shown.clone();
        self.log(format!("look what became of: {}", op.text));
        let answer = match (self.observation(&name), op.name.as_str()) {
            (Observation::Unknown(why), _) => Err(StepError::InDoubt(why.detail)),
            (Observation::Absent, "delete") => Ok(Settled::Done(performed(&name))),
            (Observation::Present(is), _) if is == op.args => Ok(Settled::Done(performed(&name))),
            (Observation::Present(_) | Observation::Absent, _) => Ok(Settled::NotDone),
        };
        Box::pin(async { answer })
    }

    fn find(&self, _: &str) -> BoxFuture<'_, Result<Search, Problem>> {
        let found = |name: String| Found {
            ty: "thing".parse().unwrap(),
            identity: Identity {
                key: key(&name),
                args: Value::from(name.as_str()),
                shown: name.clone(),
            },
            uid: None,
            protected: false,
        };
        let found = self.with(|s| s.marked.clone()).into_iter().map(found).collect();
        Box::pin(async { Ok(Search { found, unseen: Vec::new() }) })
    }
}

impl Clock for Stage {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
    fn now(&self) -> plans::Timestamp {
        plans::Timestamp(0)
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

impl Journal for Stage {
    fn append<'a>(&'a self, entry: &'a JournalEntry) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            if self.with(|s| s.room.is_some_and(|room| room == 0)) {
                return Err("The lock is lost.".to_owned());
            }
            self.log(match entry {
                JournalEntry::RunStarted(start) => format!("run {} starts", start.run),
                JournalEntry::Begin { step } => format!("begin {}", step.0),
                JournalEntry::End { step, ended, .. } => format!("end {}: {ended:?}", step.0),
                JournalEntry::Records { changes } => format!("{} records", changes.len()),
                JournalEntry::RunFinished { run, .. } => format!("run {run} is finished"),
            });
            self.with(|s| {
                s.room = s.room.map(|room| room - 1);
                s.journal.push(entry.clone());
            });
            Ok(())
        })
    }
}

impl Stage {
    pub(crate) fn load(&self) -> LoadedState {
        let (state, entries) = self.with(|s| (s.state.clone(), s.journal.clone()));
        let warnings = Diagnostics::new();
        if entries.is_empty() {
            return LoadedState { state, unfinished: None, left: None, warnings };
        }
        let state = state.unwrap_or_else(|| State::new("", ""));
        assert_eq!(states::follows(&state, &entries), Ok(Follows::Continues));
        let states::Replayed { state, unfinished } = states::replay(state, &entries);
        LoadedState { state: Some(state), unfinished, left: None, warnings }
    }

    fn keep(&self, run: &str, saved: &SavedPlan) {
        self.log(format!("keep the plan of {run}"));
        self.with(|s| s.kept.insert(run.to_owned(), saved.clone()));
    }

    pub(crate) fn kept(&self, run: &str) -> SavedPlan {
        self.with(|s| s.kept[run].clone())
    }

    fn commit(&self, state: &State, finished: bool) {
        let names: Vec<String> = state.records.keys().map(ToString::to_string).collect();
        let aside = if finished { ", put the journal away" } else { "" };
        self.log(format!("write state {} of [{}]{aside}", state.serial, names.join(", ")));
        self.with(|s| {
            s.state = Some(state.clone());
            if finished {
                s.journal.clear();
                s.kept.clear();
            }
        });
    }
}

impl Store for Stage {
    fn load(&self) -> Stored<'_, LoadedState> {
        Box::pin(async { Ok(self.load()) })
    }
    fn keep<'a>(&'a self, run: &'a str, saved: &'a SavedPlan) -> Stored<'a, ()> {
        Box::pin(async {
            self.keep(run, saved);
            Ok(())
        })
    }
    fn kept<'a>(&'a self, run: &'a str) -> Stored<'a, SavedPlan> {
        Box::pin(async { Ok(self.kept(run)) })
    }
    fn journal(&self) -> Stored<'_, Arc<dyn Journal>> {
        let journal: Arc<dyn Journal> = Arc::new(self.clone());
        Box::pin(async { Ok(journal) })
    }
    fn commit<'a>(&'a self, state: &'a State, finished: bool) -> Stored<'a, ()> {
        Box::pin(async move {
            self.commit(state, finished);
            Ok(())
        })
    }
}
