//! Which instance comes before which: what configuration alone can say.

use crate::PlanInput;
use crate::declare::Declared;
use crate::order::sequence;
use addrs::{InstanceAddr, ResourceAddr};
use plans::ObjectKey;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The order of the instances of a declaration.
#[derive(Default)]
pub(crate) struct Order {
    /// Which instance provides what goes by another name than its own.
    pub(crate) provided: BTreeMap<ObjectKey, usize>,
    /// For each instance the positions of those that must come before it.
    pub(crate) needs: Vec<Vec<usize>>,
    /// Positions, each after what it needs.
    pub(crate) positions: Vec<usize>,
    /// One cycle, when there is no order.
    pub(crate) cycle: Vec<usize>,
}

impl Order {
    /// `blocks` are the positions of the instances of each block, in the order of references.
    pub(crate) fn of(
        input: &PlanInput<'_, '_>,
        instances: &[Declared<'_>],
        owners: &BTreeMap<ObjectKey, usize>,
        blocks: &[(&ResourceAddr, Range<usize>)],
    ) -> Self {
        let provided = provided(instances);
        let behind = behind(input);
        let positions: BTreeMap<&ResourceAddr, &Range<usize>> =
            blocks.iter().map(|(block, range)| (*block, range)).collect();
        let mut needs = Vec::with_capacity(instances.len());
        for (block, range) in blocks {
            let needed = behind.get(block).into_iter().flatten();
            let needed: Vec<usize> =
                needed.filter_map(|need| positions.get(need)).flat_map(|r| (*r).clone()).collect();
            for i in range.clone() {
                let d = &instances[i];
                let same = needed.iter().filter(|n| reachable(&d.addr, &instances[**n].addr));
                let mut all: BTreeSet<usize> = same.copied().collect();
                for key in d.kind.needs(&d.identity, &d.args) {
                    all.extend(owners.get(&key));
                    all.extend(provided.get(&key));
                }
                all.remove(&i);
                needs.push(all.into_iter().collect());
            }
        }
        let (positions, cycle) = sequence(&needs);
        Self { provided, needs, positions, cycle }
    }
}

/// The managed blocks that each block refers to, itself or through data sources. Blocks that
/// refer to nothing are not in it.
fn behind<'a>(input: &PlanInput<'a, '_>) -> BTreeMap<&'a ResourceAddr, BTreeSet<&'a ResourceAddr>> {
    let mut behind: BTreeMap<&ResourceAddr, BTreeSet<&ResourceAddr>> = BTreeMap::new();
    for block in input.references.order() {
        let mut managed = BTreeSet::new();
        for need in input.references.needs(block) {
            match need.mode {
                addrs::Mode::Managed => {
                    managed.insert(need);
                }
                // A data source is read while planning; what it needs must still come first.
                addrs::Mode::Data => managed.extend(behind.get(need).into_iter().flatten()),
            }
        }
        if !managed.is_empty() {
            behind.insert(block, managed);
        }
    }
    behind
}

/// Which instance provides what goes by another name than its own.
fn provided(instances: &[Declared<'_>]) -> BTreeMap<ObjectKey, usize> {
    let of = |(i, d): (usize, &Declared<'_>)| {
        d.kind.provides(&d.identity, &d.args).into_iter().map(move |key| (key, i))
    };
    instances.iter().enumerate().flat_map(of).collect()
}

/// Whether a reference from one instance can mean the other: within the module calls that both
/// share they must stand in the same instance.
fn reachable(from: &InstanceAddr, to: &InstanceAddr) -> bool {
    let pairs = from.module.0.iter().zip(&to.module.0);
    pairs.take_while(|(a, b)| a.0 == b.0).all(|(a, b)| a == b)
}
