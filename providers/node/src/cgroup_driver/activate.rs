//! Changing the driver of kubelet and runtime as one, and putting both back when they do not run.
//!
//! The parts are those of `kubelet_config` and `container_runtime`: how a service is told and looked
//! after (`service`), how files are kept and put back (`settings::kept`). What is here is their
//! order.

use super::{SHELF, containers};
use crate::codes;
use crate::container_runtime::activate::{self as containerd, CONTAINERD};
use crate::container_runtime::crio::activate::{self as crio, CRIO};
use crate::container_runtime::engine::Engine;
use crate::host_type::{Became, Site, strange};
use crate::kubelet_config::activate::{KUBELET, has_settings};
use crate::kubelet_config::text::DRIVER;
use crate::place::part;
use crate::service::{Service, Told, Why, went_back};
use crate::settings::files::{Files, Now};
use access::Command;
use plans::{Op, Problem};
use provider::StepError;
use std::time::Duration;
use values::{Path, Value};

/// How long it may take until all of it runs: on a node of the control plane the API server is
/// started anew, too. kubeadm waits as long for its own.
///
/// Source: `ControlPlaneComponentHealthCheckTimeout` in `cmd/kubeadm/app/constants`.
const COMES_UP: Duration = Duration::from_mins(4);

/// What is done, read from the operation.
struct Work<'a> {
    op: &'a Op,
    engine: Engine,
    files: Files,
    /// Whether what runs has to be stopped for it.
    stop: bool,
    /// The driver that the kubelet is to have afterwards; `None` where nobody knows.
    driver: Option<&'a str>,
    /// The control group of all pods; `None` where it is not in its usual place.
    group: Option<&'a str>,
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Result<Self, StepError> {
        let text = |name: &str| op.args.get(name).and_then(Value::as_str);
        let read = || -> Option<Self> {
            Some(Self {
                op,
                engine: Engine::named(text("engine")?)?,
                files: Files::of_op(SHELF, op)?,
                stop: op.args.get("stop")?.as_bool()?,
                driver: text("driver"),
                group: text("group"),
            })
        };
        let known = ["switch", "give_back"].contains(&op.name.as_str());
        read().filter(|_| known).ok_or_else(|| strange(op))
    }

    fn runtime(&self) -> Service {
        match self.engine {
            Engine::Containerd => CONTAINERD,
            Engine::Crio => CRIO,
        }
    }
}

/// # Interruption
///
/// What is noted and the copies of the files are written first, and nothing is stopped before. After
/// a crash anywhere each file is as it was or as it is to be, both can be put back, and doing it
/// again goes on from there: stopping what is stopped changes nothing.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let work = Work::of(op)?;
    let now = work.files.now(site).await?;
    if let Some(changed) = work.files.stale(site, &now) {
        return Err(StepError::Stale(changed));
    }
    work.files.prepare(site, &now, work.stop).await?;
    if work.stop {
        if let Err(why) = switched(site, &work, &now).await {
            return Err(roll_back(site, &work, &now, &why).await);
        }
    } else if let Err(error) = work.files.put(site, &now).await {
        return Err(work.files.undone(site, &now, error).await);
    }
    work.files.done(site).await
}

/// Stops all, writes both files, and starts all; why that did not come about, as sentences.
async fn switched(site: Site<'_>, work: &Work<'_>, now: &[Now]) -> Result<(), String> {
    stopped(site, work).await?;
    work.files.put(site, now).await.map_err(|error| error.to_string())?;
    started(site, work, work.driver).await
}

/// Stops the kubelet first, so that nobody starts again what is ended.
async fn stopped(site: Site<'_>, work: &Work<'_>) -> Result<(), String> {
    let host = site.host;
    if !of(KUBELET, KUBELET.is_told(host, Told::Stop).await)? {
        return Ok(());
    }
    let runtime = work.runtime();
    // An earlier try may have stopped it, and only it knows what runs.
    if !runtime.runs(host, &|_| Box::pin(runtime_is_well(site, work, None))).await {
        runtime_started(site, work, None).await?;
    }
    containers::ended(site, work.engine).await?;
    of(runtime, runtime.is_told(host, Told::Stop).await).map(drop)
}

/// Starts the runtime, then the kubelet, and waits for both. Without a driver that they are to have
/// it is only waited until they run.
async fn started(site: Site<'_>, work: &Work<'_>, driver: Option<&str>) -> Result<(), String> {
    let host = site.host;
    if !runtime_started(site, work, driver).await? {
        return Ok(());
    }
    of(KUBELET, KUBELET.is_told(host, Told::Start).await)?;
    let kubelet = Service { comes_up: COMES_UP, ..KUBELET };
    let up = kubelet.comes_up(host, &|_| Box::pin(kubelet_is_well(site, work, driver))).await;
    of(KUBELET, up)
}

/// Whether there is a runtime, which then was started and is well.
async fn runtime_started(
    site: Site<'_>,
    work: &Work<'_>,
    driver: Option<&str>,
) -> Result<bool, String> {
    let (host, runtime) = (site.host, work.runtime());
    if !of(runtime, runtime.is_told(host, Told::Start).await)? {
        return Ok(false);
    }
    let up = runtime.comes_up(host, &|_| Box::pin(runtime_is_well(site, work, driver))).await;
    of(runtime, up).map(|()| true)
}

/// Names the program that a complaint is about.
fn of<T>(service: Service, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|why| format!("`{}`: {why}", service.unit))
}

async fn runtime_is_well(site: Site<'_>, work: &Work<'_>, driver: Option<&str>) -> Result<(), Why> {
    match work.engine {
        // Its node cannot be ready while there is no kubelet.
        Engine::Containerd => containerd::is_well(site, false).await,
        Engine::Crio => crio::is_well(site, driver, false).await,
    }
}

async fn kubelet_is_well(site: Site<'_>, work: &Work<'_>, driver: Option<&str>) -> Result<(), Why> {
    let settings = driver.map(|driver| (DRIVER, Value::from(driver)));
    has_settings(site, &Value::map(settings)).await?;
    let Some(group) = work.group.filter(|_| driver.is_some()) else { return Ok(()) };
    // Where hierarchies are of version 1, each controller has one of its own.
    let [two, one] = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"].map(|at| format!("{at}/{group}"));
    let words = ["test", "-d", &two, "-o", "-d", &one];
    match site.host.run(Command::new(&words)).await {
        Ok(output) if output.succeeded() => Ok(()),
        Ok(_) => Err(Why::NotYet(format!("There is no control group `{group}`."))),
        Err(error) => Err(Why::NotYet(error.to_string())),
    }
}

/// Puts both files back and starts all with them.
async fn roll_back(site: Site<'_>, work: &Work<'_>, now: &[Now], why: &str) -> StepError {
    let node = part(&work.op.identity, "node");
    let to = work.driver.map_or_else(String::new, |driver| format!(" `{driver}`"));
    let detail = format!("Node `{node}` does not run with the cgroup driver{to}. {why}");
    went_back(&detail, back(site, work, now).await, |detail| {
        let summary = "Node does not take the cgroup driver";
        let problem = Problem::error(codes::CGROUP_REFUSES, summary, Path::root(), detail);
        problem.with_help(format!(
            "The programs' own words: `journalctl -u kubelet -u {}` on `{node}`.",
            work.engine.unit()
        ))
    })
}

async fn back(site: Site<'_>, work: &Work<'_>, now: &[Now]) -> Result<(), String> {
    let (host, runtime) = (site.host, work.runtime());
    of(KUBELET, KUBELET.is_told(host, Told::Stop).await)?;
    // A runtime that does not run has nothing that could be ended, or nobody can.
    containers::ended(site, work.engine).await.ok();
    of(runtime, runtime.is_told(host, Told::Stop).await)?;
    work.files.back(site, now).await?;
    started(site, work, None).await?;
    work.files.forget(site).await
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let work = Work::of(op)?;
    let now = work.files.now(site).await?;
    if work.files.are_there(&now) && (!work.stop || runs(site, &work).await) {
        work.files.forget(site).await.map_err(StepError::InDoubt)?;
        return Ok(Became::Done);
    }
    Ok(if work.files.stale(site, &now).is_none() { Became::NotDone } else { Became::Changed })
}

/// Whether both run as they should. What is written was written while both stood still.
async fn runs(site: Site<'_>, work: &Work<'_>) -> bool {
    let (host, runtime, driver) = (site.host, work.runtime(), work.driver);
    runtime.runs(host, &|_| Box::pin(runtime_is_well(site, work, driver))).await
        && KUBELET.runs(host, &|_| Box::pin(kubelet_is_well(site, work, driver))).await
}
