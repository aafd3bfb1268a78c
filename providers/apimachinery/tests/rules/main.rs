//! The casebook of the crate: rules of Kubernetes, and the server's own tables as oracles.

mod common;
mod limits;
mod names;
mod quantity;
mod selector;
mod tables;
