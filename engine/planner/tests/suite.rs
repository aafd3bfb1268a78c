//! Text in (configuration, state, world), text out (changes, steps, diagnostics).

mod order;
mod removal;
mod rollouts;
mod seeing;
mod types;
mod unreachable;
mod world;
