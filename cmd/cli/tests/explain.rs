//! `explain`: every code that a message can have has a page, and its example is one.

use crate::support::Desk;
use regex::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A heading, the kind of its example, and the example.
struct Example {
    code: String,
    kind: String,
    text: String,
}

/// The pages as they are written.
fn examples() -> Vec<Example> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/explain");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "md") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for page in text.split("\n## ").skip(1) {
            let (code, rest) = page.split_once('\n').unwrap();
            let (_, rest) = rest.split_once("\n```").unwrap();
            let (kind, rest) = rest.split_once('\n').unwrap();
            let (text, _) = rest.split_once("\n```\n").unwrap();
            let [code, kind, text] = [code, kind, text].map(str::to_owned);
            found.push(Example { code, kind, text: text + "\n" });
        }
    }
    found
}

fn sources(folder: PathBuf, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// All codes that a crate defines.
fn defined() -> BTreeSet<String> {
    let mut files = Vec::new();
    for room in ["engine", "providers", "cmd"] {
        for entry in std::fs::read_dir(Path::new(ROOT).join(room)).unwrap() {
            let src = entry.unwrap().path().join("src");
            if src.is_dir() {
                sources(src, &mut files);
            }
        }
    }
    let code = Regex::new(r#"(?:const \w+: Code = Code\(|^    \w+ = )"(E0\d{3})""#).unwrap();
    let of = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.lines().filter_map(|l| code.captures(l)).map(|c| c[1].to_owned());
        lines.collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let defined = defined();
    assert!(defined.len() > 300, "the codes are not found any more: {}", defined.len());
    let pages: BTreeSet<String> = examples().into_iter().map(|e| e.code).collect();
    let lacking: Vec<_> = defined.difference(&pages).collect();
    let unused: Vec<_> = pages.difference(&defined).collect();
    assert!(
        lacking.is_empty() && unused.is_empty(),
        "without a page in cmd/cli/src/commands/explain/*.md: {lacking:?}; without a code: {unused:?}"
    );
}

#[test]
fn an_example_is_answered_with_the_code_that_it_explains() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for Example { code, kind, text } in examples() {
        let command = match kind.as_str() {
            "hcl" => "validate",
            "hcl plan" => "plan",
            "console" | "text" => continue,
            other => panic!("{code}: an example is hcl, hcl plan, console or text, not {other}"),
        };
        tried += 1;
        let desk = Desk::new();
        desk.write("main.hcl", &text);
        let said = desk.run(&[command]);
        if !said.all().contains(&format!("Code: {code}")) {
            wrong.push(format!("---- {code}\n{text}---- {command} says\n{}", said.all()));
        }
    }
    assert!(tried > 80, "only {tried} examples can be tried");
    assert!(wrong.is_empty(), "{} of {tried}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn explain_prints_a_page_a_list_or_json() {
    let desk = Desk::new();
    let page = desk.run(&["explain", "e0211"]);
    assert_eq!(page.code, 0);
    for part in ["E0211\n\n", "\nFor example:\n\n    locals {\n", "\nWhat to do:\n\nCorrect"] {
        assert!(page.out.contains(part), "{}", page.all());
    }
    let list = desk.run(&["explain"]).out;
    assert!(list.lines().count() > 300);
    assert!(list.lines().all(|l| l.starts_with("E0") && l.len() > 20), "{list}");
    let json = desk.run(&["explain", "211", "-json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["pages"][0]["code"], "E0211");
    let unknown = desk.run(&["explain", "E0291"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.all().contains("Code: E0991"), "{}", unknown.all());
}

#[test]
fn there_is_a_manual_page_of_every_command_and_a_completion_for_every_shell() {
    let desk = Desk::new();
    let said = desk.run(&["man", "pages"]);
    assert_eq!(said.code, 0, "{}", said.all());
    for (page, words) in [
        ("clinch.1", "explain"),
        ("clinch-plan.1", "detailed"),
        ("clinch-state-list.1", "addresses"),
        ("clinch-lock-release.1", "force"),
    ] {
        // Two lines of preparation come before the title.
        let text = std::fs::read_to_string(desk.dir().join("pages").join(page)).unwrap();
        assert!(text.starts_with(".ie") && text.contains(words), "{page}: {text}");
    }
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = desk.run(&["completion", shell]);
        assert_eq!(said.code, 0, "{shell}");
        for word in ["explain", "detailed-exitcode"] {
            assert!(said.out.contains(word), "{shell} does not complete {word}");
        }
    }
}
