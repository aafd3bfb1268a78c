//! What can be done while the configuration is still being analyzed.
//!
//! Once the text is parsed it mostly says where the state is and which cluster is meant: a
//! `cluster` block that refers to nothing means the same before and after the analysis. Reading
//! the state, reaching the cluster, and looking at what is remembered take as long as the analysis
//! and the evaluation, and need neither. Nothing is written.

use crate::args::ClusterArgs;
use crate::environment::Environment;
use crate::target;
use diags::Diagnostics;
use local::Folder;
use plans::{Problem, Target};
use provider::Providers;
use session::{Ahead, ClusterSettings, StatePlace};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use wiring::World;

/// What was begun. Dropping it ends it.
pub(crate) struct HeadStart(JoinSet<Begun>);

/// What came of it.
pub(crate) struct Begun {
    pub(crate) state: Result<local::Loaded, Diagnostics>,
    pub(crate) access: Result<World, Diagnostics>,
    /// What the cluster says it is, if it could be reached.
    pub(crate) target: Option<Result<Target, Problem>>,
    pub(crate) ahead: Ahead,
}

/// The state of this machine, on its way before anything else is known.
pub(crate) struct Reading(oneshot::Receiver<Result<local::Loaded, Diagnostics>>);

impl Reading {
    /// Begins where the flags alone say that a real cluster is meant.
    pub(crate) fn begin_for(flags: &ClusterArgs, env: &Environment) -> Option<Self> {
        target::is_real(flags, None).then(|| Self::begin(env))
    }

    fn begin(env: &Environment) -> Self {
        let (done, reading) = oneshot::channel();
        let folder = Folder::open(env.data_dir.clone());
        std::thread::spawn(move || {
            // Where the state turns out to be elsewhere, nobody waits for this.
            let _ = done.send(folder.load());
        });
        Self(reading)
    }
}

impl HeadStart {
    /// Begins, when the state is on this machine and the cluster is a real one: the sandbox is in
    /// this process and has nothing to wait for.
    pub(crate) fn begin(
        reading: Option<Reading>,
        parsed: &session::Parsed,
        cluster: Option<ClusterSettings>,
        flags: &ClusterArgs,
        env: &Environment,
    ) -> Option<Self> {
        if parsed.state != StatePlace::Local || !target::is_real(flags, cluster.as_ref()) {
            return None;
        }
        let reading = reading.unwrap_or_else(|| Reading::begin(env));
        let (project, flags, env) = (parsed.project.clone(), flags.clone(), env.clone());
        let work = async move {
            let reaching = async {
                let access = target::connect(&flags, cluster.as_ref(), &project, &env).await;
                let target = match &access {
                    Ok(access) => Some(access.target().await),
                    Err(_) => None,
                };
                (access, target)
            };
            let (state, (access, target)) = tokio::join!(reading.0, reaching);
            // Only a panic drops the other end, and it was told already.
            let state = state.unwrap_or_else(|_| Folder::open(env.data_dir.clone()).load());
            let mut ahead = Ahead::default();
            if let Ok(access) = &access
                && let Ok(local::Loaded { state: Some(state), .. }) = &state
            {
                let providers: Arc<dyn Providers> = Arc::new(access.clone());
                ahead = Ahead::look(state, &providers);
            }
            Begun { state, access, target, ahead }
        };
        Some(Self(JoinSet::from_iter([work])))
    }

    /// What came of it; nothing when it broke off, so that all is done anew.
    pub(crate) async fn end(mut self) -> Option<Begun> {
        self.0.join_next().await?.ok()
    }
}
