//! What `fmt` changes, as a unified diff.

use crate::text;
use similar::TextDiff;

/// The lines of a file that differ, with a few around them, in the form that `patch` reads.
pub fn text_diff(old: &str, new: &str, name: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let (before, after) = (format!("old/{name}"), format!("new/{name}"));
    let unified = diff.unified_diff().context_radius(3).header(&before, &after).to_string();
    let mut out = String::new();
    for line in unified.split_inclusive('\n') {
        let line = line.trim_end_matches('\n');
        // A file may hold signs that a terminal would obey.
        let obeyed = line.trim_end_matches('\r').contains(|c: char| c.is_control() && c != '\t');
        out.push_str(&if obeyed { text::line(line) } else { line.into() });
        out.push('\n');
    }
    out
}
