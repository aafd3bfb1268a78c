use super::*;
use addrs::InstanceAddr;
use plans::{Ended, Identity, ObjectKey, StepId, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;
use values::Value;

fn addr(text: &str) -> InstanceAddr {
    text.parse().unwrap()
}

fn record(digest: &str) -> Recorded {
    Recorded {
        identity: Identity {
            key: ObjectKey(format!("v1/ConfigMap/{digest}").into()),
            args: Value::map([("name", Value::string(digest))]),
            shown: format!("ConfigMap {digest}"),
        },
        uid: None,
        digest: digest.to_owned(),
        needs: Vec::new(),
        protected: false,
    }
}

fn set(address: &str, digest: &str) -> RecordChange {
    RecordChange::Set(addr(address), Box::new(record(digest)))
}

fn started(run: &str, plan: &str, serial: u64) -> JournalEntry {
    JournalEntry::RunStarted(RunStarted {
        run: run.to_owned(),
        plan_id: plan.to_owned(),
        at: Timestamp(0),
        steps: 9,
        lineage: "line".to_owned(),
        serial,
        project: "shop".to_owned(),
        cluster_uid: "uid".to_owned(),
        by: "ada@desk".to_owned(),
        forced: Vec::new(),
    })
}

fn begin(step: u32) -> JournalEntry {
    JournalEntry::Begin { step: StepId(step) }
}

fn end(step: u32, ended: Ended, change: RecordChange) -> JournalEntry {
    JournalEntry::End { step: StepId(step), ended, change }
}

fn finished(run: &str) -> JournalEntry {
    let outputs = BTreeMap::from([("by".to_owned(), Value::string(run))]);
    JournalEntry::RunFinished { run: run.to_owned(), at: Timestamp(1), outputs }
}

fn new_state() -> State {
    State::new("", "")
}

fn applied(records: &[(&str, &str)]) -> State {
    let records = records.iter().map(|(a, d)| (addr(a), record(d))).collect();
    State { serial: 1, records, ..State::new("line", "shop") }
}

fn names(state: &State) -> Vec<String> {
    state.records.iter().map(|(addr, r)| format!("{addr}={}", r.digest)).collect()
}

#[test]
fn first_run_gives_a_new_state_its_lineage_and_its_cluster() {
    let entries = [started("r1", "p1", 1), begin(1), end(1, Ended::Done, set("a.b", "x"))];
    let Replayed { state, unfinished } = replay(new_state(), &entries);
    assert_eq!((state.lineage.as_str(), state.serial), ("line", 1));
    assert_eq!(state.cluster_uid.as_deref(), Some("uid"));
    assert_eq!(names(&state), ["a.b=x"]);
    assert!(state.has_used("p1"));
    assert_eq!(unfinished.map(|run| run.run).as_deref(), Some("r1"));
}

#[test]
fn step_that_was_begun_and_not_seen_to_end_is_in_doubt() {
    let entries = [
        started("r1", "p1", 1),
        begin(1),
        begin(2),
        begin(3),
        end(3, Ended::Failed("no".to_owned()), RecordChange::Keep),
        end(1, Ended::Done, set("a.b", "x")),
    ];
    let run = replay(new_state(), &entries).unfinished.unwrap();
    assert_eq!(run.done().collect::<Vec<_>>(), [StepId(1)]);
    assert_eq!(run.in_doubt().collect::<Vec<_>>(), [StepId(2)]);
    assert_eq!(run.failed().collect::<Vec<_>>(), [StepId(3)]);
}

#[test]
fn doubt_that_was_settled_as_not_done_is_no_doubt_any_more() {
    let settled = end(1, Ended::NotStarted, RecordChange::Keep);
    let run = replay(new_state(), &[started("r1", "p1", 1), begin(1), settled]).unfinished;
    assert_eq!(run.unwrap().in_doubt().count(), 0);
}

#[test]
fn finished_run_leaves_nothing_to_resume_and_its_outputs() {
    let replayed = replay(new_state(), &[started("r1", "p1", 1), begin(1), finished("r1")]);
    assert_eq!(replayed.unfinished, None);
    assert_eq!(replayed.state.outputs["by"], Value::string("r1"));
}

#[test]
fn resumption_remembers_what_the_run_before_it_did() {
    let entries = [
        started("r1", "p1", 1),
        begin(1),
        end(1, Ended::Done, set("a.b", "x")),
        begin(2),
        started("r2", "p1", 2),
    ];
    let run = replay(new_state(), &entries).unfinished.unwrap();
    assert_eq!(run.run, "r2");
    assert_eq!(run.done().collect::<Vec<_>>(), [StepId(1)]);
    assert_eq!(run.in_doubt().collect::<Vec<_>>(), [StepId(2)]);
}

#[test]
fn run_of_another_plan_supersedes_the_unfinished_one() {
    let entries = [started("r1", "p1", 1), begin(1), started("r2", "p2", 2)];
    let run = replay(new_state(), &entries).unfinished.unwrap();
    assert_eq!((run.run.as_str(), run.ended.len()), ("r2", 0));
}

#[test]
fn only_the_latest_plans_are_remembered_as_used() {
    let entries: Vec<_> = (1..=150).map(|i| started("r", &format!("p{i}"), i)).collect();
    let state = replay(new_state(), &entries).state;
    assert_eq!(state.used_plans.len(), MAX_USED_PLANS);
    assert!(state.has_used("p150") && state.has_used("p51") && !state.has_used("p50"));
}

#[test]
fn journal_of_another_state_is_not_replayed() {
    let other = State { lineage: "other".to_owned(), ..applied(&[]) };
    let why = follows(&other, &[started("r2", "p2", 2)]).unwrap_err();
    assert_eq!(why.to_string(), "The journal belongs to lineage line, and the state is other.");
}

#[test]
fn journal_that_continues_a_later_state_shows_that_the_state_is_lost_or_old() {
    let entries = [started("r7", "p7", 7)];
    assert_eq!(
        follows(&new_state(), &entries).unwrap_err().to_string(),
        "The journal continues a state of serial 6, and there is no state."
    );
    assert_eq!(
        follows(&applied(&[]), &entries).unwrap_err(),
        Mismatch::Gap { state: 1, journal: 7 }
    );
    assert_eq!(follows(&State { serial: 6, ..applied(&[]) }, &entries), Ok(Follows::Continues));
}

#[test]
fn journal_from_before_an_edit_of_the_state_is_not_replayed_over_it() {
    let entries = [started("r1", "p1", 1), finished("r1")];
    let written = State { serial: 1, ..applied(&[]) };
    assert_eq!(follows(&written, &entries), Ok(Follows::Continues));
    let edited = State { serial: 2, ..applied(&[]) };
    assert_eq!(follows(&edited, &entries), Ok(Follows::Superseded));
}

#[test]
fn journal_without_the_start_of_a_run_is_no_journal() {
    assert_eq!(follows(&applied(&[]), &[begin(1)]), Err(Mismatch::NoStart));
    assert_eq!(follows(&applied(&[]), &[]), Ok(Follows::Continues));
}

#[test]
fn moved_record_keeps_its_object_and_whoever_needs_it_follows() {
    let mut state = applied(&[("ns.a", "ns"), ("cm.b", "cm")]);
    state.records.get_mut(&addr("cm.b")).unwrap().needs = vec![addr("ns.a")];
    let after = move_records(&state, &addr("ns.a"), &addr("module.m.ns.c")).unwrap();
    assert_eq!(names(&after), ["cm.b=cm", "module.m.ns.c=ns"]);
    assert_eq!(after.records[&addr("cm.b")].needs, [addr("module.m.ns.c")]);
    assert_eq!(after.serial, 2);
}

#[test]
fn resource_without_a_key_means_all_its_instances() {
    let state = applied(&[("cm.a[\"x\"]", "x"), ("cm.a[\"y\"]", "y"), ("cm.ab", "z")]);
    let after = move_records(&state, &addr("cm.a"), &addr("module.m.cm.c")).unwrap();
    assert_eq!(names(&after), ["cm.ab=z", "module.m.cm.c[\"x\"]=x", "module.m.cm.c[\"y\"]=y"]);
    let after = remove_records(&state, &addr("cm.a")).unwrap();
    assert_eq!(names(&after), ["cm.ab=z"]);
}

#[test]
fn one_instance_may_become_a_resource_without_keys() {
    let state = applied(&[("cm.a[0]", "x")]);
    let after = move_records(&state, &addr("cm.a[0]"), &addr("cm.a")).unwrap();
    assert_eq!(names(&after), ["cm.a=x"]);
}

#[test]
fn record_is_not_moved_onto_another_one_nor_to_another_type() {
    #[track_caller]
    fn refused(from: &str, to: &str, code: &str, detail: &str) {
        let state = applied(&[("cm.a", "x"), ("cm.b", "y"), ("cm.c[0]", "z")]);
        let problems = move_records(&state, &addr(from), &addr(to)).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!((problem.code.0, problem.detail.as_str()), (code, detail));
    }
    refused("cm.a", "cm.b", "E0511", "The state remembers another object as `cm.b`.");
    refused("cm.c", "cm.d[1]", "E0511", "`cm.c` has several instances, and `cm.d[1]` is one.");
    let detail = "`cm.a` cannot become `ns.a`: the object would be of another type.";
    refused("cm.a", "ns.a", "E0512", detail);
    refused("cm.x", "cm.y", "E0510", "The state remembers no `cm.x`.");
    let detail = "`data.cm.a` is a data source. The state remembers resources only.";
    refused("data.cm.a", "cm.y", "E0513", detail);
}

#[test]
fn address_that_is_not_remembered_is_answered_with_the_nearest_one() {
    let problems = remove_records(&applied(&[("config_map.team", "x")]), &addr("config_map.taem"));
    let help = problems.unwrap_err().iter().next().unwrap().help.clone();
    assert_eq!(help.as_deref(), Some("Did you mean `config_map.team`?"));
}

#[test]
fn removed_record_is_needed_by_nobody_any_more() {
    let mut state = applied(&[("ns.a", "ns"), ("cm.b", "cm")]);
    state.records.get_mut(&addr("cm.b")).unwrap().needs = vec![addr("ns.a")];
    let after = remove_records(&state, &addr("ns.a")).unwrap();
    assert_eq!(after.records[&addr("cm.b")].needs, []);
}

fn any_change() -> impl Strategy<Value = RecordChange> {
    let address = prop::sample::select(vec!["a.a", "a.b", "a.c"]);
    prop_oneof![
        Just(RecordChange::Keep),
        (address.clone(), "[xyz]").prop_map(|(a, d)| set(a, &d)),
        address.prop_map(|a| RecordChange::Forget(addr(a))),
    ]
}

fn any_ended() -> impl Strategy<Value = Ended> {
    let failed = Just(Ended::Failed("why".to_owned()));
    prop_oneof![Just(Ended::Done), failed, Just(Ended::NotStarted), Just(Ended::InDoubt)]
}

/// Any journal of a state that was never applied, sensible or not: runs begin with growing
/// serials, and everything else comes in any order.
fn any_journal() -> impl Strategy<Value = Vec<JournalEntry>> {
    let entry = prop_oneof![
        1 => "[pq]".prop_map(|plan| started("r", &plan, 0)),
        4 => (1u32..5).prop_map(begin),
        4 => (1u32..5, any_ended(), any_change()).prop_map(|(s, e, c)| end(s, e, c)),
        1 => prop::collection::vec(any_change(), 0..3)
            .prop_map(|changes| JournalEntry::Records { changes }),
        1 => "[rs]".prop_map(|run| finished(&run)),
    ];
    prop::collection::vec(entry, 0..24).prop_map(|mut entries| {
        entries.insert(0, started("r", "p", 0));
        let mut serial = 0;
        for entry in &mut entries {
            if let JournalEntry::RunStarted(start) = entry {
                serial += 1;
                start.serial = serial;
            }
        }
        entries
    })
}

proptest! {
    /// A crash may cut the journal anywhere, and may come when the state holds any part of it.
    #[test]
    fn state_that_holds_a_part_of_the_journal_comes_out_the_same(
        entries in any_journal(),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = replay(new_state(), &entries);
        let cut = cut.index(entries.len() + 1);
        let part = replay(new_state(), &entries[..cut]).state;
        prop_assert_eq!(follows(&part, &entries), Ok(Follows::Continues));
        prop_assert_eq!(replay(part, &entries), whole);
    }

    /// What one more entry adds does not depend on when the state was written.
    #[test]
    fn replay_of_two_parts_is_replay_of_the_whole(
        entries in any_journal(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (first, second) = entries.split_at(cut.index(entries.len() + 1));
        let part = replay(new_state(), first).state;
        prop_assert_eq!(replay(part, second).state, replay(new_state(), &entries).state);
    }
}
