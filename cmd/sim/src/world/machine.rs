//! The machine of a node: files in memory, and programs that do what those of a node do.

use super::kubelet::{Kubelet, said};
use crate::clock::Clock;
use access::{Fence, MemoryHost, Output};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const VERSION: &str = "Kubernetes v1.36.2\n";

/// A machine. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Machine {
    /// Files and programs, as a host of `access`.
    pub(crate) host: MemoryHost,
    state: Arc<Mutex<State>>,
}

struct State {
    kubelet: Kubelet,
    /// Until when nobody reaches it.
    away_until: Duration,
}

impl Machine {
    pub(crate) fn new(node: &str, clock: &Arc<Clock>) -> Self {
        let mut files = MemoryHost::new(node);
        for (path, content) in sandbox::files_of_host(node) {
            files = files.with_file(&format!("/{path}"), content);
        }
        let state = State { kubelet: Kubelet::new(), away_until: Duration::ZERO };
        let state = Arc::new(Mutex::new(state));
        let (plain, shared, time) = (files.clone(), state.clone(), clock.clone());
        let host = files.with_program(move |words, _| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            run(&mut state.kubelet, &plain, words, time.now())
        });
        let machine = Self { host, state };
        machine.start_kubelet(clock.now());
        machine
    }

    /// The same one, as a run with a number works on it.
    pub(crate) fn for_run(&self, fence: &Fence) -> Self {
        Self { host: self.host.for_run(fence), state: self.state.clone() }
    }

    pub(crate) fn start_kubelet(&self, now: Duration) {
        start(&mut self.locked().kubelet, &self.host, now);
    }

    /// What the kubelet is like.
    pub(crate) fn kubelet<T>(&self, look: impl FnOnce(&mut Kubelet) -> T) -> T {
        look(&mut self.locked().kubelet)
    }

    /// Nobody reaches it until then.
    pub(crate) fn goes_away(&self, until: Duration) {
        self.locked().away_until = until;
    }

    pub(crate) fn is_away(&self, now: Duration) -> bool {
        now < self.locked().away_until
    }

    /// A file as text.
    pub(crate) fn file(&self, path: &str) -> Option<String> {
        self.host.dump().remove(path)
    }

    /// A person, or the machine itself, writes a file.
    pub(crate) fn put(&self, path: &str, text: &str) {
        // What it is made of is kept by all clones.
        let _same = self.host.clone().with_file(path, text);
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(kubelet: &mut Kubelet, host: &MemoryHost, now: Duration) {
    let files: BTreeMap<String, String> = host.dump();
    for (path, text) in kubelet.start(&files, now) {
        let _same = host.clone().with_file(path, text);
    }
}

fn run(kubelet: &mut Kubelet, host: &MemoryHost, words: &[&str], now: Duration) -> Output {
    match words {
        ["kubelet", "--version"] => said(VERSION),
        ["systemctl", "show", what, "kubelet"] if what.contains("ActiveState") => {
            kubelet.shown(now)
        }
        ["systemctl", "restart" | "start", "kubelet"] => {
            start(kubelet, host, now);
            said("")
        }
        ["systemctl", "stop", "kubelet"] => {
            kubelet.stop();
            said("")
        }
        ["journalctl", ..] => kubelet.last_words(),
        ["systemctl", "show", ..] | [] => said(""),
        [program, ..] => {
            let stderr = format!("{program}: not found").into_bytes();
            Output { status: Some(127), stdout: Vec::new(), stderr }
        }
    }
}

/// Whether a command changes nothing.
pub(crate) fn only_looks(words: &[&str]) -> bool {
    !matches!(words, ["systemctl", "restart" | "start" | "stop", ..])
}
