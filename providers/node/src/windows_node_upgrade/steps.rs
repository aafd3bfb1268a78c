//! The steps of an upgrade, as commands of PowerShell.
//!
//! What is put into a command is a version of three numbers and digests in hexadecimal digits, so
//! nothing has to be quoted.
//!
//! Sources: [Upgrading Windows
//! nodes](https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/upgrading-windows-nodes/);
//! `hostprocess/PrepareNode.ps1` of `kubernetes-sigs/sig-windows-tools` (`C:\k`, the service
//! `kubelet`); the reference pages of `Get-FileHash`, `Stop-Service` and `Start-Service`.

use crate::central::core;
use crate::codes;
use crate::host_type::{Became, Site, refused, strange};
use crate::place::part;
use crate::service::went_back;
use access::Command;
use plans::{Op, Problem};
use provider::StepError;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use values::{Path, Value};

pub(super) const PROGRAMS: [&str; 2] = ["kubeadm", "kubelet"];
pub(super) const KUBELET: &str = "C:\\k\\kubelet.exe";
/// The old kubelet while it is not known whether the new one runs.
const BEFORE: &str = "C:\\k\\kubelet-before.exe";
/// Says with which version `kubeadm upgrade node` was through.
const MARK: &str = "C:\\k\\kubeadm-upgraded.txt";
const SHELL: [&str; 4] = ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command"];
/// A line each: the version, the state of the service, and whether an exchange is open.
pub(super) const LOOK: [&str; 5] = [
    SHELL[0],
    SHELL[1],
    SHELL[2],
    SHELL[3],
    "& C:\\k\\kubelet.exe --version; (Get-Service kubelet).Status; Test-Path C:\\k\\kubelet-before.exe",
];
/// Two programs of some hundred megabytes.
const DOWNLOAD: Duration = Duration::from_mins(20);
const USUAL: Duration = Duration::from_mins(5);
/// How long the node may take until it is ready with the new version.
const COMES_UP: Duration = Duration::from_mins(5);
const PAUSE: Duration = Duration::from_secs(2);

/// What is done, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Fetch,
    Upgrade,
    Exchange,
    /// It has the version already.
    Confirm,
}

pub(super) const UPGRADE: [Step; 3] = [Step::Fetch, Step::Upgrade, Step::Exchange];

impl Step {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Upgrade => "upgrade",
            Self::Exchange => "exchange",
            Self::Confirm => "confirm",
        }
    }

    fn named(name: &str) -> Option<Self> {
        let all = UPGRADE.into_iter().chain([Self::Confirm]);
        all.into_iter().find(|step| step.name() == name)
    }

    pub(super) fn told(self, node: &str, version: &str) -> String {
        match self {
            Self::Fetch => format!(
                "download kubeadm.exe and kubelet.exe {version} to {node} and compare their SHA-256"
            ),
            Self::Upgrade => format!("run kubeadm upgrade node on {node}"),
            Self::Exchange => {
                format!(
                    "on {node}: stop kubelet, exchange kubelet.exe, start kubelet, wait for the node"
                )
            }
            Self::Confirm => format!("look after the version of {node}"),
        }
    }
}

/// What [`LOOK`] says, for the pure half.
pub(super) fn seen(said: &str) -> Value {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let version = lines.first().and_then(|line| line.strip_prefix("Kubernetes "));
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let open = lines.get(2).filter(|line| **line == "True").map(|_| "yes");
    Value::map([
        ("installed", text(version)),
        ("service", text(lines.get(1).copied())),
        ("open", text(open)),
    ])
}

/// What is done, read from the operation.
struct Work<'a> {
    step: Step,
    node: &'a str,
    version: &'a str,
    digests: [&'a str; 2],
    /// The version that it was planned over.
    planned_over: Option<&'a str>,
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Result<Self, StepError> {
        let read = || -> Option<Self> {
            let digest = |program: &str| op.args.get("sha256")?.get(program)?.as_str();
            Some(Self {
                step: Step::named(&op.name)?,
                node: part(&op.identity, "node"),
                version: op.args.get("version")?.as_str()?,
                digests: [digest(PROGRAMS[0])?, digest(PROGRAMS[1])?],
                planned_over: op.guard.get("installed").and_then(Value::as_str),
            })
        };
        let is_safe = |work: &Self| super::numbers(work.version).is_some();
        read().filter(is_safe).ok_or_else(|| strange(op))
    }

    fn fetched(&self, program: &str) -> String {
        format!("C:\\k\\{program}-{}.exe", self.version)
    }

    fn is_fetched(&self, program: &str, digest: &str) -> String {
        let new = self.fetched(program);
        format!("(Test-Path {new}) -and (Get-FileHash {new} -Algorithm SHA256).Hash -eq '{digest}'")
    }

    fn fetch(&self, program: &str, digest: &str) -> String {
        let (new, version) = (self.fetched(program), self.version);
        let is_there = self.is_fetched(program, digest);
        format!(
            "if (-not ({is_there})) {{ Invoke-WebRequest -UseBasicParsing -Uri \
             https://dl.k8s.io/{version}/bin/windows/amd64/{program}.exe -OutFile {new}.part; \
             if ((Get-FileHash {new}.part -Algorithm SHA256).Hash -ne '{digest}') {{ Remove-Item \
             {new}.part; throw 'The SHA-256 of {program}.exe is another one.' }}; \
             Move-Item -Force {new}.part {new} }}"
        )
    }

    fn upgrade(&self) -> String {
        format!(
            "Copy-Item -Force {} C:\\k\\kubeadm.exe; & C:\\k\\kubeadm.exe upgrade node; \
             if ($LASTEXITCODE -ne 0) {{ exit $LASTEXITCODE }}; Set-Content {MARK} {}",
            self.fetched("kubeadm"),
            self.version
        )
    }

    /// The old program is kept from the first try.
    fn exchange(&self) -> [String; 4] {
        [
            "Stop-Service kubelet".to_owned(),
            format!("if (-not (Test-Path {BEFORE})) {{ Copy-Item {KUBELET} {BEFORE} }}"),
            format!("Copy-Item -Force {} {KUBELET}", self.fetched("kubelet")),
            "Start-Service kubelet".to_owned(),
        ]
    }

    fn back() -> [String; 3] {
        [
            "Stop-Service kubelet".to_owned(),
            format!("if (Test-Path {BEFORE}) {{ Copy-Item -Force {BEFORE} {KUBELET} }}"),
            "Start-Service kubelet".to_owned(),
        ]
    }
}

/// What a command says. The first error ends it, and no progress is drawn.
async fn said(site: Site<'_>, script: &str, within: Duration) -> Result<String, StepError> {
    let script = format!(
        "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; {script}"
    );
    let words = [&SHELL[..], &[&script]].concat();
    let output = site.host.run(Command::new(&words).within(within)).await.map_err(refused)?;
    if output.succeeded() {
        return Ok(output.text());
    }
    let why = access::text::sentence(&output.complaint());
    Err(StepError::Refused(failed(site.host.name(), &why)))
}

fn failed(node: &str, why: &str) -> Problem {
    let detail = format!("Node `{node}` is not upgraded. {why}");
    Problem::error(
        codes::WINDOWS_REFUSES,
        "Windows node does not take the version",
        Path::root(),
        detail,
    )
    .with_help(format!("The kubelet's own words are in `C:\\var\\log\\kubelet` on `{node}`."))
}

/// # Interruption
///
/// Each command can be done again: a download goes on from what is whole, `kubeadm upgrade node` may
/// run twice, and the old `kubelet.exe` is kept until the new one is known to run.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let work = Work::of(op)?;
    match work.step {
        Step::Fetch => {
            for (program, digest) in PROGRAMS.into_iter().zip(work.digests) {
                said(site, &work.fetch(program, digest), DOWNLOAD).await?;
            }
            Ok(())
        }
        Step::Upgrade => said(site, &work.upgrade(), USUAL).await.map(drop),
        Step::Exchange => exchanged(site, &work).await,
        Step::Confirm => match unfinished(site, &work).await? {
            None => Ok(()),
            Some(why) => Err(StepError::Stale(why)),
        },
    }
}

async fn exchanged(site: Site<'_>, work: &Work<'_>) -> Result<(), StepError> {
    let look = site.host.run(Command::new(&LOOK)).await.map_err(refused)?;
    let look = seen(&look.text());
    let installed = look.get("installed").and_then(Value::as_str);
    if installed != work.planned_over && installed != Some(work.version) {
        let node = work.node;
        return Err(StepError::Stale(format!("The kubelet of `{node}` changed since the plan.")));
    }
    if let Err(error) = up(site, work).await {
        // What became of a lost connection is looked at when the run goes on.
        if matches!(error, StepError::InDoubt(_)) {
            return Err(error);
        }
        let back = async {
            for script in Work::back() {
                said(site, &script, USUAL).await.map_err(|error| error.message())?;
            }
            forget(site).await.map_err(|error| error.message())
        };
        let problem = |detail: String| failed(work.node, &detail);
        return Err(went_back(&error.message(), back.await, problem));
    }
    forget(site).await
}

async fn forget(site: Site<'_>) -> Result<(), StepError> {
    let script = format!("if (Test-Path {BEFORE}) {{ Remove-Item {BEFORE} }}");
    said(site, &script, USUAL).await.map(drop)
}

async fn up(site: Site<'_>, work: &Work<'_>) -> Result<(), StepError> {
    for script in work.exchange() {
        said(site, &script, USUAL).await?;
    }
    let began = Instant::now();
    loop {
        // Whoever cannot be asked may be while the kubelet starts, too.
        let why = match unfinished(site, work).await {
            Ok(None) => return Ok(()),
            Ok(Some(why)) => why,
            Err(error) => error.message(),
        };
        if began.elapsed() > COMES_UP {
            return Err(StepError::Refused(failed(work.node, &why)));
        }
        sleep(PAUSE).await;
    }
}

/// Why the node does not run with the version, if it does not, as a sentence. An error means that
/// it could not be asked.
async fn unfinished(site: Site<'_>, work: &Work<'_>) -> Result<Option<String>, StepError> {
    let look = site.host.run(Command::new(&LOOK)).await.map_err(refused)?;
    let look = seen(&look.text());
    let text = |name: &str| look.get(name).and_then(Value::as_str).unwrap_or("not known");
    if text("installed") != work.version || text("service") != "Running" {
        return Ok(Some(format!(
            "The kubelet that is installed is {}, and its service is `{}`.",
            access::text::clean(text("installed")),
            access::text::clean(text("service"))
        )));
    }
    let Some(cluster) = site.cluster else { return Ok(None) };
    let unseen = |error: access::ClusterError| StepError::Refused(error.to_problem());
    let nodes = core("Node", "nodes", false);
    let found = cluster.get(&nodes, None, work.node).await.map_err(unseen)?;
    let says = found["status"]["nodeInfo"]["kubeletVersion"].as_str().unwrap_or_default();
    if says != work.version {
        let says = access::text::clean(says);
        return Ok(Some(format!("The node says that its kubelet is {says}.")));
    }
    let is_ready = cluster.is_node_ready(work.node).await.map_err(unseen)?;
    Ok((!is_ready).then(|| "The node is not ready.".to_owned()))
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let work = Work::of(op)?;
    let is = async |condition: &str| -> Result<bool, StepError> {
        Ok(said(site, condition, USUAL).await?.trim() == "True")
    };
    let done = match work.step {
        Step::Fetch => {
            let [kubeadm, kubelet] = PROGRAMS;
            is(&work.is_fetched(kubeadm, work.digests[0])).await?
                && is(&work.is_fetched(kubelet, work.digests[1])).await?
        }
        Step::Upgrade => {
            let version = work.version;
            is(&format!("(Test-Path {MARK}) -and (Get-Content {MARK}) -eq '{version}'")).await?
        }
        Step::Exchange | Step::Confirm => unfinished(site, &work).await?.is_none(),
    };
    if done && work.step == Step::Exchange {
        forget(site).await?;
    }
    Ok(if done { Became::Done } else { Became::NotDone })
}
