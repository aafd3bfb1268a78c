//! The API server that the tests run against, and its end.

use crate::control_plane::{self, Record};
use crate::trouble::{Doing, Trouble, say};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::{env, process};

/// Set by whoever brings a cluster for tests; otherwise set here.
const KUBECONFIG: &str = "CLINCH_TEST_KUBECONFIG";

/// Where the live tests find a server.
pub(super) enum Server {
    /// Nowhere: they were not wanted.
    None,
    /// On a cluster that the environment names.
    Theirs,
    Ours(Box<Ours>),
}

/// A control plane of this run.
pub(super) struct Ours {
    name: String,
    /// Builds its programs while other steps run.
    building: Option<JoinHandle<Result<(), Trouble>>>,
    record: Option<Record>,
}

impl Server {
    /// Decides, and begins to build at once.
    pub(super) fn choose(unwanted: bool) -> Self {
        if unwanted {
            return Self::None;
        }
        if env::var_os(KUBECONFIG).is_some_and(|value| !value.is_empty()) {
            return Self::Theirs;
        }
        let building = thread::spawn(control_plane::build);
        let name = format!("test-{}", process::id());
        Self::Ours(Box::new(Ours { name, building: Some(building), record: None }))
    }

    /// Why no control plane is started, if none is.
    pub(super) fn absence(&self) -> Option<&'static str> {
        match self {
            Self::None => Some("--no-control-plane: no test ran against a real API server"),
            Self::Theirs => Some("CLINCH_TEST_KUBECONFIG names a cluster: the tests ran on that"),
            Self::Ours(_) => None,
        }
    }

    /// Waits for the programs and starts them.
    pub(super) fn start(&mut self) -> Result<(), Trouble> {
        let Self::Ours(ours) = self else { return Ok(()) };
        if let Some(building) = ours.building.take() {
            building
                .join()
                .map_err(|_| Trouble::new("the build of the control plane panicked"))??;
        }
        watch("control-plane", &ours.name)?;
        ours.record = Some(control_plane::up(&ours.name)?);
        Ok(())
    }

    /// Tells a test command where the server is.
    pub(super) fn tell(&self, command: &mut Command) {
        match self {
            Self::None => drop(command.env_remove(KUBECONFIG)),
            Self::Theirs => {}
            Self::Ours(ours) => {
                let exports = ours.record.iter().flat_map(Record::exports);
                // `KUBECONFIG` itself stays unset: a test that reads it by mistake must notice.
                command.envs(exports.filter(|(key, _)| *key != "KUBECONFIG"));
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Self::Ours(ours) = self
            && let Err(trouble) = control_plane::down(&ours.name)
        {
            say(format_args!("control plane: {trouble}"));
        }
    }
}

/// Starts a process beside this one that cleans up when this one is killed.
pub(super) fn watch(task: &str, name: &str) -> Result<(), Trouble> {
    // The link, not the path behind it: cargo may replace the file while the tests are built.
    Command::new("/proc/self/exe")
        .args([task, "down", "--name", name, "--after", &process::id().to_string()])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .doing(|| format!("starting the watcher of the {task}"))
}
