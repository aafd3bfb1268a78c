//! Rust text without its comments and literals.

/// The text with every comment and the inside of every literal blanked out.
///
/// Lengths and line breaks stay, so that a place in the result is a place in the source. This is
/// no parser: it knows just enough of the grammar to tell code from words about code.
pub(super) fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = skip(rest, out.chars().next_back());
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        for c in rest[..skipped].chars() {
            // One blank for each byte keeps the places right.
            let blanks = if c == '\n' { 0 } else { c.len_utf8() };
            out.extend(std::iter::repeat_n(' ', blanks));
            if c == '\n' {
                out.push('\n');
            }
        }
        rest = &rest[skipped..];
    }
    out
}

/// How many bytes at the start of `rest` are a comment or a literal.
fn skip(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    // `r"`, `r#"`, `br"`: the `r` must not be the end of a name.
    let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with('r') && (!in_name || before == Some('b')) {
        let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
        if rest[1 + hashes..].starts_with('"') {
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &rest[2 + hashes..];
            return body.find(&end).map_or(rest.len(), |at| 2 + hashes + at + end.len());
        }
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    0
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A character literal; a lifetime has no closing quote right behind its first letter.
fn character(rest: &str) -> usize {
    let mut inside = rest.chars().skip(1);
    let (first, second) = (inside.next(), inside.next());
    if first == Some('\\') || second == Some('\'') { quoted(rest, '\'') } else { 0 }
}

/// The line number of a byte position.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let got = blank(text);
        assert_eq!(got, want);
        assert_eq!(got.len(), text.len(), "places moved");
    }

    #[test]
    fn comments_and_literals_become_blanks_of_the_same_length() {
        check("a // b\nc", "a     \nc");
        check("a /* /* b */ c */ d", "a                 d");
        check(r#"f("a\"b", x)"#, "f(      , x)");
        check("f(r#\"a\"b\"#, x)", "f(        , x)");
        check("f(b'x', '\\'', '\"')", "f(b   ,     ,    )");
        check("\"ä\" a", "     a");
    }

    #[test]
    fn lifetimes_and_names_that_end_in_r_stay_code() {
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check("for_r\"x\"", "for_r   ");
    }

    #[test]
    fn unfinished_literals_end_with_the_text() {
        check("\"abc", "    ");
        check("/* abc", "      ");
        check("r#\"abc\"", "       ");
    }
}
