use super::samples::*;
use crate::{Folder, Loaded};
use diags::Diagnostics;
use states::State;
use std::fs;
use std::path::PathBuf;

fn written(state: &State) -> (tempfile::TempDir, Folder, PathBuf) {
    let (dir, folder) = folder();
    folder.commit(state, true).unwrap();
    let path = folder.path("state.json");
    (dir, folder, path)
}

#[test]
fn folder_that_is_not_there_is_a_new_one_and_reading_does_not_make_it() {
    let (dir, folder) = folder();
    let nothing =
        Loaded { state: None, unfinished: None, left: None, warnings: Diagnostics::new() };
    assert_eq!(folder.load(), Ok(nothing));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn state_comes_back_as_it_was_written() {
    let (_dir, folder, _) = written(&state(1, &["a"]));
    assert_eq!(folder.load().unwrap().state, Some(state(1, &["a"])));
}

#[test]
fn data_directory_hides_itself_from_git() {
    let (_dir, folder, _) = written(&state(1, &[]));
    let ignored = fs::read_to_string(folder.path(".gitignore")).unwrap();
    assert!(ignored.lines().any(|line| line == "*"), "{ignored}");
}

#[test]
fn state_cut_anywhere_is_refused_and_never_taken_for_empty() {
    let (_dir, folder, path) = written(&state(1, &["a", "b"]));
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let problems = folder.load().unwrap_err();
        let problem = only(&problems);
        assert_eq!(problem.code.0, "E0501", "cut to {len}");
        assert!(problem.detail.contains("state.json` cannot be used. It "), "{}", problem.detail);
    }
}

#[test]
fn state_with_any_bit_flipped_is_refused() {
    let (_dir, folder, path) = written(&state(1, &["a"]));
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        assert!(folder.load().is_err(), "bit {bit}");
    }
}

#[test]
fn refused_state_is_not_touched_by_anything_that_would_write() {
    let (_dir, folder, path) = written(&state(1, &["a"]));
    fs::write(&path, "").unwrap();
    assert!(folder.journal().is_err());
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn damaged_state_is_reported_with_the_backup_that_is_whole() {
    let (_dir, folder, path) = written(&state(1, &["a"]));
    folder.commit(&state(2, &["a", "b"]), true).unwrap();
    fs::write(&path, "").unwrap();
    let problems = folder.load().unwrap_err();
    let help = only(&problems).help.clone().unwrap();
    assert!(help.contains("state.json.backup` (serial 1, before the last run)"), "{help}");
    fs::write(folder.path("state.json.backup"), "nonsense").unwrap();
    let problems = folder.load().unwrap_err();
    let help = only(&problems).help.clone().unwrap();
    assert!(help.starts_with("There is no backup. Move `"), "{help}");
}

#[test]
fn newer_state_is_refused_with_the_version_that_is_needed_and_stays_as_it_is() {
    let (_dir, folder, path) = written(&state(1, &["a"]));
    let text = fs::read_to_string(&path).unwrap();
    let newer = text
        .replace("\"version\":1", "\"version\":2")
        .replace(&format!("\"clinch\":\"{}\"", schemas::VERSION), "\"clinch\":\"9.8.7\"");
    fs::write(&path, &newer).unwrap();
    let problems = folder.load().unwrap_err();
    let problem = only(&problems);
    assert_eq!(problem.code.0, "E0502");
    assert!(problem.detail.ends_with("Use clinch 9.8.7 or newer."), "{}", problem.detail);
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
}

#[test]
fn backup_is_what_was_there_before_the_first_change_of_a_run() {
    let (_dir, folder, _) = written(&state(1, &["a"]));
    let backup = || {
        let bytes = fs::read(folder.path("state.json.backup")).ok()?;
        Some(schemas::state::read(&bytes).unwrap().serial)
    };
    assert_eq!(backup(), None);
    folder.commit(&state(2, &["a", "b"]), false).unwrap();
    assert_eq!(backup(), Some(1));
    folder.commit(&state(2, &["a", "b", "c"]), true).unwrap();
    assert_eq!(backup(), Some(1));
    folder.commit(&state(3, &["a"]), true).unwrap();
    assert_eq!(backup(), Some(2));
}

#[test]
fn state_that_cannot_be_read_is_not_replaced() {
    let (_dir, folder, path) = written(&state(1, &["a"]));
    fs::write(&path, "a person may still need this").unwrap();
    let problems = folder.commit(&state(2, &["b"]), true).unwrap_err();
    assert_eq!(only(&problems).code.0, "E0501");
    assert_eq!(fs::read(&path).unwrap(), b"a person may still need this");
}

#[test]
fn state_that_could_not_be_read_back_is_not_written() {
    let (_dir, folder, _) = written(&state(1, &["a"]));
    let mut deep = state(2, &["a"]);
    let nested = (0..70).fold(values::Value::Null, |inner, _| values::Value::list([inner]));
    deep.outputs.insert("deep".to_owned(), nested);
    let problems = folder.commit(&deep, true).unwrap_err();
    assert_eq!(only(&problems).code.0, "E0509");
    assert_eq!(folder.load().unwrap().state, Some(state(1, &["a"])));
}

#[test]
fn older_state_or_one_of_another_lineage_does_not_replace_a_newer_one() {
    let (_dir, folder, _) = written(&state(5, &["a"]));
    let other = State { lineage: "other".to_owned(), ..state(9, &[]) };
    for late in [state(4, &["b"]), other] {
        let problems = folder.commit(&late, true).unwrap_err();
        assert_eq!(only(&problems).code.0, "E0508");
        assert_eq!(folder.load().unwrap().state, Some(state(5, &["a"])));
    }
}

#[test]
fn file_that_is_too_large_is_refused_without_being_read() {
    let (_dir, folder, path) = written(&state(1, &["a"]));
    // A hole: it takes no room on the disk, and would take much in memory.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    let problems = folder.load().unwrap_err();
    let detail = &only(&problems).detail;
    assert!(detail.ends_with("it is larger than 256 MiB."), "{detail}");
}

#[test]
fn what_is_not_a_regular_file_is_neither_read_nor_replaced() {
    let (_dir, folder, path) = written(&state(1, &["a"]));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let problems = folder.load().unwrap_err();
    assert_eq!(only(&problems).code.0, "E0505");
    assert!(folder.commit(&state(2, &[]), true).is_err());
}

#[cfg(unix)]
#[test]
fn link_in_place_of_a_file_or_the_folder_is_not_followed_when_writing() {
    let (dir, folder, path) = written(&state(1, &["a"]));
    let target = dir.path().join("somebody's");
    fs::write(&target, "precious").unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    assert!(folder.commit(&state(2, &[]), true).is_err());
    let journal = folder.path("journal.jsonl");
    std::os::unix::fs::symlink(&target, &journal).unwrap();
    assert!(folder.journal().is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");

    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let linked = dir.path().join("linked");
    std::os::unix::fs::symlink(&elsewhere, &linked).unwrap();
    for way in [linked.clone(), linked.join("")] {
        let problems = Folder::open(way).commit(&state(1, &[]), true).unwrap_err();
        assert!(only(&problems).detail.ends_with("it is not a directory."), "{problems:?}");
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn leftovers_of_a_crash_are_removed_by_the_next_holder_of_the_lock() {
    let (_dir, folder, _) = written(&state(1, &["a"]));
    let left = folder.path(".state.json.Xy12z");
    fs::write(&left, "half").unwrap();
    let lock = folder.lock(&holder("apply"), std::time::Duration::ZERO).unwrap();
    assert!(!left.exists());
    drop(lock);
    assert_eq!(folder.load().unwrap().state, Some(state(1, &["a"])));
}
