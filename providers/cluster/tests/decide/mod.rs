//! What is decided about an object, case by case.

mod case;
mod changing;
mod creating;
mod hidden;
mod ignoring;
mod others;
mod refused;
mod removing;

pub(crate) use case::*;
