//! What the state remembers and the configuration no longer declares.

use crate::declare::Declaration;
use crate::{Needs, PlanInput};
use addrs::{InstanceAddr, ResourceAddr};
use config::Repeat;
use plans::{Mode, Reason, Recorded};
use provider::Wanted;

/// One remembered instance whose object is not declared any more.
pub(crate) struct Removed<'a> {
    pub(crate) addr: &'a InstanceAddr,
    pub(crate) recorded: &'a Recorded,
    pub(crate) reason: Reason,
    /// Whether its object stays: a block `removed` says so.
    pub(crate) stays: bool,
}

/// What is remembered, sorted into what goes and what only has another address now.
pub(crate) struct Remembered<'a> {
    /// Objects that nothing declares.
    pub(crate) removed: Vec<Removed<'a>>,
    /// The remembered address of each declared object, by the position of its instance.
    pub(crate) declared: Vec<Option<(&'a InstanceAddr, &'a Recorded)>>,
}

pub(crate) fn removed<'a>(
    input: &PlanInput<'a, '_>,
    declared: &Declaration<'_>,
    needs: &mut Needs,
) -> Remembered<'a> {
    let declared_before = vec![None; declared.instances.len()];
    let mut out = Remembered { removed: Vec::new(), declared: declared_before };
    for (addr, recorded) in &input.state.records {
        let key = &recorded.identity.key;
        if let Some(position) = declared.owners.get(key) {
            out.declared[*position] = Some((addr, recorded));
            continue;
        }
        // A block that could not be evaluated may still declare this object: never delete on
        // the ground of an error.
        if declared.failed.contains(addr) || declared.failed_blocks.contains(&addr.resource()) {
            continue;
        }
        if !input.observed.contains_key(key) {
            let identity = recorded.identity.clone();
            needs.observations.push(Wanted { ty: addr.ty.clone(), identity });
        }
        let (reason, stays) = (reason(input, addr), stays(input, addr));
        out.removed.push(Removed { addr, recorded, reason, stays });
    }
    out
}

/// Whether a block `removed` says that the object is not to be deleted, not even with all others.
fn stays(input: &PlanInput<'_, '_>, addr: &InstanceAddr) -> bool {
    let mut modules = input.config.modules.iter();
    modules.any(|(path, module)| {
        let kept = module.removed.iter().filter(|removed| !removed.destroy);
        kept.into_iter().any(|removed| removed.from.covers(path, addr))
    })
}

fn reason(input: &PlanInput<'_, '_>, addr: &InstanceAddr) -> Reason {
    if input.options.mode == Mode::Destroy {
        return Reason::Destroy;
    }
    let resource = addr.resource();
    let module = input.config.modules.get(&resource.module);
    if module.is_none_or(|m| !m.resources.contains_key(&resource)) {
        return Reason::NotInConfiguration;
    }
    if is_disabled(input, &resource) {
        return Reason::Disabled;
    }
    match addr.key {
        addrs::InstanceKey::Key(_) => Reason::KeyGone,
        addrs::InstanceKey::Index(_) => Reason::IndexGone,
        addrs::InstanceKey::None => Reason::NotInConfiguration,
    }
}

/// Whether its block, or a module that it is in, says by `enabled` whether there is one. As it is
/// not declared, it says no.
fn is_disabled(input: &PlanInput<'_, '_>, resource: &ResourceAddr) -> bool {
    let enabled = |repeat: &Repeat| matches!(repeat, Repeat::Enabled(_));
    let modules = &input.config.modules;
    let block = modules.get(&resource.module).and_then(|m| m.resources.get(resource));
    let mut calls = (0..resource.module.len()).filter_map(|depth| {
        modules.get(&resource.module[..depth])?.calls.get(&resource.module[depth])
    });
    block.is_some_and(|block| enabled(&block.repeat)) || calls.any(|call| enabled(&call.repeat))
}
