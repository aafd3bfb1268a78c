//! What can be told of the world without changing it.

use crate::desk::Desk;
use insta::assert_snapshot;

const TWO: &str = r#"
resource "thing" "a" {
  name = "a"
  size = 1
}

resource "thing" "b" {
  name = "b"
  size = 2
}
"#;

#[test]
fn an_unreachable_object_ends_in_an_error_and_not_in_a_deletion() {
    let mut desk = Desk::new(TWO);
    desk.apply().unwrap();
    desk.stage.with(|s| s.unreachable.insert("b".to_owned()));
    // Once as it is declared, once as nothing declares it any more.
    for hcl in [TWO, r#"resource "thing" "a" { name = "a" }"#] {
        desk.rewrite(hcl);
        let planning = desk.plan();
        let told = desk.text(&planning.diagnostics);
        assert!(told.contains("E9999 Unreachable [thing.b]"), "{told}");
        assert!(!planning.plan.complete);
        let touched = planning.plan.steps.iter().filter_map(|s| s.addr.as_ref());
        assert!(touched.map(ToString::to_string).all(|addr| addr != "thing.b"), "{hcl}");
    }
    // And it is not applied either.
    let saved = desk.save();
    assert_snapshot!(Desk::codes(desk.check(&saved)), @"E0454");
}

#[test]
fn a_rebuilt_state_remembers_what_is_declared_and_what_carries_the_mark() {
    let mut desk = Desk::new(TWO);
    desk.apply().unwrap();
    desk.stage.with(|s| {
        s.state = None;
        s.objects.insert("old".to_owned(), values::Value::Null);
        s.marked = vec!["a".to_owned(), "b".to_owned(), "old".to_owned()];
    });
    let rebuilt = desk.rebuild().unwrap();
    let records = rebuilt.state.records.keys().map(ToString::to_string);
    assert_snapshot!(records.collect::<Vec<_>>().join(" "), @r#"thing.a thing.b thing.orphan["old"]"#);
}

#[test]
fn a_state_is_not_rebuilt_without_having_seen_everything() {
    let mut desk = Desk::new(TWO);
    desk.apply().unwrap();
    desk.stage.with(|s| s.unreachable.insert("b".to_owned()));
    let problems = desk.rebuild().unwrap_err();
    assert_snapshot!(desk.text(&problems), @"E9999 Unreachable [thing.b] at 7:1: The server did not answer.");
}

fn many(count: usize) -> String {
    let one = |i| format!("resource \"thing\" \"t{i}\" {{\n  name = \"t{i}\"\n}}\n");
    (0..count).map(one).collect()
}

#[test]
fn what_is_remembered_is_looked_at_once_and_only_what_is_new_beside_it() {
    let mut desk = Desk::new(&many(150));
    desk.apply().unwrap();
    let looked = |desk: &mut Desk| {
        desk.stage.with(|s| s.looked.clear());
        let planning = desk.plan();
        (desk.stage.with(|s| s.looked.clone()), planning)
    };
    let (looks, planning) = looked(&mut desk);
    assert_eq!((looks, planning.plan.has_changes()), (vec![150], false));
    desk.rewrite(&many(152));
    let (looks, planning) = looked(&mut desk);
    assert_eq!((looks, planning.plan.steps.len()), (vec![150, 2], 2));
    // What nothing declares any more was looked at with the rest.
    desk.rewrite(&many(148));
    let (looks, planning) = looked(&mut desk);
    assert_eq!((looks, planning.plan.steps.len()), (vec![150], 2));
}

#[test]
fn what_could_not_be_seen_ahead_is_an_error_on_that_object() {
    let mut desk = Desk::new(&many(150));
    desk.apply().unwrap();
    desk.stage.with(|s| s.unreachable.insert("t7".to_owned()));
    let planning = desk.plan();
    let told = desk.text(&planning.diagnostics);
    assert_snapshot!(told, @"E9999 Unreachable [thing.t7] at 22:1: The server did not answer.");
    assert!(!planning.plan.complete);
}
