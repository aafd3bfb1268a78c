//! Tests that look inside; those that speak through a client are in `tests/`.

mod smd;
mod vectors;
