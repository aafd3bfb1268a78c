//! From bytes to text, and short quotations of a text in messages.

use crate::codes;
use diags::{Diagnostic, SourceId, SourceMap, Span};
use unicode_normalization::UnicodeNormalization;

/// Larger files are refused: places in them do not fit the tree.
const MAX_BYTES: usize = 1 << 30;

/// Puts a file into the map; the byte order mark goes, a broken file stays up to its first
/// bad byte so that a message can point at it.
pub(crate) fn add_file(
    map: &mut SourceMap,
    name: &str,
    bytes: Vec<u8>,
) -> Result<SourceId, Box<Diagnostic>> {
    if bytes.len() > MAX_BYTES {
        let detail = format!("`{}` is larger than 1 GiB.", brief(name));
        let diagnostic = Diagnostic::error(codes::UNREADABLE, "File too large", detail)
            .with_help("Keep generated data in a file of its own, outside of the configuration.");
        return Err(Box::new(diagnostic));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let detail = format!("`{}` is UTF-16 text.", brief(name));
        let diagnostic = Diagnostic::error(codes::NOT_UTF8, "File is not UTF-8", detail)
            .with_help("Save the file as UTF-8.");
        return Err(Box::new(diagnostic));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(add_text(map, name, &text)),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            let bad = bytes.get(valid).copied().unwrap_or(0);
            let start = String::from_utf8_lossy(&bytes[..valid]);
            let line = start.matches('\n').count() + 1;
            let source = map.add(name, &*start);
            let end = offset(start.len());
            let detail = format!(
                "`{}` has the byte 0x{bad:02x} on line {line}, at byte {valid} of the file, which is no UTF-8 text.",
                brief(name)
            );
            let diagnostic = Diagnostic::error(codes::NOT_UTF8, "File is not UTF-8", detail)
                .at(Span { source, start: end, end }, "not UTF-8 from here on")
                .with_help("Save the file as UTF-8.");
            Err(Box::new(diagnostic))
        }
    }
}

/// Puts a text into the map without its byte order mark.
pub(crate) fn add_text(map: &mut SourceMap, name: &str, text: &str) -> SourceId {
    map.add(name, text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A place in a text as the tree holds it.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A text that came from outside, cut to what fits a message, on one line.
pub(crate) fn brief(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == LONGEST {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// The nearest of the candidates, for words of a length that a person types.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > 80 { None } else { diags::did_you_mean(word, candidates) }
}

/// The canonical composition, as the language compares texts.
pub(crate) fn nfc(text: &str) -> std::borrow::Cow<'_, str> {
    if text.is_ascii() || unicode_normalization::is_nfc(text) {
        text.into()
    } else {
        text.nfc().collect::<String>().into()
    }
}
