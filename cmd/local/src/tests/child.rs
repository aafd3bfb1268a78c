//! This test program once more, as another process.

use super::samples::*;
use crate::Folder;
use runner::Journal as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const TASK: &str = "CLINCH_LOCAL_TEST_TASK";
const DIR: &str = "CLINCH_LOCAL_TEST_DIR";

/// Another process that does a task in a folder. `shell` comes before it: `umask 000;`.
pub(super) fn child(task: &str, dir: &Path, shell: &str) -> Child {
    let script = format!("{shell} exec \"$0\" \"$@\"");
    Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "tests::child::task_of_another_process", "--ignored", "--nocapture"])
        .env(TASK, task)
        .env(DIR, dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The child's lines that are meant for us.
pub(super) fn said(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap());
    said_by(lines)
}

fn said_by(lines: BufReader<ChildStdout>) -> impl Iterator<Item = String> {
    // The test harness may print on the same line before us.
    lines.lines().map_while(Result::ok).filter_map(|l| Some(l.split_once("> ")?.1.to_owned()))
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "> {text}").unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "started by other tests, as another process"]
fn task_of_another_process() {
    let folder = Folder::open(std::env::var_os(DIR).unwrap());
    match std::env::var(TASK).unwrap().as_str() {
        "lock" => {
            let _lock = folder.lock(&holder("apply"), Duration::ZERO).unwrap();
            say("locked");
            // Until we are killed, or told to go.
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        "states" => states(&folder),
        "journal" => journal(&folder),
        "everything" => super::modes::everything(&folder),
        "big" => super::modes::too_big(&folder),
        other => panic!("no such task: {other}"),
    }
}

/// Writes one state after the other, and says which is being written and which is durable.
fn states(folder: &Folder) {
    let many: Vec<String> = (0..300).map(|i| format!("n{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for serial in 1.. {
        folder.commit(&state(serial, &many), true).unwrap();
        say(&serial.to_string());
    }
}

/// Appends for ever, and says what is durable.
fn journal(folder: &Folder) {
    let journal = folder.journal().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        journal.append(&started("r1", 1)).await.unwrap();
        for step in 1.. {
            journal.append(&begin(step)).await.unwrap();
            say(&step.to_string());
        }
    });
}

#[test]
fn process_killed_while_it_writes_states_leaves_a_whole_one() {
    for round in 0..25 {
        let (dir, folder) = folder();
        let mut child = child("states", &folder.path(""), "");
        let mut said = said(&mut child);
        let first: u64 = said.next().unwrap().parse().unwrap();
        std::thread::sleep(Duration::from_micros(1_700 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let durable = said.last().map_or(first, |last| last.parse().unwrap());
        let state = folder.load().unwrap().state.unwrap();
        assert!(state.serial == durable || state.serial == durable + 1, "{}", state.serial);
        assert_eq!(state.records.len(), 300);
        drop(dir);
    }
}

#[test]
fn process_killed_while_it_journals_loses_nothing_that_was_durable() {
    for round in 0..15 {
        let (dir, folder) = folder();
        let mut child = child("journal", &folder.path(""), "");
        let mut said = said(&mut child);
        said.next().unwrap();
        std::thread::sleep(Duration::from_micros(1_300 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let durable: usize = said.last().map_or(1, |last| last.parse().unwrap());
        let begun = folder.load().unwrap().unfinished.unwrap().in_doubt().count();
        assert!(begun == durable || begun == durable + 1, "{begun} of {durable}");
        // And the journal goes on.
        append(&folder, &[done(1, "a")]).unwrap();
        drop(dir);
    }
}
