//! Diagnostics in their frame.

use diags::{Code, Diagnostic, Diagnostics, SourceId, SourceMap, Span};
use view::{Style, human};

const MAIN: &str = "\
variable \"size\" {
  default = \"10 GB\"
}

resource \"resource_quota\" \"team\" {
  name = \"team\"
  hard = {
    memory = var.size
  }
}
";

fn sources(text: &str) -> SourceMap {
    let mut map = SourceMap::default();
    map.add("main.hcl", text);
    map
}

/// The place of a piece of text.
fn span(text: &str, piece: &str) -> Span {
    let start = text.find(piece).unwrap();
    let at = |i: usize| u32::try_from(i).unwrap();
    Span { source: SourceId(0), start: at(start), end: at(start + piece.len()) }
}

fn show(d: &Diagnostic, text: &str, width: Option<usize>) -> String {
    human::diagnostic(d, &sources(text), &Style { width, ..Style::plain() })
}

fn error(text: &str, piece: &str) -> Diagnostic {
    Diagnostic::error(Code("E0301"), "Invalid quantity", "`10 GB` is not a quantity.")
        .at(span(text, piece), "")
}

#[test]
fn error_shows_place_source_underline_value_detail_and_help() {
    let d = Diagnostic::error(
        Code("E0301"),
        "Invalid quantity",
        "`10 GB` is not a quantity: a number is followed by one of `Ki`, `Mi`, `Gi`, `k`, `M`, `G`, \
         without a blank.",
    )
    .at(span(MAIN, "var.size"), "not a quantity")
    .for_address("resource_quota.team")
    .involving("var.size", "\"10 GB\"")
    .with_help("Write `10G` for ten gigabytes:\n\n    default = \"10G\"");
    insta::assert_snapshot!(show(&d, MAIN, Some(70)), @r#"
    ╷
    │ Error: Invalid quantity
    │
    │   with resource_quota.team,
    │   on main.hcl line 8, in resource "resource_quota" "team":
    │    8:     memory = var.size
    │                    ^^^^^^^^ not a quantity
    │     ├────────────────
    │     │ var.size is "10 GB"
    │
    │ `10 GB` is not a quantity: a number is followed by one of `Ki`,
    │ `Mi`, `Gi`, `k`, `M`, `G`, without a blank.
    │
    │ Write `10G` for ten gigabytes:
    │
    │     default = "10G"
    │
    │ Code: E0301
    ╵
    "#);
}

#[test]
fn several_places_are_shown_each_with_its_words() {
    let text = "namespace \"a\" {\n}\n\nnamespace \"a\" {\n}\n";
    let d = Diagnostic::error(Code("E0202"), "Duplicate address", "Two blocks have one address.")
        .at(Span { start: 19, end: 32, ..span(text, "a") }, "declared again here")
        .at(span(text, "namespace \"a\""), "first declared here");
    insta::assert_snapshot!(show(&d, text, None), @r#"
    ╷
    │ Error: Duplicate address
    │
    │   on main.hcl line 4, in namespace "a":
    │    4: namespace "a" {
    │       ^^^^^^^^^^^^^ declared again here
    │
    │   on main.hcl line 1, in namespace "a":
    │    1: namespace "a" {
    │       ^^^^^^^^^^^^^ first declared here
    │
    │ Two blocks have one address.
    │
    │ Code: E0202
    ╵
    "#);
}

#[test]
fn diagnostic_without_a_place_is_only_words() {
    let d = Diagnostic::error(Code("E0901"), "Server is not reachable", "It did not answer.");
    insta::assert_snapshot!(show(&d, "", None), @r#"
    ╷
    │ Error: Server is not reachable
    │
    │ It did not answer.
    │
    │ Code: E0901
    ╵
    "#);
}

#[test]
fn carets_stand_below_wide_combining_and_tabbed_text() {
    let text = "x {\r\n\tname = \"名前n\u{308}\" + bad\r\n}\r\n";
    insta::assert_snapshot!(show(&error(text, "bad"), text, None), @r#"
    ╷
    │ Error: Invalid quantity
    │
    │   on main.hcl line 2, in x:
    │    2:     name = "名前n̈" + bad
    │                            ^^^
    │
    │ `10 GB` is not a quantity.
    │
    │ Code: E0301
    ╵
    "#);
}

#[test]
fn long_line_is_cut_around_the_place() {
    let text = format!("x {{\n  a = [{}bad{}]\n}}\n", "1, ".repeat(200), ", 2".repeat(200));
    insta::assert_snapshot!(show(&error(&text, "bad"), &text, Some(60)), @r#"
    ╷
    │ Error: Invalid quantity
    │
    │   on main.hcl line 2, in x:
    │    2: …, 1, 1, 1, 1, 1, bad, 2, 2, 2, 2, 2, 2, 2, 2, 2, …
    │                         ^^^
    │
    │ `10 GB` is not a quantity.
    │
    │ Code: E0301
    ╵
    "#);
}

#[test]
fn place_over_many_lines_shows_the_first_ones() {
    let text = "x {\n  a = <<EOT\n  one\n\n  two\n  three\n  four\nEOT\n}\n";
    let whole = span(text, "<<EOT\n  one\n\n  two\n  three\n  four\nEOT");
    let d = error(text, "one");
    let d = Diagnostic { labels: Vec::new(), ..d }.at(whole, "not JSON");
    insta::assert_snapshot!(show(&d, text, None), @r#"
    ╷
    │ Error: Invalid quantity
    │
    │   on main.hcl line 2, in x:
    │    2:   a = <<EOT
    │             ^^^^^
    │    3:   one
    │         ^^^
    │    5:   two
    │         ^^^ not JSON
    │       …
    │
    │ `10 GB` is not a quantity.
    │
    │ Code: E0301
    ╵
    "#);
}

#[test]
fn place_at_the_end_of_the_file_has_one_caret() {
    let text = "x {\n  a = 1";
    let end = u32::try_from(text.len()).unwrap();
    let d = error(text, "1");
    let at = Span { source: SourceId(0), start: end, end };
    let d = Diagnostic { labels: Vec::new(), ..d }.at(at, "a `}` is missing");
    insta::assert_snapshot!(show(&d, text, None), @r#"
    ╷
    │ Error: Invalid quantity
    │
    │   on main.hcl line 2, in x:
    │    2:   a = 1
    │              ^ a `}` is missing
    │
    │ `10 GB` is not a quantity.
    │
    │ Code: E0301
    ╵
    "#);
}

#[test]
fn many_warnings_of_one_kind_are_told_once_with_the_other_places() {
    let text = "a = 1\nb = 1\nc = 1\nd = 1\n";
    let warning = |piece| {
        Diagnostic::warning(Code("W0101"), "Unused local", "Nothing refers to it.")
            .at(span(text, piece), "")
    };
    let few: Diagnostics = ["a", "b", "c"].map(warning).into_iter().collect();
    let sources = sources(text);
    assert_eq!(human::diagnostics(&few, &sources, &Style::plain()).matches("Warning:").count(), 3);
    let many: Diagnostics = ["a", "b", "c", "d"].map(warning).into_iter().collect();
    insta::assert_snapshot!(human::diagnostics(&many, &sources, &Style::plain()), @r#"
    ╷
    │ Warning: Unused local
    │
    │   on main.hcl line 1:
    │    1: a = 1
    │       ^
    │
    │ Nothing refers to it.
    │
    │ And 3 more, at:
    │   on main.hcl line 2
    │   on main.hcl line 3
    │   on main.hcl line 4
    │
    │ Code: W0101
    ╵
    "#);
}

#[test]
fn frame_is_drawn_without_unicode_too() {
    let style = Style { unicode: false, ..Style::plain() };
    let d =
        Diagnostic::warning(Code("W0101"), "Old name", "Use the new one.").involving("var.a", "1");
    insta::assert_snapshot!(human::diagnostic(&d, &SourceMap::default(), &style), @r#"
    ,
    | Warning: Old name
    |
    |     |----------------
    |     | var.a is 1
    |
    | Use the new one.
    |
    | Code: W0101
    '
    "#);
}
