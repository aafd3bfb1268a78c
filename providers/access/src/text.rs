//! Making text from elsewhere fit to be shown.

/// The longest text of a server, a plugin or a host that is repeated to a person.
const LONGEST: usize = 2_000;

/// The text on one line, without control characters, and not longer than people read.
///
/// What a server or a host says can hold anything: terminal escapes, carriage returns,
/// characters that turn the direction of writing, a gigabyte.
pub fn clean(text: &str) -> String {
    let mut out = String::new();
    let mut space = false;
    for c in text.trim().chars() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        if c.is_whitespace() || c.is_control() {
            space = true;
        } else if !is_invisible(c) {
            if space && !out.is_empty() {
                out.push(' ');
            }
            space = false;
            out.push(c);
        }
    }
    out
}

/// Characters that show nothing and change how others are shown.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// As a sentence: a capital letter at the start is left to the author, a full stop is added.
pub fn sentence(text: &str) -> String {
    let text = clean(text);
    if text.is_empty() || text.ends_with(['.', '!', '?', '…', ':']) { text } else { text + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_and_new_lines_do_not_reach_a_person() {
        assert_eq!(clean("a\x1b[31mred\r\n\tb\u{202e}c\u{0}"), "a [31mred bc");
        assert_eq!(sentence(" no such thing "), "no such thing.");
    }

    #[test]
    fn endless_text_is_cut() {
        let long = clean(&"x".repeat(1_000_000));
        assert!(long.len() < 2_100 && long.ends_with('…'));
    }
}
