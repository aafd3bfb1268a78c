//! Tests that look inside; those that speak through a client are in `tests/`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod vectors;
