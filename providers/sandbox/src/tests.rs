//! Tests that look inside; those that speak through a client are in `tests/`.

mod readme;
mod smd;
mod vectors;
