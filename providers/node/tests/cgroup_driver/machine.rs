//! A host with a kubelet, a containerd and their containers.
//!
//! The model refuses what the real ones refuse: a kubelet with another driver than its runtime, and
//! containers whose control groups are of another driver than that of the kubelet that finds them.

use super::{CONFIG, RUNTIME};
use access::{Host as _, MemoryHost, Output};
use futures::FutureExt as _;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

fn said(text: &str) -> Output {
    Output { status: Some(0), stdout: text.into(), stderr: Vec::new() }
}

fn complained(text: &str) -> Output {
    Output { status: Some(1), stdout: Vec::new(), stderr: text.into() }
}

/// What runs, and what it was started with.
#[derive(Debug, Clone, Default)]
struct State {
    /// The drivers of what runs, by unit; `None` for one that ended soon after its start.
    up: BTreeMap<&'static str, Option<String>>,
    /// Containers with the driver that made their control groups.
    tasks: BTreeMap<String, String>,
    ran: Vec<String>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// This unit does not run with systemd.
    Refuses(&'static str),
    /// One container does not heed any signal.
    Immortal,
}

#[derive(Clone)]
pub(super) struct Machine {
    pub(super) host: MemoryHost,
    state: Arc<Mutex<State>>,
}

impl Machine {
    pub(super) fn new() -> Self {
        Self::of(files(), Trouble::None)
    }

    pub(super) fn with(trouble: Trouble) -> Self {
        Self::of(files(), trouble)
    }

    pub(super) fn of(files: MemoryHost, trouble: Trouble) -> Self {
        Self::of_version(files, trouble, "1.6.20")
    }

    /// From version 2 on it tells a kubelet that asks, whatever the kubelet's file says.
    pub(super) fn of_version(files: MemoryHost, trouble: Trouble, version: &'static str) -> Self {
        let answers = version.starts_with('2');
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, all) = (files.clone(), state.clone());
        let read = move |path: &str| {
            let file = shared.read(path).now_or_never().unwrap().unwrap().unwrap();
            String::from_utf8(file.content).unwrap()
        };
        let drivers = move || {
            let name = |systemd| if systemd { "systemd" } else { "cgroupfs" };
            let runtime = name(read(RUNTIME).contains("SystemdCgroup = true"));
            let kubelet = name(read(CONFIG).contains("cgroupDriver: systemd"));
            (if answers { runtime } else { kubelet }.to_owned(), runtime.to_owned())
        };
        all.lock().unwrap().start("containerd", &drivers(), Trouble::None);
        all.lock().unwrap().start("kubelet", &drivers(), Trouble::None);
        let host = files.with_program(move |words, _| {
            let mut state = all.lock().unwrap();
            match words {
                ["kubelet", "--version"] => said("Kubernetes v1.36.2\n"),
                ["containerd", "--version"] => {
                    said(&format!("containerd containerd.io {version} x\n"))
                }
                ["crio" | "crictl", ..] => complained("not found"),
                ["stat", "-fc", "%T", "/sys/fs/cgroup"] => said("cgroup2fs\n"),
                ["find", ..]
                | ["ctr", .., "images", "list", "--quiet"]
                | ["systemctl", "show", "--property=ExecStart,Environment", "kubelet"] => said(""),
                ["systemctl", "is-active", "crio"] => complained("inactive\n"),
                ["systemctl", "is-active", unit] if state.up.contains_key(*unit) => {
                    said("active\n")
                }
                ["systemctl", "is-active", _] => complained("inactive\n"),
                ["systemctl", "show", _, unit] => said(match state.up.get(*unit) {
                    Some(Some(_)) => "ActiveState=active\nSubState=running\nNRestarts=0\n",
                    Some(None) => "ActiveState=failed\nSubState=failed\nNRestarts=0\n",
                    None => "ActiveState=inactive\nSubState=dead\nNRestarts=0\n",
                }),
                ["ctr", ..] if !matches!(state.up.get("containerd"), Some(Some(_))) => {
                    complained("ctr: failed to dial\n")
                }
                ["ctr", "plugins", "ls"] => said("io.containerd.grpc.v1 cri - ok\n"),
                ["ctr", .., "tasks", "list"] => {
                    let rows = state.tasks.keys().map(|task| format!("{task} 17 RUNNING\n"));
                    said(&format!("TASK PID STATUS\n{}", rows.collect::<String>()))
                }
                ["ctr", .., "tasks", "kill", "--signal", signal, task] => {
                    assert!(!state.up.contains_key("kubelet"), "ended under a kubelet that runs");
                    // One of them does not heed what is polite.
                    let heeds = *signal == "SIGKILL" || *task != "deaf";
                    if heeds && trouble != Trouble::Immortal {
                        state.tasks.remove(*task);
                    }
                    state.ran.push(format!("{signal} {task}"));
                    said("")
                }
                ["systemctl", "stop", unit] => {
                    state.up.remove(*unit);
                    state.ran.push(format!("stop {unit}"));
                    said("")
                }
                ["systemctl", "start", unit] => {
                    let unit = if *unit == "kubelet" { "kubelet" } else { "containerd" };
                    state.ran.push(format!("start {unit}"));
                    state.start(unit, &drivers(), trouble)
                }
                ["test", "-d", two, "-o", "-d", _] => {
                    let slice = two.ends_with("kubepods.slice");
                    let is = state.up.get("kubelet") == Some(&Some("systemd".to_owned()));
                    if slice == is { said("") } else { complained("") }
                }
                ["journalctl", unit, ..] => {
                    said(&format!("begin\nfailed to run Kubelet: level=fatal {unit}\nend\n"))
                }
                other => panic!("{other:?}"),
            }
        });
        Self { host, state }
    }

    /// What the running kubelet says of itself; nothing when there is none.
    pub(super) fn running(&self) -> Option<String> {
        self.state.lock().unwrap().up.get("kubelet").cloned().flatten()
    }

    /// Whether kubelet, runtime and containers run, all with this driver.
    pub(super) fn all_run_with(&self, driver: &str) -> bool {
        let state = self.state.lock().unwrap();
        let up = |unit: &str| state.up.get(unit) == Some(&Some(driver.to_owned()));
        up("kubelet") && up("containerd") && state.tasks.values().all(|task| task == driver)
    }

    /// What was stopped, ended and started since the last time.
    pub(super) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().ran)
    }
}

impl State {
    fn start(
        &mut self,
        unit: &'static str,
        (kubelet, runtime): &(String, String),
        trouble: Trouble,
    ) -> Output {
        let driver = if unit == "kubelet" { kubelet } else { runtime };
        if trouble == Trouble::Refuses(unit) && driver == "systemd" {
            self.up.insert(unit, None);
            // systemd says so of a program that tells when it is up; a kubelet does not.
            return if unit == "kubelet" { said("") } else { complained("Job failed.") };
        }
        self.up.insert(unit, Some(driver.clone()));
        if unit == "kubelet" {
            let runs = self.up.get("containerd").cloned().flatten();
            assert_eq!(runs.as_ref(), Some(driver), "kubelet and runtime are not of one mind");
            for task in ["daemon", "deaf", "static"] {
                let made_by = self.tasks.entry(task.to_owned()).or_insert_with(|| driver.clone());
                assert_eq!(made_by, driver, "`{task}` is where the kubelet does not look");
            }
        }
        said("")
    }
}

/// A host with a CRI-O that answers as its manual pages say, and what was done there.
pub(super) fn crio() -> (MemoryHost, Arc<Mutex<Vec<String>>>) {
    let config = super::KUBELET_FILE.replace("cgroupfs", "systemd");
    let endpoint = "containerRuntimeEndpoint: unix:///var/run/crio/crio.sock\n";
    let files = MemoryHost::new("w1")
        .with_file(CONFIG, config + endpoint)
        .with_file("/proc/1/comm", "systemd\n");
    let ran = Arc::new(Mutex::new(Vec::new()));
    let (shared, log) = (files.clone(), ran.clone());
    let driver = move || {
        let text = shared.dump().get(super::DROP_IN).cloned().unwrap_or_default();
        if text.contains("\"cgroupfs\"") { "cgroupfs" } else { "systemd" }
    };
    let runs_with = Mutex::new(driver());
    let host = files.with_program(move |words, _| {
        let mut runs_with = runs_with.lock().unwrap();
        match words {
            ["kubelet", "--version"] => said("Kubernetes v1.30.2\n"),
            ["crio", "--version"] => said("crio version 1.30.0\n"),
            ["crictl", "--version"] => said("crictl version v1.30.0\n"),
            ["crio", "status", "config"] => {
                said(&format!("[crio.runtime]\ncgroup_manager = \"{runs_with}\"\n"))
            }
            ["crio", "status", "info"] => said(&format!("cgroup driver: {runs_with}\n")),
            ["crictl", _, "unix:///var/run/crio/crio.sock", "pods", ..] => said("4f2a\n77d0\n"),
            ["crictl", _, _, "stopp", pods @ ..] => {
                log.lock().unwrap().push(format!("stopp {}", pods.join(" ")));
                said("")
            }
            ["systemctl", "is-active", "crio"] => said("active\n"),
            ["systemctl", "show", "--property=ExecStart,Environment", "kubelet"]
            | ["test", "-d", ..] => said(""),
            ["systemctl", "show", ..] => {
                said("ActiveState=active\nSubState=running\nNRestarts=0\n")
            }
            ["systemctl", verb @ ("start" | "stop"), unit] => {
                log.lock().unwrap().push(format!("{verb} {unit}"));
                if *unit == "crio" {
                    *runs_with = driver();
                }
                said("")
            }
            ["stat", ..] => said("tmpfs\n"),
            _ => complained("not found"),
        }
    });
    (host, ran)
}

/// Before anything was changed: cgroupfs.
pub(crate) fn files() -> MemoryHost {
    MemoryHost::new("w1")
        .with_file(CONFIG, super::KUBELET_FILE)
        .with_file(RUNTIME, super::RUNTIME_FILE)
        .with_file("/proc/1/comm", "systemd\n")
}
