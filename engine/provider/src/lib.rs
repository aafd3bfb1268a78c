//! The border between the engine and the world.
//!
//! This crate answers one question: *what must a resource type be able to do?* Two traits on
//! purpose: the pure half ([`Catalog`], [`ResourceKind`]) says what a type is and what a
//! difference means, synchronously and from its arguments alone; the I/O half
//! ([`Providers`]) looks at the world and changes it. Purity is thus a matter of signature. What
//! a type promises beyond its signatures is in [`contract`], which asks any type whether it does.
//!
//! **Invariant:** only messages cross this border: names, values, operations, problems. No
//! client, no generic parameter, no lifetime of the engine, so that a provider could live in
//! another process.
//!
//! **Not here:** HCL (`config`, `lang`); a provider never sees it. Kubernetes; the engine
//! never sees it.

mod catalog;
pub mod contract;
mod world;

pub use catalog::{
    Bracketing, Catalog, DataKind, Decision, Edits, Limits, NoRecipe, Observation, PlanRequest,
    Planned, Recipe, ResourceKind,
};
pub use world::{
    Asked, BoxFuture, Found, Performed, Preview, Progress, Providers, Search, Settled, StepError,
    Wanted,
};
