//! The session's port to the files of the local state.

use diags::Diagnostics;
use local::Folder;
use runner::Journal;
use schemas::plan::SavedPlan;
use session::LoadedState;
use states::State;
use std::sync::Arc;

/// State, journal and plans of runs in the data directory.
pub(crate) struct LocalStore(pub(crate) Folder);

impl session::Store for LocalStore {
    fn load(&self) -> Result<LoadedState, Diagnostics> {
        let local::Loaded { state, unfinished, left, warnings } = self.0.load()?;
        Ok(LoadedState { state, unfinished, left, warnings })
    }

    fn keep(&self, run: &str, saved: &SavedPlan) -> Result<(), Diagnostics> {
        self.0.keep(run, saved)
    }

    fn kept(&self, run: &str) -> Result<SavedPlan, Diagnostics> {
        self.0.kept(run)
    }

    fn journal(&self) -> Result<Arc<dyn Journal>, Diagnostics> {
        Ok(self.0.journal()?)
    }

    fn commit(&self, state: &State, finished: bool) -> Result<(), Diagnostics> {
        self.0.commit(state, finished)
    }
}
