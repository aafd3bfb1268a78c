//! The language as people use it: configuration in, values and diagnostics out.

mod casebook;
mod oracle;
mod render;
mod world;
