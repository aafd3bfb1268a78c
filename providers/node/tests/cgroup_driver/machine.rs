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
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, all) = (files.clone(), state.clone());
        let read = move |path: &str| {
            let file = shared.read(path).now_or_never().unwrap().unwrap().unwrap();
            String::from_utf8(file.content).unwrap()
        };
        let drivers = move || {
            let kubelet = if read(CONFIG).contains("cgroupDriver: systemd") { "s" } else { "c" };
            let runtime = if read(RUNTIME).contains("SystemdCgroup = true") { "s" } else { "c" };
            let name = |letter| if letter == "s" { "systemd" } else { "cgroupfs" };
            (name(kubelet).to_owned(), name(runtime).to_owned())
        };
        all.lock().unwrap().start("containerd", &drivers(), Trouble::None);
        all.lock().unwrap().start("kubelet", &drivers(), Trouble::None);
        let host = files.with_program(move |words, _| {
            let mut state = all.lock().unwrap();
            match words {
                ["kubelet", "--version"] => said("Kubernetes v1.36.2\n"),
                ["containerd", "--version"] => said("containerd containerd.io 1.6.20 x\n"),
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

/// Before anything was changed: cgroupfs.
pub(crate) fn files() -> MemoryHost {
    MemoryHost::new("w1")
        .with_file(CONFIG, super::KUBELET_FILE)
        .with_file(RUNTIME, super::RUNTIME_FILE)
        .with_file("/proc/1/comm", "systemd\n")
}
