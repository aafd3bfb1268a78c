//! The line of source that a label points at, underlined.

use crate::{Style, text};
use diags::{Label, Source, Span};
use unicode_width::UnicodeWidthChar;

/// Columns of source shown when the screen sets no limit.
const LONGEST: usize = 160;
/// Lines shown of a place that spans many.
const MANY: usize = 3;

/// One line of source around a place.
struct Line<'a> {
    number: usize,
    text: &'a str,
    /// The place inside the line, in bytes.
    from: usize,
    to: usize,
}

/// The lines with carets below, without the frame. Empty when the span is not in the source.
pub(super) fn lines(source: &Source, label: &Label, style: Style) -> Vec<String> {
    let places = places(source, label.span);
    let more = places.len() > MANY;
    // The frame, the number and a colon take this many columns.
    let room = style.width.map_or(LONGEST, |w| w.saturating_sub(9).max(20));
    let mut out = Vec::new();
    let last = places.len().min(MANY);
    for (i, line) in places.iter().take(MANY).enumerate() {
        let (shown, before, under) = cut(line, room, style);
        out.push(format!("{:>4}: {shown}", line.number).trim_end().to_owned());
        // The words of the label stand after the last carets.
        let words = if i + 1 == last { text::line(&label.text) } else { "".into() };
        let carets = format!("{}{} {words}", " ".repeat(6 + before), "^".repeat(under.max(1)));
        out.push(carets.trim_end().to_owned());
    }
    if more {
        out.push(format!("      {}", style.dots()));
    }
    out
}

/// The lines that a span touches; at the end of a text, the line that ends there.
fn places(source: &Source, span: Span) -> Vec<Line<'_>> {
    let text = &*source.text;
    let start = boundary(text, span.start as usize);
    let end = boundary(text, span.end as usize).max(start);
    let first = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let mut number = source.position(span.start).line;
    let mut at = first;
    let mut out = Vec::new();
    loop {
        let line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
        let line = text[at..line_end].trim_end_matches('\r');
        let from = start.saturating_sub(at).min(line.len());
        let to = (end.max(at) - at).min(line.len());
        // Blanks before the first word of a later line are not part of what is meant.
        let indent = line.len() - line.trim_start().len();
        let from = if at == first { from } else { indent.min(to) };
        if at == first || from < to {
            out.push(Line { number, text: line, from, to: to.max(from) });
        }
        at = line_end + 1;
        number += 1;
        // One line more than is shown says that there are more.
        if at >= end || at > text.len() || out.len() > MANY {
            return out;
        }
    }
}

fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The line as it is shown, columns before the place, and columns of the place. Cut on both
/// sides when it is longer than the room.
fn cut(line: &Line<'_>, room: usize, style: Style) -> (String, usize, usize) {
    let shown = |part: &str| {
        let mut out = String::new();
        for c in part.chars() {
            match c {
                '\t' => out.push_str("    "),
                c if c.width().is_none() => out.push_str(&text::line(c.encode_utf8(&mut [0; 4]))),
                c => out.push_str(&text::line(c.encode_utf8(&mut [0; 4]))),
            }
        }
        out
    };
    let (head, place) = (shown(&line.text[..line.from]), shown(&line.text[line.from..line.to]));
    let tail = shown(&line.text[line.to..]);
    let (before, under) = (text::width(&head), text::width(&place));
    if before + under + text::width(&tail) <= room {
        return (format!("{head}{place}{tail}"), before, under);
    }
    let dots = style.dots();
    let wide = text::width(dots);
    // A third of the room shows what stands before, the rest what is meant and what follows.
    let (head, before) = if before + under.min(room / 2) <= room - wide {
        (head, before)
    } else {
        let keep = room / 3;
        let skip = before.saturating_sub(keep);
        let (gone, kept) = text::split_at_width(&head, skip);
        debug_assert!(text::width(gone) <= skip);
        let kept = kept.to_owned();
        let before = wide + text::width(&kept);
        (format!("{dots}{kept}"), before)
    };
    let left = room.saturating_sub(before + wide);
    let rest = format!("{place}{tail}");
    let (kept, gone) = text::split_at_width(&rest, left);
    let end = if gone.is_empty() { "" } else { dots };
    (format!("{head}{kept}{end}"), before, under.min(left))
}
