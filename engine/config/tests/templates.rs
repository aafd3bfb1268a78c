//! Texts: indentation, strip markers, escapes, heredocs.
//!
//! The expected texts are those that Terraform gives for the same input.

use crate::constant::{self, Data};

fn text(source: &str) -> String {
    match constant::evaluate(source) {
        Data::Text(text) => text,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn texts_are_what_terraform_makes_of_them() {
    for (source, expected) in [
        ("\"${\"a\"}\"", "a"),
        ("\"a${~ \"b\" ~} c\"", "abc"),
        ("\"a ${~ \"b\" ~} c\"", "abc"),
        ("\"a\\n  ${~ \"b\" ~}\\n\\n c\"", "abc"),
        ("<<E\nfoo\nE", "foo\n"),
        ("<<-E\n    foo\n      bar\n\n    baz\n    E", "foo\n  bar\n\nbaz\n"),
        ("<<-E\n    foo\n  \n      bar\n  E", "foo\n  \n  bar\n"),
        (
            "<<-E\n    %{ for a in [\"p\",\"q\"] ~}\n    - ${a}\n    %{ endfor ~}\n    E",
            "    - p\n    - q\n",
        ),
        (
            "<<-E\n  %{ for a in [\"p\",\"q\"] ~}\n    - ${a}\n  %{ endfor ~}\n  E",
            "    - p\n    - q\n",
        ),
        (
            "<<-E\n  %{ for a in [\"p\",\"q\"] }\n    - ${a}\n  %{ endfor }\n  E",
            "\n  - p\n\n  - q\n\n",
        ),
        (
            "<<-E\n  x\n  %{~ for a in [\"p\",\"q\"] ~}\n    - ${a}\n  %{~ endfor ~}\n  y\n  E",
            "  x\n    - p\n    - q\n  y\n",
        ),
        (
            "<<-E\n  %{ if true ~}\n    a\n  %{ else ~}\n   b\n  %{ endif ~}\n  z\n  E",
            "    a\n  z\n",
        ),
        ("<<-E\n  %{ if true }a%{ endif }\n    b\n  E", "a\n  b\n"),
        ("<<-E\n\tfoo\n\t  bar\n  E", "foo\n  bar\n"),
        ("<<-E\n  ${\"x\"}\n    y\n  E", "x\n  y\n"),
        ("<<-E\n    ${\"x\"} z\n  y\n  E", "  x z\ny\n"),
        ("<<-E\n  E", ""),
        ("<<E\nE", ""),
        ("<<E\n\nE", "\n"),
        ("<<E\n  a\\tb $${x} %%{y} \"q\"\nE", "  a\\tb ${x} %{y} \"q\"\n"),
        ("<<E\n  EE\n E x\n  E", "  EE\n E x\n"),
        ("<<-E\n     a\n   ${~ \"b\" ~}\n     c\n   E", "     a\nb     c\n"),
        ("<<-E\n     a\n     ${ \"b\" ~}\n\n\n     c\n   E", "a\nb\n\nc\n"),
        ("<<E\na\n   \n  ${~ \"b\" ~}\n   \n\nc\nE", "a\n   \nb   \n\nc\n"),
        ("\"$${a} %%{b} $a %b $$ %% $${\"", "${a} %{b} $a %b $$ %% ${"),
        ("\"\\u00e9 \\U0001F600 \\\"q\\\"\"", "é 😀 \"q\""),
        (
            "\"%{ if true }x%{ else }y%{ endif }%{ for i, v in [\"a\",\"b\"] }${i}=${v};%{ endfor }\"",
            "x0=a;1=b;",
        ),
        ("\"x %{~ if true ~} a %{~ else ~} b %{~ endif ~} y\"", "xay"),
        ("\"%{ for a in [1,2] ~}  ${a}  %{~ endfor }\"", "12"),
        (
            "<<-E\n    a\n  %{ if true }\n      b\n    %{ endif }\n    c\n  E",
            "  a\n\n    b\n  \n  c\n",
        ),
        ("<<-E\n      a ${\"x\"}\n    b ${\"y\"} c\n      d\n    E", "  a x\nb y c\n  d\n"),
        ("\"é\"", "é"),
        ("\"e\u{301}\"", "é"),
    ] {
        assert_eq!(text(source), expected, "{source}");
        let windows = source.replace('\n', "\r\n");
        assert_eq!(text(&windows).replace("\r\n", "\n"), expected, "with CRLF: {source}");
    }
}
