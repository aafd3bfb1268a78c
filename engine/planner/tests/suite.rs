//! Text in (configuration, state, world), text out (changes, steps, diagnostics).
//!
//! The types are made up for these tests: a `thing` has a name, a size that can be changed in
//! place, a colour that cannot, and may stand `in` another thing; a `unit` stands on a node and
//! costs a drain.

mod order;
mod removal;
mod seeing;
mod world;
