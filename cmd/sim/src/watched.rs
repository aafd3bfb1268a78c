//! The real providers and the real store, with somebody who listens, and with the bugs that are
//! planted.

use crate::planted::Planted;
use crate::process::Process;
use addrs::TypeName;
use diags::Diagnostics;
use plans::{Exported, Op, Problem, Target};
use provider::{
    Asked, BoxFuture, Observation, Performed, Preview, Progress, Providers, Search, Settled,
    StepError, Wanted,
};
use rollout::drain::Holder;
use runner::Journal;
use schemas::plan::SavedPlan;
use session::{LoadedState, Store, Stored};
use states::{JournalEntry, State};
use std::sync::Arc;
use values::{Path, Value};

/// The providers as the command line has them.
pub(crate) struct Watched {
    pub(crate) real: wiring::World,
    pub(crate) process: Arc<Process>,
}

impl Watched {
    fn planted(&self, bug: Planted) -> bool {
        self.process.world.planted == Some(bug)
    }

    /// What a bug does in the place of an operation.
    async fn instead(&self, op: &Op) -> Option<Result<Performed, StepError>> {
        let is =
            |ty: &str, name: &str| op.ty.as_str() == ty && (name.is_empty() || op.name == name);
        let done = || Some(Ok(Performed { exported: Value::Null, uid: None }));
        let is_last = op.identity.shown.ends_with("control-plane-1");
        if is("rollout", "uncordon") && is_last && self.planted(Planted::ForgottenUncordon) {
            return done();
        }
        if is("host_file", "") && self.planted(Planted::IdleStep) {
            return done();
        }
        if is("host_file", "") && self.planted(Planted::SpokenSecret) {
            let said = op.args.get("content").map(|content| content.exposed().0);
            let said = said.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
            let detail = format!("`{said}` cannot be written.");
            let code = rollout::drain::codes::STRANGE;
            let problem = Problem::error(code, "File cannot be written", Path::root(), detail);
            return Some(Err(StepError::Refused(problem)));
        }
        if is("config_map", "") && self.planted(Planted::EndlessStep) {
            std::future::pending::<()>().await;
        }
        None
    }

    /// Cordons another node as this operation did its own.
    fn cordons_another(&self, op: &Op) {
        let text = |name: &str| op.args.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_cordon = op.ty.as_str() == "rollout" && op.name == "cordon";
        if let (true, Some(project), Some(plan)) = (is_cordon, text("project"), text("plan")) {
            self.process.world.cordon_as("control-plane-1", &Holder { project, plan });
        }
    }
}

impl Providers for Watched {
    fn target(&self) -> BoxFuture<'_, Result<Target, Problem>> {
        self.real.target()
    }

    fn observe(&self, wanted: Vec<Wanted>) -> BoxFuture<'_, Vec<Observation>> {
        Box::pin(async move {
            let files: Vec<bool> = wanted.iter().map(|w| w.ty.as_str() == "config_map").collect();
            let mut seen = self.real.observe(wanted).await;
            if self.planted(Planted::BlindLook) {
                for (seen, is_file) in seen.iter_mut().zip(files) {
                    if is_file {
                        *seen = Observation::Absent;
                    }
                }
            }
            seen
        })
    }

    fn read(&self, ty: &TypeName, args: Value) -> BoxFuture<'_, Result<Exported, Problem>> {
        self.real.read(ty, args)
    }

    fn preview(&self, ops: Vec<Op>) -> BoxFuture<'_, Vec<Preview>> {
        self.real.preview(ops)
    }

    fn perform<'a>(
        &'a self,
        op: &'a Op,
        progress: Progress<'a>,
    ) -> BoxFuture<'a, Result<Performed, StepError>> {
        Box::pin(async move {
            if let Some(instead) = self.instead(op).await {
                return instead;
            }
            if op.ty.as_str() == "kubelet_config" && self.planted(Planted::ForgottenRestart) {
                let args = op.args.as_map().cloned().unwrap_or_default();
                let args = args.iter().map(|(name, value)| (name.clone(), value.clone()));
                let args = Value::map(args.chain([("restart".into(), false.into())]));
                let op = Op { args, ..op.clone() };
                return self.real.perform(&op, progress).await;
            }
            if op.ty.as_str() == "config_map" && self.planted(Planted::StrayWrite) {
                self.process.stray_write().await;
            }
            let done = self.real.perform(op, progress).await;
            if self.planted(Planted::TwoNodesAtOnce) {
                self.cordons_another(op);
            }
            done
        })
    }

    fn stopping(&self) {
        self.real.stopping();
    }

    fn settle<'a>(&'a self, op: &'a Op) -> BoxFuture<'a, Result<Settled, StepError>> {
        self.real.settle(op)
    }

    fn afterwards(&self, ops: Vec<Op>) -> BoxFuture<'_, Vec<(usize, Problem)>> {
        self.real.afterwards(ops)
    }

    fn rights(&self, ops: Vec<Op>) -> BoxFuture<'_, Result<Vec<Asked>, Problem>> {
        self.real.rights(ops)
    }

    fn find(&self, project: &str) -> BoxFuture<'_, Result<Search, Problem>> {
        self.real.find(project)
    }
}

/// The state in the cluster.
pub(crate) struct Kept {
    pub(crate) real: remote::Store,
    pub(crate) process: Arc<Process>,
}

impl Store for Kept {
    fn load(&self) -> Stored<'_, LoadedState> {
        Box::pin(async move {
            let remote::Loaded { state, unfinished, left } = self.real.load().await?;
            Ok(LoadedState { state, unfinished, left, warnings: Diagnostics::new() })
        })
    }

    fn keep<'a>(&'a self, run: &'a str, saved: &'a SavedPlan) -> Stored<'a, ()> {
        Box::pin(async move {
            let text = schemas::plan::write(saved).unwrap_or_default();
            self.process.said(&text);
            let plan = Arc::new(saved.plan.clone());
            self.process.world.history(|history| history.approved(plan));
            self.real.keep(run, saved).await
        })
    }

    fn kept<'a>(&'a self, run: &'a str) -> Stored<'a, SavedPlan> {
        Box::pin(self.real.kept(run))
    }

    fn journal(&self) -> Stored<'_, Arc<dyn Journal>> {
        Box::pin(async move {
            let real: Arc<dyn Journal> = self.real.journal().await?;
            let journal: Arc<dyn Journal> = match self.process.world.planted {
                Some(Planted::LostBegin) => Arc::new(Forgetful(real)),
                _ => real,
            };
            Ok(journal)
        })
    }

    fn commit<'a>(&'a self, state: &'a State, finished: bool) -> Stored<'a, ()> {
        Box::pin(async move {
            let text = schemas::state::write(state).unwrap_or_default();
            self.process.said(&text);
            self.real.commit(state, finished).await
        })
    }
}

/// A journal that does not keep beginnings.
struct Forgetful(Arc<dyn Journal>);

impl Journal for Forgetful {
    fn append<'a>(&'a self, entry: &'a JournalEntry) -> BoxFuture<'a, Result<(), String>> {
        match entry {
            JournalEntry::Begin { .. } => Box::pin(async { Ok(()) }),
            _ => self.0.append(entry),
        }
    }
}
