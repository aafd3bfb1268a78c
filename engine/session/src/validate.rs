//! Checking a configuration without looking at anything.

use crate::Loaded;
use diags::Diagnostics;
use planner::{Draft, Options, PlanInput};
use plans::{Fingerprints, Mode, Target, Timestamp};
use provider::Catalog;
use states::State;
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong with the configuration, as far as that can be told from its text: arguments
/// by the rules of their domain, identities, objects that two resources own. It is the first
/// stage of planning; what planning would have to look at is left open.
pub fn validate(loaded: &Loaded, catalog: &dyn Catalog) -> Diagnostics {
    let nowhere = || String::new();
    let options = Options {
        mode: Mode::Normal,
        id: nowhere(),
        now: Timestamp(0),
        project: loaded.project.clone(),
        target: Target { name: nowhere(), server: nowhere(), uid: nowhere(), version: nowhere() },
        fingerprints: Fingerprints {
            config: nowhere(),
            engine: nowhere(),
            lineage: nowhere(),
            serial: 0,
        },
        cwd: loaded.cwd.clone(),
        replace: BTreeSet::new(),
        selection: planner::Selection::All,
        allowed: plans::Allowed::default(),
        left_open: BTreeSet::new(),
    };
    let input = PlanInput {
        config: &loaded.config,
        references: &loaded.references,
        schemas: &loaded.schemas,
        variables: &loaded.variables,
        catalog,
        state: &State::new("", loaded.project.clone()),
        reads: &BTreeMap::new(),
        observed: &BTreeMap::new(),
        previews: &BTreeMap::new(),
        options: &options,
    };
    planner::plan(&input, &mut Draft::default()).diagnostics
}
