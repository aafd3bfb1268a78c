use super::samples::*;
use crate::{read_plan, write_plan};
use std::fs;
use tempfile::TempDir;

fn written() -> (TempDir, std::path::PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("tfplan");
    write_plan(&path, &saved("p1")).unwrap();
    (dir, path)
}

#[test]
fn plan_file_comes_back_as_it_was_written_and_may_be_written_again() {
    let (_dir, path) = written();
    assert_eq!(read_plan(&path), Ok(saved("p1")));
    write_plan(&path, &saved("p2")).unwrap();
    assert_eq!(read_plan(&path), Ok(saved("p2")));
}

#[test]
fn plan_file_cut_anywhere_or_with_any_bit_flipped_is_refused() {
    let (_dir, path) = written();
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(only(&read_plan(&path).unwrap_err()).code.0, "E0601", "cut to {len}");
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        assert!(read_plan(&path).is_err(), "bit {bit}");
    }
}

#[test]
fn file_that_is_missing_or_something_else_is_no_plan() {
    #[track_caller]
    fn check(path: &std::path::Path, code: &str, end: &str) {
        let problems = read_plan(path).unwrap_err();
        let problem = only(&problems);
        assert_eq!(problem.code.0, code);
        assert!(problem.detail.ends_with(end), "{}", problem.detail);
    }
    let (dir, _) = written();
    check(&dir.path().join("nothing"), "E0603", "cannot be read: there is no such file.");
    check(dir.path(), "E0603", "cannot be read: it is not a regular file.");
    let state = dir.path().join("state.json");
    fs::write(&state, schemas::state::write(&super::samples::state(1, &[])).unwrap()).unwrap();
    check(&state, "E0601", "It is a state, and a plan is needed.");
    fs::write(&state, "resource \"x\" \"y\" {}\n").unwrap();
    check(&state, "E0601", "JSON: expected value (line 1, column 1).");
}

#[test]
fn plan_is_not_written_over_a_directory_or_into_a_missing_one() {
    let (dir, _) = written();
    let problems = write_plan(dir.path(), &saved("p")).unwrap_err();
    assert!(only(&problems).detail.ends_with("it is not a regular file."), "{problems:?}");
    let problems = write_plan(&dir.path().join("no/where"), &saved("p")).unwrap_err();
    let (file, folder) = (dir.path().join("no/where"), dir.path().join("no"));
    let want = format!(
        "`{}` cannot be written: there is no directory `{}`.",
        file.display(),
        folder.display()
    );
    assert_eq!(only(&problems).detail, want, "no word of a file that nobody asked for");
}

#[cfg(unix)]
#[test]
fn plan_is_not_written_through_a_link_nor_over_a_pipe() {
    let (dir, _) = written();
    let (target, link) = (dir.path().join("precious"), dir.path().join("link"));
    fs::write(&target, "precious").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(write_plan(&link, &saved("p")).is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert!(write_plan(&pipe, &saved("p")).is_err());
    // And it is not waited for.
    assert!(read_plan(&pipe).is_err());
}

#[test]
fn plan_file_of_a_newer_version_is_refused_as_such() {
    let (_dir, path) = written();
    let whole = fs::read_to_string(&path).unwrap();
    let other = whole.replacen("\"version\":1", "\"version\":7", 1);
    let own = format!("\"clinch\":\"{}\"", schemas::VERSION);
    fs::write(&path, other.replacen(&own, "\"clinch\":\"9.8.7\"", 1)).unwrap();
    assert_eq!(only(&read_plan(&path).unwrap_err()).code.0, "E0602");
    // Of this very version it cannot be: it is damaged.
    fs::write(&path, other).unwrap();
    assert_eq!(only(&read_plan(&path).unwrap_err()).code.0, "E0601");
}
