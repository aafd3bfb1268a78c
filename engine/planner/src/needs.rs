//! Which instance comes before which: what configuration alone can say.

use crate::declare::Declared;
use crate::order::sequence;
use addrs::{InstanceAddr, Mode};
use lang::References;
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
    /// `blocks` are the positions of the instances of each block, by its number, in the order of
    /// references.
    pub(crate) fn of(
        references: &References,
        instances: &[Declared<'_>],
        owners: &BTreeMap<ObjectKey, usize>,
        blocks: &[(u32, Range<usize>)],
    ) -> Self {
        let provided = provided(instances);
        let behind = behind(references);
        let positions: BTreeMap<u32, &Range<usize>> =
            blocks.iter().map(|(block, range)| (*block, range)).collect();
        let mut needs = Vec::with_capacity(instances.len());
        for (block, range) in blocks {
            let needed = managed(references, &behind, *block);
            let needed: Vec<usize> =
                needed.filter_map(|need| positions.get(&need)).flat_map(|r| (*r).clone()).collect();
            for i in range.clone() {
                let d = &instances[i];
                let same = needed.iter().filter(|n| reachable(&d.addr, &instances[**n].addr));
                let mut all: Vec<usize> = same.copied().collect();
                for key in d.kind.needs(&d.identity, &d.args) {
                    all.extend(owners.get(&key));
                    all.extend(provided.get(&key));
                }
                all.sort_unstable();
                all.dedup();
                all.retain(|need| *need != i);
                needs.push(all);
            }
        }
        let (positions, cycle) = sequence(&needs);
        Self { provided, needs, positions, cycle }
    }
}

/// The managed blocks that each data source refers to, itself or through others. It is read while
/// planning; what it needs must still come first.
fn behind(references: &References) -> BTreeMap<u32, BTreeSet<u32>> {
    let mut behind = BTreeMap::new();
    for block in references.order() {
        if references.addr(*block).mode == Mode::Data {
            let managed = managed(references, &behind, *block).collect();
            behind.insert(*block, managed);
        }
    }
    behind
}

/// The managed blocks that a block refers to, itself or through data sources; some of them more
/// than once.
fn managed<'r>(
    references: &'r References,
    behind: &'r BTreeMap<u32, BTreeSet<u32>>,
    block: u32,
) -> impl Iterator<Item = u32> + 'r {
    references.needs(block).iter().flat_map(move |need| {
        let itself = (references.addr(*need).mode == Mode::Managed).then_some(*need);
        itself.into_iter().chain(behind.get(need).into_iter().flatten().copied())
    })
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
