//! A real kubeadm cluster on hosts of this machine, for tests.
//!
//! Answers one question: *where are hosts that a test may change, with a kubelet, a container
//! runtime and a cluster around them?* Each host is a Debian that `systemd-nspawn` boots from
//! [`tree`], with the programs of [`crate::control_plane`] and the files of `testdata/cluster`;
//! `kubeadm init` and `kubeadm join` make a cluster of them, and `ssh` reaches them.
//!
//! Start reading at [`Command`]; [`up::up`] and [`down::down`] are what the others lean on.
//!
//! **Invariant:** what a cluster has on the machine has names that follow from its own (see
//! [`place`]), so that `down` leaves nothing of it, whatever ended the start.
//!
//! **Invariant:** only processes in control groups that were made here are ended (see [`groups`]).
//!
//! **Invariant:** nothing on the hosts is reached from outside of this machine, and no key
//! outlives the cluster.

mod down;
mod groups;
mod host;
mod image;
mod needs;
mod network;
mod parts;
mod place;
mod record;
mod ssh;
#[cfg(test)]
mod tests;
mod tree;
mod up;

pub(crate) use down::down;
pub(crate) use record::Record;
pub(crate) use up::up;

use crate::control_plane::{Down, Name, after, export_line};
use crate::trouble::{Trouble, print, say};
use clap::{Args, Subcommand};
use place::Place;

/// What `cargo xtask cluster` can be told.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build programs, images and the hosts' tree unless the cache has them
    Build,
    /// Boot hosts, make a cluster of them (building what is needed) and print its exports
    Up(Up),
    /// End the hosts of a cluster and remove all that is left of them
    Down(Down),
    /// Print the exports of a running cluster
    Env(Name),
    /// Show the hosts of a cluster
    Status(Name),
}

#[derive(Args)]
pub(crate) struct Up {
    #[command(flatten)]
    name: Name,
    /// How many nodes beside the control plane
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=50))]
    workers: u8,
}

pub(crate) fn run(command: Command) -> Result<(), Trouble> {
    match command {
        Command::Build => build(),
        Command::Up(Up { name: Name { name }, workers }) => print_exports(&up(&name, workers)?),
        Command::Down(Down { name: Name { name }, after: None }) => down(&name),
        Command::Down(Down { name: Name { name }, after: Some(pid) }) => {
            after(pid);
            down(&name)
        }
        Command::Env(Name { name }) => print_exports(&running(&Place::of(&name)?)?),
        Command::Status(Name { name }) => status(&name),
    }
}

/// Builds whatever a start would build.
pub(crate) fn build() -> Result<(), Trouble> {
    needs::met()?;
    parts::find().map(drop)
}

/// Why hosts cannot be booted here, in one line.
pub(crate) fn absence() -> Option<String> {
    let trouble = needs::met().err()?;
    Some(trouble.to_string().lines().collect::<Vec<_>>().join(" "))
}

/// The cluster at that place, if all of its hosts are up.
fn running(place: &Place) -> Result<Record, Trouble> {
    let name = &place.name;
    let how = format!("Start one with: cargo xtask cluster up --name {name}");
    let Some(record) = Record::load(place)? else {
        return Err(Trouble::new(format!("no cluster runs under the name `{name}`. {how}")));
    };
    if record.is_running() {
        return Ok(record);
    }
    let gone: Vec<&str> = record
        .processes
        .iter()
        .filter(|one| !one.is_alive())
        .map(|one| one.role.as_str())
        .collect();
    let why = match gone.as_slice() {
        [] => "its start is not complete".to_owned(),
        some => format!("{} ended", some.join(", ")),
    };
    Err(Trouble::new(format!("the cluster `{name}` does not run: {why}. {how}")))
}

fn print_exports(record: &Record) -> Result<(), Trouble> {
    record.exports().into_iter().try_for_each(|(key, value)| print(export_line(key, &value)))
}

fn status(name: &str) -> Result<(), Trouble> {
    let place = Place::of(name)?;
    let Some(record) = Record::load(&place)? else {
        return running(&place).map(drop);
    };
    print(format_args!("{name}  {}  bridge {}", record.version, place.id))?;
    for node in &record.nodes {
        let process = record.processes.iter().find(|one| one.role == node.name);
        let state = match process {
            Some(process) if process.is_alive() => "running",
            Some(_) => "gone",
            None => "not begun",
        };
        print(format_args!("{state:9}  {:16} {}", node.name, node.address))?;
    }
    say(format_args!("folder: {}", place.folder.display()));
    say(format_args!("log in: ssh -F '{}' worker-1", record.ssh_config.display()));
    running(&place).map(drop)
}
