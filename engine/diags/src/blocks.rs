//! The block that a place in a configuration stands in: `resource "namespace" "x"`.
//!
//! Works on text that may not parse: strings, templates, here-documents and comments are
//! skipped, braces counted.

use std::ops::Range;

/// The top-level blocks of a text, in order.
#[derive(Debug, Clone)]
pub(crate) struct Blocks(Vec<Block>);

#[derive(Debug, Clone)]
struct Block {
    /// Where the line begins on which its `{` is.
    start: usize,
    /// One past its `}`; beyond every text when there is none.
    end: usize,
    /// What stands before its `{`; nothing when that is no header.
    header: Option<Range<usize>>,
}

impl Blocks {
    pub(crate) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut blocks = Vec::new();
        let mut at = 0;
        let mut depth = 0usize;
        let mut open: Option<(usize, usize)> = None;
        let mut line_start = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'\n' => {
                    at += 1;
                    if depth > 0 && begins_block(&text[at..]) {
                        // The block before is never closed; whoever reads it goes on here, too.
                        if let Some((start, brace)) = open.take() {
                            let header = header(text, start..brace);
                            blocks.push(Block { start, end: at, header });
                        }
                        depth = 0;
                    }
                    if depth == 0 {
                        line_start = at;
                    }
                }
                b'#' => at = end_of_line(bytes, at),
                b'/' if bytes.get(at + 1) == Some(&b'/') => at = end_of_line(bytes, at),
                b'/' if bytes.get(at + 1) == Some(&b'*') => {
                    at = text[at + 2..].find("*/").map_or(bytes.len(), |i| at + 2 + i + 2);
                }
                b'"' => at = after_string(bytes, at + 1),
                b'<' if bytes.get(at + 1) == Some(&b'<') => at = after_heredoc(text, at),
                b'{' | b'[' | b'(' => {
                    if depth == 0 {
                        open = (bytes[at] == b'{').then_some((line_start, at));
                    }
                    depth += 1;
                    at += 1;
                }
                b'}' | b']' | b')' => {
                    depth = depth.saturating_sub(1);
                    at += 1;
                    if depth == 0
                        && let Some((start, brace)) = open.take()
                    {
                        let header = header(text, start..brace);
                        blocks.push(Block { start, end: at, header });
                    }
                }
                _ => at += 1,
            }
        }
        if let Some((start, brace)) = open {
            blocks.push(Block { start, end: usize::MAX, header: header(text, start..brace) });
        }
        Self(blocks)
    }

    /// The header of the block around an offset. When braces do not match, the nearest block
    /// before.
    pub(crate) fn header_around(&self, offset: usize) -> Option<Range<usize>> {
        let first = self.0.partition_point(|block| block.end <= offset);
        let block = self.0.get(first).filter(|block| block.start <= offset)?;
        block.header.clone()
    }
}

/// The blocks of the top level.
const TOP_LEVEL: [&str; 13] = [
    "clinch", "cluster", "rollout", "resource", "data", "variable", "locals", "output", "module",
    "check", "moved", "removed", "import",
];

/// Whether a text begins with the header of a block of the top level, at the margin.
fn begins_block(text: &str) -> bool {
    let line = text.split('\n').next().unwrap_or(text);
    let word = line.split([' ', '"', '{']).next().unwrap_or(line);
    TOP_LEVEL.contains(&word) && line.trim_end().ends_with('{') && !line.contains('=')
}

/// The header without blanks; an attribute (`x = {`) is no block.
fn header(text: &str, at: Range<usize>) -> Option<Range<usize>> {
    let whole = &text[at.clone()];
    let header = whole.trim();
    let start = at.start + (whole.len() - whole.trim_start().len());
    let short = header.len() <= 200 && !header.contains('\n');
    let is_header = short && !header.is_empty() && !header.contains('=');
    is_header.then(|| start..start + header.len())
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| at + i)
}

/// After the quote that closes a string, or at the end of its line when none does.
fn after_string(bytes: &[u8], mut at: usize) -> usize {
    // Each open template remembers how many braces are open inside of it; a quote inside of a
    // template begins another string.
    let mut templates: Vec<usize> = Vec::new();
    let mut inside = true;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' if inside && templates.is_empty() => return at,
            b'\\' if inside => at += 1,
            b'"' if inside => {
                if templates.is_empty() {
                    return at + 1;
                }
                inside = false;
            }
            b'"' => inside = true,
            b'$' | b'%' if inside && bytes.get(at + 1) == Some(&b'{') => {
                at += 1;
                templates.push(0);
                inside = false;
            }
            b'{' if !inside => {
                if let Some(open) = templates.last_mut() {
                    *open += 1;
                }
            }
            b'}' if !inside => match templates.last_mut() {
                Some(open) if *open > 0 => *open -= 1,
                _ => {
                    templates.pop();
                    inside = true;
                }
            },
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn after_heredoc(text: &str, at: usize) -> usize {
    let after = text[at + 2..].strip_prefix('-').unwrap_or(&text[at + 2..]);
    let (first, _) = after.split_once('\n').unwrap_or((after, ""));
    let mark = first.trim();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    if mark.is_empty() || !mark.chars().all(is_name) {
        return at + 2;
    }
    let mut next = text.len() - after.len() + first.len() + 1;
    while let Some(rest) = text.get(next..).filter(|r| !r.is_empty()) {
        let line = rest.split('\n').next().unwrap_or(rest);
        next += line.len() + 1;
        if line.trim() == mark {
            return (next - 1).min(text.len());
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str, offset: usize) -> Option<&str> {
        Blocks::of(text).header_around(offset).map(|at| &text[at])
    }

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let offset = text.find('^').expect("a mark");
        let text = text.replace('^', "");
        assert_eq!(block(&text, offset), want);
    }

    #[test]
    fn the_outermost_block_is_named() {
        check("a \"b\" \"c\" {\n  x { ^y = 1 }\n}\n", Some("a \"b\" \"c\""));
        check("a \"b\" {}\nres^ource \"x\" \"y\" {\n}\n", Some("resource \"x\" \"y\""));
        check("a {}\n^\nb {}\n", None);
        check("locals {\n  a = { b = ^1 }\n", Some("locals"));
        check("x = {\n  b = ^1\n}\n", None);
        check("a {}^", None);
        check("check \"x\" {\n  a = 1\nlocals {\n ^b = 1\n}\n", Some("locals"));
        check("check \"x\" {\n  ^a = [\nlocals {\n b = 1\n}\n", Some("check \"x\""));
        check("a {\n  x {\n  }\n^\nlocals {\n}\n", Some("a"));
        check("^", None);
    }

    #[test]
    fn braces_in_strings_templates_comments_and_here_documents_do_not_count() {
        check(
            "a {\n s = \"}${ { x = \"}\" }[\"k\"] }\"\n # }\n // }\n /* } */\n ^y = 1\n}",
            Some("a"),
        );
        check("a {\n s = <<-EOT\n  }}}\n  EOT\n ^y = 1\n}", Some("a"));
        check("a {\n s = \"\\\"}\"\n ^y = 1\n}", Some("a"));
        check("a {\n s = \"unfinished {\n}\nb {\n ^y = 1\n}", Some("b"));
    }

    #[test]
    fn places_between_blocks_and_beside_others_on_their_line_are_told_apart() {
        check("a {}\nx = {\n}\n^\nb {}", None);
        check("a {} b { ^ }", Some("a {} b"));
        check("a { ^ } b {}", Some("a"));
        check("x = [\n^\n]\nb {}", None);
        check("(\n}\nb { ^", Some("b"));
    }
}
