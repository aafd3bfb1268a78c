use super::child::{child, said};
use super::samples::*;
use crate::{Folder, Lock};
use std::fs;
use std::io::Write as _;
use std::time::{Duration, Instant};

const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn lock_held_by_a_living_process_is_refused_and_names_it() {
    let (_dir, folder) = folder();
    let mut child = child("lock", &folder.path(""), "");
    let mut said = said(&mut child);
    assert_eq!(said.next().as_deref(), Some("locked"));
    let problems = folder.lock(&holder("plan"), AT_ONCE).unwrap_err();
    let problem = only(&problems);
    assert_eq!(problem.code.0, "E0520");
    let who = format!(
        "is in use by `clinch apply` of ada@desk (process {}, since 2023-11-14 22:13:20 UTC).",
        child.id()
    );
    assert!(problem.detail.ends_with(&who), "{}", problem.detail);
    assert!(folder.holder().unwrap().contains("ada@desk"));
    // It is still held after we asked.
    assert!(folder.lock(&holder("plan"), AT_ONCE).is_err());

    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    child.wait().unwrap();
    assert_eq!(folder.holder(), None);
    folder.lock(&holder("plan"), AT_ONCE).unwrap();
}

#[test]
fn lock_of_a_killed_process_is_free_and_its_name_means_nothing() {
    let (_dir, folder) = folder();
    let mut child = child("lock", &folder.path(""), "");
    let mut said = said(&mut child);
    assert_eq!(said.next().as_deref(), Some("locked"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(folder.path("lock.json").exists());
    assert_eq!(folder.holder(), None);
    let lock = folder.lock(&holder("plan"), AT_ONCE).unwrap();
    let written = fs::read_to_string(folder.path("lock.json")).unwrap();
    assert!(written.contains("\"plan\""), "{written}");
    drop(lock);
    assert!(!folder.path("lock.json").exists());
}

#[test]
fn lock_is_waited_for_as_long_as_was_asked() {
    let (_dir, folder) = folder();
    let lock = folder.lock(&holder("apply"), AT_ONCE).unwrap();
    let began = Instant::now();
    let problems = folder.lock(&holder("plan"), Duration::from_secs(1)).unwrap_err();
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert!(only(&problems).detail.ends_with("It was not released within 1 s."), "{problems:?}");
    std::thread::scope(|threads| {
        threads.spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            drop(lock);
        });
        folder.lock(&holder("plan"), Duration::from_mins(1)).unwrap();
    });
}

#[test]
fn name_that_cannot_be_read_is_no_error() {
    let (_dir, folder) = folder();
    let lock = folder.lock(&holder("apply"), AT_ONCE).unwrap();
    for name in ["", "{", "[]", "{\"pid\":\"\\u001b[31m\"}"] {
        fs::write(folder.path("lock.json"), name).unwrap();
        let problems = folder.lock(&holder("plan"), AT_ONCE).unwrap_err();
        let detail = &only(&problems).detail;
        assert!(detail.ends_with("is in use by another process."), "{detail}");
    }
    drop(lock);
    fs::write(folder.path("lock.json"), "rubbish of another time").unwrap();
    folder.lock(&holder("plan"), AT_ONCE).unwrap();
}

#[test]
fn name_of_a_holder_cannot_write_on_the_terminal() {
    let (_dir, folder) = folder();
    let evil = crate::Holder { user: "eve\u{1b}[2J\n".to_owned(), ..holder("apply") };
    let _lock = folder.lock(&evil, AT_ONCE).unwrap();
    let problems = folder.lock(&holder("plan"), AT_ONCE).unwrap_err();
    let detail = &only(&problems).detail;
    assert!(detail.contains("of eve[2J@desk") && !detail.contains('\u{1b}'), "{detail:?}");
}

#[test]
fn reading_needs_no_lock() {
    let (_dir, folder) = folder();
    folder.commit(&state(1, &["a"]), true).unwrap();
    let _lock = folder.lock(&holder("apply"), AT_ONCE).unwrap();
    let reader = Folder::open(folder.path(""));
    assert_eq!(reader.load().unwrap().state, Some(state(1, &["a"])));
}

#[test]
fn no_lock_at_all_hinders_nobody() {
    let (_dir, folder) = folder();
    let _none = Lock::none();
    folder.lock(&holder("plan"), AT_ONCE).unwrap();
}
