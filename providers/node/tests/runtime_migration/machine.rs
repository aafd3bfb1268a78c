//! A node whose kubelet reaches its containers through docker, with an API server that shows it.
//!
//! The model refuses what the real ones refuse: a kubelet with flags that its version does not know
//! or with an address behind which nobody listens ends soon after its start, and containers that
//! another runtime left behind keep the ports of those that are to be started.

use super::{CONFIG, ENV, INSTANCE, RUNTIME, RUNTIME_FILE};
use access::scripted::{Reply, Seen, Server};
use access::{Host as _, MemoryHost, Output};
use futures::FutureExt as _;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const ANNOTATION: &str = "kubeadm.alpha.kubernetes.io/cri-socket";
/// What runs on the node whatever happens.
const STAY: [&str; 2] = ["proxy", "static"];

fn said(text: &str) -> Output {
    Output { status: Some(0), stdout: text.into(), stderr: Vec::new() }
}

fn complained(text: &str) -> Output {
    Output { status: Some(1), stdout: Vec::new(), stderr: text.into() }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// The kubelet does not run with containerd.
    Refuses,
    /// The pod of the daemon set is never ready in containerd.
    NeverBack,
    /// A container of docker heeds nobody.
    Immortal,
}

/// What there is from the beginning.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) files: MemoryHost,
    pub(super) kubelet: &'static str,
    pub(super) containerd: &'static str,
    pub(super) trouble: Trouble,
    /// Whether the program `docker` is found.
    pub(super) has_docker: bool,
    /// Volumes of a pod that is on the node.
    pub(super) mounts: &'static str,
    pub(super) server: &'static str,
}

/// What runs.
#[derive(Debug, Default)]
struct State {
    /// Units that are active, and those that are started at boot.
    active: BTreeSet<String>,
    enabled: BTreeSet<String>,
    /// What the kubelet talks to; `None` when it does not run.
    kubelet: Option<String>,
    /// Containers by runtime.
    tasks: BTreeMap<String, BTreeSet<&'static str>>,
    annotation: Option<String>,
    ran: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Machine {
    pub(super) host: MemoryHost,
    pub(super) server: Server,
    state: Arc<Mutex<State>>,
}

/// A kubelet of 1.23 with the dockershim.
pub(super) fn dockershim() -> Setting {
    let flags = "KUBELET_KUBEADM_ARGS=\"--network-plugin=cni --node-ip=10.0.0.7 \
                 --cni-bin-dir=/opt/cni/bin\"\n";
    let files = MemoryHost::new("w1")
        .with_file(CONFIG, super::KUBELET_FILE)
        .with_file(ENV, flags)
        .with_file(RUNTIME, RUNTIME_FILE);
    Setting { files, kubelet: "v1.23.17", containerd: "1.6.20", ..cri_dockerd() }
}

/// A kubelet of 1.36 with cri-dockerd, as kubeadm joins it.
pub(super) fn cri_dockerd() -> Setting {
    let socket = "containerRuntimeEndpoint: unix:///var/run/cri-dockerd.sock\n";
    let config = format!("{}{socket}", super::KUBELET_FILE);
    let files = MemoryHost::new("w1")
        .with_file(CONFIG, config)
        .with_file(INSTANCE, format!("apiVersion: kubelet.config.k8s.io/v1beta1\n{socket}"))
        .with_file(ENV, "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.7\"\n")
        .with_file(RUNTIME, RUNTIME_FILE);
    Setting {
        files,
        kubelet: "v1.36.2",
        containerd: "2.1.4",
        trouble: Trouble::None,
        has_docker: true,
        mounts: "/data",
        server: "v1.36.2",
    }
}

impl Setting {
    pub(super) fn with(self, path: &str, content: &str) -> Self {
        Self { files: self.files.with_file(path, content), ..self }
    }
}

impl State {
    fn runs(&self, unit: &str) -> bool {
        self.active.contains(unit)
    }

    /// Containers start where the kubelet looks for them, if their ports are free.
    fn start_kubelet(&mut self, endpoint: &str, setting: &Setting) {
        let refuses = setting.trouble == Trouble::Refuses && endpoint == "containerd";
        let listens = match endpoint {
            "containerd" => self.runs("containerd.service"),
            "docker" => self.runs("docker.service"),
            _ => false,
        };
        self.kubelet = (listens && !refuses).then(|| endpoint.to_owned());
        if self.kubelet.is_some() {
            let other = if endpoint == "docker" { "containerd" } else { "docker" };
            assert!(
                self.tasks.get(other).is_none_or(BTreeSet::is_empty),
                "containers in {other} keep their ports: {:?}",
                self.ran
            );
            self.tasks.entry(endpoint.to_owned()).or_default().extend(STAY);
        }
    }
}

/// What the next start of a kubelet is told; `flag` is one that it does not know.
fn endpoint(files: &MemoryHost, kubelet: &str) -> String {
    let read = |path: &str| {
        let file = files.read(path).now_or_never().unwrap().unwrap();
        file.map(|file| String::from_utf8(file.content).unwrap()).unwrap_or_default()
    };
    let (env, config) = (read(ENV), read(CONFIG));
    let old = ["v1.22.1", "v1.23.17"].contains(&kubelet);
    if !old && (env.contains("--network-plugin") || env.contains("--container-runtime=")) {
        return "unknown flag".to_owned();
    }
    let flag = env.split("--container-runtime-endpoint=").nth(1);
    let setting = config.split("containerRuntimeEndpoint: ").nth(1).filter(|_| !old);
    match flag.or(setting) {
        _ if old && !env.contains("--container-runtime=remote") => "docker",
        Some(given) if given.contains("cri-dockerd.sock") => "docker",
        Some(_) | None => "containerd",
    }
    .to_owned()
}

impl Machine {
    pub(super) fn new(setting: &Setting) -> Self {
        let disk = MemoryHost::new("w1");
        for (path, content) in setting.files.dump() {
            let _same = disk.clone().with_file(&path, content);
        }
        let mut state = State {
            annotation: Some("unix:///var/run/dockershim.sock".to_owned()),
            ..State::default()
        };
        let on = ["docker.service", "docker.socket", "containerd.service"].map(str::to_owned);
        state.active = on.into();
        state.enabled = ["docker.service", "docker.socket"].map(str::to_owned).into();
        state.start_kubelet(&endpoint(&disk, setting.kubelet), setting);
        let state = Arc::new(Mutex::new(state));
        let host = disk.clone().with_program({
            let (state, setting, disk) = (state.clone(), setting.clone(), disk.clone());
            move |words, _| answer(&mut state.lock().unwrap(), &setting, &disk, words)
        });
        let server = Server::new({
            let (state, setting, disk) = (state.clone(), setting.clone(), disk);
            move |seen| serve(&mut state.lock().unwrap(), &setting, &disk, seen)
        });
        Self { host, server, state }
    }

    /// What the kubelet talks to; nothing when it does not run.
    pub(super) fn talks_to(&self) -> Option<String> {
        self.state.lock().unwrap().kubelet.clone()
    }

    pub(super) fn annotation(&self) -> Option<String> {
        self.state.lock().unwrap().annotation.clone()
    }

    pub(super) fn annotated(&self, with: Option<&str>) {
        self.state.lock().unwrap().annotation = with.map(str::to_owned);
    }

    /// Units of docker that run or will at boot.
    pub(super) fn docker(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let all = state.active.union(&state.enabled).filter(|unit| unit.starts_with("docker"));
        all.cloned().collect()
    }

    /// What was done since the last time.
    pub(super) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().ran)
    }
}

fn answer(state: &mut State, setting: &Setting, disk: &MemoryHost, words: &[&str]) -> Output {
    match words {
        ["kubelet", "--version"] => said(&format!("Kubernetes {}\n", setting.kubelet)),
        ["containerd", "--version"] => {
            said(&format!("containerd containerd.io {} x\n", setting.containerd))
        }
        ["docker", "--version"] if setting.has_docker => said("Docker version 20.10.7\n"),
        ["docker", ..] if !setting.has_docker => complained("not found"),
        ["docker", "ps", ..] => {
            assert!(state.runs("docker.service"), "asked a docker that does not run");
            let ids: Vec<&str> = state.tasks.get("docker").into_iter().flatten().copied().collect();
            said(&ids.join("\n"))
        }
        ["docker", verb @ ("stop" | "kill"), rest @ ..] => {
            assert_eq!(state.kubelet, None, "ended under a kubelet that runs");
            state.ran.push(format!("docker {verb} {}", rest.join(" ")));
            if setting.trouble != Trouble::Immortal {
                state.tasks.remove("docker");
            }
            said("")
        }
        ["systemctl", "show", "--property=ExecStart,Environment", "kubelet"] | ["find", ..] => {
            said("")
        }
        ["systemctl", "show", "--property=Id,LoadState,ActiveState,UnitFileState", units @ ..] => {
            said(&units.iter().map(|unit| shown(state, unit)).collect::<Vec<_>>().join("\n"))
        }
        ["systemctl", "show", _, unit] => {
            let up = match *unit {
                "kubelet" => state.kubelet.is_some(),
                unit => state.runs(&format!("{unit}.service")),
            };
            let failed = "ActiveState=failed\nSubState=failed\nNRestarts=0\n";
            said(if up { "ActiveState=active\nSubState=running\nNRestarts=0\n" } else { failed })
        }
        ["systemctl", "is-active", unit] => {
            let up = state.runs(&format!("{unit}.service"));
            if up { said("active\n") } else { complained("inactive\n") }
        }
        ["systemctl", verb, "kubelet"] => {
            state.ran.push(format!("{verb} kubelet"));
            match *verb {
                "stop" => state.kubelet = None,
                _ => state.start_kubelet(&endpoint(disk, setting.kubelet), setting),
            }
            said("")
        }
        ["systemctl", verb, units @ ..] => {
            state.ran.push([&[*verb], units].concat().join(" "));
            let units = units.iter().filter(|unit| !unit.starts_with("--"));
            for unit in
                units.map(|unit| if *unit == "containerd" { "containerd.service" } else { unit })
            {
                match *verb {
                    "disable" => {
                        state.active.remove(unit);
                        state.enabled.remove(unit);
                    }
                    "enable" => drop(state.enabled.insert(unit.to_owned())),
                    "start" | "restart" => drop(state.active.insert(unit.to_owned())),
                    other => panic!("{other}"),
                }
            }
            said("")
        }
        ["ctr", "plugins", "ls"] => said("io.containerd.grpc.v1 cri - ok\n"),
        ["ctr", .., "images", "list", "--quiet"] => said("docker.io/library/proxy:1\n"),
        ["ctr", .., "tasks", "list"] => {
            let tasks = state.tasks.get("containerd").into_iter().flatten();
            let rows: Vec<String> = tasks.map(|task| format!("{task} 17 RUNNING")).collect();
            said(&rows.join("\n"))
        }
        ["ctr", .., "tasks", "kill", "--signal", signal, task] => {
            state.ran.push(format!("{signal} {task}"));
            state.tasks.entry("containerd".to_owned()).or_default().retain(|known| known != task);
            said("")
        }
        ["journalctl", unit, ..] => {
            said(&format!("begin\nE1123 failed to run Kubelet: {unit}\nend\n"))
        }
        ["crio" | "crictl", ..] => complained("not found"),
        other => panic!("{other:?}"),
    }
}

fn shown(state: &State, unit: &str) -> String {
    let is_there = !unit.starts_with("cri-docker");
    let load = if is_there { "loaded" } else { "not-found" };
    let active = if state.runs(unit) { "active" } else { "inactive" };
    let file = match (is_there, state.enabled.contains(unit)) {
        (false, _) => "",
        (true, true) => "enabled",
        (true, false) => "disabled",
    };
    format!("Id={unit}\nLoadState={load}\nActiveState={active}\nUnitFileState={file}\n")
}

fn serve(state: &mut State, setting: &Setting, disk: &MemoryHost, seen: &Seen) -> Reply {
    let list = |items: Vec<Json>| {
        Reply::json(json!({"kind": "List", "metadata": {"resourceVersion": "1"}, "items": items}))
    };
    let runs = state.kubelet.clone();
    match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/version") => Reply::json(json!({"gitVersion": setting.server})),
        ("GET", "/api/v1/nodes") => list(Vec::new()),
        ("GET", "/api/v1/nodes/w1") => Reply::json(node(state, runs.as_deref())),
        ("PATCH", "/api/v1/nodes/w1") => {
            let (was, will) = (seen.json()[0]["value"].clone(), seen.json()[1]["value"].clone());
            assert_eq!(was.as_str().map(str::to_owned), state.annotation);
            state.annotation = will.as_str().map(str::to_owned);
            state.ran.push("annotate".to_owned());
            Reply::json(node(state, runs.as_deref()))
        }
        ("GET", "/api/v1/nodes/w1/proxy/configz") => match runs {
            Some(_) => {
                let socket = endpoint(disk, setting.kubelet);
                let socket = if socket == "docker" {
                    "cri-dockerd.sock"
                } else {
                    "containerd/containerd.sock"
                };
                let socket = format!("unix:///run/{socket}");
                Reply::json(json!({"kubeletconfig": {"containerRuntimeEndpoint": socket}}))
            }
            None => Reply::refusal(503, "ServiceUnavailable", "connection refused"),
        },
        ("GET", "/api/v1/pods") => list(pods(setting, runs.as_deref())),
        ("GET", "/apis/apps/v1/namespaces/kube-system/daemonsets/proxy") => {
            Reply::json(json!({"kind": "DaemonSet", "metadata": {"name": "proxy"}}))
        }
        (_, other) => Reply::not_found(other),
    }
}

fn node(state: &State, runs: Option<&str>) -> Json {
    let version = match runs {
        Some("docker") => "docker://20.10.7",
        Some(_) | None => "containerd://1.6.20",
    };
    let ready = if runs.is_some() { "True" } else { "False" };
    let mut node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1", "annotations": {}},
        "status": {"conditions": [{"type": "Ready", "status": ready}],
                   "nodeInfo": {"containerRuntimeVersion": version}},
    });
    if let Some(said) = &state.annotation {
        node["metadata"]["annotations"][ANNOTATION] = said.as_str().into();
    }
    node
}

fn pods(setting: &Setting, runs: Option<&str>) -> Vec<Json> {
    let runtime = runs.unwrap_or("docker");
    let never = setting.trouble == Trouble::NeverBack && runtime == "containerd";
    let pod = |namespace: &str, name: &str, owner: Json, spec: Json| {
        let status = json!([{"ready": runs.is_some() && !never,
                             "containerID": format!("{runtime}://7")}]);
        json!({"apiVersion": "v1", "kind": "Pod",
               "metadata": {"namespace": namespace, "name": name, "ownerReferences": [owner],
                            "labels": {"pod-template-hash": "77d"}},
               "spec": spec, "status": {"phase": "Running", "containerStatuses": status}})
    };
    let by = |kind: &str, name: &str| json!({"controller": true, "kind": kind, "name": name});
    let images = json!([{"name": "a", "image": "proxy:1"}, {"name": "b", "image": "agent"}]);
    let mounts = json!({"volumes": [{"name": "s", "hostPath": {"path": setting.mounts}}],
                        "containers": [{"name": "ci", "volumeMounts": [{"name": "s"}]}]});
    vec![
        pod("kube-system", "proxy-1", by("DaemonSet", "proxy"), json!({"containers": images})),
        pod("ci", "runner-77d-1", by("ReplicaSet", "runner-77d"), mounts),
    ]
}
