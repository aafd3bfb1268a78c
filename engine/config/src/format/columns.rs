//! Lines in cells: what stands before an equals sign, behind it, and the comment at the end.

use super::spaces::apart;
use super::tokens::{Kind, Token};
use crate::characters::clusters;

/// A line as it will be.
pub(super) struct Line<'t> {
    indent: usize,
    /// All of it, or what stands before the equals sign.
    lead: String,
    /// From the equals sign on.
    assign: Option<String>,
    /// At the end, behind something else.
    comment: Option<&'t str>,
    /// The line break.
    end: &'t str,
    /// Whether the equals sign may stand below another one: the value ends on this line, or is
    /// a heredoc.
    aligned: bool,
    /// Blanks before the equals sign and before the comment.
    before: (usize, usize),
}

impl<'t> Line<'t> {
    pub(super) fn new(tokens: &[Token<'t>], indent: usize, end: &'t str) -> Self {
        let (content, comment) = match tokens.split_last() {
            Some((last, content)) if last.kind == Kind::Comment && !content.is_empty() => {
                (content, Some(last.text))
            }
            _ => (tokens, None),
        };
        let mut depth = 0_usize;
        let mut sign = None;
        for (i, token) in content.iter().enumerate() {
            if token.kind == Kind::Assign && i > 0 && depth == 0 {
                sign = Some(i);
                break;
            }
            depth += usize::from(token.kind.opens());
            depth = depth.saturating_sub(usize::from(token.kind.closes()));
        }
        let (lead, assign) = content.split_at(sign.unwrap_or(content.len()));
        let opens = content.iter().filter(|t| t.kind.opens()).count();
        let closes = content.iter().filter(|t| t.kind.closes()).count();
        Self {
            indent,
            lead: spaced(lead),
            assign: sign.map(|_| spaced(assign)),
            comment,
            end,
            aligned: opens <= closes,
            before: (1, 1),
        }
    }

    /// How many columns there are before the comment, without the indentation.
    fn width(&self) -> usize {
        let assign = self.assign.as_ref().map_or(0, |a| self.before.0 + columns(a));
        columns(&self.lead) + assign
    }

    pub(super) fn write(&self, out: &mut String) {
        let spaces = |count: usize| std::iter::repeat_n(' ', count);
        if !self.lead.is_empty() {
            out.extend(spaces(2 * self.indent));
            out.push_str(&self.lead);
        }
        if let Some(assign) = &self.assign {
            out.extend(spaces(self.before.0));
            out.push_str(assign);
        }
        if let Some(comment) = self.comment {
            out.extend(spaces(self.before.1));
            out.push_str(comment);
        }
        out.push_str(self.end);
    }
}

fn spaced(tokens: &[Token<'_>]) -> String {
    let mut out = String::new();
    for (i, token) in tokens.iter().enumerate() {
        out.push_str(token.text);
        let before = i.checked_sub(1).map(|before| tokens[before].kind);
        if tokens.get(i + 1).is_some_and(|next| apart(before, *token, *next)) {
            out.push(' ');
        }
    }
    out
}

/// How many characters, as people count them, the last line of a text has.
fn columns(text: &str) -> usize {
    clusters(text.rsplit('\n').next().unwrap_or(text)).len()
}

/// Puts equals signs of adjoining lines under each other, and then comments.
pub(super) fn align(lines: &mut [Line<'_>]) {
    let has_sign = |line: &Line<'_>| line.assign.is_some() && line.aligned;
    for chain in lines.chunk_by_mut(|a, b| has_sign(a) && has_sign(b)) {
        if has_sign(&chain[0]) {
            let widest = chain.iter().map(|line| columns(&line.lead)).max().unwrap_or(0);
            for line in chain {
                line.before.0 = widest - columns(&line.lead) + 1;
            }
        }
    }
    let has_comment = |line: &Line<'_>| line.comment.is_some();
    for chain in lines.chunk_by_mut(|a, b| has_comment(a) && has_comment(b)) {
        if has_comment(&chain[0]) {
            let width = |line: &Line<'_>| 2 * line.indent + line.width();
            let widest = chain.iter().map(width).max().unwrap_or(0);
            for line in chain {
                line.before.1 = widest - width(line) + 1;
            }
        }
    }
}
