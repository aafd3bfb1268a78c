//! `lock`: who is at work, and releasing what a run that died left behind.

use super::place;
use super::work;
use crate::args::{LockCommand, LockLookArgs};
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use diags::{Code, Diagnostic, Diagnostics};
use local::Folder;
use remote::{Lease, Released, Room};
use session::StatePlace;
use std::fmt::Write as _;

const OF_THE_KERNEL: Code = Code("E0932");

pub(crate) async fn run(command: LockCommand, env: &Environment) -> u8 {
    let look = match &command {
        LockCommand::List(look) | LockCommand::Show(look) => look,
        LockCommand::Release(args) => &args.look,
    };
    let console = Console::new(&look.style, env);
    let configured = match work::configure(&look.variables, env, &console) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let done = match &configured.loaded.state {
        StatePlace::Local => here(&command, &console, env),
        StatePlace::Cluster { namespace, .. } => {
            match place::connect(&configured, &look.cluster, env).await {
                Ok(access) => {
                    let room = place::room(&access, &configured, namespace);
                    there(&command, &room, &console).await
                }
                Err(problems) => Err(problems),
            }
        }
    };
    match done {
        Ok(()) => exit::DONE,
        Err(problems) => {
            console.diagnostics(&problems, &configured.sources);
            exit::FAILED
        }
    }
}

/// The lock of a state on this machine, which the kernel holds.
fn here(command: &LockCommand, console: &Console, env: &Environment) -> Result<(), Diagnostics> {
    let holder = Folder::open(env.data_dir.clone()).holder();
    let shown = env.data_dir.display();
    match (command, holder) {
        (LockCommand::Release(_), Some(holder)) => {
            let detail = format!("`{shown}` is locked by {holder}, which is alive.");
            Err(Diagnostic::error(OF_THE_KERNEL, "Lock cannot be released", detail)
                .with_help("Wait until it has ended, or end that process.")
                .into())
        }
        (_, Some(holder)) => {
            say(console, &[line_here(&holder)], &format!("`{shown}` is locked by {holder}.\n"));
            Ok(())
        }
        (_, None) => {
            say(console, &[], &format!("`{shown}` is not locked.\n"));
            Ok(())
        }
    }
}

async fn there(command: &LockCommand, room: &Room, console: &Console) -> Result<(), Diagnostics> {
    match command {
        LockCommand::List(LockLookArgs { .. }) => {
            let (leases, now) = (room.all_leases().await?, room.now().await);
            let mut text = String::new();
            for lease in &leases {
                let _never_fails = writeln!(text, "{}: {}", lease.project, words(lease, now));
            }
            if leases.is_empty() {
                let _never_fails = writeln!(text, "No locks in `{}`.", room.namespace());
            }
            let lines: Vec<Line> = leases.iter().map(|lease| line(lease, now)).collect();
            say(console, &lines, &text);
        }
        LockCommand::Show(_) => {
            let (lease, now) = (room.lease().await?, room.now().await);
            let text = match &lease {
                Some(lease) => format!("{}: {}\n", lease.project, words(lease, now)),
                None => format!("{}: never locked\n", room.project()),
            };
            let lines: Vec<Line> = lease.iter().map(|lease| line(lease, now)).collect();
            say(console, &lines, &text);
        }
        LockCommand::Release(args) => match room.release(args.force).await? {
            Released::Free => say(console, &[], "The lock is free; nothing was released.\n"),
            Released::From(words) => say(
                console,
                &[],
                &format!(
                    "Released the lock of {words}. It can write no state and begin no step any \
                     more. A step that it had begun may still go on; `clinch apply -resume` finds \
                     out what became of it.\n"
                ),
            ),
        },
    }
    Ok(())
}

fn words(lease: &Lease, now: Option<i64>) -> String {
    if lease.identity.is_none() {
        return "free".to_owned();
    }
    let silence = now.and_then(|now| lease.silence(now));
    let sign = match (now.is_some_and(|now| lease.is_dead(now)), silence) {
        (true, Some(silence)) => {
            format!("; no sign of life for {silence} s, so the next run takes it over")
        }
        (false, Some(silence)) => format!("; last sign of life {silence} s ago"),
        (_, None) => String::new(),
    };
    format!("held by {}{sign}", lease.words())
}

/// A lock as JSON has it.
type Line = schemas::show::lock::Lock;

fn say(console: &Console, locks: &[Line], text: &str) {
    if console.json {
        console.data(&schemas::show::document(&locks));
    } else {
        console.data(text);
    }
}

fn line(lease: &Lease, now: Option<i64>) -> Line {
    Line {
        project: lease.project.clone(),
        held: lease.identity.is_some(),
        holder: lease.identity.as_ref().map(|_| lease.words()),
        silence_seconds: lease.identity.as_ref().and(now).and_then(|now| lease.silence(now)),
        expired: now.is_some_and(|now| lease.is_dead(now)),
    }
}

fn line_here(holder: &str) -> Line {
    Line {
        project: String::new(),
        held: true,
        holder: Some(holder.to_owned()),
        silence_seconds: None,
        expired: false,
    }
}
