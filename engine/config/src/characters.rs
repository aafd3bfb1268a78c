//! Characters as people count them: a letter with its accents is one.

use unicode_normalization::char::is_combining_mark;

/// The text cut into characters: each with the marks, variants and joined signs that follow
/// it. An approximation of Unicode's grapheme clusters that needs no tables of its own.
pub fn clusters(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut before: Option<char> = None;
    // Flags are pairs of regional signs.
    let mut half_flag = false;
    for (i, c) in text.char_indices() {
        let flag = ('\u{1f1e6}'..='\u{1f1ff}').contains(&c);
        let goes_on = match before {
            None => false,
            Some('\r') => c == '\n',
            Some('\u{200d}') => !c.is_ascii(),
            Some(_) => extends(c) || (flag && half_flag),
        };
        half_flag = flag && !(goes_on && half_flag);
        if !goes_on {
            starts.push(i);
        }
        before = Some(c);
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

/// Whether a sign belongs to the one before it.
fn extends(c: char) -> bool {
    is_combining_mark(c)
        || c == '\u{200d}'
        || ('\u{fe00}'..='\u{fe0f}').contains(&c)
        || ('\u{1f3fb}'..='\u{1f3ff}').contains(&c)
        || ('\u{e0020}'..='\u{e007f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::clusters;

    #[test]
    fn a_letter_with_its_accents_is_one_character() {
        for (text, count) in [
            ("", 0),
            ("hello", 5),
            ("noe\u{308}l", 4),
            ("\u{1f483}\u{1f3ff}", 1),
            ("\u{1f469}\u{200d}\u{1f467}", 1),
            ("\u{1f1e9}\u{1f1ea}\u{1f1eb}\u{1f1f7}", 2),
            ("a\r\nb", 3),
            ("\u{301}a", 2),
        ] {
            assert_eq!(clusters(text).len(), count, "{text:?}");
            assert_eq!(clusters(text).concat(), text);
        }
    }
}
