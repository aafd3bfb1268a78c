//! What `kubectl` reads in another way than YAML 1.2 says: refused, for the object that is meant is
//! not the one that it would make.
//!
//! Source: the answers of `sigs.k8s.io/yaml` to the YAML test suite; its scanner is a port of
//! libyaml, which reads YAML 1.1. The cases are those of the tests, by their names there.

use granit_parser::ScalarStyle;

/// A scalar, and where it stands.
pub(crate) struct Scalar<'t> {
    /// What it says.
    pub(crate) says: &'t str,
    pub(crate) style: ScalarStyle,
    /// The whole text, and where in it the scalar begins and ends.
    pub(crate) text: &'t str,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether it is inside of `[` or `{`.
    pub(crate) in_flow: bool,
    /// Whether it is all of its document.
    pub(crate) is_root: bool,
}

/// Why a scalar would be another one to `kubectl`.
pub(crate) fn scalar(scalar: &Scalar<'_>) -> Option<&'static str> {
    match scalar.style {
        ScalarStyle::Plain if scalar.in_flow => in_flow(scalar),
        ScalarStyle::Literal | ScalarStyle::Folded => block(scalar),
        _ => None,
    }
}

/// `[?x]` is a key without a value there (HM87), and `{a:,}` the key `a:` (4ABK).
fn in_flow(scalar: &Scalar<'_>) -> Option<&'static str> {
    let after = scalar.text.get(scalar.end..).unwrap_or_default();
    if scalar.says.starts_with('?') {
        return Some("`kubectl` takes the `?` for the mark of a key. Put the word in quotes.");
    }
    after
        .strip_prefix(':')
        .filter(|rest| rest.starts_with([',', '[', ']', '{', '}']))
        .map(|_| "`kubectl` takes the `:` for a part of the key. Write a space after it.")
}

/// A text that is not indented is empty there (FP8R), and of spaces at the end of a file that no
/// line ends some are lost (JEF9, L24T).
fn block(scalar: &Scalar<'_>) -> Option<&'static str> {
    let before = scalar.text.get(..scalar.start).unwrap_or_default();
    let content = scalar.text.get(scalar.start..scalar.end).unwrap_or_default();
    let mut lines = content.split('\n').filter(|line| !line.trim().is_empty());
    if scalar.is_root && before.ends_with('\n') && lines.any(|line| !line.starts_with(' ')) {
        return Some("`kubectl` takes a text that is not indented for an empty one. Indent it.");
    }
    let last = scalar.text.rsplit('\n').next().unwrap_or_default();
    let after = scalar.text.get(scalar.end..).unwrap_or_default();
    if last.is_empty() || !last.trim().is_empty() || !after.trim().is_empty() {
        return None;
    }
    let indent = before.len() - before.trim_end_matches(' ').len();
    let header = before.trim_end().trim_end_matches(|c: char| c.is_ascii_digit());
    let counts = content.trim().is_empty() || header.ends_with('+') || last.len() > indent;
    counts.then_some(
        "`kubectl` reads the spaces that the file ends with in another way. Remove them, or end \
         the line.",
    )
}

/// Why an anchor would be another one: `&an:chor` is `an` there, and a text after it (Y2GN).
pub(crate) fn anchor(name: &str) -> Option<&'static str> {
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (!name.chars().all(usual))
        .then_some("`kubectl` knows anchors of letters, digits, `_` and `-` alone. Rename it.")
}

/// Why a number as a key would be another text: it is written there with the digits that 32 bits
/// hold, and with an exponent from a million on.
pub(crate) fn key(written: &str, as_text: &str) -> Option<&'static str> {
    let is_float = written.contains(['.', 'e', 'E']) && !written.starts_with("0x");
    let same = as_text.parse::<f32>().is_ok_and(|value| {
        let usual = value == 0.0 || (1e-4..1e6).contains(&value.abs());
        usual && value.to_string() == as_text
    });
    (is_float && !same)
        .then_some("`kubectl` writes this number in another way as a key. Put it in quotes.")
}
