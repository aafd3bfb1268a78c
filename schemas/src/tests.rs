//! What holds for every stored format.

use crate::samples::{CANARY, plan, secret, state};
use crate::{ReadError, envelope, journal, state as state_format};
use plans::{Ended, StepId, Timestamp};
use states::{JournalEntry, RecordChange, RunStarted};
use std::collections::BTreeMap;

/// Every way to lose the end of a file, and every way to lose one bit of it.
fn harmed(whole: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    let cut = (0..whole.len()).map(|len| (format!("cut to {len}"), whole[..len].to_vec()));
    let flipped = (0..whole.len() * 8).map(|bit| {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {bit} flipped"), bytes)
    });
    cut.chain(flipped)
}

#[test]
fn state_that_lost_its_end_or_one_bit_is_refused() {
    let whole = state_format::write(&state()).unwrap();
    for (harm, bytes) in harmed(whole.as_bytes()) {
        assert!(state_format::read(&bytes).is_err(), "{harm}");
    }
    state_format::read(whole.as_bytes()).unwrap();
}

#[test]
fn plan_that_lost_its_end_or_one_bit_is_refused() {
    let whole = crate::plan::write(&plan()).unwrap();
    for (harm, bytes) in harmed(whole.as_bytes()) {
        assert!(crate::plan::read(&bytes).is_err(), "{harm}");
    }
    crate::plan::read(whole.as_bytes()).unwrap();
}

#[test]
fn anything_that_is_added_to_a_file_is_noticed() {
    let whole = state_format::write(&state()).unwrap();
    for at in 0..=whole.len() {
        for byte in [b' ', b'\n', 0, b'1', b'}'] {
            let mut bytes = whole.clone().into_bytes();
            bytes.insert(at, byte);
            assert!(state_format::read(&bytes).is_err(), "{byte} at {at}");
        }
    }
}

#[test]
fn empty_file_is_no_state_and_says_so() {
    assert_eq!(state_format::read(b""), Err(ReadError::Empty));
    assert_eq!(crate::plan::read(b"").unwrap_err().to_string(), "It is empty.");
}

#[test]
fn file_of_zeros_is_no_state() {
    let why = state_format::read(&[0; 4096]).unwrap_err();
    assert_eq!(
        why.to_string(),
        "It is not complete and valid JSON: expected value (line 1, column 1)."
    );
}

#[test]
fn file_of_another_kind_is_called_by_its_name() {
    let plan = crate::plan::write(&plan()).unwrap();
    let why = state_format::read(plan.as_bytes()).unwrap_err();
    assert_eq!(why.to_string(), "It is a plan, and a state is needed.");
    let why = state_format::read(br#"{"version":4,"terraform_version":"1.5.0"}"#).unwrap_err();
    assert_eq!(why.to_string(), "It is JSON of another kind, and a state is needed.");
    let why = state_format::read(b"[1]").unwrap_err();
    assert_eq!(why.to_string(), "It is JSON of another kind, and a state is needed.");
}

/// A file as another clinch would write it, whole and with the right digest.
fn written_by(clinch: &str, version: u64, body: &str) -> String {
    let head = format!(r#"{{"format":"clinch-state","version":{version},"clinch":"{clinch}""#);
    let digest = envelope::digest(&[&head, ",\"body\":", body, "}\n"]);
    format!("{head},\"digest\":\"{digest}\",\"body\":{body}}}\n")
}

#[test]
fn newer_state_is_refused_with_the_version_that_is_needed() {
    let text = written_by("0.9.0", 2, "{}");
    let why = state_format::read(text.as_bytes()).unwrap_err();
    assert_eq!(
        why.to_string(),
        format!(
            "It was written by clinch 0.9.0 in version 2 of its format; this is clinch {}, which \
             reads version 1. Use clinch 0.9.0 or newer.",
            crate::VERSION
        )
    );
    assert_eq!(
        state_format::read(written_by("0.1.0", 0, "{}").as_bytes()),
        Err(ReadError::NoVersion(0))
    );
}

#[test]
fn name_of_a_newer_version_cannot_smuggle_anything_into_the_message() {
    let text = written_by("\\u001b[31mrm -rf", 2, "{}");
    let why = state_format::read(text.as_bytes()).unwrap_err().to_string();
    assert!(why.contains("of an unreadable version") && !why.contains('\u{1b}'), "{why}");
}

#[test]
fn whole_file_with_senseless_content_is_refused() {
    #[track_caller]
    fn check(body: &str, why: &str) {
        let text = written_by("0.1.0", 1, body);
        let refused = state_format::read(text.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let state = |serial: &str, records: &str, more: &str| {
        format!(
            r#"{{"lineage":"l","serial":{serial},"project":"p","cluster_uid":null,
            "records":{{{records}}},"outputs":{{}},"used_plans":[]{more}}}"#
        )
    };
    check(&state("1", "", ",\"more\":1"), "unknown field `more`");
    check(&state("-1", "", ""), "invalid value: integer `-1`");
    check(&state("1.0", "", ""), "invalid type: floating point `1.0`");
    check(&state("1", "\"a b\":1", ""), "`a b` is not an address of a resource");
    check(&state("1", "\"a.b\":1,\"a.b\":1", ""), "a key stands twice in one object");
    check(&state("NaN", "", ""), "not complete and valid JSON: expected value");
    check("{}", "missing field `lineage`");
    check(&format!("{}1{}", "[".repeat(64), "]".repeat(64)), "nested more than 64 levels deep");
    check(&format!("{}1{}", "[".repeat(1000), "]".repeat(1000)), "nested more than 64 levels");
}

#[test]
fn state_comes_back_as_it_was_but_for_its_secrets() {
    let read = state_format::read(state_format::write(&state()).unwrap().as_bytes()).unwrap();
    let mut expected = state();
    let unknown = values::Value::Unknown(values::Type::Any).into_sensitive();
    expected.outputs.insert("token".to_owned(), unknown);
    assert_eq!(read, expected);
}

fn journal() -> Vec<JournalEntry> {
    vec![
        JournalEntry::RunStarted(RunStarted {
            run: "r1".to_owned(),
            plan_id: "p1".to_owned(),
            at: Timestamp(1_700_000_000),
            steps: 2,
            lineage: "line".to_owned(),
            serial: 1,
            project: "shop".to_owned(),
            cluster_uid: "uid".to_owned(),
            by: "ada@desk".to_owned(),
            forced: vec!["-lock=false".to_owned()],
        }),
        JournalEntry::Records {
            changes: vec![RecordChange::Keep, RecordChange::Forget(crate::samples::addr("a.b"))],
        },
        JournalEntry::Begin { step: StepId(1) },
        JournalEntry::End {
            step: StepId(1),
            ended: Ended::Failed("no\nway".to_owned()),
            change: RecordChange::Set(
                crate::samples::addr("a.b"),
                Box::new(crate::samples::record("x")),
            ),
        },
        JournalEntry::RunFinished {
            run: "r1".to_owned(),
            at: Timestamp(1_700_000_001),
            outputs: BTreeMap::from([("token".to_owned(), secret())]),
        },
    ]
}

fn lines() -> Vec<String> {
    let mut chain = journal::Chain::default();
    journal().iter().map(|entry| chain.line(entry).unwrap()).collect()
}

#[test]
fn journal_comes_back_as_it_was_but_for_its_secrets() {
    let mut expected = journal();
    if let Some(JournalEntry::RunFinished { outputs, .. }) = expected.last_mut() {
        let unknown = values::Value::Unknown(values::Type::Any).into_sensitive();
        outputs.insert("token".to_owned(), unknown);
    }
    let text = lines().concat();
    assert!(!text.contains(CANARY));
    let read = journal::read(text.as_bytes()).unwrap();
    assert_eq!((read.entries, read.torn, read.whole), (expected, 0, text.len()));
}

#[test]
fn journal_cut_anywhere_keeps_every_whole_line() {
    let text = lines().concat();
    for len in 0..text.len() {
        let read = journal::read(&text.as_bytes()[..len]).unwrap();
        let whole = text[..len].matches('\n').count();
        assert_eq!((read.entries.len(), read.torn), (whole, len - read.whole), "cut to {len}");
    }
}

#[test]
fn journal_goes_on_behind_its_torn_end() {
    let lines = lines();
    let torn = format!("{}{}", lines[0], &lines[1][..20]);
    let mut read = journal::read(torn.as_bytes()).unwrap();
    let mut text = torn[..read.whole].to_owned();
    text += &read.chain.line(&JournalEntry::Begin { step: StepId(7) }).unwrap();
    assert_eq!(journal::read(text.as_bytes()).unwrap().entries.len(), 2);
}

#[test]
fn journal_that_grew_before_its_content_arrived_is_torn_there() {
    let lines = lines();
    for zeros in [1, 100, 5000] {
        let bytes = [lines[0].as_bytes(), &vec![0; zeros]].concat();
        let read = journal::read(&bytes).unwrap();
        assert_eq!((read.entries.len(), read.torn), (1, zeros));
        let bytes = [lines[0].as_bytes(), &lines[1].as_bytes()[..9], &vec![0; zeros]].concat();
        assert_eq!(journal::read(&bytes).unwrap().torn, 9 + zeros);
    }
}

#[test]
fn journal_with_one_bit_flipped_never_tells_another_story() {
    let text = lines().concat();
    let honest = journal::read(text.as_bytes()).unwrap().entries;
    let last = text.len() - lines().last().unwrap().len();
    for bit in 0..text.len() * 8 {
        let mut bytes = text.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match journal::read(&bytes) {
            Err(_) => {}
            // Only the last line may be taken for one that a crash tore.
            Ok(read) => {
                assert!(read.torn > 0 && bit / 8 >= last, "bit {bit}");
                assert_eq!(read.entries, honest[..honest.len() - 1], "bit {bit}");
            }
        }
    }
}

#[test]
fn line_that_is_missing_or_exchanged_breaks_the_chain() {
    let lines = lines();
    let without = [&*lines[0], &*lines[2], &*lines[3]].concat();
    let why = journal::read(without.as_bytes()).unwrap_err();
    assert_eq!(why.to_string(), "Line 2: It is damaged: its content does not match its digest.");
    let exchanged = [&*lines[0], &*lines[2], &*lines[1]].concat();
    assert_eq!(journal::read(exchanged.as_bytes()).unwrap_err().line, 2);
    let twice = [&*lines[0], &*lines[1], &*lines[1]].concat();
    assert_eq!(journal::read(twice.as_bytes()).unwrap_err().line, 3);
    assert_eq!(journal::read(lines[1].as_bytes()).unwrap_err().line, 1);
}

#[test]
fn line_of_a_newer_version_names_that_version() {
    let own = format!(r#"{{"v":2,"clinch":"{}","entry":1,"digest":"sha256:00"}}"#, crate::VERSION);
    let why = journal::read(format!("{own}\n").as_bytes()).unwrap_err();
    assert_eq!(why.why, ReadError::Digest);
    let line = r#"{"v":2,"clinch":"0.9.0","entry":{"later":{}},"digest":"sha256:00"}"#;
    let why = journal::read(format!("{line}\n").as_bytes()).unwrap_err();
    assert!(why.to_string().ends_with("Use clinch 0.9.0 or newer."), "{why}");
}

#[test]
fn what_is_too_deep_to_be_read_back_is_not_written() {
    let mut state = state();
    let deep = (0..70).fold(values::Value::Null, |inner, _| values::Value::list([inner]));
    state.outputs.insert("deep".to_owned(), deep);
    let why = state_format::write(&state).unwrap_err().to_string();
    assert!(why.contains("nested more than 64 levels deep"), "{why}");
}

#[test]
fn features_of_the_json_library_that_would_change_formats_are_off() {
    // Another crate could switch them on for the whole program.
    let sorted = serde_json::json!({ "b": 1, "a": 2 }).to_string();
    assert_eq!(sorted, r#"{"a":2,"b":1}"#, "preserve_order is on");
    let huge = serde_json::from_str::<serde_json::Value>("1e999");
    assert!(huge.is_err(), "arbitrary_precision is on");
}

/// Files as the first clinch wrote them. They are never written again: whoever changes a format
/// so that they cannot be read takes away somebody's state.
#[test]
fn files_of_version_1_are_still_read() {
    let golden = include_str!("golden/state.v1.json");
    let unknown = values::Value::Unknown(values::Type::Any).into_sensitive();
    let mut expected = state();
    expected.outputs.insert("token".to_owned(), unknown.clone());
    assert_eq!(state_format::read(golden.as_bytes()), Ok(expected));

    let golden = include_str!("golden/plan.v1.json");
    let mut expected = plan();
    // What the first one put around edits had no end of its own, and no forecast.
    expected.plan.brackets[0].closing.clear();
    expected.plan.brackets[0].forecast.clear();
    // It had no rollouts either.
    expected.plan.rollouts.clear();
    expected.plan.turns.clear();
    assert_eq!(crate::plan::read(golden.as_bytes()), Ok(expected));

    let golden = include_str!("golden/journal.v1.jsonl");
    let mut expected = journal();
    if let Some(JournalEntry::RunFinished { outputs, .. }) = expected.last_mut() {
        outputs.insert("token".to_owned(), unknown);
    }
    assert_eq!(journal::read(golden.as_bytes()).unwrap().entries, expected);
}

#[test]
fn stored_formats_do_not_change_unnoticed() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("json");
    let stored = ["journal.v1.schema.json", "plan.v1.schema.json", "state.v1.schema.json"];
    for (name, expected) in crate::json_schemas() {
        if !stored.contains(&name) {
            continue;
        }
        let path = dir.join(name);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(&path, &expected).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(committed, expected, "set UPDATE_EXPECT=1 to write {name}");
    }
}
