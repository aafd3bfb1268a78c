//! The I/O half: looking at objects of the API and changing them.
//!
//! This module answers one question: *how does what was decided become true, and how is it
//! known what is?* The pure half decides from what is read here; what it decides comes back
//! as operations. Start reading at [`ClusterProvider`].
//!
//! | operation | where |
//! | --- | --- |
//! | which cluster is this | `target` |
//! | read all wanted objects, at the price of a few lists | `observe` |
//! | ask the server what it would make of an operation | `preview` |
//! | what is worth a warning when all is done | `afterwards` |
//! | what is deleted along with a namespace or a definition | `along` |
//! | which rights operations need, and which are there | `rights` |
//! | do it, if the world is still as it was, and wait until it holds | `perform/` |
//! | find out what became of an operation nobody saw the end of | `settle` |
//! | find everything that carries a project's mark | `find` |
//! | data sources | `data`, `nodes` |
//! | what a type of several objects looks at | `nodelocal_dns` |
//! | which operations there are | `work` |
//! | is anybody behind a service | `endpoints` |
//! | when is an object ready | `ready` (pure), `wait` |
//!
//! **Invariant:** "absent" is only said when the server said so: by a 404 of this very
//! object, or by a complete list without it.
//!
//! **Invariant:** nothing is sent that was not decided: every write carries the uid and the
//! version that the plan saw, and is not sent again in another form when these have moved.
//!
//! **Not here:** what a difference means and what to do about it (`api`), and how requests
//! are sent, repeated and limited (`access`).

mod afterwards;
mod along;
mod data;
mod docker;
mod endpoints;
mod find;
mod nodelocal_dns;
mod nodes;
mod object;
mod observe;
mod perform;
mod preview;
mod ready;
mod rights;
mod settle;
mod target;
#[cfg(test)]
mod tests;
mod wait;
mod work;

pub use rights::{By, Need, grant};

use access::{Cluster, Secrets};
use addrs::TypeName;
use plans::{Exported, Op, Problem, Target};
use provider::{
    Asked, Observation, Performed, Preview, Progress, Search, Settled, StepError, Wanted,
};
use values::Value;

/// Access to all objects of the API, for every resource type of this crate and all
/// data sources. The methods have the shapes of [`provider::Providers`].
#[derive(Clone)]
pub struct ClusterProvider {
    cluster: Cluster,
    secrets: Secrets,
}

impl ClusterProvider {
    /// Through this cluster; secrets that a configuration only points at stay closed.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, secrets: Secrets::closed() }
    }

    /// The same, and through this door to secrets.
    #[must_use]
    pub fn reading(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// The cluster behind it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The cluster, asked now.
    pub async fn target(&self) -> Result<Target, Problem> {
        target::target(&self.cluster).await
    }

    /// Looks at all these objects at once; answers in the same order.
    pub async fn observe(&self, wanted: Vec<Wanted>) -> Vec<Observation> {
        observe::observe_all(&self.cluster, wanted).await
    }

    /// Reads a data source.
    pub async fn read(&self, ty: &TypeName, args: Value) -> Result<Exported, Problem> {
        data::read(&self.cluster, ty, &args).await
    }

    /// Asks what these operations would do; answers in the same order. Changes nothing.
    pub async fn preview(&self, ops: Vec<Op>) -> Vec<Preview> {
        preview::preview(&self.cluster, ops).await
    }

    /// Does it, and waits until it has taken effect. Checks the guard first.
    ///
    /// # Interruption
    ///
    /// Not to be dropped: whether the server carried it out would stay open. `settle` finds
    /// out after a crash.
    pub async fn perform(&self, op: &Op, progress: Progress<'_>) -> Result<Performed, StepError> {
        perform::perform(&self.cluster, &self.secrets, op, progress).await
    }

    /// Looks what became of an operation that was begun and not seen to end.
    pub async fn settle(&self, op: &Op) -> Result<Settled, StepError> {
        settle::settle(&self.cluster, &self.secrets, op).await
    }

    /// Finds every object that carries this project's mark.
    pub async fn find(&self, project: &str) -> Result<Search, Problem> {
        find::find(&self.cluster, project).await
    }

    /// What is worth a warning when these operations are done.
    pub async fn afterwards(&self, ops: &[Op]) -> Vec<(usize, Problem)> {
        afterwards::afterwards(&self.cluster, ops).await
    }

    /// Asks which rights these operations need and which of them are there.
    /// `more` is what is needed besides.
    pub async fn rights(&self, ops: &[Op], more: Vec<Need>) -> Result<Vec<Asked>, Problem> {
        rights::of_operations(&self.cluster, ops, more).await
    }
}
