//! Texts that a person wrote, and places in them.

use crate::blocks::Blocks;
use crate::lines::Lines;
use std::sync::{Arc, OnceLock};

/// One text of a [`SourceMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A range of bytes in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that holds both, when they are in one source; else `self`.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.source != other.source {
            return self;
        }
        Self { start: self.start.min(other.start), end: self.end.max(other.end), ..self }
    }
}

/// A text and the name people know it by.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path as the user would type it, with `/`.
    pub name: Arc<str>,
    /// The text; a byte order mark is already gone.
    pub text: Arc<str>,
    /// Made when the first place is asked for: a text with many mistakes is read once.
    lines: OnceLock<Lines>,
    blocks: OnceLock<Blocks>,
}

impl PartialEq for Source {
    /// What was made of the text does not count.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.text == other.text
    }
}

impl Eq for Source {}

impl Source {
    fn new(name: Arc<str>, text: Arc<str>) -> Self {
        Self { name, text, lines: OnceLock::new(), blocks: OnceLock::new() }
    }

    /// Line and column of a byte offset; of the end for an offset beyond it, of the character's
    /// beginning for one within it.
    pub fn position(&self, offset: u32) -> Position {
        let text = &*self.text;
        let mut end = (offset as usize).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let line_start = text[..end].rfind('\n').map_or(0, |i| i + 1);
        Position {
            line: self.lines.get_or_init(|| Lines::of(text)).line(text, line_start),
            column: text[line_start..end].chars().count() + 1,
        }
    }

    /// The header of the top-level block around an offset, `resource "namespace" "x"`, as
    /// Terraform names it. Nothing where there is none, and in files that have no blocks (YAML,
    /// templates); where braces do not match, the nearest block before.
    pub fn block_around(&self, offset: u32) -> Option<&str> {
        let extension = std::path::Path::new(&*self.name).extension();
        if extension.is_some_and(|e| e != "hcl") {
            return None;
        }
        let blocks = self.blocks.get_or_init(|| Blocks::of(&self.text));
        self.text.get(blocks.header_around(offset as usize)?)
    }
}

/// Line and column as an editor shows them, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// All texts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMap {
    sources: Vec<Source>,
}

impl SourceMap {
    /// Adds a text. More than `u32::MAX` sources or bytes cannot be read by this program.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceId {
        let id = SourceId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        self.sources.push(Source::new(name.into(), text.into()));
        id
    }

    /// The text of an id, if the id is of this map.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// All texts in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.sources)
    }

    /// The text inside a span; empty when the span is not of this map.
    pub fn slice(&self, span: Span) -> &str {
        self.get(span.source)
            .and_then(|s| s.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
    }

    /// [`Source::position`] in one of the texts; the first place when it is not of this map.
    pub fn position(&self, source: SourceId, offset: u32) -> Position {
        self.get(source).map_or(Position { line: 1, column: 1 }, |s| s.position(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_counts_lines_and_characters_from_one() {
        let mut map = SourceMap::default();
        let id = map.add("main.hcl", "a\nbé = 1\n");
        assert_eq!(map.position(id, 0), Position { line: 1, column: 1 });
        assert_eq!(map.position(id, 5), Position { line: 2, column: 3 });
        assert_eq!(map.position(id, 999), Position { line: 3, column: 1 });
    }
}
