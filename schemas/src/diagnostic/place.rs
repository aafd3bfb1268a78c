//! The block that a place in a configuration stands in: `resource "namespace" "x"`.

/// The header of the top-level block around an offset of a file of configuration, as Terraform
/// names it. Other files (YAML, templates) have no blocks.
pub fn enclosing_block<'t>(name: &str, text: &'t str, offset: usize) -> Option<&'t str> {
    let extension = std::path::Path::new(name).extension();
    if extension.is_some_and(|e| e != "hcl") { None } else { block(text, offset) }
}

/// The same for any text.
///
/// Works on text that may not parse: strings, templates, here-documents and comments are
/// skipped, braces counted. When braces do not match, the answer is the nearest block before.
fn block(text: &str, offset: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut depth = 0usize;
    let mut header: Option<(usize, usize)> = None;
    let mut line_start = 0;
    while at < bytes.len() {
        // Past the place and outside of every block: it stands in none.
        if depth == 0 && line_start > offset {
            return None;
        }
        match bytes[at] {
            b'\n' => {
                at += 1;
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
                    header = (bytes[at] == b'{').then_some((line_start, at));
                }
                depth += 1;
                at += 1;
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                at += 1;
                if let Some((start, brace)) = header
                    && depth == 0
                {
                    if (start..at).contains(&offset) {
                        return named(&text[start..brace]);
                    }
                    header = None;
                }
            }
            _ => at += 1,
        }
    }
    let (start, brace) = header.filter(|(start, _)| *start <= offset)?;
    named(&text[start..brace])
}

/// The header without blanks; an attribute (`x = {`) is no block.
fn named(header: &str) -> Option<&str> {
    let header = header.trim();
    let short = header.len() <= 200 && !header.contains('\n');
    (short && !header.is_empty() && !header.contains('=')).then_some(header)
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
    use super::block;

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
}
