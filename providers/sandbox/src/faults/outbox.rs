//! The lines of a watch on their way out, and what a fault makes of them.

use std::collections::VecDeque;

use bytes::Bytes;

use super::WatchFault;

#[derive(Debug)]
enum Line {
    Event(Bytes),
    /// A bookmark or an error.
    Other(Bytes),
}

/// Lines that wait until the client takes them.
#[derive(Debug)]
pub(crate) struct Outbox {
    fault: Option<WatchFault>,
    lines: VecDeque<Line>,
    /// How many events went out.
    sent: u64,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Line(Bytes),
    /// Nothing yet.
    Nothing,
    /// The fault ends the watch like this.
    End(End),
}

/// How a watch ends that a fault has struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    Break,
    Expired,
    Bookmark,
    /// It does not end, and nothing comes any more.
    Never,
}

impl Outbox {
    pub(crate) fn new(fault: Option<WatchFault>) -> Self {
        Self { fault, lines: VecDeque::new(), sent: 0 }
    }

    /// Whether anything would come out now.
    pub(crate) fn is_ready(&self) -> bool {
        self.end().is_some() || !(self.lines.is_empty() || self.waits_for_company())
    }

    /// Whether the next line is a lone event that should go out after its successor.
    fn waits_for_company(&self) -> bool {
        let is_event = |at| matches!(self.lines.get(at), Some(Line::Event(_)));
        self.swaps_next() && !is_event(1)
    }

    fn swaps_next(&self) -> bool {
        self.fault == Some(WatchFault::Swaps)
            && self.sent.is_multiple_of(2)
            && matches!(self.lines.front(), Some(Line::Event(_)))
    }

    /// A line about an object.
    pub(crate) fn event(&mut self, line: Bytes) {
        if self.fault == Some(WatchFault::Repeats) {
            self.lines.push_back(Line::Event(line.clone()));
        }
        self.lines.push_back(Line::Event(line));
    }

    /// A line about the watch itself.
    pub(crate) fn other(&mut self, line: Bytes) {
        self.lines.push_back(Line::Other(line));
    }

    pub(crate) fn next(&mut self) -> Next {
        if let Some(end) = self.end() {
            return Next::End(end);
        }
        if self.waits_for_company() {
            return Next::Nothing;
        }
        if self.swaps_next() {
            self.lines.swap(0, 1);
        }
        match self.lines.pop_front() {
            None => Next::Nothing,
            Some(Line::Other(line)) => Next::Line(line),
            Some(Line::Event(line)) => {
                self.sent += 1;
                Next::Line(line)
            }
        }
    }

    /// How the watch ends, once enough events went out.
    fn end(&self) -> Option<End> {
        let (after, end) = match self.fault.as_ref()? {
            WatchFault::Closes { after } => (after, End::Close),
            WatchFault::Breaks { after } => (after, End::Break),
            WatchFault::Expires { after } => (after, End::Expired),
            WatchFault::Bookmarks { after } => (after, End::Bookmark),
            WatchFault::FallsSilent { after } => (after, End::Never),
            WatchFault::Repeats | WatchFault::Swaps => return None,
        };
        (self.sent >= *after).then_some(end)
    }
}
