//! The language as people use it: configuration in, values and diagnostics out.

mod answers;
mod casebook;
mod early;
mod laws;
mod oracle;
mod registry;
mod render;
mod scale;
mod world;
