//! A host with a containerd.

use super::{FILE, PATH, apply, args, plan, provider};
use access::{Host as _, MemoryHost, Output};
use futures::FutureExt as _;
use node::NodeProvider;
use provider::{Planned, StepError};
use std::sync::{Arc, Mutex};
use values::Value;

pub(super) fn said(text: &str) -> Output {
    Output { status: Some(0), stdout: text.into(), stderr: Vec::new() }
}

pub(super) fn complained(text: &str) -> Output {
    Output { status: Some(1), stdout: Vec::new(), stderr: text.into() }
}

/// A host with a containerd that does not start with an image called `broken`, whose CRI plugin
/// fails with one called `unwell`, and that cannot read one called `unreadable`.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) host: MemoryHost,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::of(MemoryHost::new("w1").with_file(PATH, FILE), "1.6.20")
    }

    pub(super) fn of(files: MemoryHost, version: &'static str) -> Self {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let (shared, log) = (files.clone(), ran.clone());
        let read = move |path: &str| {
            let file = shared.read(path).now_or_never().unwrap().unwrap();
            file.map(|file| String::from_utf8(file.content).unwrap())
        };
        let runs_with = Mutex::new(read(PATH));
        let host = files.with_program(move |words, _| match words {
            ["containerd", "--version"] => said(&format!("containerd containerd.io {version} x")),
            ["containerd", "--config", path, "config", "dump"] => {
                let is_bad = read(path).unwrap().contains("\"unreadable\"");
                if is_bad { complained("containerd: no\x1b[31m\n") } else { said("") }
            }
            ["ctr", .., "images", "list", "--quiet"] => said("registry.k8s.io/pause:3.9\n"),
            ["ctr", "plugins", "ls"] => {
                let runs_with = runs_with.lock().unwrap();
                let well = !runs_with.as_ref().is_some_and(|file| file.contains("\"unwell\""));
                let status = if well { "ok" } else { "error" };
                said(&format!("TYPE ID PLATFORMS STATUS\nio.containerd.grpc.v1 cri - {status}\n"))
            }
            ["systemctl", "is-active", "containerd"] => said("active\n"),
            ["systemctl", "is-active", "crio"] => complained("inactive\n"),
            ["systemctl", "show", "--property=ExecStart,Environment", "kubelet"] => said(""),
            ["kubelet", "--version"] => complained(""),
            ["systemctl", "show", ..] => {
                said("ActiveState=active\nSubState=running\nNRestarts=0\n")
            }
            ["systemctl", "restart", "containerd"] => {
                let now = read(PATH);
                log.lock().unwrap().push(words.join(" "));
                if now.as_ref().is_some_and(|file| file.contains("\"broken\"")) {
                    return complained("Job for containerd.service failed.\n");
                }
                *runs_with.lock().unwrap() = now;
                said("")
            }
            ["find", path, "-newer", _] => {
                let is_newer = *runs_with.lock().unwrap() != read(path);
                said(if is_newer { path } else { "" })
            }
            ["journalctl", ..] => said("started\ncontainerd: cannot go on: \x1b[1mbecause\nend\n"),
            other => panic!("{other:?}"),
        });
        Self { host, ran }
    }

    pub(crate) fn with_file(self, path: &str, content: &str) -> Self {
        Self { host: self.host.with_file(path, content), ..self }
    }

    pub(super) fn provider(&self) -> NodeProvider {
        provider(self.host.clone())
    }

    pub(super) async fn plan(&self, given: &[(&'static str, Value)]) -> Planned {
        plan(&self.provider(), Some(&args(given)), &[]).await
    }

    pub(super) async fn apply(&self, given: &[(&'static str, Value)]) -> Result<(), StepError> {
        apply(&self.provider(), Some(&args(given))).await
    }

    pub(super) fn file(&self, path: &str) -> Option<String> {
        self.host.dump().get(path).cloned()
    }

    /// The programs that changed something since the last time.
    pub(super) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.ran.lock().unwrap())
    }
}
