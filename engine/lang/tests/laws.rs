//! Laws that hold for every expression, tried on random ones.

use crate::world::{Types, World};
use addrs::{Ident, ModuleInstance};
use lang::Evaluator;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use values::{Type, Value};

/// Variables that random expressions use; `secret` and what holds it are sensitive.
const NAMES: &[&str] = &[
    "secret",
    "secrets",
    "half",
    "keyed",
    "late",
    "late_list",
    "late_map",
    "n",
    "s",
    "l",
    "m",
    "z",
];

/// Leaves of random expressions.
fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(NAMES).prop_map(|n| format!("var.{n}")),
        2 => proptest::sample::select(vec![
            "1", "0", "2.5", "\"a\"", "\"\"", "\"CAN\"", "true", "false", "null", "[]", "{}",
            "\"b\"", "-1", "x", "y",
        ])
        .prop_map(str::to_owned),
    ]
}

/// Random expressions that mostly have a value, from a seed.
struct Sensible {
    state: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Truth,
    List,
    Map,
}

impl Sensible {
    fn next(&mut self, below: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.state >> 33).unwrap_or(0) % below
    }

    fn of(&mut self, kind: Kind, depth: u32) -> String {
        let (forms, leaves): (&[&str], &[&str]) = match kind {
            Kind::Text => (
                &[
                    "upper(T)",
                    "\"<${T}-${N}>\"",
                    "join(T, L)",
                    "replace(T, \"a\", T)",
                    "try(M[T], T)",
                    "(B ? T : T)",
                    "try(L[N], T)",
                    "coalesce(T, T)",
                    "format(\"%s/%v\", T, N)",
                    "lookup(M, T, T)",
                    "substr(T, 0, N)",
                    "jsonencode(M)",
                    "jsonencode(L)",
                    "\"%{ if B }${T}%{ else }${T}%{ endif }\"",
                    "\"%{ for v in L }${v}${T}%{ endfor }\"",
                    "element(concat(L, [T]), N)",
                    "trimprefix(T, T)",
                    "base64encode(T)",
                    "try(tostring(tonumber(T)), T)",
                    "sha256(T)",
                    "title(T)",
                    "try(regex(\"a+\", T), T)",
                ],
                &[
                    "var.secret",
                    "var.secret",
                    "var.late",
                    "var.s",
                    "\"a\"",
                    "\"b\"",
                    "var.half.a",
                    "var.half.b",
                    "\"7\"",
                ],
            ),
            Kind::Number => (
                &[
                    "length(L)",
                    "length(T)",
                    "length(M)",
                    "(N + N)",
                    "(N * N)",
                    "(B ? N : N)",
                    "max(N, N)",
                    "try(tonumber(T), N)",
                    "sum([N, N])",
                    "abs(N - N)",
                ],
                &["1", "0", "2", "var.n"],
            ),
            Kind::Truth => (
                &[
                    "(T == T)",
                    "(N < N)",
                    "(B && B)",
                    "(B || B)",
                    "!B",
                    "contains(L, T)",
                    "can(tonumber(T))",
                    "can(M[T])",
                    "(L == L)",
                    "startswith(T, T)",
                    "(M == M)",
                    "alltrue([B, B])",
                ],
                &["true", "false"],
            ),
            Kind::List => (
                &[
                    "[T, T]",
                    "[for v in L : T]",
                    "[for v in L : v if B]",
                    "concat(L, L)",
                    "distinct(L)",
                    "sort(L)",
                    "keys(M)",
                    "values(M)",
                    "split(T, T)",
                    "(B ? L : L)",
                    "[for k, v in M : \"${k}${v}\"]",
                    "reverse(L)",
                    "flatten([L, [L]])",
                    "toset(L)",
                    "compact(L)",
                    "slice(concat(L, [T, T]), 0, 2)",
                    "[T][*]",
                    "setunion(L, L)",
                    "tolist(toset(L))",
                    "coalescelist(L, [T])",
                    "formatlist(\"%s!\", L)",
                    "regexall(\".\", T)",
                ],
                &["var.l", "var.secrets", "var.late_list", "[]", "[var.secret, var.late]"],
            ),
            Kind::Map => (
                &[
                    "{ a = T, b = T }",
                    "{ (T) = T }",
                    "merge(M, M)",
                    "{ for v in distinct(L) : v => T }",
                    "{ for k, v in M : k => T }",
                    "{ for v in L : v => T... }",
                    "zipmap([T], [T])",
                    "(B ? M : M)",
                    "tomap(M)",
                    "{ for k, v in M : k => v if B }",
                ],
                &["var.m", "var.half", "var.keyed", "var.late_map", "{}"],
            ),
        };
        let leaf = depth == 0 || self.next(5) == 0;
        let from = if leaf { leaves } else { forms };
        let form = from[self.next(from.len())];
        if leaf {
            return form.to_owned();
        }
        let mut out = String::new();
        let letters: Vec<char> = form.chars().collect();
        for (i, c) in letters.iter().enumerate() {
            let beside = |at: Option<&char>| at.is_some_and(|c| c.is_alphabetic());
            let alone = !beside(i.checked_sub(1).and_then(|i| letters.get(i)))
                && !beside(letters.get(i + 1));
            let inner = match c {
                'T' if alone => Kind::Text,
                'N' if alone => Kind::Number,
                'B' if alone => Kind::Truth,
                'L' if alone => Kind::List,
                'M' if alone => Kind::Map,
                _ => {
                    out.push(*c);
                    continue;
                }
            };
            out.push_str(&self.of(inner, depth - 1));
        }
        out
    }
}

fn sensible() -> impl Strategy<Value = String> {
    (any::<u64>(), 0usize..5, 1u32..5).prop_map(|(state, kind, depth)| {
        let kind = [Kind::Text, Kind::Number, Kind::Truth, Kind::List, Kind::Map][kind];
        Sensible { state }.of(kind, depth)
    })
}

/// Random expressions over everything the language has.
fn expression() -> impl Strategy<Value = String> {
    prop_oneof![3 => sensible(), 1 => nonsense()]
}

/// Any function of anything.
fn nonsense() -> impl Strategy<Value = String> {
    leaf().prop_recursive(5, 40, 4, |inner| {
        let functions: Vec<&'static str> = lang::functions().iter().map(|f| f.name).collect();
        // What takes a mark off or tells of it on purpose is not tried.
        let open = |f: &&str| !matches!(*f, "nonsensitive" | "issensitive");
        let functions: Vec<_> = functions.into_iter().filter(open).collect();
        let e = inner.clone();
        let ops = vec!["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||"];
        prop_oneof![
            4 => (proptest::sample::select(functions), prop::collection::vec(e.clone(), 0..4))
                .prop_map(|(f, args)| format!("{f}({})", args.join(", "))),
            1 => (e.clone(), proptest::sample::select(ops), e.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            1 => (e.clone(), e.clone(), e.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            1 => (e.clone(), e.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            1 => e.clone().prop_map(|a| format!("({a}).a")),
            1 => e.clone().prop_map(|a| format!("({a})[*]")),
            1 => e.clone().prop_map(|a| format!("({a})[*].a")),
            1 => e.clone().prop_map(|a| format!("!({a})")),
            1 => (e.clone(), e.clone()).prop_map(|(a, b)| format!("\"${{{a}}}-${{{b}}}\"")),
            1 => (e.clone(), e.clone(), e.clone())
                .prop_map(|(a, b, c)| format!("\"%{{ if {a} }}${{{b}}}%{{ else }}${{{c}}}%{{ endif }}\"")),
            1 => (e.clone(), e.clone())
                .prop_map(|(a, b)| format!("\"%{{ for x in {a} }}${{{b}}}%{{ endfor }}\"")),
            1 => (e.clone(), e.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            1 => (e.clone(), e.clone(), e.clone())
                .prop_map(|(a, b, c)| format!("{{ a = {a}, ({b}) = {c} }}")),
            1 => (e.clone(), e.clone(), e.clone())
                .prop_map(|(a, b, c)| format!("[for x, y in {a} : {b} if {c}]")),
            1 => (e.clone(), e.clone(), e.clone())
                .prop_map(|(a, b, c)| format!("{{ for x, y in {a} : {b} => {c}... }}")),
            1 => (e.clone(), e.clone(), e)
                .prop_map(|(a, b, c)| format!("{{ for x, y in {a} : {b} => {c} }}")),
        ]
    })
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let declared: Vec<String> = NAMES.iter().map(|n| format!("variable \"{n}\" {{}}")).collect();
    World::new([("main.hcl", declared.join("\n").as_str())])
});

/// The values of the variables, with this secret and this late value.
fn values(secret: &str, late: Option<&str>) -> BTreeMap<Ident, Value> {
    let text = |s: &str| Value::from(s);
    let late_text = late.map_or(Value::Unknown(Type::String), text);
    let late_list = late.map_or(Value::Unknown(Type::list(Type::String)), |l| {
        Value::list(l.chars().map(|c| c.to_string().into()))
    });
    let late_map = late.map_or(Value::Unknown(Type::map(Type::String)), |l| {
        Value::map([(l, text(l)), ("a", "same".into())])
    });
    let all = [
        ("secret", text(secret).into_sensitive()),
        ("secrets", Value::list([text(secret), text("plain")]).into_sensitive()),
        ("half", Value::map([("a", text("open")), ("b", text(secret).into_sensitive())])),
        ("keyed", Value::map([(secret, text("a")), ("a", text("b"))]).into_sensitive()),
        ("late", late_text),
        ("late_list", late_list),
        ("late_map", late_map),
        ("n", Value::from(3)),
        ("s", text("ab")),
        ("l", Value::list([text("b"), text("a")])),
        ("m", Value::map([("a", Value::from(1)), ("b", Value::from(2))])),
        ("z", Value::Null),
    ];
    all.into_iter().map(|(n, v)| (n.parse().expect("a name"), v)).collect()
}

/// The value of an expression, and everything that is said about it.
fn evaluate(values: BTreeMap<Ident, Value>, source: &str) -> Option<(Value, String)> {
    let world = &*WORLD;
    let mut map = world.map.clone();
    let expr = config::parse_expression(&mut map, "law", source).ok()?;
    let mut evaluator = Evaluator::new(&world.config, &Types, &world.references, values, "/home");
    let (value, told) = evaluator.evaluate(&ModuleInstance::root(), &expr);
    let said = told.iter().map(|d| format!("{} {:?} {:?}", d.detail, d.involved, d.help));
    Some((value, said.collect::<Vec<_>>().join("\n")))
}

/// Whether `later` is what `now` promised: equal wherever `now` is known. A number may have
/// become its text, when a conditional learns that its other result is a text.
fn keeps(now: &Value, later: &Value) -> bool {
    match (now, later) {
        (Value::Unknown(_), _) => true,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| keeps(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && keeps(a.1, b.1))
        }
        (a, b) => a == b || text(a).is_some_and(|a| Some(a) == text(b)),
    }
}

fn text(value: &Value) -> Option<String> {
    match values::conform(value, &Type::String) {
        Ok(Value::String(text)) => Some(text.to_string()),
        _ => None,
    }
}

/// The generator must not get stuck in mistakes, or the laws say nothing.
#[test]
fn most_random_expressions_have_a_value() {
    let mut good = 0;
    for seed in 0..1000u64 {
        let kind = [Kind::Text, Kind::Number, Kind::Truth, Kind::List, Kind::Map]
            [usize::try_from(seed % 5).unwrap_or(0)];
        let source = Sensible { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) }.of(kind, 3);
        let answer = evaluate(values("aa", Some("b")), &source);
        good += usize::from(answer.is_some_and(|(_, said)| said.is_empty()));
    }
    assert!(good > 600, "{good} of 1000");
}

/// What broke a law once.
#[test]
fn type_of_the_other_result_is_known_before_its_keys_are() {
    let source = r#"jsonencode(startswith("b", "7") ? zipmap([var.late], [var.half.a]) : var.m)"#;
    let of = |late| evaluate(values("aa", late), source).map(|(value, _)| value.exposed().0);
    assert_eq!(of(None), of(Some("")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1500), failure_persistence: None, ..ProptestConfig::default() })]

    /// A secret is in no value that can be seen and in no message.
    #[test]
    fn secret_is_never_seen(source in expression()) {
        let Some((value, said)) = evaluate(values("CANARYCANARY", None), &source) else {
            return Ok(());
        };
        let seen = format!("{value:?}\n{said}").to_lowercase();
        prop_assert!(!seen.contains("canary"), "{source}\n{seen}");
    }

    /// What can be seen does not depend on what is hidden.
    #[test]
    fn what_is_seen_does_not_depend_on_the_secret(source in expression()) {
        let one = evaluate(values("aa", Some("b")), &source);
        let other = evaluate(values("7", Some("b")), &source);
        let (Some((one, said)), Some((other, also_said))) = (one, other) else { return Ok(()) };
        if said.is_empty() && also_said.is_empty() {
            prop_assert_eq!(format!("{one:?}"), format!("{other:?}"), "{}", source);
        }
    }

    /// What is known before apply is the same after it.
    #[test]
    fn known_value_does_not_change_when_the_unknown_is_known(
        source in expression(),
        late in "[a-c]{0,2}",
    ) {
        let now = evaluate(values("aa", None), &source);
        let later = evaluate(values("aa", Some(&late)), &source);
        let (Some((now, said)), Some((later, also_said))) = (now, later) else { return Ok(()) };
        if said.is_empty() && also_said.is_empty() {
            let (now, later) = (now.exposed().0, later.exposed().0);
            prop_assert!(keeps(&now, &later), "{source}\n{now:?}\n{later:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a person types, there is an answer.
    #[test]
    fn configuration_with_a_part_missing_is_answered(at in 0usize..2000, length in 1usize..40) {
        let books = [include_str!("casebook/modules.md"), include_str!("casebook/references.md")];
        for book in books {
            let text: String = book
                .split("```hcl\n")
                .skip(1)
                .filter_map(|part| part.split("```").next())
                .collect();
            let kept: String = text.chars().take(at).chain(text.chars().skip(at + length)).collect();
            let world = World::new([("main.hcl", kept.as_str())]);
            let _ = world.run(&BTreeMap::new());
        }
    }
}
