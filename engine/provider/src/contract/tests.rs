//! A type that keeps every promise, and the same with one of them broken.

use super::{arguments, decided, documented, examples, judged, nothing_to_do, request};
use crate::{Decision, Observation, PlanRequest, Planned, ResourceKind};
use addrs::{Scope, TypeName};
use diags::Code;
use plans::{Action, Identity, Note, ObjectKey, Problem};
use std::sync::atomic::{AtomicUsize, Ordering};
use values::{Attr, Path, Role, Schema, Type, Value};

const PAGE: &str = "A flag.\n\n```hcl\nresource \"flag\" \"a\" {\n  name  = \"x\"\n  \
                    value = \"red\"\n}\n```\n\n# See also\n\n`pole`\n";

/// Which promise is broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    Nothing,
    Refuses,
    IdentityOfLate,
    IdentityTwice,
    JudgesLate,
    PointsAstray,
    CheckTells,
    DecidesTwice,
    NotePointsAstray,
    PlanTells,
    NeverDone,
    NotExported,
}

struct Flag {
    broken: Broken,
    name: TypeName,
    schema: Schema,
    asked: AtomicUsize,
}

fn flag(broken: Broken) -> Flag {
    let attr = |name, role| Attr::new(name, Type::String, role, "What is written there.");
    let schema = Schema::new(vec![
        attr("name", Role::Identity),
        attr("value", Role::Required),
        attr("path", Role::Computed),
    ]);
    Flag { broken, name: "flag".parse().unwrap(), schema, asked: AtomicUsize::new(0) }
}

impl Flag {
    fn is(&self, broken: Broken) -> bool {
        self.broken == broken
    }

    fn problem(&self, detail: String) -> Problem {
        let path = if self.is(Broken::PointsAstray) { "colour" } else { "value" };
        Problem::error(Code("E0001"), "Wrong", Path::of(path), detail)
    }

    /// Grows when it should not.
    fn count(&self, broken: Broken) -> usize {
        if self.is(broken) { self.asked.fetch_add(1, Ordering::Relaxed) } else { 0 }
    }
}

impl ResourceKind for Flag {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        PAGE
    }

    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        let late = args.get("value").filter(|_| self.is(Broken::IdentityOfLate));
        let count = self.count(Broken::IdentityTwice);
        let key = format!("flag/{:?}{late:?}{count}", args.get("name"));
        let args = Value::empty_map();
        Ok(Identity { shown: key.clone(), key: ObjectKey(key.into()), args })
    }

    fn scope(&self, _identity: &Identity) -> Scope {
        Scope::cluster()
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let Some(value) = args.get("value") else { return Vec::new() };
        let (exposed, hidden) = value.exposed();
        let is_wrong = match &exposed {
            Value::String(text) => **text != *"red" || self.is(Broken::Refuses),
            _ => self.is(Broken::JudgesLate),
        };
        let shown = if hidden && self.is(Broken::CheckTells) { &exposed } else { value };
        is_wrong.then(|| self.problem(format!("{shown:?} is no colour."))).into_iter().collect()
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        let value = request.desired.and_then(|args| args.get("value")).unwrap_or(&Value::Null);
        let live = matches!(request.observed, Observation::Present(live) if live == value);
        let as_asked = live && !self.is(Broken::NeverDone);
        let at = if self.is(Broken::NotePointsAstray) { "value.shade" } else { "value" };
        let said = if self.is(Broken::PlanTells) { value.exposed().0 } else { value.clone() };
        let text = format!("becomes {said:?} {}", self.count(Broken::DecidesTwice));
        let path = (!self.is(Broken::NotExported)).then(|| ("path", "/x".into()));
        Planned::Decided(Box::new(Decision {
            notes: vec![Note { path: Path::of(at), text }],
            exported: Value::map(path),
            ..Decision::plain(if as_asked { Action::NoOp } else { Action::Update })
        }))
    }
}

fn args() -> Value {
    let flag = flag(Broken::Nothing);
    let example = examples(PAGE, "flag").unwrap().remove(0);
    arguments(&flag.schema, &example, &[]).unwrap()
}

/// All that is found to be broken.
fn asked(broken: Broken) -> Vec<String> {
    let (flag, args, live) = (flag(broken), args(), Observation::Present("red".into()));
    let mut found = documented("flag", &flag.schema, PAGE);
    found.extend(judged(&flag, &args));
    found.extend(decided(&flag, &args, &Observation::Absent));
    let identity = flag.identify(&args).unwrap();
    found.extend(nothing_to_do(&flag, &flag.plan(&request(&identity, Some(&args), &live))));
    found
}

#[test]
fn a_type_that_keeps_its_promises_is_found_to_do_so() {
    assert_eq!(asked(Broken::Nothing), [""; 0]);
}

#[test]
fn each_broken_promise_is_found() {
    for (broken, found) in [
        (Broken::Refuses, "is refused: E0001 at `value`"),
        (Broken::IdentityOfLate, "means another object while a part is not known"),
        (Broken::IdentityTwice, "means another object the second time"),
        (Broken::JudgesLate, "judges what is not known"),
        (Broken::PointsAstray, "points astray: E0001 at `colour`"),
        (Broken::CheckTells, "tells: E0001 at `value`: \"hunter/2 %\""),
        (Broken::DecidesTwice, "equal requests have different answers"),
        (Broken::NotePointsAstray, "a note points at `value.shade`"),
        (Broken::PlanTells, "tells `770000`"),
        (Broken::NeverDone, "changes what is as it was asked for"),
        (Broken::NotExported, "does not export `path`"),
    ] {
        let all = asked(broken);
        assert!(all.iter().any(|one| one.starts_with(found)), "no `{found}` in {all:#?}");
    }
}

#[test]
fn a_page_without_an_example_or_with_an_argument_that_nobody_explains_is_found() {
    let mut schema = flag(Broken::Nothing).schema;
    schema.attrs[0].doc = "A name";
    assert_eq!(
        documented("flag", &schema, "\nA flag.\n"),
        [
            "`flag.name` is not explained: \"A name\"",
            "the page of `flag` has no example",
            "the page of `flag` leads nowhere",
            "the page of `flag` is not cut out well",
        ]
    );
}

#[test]
fn an_example_is_read_with_its_lines_blocks_and_names() {
    let page = "```hcl\nlocals {}\nresource \"x\" \"a\" {\n  text = <<-EOT\n    one\n      two\n  \
                EOT\n  of   = local.all\n  part { a = [1, \"b\\n\"] }\n  part { a = null }\n}\n\
                resource \"x\" \"b\" {\n  for_each = 1\n}\n```\n";
    let found = examples(page, "x").unwrap();
    let names = [("local.all", Value::from("everything"))];
    let read = found.iter().map(|one| format!("{:?}", super::literal::body(one, &names)));
    assert_eq!(
        read.collect::<Vec<_>>(),
        ["Ok({\"of\": \"everything\", \"part\": [{\"a\": [1, \"b\\n\"]}, {\"a\": null}], \
          \"text\": \"one\\n  two\\n\"})"]
    );
    for (wrong, why) in [
        ("a = local.none", "no value: `local.none`"),
        ("a = \"x", "a text does not end: \"x"),
        ("a = <<-EOT\nx\n", "a text in lines does not end"),
        ("a { b = 1", "no `}` before: "),
        ("a", "no `{` before: "),
        ("}", "not read: }"),
    ] {
        assert_eq!(super::literal::body(wrong, &[]), Err(why.to_owned()), "{wrong}");
    }
}
