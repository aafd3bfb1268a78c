//! The casebook: each heading is a case.
//!
//! `hcl` fences are files, `vars` fences values given on the command line, `result ADDRESS`
//! fences what the world decided. A `values` fence holds what comes out of all of it, a
//! `console` fence expressions after `>` with their values. `UPDATE_EXPECT=1` rewrites them.

use crate::world::{World, console};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use values::Value;

struct Fence<'a> {
    info: &'a str,
    body: &'a str,
    /// Where the body stands in the book.
    at: std::ops::Range<usize>,
}

fn fences(text: &str) -> Vec<Fence<'_>> {
    let mut fences = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(info) = line.strip_prefix("```") {
            match open.take() {
                None => open = Some((info.trim(), at + line.len())),
                Some((info, start)) => {
                    fences.push(Fence { info, body: &text[start..at], at: start..at });
                }
            }
        }
        at += line.len();
    }
    fences
}

/// What one case says about its world.
fn world(given: &[&Fence<'_>]) -> (World, BTreeMap<String, Value>) {
    let files = given.iter().filter(|f| f.info.starts_with("hcl"));
    let named =
        |f: &&&Fence<'_>| f.info.split_once(' ').map_or("main.hcl", |(_, name)| name).to_owned();
    let files: Vec<(String, &str)> = files.map(|f| (named(&f), f.body)).collect();
    let mut world = World::new(files.iter().map(|(name, body)| (name.as_str(), *body)));
    let mut results = BTreeMap::new();
    for fence in given {
        if fence.info == "vars" {
            for (name, text) in fence.body.lines().filter_map(|l| l.split_once('=')) {
                world.give(name, text);
            }
        }
        if let Some(addr) = fence.info.strip_prefix("result ") {
            let empty = World::new([("main.hcl", "")]);
            let (mut evaluator, _) = empty.evaluator();
            let mut map = diags::SourceMap::default();
            let expr = config::parse_expression(&mut map, "result", fence.body.trim());
            let expr = expr.expect("a result is an expression");
            let (value, _) = evaluator.evaluate(&addrs::ModuleInstance::root(), &expr);
            results.insert(addr.to_owned(), value);
        }
    }
    (world, results)
}

/// A transcript with every answer made anew.
fn transcript(given: &[&Fence<'_>], body: &str) -> String {
    let (world, results) = world(if given.is_empty() { &[] } else { given });
    let (mut evaluator, mut told) = world.evaluator();
    world.visit(&mut evaluator, &results, &mut |_, _| {}, &mut told);
    let mut out = String::new();
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = line.strip_prefix("> ") else { continue };
        let mut text = first.to_owned();
        let _ = writeln!(out, "{line}");
        while let Some(more) = lines.next_if(|l| l.starts_with("| ")) {
            let _ = writeln!(out, "{more}");
            text.push('\n');
            text.push_str(&more[2..]);
        }
        out.push_str(&console(&world, &mut evaluator, &text));
    }
    out
}

fn check_book(name: &str, book: &str) {
    let mut files: Vec<&Fence<'_>> = Vec::new();
    let mut wrong = String::new();
    let mut updated = String::new();
    let mut copied = 0;
    let fences = fences(book);
    for fence in &fences {
        let got = match fence.info {
            "values" => {
                let (world, results) = world(&files);
                world.run(&results)
            }
            "console" => transcript(&files, fence.body),
            _ => {
                files.push(fence);
                continue;
            }
        };
        files.clear();
        if got != fence.body {
            let heading = book[..fence.at.start].lines().rev().find(|l| l.starts_with('#'));
            let heading = heading.unwrap_or("?");
            let _ =
                writeln!(wrong, "{name}: {heading}\n--- expected\n{}--- got\n{got}", fence.body);
        }
        updated.push_str(&book[copied..fence.at.start]);
        updated.push_str(&got);
        copied = fence.at.end;
    }
    updated.push_str(&book[copied..]);
    assert!(files.is_empty(), "{name}: the last case expects nothing");
    if update(name, &updated) {
        return;
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Writes the book when that is asked for.
#[expect(clippy::disallowed_methods, reason = "a test tool, not the engine")]
fn update(name: &str, updated: &str) -> bool {
    let wanted = std::env::var_os("UPDATE_EXPECT").is_some();
    if wanted {
        let path = format!("{}/tests/casebook/{name}.md", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, updated).expect("the casebook can be written");
    }
    wanted
}

macro_rules! books {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            check_book($name, include_str!(concat!("casebook/", $name, ".md")));
        })*
    };
}

books! {
    expressions_give_what_people_expect: "expressions",
    blocks_become_arguments_in_order: "blocks",
    mistakes_in_blocks_are_placed_and_explained: "mistakes",
    references_that_lead_nowhere_say_what_was_meant: "references",
    repetition_makes_instances_or_says_why_not: "repetition",
    variables_are_given_in_three_ways: "variables",
    modules_have_instances_and_outputs: "modules",
    what_is_not_known_yet_stays_unknown: "unknown",
    functions_do_what_their_page_says: "functions",
}
