//! A part of the configuration, when a person asks for no more.
//!
//! What is chosen is planned together with what it needs; what is left out takes with it what
//! needs it. So a part can be applied at any time, and the rest later.

use crate::declare::Declaration;
use crate::removed::Removed;
use crate::{PlanInput, codes};
use addrs::{InstanceAddr, InstanceKey};
use diags::Diagnostic;
use std::collections::BTreeSet;

/// Which instances are planned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Selection {
    /// All.
    #[default]
    All,
    /// Only these, and what they need. A resource without a key means all its instances.
    Only(BTreeSet<InstanceAddr>),
    /// All but these, and what needs them.
    Except(BTreeSet<InstanceAddr>),
}

impl Selection {
    /// Whether nothing is left out.
    pub fn is_all(&self) -> bool {
        *self == Self::All
    }

    fn addrs(&self) -> Option<&BTreeSet<InstanceAddr>> {
        match self {
            Self::All => None,
            Self::Only(addrs) | Self::Except(addrs) => Some(addrs),
        }
    }

    /// Which positions are planned; `needs` has for each the positions that come before it.
    fn choose(&self, addrs: &[&InstanceAddr], needs: &[Vec<usize>]) -> Vec<bool> {
        let named = |set: &BTreeSet<InstanceAddr>| addrs.iter().map(|a| names(set, a)).collect();
        match self {
            Self::All => vec![true; addrs.len()],
            Self::Only(set) => {
                let mut chosen: Vec<bool> = named(set);
                let mut open: Vec<usize> = (0..addrs.len()).filter(|i| chosen[*i]).collect();
                while let Some(i) = open.pop() {
                    for need in &needs[i] {
                        if !std::mem::replace(&mut chosen[*need], true) {
                            open.push(*need);
                        }
                    }
                }
                chosen
            }
            Self::Except(set) => {
                let mut out: Vec<bool> = named(set);
                take_along(&mut out, needs);
                out.into_iter().map(|out| !out).collect()
            }
        }
    }
}

/// What is out takes with it what needs it.
pub(crate) fn take_along(out: &mut [bool], needs: &[Vec<usize>]) {
    let mut again = out.contains(&true);
    while again {
        again = false;
        for i in 0..out.len() {
            if !out[i] && needs[i].iter().any(|n| out[*n]) {
                (out[i], again) = (true, true);
            }
        }
    }
}

/// Whether one of the addresses means this instance.
fn names(set: &BTreeSet<InstanceAddr>, addr: &InstanceAddr) -> bool {
    set.contains(addr) || set.contains(&InstanceAddr { key: InstanceKey::None, ..addr.clone() })
}

/// The positions of declared instances that are planned.
pub(crate) fn declared(
    selection: &Selection,
    declared: &Declaration<'_>,
    needs: &[Vec<usize>],
) -> Vec<bool> {
    let addrs: Vec<&InstanceAddr> = declared.instances.iter().map(|d| &d.addr).collect();
    selection.choose(&addrs, needs)
}

/// What goes, of what nothing declares any more. Here the order is the other way round: who
/// needs an object goes before it.
pub(crate) fn removed<'a>(selection: &Selection, gone: Vec<Removed<'a>>) -> Vec<Removed<'a>> {
    if selection.is_all() {
        // Nearly always, and what follows compares each with each.
        return gone;
    }
    let addrs: Vec<&InstanceAddr> = gone.iter().map(|r| r.addr).collect();
    let chosen = selection.choose(&addrs, &before(&gone));
    gone.into_iter().zip(chosen).filter_map(|(r, chosen)| chosen.then_some(r)).collect()
}

/// For each object that goes, those that go before it.
pub(crate) fn before(gone: &[Removed<'_>]) -> Vec<Vec<usize>> {
    let needed_by = |one: &Removed<'_>| {
        let needs = |(_, other): &(usize, &Removed<'_>)| other.recorded.needs.contains(one.addr);
        gone.iter().enumerate().filter(needs).map(|(i, _)| i).collect()
    };
    gone.iter().map(needed_by).collect()
}

/// Says that the plan is a part, and what of the selection means nothing.
pub(crate) fn tell<'a>(
    input: &PlanInput<'_, '_>,
    known: impl Iterator<Item = &'a InstanceAddr> + Clone,
) -> Vec<Diagnostic> {
    let Some(addrs) = input.options.selection.addrs() else { return Vec::new() };
    let mut out = vec![
        Diagnostic::warning(
            codes::PARTIAL,
            "Plan is not the whole",
            "This is a partial plan, parts can only be known in the next plan / apply cycle. \
             Outputs stay as they are.",
        )
        .with_help("Plan without -target and -exclude soon; they are for exceptions."),
    ];
    for addr in addrs {
        let one = BTreeSet::from([addr.clone()]);
        if !known.clone().any(|known| names(&one, known)) {
            out.push(crate::requested::unknown(addr, known.clone()));
        }
    }
    out
}
