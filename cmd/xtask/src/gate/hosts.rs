//! The cluster of real hosts that the tests run against, and its end.

use super::server::watch;
use crate::cluster::{self, Record};
use crate::trouble::{Trouble, say};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::{env, process};

/// Set by whoever brings hosts for tests; otherwise set here.
const SSH_CONFIG: &str = "CLINCH_TEST_CLUSTER_SSH_CONFIG";

/// What the names of all variables about hosts begin with.
const PREFIX: &str = "CLINCH_TEST_CLUSTER_";

/// How many nodes there are for tests beside the control plane: each test has one, and mostly waits
/// for what runs there.
const WORKERS: u8 = 4;

/// Where the tests of hosts find them.
pub(super) enum Hosts {
    /// Nowhere, for this reason.
    None(String),
    /// Where the environment says.
    Theirs,
    Ours(Box<Ours>),
}

/// A cluster of this run.
pub(super) struct Ours {
    name: String,
    work: Work,
}

/// What goes on beside other steps.
enum Work {
    Building(JoinHandle<Result<(), Trouble>>),
    Starting(JoinHandle<Result<Record, Trouble>>),
    Running(Record),
    Ended,
}

impl Hosts {
    /// Decides, and begins to build at once.
    pub(super) fn choose(unwanted: Option<&str>) -> Self {
        if let Some(reason) = unwanted {
            return Self::None(reason.to_owned());
        }
        if env::var_os(SSH_CONFIG).is_some_and(|value| !value.is_empty()) {
            return Self::Theirs;
        }
        if let Some(reason) = cluster::absence() {
            return Self::None(reason);
        }
        let name = format!("test-{}", process::id());
        Self::Ours(Box::new(Ours { name, work: Work::Building(thread::spawn(cluster::build)) }))
    }

    /// Why no hosts are booted, if none are.
    pub(super) fn absence(&self) -> Option<&str> {
        match self {
            Self::None(reason) => Some(reason),
            Self::Theirs => {
                Some("CLINCH_TEST_CLUSTER_SSH_CONFIG names hosts: the tests ran on those")
            }
            Self::Ours(_) => None,
        }
    }

    /// Boots the hosts beside what comes next: a start mostly waits.
    pub(super) fn begin(&mut self) {
        let Self::Ours(ours) = self else { return };
        let Work::Building(building) = std::mem::replace(&mut ours.work, Work::Ended) else {
            return;
        };
        let name = ours.name.clone();
        ours.work = Work::Starting(thread::spawn(move || {
            joined(building)?;
            watch("cluster", &name)?;
            cluster::up(&name, WORKERS)
        }));
    }

    /// Waits until the cluster is one.
    pub(super) fn wait(&mut self) -> Result<(), Trouble> {
        let Self::Ours(ours) = self else { return Ok(()) };
        if let Work::Starting(starting) = std::mem::replace(&mut ours.work, Work::Ended) {
            ours.work = Work::Running(joined(starting)?);
        }
        Ok(())
    }

    /// Tells a test command where the hosts are.
    pub(super) fn tell(&self, command: &mut Command) {
        if matches!(self, Self::Theirs) {
            return;
        }
        let set = env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with(PREFIX));
        for (key, _) in set {
            command.env_remove(key);
        }
        if let Self::Ours(ours) = self
            && let Work::Running(record) = &ours.work
        {
            command.envs(record.exports());
        }
    }
}

fn joined<T>(work: JoinHandle<Result<T, Trouble>>) -> Result<T, Trouble> {
    work.join().unwrap_or_else(|_| Err(Trouble::new("the start of the cluster panicked")))
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let Self::Ours(ours) = self else { return };
        match std::mem::replace(&mut ours.work, Work::Ended) {
            // Nothing of it is anywhere but in the cache.
            Work::Building(_) => return,
            // Its end has to come after its start.
            Work::Starting(starting) => drop(starting.join()),
            Work::Running(_) | Work::Ended => {}
        }
        if let Err(trouble) = cluster::down(&ours.name) {
            say(format_args!("cluster: {trouble}"));
        }
    }
}
