//! Configuration as people write it, and what is said about it.

mod casebook;
mod render;
