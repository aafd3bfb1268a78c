//! The whole program, as people use it: texts in a folder, commands, what is printed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod availability;
mod canary;
mod casebook;
mod clusters;
mod control_plane;
mod copies;
mod dns_cache;
mod explain;
mod facts;
mod fences;
mod files;
mod flags;
mod host_faults;
mod kubelets;
mod language;
mod machines;
mod migrations;
mod real;
mod resume;
mod saved;
mod state;
mod support;
mod turns;
