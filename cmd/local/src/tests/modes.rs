//! Who may read the files, and what a full disk leaves of them.

use super::child::child;
#[cfg(unix)]
use super::child::said;
use super::samples::*;
use crate::{Folder, write_plan};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Writes every kind of file. Done by another process with another umask.
pub(super) fn everything(folder: &Folder) {
    let lock = folder.lock(&holder("apply"), Duration::ZERO).unwrap();
    for serial in 1..40 {
        let run = format!("r{serial}");
        folder.keep(&run, &saved("p")).unwrap();
        append(folder, &[started(&run, serial), begin(1), done(1, "a"), finished(&run)]).unwrap();
        let state = folder.load().unwrap().state.unwrap();
        folder.commit(&state, serial < 39).unwrap();
    }
    write_plan(&folder.path("tfplan"), &saved("p")).unwrap();
    // The lock file and the name of its holder stay, as after a crash.
    std::mem::forget(lock);
}

#[cfg(unix)]
fn modes(dir: &Path, each: &mut impl FnMut(&Path, u32)) {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        // Gone in the meantime is fine.
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        each(&path, meta.permissions().mode() & 0o777);
        if meta.is_dir() {
            modes(&path, each);
        }
    }
}

#[cfg(unix)]
#[test]
fn files_are_private_at_every_moment_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let (dir, folder) = folder();
        let mut child = child("everything", &folder.path(""), &format!("umask {umask};"));
        let mut seen = std::collections::BTreeSet::new();
        let check = &mut |path: &Path, mode: u32| {
            let private = if path.is_dir() { 0o700 } else { 0o600 };
            assert!(mode == private || !path.exists(), "{}: {mode:o}", path.display());
            seen.insert(path.file_name().unwrap().to_string_lossy().into_owned());
        };
        loop {
            modes(dir.path(), check);
            if child.try_wait().unwrap().is_some() {
                break;
            }
        }
        modes(dir.path(), check);
        assert!(child.wait().unwrap().success());
        for name in [
            ".clinch",
            ".gitignore",
            "state.json",
            "state.json.backup",
            "journal.jsonl",
            "lock",
            "lock.json",
            "runs",
            "r39.plan",
            "r38.jsonl",
            "tfplan",
        ] {
            assert!(seen.contains(name), "{name} is not among {seen:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn directory_that_others_could_enter_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, folder) = folder();
    fs::create_dir(folder.path("")).unwrap();
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    folder.commit(&state(1, &[]), true).unwrap();
    let mode = fs::metadata(folder.path("")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
}

/// Tries to write what is larger than the limit that this process was given, and says what came
/// of it. Done by another process.
pub(super) fn too_big(folder: &Folder) {
    use std::io::Write as _;
    let many: Vec<String> = (0..500).map(|i| format!("n{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut out = std::io::stdout();
    let state = folder.commit(&state(2, &many), true).unwrap_err();
    writeln!(out, "> {} {}", only(&state).code, only(&state).detail).unwrap();
    let entries: Vec<_> = std::iter::once(started("r2", 2)).chain((1..500).map(begin)).collect();
    writeln!(out, "> {}", append(folder, &entries).unwrap_err()).unwrap();
    // After a failure there is no second try on an end that is not known.
    writeln!(out, "> {}", append(folder, &[begin(7)]).unwrap_err()).unwrap();
    out.flush().unwrap();
}

#[cfg(unix)]
#[test]
fn write_that_the_disk_cuts_short_leaves_the_old_state_and_a_journal_that_can_be_read() {
    // Files of this process may have so many blocks; the signal is ignored, so that the write
    // itself fails, in the middle, as on a full disk.
    for blocks in [1, 2, 3, 5, 8, 13] {
        let (_dir, folder) = folder();
        folder.commit(&state(1, &["a"]), true).unwrap();
        let limit = format!("trap '' XFSZ; ulimit -f {blocks};");
        let mut child = child("big", &folder.path(""), &limit);
        let said: Vec<String> = said(&mut child).collect();
        assert!(child.wait().unwrap().success(), "{said:?}");
        assert!(said[0].starts_with("E0505 ") && said[0].contains("File too large"), "{said:?}");
        assert!(said[1].contains("File too large") && said[2].contains("File too large"));

        let loaded = folder.load().unwrap();
        let state = loaded.state.unwrap();
        assert_eq!(names(Some(&state)), ["a"]);
        let left: Vec<_> = fs::read_dir(folder.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with(".state"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        // And with room again the run goes on.
        append(&folder, &[begin(501)]).unwrap();
        assert!(folder.load().unwrap().warnings.is_empty());
    }
}
