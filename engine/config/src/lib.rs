//! From text to blocks: the configuration as a tree, with a span on everything.
//!
//! This crate answers one question: *what does the configuration say?* It is the second
//! stage, after the bytes are there and before anything is evaluated. Start reading at
//! [`load`], then [`Config`]: modules, blocks, arguments, and [`Expr`] for what is still
//! syntax. [`references`] tells what an expression refers to.
//!
//! The structure of a file (blocks, arguments) and of its data (lists, objects, plain values)
//! is read by a reader of our own; every other expression is parsed by `hcl-edit` by itself
//! and lowered at once to the compact tree. So one broken argument hides nothing else, and
//! memory holds our tree alone. In order: `read` (blocks and arguments), `scan` (where an
//! expression ends), `lower` (expressions), `blocks` (what they declare), `load` (directories
//! and modules); `syntax` and `explain` put mistakes in a person's words.
//!
//! **Invariant:** reading never fails and never panics, whatever the bytes are. Where
//! something could not be read there is a diagnostic, and the tree holds `null` or nothing.
//!
//! **Invariant:** a tree is never deeper than a recursive walk can bear.
//!
//! **Not here:** resource types and their arguments, evaluation and functions (`lang`); the
//! disk (whoever implements [`Sources`]).

mod blocks;
mod characters;
pub mod codes;
mod early;
mod explain;
mod expr;
mod files;
mod format;
mod json;
mod load;
mod lower;
mod manifests;
mod named;
mod overrides;
mod read;
mod references;
mod scan;
mod syntax;
mod text;
mod tree;
mod types;
mod words;

pub use characters::clusters;
pub use early::{Constants, EarlyTexts, constant_text};
pub use files::{file_name, file_pattern, parse_template, read_set, read_template, read_text};
pub use format::{format, layout};
pub use load::{
    InMemory, SourceFile, Sources, Unreadable, is_config_file, load, load_with, parse_expression,
    parse_variables,
};
pub use manifests::{Pattern, read_manifests};
pub use named::{Import, LateKey, Moved, Named, NamedResource, Removed};
pub use references::{Reference, ReferenceStep, references};
pub use tree::*;
