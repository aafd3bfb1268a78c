//! What is wrong, in the frame that people and tools know from Terraform.
//!
//! `miette`'s reports have another shape, and its graphical handler cannot be given this one;
//! the frame is small enough to be drawn here.

use super::snippet;
use crate::style::Ink;
use crate::{Style, text};
use diags::{Diagnostic, Diagnostics, Label, Severity, SourceMap};
use std::collections::BTreeMap;

/// Warnings with one headline beyond which they are told once, with a count.
const ALIKE: usize = 3;

/// One diagnostic in its frame. Ends with a newline.
pub fn diagnostic(diagnostic: &Diagnostic, sources: &SourceMap, style: &Style) -> String {
    framed(diagnostic, &[], sources, *style)
}

/// All of them, errors last so that they are what remains on the screen. More than three
/// warnings with one headline are told once, with the places of the others.
pub fn diagnostics(all: &Diagnostics, sources: &SourceMap, style: &Style) -> String {
    let mut alike: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for d in all.iter().filter(|d| d.severity == Severity::Warning) {
        alike.entry(d.summary).or_default().push(d);
    }
    let mut out = String::new();
    for d in all.iter().filter(|d| d.severity == Severity::Warning) {
        match alike.get(d.summary).map(Vec::as_slice) {
            Some([first, others @ ..]) if others.len() >= ALIKE => {
                if std::ptr::eq(*first, d) {
                    out.push_str(&framed(d, others, sources, *style));
                }
            }
            _ => out.push_str(&framed(d, &[], sources, *style)),
        }
    }
    for d in all.iter().filter(|d| d.severity == Severity::Error) {
        out.push_str(&framed(d, &[], sources, *style));
    }
    out
}

fn framed(d: &Diagnostic, others: &[&Diagnostic], sources: &SourceMap, style: Style) -> String {
    let (word, ink) = match d.severity {
        Severity::Error => ("Error", Ink::Error),
        Severity::Warning => ("Warning", Ink::Warning),
    };
    let headline = format!(
        "{}{}",
        style.ink(ink, &format!("{word}: ")),
        style.ink(Ink::Strong, &text::line(d.summary))
    );
    let mut lines = vec![headline];
    places(&mut lines, d, sources, style);
    let columns = style.width.map(|w| w.saturating_sub(2).max(20));
    let mut paragraph = |text: &str| {
        if !text.trim().is_empty() {
            lines.push(String::new());
            lines.extend(text::wrap(text, columns));
        }
    };
    paragraph(&d.detail);
    paragraph(d.help.as_deref().unwrap_or_default());
    if !others.is_empty() {
        lines.push(String::new());
        lines.push(format!("And {} more, at:", others.len()));
        lines.extend(others.iter().map(|o| format!("  {}", short_place(o, sources))));
    }
    lines.push(String::new());
    lines.push(style.ink(Ink::Faint, &format!("Code: {}", d.code)));
    frame(&lines, ink, style)
}

/// `│` before each line, so that the end of a message is never in doubt.
fn frame(lines: &[String], ink: Ink, style: Style) -> String {
    let [top, side, bottom] = if style.unicode { ["╷", "│", "╵"] } else { [",", "|", "'"] };
    let mut out = format!("{}\n", style.ink(ink, top));
    for line in lines {
        // A tool looks for the side and one blank at the start of a line without colour.
        let line = format!("{} {line}", style.ink(ink, side));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str(&style.ink(ink, bottom));
    out.push('\n');
    out
}

fn places(lines: &mut Vec<String>, d: &Diagnostic, sources: &SourceMap, style: Style) {
    let known: Vec<&Label> =
        d.labels.iter().filter(|l| sources.get(l.span.source).is_some()).collect();
    if d.address.is_none() && known.is_empty() && d.involved.is_empty() {
        return;
    }
    lines.push(String::new());
    if let Some(address) = &d.address {
        let comma = if known.is_empty() { "" } else { "," };
        lines.push(format!("  with {}{comma}", text::line(address)));
    }
    for (i, label) in known.iter().enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        lines.push(format!("  {}:", on(label, sources)));
        if let Some(source) = sources.get(label.span.source) {
            lines.extend(snippet::lines(source, label, style));
        }
        if i == 0 {
            involved(lines, d, style);
        }
    }
    if known.is_empty() {
        involved(lines, d, style);
    }
}

/// `on main.hcl line 3, in resource "namespace" "x"`.
fn on(label: &Label, sources: &SourceMap) -> String {
    let Some(source) = sources.get(label.span.source) else { return String::new() };
    let line = source.position(label.span.start).line;
    let block = source.block_around(label.span.start);
    let inside = block.map(|b| format!(", in {}", text::line(b))).unwrap_or_default();
    format!("on {} line {line}{inside}", text::line(&source.name))
}

fn short_place(d: &Diagnostic, sources: &SourceMap) -> String {
    match (d.labels.first(), &d.address) {
        (Some(label), _) if sources.get(label.span.source).is_some() => on(label, sources),
        (_, Some(address)) => text::line(address).into_owned(),
        _ => text::line(&d.detail).into_owned(),
    }
}

/// Values that took part.
fn involved(lines: &mut Vec<String>, d: &Diagnostic, style: Style) {
    if d.involved.is_empty() {
        return;
    }
    let (corner, side) = if style.unicode {
        ("├────────────────", "│")
    } else {
        ("|----------------", "|")
    };
    lines.push(format!("    {}", style.ink(Ink::Faint, corner)));
    for value in &d.involved {
        let name = style.ink(Ink::Strong, &text::line(&value.name));
        lines.push(format!(
            "    {} {name} is {}",
            style.ink(Ink::Faint, side),
            text::line(&value.text)
        ));
    }
}
