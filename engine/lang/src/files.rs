//! Which files a configuration reads: found by evaluating all of it with nothing read so far.
//!
//! A plan is made from texts that are all at hand. What names a file may be computed in any way
//! from texts, variables, locals, `each` and other files, but not from results.

use crate::eval::files::Wanted;
use crate::functions::files::OF_FILES;
use crate::manifests::exprs;
use crate::references::{Found, walk};
use crate::{Evaluator, References, Schemas};
use addrs::Ident;
use config::Config;
use diags::Span;
use std::collections::BTreeMap;
use values::Value;

/// What expressions ask for that is not in the configuration yet, each with its place. Reading
/// it may lead to more.
pub fn wanted_files(
    config: &Config,
    schemas: &dyn Schemas,
    references: &References,
    variables: &BTreeMap<Ident, Value>,
    cwd: &str,
) -> BTreeMap<Wanted, Span> {
    if !config.modules.values().flat_map(exprs).any(reads_files) {
        return BTreeMap::new();
    }
    let mut evaluator = Evaluator::new(config, schemas, references, variables.clone(), cwd);
    evaluator.wish();
    // What goes wrong here goes wrong again where the value is needed, and is told there.
    let _ = evaluator.validations();
    for block in references.order() {
        for addr in evaluator.instances(references.addr(*block)).unwrap_or_default() {
            let _ = evaluator.preconditions(&addr);
            let _ = evaluator.arguments(&addr);
            let _ = evaluator.lifecycle(&addr);
        }
    }
    let root = config.modules.get(&Vec::new());
    for name in root.into_iter().flat_map(|root| root.clusters.keys()) {
        let _ = evaluator.cluster(name);
    }
    let _ = evaluator.rollouts();
    let _ = evaluator.outputs();
    let _ = evaluator.checks();
    let _ = evaluator.validations_of_modules();
    evaluator.wishes()
}

fn reads_files(expr: &config::Expr) -> bool {
    let mut found = false;
    walk(expr, &mut |part| {
        found |= matches!(part, Found::Call { name, .. } if OF_FILES.contains(&name));
    });
    found
}
