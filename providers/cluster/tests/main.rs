//! What the pure half promises, and what the recorded answers of a real server say about it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod oracle_noop;
mod support;
