//! From text to blocks: the configuration as a tree, with a span on everything.
mod tree;
pub use tree::*;
