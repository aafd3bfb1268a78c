//! Instances that are replaced because something else changes: `replace_triggered_by`.
//!
//! As in Terraform a whole resource counts when it is updated or replaced, an attribute also
//! when it comes to be. What is compared is the object as it is with the object as it will be,
//! so nothing has to be remembered for it.

use crate::PlanInput;
use crate::decide::Decider;
use crate::declare::Declaration;
use crate::entry::Entry;
use addrs::{InstanceAddr, ResourceAddr};
use diags::Diagnostics;
use lang::Trigger;
use plans::Action;
use provider::ResourceKind;
use std::collections::BTreeMap;
use values::{Path, Role, Step, Value};

/// Positions of what is decided by blocks, kept only where a block asks for it.
pub(crate) type Traced = Option<BTreeMap<ResourceAddr, Vec<usize>>>;

/// Whether any block is replaced by the changes of others.
pub(crate) fn traced(input: &PlanInput<'_, '_>, declared: &Declaration<'_>) -> Traced {
    let mut resources = input.config.modules.values().flat_map(|module| module.resources.values());
    let any = resources.any(|r| !r.lifecycle().replace_triggered_by.is_empty());
    (any && !declared.instances.is_empty()).then(BTreeMap::new)
}

impl Decider<'_, '_> {
    /// What is decided next is about this instance.
    pub(crate) fn trace(&mut self, addr: &InstanceAddr) {
        let next = self.entries.len();
        if let Some(traced) = &mut self.traced {
            traced.entry(addr.resource()).or_default().push(next);
        }
    }

    /// The first reference in `replace_triggered_by` to something that changes, as it is written.
    pub(crate) fn trigger(&mut self, addr: &InstanceAddr) -> Result<Option<String>, Diagnostics> {
        if self.traced.is_none() {
            return Ok(None);
        }
        let (triggers, problems) = self.evaluator.triggers(addr);
        if problems.has_errors() {
            return Err(problems);
        }
        Ok(triggers.into_iter().find(|trigger| self.fires(trigger)).map(|trigger| trigger.text))
    }

    fn fires(&self, trigger: &Trigger) -> bool {
        let Some(traced) = &self.traced else { return false };
        let positions = traced.get(&trigger.block).map_or(&[][..], Vec::as_slice);
        let meant = positions.iter().filter_map(|position| self.entries.get(*position));
        let mut meant = meant.filter(|entry| trigger.means(&entry.change.addr));
        let kind = self.input.catalog.resource(trigger.block.ty.as_str());
        meant.any(|entry| {
            let exported = self.planning.exports.get(&entry.change.addr);
            changes(entry, kind, exported, &trigger.path)
        })
    }
}

fn changes(
    entry: &Entry,
    kind: Option<&dyn ResourceKind>,
    exported: Option<&Value>,
    path: &Path,
) -> bool {
    let change = &entry.change;
    let whole = path.steps().is_empty();
    match change.action {
        Action::NoOp | Action::Forget | Action::Delete => return false,
        Action::Create => return !whole,
        Action::Update | Action::Replace if whole => return true,
        Action::Update | Action::Replace => {}
    }
    let (Some(kind), Some(Step::Attr(name))) = (kind, path.steps().first()) else { return true };
    if kind.schema().attr(name).is_some_and(|attr| attr.role == Role::Computed) {
        // What the world decides anew is not known yet.
        let stays = exported.and_then(|value| value.at(path)).is_some_and(Value::is_known);
        return !stays;
    }
    let fields = kind.fields(path);
    let at = |value: &Option<Value>, field: &Path| value.as_ref()?.at(field).cloned();
    let pairs = fields.iter().map(|field| (at(&change.before, field), at(&change.after, field)));
    let pairs: Vec<_> = pairs.collect();
    // A type may not show the argument by itself: then any difference may be one of it.
    if pairs.iter().all(|pair| *pair == (None, None)) && !is_unset(exported, path) {
        return change.before != change.after;
    }
    pairs.iter().any(|(before, after)| before != after)
}

fn is_unset(exported: Option<&Value>, path: &Path) -> bool {
    exported.and_then(|value| value.at(path)).is_none_or(Value::is_null)
}
