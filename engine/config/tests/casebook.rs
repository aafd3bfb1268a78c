//! The casebook: each heading is a case, its fences are files in and diagnostics out.
//!
//! `UPDATE_EXPECT=1` rewrites the expected blocks.

use crate::render;
use config::{InMemory, load};
use diags::SourceMap;
use std::fmt::Write as _;

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

/// What is said about the files of one case.
fn answer(files: &[&Fence<'_>]) -> String {
    let mut map = SourceMap::default();
    let name = |f: &Fence<'_>| match f.info.split_once(' ') {
        Some((_, name)) => name.to_owned(),
        None => "main.hcl".to_owned(),
    };
    if let [only] = files
        && only.info.starts_with("tfvars")
    {
        let (_, diags) = config::parse_variables(&mut map, "x.tfvars", only.body);
        return render::diagnostics(&map, &diags);
    }
    let mut sources: InMemory = files.iter().map(|f| (name(f), f.body)).collect();
    let (_, diags) = load(".", &mut sources, &mut map);
    render::diagnostics(&map, &diags)
}

fn check_book(name: &str, book: &str) {
    let fences = fences(book);
    let mut files = Vec::new();
    let mut wrong = String::new();
    let mut updated = String::new();
    let mut copied = 0;
    for fence in &fences {
        if fence.info != "diagnostics" {
            files.push(fence);
            continue;
        }
        let got = answer(&files);
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
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let path = format!("{}/tests/casebook/{name}.md", env!("CARGO_MANIFEST_DIR"));
        #[expect(clippy::disallowed_methods, reason = "the casebook is a file of this crate")]
        std::fs::write(path, updated).expect("the casebook can be written");
        return;
    }
    assert!(wrong.is_empty(), "{wrong}");
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
    mistakes_of_syntax_are_placed_and_explained: "syntax",
    blocks_that_cannot_be_are_explained: "blocks",
    modules_are_found_or_their_absence_is_explained: "modules",
    overrides_are_laid_over_or_refused: "overrides",
    json_is_read_as_the_language: "json",
    what_is_right_is_accepted_in_silence: "accepted",
}
