//! Text in, values and places out.

use std::fmt::Write as _;
use values::{Path, Value};

fn read(text: &str) -> String {
    match yaml::documents(text) {
        Ok(documents) => {
            let values: Vec<Value> = documents.iter().map(yaml::Node::to_value).collect();
            format!("{values:?}")
        }
        Err(mistake) => {
            let at = &text[mistake.place.start as usize..mistake.place.end as usize];
            format!("at {at:?}: {}", mistake.why)
        }
    }
}

#[test]
fn plain_words_mean_what_kubernetes_makes_of_them() {
    for (word, meaning) in [
        ("no", "false"),
        ("y", "true"),
        ("014", "12"),
        ("0o14", "12"),
        ("0x1F", "31"),
        ("-0b11", "-3"),
        ("1_000", "1000"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        (".5", "0.5"),
        ("12:30", "\"12:30\""),
        ("2026-11-22", "\"2026-11-22\""),
        ("\"no\"", "\"no\""),
        ("~", "null"),
        ("0.1.2", "\"0.1.2\""),
        ("100m", "\"100m\""),
        ("18446744073709551615", "18446744073709551615"),
        ("+-5", "\"+-5\""),
        ("0x", "\"0x\""),
    ] {
        assert_eq!(read(word), format!("[{meaning}]"), "{word}");
    }
}

#[test]
fn every_document_is_there() {
    assert_eq!(read("a: 1\n---\n# nothing\n---\nb: 2\n"), r#"[{"a": 1}, null, {"b": 2}]"#);
    assert_eq!(read("\u{feff}a: 1\r\nb: 2\r\n"), r#"[{"a": 1, "b": 2}]"#);
    assert_eq!(read(""), "[]");
}

#[test]
fn aliases_and_merges_are_followed() {
    let text = "base: &b {a: 1, b: 2}\nmore:\n  <<: *b\n  b: 3\n";
    assert_eq!(read(text), r#"[{"base": {"a": 1, "b": 2}, "more": {"a": 1, "b": 3}}]"#);
}

#[test]
fn what_would_be_lost_is_a_mistake() {
    assert_eq!(read("a: 1\nb: 2\na: 3\n"), r#"at "a": The key `a` is given twice."#);
    assert_eq!(read("a: .inf"), "at \".inf\": `.inf` is a number that JSON does not have.");
    assert_eq!(read("a: !!int x"), "at \"x\": `x` is marked as `!!int`, and is none.");
    assert_eq!(read("[1, 2]: x"), "at \"[1, 2]\": A key is a text, a number or a truth value.");
}

#[test]
fn text_that_would_not_end_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{inner}]").unwrap();
    }
    assert!(read(&bomb).contains("more than 2000000 parts"), "{}", read(&bomb));
    assert!(read(&"[".repeat(5000)).starts_with("at"));
    assert!(read(&"- ".repeat(5000)).starts_with("at"));
}

#[test]
fn parts_are_found_in_the_text() {
    let text = "kind: Pod\nspec:\n  containers:\n  - name: a\n    image: b\n";
    let documents = yaml::documents(text).unwrap();
    let at = |path: Path| {
        let place = documents[0].place_of(path.steps());
        &text[place.start as usize..place.end as usize]
    };
    assert_eq!(at(Path::of("kind")), "Pod");
    assert_eq!(at(Path::of("spec.containers")), "containers");
    let container = Path::of("spec.containers").index(0);
    assert_eq!(at(container.clone().attr("image")), "b");
    assert_eq!(at(container.clone().attr("command")), "name: a\n    image: b");
    assert_eq!(at(Path::of("status")), text.trim_end());
}

#[test]
fn what_kubectl_takes_for_something_else_is_refused() {
    let refused = [
        (
            "[?x]",
            "at \"?x\": `kubectl` takes the `?` for the mark of a key. Put the word in quotes.",
        ),
        (
            "{a: 1, b:,}",
            "at \"b\": `kubectl` takes the `:` for a part of the key. Write a space after it.",
        ),
        (
            "--- >\nline\n",
            "at \"line\": `kubectl` takes a text that is not indented for an empty one. Indent it.",
        ),
        (
            "a: |\n  x\n   ",
            "at \"x\": `kubectl` reads the spaces that the file ends with in another way. \
             Remove them, or end the line.",
        ),
        (
            "a: &an:chor 1",
            "at \"&an:chor\": `kubectl` knows anchors of letters, digits, `_` and `-` alone. \
             Rename it.",
        ),
        (
            "1e+36: a",
            "at \"1e+36\": `kubectl` writes this number in another way as a key. Put it in quotes.",
        ),
    ];
    for (text, why) in refused {
        assert_eq!(read(text), why, "{text}");
    }
    for (text, values) in [
        ("[x?, {b: , c: 2}]", r#"[["x?", {"b": null, "c": 2}]]"#),
        ("--- |\n  line\n", r#"["line\n"]"#),
        ("a: |\n  x\n  ", r#"[{"a": "x\n"}]"#),
        ("a: |\n  x\n   \n", r#"[{"a": "x\n \n"}]"#),
        ("0.25: a\n12: b", r#"[{"0.25": "a", "12": "b"}]"#),
    ] {
        assert_eq!(read(text), values, "{text}");
    }
}
