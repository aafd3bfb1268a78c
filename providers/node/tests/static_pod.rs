//! Flags of static pods: what is decided, and what becomes of a pod that does not come up.

use crate::support::{answer, request, told};
use access::scripted::{Reply, Server};
use access::{Hosts, MemoryHost, Output};
use node::NodeProvider;
use plans::{Identity, Op, Problem};
use provider::{Observation, Planned, ResourceKind, Settled, StepError, Wanted};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use values::Value;

pub(crate) const PATH: &str = "/etc/kubernetes/manifests/kube-scheduler.yaml";
pub(crate) const MANIFEST: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: kube-scheduler
  namespace: kube-system
spec:
  containers:
  - command:
    - kube-scheduler
    - --leader-elect=true # one of them
    - --profiling=true
    image: registry.k8s.io/kube-scheduler:v1.37.2
    name: kube-scheduler
    env:
    - {name: TOKEN, value: hunter2}
    readinessProbe: {httpGet: {path: /readyz, port: 10259}}
";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "static_pod").unwrap()
}

pub(crate) fn args(pod: &str, flags: &[(&'static str, Value)]) -> Value {
    Value::map([
        ("node", "w1".into()),
        ("pod", pod.into()),
        ("folder", "/etc/kubernetes/manifests".into()),
        ("flags", Value::map(flags.iter().cloned())),
    ])
}

fn identity() -> Identity {
    kind().identify(&args("kube-scheduler", &[])).unwrap()
}

/// A host with a kubelet that starts what the manifest says, and an API server that shows it.
/// Programs end when they are given `--bad`, and say why.
struct Machine {
    host: MemoryHost,
    server: Server,
}

impl Machine {
    fn new(manifest: &str) -> Self {
        let disk = MemoryHost::new("w1")
            .with_file(PATH, manifest)
            .with_file("/proc/sys/kernel/ostype", "Linux\n");
        let logs = |words: &[&str], _: &[u8]| match words {
            ["tail", ..] => {
                let line = "2026-11-23T08:05:32Z stderr F Error: unknown flag: --bad\u{1b}[0m\n";
                Output { status: Some(0), stdout: line.into(), stderr: Vec::new() }
            }
            _ => Output { status: Some(127), ..Output::default() },
        };
        let host = disk.clone().with_program(logs);
        let server = Server::new(move |seen| match seen.path.as_str() {
            "/api/v1/namespaces/kube-system/pods/kube-scheduler-w1" => Reply::json(mirror(&disk)),
            other => Reply::not_found(other),
        });
        Self { host, server }
    }

    fn provider(&self) -> NodeProvider {
        NodeProvider::new(Hosts::of([Arc::new(self.host.clone()) as _]), "shop")
            .asking(self.server.cluster())
    }

    fn manifest(&self) -> String {
        self.host.dump()[PATH].clone()
    }

    fn records(&self) -> usize {
        self.host.dump().keys().filter(|path| path.starts_with("/var/lib/clinch")).count()
    }

    async fn plan(&self, args: Option<&Value>) -> Planned {
        let wanted = Wanted { ty: kind().name().clone(), identity: identity() };
        let observed = self.provider().observe(vec![wanted]).await.remove(0);
        planned(args, &observed)
    }

    async fn apply(&self, args: Option<&Value>) -> Result<Op, StepError> {
        let op = match self.plan(args).await {
            Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
            other => panic!("{other:?}"),
        };
        self.provider().perform(&op, &|_| ()).await.map(|_| op)
    }
}

/// What a kubelet shows of a manifest: entries of lists are words, and nothing else has any.
fn mirror(disk: &MemoryHost) -> Json {
    let text = disk.dump()[PATH].clone();
    let entries = text.lines().filter_map(|line| line.strip_prefix("    - "));
    let words: Vec<&str> = entries
        .filter(|entry| !entry.starts_with('{'))
        .map(|e| e.split(" #").next().unwrap())
        .collect();
    let bad = text.contains("--bad");
    let folder = "/var/log/pods/kube-system_kube-scheduler-w1_2/kube-scheduler";
    if bad && !disk.dump().contains_key(&format!("{folder}/1.log")) {
        // Started, ended, and started again.
        let _started = disk.clone().with_file(&format!("{folder}/1.log"), "");
    }
    let state = if bad { json!({"waiting": {"reason": "Error"}}) } else { json!({"running": {}}) };
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "kube-scheduler-w1",
            "annotations": { "kubernetes.io/config.source": "file" },
        },
        "spec": {
            "nodeName": "w1",
            "containers": [{ "name": "kube-scheduler", "command": words }],
        },
        "status": {
            "conditions": [{ "type": "Ready", "status": if bad { "False" } else { "True" } }],
            "containerStatuses": [{ "name": "kube-scheduler", "state": state }],
        },
    })
}

fn planned(args: Option<&Value>, observed: &Observation) -> Planned {
    kind().plan(&request(&identity(), args, observed))
}

fn said(planned: &Planned) -> Vec<String> {
    match planned {
        Planned::Decided(decision) => {
            let text = |p: &Problem| format!("{} {}", p.summary, p.detail);
            decision.warnings.iter().map(text).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn flags_come_run_and_go_and_no_byte_of_the_rest_changes() {
    let machine = Machine::new(MANIFEST);
    let asked = args("kube-scheduler", &[("v", 4_i64.into()), ("leader-elect", "true".into())]);
    let first = answer(&machine.plan(Some(&asked)).await);
    assert_eq!(
        first,
        "Create (Local)\n\
         before: flags={\"leader-elect\": \"true\"} pod=\"kube-scheduler\"\n\
         after: flags={\"leader-elect\": \"true\", \"v\": \"4\"} pod=\"kube-scheduler\"\n\
         op: configure kube-scheduler on w1 (guarded)"
    );
    let op = machine.apply(Some(&asked)).await.unwrap();
    assert!(!format!("{op:?}").contains("hunter2"), "{op:?}");
    let with_flag = MANIFEST.replace("profiling=true\n", "profiling=true\n    - --v=4\n");
    assert_eq!((machine.manifest(), machine.records()), (with_flag, 1));
    assert!(matches!(machine.provider().settle(&op).await, Ok(Settled::Done(_))));
    assert!(answer(&machine.plan(Some(&asked)).await).starts_with("NoOp"));
    machine.apply(None).await.unwrap();
    assert_eq!((machine.manifest().as_str(), machine.records()), (MANIFEST, 0));
}

#[tokio::test]
async fn a_pod_that_does_not_come_up_gets_its_old_manifest_back() {
    let machine = Machine::new(MANIFEST);
    let good = args("kube-scheduler", &[("v", 4_i64.into())]);
    machine.apply(Some(&good)).await.unwrap();
    let before = machine.host.dump();
    let bad = args("kube-scheduler", &[("v", 4_i64.into()), ("bad", true.into())]);
    let Err(StepError::Refused(problem)) = machine.apply(Some(&bad)).await else { panic!() };
    assert_eq!(
        told(std::slice::from_ref(&problem)),
        "E0843 at `flags`: `kube-scheduler` on `w1` is not up with the new flags. Its container \
         ended. It wrote: \"Error: unknown flag: --bad [0m\". The old manifest is back, and it \
         runs with it."
    );
    let mut after = machine.host.dump();
    after.retain(|path, _| !path.starts_with("/var/log"));
    assert_eq!(after, before);
}

#[tokio::test]
async fn what_the_kubelet_has_not_taken_up_is_seen_and_written_once_more() {
    let machine = Machine::new(MANIFEST);
    let asked = args("kube-scheduler", &[("v", 4_i64.into())]);
    machine.apply(Some(&asked)).await.unwrap();
    let wanted = Wanted { ty: kind().name().clone(), identity: identity() };
    let observed = machine.provider().observe(vec![wanted]).await.remove(0);
    let Observation::Present(seen) = observed else { panic!() };
    let with = |running: Value| {
        let mut map = seen.as_map().cloned().unwrap();
        map.insert("running".into(), running);
        planned(Some(&asked), &Observation::Present(Value::map(map)))
    };
    let old = Value::map([("flags", Value::map([("v", "2".into())])), ("trouble", Value::Null)]);
    assert_eq!(
        answer(&with(old)),
        "Update (Local)\n\
         before: flags={\"v\": \"4\"} pod=\"kube-scheduler\" running={\"v\": \"2\"}\n\
         after: flags={\"v\": \"4\"} pod=\"kube-scheduler\" running={\"v\": \"4\"}\n\
         op: configure kube-scheduler on w1 (guarded)\n\
         note at `flags`: the manifest says so already, and the program that runs was started \
         otherwise: it is written once more for the kubelet to take up"
    );
    let down = Value::map([
        ("flags", Value::map([("v", "4".into())])),
        ("trouble", "Its container does not run.".into()),
    ]);
    let decided = with(down);
    assert!(answer(&decided).starts_with("NoOp"));
    let path = "w1:/etc/kubernetes/manifests/kube-scheduler.yaml";
    let words = format!(
        "Static pod is not up {path}: `kube-scheduler` is not up. Its container does not run."
    );
    assert_eq!(said(&decided), [words]);
    // Nothing known is not the same as nothing to do.
    let Planned::Failed(problems) = with(Value::Null) else { panic!() };
    assert!(told(&problems).starts_with("E0842"), "{}", told(&problems));
}

#[tokio::test]
async fn what_a_flag_points_at_must_be_on_the_host_before_anything_restarts() {
    let manifest = MANIFEST.to_owned()
        + "    volumeMounts: [{name: k, mountPath: /etc/kubernetes/k}]\n  volumes: [{name: k, \
           hostPath: {path: /etc/kubernetes/k}}]\n";
    let machine = Machine::new(&manifest);
    let asked = args("kube-scheduler", &[("config", "/etc/kubernetes/k/config.yaml".into())]);
    let Err(StepError::Refused(problem)) = machine.apply(Some(&asked)).await else { panic!() };
    assert_eq!(problem.detail, "There is no `/etc/kubernetes/k/config.yaml` on host `w1`.");
    assert_eq!((machine.manifest(), machine.records()), (manifest.clone(), 0));
    let machine = Machine::new(&manifest);
    let _written = machine.host.clone().with_file("/etc/kubernetes/k/config.yaml", "");
    machine.apply(Some(&asked)).await.unwrap();
}

#[tokio::test]
async fn a_manifest_that_changed_since_the_plan_is_left_alone() {
    let machine = Machine::new(MANIFEST);
    let asked = args("kube-scheduler", &[("v", 4_i64.into())]);
    let Planned::Decided(decision) = machine.plan(Some(&asked)).await else { panic!() };
    let edited = MANIFEST.replace("v1.37.2", "v1.37.3");
    let _edited = machine.host.clone().with_file(PATH, edited.as_str());
    let done = machine.provider().perform(&decision.ops[0], &|_| ()).await;
    assert!(matches!(done, Err(StepError::Stale(_))), "{done:?}");
    assert_eq!((machine.manifest(), machine.records()), (edited, 0));
}

/// The only API server, with a flag that ends it, and nothing that comes back.
#[tokio::test(start_paused = true)]
async fn a_control_plane_that_stays_down_is_in_doubt_and_says_where_its_old_manifest_is() {
    let machine = Machine::new(MANIFEST);
    let good = args("kube-scheduler", &[("v", 4_i64.into())]);
    machine.apply(Some(&good)).await.unwrap();
    let before = machine.manifest();
    let bad = args("kube-scheduler", &[("v", 4_i64.into()), ("bad", true.into())]);
    let Planned::Decided(decision) = machine.plan(Some(&bad)).await else { panic!() };
    let op = &decision.ops[0];
    let gone = Server::new(|_| Reply::reset());
    let away = NodeProvider::new(Hosts::of([Arc::new(machine.host.clone()) as _]), "shop")
        .asking(gone.cluster());
    let began = tokio::time::Instant::now();
    let Err(StepError::InDoubt(why)) = away.perform(op, &|_| ()).await else { panic!() };
    // Four minutes for the new one, and four for the old one.
    let minutes = began.elapsed().as_secs() / 60;
    assert!((8..10).contains(&minutes), "{minutes} minutes");
    for words in [
        "`kube-scheduler` on `w1` is not up with the new flags. It is not up after 4 minutes.",
        "Going back to the old manifest failed, too: It is not up after 4 minutes.",
        "On host `w1`: what was there before is in /var/lib/clinch/static-pods-before/",
        "belongs in /etc/kubernetes/manifests/kube-scheduler.yaml; `journalctl -u kubelet`",
    ] {
        assert!(why.contains(words), "no `{words}` in {why}");
    }
    // The old manifest is in its place, and its copy is, too.
    assert_eq!(machine.manifest(), before);
    let copies = machine.host.dump();
    let copies = copies.iter().filter(|(path, _)| path.contains("static-pods-before"));
    assert_eq!(copies.map(|(_, text)| text.as_str()).collect::<Vec<_>>(), [before.as_str()]);
    // It is back: what was begun is not done, and the step can be done again or left.
    assert_eq!(machine.provider().settle(op).await, Ok(Settled::NotDone));
    assert!(answer(&machine.plan(Some(&bad)).await).starts_with("Update"));
}
