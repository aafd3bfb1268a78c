//! What differs between two texts, by line.

use crate::text;
use similar::{ChangeTag, DiffTag, TextDiff};
use std::collections::BTreeSet;

/// Lines around a difference.
const AROUND: usize = 3;
/// The middle of a text beyond which no pairing of lines is looked for.
const TOO_LONG: usize = 10_000;

/// One line of a difference, ready to print.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Same(String),
    Added(String),
    Removed(String),
    /// This many equal lines.
    Hidden(usize),
    /// Something that no line can show.
    Comment(String),
}

/// The difference with three equal lines around it, or with all of them.
pub(super) fn diff(a: &str, b: &str, all: bool) -> Vec<Line> {
    let (old, new) = (split(a), split(b));
    let head = old.iter().zip(&new).take_while(|(x, y)| x == y).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(x, y)| x == y);
    let tail = tail.count();
    let (middle_old, middle_new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);

    let mut tagged: Vec<(ChangeTag, &str)> = Vec::with_capacity(new.len() + middle_old.len());
    tagged.extend(old[..head].iter().map(|l| (ChangeTag::Equal, *l)));
    if middle_old.len() + middle_new.len() > TOO_LONG {
        tagged.extend(middle_old.iter().map(|l| (ChangeTag::Delete, *l)));
        tagged.extend(middle_new.iter().map(|l| (ChangeTag::Insert, *l)));
    } else {
        for op in TextDiff::configure().diff_slices(middle_old, middle_new).ops() {
            let (tag, gone, came) = op.as_tag_tuple();
            if tag == DiffTag::Equal {
                tagged.extend(middle_new[came].iter().map(|l| (ChangeTag::Equal, *l)));
                continue;
            }
            tagged.extend(middle_old[gone].iter().map(|l| (ChangeTag::Delete, *l)));
            tagged.extend(middle_new[came].iter().map(|l| (ChangeTag::Insert, *l)));
        }
    }
    tagged.extend(old[old.len() - tail..].iter().map(|l| (ChangeTag::Equal, *l)));

    let exact = only_blanks_differ(&tagged);
    let mut out = Vec::new();
    let near = if all { vec![true; tagged.len()] } else { near_a_change(&tagged) };
    let mut hidden = 0;
    for ((tag, line), near) in tagged.into_iter().zip(near) {
        if !near {
            hidden += 1;
            continue;
        }
        if hidden > 0 {
            out.push(Line::Hidden(std::mem::take(&mut hidden)));
        }
        out.push(match tag {
            ChangeTag::Equal => Line::Same(text::text_line(line, exact)),
            ChangeTag::Delete => Line::Removed(text::text_line(line, exact)),
            ChangeTag::Insert => Line::Added(text::text_line(line, exact)),
        });
    }
    if hidden > 0 {
        out.push(Line::Hidden(hidden));
    }
    match (a.ends_with('\n'), b.ends_with('\n')) {
        (true, false) => out.push(Line::Comment("the newline at the end goes away".to_owned())),
        (false, true) => out.push(Line::Comment("a newline at the end is added".to_owned())),
        (true, true) | (false, false) => {}
    }
    out
}

fn split(text: &str) -> Vec<&str> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() { Vec::new() } else { text.split('\n').collect() }
}

/// Whether a removed and an added line would look the same: then blanks are written out.
fn only_blanks_differ(tagged: &[(ChangeTag, &str)]) -> bool {
    let looks = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let of = |tag| tagged.iter().filter(move |(t, _)| *t == tag).map(|(_, l)| looks(l));
    let removed: BTreeSet<_> = of(ChangeTag::Delete).collect();
    of(ChangeTag::Insert).any(|l| removed.contains(&l))
}

fn near_a_change(tagged: &[(ChangeTag, &str)]) -> Vec<bool> {
    let mut near = vec![false; tagged.len()];
    for i in 0..tagged.len() {
        if tagged[i].0 != ChangeTag::Equal {
            let from = i.saturating_sub(AROUND);
            let to = (i + AROUND).min(tagged.len() - 1);
            near[from..=to].fill(true);
        }
    }
    near
}
