//! Views, from plans and events built in code: whole outputs, as a person would read them.

#![expect(clippy::unwrap_used, reason = "tests")]

mod diagnostic;
mod event;
mod json;
mod plan;
mod recorded;
mod safety;
mod tools;
