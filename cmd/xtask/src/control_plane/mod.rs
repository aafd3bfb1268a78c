//! A real Kubernetes control plane on this machine, for tests.
//!
//! Answers one question: *where is an API server that is not ours?* It builds etcd, the
//! Kubernetes servers and kwok from the Go modules in `testdata/controlplane`, once, into a cache
//! outside the checkout, and starts them on loopback with certificates made on the spot.
//!
//! Start reading at [`Command`]; [`up::up`] and [`down::down`] are what the others lean on.
//!
//! **Invariant:** only processes that this program started are ended, and only while the process
//! with that id is still the one that was started (see [`process`]).
//!
//! **Invariant:** everything listens on 127.0.0.1, and no key outlives the run's folder.

pub(crate) mod build;
pub(crate) mod cache;
mod down;
pub(crate) mod kubeconfig;
mod pin;
mod pki;
mod ports;
pub(crate) mod process;
pub(crate) mod record;
mod tools;
mod up;

pub(crate) use down::{after, down, down_after};
pub(crate) use record::Record;
use up::up_alone;
pub(crate) use up::{nodes_are_ready, up};

use crate::trouble::{Trouble, print, say};
use clap::{Args, Subcommand};

/// What `cargo xtask control-plane` can be told.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build the binaries unless the cache has them, and print their folder
    Build,
    /// Start a control plane (building it when needed) and print its exports
    Up {
        #[command(flatten)]
        name: Name,
        /// The API server and its store alone: what is written stays as it was written
        #[arg(long)]
        without_controllers: bool,
    },
    /// End the processes of a control plane and remove its folder
    Down(Down),
    /// Print the exports of a running control plane
    Env(Name),
    /// Show the processes of a control plane
    Status(Name),
    /// Rewrite kubernetes/go.mod for another release, such as v1.37.3
    Pin {
        /// Version of k8s.io/kubernetes
        version: String,
        /// Pin the older kubectl instead
        #[arg(long)]
        older_kubectl: bool,
    },
}

/// Which of several control planes that run side by side.
#[derive(Args)]
pub(crate) struct Name {
    #[arg(long, default_value = "default", value_parser = valid_name)]
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct Down {
    #[command(flatten)]
    pub(crate) name: Name,
    /// Wait until the process with this id has gone, then clean up after it
    #[arg(long, value_name = "PID")]
    pub(crate) after: Option<u32>,
}

/// A name becomes a folder, so it may not lead anywhere else.
fn valid_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.len() <= 60 && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    Err("use letters, digits, `-` and `_`, at most 60 of them".to_owned())
}

pub(crate) fn run(command: Command) -> Result<(), Trouble> {
    match command {
        Command::Build => print(build::everything()?.display()),
        Command::Up { name: Name { name }, without_controllers: false } => {
            print_exports(&up(&name)?)
        }
        Command::Up { name: Name { name }, without_controllers: true } => {
            print_exports(&up_alone(&name)?)
        }
        Command::Down(Down { name: Name { name }, after: None }) => down(&name),
        Command::Down(Down { name: Name { name }, after: Some(pid) }) => down_after(&name, pid),
        Command::Env(Name { name }) => print_exports(&running(&name)?),
        Command::Status(Name { name }) => status(&name),
        Command::Pin { version, older_kubectl: false } => pin::pin("kubernetes", &version),
        Command::Pin { version, older_kubectl: true } => pin::pin(cache::OLDER_KUBECTL, &version),
    }
}

/// Builds whatever a start would build.
pub(crate) fn build() -> Result<(), Trouble> {
    tools::find().map(drop)
}

/// The control plane of that name, if all of its processes are alive.
fn running(name: &str) -> Result<Record, Trouble> {
    let how = format!("Start one with: cargo xtask control-plane up --name {name}");
    let Some(record) = Record::load(&cache::run_folder(name)?)? else {
        return Err(Trouble::new(format!("no control plane runs under the name `{name}`. {how}")));
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
    Err(Trouble::new(format!("the control plane `{name}` does not run: {why}. {how}")))
}

fn print_exports(record: &Record) -> Result<(), Trouble> {
    record.exports().into_iter().try_for_each(|(key, value)| print(export_line(key, &value)))
}

/// One line that a POSIX shell reads back as it was.
pub(crate) fn export_line(key: &str, value: &str) -> String {
    format!("export {key}='{}'", value.replace('\'', r"'\''"))
}

fn status(name: &str) -> Result<(), Trouble> {
    let folder = cache::run_folder(name)?;
    let Some(record) = Record::load(&folder)? else {
        return running(name).map(drop);
    };
    print(format_args!("{}  {}  {}", record.name, record.version, record.server))?;
    for one in &record.processes {
        let state = if one.is_alive() { "running" } else { "gone" };
        print(format_args!("{state:8} {:24} pid {:<8} {}", one.role, one.pid, one.log.display()))?;
    }
    say(format_args!("folder: {}", folder.display()));
    running(name).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_would_leave_the_folder_is_refused() {
        for bad in ["", "../other", "a/b", "a b", ".", &"x".repeat(61)] {
            assert!(valid_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(valid_name("test-42_b"), Ok("test-42_b".to_owned()));
    }

    #[test]
    fn export_survives_quotes_and_spaces_in_a_path() {
        assert_eq!(export_line("KUBECONFIG", "/a b/it's"), r"export KUBECONFIG='/a b/it'\''s'");
    }
}
