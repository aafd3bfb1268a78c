//! The items of lists and objects.

use super::{Cut, Found, Frame, Scanner};
use std::ops::Range;

/// One item of a list or an object.
pub(crate) struct Item {
    /// What stands before `=`, `:` or (by mistake) `=>`, and where that stands.
    pub(crate) key: Option<(Found, Range<usize>)>,
    /// The value; empty when there is none.
    pub(crate) value: Found,
}

/// The items of a literal list or object that was scanned before, without fault.
pub(crate) struct Items<'a> {
    scanner: Scanner<'a>,
    is_object: bool,
}

impl<'a> Items<'a> {
    /// `range` has the brackets.
    pub(crate) fn new(text: &'a str, range: &Range<usize>, cut: Cut) -> Self {
        let is_object = text.as_bytes()[range.start] == b'{';
        let inside = range.start + 1..range.end - 1;
        Self { scanner: Scanner::new(text, &inside, Frame::Inside, cut), is_object }
    }

    fn found(&mut self) -> Found {
        let scanner = &mut self.scanner;
        let begin = scanner.begin.take().unwrap_or(scanner.pos);
        let at = begin..scanner.end.max(begin);
        let literal = scanner.closed.take() == Some(at.end);
        Found { at, literal, regions: std::mem::take(&mut scanner.regions) }
    }
}

impl Iterator for Items<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let mut key = None;
        loop {
            let scanner = &mut self.scanner;
            if scanner.pos >= scanner.limit {
                if scanner.begin.is_none() && key.is_none() {
                    return None;
                }
                return Some(Item { key, value: self.found() });
            }
            if scanner.stack.len() == 1 {
                let begun = scanner.begin.is_some() || key.is_some();
                match scanner.bytes[scanner.pos] {
                    b',' => {
                        let value = self.found();
                        self.scanner.pos += 1;
                        return Some(Item { key, value });
                    }
                    b'\n' if self.is_object && begun => {
                        let value = self.found();
                        self.scanner.pos += 1;
                        return Some(Item { key, value });
                    }
                    b'=' | b':' if self.is_object && key.is_none() && scanner.assigns() => {
                        let start = scanner.pos;
                        let found = self.found();
                        let arrow = self.scanner.peek(1) == b'>';
                        self.scanner.pos += if arrow { 2 } else { 1 };
                        key = Some((found, start..self.scanner.pos));
                        continue;
                    }
                    _ => {}
                }
            }
            if !matches!(self.scanner.step(), Ok(true)) {
                self.scanner.pos = self.scanner.limit;
            }
        }
    }
}
