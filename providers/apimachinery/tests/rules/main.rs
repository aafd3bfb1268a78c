//! The casebook of the crate: rules of Kubernetes, and the server's own tables as oracles.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unnecessary_wraps,
    reason = "tests: the oracle is found by the environment, its score is printed"
)]

mod common;
mod limits;
mod names;
mod quantity;
mod selector;
mod tables;
