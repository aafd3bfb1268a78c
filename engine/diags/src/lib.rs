//! What went wrong, for a person: diagnostics with a code, a place and a way out.
//!
//! This crate answers one question: *how does any part of clinch tell a person that
//! something is wrong?* Everything that can fail returns [`Diagnostics`]; nothing here
//! prints. Start reading at [`Diagnostic`].
//!
//! **Invariant:** the summary of a diagnostic is `&'static str`, so it never holds text of
//! a user and can be learned and searched for.
//!
//! **Not here:** the frame, colours and snippets (`view`), and the mapping from an
//! argument's path to a place in a file (`lang`).

mod blocks;
mod lines;
mod source;

pub use source::{Position, Source, SourceId, SourceMap, Span};

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing that depends on this can go on.
    Error,
    /// The work goes on; a person should know.
    Warning,
}

/// The stable name of a kind of problem, `E0203`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A place in a source and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there, in a few words; may be empty.
    pub text: String,
}

/// A value that took part, shown under the snippet: `var.size is "10 GB"`.
///
/// `text` is already rendered and must never come from a sensitive value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Involved {
    /// The reference as it stands in the configuration.
    pub name: String,
    /// What it was, already rendered.
    pub text: String,
}

/// A message for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The kind of problem.
    pub code: Code,
    /// The headline; never holds text of a user.
    pub summary: &'static str,
    /// What is wrong and why, in sentences.
    pub detail: String,
    /// The places, the most important first.
    pub labels: Vec<Label>,
    /// Values that took part.
    pub involved: Vec<Involved>,
    /// What to do, as an imperative.
    pub help: Option<String>,
    /// The address of the resource concerned, as printed.
    pub address: Option<String>,
}

impl Diagnostic {
    /// An error with a headline and an explanation; add the rest with the `with_` methods.
    pub fn error(code: Code, summary: &'static str, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            summary,
            detail: detail.into(),
            labels: Vec::new(),
            involved: Vec::new(),
            help: None,
            address: None,
        }
    }

    /// A warning; otherwise as [`Diagnostic::error`].
    pub fn warning(code: Code, summary: &'static str, detail: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, summary, detail) }
    }

    /// Points at a place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names the resource concerned.
    #[must_use]
    pub fn for_address(mut self, address: impl fmt::Display) -> Self {
        self.address = Some(address.to_string());
        self
    }

    /// Shows a value that took part.
    #[must_use]
    pub fn involving(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.involved.push(Involved { name: name.into(), text: text.into() });
        self
    }
}

/// Everything there is to say, in the order it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Nothing to say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(other);
    }

    /// Whether anything is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// The candidate nearest to a misspelt word, when it is near enough to be meant.
///
/// Near means: at most a third of the word's length in edits, and at most three.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|c| (strsim::damerau_levenshtein(word, c), c))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn nearest_candidate_is_suggested_only_when_it_is_near() {
        let kinds = ["namespace", "config_map", "resource_quota"];
        assert_eq!(did_you_mean("namespce", kinds), Some("namespace"));
        assert_eq!(did_you_mean("resource_quotas", kinds), Some("resource_quota"));
        assert_eq!(did_you_mean("pod", kinds), None);
        assert_eq!(did_you_mean("", kinds), None);
    }
}
