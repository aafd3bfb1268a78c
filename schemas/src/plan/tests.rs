use super::*;
use crate::samples::{CANARY, change, plan, secret, step};
use plans::OutputChange;
use values::{Type, Value};

fn again(saved: &SavedPlan) -> SavedPlan {
    let text = write(saved).unwrap();
    assert!(!text.contains(CANARY), "{text}");
    let read = self::read(text.as_bytes()).unwrap();
    // A plan that was stored may be stored once more, for the run that applies it.
    assert_eq!(self::read(write(&read).unwrap().as_bytes()), Ok(read.clone()));
    read
}

fn data(value: Value) -> Value {
    Value::map([("data", Value::map([("key", value), ("plain", Value::from(1))]))])
}

#[test]
fn plan_comes_back_as_it_was() {
    assert_eq!(again(&plan()), plan());
}

#[test]
fn nothing_before_and_null_before_stay_apart() {
    let mut saved = plan();
    saved.plan.changes = vec![change(None, Some(Value::Null)), change(Some(Value::Null), None)];
    assert_eq!(again(&saved).plan.changes, saved.plan.changes);
}

#[test]
fn step_with_a_secret_comes_back_late() {
    let mut saved = plan();
    saved.plan.steps[0] = step(1, &[], data(secret()));
    let read = again(&saved);
    assert!(read.plan.steps[0].late && !saved.plan.steps[0].late);
    let unknown = Value::Unknown(Type::Any).into_sensitive();
    assert_eq!(read.plan.steps[0].op.args, data(unknown));
}

#[test]
fn changed_secret_is_still_a_change_and_an_equal_one_is_none() {
    let mut saved = plan();
    let other = || Value::string("hunter22 or so").into_sensitive();
    saved.plan.changes = vec![
        change(Some(data(secret())), Some(data(secret()))),
        change(Some(data(other())), Some(data(secret()))),
        change(Some(data(Value::Null)), Some(data(secret()))),
    ];
    let read = again(&saved).plan.changes;
    assert_eq!(read[0].before, read[0].after);
    assert_ne!(read[1].before, read[1].after);
    assert_ne!(read[2].before, read[2].after);
}

#[test]
fn secret_that_was_read_without_its_mark_is_not_written_either() {
    let mut saved = plan();
    let live = Value::string(CANARY);
    saved.plan.changes = vec![change(Some(data(live)), Some(data(secret())))];
    let read = again(&saved).plan.changes;
    assert!(read[0].before.as_ref().unwrap().has_sensitive());
    assert_eq!(read[0].before, read[0].after);
}

#[test]
fn changed_secret_output_is_still_a_change() {
    let mut saved = plan();
    saved.plan.changes.clear();
    let output = |before: Option<Value>| OutputChange {
        name: "token".to_owned(),
        before,
        after: Some(secret()),
    };
    saved.plan.outputs = vec![output(Some(Value::string("another").into_sensitive()))];
    assert!(again(&saved).plan.has_changes());
    saved.plan.outputs = vec![output(None)];
    assert!(again(&saved).plan.has_changes());
    saved.plan.outputs = vec![output(Some(secret()))];
    assert!(!again(&saved).plan.has_changes());
    // What the state remembers of a secret is that there was one.
    saved.plan.outputs = vec![output(Some(Value::Unknown(Type::Any).into_sensitive()))];
    assert!(!saved.plan.has_changes() && !again(&saved).plan.has_changes());
}

#[test]
fn secret_variable_is_written_as_a_mark() {
    let mut saved = plan();
    saved.snapshot.variables.insert("token".to_owned(), secret());
    let read = again(&saved);
    assert_eq!(read.snapshot.variables["token"], Value::Unknown(Type::Any).into_sensitive());
}

#[test]
fn plan_whose_steps_cannot_be_in_this_order_is_refused() {
    #[track_caller]
    fn refused(why: &str, harm: impl Fn(&mut Plan)) {
        let mut saved = plan();
        harm(&mut saved.plan);
        let error = read(write(&saved).unwrap().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("It makes no sense: {why}."));
    }
    refused("step 1 needs step 2, which is not before it", |plan| {
        plan.steps[0].needs = vec![plans::StepId(2)];
    });
    refused("step 2 needs step 2, which is not before it", |plan| {
        plan.steps[1].needs = vec![plans::StepId(2)];
    });
    refused("step 2 has the number 1", |plan| plan.steps[1].id = plans::StepId(1));
    refused("step 1 is in a bracket that does not exist", |plan| plan.brackets.clear());
    refused("a bracket has step 9, which does not exist", |plan| {
        plan.brackets[0].steps.push(plans::StepId(9));
    });
    refused("a bracket is closed by step 1, which is not in it", |plan| {
        plan.brackets[0].steps.remove(0);
        plan.brackets[0].closing = vec![plans::StepId(1)];
    });
}
