//! Remembering again, from the marks on the objects themselves.

use crate::{Ahead, Loaded, World};
use addrs::{InstanceAddr, InstanceKey, Mode, ModuleInstance};
use diags::{Code, Diagnostic, Diagnostics};
use planner::Options;
use plans::{ObjectKey, Recorded};
use states::State;
use std::collections::BTreeMap;

const UNSEEN: Code = Code("E0466");

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
    let ahead = Ahead::look(&state, &world.providers);
    let (planning, _) = crate::plan(loaded, &state, world, options, ahead).await;
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
    let search = world
        .providers
        .find(&loaded.project)
        .await
        .map_err(|problem| Diagnostics::from(problem.into_diagnostic()))?;
    let mut orphans = Vec::new();
    for found in search.found.iter().filter(|f| !declared.contains(&&f.identity.key)) {
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
            protected: found.protected,
        };
        state.records.insert(addr.clone(), record);
        orphans.push(addr);
    }
    let mut diagnostics = planning.diagnostics;
    diagnostics.extend((!search.unseen.is_empty()).then(|| unseen(&search.unseen)));
    Ok(Rebuilt { state, restored, orphans, diagnostics })
}

/// What could not be looked at may hold more; what is not found is not remembered, and so it is
/// not deleted either.
fn unseen(places: &[String]) -> Diagnostic {
    let detail = format!(
        "Objects of this configuration may be among these, and could not be looked for:\n  {}\n\
         Declared objects are remembered nevertheless; what nothing declares any more stays as \
         it is.",
        places.join("\n  ")
    );
    Diagnostic::warning(UNSEEN, "Not everything could be looked at", detail).with_help(
        "Rebuild once more when they can be looked at, as somebody who may, if that matters.",
    )
}
