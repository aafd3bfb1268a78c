//! What the pure half promises, and what the recorded answers of a real server say about it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod access;
mod contract;
mod decide;
mod definitions;
mod extended_resource;
mod kinds;
mod lifecycle;
mod node_settings;
mod noop;
mod oracle_canon;
mod oracle_live;
mod oracle_noop;
mod support;
mod workload;
