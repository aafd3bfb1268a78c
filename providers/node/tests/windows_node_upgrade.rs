//! The upgrade of a Windows node: which commands are run, in which order, and what becomes of the node
//! when its new kubelet does not run. No Windows is at hand; the host here only knows these commands.

use crate::cgroup_driver::Dying;
use crate::support::{answer, request};
use access::scripted::{Reply, Server};
use access::{Host, Hosts, MemoryHost, Output};
use node::NodeProvider;
use plans::{Identity, Op, Recorded};
use provider::{Observation, PlanRequest, Planned, ResourceKind, Settled, StepError, Wanted};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use values::Value;

const OLD: &str = "v1.35.4";
const NEW: &str = "v1.36.2";
const BEGIN: &str = "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; ";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "windows_node_upgrade").unwrap()
}

fn args(version: &str) -> Value {
    let digest = |letter: &str| Value::from(letter.repeat(64));
    let digests = Value::map([("kubeadm", digest("a")), ("kubelet", digest("b"))]);
    Value::map([("node", "w1".into()), ("version", version.into()), ("sha256", digests)])
}

fn identity() -> Identity {
    kind().identify(&args(NEW)).unwrap()
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// What is downloaded is something else.
    Digest,
    /// The new kubelet ends when it is started.
    Refuses,
}

#[derive(Debug, Default)]
struct State {
    installed: String,
    /// What runs; nothing while the service is stopped.
    runs: Option<String>,
    before: Option<String>,
    fetched: BTreeSet<&'static str>,
    upgraded: bool,
    ran: Vec<String>,
}

#[derive(Clone)]
struct Machine {
    host: MemoryHost,
    server: Server,
    state: Arc<Mutex<State>>,
}

fn said(text: impl Into<String>) -> Output {
    Output { status: Some(0), stdout: text.into().into_bytes(), stderr: Vec::new() }
}

fn complained(text: &str) -> Output {
    Output { status: Some(1), stdout: Vec::new(), stderr: text.into() }
}

impl State {
    fn does(&mut self, script: &str, trouble: Trouble) -> Output {
        let is = |is: bool| said(if is { "True\r\n" } else { "False\r\n" });
        let program =
            |script: &str| if script.contains("kubeadm-v") { "kubeadm" } else { "kubelet" };
        self.ran.push(script.to_owned());
        match script {
            "Stop-Service kubelet" => self.runs = None,
            "Start-Service kubelet" if trouble == Trouble::Refuses && self.installed == NEW => {}
            "Start-Service kubelet" => self.runs = Some(self.installed.clone()),
            // Only looks.
            script if script.starts_with("(Test-Path C:\\k\\kube") && script.contains("Hash") => {
                self.ran.pop();
                return is(self.fetched.contains(program(script)));
            }
            script if script.starts_with("(Test-Path C:\\k\\kubeadm-upgraded") => {
                self.ran.pop();
                return is(self.upgraded);
            }
            script if script.contains("Invoke-WebRequest") && trouble == Trouble::Digest => {
                return complained("The SHA-256 of kubeadm.exe is another one.");
            }
            script if script.contains("Invoke-WebRequest") => {
                self.fetched.insert(program(script));
            }
            script if script.contains("upgrade node") => {
                assert!(self.fetched.contains("kubeadm") && self.runs.is_some());
                self.upgraded = true;
            }
            script if script.contains("Remove-Item C:\\k\\kubelet-before") => self.before = None,
            script if script.starts_with("if (-not (Test-Path C:\\k\\kubelet-before") => {
                self.before.get_or_insert(self.installed.clone());
            }
            script if script.contains("-Force C:\\k\\kubelet-before.exe") => {
                assert_eq!(self.runs, None, "a program that runs cannot be replaced");
                self.installed = self.before.clone().unwrap_or_else(|| self.installed.clone());
            }
            "Copy-Item -Force C:\\k\\kubelet-v1.36.2.exe C:\\k\\kubelet.exe" => {
                assert_eq!(self.runs, None, "a program that runs cannot be replaced");
                assert!(self.fetched.contains("kubelet"));
                NEW.clone_into(&mut self.installed);
            }
            other => panic!("{other}"),
        }
        said("")
    }
}

impl Machine {
    fn new(trouble: Trouble) -> Self {
        Self::of(trouble, "windows", "v1.36.2")
    }

    fn of(trouble: Trouble, os: &'static str, server: &'static str) -> Self {
        let state =
            State { installed: OLD.to_owned(), runs: Some(OLD.to_owned()), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let host = MemoryHost::new("w1").with_program(move |words, _| {
            let mut state = shared.lock().unwrap();
            let ["powershell.exe", "-NoProfile", "-NonInteractive", "-Command", script] = words
            else {
                panic!("{words:?}")
            };
            if script.starts_with("& C:\\k\\kubelet.exe --version;") {
                let service = if state.runs.is_some() { "Running" } else { "Stopped" };
                let open = if state.before.is_some() { "True" } else { "False" };
                return said(format!("Kubernetes {}\r\n{service}\r\n{open}\r\n", state.installed));
            }
            state.does(script.strip_prefix(BEGIN).unwrap(), trouble)
        });
        let shared = state.clone();
        let server = Server::new(move |seen| match seen.path.as_str() {
            "/version" => Reply::json(json!({"gitVersion": server})),
            "/api/v1/nodes/w1" => {
                let runs = shared.lock().unwrap().runs.clone();
                let ready = if runs.is_some() { "True" } else { "False" };
                Reply::json(json!({"kind": "Node", "metadata": {"name": "w1"}, "status": {
                    "conditions": [{"type": "Ready", "status": ready}],
                    "nodeInfo": {"operatingSystem": os, "kubeletVersion": runs},
                }}))
            }
            other => Reply::not_found(other),
        });
        Self { host, server, state }
    }

    fn provider(&self, host: impl Host + 'static) -> NodeProvider {
        NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop")
            .asking(self.server.cluster())
    }

    fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().ran)
    }

    fn runs(&self) -> Option<String> {
        self.state.lock().unwrap().runs.clone()
    }

    async fn plan(&self, version: &str, recorded: bool) -> Planned {
        let wanted = Wanted { ty: kind().name().clone(), identity: identity() };
        let observed: Observation =
            self.provider(self.host.clone()).observe(vec![wanted]).await.remove(0);
        let remembered = Recorded {
            identity: identity(),
            uid: None,
            digest: String::new(),
            needs: Vec::new(),
            protected: false,
        };
        let (identity, args) = (identity(), args(version));
        let plain = request(&identity, Some(&args), &observed);
        kind().plan(&PlanRequest { recorded: recorded.then_some(&remembered), ..plain })
    }

    async fn ops(&self) -> Vec<Op> {
        match self.plan(NEW, true).await {
            Planned::Decided(decision) => decision.ops,
            other => panic!("{}", answer(&other)),
        }
    }

    async fn apply(&self) -> Result<(), StepError> {
        let provider = self.provider(self.host.clone());
        for op in self.ops().await {
            assert_eq!(provider.settle(&op).await, Ok(Settled::NotDone), "{}", op.text);
            provider.perform(&op, &|_| ()).await?;
            assert!(matches!(provider.settle(&op).await, Ok(Settled::Done(_))), "{}", op.text);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_is_upgraded_by_these_commands_in_this_order_on_a_drained_node() {
    let machine = Machine::new(Trouble::None);
    let planned = machine.plan(NEW, false).await;
    let Planned::Decided(decision) = &planned else { panic!("{}", answer(&planned)) };
    assert_eq!(decision.disruption, values::Disruption::Drain);
    assert_eq!(
        answer(&planned),
        "Create (Local)\nbefore: service=\"Running\" version=\"v1.35.4\"\nafter: service=\"Running\" \
         version=\"v1.36.2\"\nop: download kubeadm.exe and kubelet.exe v1.36.2 to w1 and compare their \
         SHA-256 (guarded)\nop: run kubeadm upgrade node on w1 (guarded)\nop: on w1: stop kubelet, \
         exchange kubelet.exe, start kubelet, wait for the node (guarded)"
    );
    machine.apply().await.unwrap();
    let fetch = |program: &str, letter: &str| {
        let (new, digest) = (format!("C:\\k\\{program}-v1.36.2.exe"), letter.repeat(64));
        format!(
            "if (-not ((Test-Path {new}) -and (Get-FileHash {new} -Algorithm SHA256).Hash -eq \
             '{digest}')) {{ Invoke-WebRequest -UseBasicParsing -Uri \
             https://dl.k8s.io/v1.36.2/bin/windows/amd64/{program}.exe -OutFile {new}.part; if \
             ((Get-FileHash {new}.part -Algorithm SHA256).Hash -ne '{digest}') {{ Remove-Item \
             {new}.part; throw 'The SHA-256 of {program}.exe is another one.' }}; Move-Item -Force \
             {new}.part {new} }}"
        )
    };
    let commands = [
        &fetch("kubeadm", "a"),
        &fetch("kubelet", "b"),
        "Copy-Item -Force C:\\k\\kubeadm-v1.36.2.exe C:\\k\\kubeadm.exe; & C:\\k\\kubeadm.exe upgrade \
         node; if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }; Set-Content \
         C:\\k\\kubeadm-upgraded.txt v1.36.2",
        "Stop-Service kubelet",
        "if (-not (Test-Path C:\\k\\kubelet-before.exe)) { Copy-Item C:\\k\\kubelet.exe \
         C:\\k\\kubelet-before.exe }",
        "Copy-Item -Force C:\\k\\kubelet-v1.36.2.exe C:\\k\\kubelet.exe",
        "Start-Service kubelet",
        "if (Test-Path C:\\k\\kubelet-before.exe) { Remove-Item C:\\k\\kubelet-before.exe }",
    ];
    let ran = machine.ran();
    // The last one is also what looking after it does.
    assert_eq!(ran[..commands.len()], commands);
    assert_eq!(machine.runs().as_deref(), Some(NEW));
    assert!(answer(&machine.plan(NEW, true).await).starts_with("NoOp"));
    // A node that has the version already is only looked after, and stays as it is without a block.
    let planned = machine.plan(NEW, false).await;
    assert!(answer(&planned).contains("op: look after the version of w1"), "{}", answer(&planned));
    let observed = Observation::Present(Value::empty_map());
    let forgotten = kind().plan(&request(&identity(), None, &observed));
    assert!(answer(&forgotten).starts_with("Forget"));
}

#[tokio::test(start_paused = true)]
async fn a_download_with_another_digest_stops_before_anything_is_changed() {
    let machine = Machine::new(Trouble::Digest);
    let Err(StepError::Refused(problem)) = machine.apply().await else { panic!() };
    assert!(problem.detail.ends_with("The SHA-256 of kubeadm.exe is another one."), "{problem:?}");
    assert_eq!((machine.ran().len(), machine.runs().as_deref()), (1, Some(OLD)));
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_does_not_run_is_exchanged_for_the_old_one() {
    let machine = Machine::new(Trouble::Refuses);
    let Err(StepError::Refused(problem)) = machine.apply().await else { panic!() };
    assert_eq!(problem.code.0, "E0973");
    for words in ["is v1.36.2, and its service is `Stopped`.", "The old settings are back"] {
        assert!(problem.detail.contains(words), "{}", problem.detail);
    }
    assert_eq!(machine.runs().as_deref(), Some(OLD));
    assert_eq!(machine.state.lock().unwrap().before, None);
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_commands_leads_on_to_the_new_version() {
    let mut crashes = 0;
    for step in 0..3 {
        for at in 0.. {
            let machine = Machine::new(Trouble::None);
            let ops = machine.ops().await;
            let provider = machine.provider(machine.host.clone());
            for op in &ops[..step] {
                provider.perform(op, &|_| ()).await.unwrap();
            }
            let dying = machine.provider(Dying::of(&machine.host, at));
            // A look that fails while it waits is no end; here nothing ever answers again.
            let done = tokio::time::timeout(
                std::time::Duration::from_hours(1),
                dying.perform(&ops[step], &|_| ()),
            );
            if done.await.unwrap().is_ok() {
                break;
            }
            crashes += 1;
            for op in &ops[step..] {
                if !matches!(provider.settle(op).await, Ok(Settled::Done(_))) {
                    let done = provider.perform(op, &|_| ()).await;
                    done.unwrap_or_else(|e| panic!("{step} {at}: {}", e.message()));
                }
            }
            assert_eq!(machine.runs().as_deref(), Some(NEW), "{step} {at}");
            assert_eq!(machine.state.lock().unwrap().before, None, "{step} {at}");
        }
    }
    assert!(crashes >= 9, "{crashes}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_follow_is_refused_in_the_plan() {
    for (os, server, version, words) in [
        (
            "windows",
            "v1.36.2",
            "v1.35.3",
            "E0972 at `version`: Node `w1` has v1.35.4 and is to have v1.35.3, which is older",
        ),
        ("windows", "v1.38.0", "v1.37.0", "and `kubeadm upgrade` skips no minor version"),
        ("windows", "v1.35.9", "v1.36.2", "and no kubelet may be newer than the API server"),
        (
            "linux",
            "v1.36.2",
            "v1.36.2",
            "E0971 at `node`: `w1` does not answer as a Windows node does: its system is `linux`",
        ),
        (
            "windows",
            "v1.36.2",
            "1.36.2",
            "E0970 at `version`: `1.36.2` is not a version such as `v1.36.2`.",
        ),
    ] {
        let said = answer(&Machine::of(Trouble::None, os, server).plan(version, false).await);
        assert!(said.contains(words), "no `{words}` in {said}");
    }
}
