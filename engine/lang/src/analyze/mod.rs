//! What can be said about a configuration before anything has a value.
//!
//! Start reading at [`analyze`]. [`bodies`] compares blocks with schemas, [`names`] follows
//! every reference, [`ephemeral`] what is kept nowhere, [`cycles`] tells what needs itself.

mod bodies;
mod cycles;
mod ephemeral;
mod named;
mod names;

pub(crate) use bodies::unknown_type;

use crate::{References, Schemas, graph};
use config::Config;
use diags::Diagnostics;

/// Checks everything that needs no value, and finds out what needs what.
///
/// Reports unknown types, arguments, blocks, references and functions with what was probably
/// meant, missing arguments, and cycles. The references are complete even then, so that the
/// rest of the configuration can still be planned.
pub fn analyze(config: &Config, schemas: &dyn Schemas) -> (References, Diagnostics) {
    let (mut references, stuck) = graph::build(config);
    let mut told = Diagnostics::new();
    for (path, module) in &config.modules {
        for resource in module.resources.values() {
            bodies::check(schemas, resource, &mut told);
        }
        names::check(config, schemas, path, module, &mut told);
        named::check(config, path, module, &mut told);
        ephemeral::check(config, path, module, &mut told);
    }
    cycles::check(&references.graph, &stuck, &mut told);
    // In the order in which a person reads the files.
    let mut told: Vec<_> = told.into_iter().collect();
    told.sort_by_key(|d| d.labels.first().map(|l| l.span));
    let told: Diagnostics = told.into_iter().collect();
    references.told = told.iter().map(graph::place_of).collect();
    (references, told)
}
