use super::samples::*;
use crate::Folder;
use runner::Journal as _;
use states::State;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

fn unfinished(folder: &Folder) -> Option<String> {
    folder.load().unwrap().unfinished.map(|run| run.run)
}

#[test]
fn what_was_journalled_is_in_the_state_before_the_state_is_written() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a"), begin(2)]).unwrap();
    let loaded = Folder::open(folder.path("")).load().unwrap();
    assert_eq!(names(loaded.state.as_ref()), ["a"]);
    assert_eq!(loaded.unfinished.unwrap().in_doubt().count(), 1);
    assert!(!folder.path("state.json").exists());
}

#[test]
fn journal_goes_on_where_another_process_left_it() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1)]).unwrap();
    let next = Folder::open(folder.path(""));
    append(&next, &[done(1, "a")]).unwrap();
    assert_eq!(names(next.load().unwrap().state.as_ref()), ["a"]);
}

#[test]
fn there_is_one_writer_however_often_it_is_asked_for() {
    let (_dir, folder) = folder();
    let first = folder.journal().unwrap();
    let second = folder.journal().unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
}

#[test]
fn entries_of_many_tasks_at_once_are_all_there_and_chained() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1)]).unwrap();
    let journal = folder.journal().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let tasks: Vec<_> = (1..=200)
            .map(|step| {
                let journal = journal.clone();
                tokio::spawn(async move { journal.append(&begin(step)).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
    assert_eq!(folder.load().unwrap().unfinished.unwrap().in_doubt().count(), 200);
}

#[test]
fn torn_end_is_reported_left_out_and_cut_off_before_the_next_entry() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a")]).unwrap();
    let path = folder.path("journal.jsonl");
    let whole = fs::read(&path).unwrap();
    for torn in [1, 40] {
        fs::write(&path, &whole[..whole.len() - torn]).unwrap();
        let again = Folder::open(folder.path(""));
        let loaded = again.load().unwrap();
        assert_eq!(only(&loaded.warnings).code.0, "E0506");
        assert_eq!(names(loaded.state.as_ref()), [] as [&str; 0]);
        append(&again, &[done(1, "b")]).unwrap();
        let loaded = again.load().unwrap();
        assert!(loaded.warnings.is_empty());
        assert_eq!(names(loaded.state.as_ref()), ["b"]);
    }
}

#[test]
fn journal_cut_anywhere_is_read_up_to_there_and_no_further() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1)]).unwrap();
    let path = folder.path("journal.jsonl");
    let whole = fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // A look at a torn journal takes its time; the reader itself is tried at every byte.
    for len in [0, 1, first - 1, first, first + 1, whole.len() - 1] {
        fs::write(&path, &whole[..len]).unwrap();
        let loaded = Folder::open(folder.path("")).load().unwrap();
        assert_eq!(loaded.unfinished.is_some(), len >= first, "{len}");
        assert_eq!(loaded.warnings.is_empty(), len == 0 || len == first, "{len}");
    }
}

#[test]
fn journal_that_was_changed_in_the_middle_is_refused_and_stays_as_it_is() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a")]).unwrap();
    let path = folder.path("journal.jsonl");
    let changed = fs::read_to_string(&path).unwrap().replacen("ada", "eve", 1);
    fs::write(&path, &changed).unwrap();
    let again = Folder::open(folder.path(""));
    let problems = again.load().unwrap_err();
    assert_eq!(only(&problems).code.0, "E0503");
    assert!(only(&problems).detail.contains("Line 1: It is damaged"), "{problems:?}");
    assert!(again.journal().is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), changed);
}

#[test]
fn finished_run_leaves_its_journal_under_its_name_and_no_plan() {
    let (_dir, folder) = folder();
    folder.keep("r1", &saved("p1")).unwrap();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a"), finished("r1")]).unwrap();
    assert_eq!(folder.kept("r1").unwrap(), saved("p1"));
    let state = folder.load().unwrap().state.unwrap();
    folder.commit(&state, true).unwrap();
    assert!(!folder.path("journal.jsonl").exists());
    assert!(folder.path("runs/r1.jsonl").exists());
    assert_eq!(only(&folder.kept("r1").unwrap_err()).code.0, "E0603");
    assert_eq!(names(folder.load().unwrap().state.as_ref()), ["a"]);
}

#[test]
fn stopped_run_keeps_its_journal_and_its_plan_for_a_resumption() {
    let (_dir, folder) = folder();
    folder.keep("r1", &saved("p1")).unwrap();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a")]).unwrap();
    let state = folder.load().unwrap().state.unwrap();
    folder.commit(&state, false).unwrap();
    let next = Folder::open(folder.path(""));
    assert_eq!(unfinished(&next).as_deref(), Some("r1"));
    assert_eq!(next.kept("r1").unwrap(), saved("p1"));
    append(&next, &[started("r1", 1), begin(2), done(2, "b"), finished("r1")]).unwrap();
    let loaded = next.load().unwrap();
    assert_eq!(
        (names(loaded.state.as_ref()), loaded.unfinished),
        (vec!["a".into(), "b".into()], None)
    );
}

#[test]
fn crash_after_the_state_was_written_and_before_the_journal_was_put_away_changes_nothing() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a"), finished("r1")]).unwrap();
    let state = folder.load().unwrap().state.unwrap();
    let journal = fs::read(folder.path("journal.jsonl")).unwrap();
    folder.commit(&state, true).unwrap();
    fs::write(folder.path("journal.jsonl"), journal).unwrap();
    let next = Folder::open(folder.path(""));
    assert_eq!(next.load().unwrap().state, Some(state));
    // The next run begins on an empty journal.
    append(&next, &[started("r2", 2)]).unwrap();
    let text = fs::read_to_string(next.path("journal.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert_eq!(names(next.load().unwrap().state.as_ref()), ["a"]);
}

#[test]
fn finished_run_whose_state_was_never_written_is_kept_by_the_next_one() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a"), finished("r1")]).unwrap();
    let next = Folder::open(folder.path(""));
    append(&next, &[started("r2", 2)]).unwrap();
    let loaded = next.load().unwrap();
    assert_eq!((names(loaded.state.as_ref()), loaded.state.unwrap().serial), (vec!["a".into()], 2));
}

#[test]
fn journal_from_before_an_edit_is_not_replayed_over_it() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1), begin(1), done(1, "a")]).unwrap();
    let loaded = folder.load().unwrap().state.unwrap();
    let edited = states::move_records(&loaded, &addr("a"), &addr("b")).unwrap();
    // As if the process had died before it put the journal away.
    folder.commit(&edited, false).unwrap();
    let next = Folder::open(folder.path(""));
    assert_eq!(names(next.load().unwrap().state.as_ref()), ["b"]);
    append(&next, &[started("r3", 3), begin(1), done(1, "c")]).unwrap();
    assert_eq!(names(next.load().unwrap().state.as_ref()), ["b", "c"]);
}

#[test]
fn lost_or_older_state_beside_a_journal_is_not_taken_for_a_new_one() {
    let (_dir, folder) = folder();
    folder.commit(&state(5, &["a"]), true).unwrap();
    append(&folder, &[started("r6", 6), begin(1), done(1, "b")]).unwrap();
    fs::remove_file(folder.path("state.json")).unwrap();
    let problems = Folder::open(folder.path("")).load().unwrap_err();
    let problem = only(&problems);
    assert_eq!(problem.code.0, "E0504");
    let why = "The journal continues a state of serial 5, and there is no state.";
    assert!(problem.detail.ends_with(why), "{}", problem.detail);
}

#[test]
fn two_writers_without_a_lock_are_noticed() {
    let (_dir, folder) = folder();
    append(&folder, &[started("r1", 1)]).unwrap();
    let (one, other) = (Folder::open(folder.path("")), Folder::open(folder.path("")));
    let (_first, _second) = (one.journal().unwrap(), other.journal().unwrap());
    append(&one, &[begin(1)]).unwrap();
    append(&other, &[begin(2)]).unwrap();
    assert_eq!(only(&folder.load().unwrap_err()).code.0, "E0503");
}

#[test]
fn journals_of_the_last_runs_only_are_kept() {
    let (_dir, folder) = folder();
    for serial in 1..=25 {
        let run = format!("r{serial:02}");
        append(&folder, &[started(&run, serial), finished(&run)]).unwrap();
        let state = folder.load().unwrap().state.unwrap();
        folder.commit(&state, true).unwrap();
    }
    assert_eq!(fs::read_dir(folder.path("runs")).unwrap().count(), 20);
    assert!(folder.path("runs/r25.jsonl").exists() && !folder.path("runs/r05.jsonl").exists());
}

#[test]
fn name_of_a_run_leads_nowhere_else() {
    let (dir, folder) = folder();
    folder.keep("../../evil", &saved("p")).unwrap();
    assert!(folder.path("runs/______evil.plan").exists());
    assert!(!dir.path().join("evil.plan").exists());
}

#[test]
fn reader_beside_a_busy_writer_never_sees_anything_but_whole_runs_in_order() {
    let (_dir, folder) = folder();
    let over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let (mut last, mut looks) = (0, 0);
            while !over.load(Ordering::SeqCst) || looks == 0 {
                let state = Folder::open(folder.path("")).load().unwrap().state;
                let serial = state.as_ref().map_or(0, |state: &State| state.serial);
                // Each run adds its own record at its beginning, and removes none.
                let records = state.map_or(0, |state| state.records.len() as u64);
                assert!(serial >= last, "{serial} after {last}");
                assert!(records == serial || records + 1 == serial, "{records} in {serial}");
                (last, looks) = (serial, looks + 1);
            }
            looks
        });
        let writer = Folder::open(folder.path(""));
        for serial in 1..=60 {
            let (run, name) = (format!("r{serial}"), format!("n{serial}"));
            append(&writer, &[started(&run, serial), begin(1), done(1, &name), finished(&run)])
                .unwrap();
            let state = writer.load().unwrap().state.unwrap();
            writer.commit(&state, true).unwrap();
        }
        over.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 0);
    });
}
