//! A person with a configuration, in front of a stage.

use crate::stage::Stage;
use crate::types;
use config::InMemory;
use diags::{Diagnostics, SourceMap};
use lang::Inputs;
use planner::{Options, Planning};
use plans::{Fingerprints, Mode, Stop, Timestamp};
use provider::Catalog;
use schemas::plan::SavedPlan;
use session::{
    Ahead, Applied, ApplyOptions, Ground, Loaded, Picture, Rebuilt, Resumed, World, check_resumed,
    check_saved,
};
use states::State;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) struct Desk {
    pub(crate) stage: Stage,
    pub(crate) mode: Mode,
    loaded: Arc<Loaded>,
    sources: SourceMap,
    runtime: tokio::runtime::Runtime,
    plans: u32,
}

impl Desk {
    pub(crate) fn new(hcl: &str) -> Self {
        let stage = Stage::default();
        stage.with(|s| "uid".clone_into(&mut s.cluster));
        let (loaded, sources) = load(hcl);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { stage, mode: Mode::Normal, loaded, sources, runtime, plans: 0 }
    }

    /// Other text in the configuration from here on.
    pub(crate) fn rewrite(&mut self, hcl: &str) {
        (self.loaded, self.sources) = load(hcl);
    }

    pub(crate) fn world(&self) -> World {
        World {
            catalog: Arc::new(types::types()),
            providers: Arc::new(self.stage.clone()),
            clock: Arc::new(self.stage.clone()),
            events: Arc::new(|_| {}),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.stage.load().state.unwrap_or_else(|| State::new("lineage", "test"))
    }

    fn options(&self, state: &State) -> Options {
        let target = self.runtime.block_on(self.world().providers.target()).unwrap();
        Options {
            mode: self.mode,
            id: format!("plan-{}", self.plans),
            now: Timestamp(0),
            project: "test".into(),
            target,
            fingerprints: Fingerprints {
                config: self.loaded.digest.clone(),
                engine: env!("CARGO_PKG_VERSION").into(),
                lineage: state.lineage.clone(),
                serial: state.serial,
            },
            cwd: String::new(),
            replace: BTreeSet::new(),
            selection: planner::Selection::All,
            allowed: plans::Allowed::default(),
            left_open: BTreeSet::new(),
        }
    }

    fn look(&self) -> (Planning, Picture) {
        let state = self.state();
        let options = self.options(&state);
        let world = self.world();
        let work = async {
            let ahead = Ahead::look(&state, &world.providers);
            session::plan(&self.loaded, &state, &world, &options, ahead).await
        };
        self.runtime.block_on(work)
    }

    /// A new plan.
    pub(crate) fn plan(&mut self) -> Planning {
        self.plans += 1;
        self.look().0
    }

    /// A new plan, to be applied later.
    pub(crate) fn save(&mut self) -> SavedPlan {
        let plan = self.plan().plan;
        SavedPlan { plan, snapshot: session::snapshot(&self.loaded, &self.sources) }
    }

    /// Whether a saved plan may be applied now.
    pub(crate) fn check(&self, saved: &SavedPlan) -> Result<(), Diagnostics> {
        let (state, world) = (self.state(), self.world());
        self.runtime.block_on(check_saved(&saved.plan, &self.loaded, &state, &world))
    }

    /// Applies a saved plan, if it may be.
    pub(crate) fn apply_saved(&self, saved: SavedPlan) -> Result<Applied, Diagnostics> {
        self.check(&saved)?;
        let (planning, picture) = self.look();
        self.run(async |ground, options, stop| {
            session::apply(saved, (picture, planning.exports), ground, options, stop).await
        })
    }

    /// Plans and applies.
    pub(crate) fn apply(&mut self) -> Result<Applied, Diagnostics> {
        let saved = self.save();
        self.apply_saved(saved)
    }

    /// Finishes the run that did not come to its end.
    pub(crate) fn resume(&self) -> Result<Applied, Diagnostics> {
        let unfinished = self.stage.load().unfinished;
        let run = unfinished.as_ref().map_or("none", |r| r.run.as_str()).to_owned();
        let saved = self.stage.kept(&run);
        check_resumed(&saved.plan, &self.loaded)?;
        let (planning, picture) = self.look();
        let resumed = Resumed::new(saved.plan, unfinished)?;
        self.run(async |ground, options, stop| {
            session::resume(resumed, (picture, planning.exports), ground, options, stop).await
        })
    }

    /// Remembers again.
    pub(crate) fn rebuild(&self) -> Result<Rebuilt, Diagnostics> {
        let state = self.state();
        let options = self.options(&state);
        self.runtime.block_on(session::rebuild(&self.loaded, &state, &self.world(), &options))
    }

    fn run(
        &self,
        work: impl AsyncFnOnce(
            Ground<'_>,
            &ApplyOptions,
            watch::Receiver<Option<Stop>>,
        ) -> Result<Applied, Diagnostics>,
    ) -> Result<Applied, Diagnostics> {
        let (state, world) = (self.state(), self.world());
        let ground =
            Ground { loaded: &self.loaded, state: &state, world: &world, store: &self.stage };
        let options = ApplyOptions {
            run: format!("run-{}", self.plans),
            now: Timestamp(0),
            by: "ada@desk".into(),
            forced: Vec::new(),
            parallelism: NonZeroUsize::MIN,
        };
        let (_keep, stop) = watch::channel(None);
        self.runtime.block_on(work(ground, &options, stop))
    }

    /// Diagnostics in short lines: code, headline, address and place, explanation.
    pub(crate) fn text(&self, all: &Diagnostics) -> String {
        let line = |d: &diags::Diagnostic| {
            let place = d.labels.first().map(|l| {
                let at = self.sources.position(l.span.source, l.span.start);
                format!(" at {}:{}", at.line, at.column)
            });
            let address = d.address.as_ref().map(|a| format!(" [{a}]")).unwrap_or_default();
            let place = place.unwrap_or_default();
            format!("{} {}{address}{place}: {}", d.code, d.summary, d.detail)
        };
        all.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// The codes alone.
    pub(crate) fn codes(result: Result<(), Diagnostics>) -> String {
        let all = result.err().unwrap_or_default();
        all.iter().map(|d| d.code.0).collect::<Vec<_>>().join(" ")
    }
}

fn load(hcl: &str) -> (Arc<Loaded>, SourceMap) {
    let mut sources = SourceMap::default();
    let mut files: InMemory = [("main.hcl", hcl)].into_iter().collect();
    let catalog: Arc<dyn Catalog> = Arc::new(types::types());
    let (loaded, problems) =
        session::load(".", "test", &mut files, &mut sources, &Inputs::default(), &catalog);
    assert!(!problems.has_errors(), "{problems:?}");
    (Arc::new(loaded), sources)
}
