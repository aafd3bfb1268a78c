//! Every form of expression, as the tree has it, with its places.

use crate::places;
use crate::show::show;
use config::{Expr, references};
use diags::SourceMap;
use proptest::prelude::*;

fn parse(source: &str) -> (SourceMap, Expr) {
    let mut map = SourceMap::default();
    match config::parse_expression(&mut map, "x", source) {
        Ok(expr) => (map, expr),
        Err(diags) => panic!("{source}: {}", crate::render::diagnostics(&map, &diags)),
    }
}

#[track_caller]
fn check(source: &str, expected: &str) {
    let (map, expr) = parse(source);
    assert_eq!(show(&expr), expected, "{source}");
    places::check(&map, &expr);
}

#[test]
fn constants_are_read_exactly() {
    check("null", "null");
    check("true", "true");
    check("-5", "-5");
    check("- 5", "-5");
    check("0.1", "0.1");
    check("1e3", "1000");
    check("1.50E-2", "0.015");
    check("1e400 + 1", &format!("(1{} + 1)", "0".repeat(400)));
    check("123456789012345678901234567890", "123456789012345678901234567890");
    check("[18446744073709551616, -0.1e-5]", "[18446744073709551616, -0.000001]");
    check(r#""plain \"text\" \u00e9""#, r#""plain \"text\" é""#);
    check("\"e\u{301}\"", "\"é\"");
}

#[test]
fn operators_bind_as_in_the_specification() {
    check("1 + 2 * 3", "(1 + (2 * 3))");
    check("1 * 2 + 3", "((1 * 2) + 3)");
    check("1 - 2 - 3", "((1 - 2) - 3)");
    check("a || b && c == d", "(a || (b && (c == d)))");
    check("a < b == c > d", "((a < b) == (c > d))");
    check("!a && b", "(not(a) && b)");
    check("-a.b", "neg(a.b)");
    check("(1 + 2) * 3", "(paren((1 + 2)) * 3)");
    check("a ? b : c ? d : e", "if(a, b, if(c, d, e))");
    check("a + 1 > 2 ? b : c", "if(((a + 1) > 2), b, c)");
    check("a % b / c", "((a % b) / c)");
    check("(\n  a\n  + b\n)", "paren((a + b))");
}

#[test]
fn steps_of_a_reference_nest_from_the_inside() {
    check("a.b.c", "a.b.c");
    check("a[\"k\"].b[0]", "a[\"k\"].b[0]");
    check("a.0.b", "a[0].b");
    check("a[b[c]]", "a[b[c]]");
    check("f(x).y", "f(x).y");
    check("(a).b", "paren(a).b");
    check("[1, 2][0]", "[1, 2][0]");
}

#[test]
fn full_splat_takes_everything_that_follows_of_each_item() {
    check("a[*].b[0].c", "splat(a, @.b[0].c)");
    check("a[*].b[*].c", "splat(a, splat(@.b, @.c))");
    check("a[*]", "splat(a, @)");
}

#[test]
fn attribute_splat_takes_only_attributes_and_old_indexes_that_follow() {
    check("a.*.b.c[0]", "splat_attrs(a, @.b.c)[0]");
    check("a.*.b.0", "splat_attrs(a, @.b[0])");
}

#[test]
fn calls_keep_their_arguments() {
    check("f()", "f()");
    check("f(1, [2]...)", "f(1, [2]...)");
    check("f(\n  1,\n  2,\n)", "f(1, 2)");
    check("ns::g::f(1)", "ns::g::f(1)");
}

#[test]
fn keys_of_objects_are_names_unless_in_parentheses() {
    check("{ a = 1, \"b\" : 2 }", "{a: 1, <\"b\">: 2}");
    check("{\n  a = 1\n  b = 2 # two\n}", "{a: 1, b: 2}");
    check("{ (a) = 1 }", "{<paren(a)>: 1}");
    check("{ \"${a}-x\" = 1 }", "{<template(a, \"-x\")>: 1}");
    check("{ null = 1, true = 2, for = 3, 4 = 5 }", "{null: 1, true: 2, for: 3, <4>: 5}");
    check("{}", "{}");
}

#[test]
fn for_expressions_have_all_their_parts() {
    check("[for x in l : x]", "for(x in l: x)");
    check("[for i, x in l : x if i > 0]", "for(i, x in l: x if (i > 0))");
    check("{ for k, v in m : k => v... if v }", "for(k, v in m: k => v... if v)");
    check("[\n  for x in l :\n  x\n]", "for(x in l: x)");
    check("[format, forx]", "[format, forx]");
}

#[test]
fn templates_are_parts_and_plain_texts_are_strings() {
    check("\"${a}\"", "template(a)");
    check("\"x${a}y\"", "template(\"x\", a, \"y\")");
    check("\"$${a} %%{b}\"", "\"${a} %{b}\"");
    check("\"%{ if a }1%{ else }2%{ endif }\"", "template(if(a, [\"1\"], [\"2\"]))");
    check("\"%{ for k, v in m }${k}%{ endfor }\"", "template(for(k, v in m: [k]))");
    check("\"${f(\"in ${\"ner\"}\")}\"", "template(f(template(\"in \", \"ner\")))");
    check("<<E\nplain\nE", "\"plain\\n\"");
    check("f(<<A\n${a}\nA\n, <<-B\n  b\n  B\n)", "f(template(a, \"\\n\"), \"b\\n\")");
    check("<<E\n${ { a = <<F\nin\nF\n}.a }\nE", "template({a: \"in\\n\"}.a, \"\\n\")");
}

#[test]
fn comments_may_stand_anywhere_between() {
    check("/* a */ 1 /* b */ + /* c */ 2 // d", "(1 + 2)");
    check("# a\n\n1 # b\n\n# c\n", "1");
    check("[ # one\n 1, // \"two\n /* ] */ 2 ]", "[1, 2]");
    check("{ /* } */ a = 1 # }\n }", "{a: 1}");
}

#[test]
fn a_long_list_reads_as_a_short_one() {
    let items: Vec<String> = (0..1000).map(|i| format!("{{ n = {i} }}")).collect();
    let (map, expr) = parse(&format!("f([\n{}\n])", items.join(",\n")));
    let expected: Vec<String> = (0..1000).map(|i| format!("{{n: {i}}}")).collect();
    assert_eq!(show(&expr), format!("f([{}])", expected.join(", ")));
    places::check(&map, &expr);
}

#[test]
fn a_long_object_reads_as_a_short_one_in_every_layout() {
    let expected: Vec<String> = (0..1000).map(|i| format!("k{i}: template(x, \"-{i}\")")).collect();
    let item = |i: usize| format!("k{i} = \"${{x}}-{i}\"");
    for (before, between, after) in [
        ("", ", ", ""),
        ("\n", "\n", "\n"),
        ("\r\n  ", "\r\n  ", "\r\n"),
        ("# first }\n", ", # next }\n", ",\n# last {\n"),
        ("\n\n", "\n\n\n", ""),
    ] {
        let items: Vec<String> = (0..1000).map(item).collect();
        let source = format!("[{{{before}{}{after}}}.k3]", items.join(between));
        let (map, expr) = parse(&source);
        assert_eq!(show(&expr), format!("[{{{}}}.k3]", expected.join(", ")), "{before:?}");
        places::check(&map, &expr);
    }
}

#[test]
fn references_are_all_there_without_bound_names() {
    #[track_caller]
    fn check(source: &str, expected: &[&str]) {
        let (map, expr) = parse(source);
        let found: Vec<String> =
            references(&expr).iter().map(|r| map.slice(r.span).to_owned()).collect();
        assert_eq!(found, expected, "{source}");
    }
    check("a.b[\"c\"].d + e.f", &["a.b[\"c\"].d", "e.f"]);
    check("a.b[local.x].c", &["a.b", "local.x"]);
    check("a.b[0].c[f(var.y)]", &["a.b[0].c", "var.y"]);
    check("a.b[*].c[var.i]", &["a.b", "var.i"]);
    check("a.b.*.c", &["a.b"]);
    check("[for k, v in a.m : v.x if v.y != k && b.c]", &["a.m", "b.c"]);
    check("[for a in a.m : a.x]", &["a.m"]);
    check("{ for k, v in a.m : k => [for k in v : k.z + q.r] }", &["a.m", "q.r"]);
    check("\"%{ for x in a.l }${x}${b.c}%{ endfor }${x.y}\"", &["a.l", "b.c", "x.y"]);
    check("\"%{ if a.b }${c.d}%{ else }${e.f}%{ endif }\"", &["a.b", "c.d", "e.f"]);
    check("<<E\n%{ for x in a.l ~}\n${x}\n%{ endfor ~}\nE", &["a.l"]);
    check("{ a = b.c, (d.e) = 1, \"${f.g}\" = 2 }", &["b.c", "d.e", "f.g"]);
    check("f(a.b, c.d...)", &["a.b", "c.d"]);
    check("-a.b ? !c.d : (e.f)", &["a.b", "c.d", "e.f"]);
    check("(a.b).c", &["a.b"]);
    check("each.value", &["each.value"]);
}

#[test]
fn steps_of_a_reference_tell_names_from_numbers() {
    let (_, expr) = parse("module.m[\"k\"].out[0]");
    let found = references(&expr);
    let names: Vec<Option<&str>> = found[0].steps.iter().map(|step| step.name()).collect();
    assert_eq!(found[0].root.as_str(), "module");
    assert_eq!(names, [Some("m"), Some("k"), Some("out"), None]);
}

/// Values as people write them, with their spaces and comments.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-2",
        "0",
        "1.50",
        "1e3",
        "123456789012345678901",
        "true",
        "null",
        "x",
        "var.a.b",
        "\"\"",
        "\"plain\"",
        "\"é\"",
        "\"a\\nb\"",
        "\"$${x} %\"",
        "\"a ${x.y} b\"",
        "f(x)",
        "x[0]",
        "x[\"k\"].y",
        "a + b",
        "!x",
        "x ? 1 : 2",
        "(x)",
        "[for i in l : i]",
        "{ for k, v in m : k => v }",
        "<<E\nh ${x}\nE\n",
        "<<-E\n  h\n  E\n",
        "ns::f(1, [2]...)",
        "a[*].b",
        "x.0",
        "f({ a = [1, 2] })",
    ])
    .prop_map(str::to_owned);
    let space =
        || prop::sample::select(vec!["", " ", "  ", "\n", " # c, } ]\n", "/* , = */", "\r\n"]);
    let key = prop::sample::select(vec![
        "a",
        "b-c",
        "\"k\"",
        "\"k ${x}\"",
        "null",
        "(x.y)",
        "7",
        "for",
        "é",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let item = (space(), inner.clone(), space()).prop_map(|(a, v, b)| format!("{a}{v}{b}"));
        let list = (prop::collection::vec(item, 0..5), any::<bool>()).prop_map(|(items, comma)| {
            let comma = if comma && !items.is_empty() { "," } else { "" };
            format!("[{}{comma}]", items.join(","))
        });
        let assign = prop::sample::select(vec!["=", " = ", ":", " /* = */ : "]);
        let end = prop::sample::select(vec![",", "\n", " # end\n", ",\n\n", "\r\n"]);
        let entry = (space(), key.clone(), assign, inner, end);
        let object = prop::collection::btree_map(0..50u8, entry, 0..5).prop_map(|entries| {
            let entries = entries.into_iter().map(|(n, (space, key, assign, value, end))| {
                // A heredoc's marker stands alone, so what ends the item is its own newline.
                let end = if value.ends_with('\n') { "" } else { end };
                let key = if key.starts_with(|c: char| c.is_alphabetic()) {
                    format!("{key}{n}")
                } else {
                    key.replacen('k', &format!("k{n}"), 1)
                };
                format!("{space}{key}{assign}{value}{end}")
            });
            format!("{{{}}}", entries.collect::<String>())
        });
        prop_oneof![list, object]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A value is the same whether it is read here or, in parentheses, by the parser.
    #[test]
    fn value_is_the_same_in_parentheses(value in value()) {
        let mut map = SourceMap::default();
        let alone = config::parse_expression(&mut map, "x", &value);
        let inside = config::parse_expression(&mut map, "x", &format!("({value})"));
        match (alone, inside) {
            (Ok(alone), Ok(inside)) => {
                prop_assert_eq!(format!("paren({})", show(&alone)), show(&inside));
                places::check(&map, &alone);
                places::check(&map, &inside);
            }
            (Err(_), Err(_)) => {}
            (Ok(alone), Err(diags)) => {
                let said = crate::render::diagnostics(&map, &diags);
                prop_assert!(false, "{}: only in parentheses: {said}", show(&alone));
            }
            (Err(diags), Ok(inside)) => {
                let said = crate::render::diagnostics(&map, &diags);
                prop_assert!(false, "{}: only alone: {said}", show(&inside));
            }
        }
    }
}
