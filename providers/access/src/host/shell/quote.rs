//! Words as a shell reads them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The word so that a POSIX shell reads exactly it, whatever is in it.
///
/// Between single quotes nothing means anything, except the quote itself. See "Shell Command
/// Language", section 2.2.2, of POSIX.1-2024.
pub(crate) fn quote(word: &str) -> String {
    let mut out = String::with_capacity(word.len() + 2);
    // Writing to a `String` cannot fail.
    let _ = write!(out, "'{}'", word.replace('\'', r"'\''"));
    out
}

/// All words as one command line.
pub(crate) fn line<'a>(words: impl IntoIterator<Item = Cow<'a, str>>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| quote(&word)).collect();
    quoted.join(" ")
}
