//! Version 1 of diagnostics.

use diags::{Label, SourceMap, Span};
use schemars::JsonSchema;
use serde::Serialize;

/// A message for a person, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: Severity,
    /// The headline; never holds text of a user.
    pub summary: String,
    /// What is wrong and why, in sentences.
    pub detail: String,
    /// The address of the resource concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The most important place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// What stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<Snippet>,
    /// The kind of problem, `E0203`. Not in Terraform's format.
    pub code: String,
    /// What to do. Not in Terraform's format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Other places that take part. Not in Terraform's format.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing that depends on this can go on.
    Error,
    /// The work goes on.
    Warning,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Range {
    /// As the user would type it.
    pub filename: String,
    /// The first character.
    pub start: Position,
    /// One past the last.
    pub end: Position,
}

/// A point in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// From 0.
    pub byte: usize,
}

/// The lines that a place touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Snippet {
    /// The block around it: `resource "namespace" "x"`.
    pub context: Option<String>,
    /// The lines.
    pub code: String,
    /// Number of the first line.
    pub start_line: usize,
    /// Where the place begins, in bytes of `code`.
    pub highlight_start_offset: usize,
    /// Where it ends, in bytes of `code`.
    pub highlight_end_offset: usize,
    /// Values that took part.
    pub values: Vec<ExpressionValue>,
}

/// A value that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExpressionValue {
    /// The reference: `var.size`.
    pub traversal: String,
    /// What it was: `is "10 GB"`.
    pub statement: String,
}

/// Another place, and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Related {
    /// What is there.
    pub message: String,
    /// Where.
    pub range: Range,
}

/// What `validate -json` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Validation {
    /// Of this object: minor versions add, major versions break.
    pub format_version: String,
    /// Whether there are no errors.
    pub valid: bool,
    /// How many are errors.
    pub error_count: usize,
    /// How many are warnings.
    pub warning_count: usize,
    /// All of them.
    pub diagnostics: Vec<Diagnostic>,
}

impl Diagnostic {
    /// With its places, as far as their sources are known.
    pub fn new(diagnostic: &diags::Diagnostic, sources: &SourceMap) -> Self {
        let known = |l: &&Label| sources.get(l.span.source).is_some();
        let mut labels = diagnostic.labels.iter().filter(known);
        let first = labels.next();
        let related = labels.filter_map(|l| {
            Some(Related { message: l.text.clone(), range: range(l.span, sources)? })
        });
        Self {
            severity: match diagnostic.severity {
                diags::Severity::Error => Severity::Error,
                diags::Severity::Warning => Severity::Warning,
            },
            summary: diagnostic.summary.to_owned(),
            detail: diagnostic.detail.clone(),
            address: diagnostic.address.clone(),
            range: first.and_then(|l| range(l.span, sources)),
            snippet: first.and_then(|l| snippet(l.span, diagnostic, sources)),
            code: diagnostic.code.to_string(),
            help: diagnostic.help.clone(),
            related: related.collect(),
        }
    }
}

impl Validation {
    /// Of everything there is to say.
    pub fn new(diagnostics: &diags::Diagnostics, sources: &SourceMap) -> Self {
        let errors = diagnostics.iter().filter(|d| d.severity == diags::Severity::Error).count();
        Self {
            format_version: "1.0".to_owned(),
            valid: errors == 0,
            error_count: errors,
            warning_count: diagnostics.len() - errors,
            diagnostics: diagnostics.iter().map(|d| Diagnostic::new(d, sources)).collect(),
        }
    }
}

fn range(span: Span, sources: &SourceMap) -> Option<Range> {
    let source = sources.get(span.source)?;
    let point = |offset: u32| {
        let at = source.position(offset);
        let byte = (offset as usize).min(source.text.len());
        Position { line: at.line, column: at.column, byte }
    };
    let filename = source.name.to_string();
    Some(Range { filename, start: point(span.start), end: point(span.end.max(span.start)) })
}

fn snippet(span: Span, diagnostic: &diags::Diagnostic, sources: &SourceMap) -> Option<Snippet> {
    let source = sources.get(span.source)?;
    let text = &source.text;
    let start = boundary(text, span.start as usize);
    let end = boundary(text, span.end as usize).max(start);
    let first = text[..start].rfind('\n').map_or(0, |i| i + 1);
    // A span that ends with a newline does not touch the line after it.
    let last = if end > start && text[..end].ends_with('\n') { end - 1 } else { end };
    let stop = text[last..].find('\n').map_or(text.len(), |i| last + i);
    let code = text[first..stop].trim_end_matches('\r');
    let values = diagnostic.involved.iter().map(|v| ExpressionValue {
        traversal: v.name.clone(),
        statement: format!("is {}", v.text),
    });
    Some(Snippet {
        context: source.block_around(span.start).map(str::to_owned),
        start_line: source.position(span.start).line,
        highlight_start_offset: (start - first).min(code.len()),
        highlight_end_offset: (end - first).min(code.len()),
        code: code.to_owned(),
        values: values.collect(),
    })
}

fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
