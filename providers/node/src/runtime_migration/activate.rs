//! Starting a kubelet with containerd, and with docker again when it does not run.
//!
//! The parts are those of other types: how a service is told and looked after (`service`), how files
//! that change together are written and put back (`settings::files`), how containers in containerd
//! are ended (`cgroup_driver`). What is here is their order.

use super::docker::{self, Change};
use super::{SHELF, SOCKET, files, nodes};
use crate::cgroup_driver::containers;
use crate::codes;
use crate::container_runtime::activate::{self as containerd, CONTAINERD};
use crate::container_runtime::engine::Engine;
use crate::host_type::{Became, Site, strange};
use crate::kubelet_config::activate::{KUBELET, has_settings};
use crate::place::part;
use crate::service::{Service, Told, Why, went_back};
use crate::settings::files::{Files, Now};
use plans::{Op, Problem};
use provider::StepError;
use std::time::Duration;
use values::{Path, Value};

/// How long it may take until the node and its daemon sets are back: their images are pulled again.
const COMES_UP: Duration = Duration::from_mins(10);

/// What is done, read from the operation.
struct Work<'a> {
    op: &'a Op,
    files: Files,
    units: Change,
    /// The kubelet is stopped for it.
    stop: bool,
    /// Its containers are in another runtime afterwards.
    moves: bool,
    /// The kubelet says which address it talks to.
    has_setting: bool,
    /// Daemon sets whose pods have to be back.
    sets: Vec<String>,
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Result<Self, StepError> {
        let is = |name: &str| op.args.get(name).and_then(Value::as_bool);
        let read = || -> Option<Self> {
            let sets = op.args.get("daemon_sets")?.as_list()?.iter();
            Some(Self {
                op,
                files: Files::of_op(SHELF, op)?,
                units: Change::of_value(op.args.get("units")?)?,
                stop: is("stop")?,
                moves: is("moves")?,
                has_setting: is("has_setting")?,
                sets: sets.map(|set| set.as_str().map(str::to_owned)).collect::<Option<_>>()?,
            })
        };
        let known = ["migrate", "forget"].contains(&op.name.as_str());
        read().filter(|_| known).ok_or_else(|| strange(op))
    }
}

/// # Interruption
///
/// What is noted and the copies of the files are written first, and nothing is stopped before. After
/// a crash anywhere each file is as it was or as it is to be, all can be put back, and doing it again
/// goes on from there: stopping what is stopped changes nothing.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let work = Work::of(op)?;
    let now = work.files.now(site).await?;
    if let Some(changed) = work.files.stale(site, &now) {
        return Err(StepError::Stale(changed));
    }
    work.files.prepare(site, &now, work.stop).await?;
    if let Err(why) = migrated(site, &work, &now).await {
        return Err(roll_back(site, &work, &now, &why).await);
    }
    work.files.done(site).await
}

/// Stops the kubelet, does all, and starts it; why that did not come about, as sentences.
async fn migrated(site: Site<'_>, work: &Work<'_>, now: &[Now]) -> Result<(), String> {
    let host = site.host;
    // On a host that is a folder there is none.
    let runs = work.stop && of(KUBELET, KUBELET.is_told(host, Told::Stop).await)?;
    if runs && work.moves {
        docker::ended(site).await?;
    }
    work.units.made(site).await?;
    work.files.put(site, now).await.map_err(|error| error.to_string())?;
    if !runs {
        return Ok(());
    }
    if work.moves {
        // It may run with an older file than the one that was looked at. It has no pods yet.
        let check = |_| -> provider::BoxFuture<'_, Result<(), Why>> {
            Box::pin(containerd::is_well(site, false))
        };
        of(CONTAINERD, CONTAINERD.restarted(host, &check).await)?;
    }
    of(KUBELET, KUBELET.is_told(host, Told::Start).await)?;
    let kubelet = Service { comes_up: COMES_UP, ..KUBELET };
    of(KUBELET, kubelet.comes_up(host, &|_| Box::pin(is_well(site, work))).await)
}

/// Names the program that a complaint is about.
fn of<T>(service: Service, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|why| format!("`{}`: {why}", service.unit))
}

/// Whether the kubelet talks to containerd, and its node is back.
async fn is_well(site: Site<'_>, work: &Work<'_>) -> Result<(), Why> {
    let Some(cluster) = site.cluster else { return Ok(()) };
    let node = site.host.name();
    let not_yet = |error: access::ClusterError| Why::NotYet(error.to_problem().detail);
    if work.has_setting {
        let said = cluster.configz(node).await.map_err(not_yet)?;
        let said = said["kubeletconfig"][files::SETTING].as_str();
        if let Some(said) = said.filter(|said| !files::is_same(said, SOCKET)) {
            return Err(Why::NotYet(format!("It talks to `{}`.", access::text::clean(said))));
        }
    }
    match nodes::unfinished(cluster, node, &work.sets).await.map_err(not_yet)? {
        Some(why) => Err(Why::NotYet(why)),
        None => Ok(()),
    }
}

/// Puts all back and starts the kubelet with it.
async fn roll_back(site: Site<'_>, work: &Work<'_>, now: &[Now], why: &str) -> StepError {
    let node = part(&work.op.identity, "node");
    let detail = format!("Node `{node}` does not run with containerd. {why}");
    went_back(&detail, back(site, work, now).await, |detail| {
        let summary = "Node does not take containerd";
        let problem = Problem::error(codes::MIGRATION_REFUSES, summary, Path::root(), detail);
        problem.with_help(format!(
            "The programs' own words: `journalctl -u kubelet -u containerd` on `{node}`."
        ))
    })
}

async fn back(site: Site<'_>, work: &Work<'_>, now: &[Now]) -> Result<(), String> {
    let host = site.host;
    let runs = work.stop && of(KUBELET, KUBELET.is_told(host, Told::Stop).await)?;
    if runs && work.moves {
        // A containerd that does not run has nothing that could be ended, or nobody can.
        containers::ended(site, Engine::Containerd).await.ok();
    }
    work.files.back(site, now).await?;
    work.units.undone(site).await?;
    if runs {
        of(KUBELET, KUBELET.is_told(host, Told::Start).await)?;
        let check = |_| -> provider::BoxFuture<'_, Result<(), Why>> {
            Box::pin(async move { has_settings(site, &Value::empty_map()).await })
        };
        of(KUBELET, KUBELET.comes_up(host, &check).await)?;
    }
    work.files.forget(site).await
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let work = Work::of(op)?;
    let now = work.files.now(site).await?;
    let is_there =
        work.files.are_there(&now) && work.units.is_made(site).await.map_err(StepError::InDoubt)?;
    if is_there && (!work.stop || runs(site, &work).await) {
        work.files.forget(site).await.map_err(StepError::InDoubt)?;
        return Ok(Became::Done);
    }
    Ok(if work.files.stale(site, &now).is_none() { Became::NotDone } else { Became::Changed })
}

/// Whether all runs as it should. What is written was written while the kubelet stood still.
async fn runs(site: Site<'_>, work: &Work<'_>) -> bool {
    let containerd = async |site| -> bool {
        let check = |_| -> provider::BoxFuture<'_, Result<(), Why>> {
            Box::pin(containerd::is_well(site, false))
        };
        !work.moves || CONTAINERD.runs(site.host, &check).await
    };
    containerd(site).await && KUBELET.runs(site.host, &|_| Box::pin(is_well(site, work))).await
}
