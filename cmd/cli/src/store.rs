//! The session's port to the state, wherever it is kept, and its lock.

use crate::signals::Signals;
use diags::{Diagnostic, Diagnostics};
use local::Folder;
use plans::Stop;
use runner::Journal;
use schemas::plan::SavedPlan;
use session::{LoadedState, Stored};
use states::State;
use std::sync::Arc;
use tokio::sync::watch;

/// State, journal and plans of runs: in the data directory, or in the cluster.
pub(crate) enum Store {
    Local(Folder),
    Cluster(Box<remote::Store>),
}

/// What a folder holds, in the session's words.
pub(crate) fn of_folder(loaded: local::Loaded) -> LoadedState {
    let local::Loaded { state, unfinished, left, warnings } = loaded;
    LoadedState { state, unfinished, left, warnings }
}

impl session::Store for Store {
    fn load(&self) -> Stored<'_, LoadedState> {
        Box::pin(async move {
            match self {
                Self::Local(folder) => folder.load().map(of_folder),
                Self::Cluster(store) => {
                    let remote::Loaded { state, unfinished, left } = store.load().await?;
                    Ok(LoadedState { state, unfinished, left, warnings: Diagnostics::new() })
                }
            }
        })
    }

    fn keep<'a>(&'a self, run: &'a str, saved: &'a SavedPlan) -> Stored<'a, ()> {
        Box::pin(async move {
            match self {
                Self::Local(folder) => folder.keep(run, saved),
                Self::Cluster(store) => store.keep(run, saved).await,
            }
        })
    }

    fn kept<'a>(&'a self, run: &'a str) -> Stored<'a, SavedPlan> {
        Box::pin(async move {
            match self {
                Self::Local(folder) => folder.kept(run),
                Self::Cluster(store) => store.kept(run).await,
            }
        })
    }

    fn journal(&self) -> Stored<'_, Arc<dyn Journal>> {
        Box::pin(async move {
            let journal: Arc<dyn Journal> = match self {
                Self::Local(folder) => folder.journal()?,
                Self::Cluster(store) => store.journal().await?,
            };
            Ok(journal)
        })
    }

    fn commit<'a>(&'a self, state: &'a State, finished: bool) -> Stored<'a, ()> {
        Box::pin(async move {
            match self {
                Self::Local(folder) => folder.commit(state, finished),
                Self::Cluster(store) => store.commit(state, finished).await,
            }
        })
    }
}

/// The lock of a state, until it is dropped.
pub(crate) enum Lock {
    /// Nobody asked for one.
    None,
    /// The kernel releases it.
    Local {
        _held: local::Lock,
    },
    Cluster(remote::Lock),
}

impl Lock {
    /// When to stop: when a person asks for it, or when the lock is lost.
    pub(crate) fn stop(&self, signals: &Signals) -> watch::Receiver<Option<Stop>> {
        let mut asked = signals.stop.clone();
        let Some(mut lost) = self.lost() else { return asked };
        let (sender, stop) = watch::channel(*asked.borrow());
        let person = sender.clone();
        tokio::spawn(async move {
            while asked.changed().await.is_ok() {
                person.send_replace(*asked.borrow_and_update());
            }
        });
        tokio::spawn(async move {
            if lost.wait_for(Option::is_some).await.is_ok() {
                sender.send_if_modified(|asked| {
                    let first = asked.is_none();
                    asked.get_or_insert(Stop::Gently);
                    first
                });
            }
        });
        stop
    }

    /// How hosts tell this run from the one before and the one that takes it over; `None` where the
    /// kernel lets nobody take it over, and where nobody asked for a lock.
    pub(crate) fn fence(&self, project: &str, cluster: &str) -> Option<access::Fence> {
        match self {
            Self::Cluster(lock) => {
                let (number, holder) = lock.number()?;
                Some(access::Fence::new(project, cluster, number, &holder))
            }
            Self::None | Self::Local { .. } => None,
        }
    }

    fn lost(&self) -> Option<watch::Receiver<Option<String>>> {
        match self {
            Self::Cluster(lock) => lock.lost(),
            Self::None | Self::Local { .. } => None,
        }
    }

    /// What to say when it was lost.
    pub(crate) fn problem(&self) -> Option<Diagnostic> {
        match self {
            Self::Cluster(lock) => lock.problem(),
            Self::None | Self::Local { .. } => None,
        }
    }
}
