//! Remembering again, from the marks on the objects themselves.

use crate::{Loaded, World};
use addrs::{InstanceAddr, InstanceKey, Mode, ModuleInstance};
use diags::Diagnostics;
use planner::Options;
use plans::{ObjectKey, Recorded};
use states::State;
use std::collections::BTreeMap;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The state as it would be.
    pub state: State,
    /// Addresses that are remembered again.
    pub restored: Vec<InstanceAddr>,
    /// Objects with this configuration's mark that nothing declares; they are remembered under
    /// an address of their own, so that the next plan shows them as deletions.
    pub orphans: Vec<InstanceAddr>,
    /// What a person should know.
    pub diagnostics: Diagnostics,
}

/// Rebuilds the records: declared objects by their identity, others by their mark. Reads only;
/// the caller writes the state.
pub async fn rebuild(
    loaded: &Loaded,
    old: &State,
    world: &World,
    options: &Options,
) -> Result<Rebuilt, Diagnostics> {
    let mut state = State { records: BTreeMap::new(), ..old.clone() };
    let (planning, _) = crate::plan(loaded, &state, world, options).await;
    if planning.diagnostics.has_errors() {
        return Err(planning.diagnostics);
    }
    state.cluster_uid = Some(options.target.uid.clone());
    for (addr, record) in &planning.plan.remember {
        if let Some(record) = record {
            state.records.insert(addr.clone(), record.clone());
        }
    }
    // An object that exists and differs is remembered too. What was asked of it the last time
    // is not known, so its digest is empty and the difference counts as not applied yet.
    let existing: Vec<&InstanceAddr> =
        planning.plan.changes.iter().filter(|c| c.before.is_some()).map(|c| &c.addr).collect();
    for step in &planning.plan.steps {
        if let (Some(addr), Some(record)) = (&step.addr, &step.record)
            && existing.contains(&addr)
        {
            let record = Recorded { digest: String::new(), ..record.clone() };
            state.records.insert(addr.clone(), record);
        }
    }
    // Where nothing is left to do, outputs are as they would be after an apply. Otherwise they
    // would tell of what was not applied.
    if planning.plan.steps.is_empty() {
        let outputs = planning.plan.outputs.iter();
        let known = outputs.filter_map(|o| Some((o.name.clone(), o.after.clone()?)));
        state.outputs = known.filter(|(_, value)| value.is_known()).collect();
    }
    let restored: Vec<InstanceAddr> = state.records.keys().cloned().collect();
    let declared: Vec<&ObjectKey> = planning.plan.changes.iter().map(|c| &c.identity.key).collect();
    let found = world
        .providers
        .find(&loaded.project)
        .await
        .map_err(|problem| Diagnostics::from(problem.into_diagnostic()))?;
    let mut orphans = Vec::new();
    for found in found.iter().filter(|f| !declared.contains(&&f.identity.key)) {
        let Ok(name) = "orphan".parse() else { continue };
        let addr = InstanceAddr {
            module: ModuleInstance::root(),
            mode: Mode::Managed,
            ty: found.ty.clone(),
            name,
            key: InstanceKey::Key(found.identity.key.0.clone()),
        };
        let record = Recorded {
            identity: found.identity.clone(),
            uid: found.uid.clone(),
            digest: String::new(),
            needs: Vec::new(),
            protected: false,
        };
        state.records.insert(addr.clone(), record);
        orphans.push(addr);
    }
    Ok(Rebuilt { state, restored, orphans, diagnostics: planning.diagnostics })
}
