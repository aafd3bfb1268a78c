//! Where output goes: data to standard output, talk to standard error.

use crate::args::OutputStyleArgs;
use crate::environment::Environment;
use diags::{Diagnostic, Diagnostics, SourceMap};
use schemas::event::v1::Line;
use std::io::{IsTerminal, Write};
use view::Style;

/// Both streams, and how each is written.
pub(crate) struct Console {
    /// For data.
    pub(crate) out: Style,
    /// For talk.
    pub(crate) err: Style,
    /// Whether everything is JSON lines on standard output.
    pub(crate) json: bool,
}

impl Console {
    pub(crate) fn new(style: &OutputStyleArgs, env: &Environment) -> Self {
        let out = std::io::stdout().is_terminal();
        let err = std::io::stderr().is_terminal();
        let plain = style.no_color || env.no_color || (env.dumb && !env.force_color) || style.json;
        let color = |terminal: bool| !plain && (terminal || env.force_color);
        let width = || terminal_size::terminal_size().map(|(w, _)| usize::from(w.0));
        let style_of = |terminal: bool| Style {
            color: color(terminal),
            width: terminal.then(width).flatten(),
            unicode: env.unicode,
        };
        Self { out: style_of(out), err: style_of(err), json: style.json }
    }

    /// Whether progress may be redrawn.
    pub(crate) fn live(&self) -> bool {
        !self.json && self.err.width.is_some()
    }

    /// Data. A closed pipe is not an error: whoever read has read enough.
    #[expect(clippy::unused_self, reason = "a console is asked, whichever stream it is")]
    pub(crate) fn data(&self, text: &str) {
        write_or_ignore(&mut std::io::stdout().lock(), text);
    }

    /// Talk.
    #[expect(clippy::unused_self, reason = "a console is asked, whichever stream it is")]
    pub(crate) fn talk(&self, text: &str) {
        write_or_ignore(&mut std::io::stderr().lock(), text);
    }

    /// What went wrong or is worth knowing.
    pub(crate) fn diagnostics(&self, all: &Diagnostics, sources: &SourceMap) {
        if all.is_empty() {
            return;
        }
        if self.json {
            for one in all {
                self.line(&view::json::diagnostic(one, sources, crate::commands::now()));
            }
        } else {
            self.talk(&view::human::diagnostics(all, sources, &self.err));
        }
    }

    /// One diagnostic without a place.
    pub(crate) fn diagnostic(&self, one: Diagnostic) {
        self.diagnostics(&Diagnostics::from(one), &SourceMap::default());
    }

    /// The first line of a stream of JSON lines.
    pub(crate) fn begin_stream(&self) {
        if self.json {
            self.line(&Line::version(crate::commands::now(), env!("CARGO_PKG_VERSION")));
        }
    }

    /// One line of JSON.
    pub(crate) fn line(&self, line: &Line) {
        self.data(&format!("{}\n", line.to_json()));
    }
}

/// A line of data from where no console is at hand, such as a listener of events. It must not
/// fail: a run does not stop because nobody reads any more.
pub(crate) fn data_line(line: &str) {
    write_or_ignore(&mut std::io::stdout().lock(), &format!("{line}\n"));
}

/// As [`data_line`], for talk.
pub(crate) fn talk_line(line: &str) {
    write_or_ignore(&mut std::io::stderr().lock(), &format!("{}\n", line.trim_end_matches('\n')));
}

fn write_or_ignore(stream: &mut dyn Write, text: &str) {
    // Nothing useful can be said when the stream that would say it is gone.
    let _gone = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
