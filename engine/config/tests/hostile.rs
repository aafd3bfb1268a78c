//! Input that nobody means well with: no panic, short messages, quick.

use crate::{places, render};
use config::{Config, InMemory, load};
use diags::{Diagnostics, SourceMap};
use proptest::prelude::*;
use serde_json::Value as Json;

pub(crate) fn read(bytes: &[u8]) -> (SourceMap, Config, Diagnostics) {
    let (map, config, diags) = read_as("main.hcl", bytes);
    for module in config.modules.values() {
        for resource in module.resources.values() {
            places::check_body(&map, &resource.body);
        }
        for local in module.locals.values() {
            places::check(&map, &local.value);
        }
    }
    (map, config, diags)
}

pub(crate) fn read_as(name: &str, bytes: &[u8]) -> (SourceMap, Config, Diagnostics) {
    let mut map = SourceMap::default();
    let mut sources: InMemory = [(name, bytes)].into_iter().collect();
    let (config, diags) = load(".", &mut sources, &mut map);
    for d in &diags {
        let length = d.summary.len() + d.detail.len() + d.help.as_ref().map_or(0, String::len);
        assert!(length < 1000, "{} has a message of {length} bytes", d.code);
        assert!(!d.detail.contains('\n'), "{:?}", d.detail);
        for label in &d.labels {
            let source = map.get(label.span.source).expect("a source of the map");
            assert!(source.text.is_char_boundary(label.span.start as usize), "{d:?}");
            assert!(source.text.is_char_boundary(label.span.end as usize), "{d:?}");
            assert!(label.span.start <= label.span.end, "{d:?}");
        }
    }
    (map, config, diags)
}

#[track_caller]
fn says(bytes: &[u8], expected: &str) {
    let (map, _, diags) = read(bytes);
    let got = render::diagnostics(&map, &diags);
    assert_eq!(got.trim_end(), expected.trim_end(), "{}", String::from_utf8_lossy(bytes));
}

fn codes(bytes: &[u8]) -> Vec<&'static str> {
    read(bytes).2.iter().map(|d| d.code.0).collect()
}

#[test]
fn byte_order_mark_is_no_part_of_the_text() {
    says(
        "\u{feff}locals {\n  a = = 1\n}\n".as_bytes(),
        "E0110 main.hcl:2:7-8: Expression cannot be understood
  `=` cannot begin an expression.",
    );
    says(
        "\u{feff}x = 1".as_bytes(),
        "E0129 main.hcl:1:1-2: Argument outside of a block
  `x` stands outside of every block.
  help: Write `locals { x = ... }`, or move it into the block it belongs to.",
    );
}

#[test]
fn windows_line_ends_are_line_ends() {
    let text = "locals {\r\n  a = 1\r\n  b = [\r\n    1,\r\n  ]\r\n  c = <<E\r\nx\r\nE\r\n  d = { a = 1\r\n b = 2 }\r\n}\r\nresource \"n\" \"x\" { a = 1 }\r\n";
    says(text.as_bytes(), "");
    says(
        "locals {\r\n  a = 1\r\n  b = 2 2\r\n}\r\n".as_bytes(),
        "E0110 main.hcl:3:9-10: Expression cannot be understood
  `2` is not expected after `2`.
  help: Put a `,` or an operator between the two.",
    );
}

#[test]
fn bytes_that_are_no_text_are_placed() {
    says(
        b"locals {\n  a = \"\xff\"\n}\n",
        "E0102 main.hcl:2:8-8 (not UTF-8 from here on): File is not UTF-8
  `main.hcl` has the byte 0xff on line 2, at byte 16 of the file, which is no UTF-8 text.
  help: Save the file as UTF-8.",
    );
    says(
        b"\xff\xfel\0o\0",
        "E0102 nowhere: File is not UTF-8
  `main.hcl` is UTF-16 text.
  help: Save the file as UTF-8.",
    );
}

#[test]
fn carriage_returns_alone_are_no_line_ends() {
    says(
        b"locals {\r  a = 1\r}\r",
        "E0104 main.hcl:1:9-10: Carriage return without newline
  Lines end with a newline, or with a carriage return and a newline.
  help: Save the file with Unix or Windows line ends.",
    );
    assert_eq!(codes(b"locals {\n a = 1\r\n b = 2\r3\n}"), ["E0104"]);
}

#[test]
fn nul_is_refused_outside_of_strings() {
    assert_eq!(codes(b"locals {\n  a = \0\n}"), ["E0104"]);
    assert_eq!(codes(b"\0"), ["E0104"]);
    assert_eq!(codes(b"locals {\n  a = \"\0\"\n}"), [""; 0]);
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(codes(b""), [""; 0]);
    assert_eq!(codes(b"\n# only a comment"), [""; 0]);
    assert_eq!(codes("\u{feff}".as_bytes()), [""; 0]);
}

#[test]
fn deep_nesting_is_refused_once_for_each_place() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{a=", "}"),
        ("\"${", "}\""),
        ("f(", ")"),
        ("!", ""),
        ("-", ""),
        ("a ? b : ", ""),
    ] {
        for depth in [66, 10_000] {
            let text = format!(
                "locals {{\n  a = {}1{}\n  b = = 1\n}}",
                open.repeat(depth),
                close.repeat(depth)
            );
            assert_eq!(codes(text.as_bytes()), ["E0112", "E0110"], "{depth} {open}");
        }
    }
    for (open, depth) in [("[", 60), ("{a=", 60), ("\"${", 25)] {
        let close: String = open
            .chars()
            .rev()
            .map(|c| match c {
                '[' => ']',
                '{' => '}',
                '"' => '"',
                _ => ' ',
            })
            .collect();
        let text = format!("locals {{\n  a = {}1{}\n}}", open.repeat(depth), close.repeat(depth));
        assert_eq!(codes(text.as_bytes()), [""; 0], "{depth} {open}");
    }
}

#[test]
fn deep_blocks_are_refused_and_the_next_block_is_read() {
    let text = format!(
        "resource \"a\" \"b\" {{\n{}{}}}\nlocals {{\n  b = = 1\n}}\n",
        "b {\n".repeat(10_000),
        "}\n".repeat(10_000)
    );
    assert_eq!(codes(text.as_bytes()), ["E0112", "E0110"]);
    let fine = format!("resource \"a\" \"b\" {{\n{}{}}}\n", "b {\n".repeat(60), "}\n".repeat(60));
    assert_eq!(codes(fine.as_bytes()), [""; 0]);
}

#[test]
fn long_chains_are_refused() {
    for chain in [
        ".b".repeat(100_000),
        "[0]".repeat(100_000),
        "[*]".repeat(1000),
        " + a".repeat(100_000),
        ".*".repeat(1000),
    ] {
        let text = format!("locals {{\n  a = a{chain}\n}}");
        assert_eq!(codes(text.as_bytes()), ["E0112"], "{}", &chain[..8]);
    }
}

#[test]
fn a_hundred_broken_blocks_are_a_hundred_messages() {
    let breaks = [
        "a = [1, 2",
        "a = \"x",
        "a = 1 2",
        "a 1",
        "a = (",
        "a = f(1,, 2)",
        "\"a\" = 1",
        "a = <<E",
        "a = \"${x\"",
        "a = {",
    ];
    for broken in breaks {
        let block =
            |i: usize| format!("resource \"namespace\" \"n{i}\" {{\n  {broken}\n  b = {i}\n}}\n\n");
        let blocks: Vec<String> = (0..100).map(block).collect();
        let blocks = blocks.concat();
        let (map, _, diags) = read(blocks.as_bytes());
        let lines: Vec<usize> = diags
            .iter()
            .map(|d| {
                let places =
                    d.labels.iter().map(|l| map.position(l.span.source, l.span.start).line);
                places.min().expect("a place")
            })
            .collect();
        let unclosed = broken == "a = {";
        let expected: Vec<usize> = (0..100).map(|i| i * 5 + if unclosed { 1 } else { 2 }).collect();
        assert_eq!(lines, expected, "{broken}");
    }
}

#[test]
fn a_file_of_rubbish_gets_a_bounded_number_of_messages() {
    for rubbish in [
        "a b c\n",
        "= \n",
        "} ",
        "a = [\n",
        "a = (}\n",
        "a = \"\n",
        "a {\n",
        "a = <<E\n",
        "'",
        "\u{201c}",
        "a = True\n",
        "a = [True, True,\n",
        "\"",
        "${",
        "a = {\n}}",
        "/*",
        "resource \"a\" \"b\" {\n",
    ] {
        let text = rubbish.repeat(20_000);
        let (_, _, diags) = read(text.as_bytes());
        let count = diags.len();
        assert!((1..=501).contains(&count), "{rubbish:?}: {count}");
        let last = diags.iter().last().map(|d| d.code.0);
        assert_eq!(count == 501, last == Some("E0118"), "{rubbish:?}: {last:?}");
    }
}

#[test]
fn a_large_file_is_read() {
    // Not larger, since tests run without optimisation.
    let length = 300_000;
    for text in [
        format!("# {}", "x".repeat(length)),
        format!("locals {{\n  a = \"{}\"\n}}", "x".repeat(length)),
        format!("locals {{\n  a = <<E\n{}E\n}}", "text\n".repeat(length / 5)),
        format!("locals {{\n  a = [{}]\n}}", "1,".repeat(length / 10)),
        "\n".repeat(length),
        format!("locals {{\n  a = {}\n}}", "x".repeat(length)),
    ] {
        assert_eq!(codes(text.as_bytes()), [""; 0], "{}", &text[..20]);
    }
    let name = "x".repeat(length);
    assert_eq!(codes(format!("{name} {{}}").as_bytes()), ["E0120"]);
    assert_eq!(codes(format!("resource \"{name} \" \"b\" {{}}").as_bytes()), ["E0123"]);
    assert_eq!(codes(format!("locals {{\n  a = {name} {name}\n}}").as_bytes()), ["E0110"]);
    assert_eq!(codes(format!("locals {{\n  a = {}\n}}", "9".repeat(length)).as_bytes()), ["E0111"]);
}

#[test]
fn a_map_of_thirty_thousand_keys_is_read_whole() {
    let keys = |count: usize| -> String {
        let key = |i: usize| format!("    \"key-{i}\" = {{ cpu = {i} }}\n");
        (0..count).map(key).collect()
    };
    let many = keys(30_000);
    let text = format!("resource \"n\" \"x\" {{\n  for_each = {{\n{many}  }}\n}}");
    let (_, config, diags) = read(text.as_bytes());
    assert!(diags.is_empty());
    let resource = config.modules[&Vec::new()].resources.values().next().expect("one resource");
    let config::Repeat::ForEach(each) = &resource.repeat else { panic!("no for_each") };
    let config::ExprKind::Object(items) = &each.kind else { panic!("no object") };
    assert_eq!(items.len(), 30_000);
    let some = keys(1000);
    let twice = format!("locals {{\n  a = {{\n{some}    \"key-7\" = 1\n  }}\n}}");
    assert_eq!(codes(twice.as_bytes()), ["E0117"]);
    let broken = format!("locals {{\n  a = {{\n{some}    \"x\" = = 1\n  }}\n}}");
    assert_eq!(codes(broken.as_bytes()), ["E0110"]);
}

/// Pieces that make up configuration, and what disturbs it.
fn fragment() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "resource \"a\" \"b\" {\n",
        "locals {\n",
        "}\n",
        "}",
        "{",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "${",
        "%{",
        "~}",
        "=",
        "==",
        "a",
        "a.b",
        " ",
        "\n",
        "\r\n",
        "\r",
        "<<E\n",
        "<<-E\n",
        "\nE\n",
        "for ",
        " in ",
        " : ",
        "=>",
        "...",
        ",",
        "1",
        "1.5e3",
        "007",
        "if ",
        "endif",
        "else",
        "# c\n",
        "/*",
        "*/",
        "//",
        "\\",
        "\\u12",
        "?",
        ":",
        "*",
        "[*]",
        ".*",
        "é",
        "\u{301}",
        "“",
        "\0",
        "\u{feff}",
        "count = 1\n",
        "x = ",
        "variable \"v\" {\n",
        "type = ",
        "object({",
        "optional(",
        "<<<<<<< x\n",
        "::",
        "$${",
        "true",
        "-",
        "!",
        "module \"m\" {\n source = \"./\"\n}\n",
        "lifecycle {\n",
        "ignore_changes = ",
        "depends_on = [",
        "\u{2028}",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

/// JSON whose texts are pieces of the language, under names that mean something and others.
fn json() -> impl Strategy<Value = Json> {
    let text = prop_oneof![fragment(), "[a-c.\\\\\"$\\{}%/\\[\\]\n\u{e9}\u{1f600} ]{0,12}"];
    let names = [
        "resource",
        "variable",
        "locals",
        "lifecycle",
        "dynamic",
        "content",
        "depends_on",
        "type",
        "to",
        "import",
        "moved",
        "a",
        "b",
        "//",
        "replace_triggered_by",
        "",
        "${a}",
        "\"",
    ];
    let name = prop::sample::select(names.map(str::to_owned).to_vec());
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        text.prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((name.clone(), inner), 0..5)
                .prop_map(|items| Json::Object(items.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a file of JSON, and wherever it is cut off.
    #[test]
    fn any_json_is_answered(value in json(), at in 0usize..400) {
        let text = value.to_string();
        let whole = read_as("main.hcl.json", text.as_bytes()).2;
        let is_json = whole.iter().all(|d| !(d.code.0 == "E0149" && d.summary == "Not JSON"));
        prop_assert!(is_json, "{text}");
        read_as("main.hcl.json", &text.as_bytes()[..at.min(text.len())]);
    }

    /// Whatever the bytes, there is an answer.
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
    }

    /// Whatever the order of the pieces, there is an answer.
    #[test]
    fn any_order_of_pieces_is_answered(text in fragment()) {
        read(text.as_bytes());
        let mut map = SourceMap::default();
        let _ = config::parse_variables(&mut map, "x", &text);
        let _ = config::parse_expression(&mut map, "x", &text);
        let inside = format!("locals {{\n  x = [{{ a = \"{text}\" }}, {text}]\n  y = <<-E\n  {text}\n  E\n}}\n");
        read(inside.as_bytes());
    }

    /// A file cut off anywhere is answered.
    #[test]
    fn any_prefix_is_answered(at in 0usize..4000) {
        let text = include_str!("casebook/accepted.md");
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        read(&text.as_bytes()[..at]);
    }
}
