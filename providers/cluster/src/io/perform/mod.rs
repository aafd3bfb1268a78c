//! Doing what was decided, if the world is still as it was.

mod apply;
mod capacity;
mod delete;
mod settings;
mod text;

use super::object::{Named, broken};
use super::work::Work;
use access::{Cluster, ClusterError, Secrets};
use plans::{Op, Problem};
use provider::{Performed, Progress, StepError};
use tokio::sync::mpsc;

pub(super) use apply::{Moved, after_apply, apply_once, moved, took_effect};
pub(super) use capacity::{holds as capacity_holds, preview as capacity_preview};
pub(super) use settings::holds as settings_hold;
pub(super) use text::holds as text_holds;

pub(super) async fn perform(
    cluster: &Cluster,
    secrets: &Secrets,
    op: &Op,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    // Requests that are sent again are told to whoever waits, not only to a log.
    let (tell, mut heard) = mpsc::unbounded_channel();
    let cluster = cluster.telling(tell);
    let mut work = std::pin::pin!(perform_heard(&cluster, secrets, op, progress));
    loop {
        tokio::select! {
            biased;
            Some(retry) = heard.recv() => progress(retry),
            done = &mut work => return done,
        }
    }
}

async fn perform_heard(
    cluster: &Cluster,
    secrets: &Secrets,
    op: &Op,
    progress: Progress<'_>,
) -> Result<Performed, StepError> {
    let named = Named::of(&op.identity).map_err(StepError::Refused)?;
    match Work::of(op).map_err(StepError::Refused)? {
        Work::Apply => apply::apply(cluster, secrets, op, &named, progress).await,
        Work::Release => apply::release(cluster, op, &named, progress).await,
        Work::Delete => delete::delete(cluster, op, &named, progress).await,
        Work::SetCapacity => capacity::set(cluster, op, &named, progress).await,
        Work::UnsetCapacity => capacity::unset(cluster, op, &named, progress).await,
        Work::SetNode => settings::set(cluster, op, &named).await,
        Work::SetText => text::set(cluster, op, &named).await,
        Work::Several => Err(StepError::Refused(only_asked(op))),
    }
}

/// A question is in no plan.
pub(super) fn only_asked(op: &Op) -> Problem {
    broken(format!("`{}` is a question, and cannot be done.", op.text))
}

/// A request that changes nothing went wrong, so nothing was done.
pub(super) fn unread(error: &ClusterError) -> StepError {
    StepError::Refused(error.to_problem())
}

/// The problem as a sentence.
pub(super) fn sentence(problem: &Problem) -> String {
    StepError::Refused(problem.clone()).message()
}
