//! Every format that leaves the process.
//!
//! This crate answers one question: *how is it written down, and how is it read back without
//! believing too much?* Stored formats ([`state`], [`plan`], [`journal`]) are read strictly:
//! one spelling, a version, a digest. Start reading at [`state`], the smallest one.
//!
//! **Invariant:** this is the only crate that serializes what is ours. Types of the engine have
//! no `Serialize`; the types in `v1` modules have, and never change: another form is a `v2`.
//!
//! **Invariant:** a sensitive value is never written. A mark is written in its place, and reads
//! back as a sensitive value that is not known.
//!
//! **Invariant:** what is written can be read back, or is refused when it is written.
//!
//! **Not here:** files and their permissions (`local`), words and colours (`view`).

pub mod diagnostic;
mod entries;
mod envelope;
mod error;
pub mod event;
pub mod explain;
pub mod head;
pub mod holder;
pub mod journal;
pub mod plan;
pub mod reference;
pub mod show;
pub mod state;
mod strict;
mod text;
pub mod value;

pub use envelope::VERSION;
pub use error::{ReadError, Unwritable};
pub use strict::{MAX_BYTES, MAX_DEPTH};

/// The JSON Schema of every format, each with the name of its file under `schemas/json/`.
pub fn json_schemas() -> Vec<(&'static str, String)> {
    vec![
        ("diagnostic.v1.schema.json", schema_of::<diagnostic::v1::Diagnostic>()),
        ("event.v1.schema.json", schema_of::<event::v1::Line>()),
        ("explain.v1.schema.json", schema_of::<explain::Explanation>()),
        ("graph.v1.schema.json", schema_of::<show::graph::Graph>()),
        ("journal.v1.schema.json", schema_of::<journal::v1::Line>()),
        ("plan.v1.schema.json", schema_of::<plan::v1::File>()),
        ("show-plan.v1.schema.json", schema_of::<show::plan::Plan>()),
        ("show-state.v1.schema.json", schema_of::<show::state::State>()),
        ("state.v1.schema.json", schema_of::<state::v1::File>()),
        ("validate.v1.schema.json", schema_of::<diagnostic::v1::Validation>()),
    ]
}

fn schema_of<T: schemars::JsonSchema>() -> String {
    let schema = schemars::schema_for!(T);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
