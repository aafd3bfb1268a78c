//! `explain`: what a message's code means, what leads to it, and what to do.

mod pages;

use crate::args::ExplainArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use diags::{Code, Diagnostic, did_you_mean};
use pages::Page;
use schemas::explain;
use std::fmt::Write as _;

const NO_PAGE: Code = Code("E0991");

pub(crate) fn run(args: &ExplainArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let pages = pages::all();
    let Some(code) = args.code.as_deref() else {
        if console.json {
            console.data(&json(&pages));
        } else {
            console.data(&list(&pages));
        }
        return exit::DONE;
    };
    let wanted = spelt(code);
    match pages.iter().find(|page| page.code == wanted) {
        Some(page) if console.json => console.data(&json(std::slice::from_ref(page))),
        Some(page) => console.data(&text(page)),
        None => {
            console.diagnostic(no_page(code, &wanted, &pages));
            return exit::FAILED;
        }
    }
    exit::DONE
}

/// As codes are written: `203`, `e203` and `e0203` are `E0203`.
fn spelt(code: &str) -> String {
    let digits = code.trim_start_matches(['e', 'E']);
    if !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        format!("E{digits:0>4}")
    } else {
        code.to_owned()
    }
}

fn no_page(code: &str, wanted: &str, pages: &[Page]) -> Diagnostic {
    let mut shown: String = code.chars().take(40).collect();
    if shown.len() < code.len() {
        shown.push('…');
    }
    let detail = format!("No message of clinch has the code `{}`.", shown.escape_debug());
    let problem = Diagnostic::error(NO_PAGE, "Unknown code", detail);
    problem.with_help(match did_you_mean(wanted, pages.iter().map(|page| page.code)) {
        Some(meant) => format!("Did you mean `{meant}`? See all with `clinch explain`."),
        None => "See all codes with `clinch explain`.".to_owned(),
    })
}

/// Each code with the first sentence of its page.
fn list(pages: &[Page]) -> String {
    let mut out = String::new();
    for page in pages {
        // Writing to a text cannot fail, here and below.
        let _ = writeln!(out, "{}  {}", page.code, first_sentence(page.cause));
    }
    out
}

fn first_sentence(text: &str) -> String {
    let text = one_line(text);
    let end = text.match_indices(". ").map(|(i, _)| i + 1).next().unwrap_or(text.len());
    text[..end].to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text(page: &Page) -> String {
    let mut out = format!("{}\n\n{}\n\nFor example:\n\n", page.code, page.cause);
    for line in page.example.lines() {
        let _ = writeln!(out, "{}", format!("    {line}").trim_end());
    }
    let _ = writeln!(out, "\nWhat to do:\n\n{}", page.help);
    out
}

fn json(pages: &[Page]) -> String {
    let of = |page: &Page| explain::Page {
        code: page.code.to_owned(),
        cause: one_line(page.cause),
        example: page.example.to_owned(),
        help: one_line(page.help),
    };
    schemas::show::document(&explain::Explanation::new(pages.iter().map(of).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_however_they_are_written() {
        for text in ["E0203", "e0203", "0203", "203", "E203"] {
            assert_eq!(spelt(text), "E0203", "{text}");
        }
        for text in ["", "E", "E02033", "help", "2O3"] {
            assert_eq!(spelt(text), text);
        }
    }

    #[test]
    fn a_code_that_there_is_not_is_cut_and_has_a_near_one() {
        let pages = pages::all();
        let told = no_page("E02O3", "E02O3", &pages);
        assert!(told.help.is_some_and(|h| h.starts_with("Did you mean `E02")));
        assert!(no_page(&"x".repeat(9000), "x", &pages).detail.len() < 200);
    }
}
