//! Every function of the registry, tried with everything that it may meet.

use crate::world::{World, console};
use lang::{FunctionInfo, functions};
use std::collections::{BTreeMap, BTreeSet};
use values::{Type, Value};

/// What Terraform 1.11 has (`terraform metadata functions -json`), and its sibling beside it.
const OTHERS: &str = "abs abspath alltrue anytrue base64decode base64encode base64gunzip \
    base64gzip base64sha256 base64sha512 basename bcrypt can ceil chomp chunklist cidrcontains \
    cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist compact concat contains \
    csvdecode dirname distinct element endswith ephemeralasnull file filebase64 filebase64sha256 \
    filebase64sha512 fileexists filemd5 fileset filesha1 filesha256 filesha512 flatten floor \
    format formatdate formatlist indent index issensitive join jsondecode jsonencode keys length \
    log lookup lower matchkeys max md5 merge min nonsensitive one parseint pathexpand \
    plantimestamp pow range regex regexall replace reverse rsadecrypt sensitive setintersection \
    setproduct setsubtract setunion sha1 sha256 sha512 signum slice sort split startswith \
    strcontains strrev substr sum templatefile templatestring textdecodebase64 textencodebase64 \
    timeadd timecmp timestamp title tobool tolist tomap tonumber toset tostring transpose trim \
    trimprefix trimspace trimsuffix try upper urldecode urlencode uuid uuidv5 values yamldecode \
    yamlencode zipmap";

/// What stands for each kind of trouble.
const ODD: &[&str] = &[
    "null",
    "0",
    "-1",
    "1.5",
    "1e300",
    "\"\"",
    "\"x\"",
    "\"%\"",
    "\"[\"",
    "true",
    "[]",
    "[null]",
    "[1, \"a\", [true]]",
    "{}",
    "{ a = { b = null } }",
    "thing.a.id",
    "thing.a.nodes",
    "thing.a.secret",
    "[thing.a.id]",
    "sensitive(\"swordfish\")",
    "sensitive(42)",
    "[sensitive(\"swordfish\")]",
    "{ swordfish = sensitive(1) }.swordfish",
    "sensitive({ swordfish = [\"swordfish\"] })",
];

/// Functions that look at how a value is, and not at what it is.
const LOOKS: [&str; 6] = ["can", "issensitive", "nonsensitive", "sensitive", "try", "coalesce"];

/// Asks many questions of one world.
struct Desk {
    world: World,
}

impl Desk {
    fn new() -> Self {
        let text = "resource \"thing\" \"a\" {\n  name = \"a\"\n}\n";
        Self { world: World::new([("main.hcl", text)]) }
    }

    /// The answer to each, in order.
    fn ask(&self, questions: &[String]) -> Vec<String> {
        let (mut evaluator, told) = self.world.evaluator();
        assert!(told.is_empty());
        let mut told = told;
        let data = Value::map([("data", Value::Unknown(Type::Any))]);
        let results = BTreeMap::from([("thing.a".to_owned(), data)]);
        self.world.visit(&mut evaluator, &results, &mut |_, _| {}, &mut told);
        questions.iter().map(|text| console(&self.world, &mut evaluator, text)).collect()
    }
}

fn call(f: &FunctionInfo, args: &[&str]) -> String {
    format!("{}({})", f.name, args.join(", "))
}

/// Whether a function's result comes from files or certificates, which a text here has not.
fn needs_files(f: &FunctionInfo) -> bool {
    let names = ["manifests", "templatefile", "templatestring", "pemcertificates", "fileset"];
    f.name.starts_with("file") || names.contains(&f.name)
}

#[test]
fn every_function_of_the_relatives_is_here_or_left_out_with_a_reason() {
    let here: BTreeSet<&str> = functions().iter().map(|f| f.name).collect();
    let gaps: BTreeMap<&str, &str> = lang::left_out().collect();
    let architecture = include_str!("../../../ARCHITECTURE.md");
    for name in OTHERS.split_whitespace() {
        assert!(here.contains(name) != gaps.contains_key(name), "{name}");
    }
    for (name, why) in gaps {
        assert!(OTHERS.split_whitespace().any(|other| other == name), "{name}");
        assert!(why.ends_with('.') && why.len() > 30, "{name}: {why}");
        assert!(architecture.contains(&format!("`{name}`")), "{name} is not in ARCHITECTURE.md");
    }
}

#[test]
fn every_function_has_an_example_that_works() {
    let desk = Desk::new();
    let plain: Vec<_> = functions().iter().filter(|f| !needs_files(f)).collect();
    let questions: Vec<String> = plain.iter().map(|f| call(f, f.example())).collect();
    for (question, answer) in questions.iter().zip(desk.ask(&questions)) {
        assert!(!answer.starts_with("E0"), "{question}: {answer}");
    }
    assert!(functions().iter().all(|f| f.parameters.is_empty() || !f.example().is_empty()));
}

#[test]
fn a_wrong_number_of_arguments_is_told_with_the_signature() {
    let desk = Desk::new();
    for f in functions() {
        let most = f.parameters.len();
        let mut counts = if f.variadic { vec![] } else { vec![most + 1, most + 7] };
        // `f(a, [b])` needs one; `f(a...)` needs none.
        let needs_one = !f.signature().contains("([") && (most > 1 || !f.variadic && most == 1);
        counts.extend(needs_one.then_some(0));
        let questions: Vec<String> = counts.iter().map(|n| call(f, &vec!["1"; *n])).collect();
        for (question, answer) in questions.iter().zip(desk.ask(&questions)) {
            assert!(answer.starts_with("E0212"), "{question}: {answer}");
            assert!(answer.contains(&f.signature()), "{question}: {answer}");
        }
    }
}

#[test]
fn anything_in_any_place_is_answered_shortly_and_shows_no_secret() {
    let desk = Desk::new();
    let mut asked = 0;
    for f in functions() {
        let good = f.example();
        let mut questions = Vec::new();
        for odd in ODD {
            for i in 0..good.len() {
                let mut args = good.to_vec();
                args[i] = odd;
                questions.push(call(f, &args));
            }
            for count in 0..=f.parameters.len() + 1 {
                questions.push(call(f, &vec![*odd; count]));
            }
        }
        asked += questions.len();
        for (question, answer) in questions.iter().zip(desk.ask(&questions)) {
            assert!(answer.len() < 2000, "{question}: {} bytes", answer.len());
            let open = f.name == "nonsensitive" || f.name == "issensitive";
            assert!(open || !answer.contains("swordfish"), "{question}: {answer}");
        }
    }
    assert!(asked > 5000, "{asked}");
}

#[test]
fn what_is_sensitive_in_an_argument_is_sensitive_in_the_result() {
    let desk = Desk::new();
    for f in functions().iter().filter(|f| !LOOKS.contains(&f.name) && !needs_files(f)) {
        let good = f.example();
        let hidden: Vec<String> = good.iter().map(|a| format!("sensitive({a})")).collect();
        let with = |i: usize| {
            let mut args = good.to_vec();
            args[i] = &hidden[i];
            call(f, &args)
        };
        let questions: Vec<String> = (0..good.len()).map(with).collect();
        for (question, answer) in questions.iter().zip(desk.ask(&questions)) {
            assert!(answer.contains("(sensitive value)"), "{question}: {answer}");
        }
    }
}

#[test]
fn what_is_not_known_yet_makes_a_result_that_is_not_known_yet() {
    let desk = Desk::new();
    for f in functions().iter().filter(|f| !LOOKS.contains(&f.name) && !needs_files(f)) {
        let good = f.example();
        let with = |i: usize| {
            let mut args = good.to_vec();
            // Of no type, so that it fits everywhere.
            args[i] = "thing.a.data";
            call(f, &args)
        };
        let questions: Vec<String> = (0..good.len()).map(with).collect();
        for (question, answer) in questions.iter().zip(desk.ask(&questions)) {
            assert!(answer.contains("known after apply"), "{question}: {answer}");
        }
    }
}
