//! Diagnostics as plain text.

use diags::{Diagnostics, Severity, SourceMap};
use std::fmt::Write as _;

/// One diagnostic per paragraph: code, place, summary, detail, further places, values, help.
pub(crate) fn diagnostics(map: &SourceMap, diags: &Diagnostics) -> String {
    let mut out = String::new();
    for d in diags {
        let severity = if d.severity == Severity::Warning { "warning " } else { "" };
        let mut labels = d.labels.iter().map(|label| {
            let name = map.get(label.span.source).map_or("?", |s| &s.name);
            let start = map.position(label.span.source, label.span.start);
            let end = map.position(label.span.source, label.span.end);
            let place = if start.line == end.line {
                format!("{name}:{}:{}-{}", start.line, start.column, end.column)
            } else {
                format!("{name}:{}:{}-{}:{}", start.line, start.column, end.line, end.column)
            };
            if label.text.is_empty() { place } else { format!("{place} ({})", label.text) }
        });
        let first = labels.next().unwrap_or_else(|| "nowhere".to_owned());
        let _ = writeln!(out, "{severity}{} {first}: {}", d.code, d.summary);
        let _ = writeln!(out, "  {}", d.detail);
        for label in labels {
            let _ = writeln!(out, "  at {label}");
        }
        for involved in &d.involved {
            let _ = writeln!(out, "  {} is {}", involved.name, involved.text);
        }
        if let Some(help) = &d.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    out
}
