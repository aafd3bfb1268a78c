//! `state mv` and `state rm`: the state edited by a person.

use crate::State;
use addrs::{InstanceAddr, InstanceKey, Mode};
use diags::{Code, Diagnostic, Diagnostics, did_you_mean};

const NO_RECORD: Code = Code("E0510");
const OCCUPIED: Code = Code("E0511");
const OTHER_TYPE: Code = Code("E0512");
const NOT_MANAGED: Code = Code("E0513");

/// Records that a person means by one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// This instance.
    One(InstanceAddr),
    /// Every instance of a resource with `count` or `for_each`, named without a key.
    All(Vec<InstanceAddr>),
}

impl Selection {
    /// The instances, in order.
    pub fn addrs(&self) -> &[InstanceAddr] {
        match self {
            Self::One(addr) => std::slice::from_ref(addr),
            Self::All(addrs) => addrs,
        }
    }
}

/// What a person means by an address: that instance, or without a key all of them.
pub fn select(state: &State, addr: &InstanceAddr) -> Result<Selection, Diagnostics> {
    if addr.mode == Mode::Data {
        let detail = format!("`{addr}` is a data source. The state remembers resources only.");
        return Err(Diagnostic::error(NOT_MANAGED, "Not a resource", detail).into());
    }
    if state.records.contains_key(addr) {
        return Ok(Selection::One(addr.clone()));
    }
    let same = |other: &&InstanceAddr| {
        InstanceAddr { key: InstanceKey::None, ..(*other).clone() } == *addr
    };
    let all: Vec<_> = state.records.keys().filter(same).cloned().collect();
    if all.is_empty() { Err(no_record(state, addr).into()) } else { Ok(Selection::All(all)) }
}

fn no_record(state: &State, addr: &InstanceAddr) -> Diagnostic {
    let known: Vec<String> = state.records.keys().map(ToString::to_string).collect();
    let detail = format!("The state remembers no `{addr}`.");
    let help = match did_you_mean(&addr.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => "See what it remembers with `clinch state list`.".to_owned(),
    };
    Diagnostic::error(NO_RECORD, "No such resource in the state", detail).with_help(help)
}

/// The state after `state mv`: the same objects under another address.
pub fn move_records(
    state: &State,
    from: &InstanceAddr,
    to: &InstanceAddr,
) -> Result<State, Diagnostics> {
    let selection = select(state, from)?;
    if to.mode == Mode::Data || from.ty != to.ty {
        let detail = format!("`{from}` cannot become `{to}`: the object would be of another type.");
        return Err(Diagnostic::error(OTHER_TYPE, "Not the same type", detail).into());
    }
    let renamed = |addr: &InstanceAddr| match &selection {
        Selection::One(_) => to.clone(),
        Selection::All(_) => InstanceAddr { key: addr.key.clone(), ..to.clone() },
    };
    if matches!(selection, Selection::All(_)) && to.key != InstanceKey::None {
        let detail = format!("`{from}` has several instances, and `{to}` is one.");
        return Err(Diagnostic::error(OCCUPIED, "The new address is taken", detail)
            .with_help(format!("Move them one by one, or all of them to `{}`.", to.resource()))
            .into());
    }
    let mut after = state.clone();
    let mut moved = Vec::new();
    for addr in selection.addrs() {
        moved.extend(after.records.remove(addr).map(|record| (renamed(addr), record)));
    }
    for (addr, record) in moved {
        if after.records.contains_key(&addr) {
            let detail = format!("The state remembers another object as `{addr}`.");
            return Err(Diagnostic::error(OCCUPIED, "The new address is taken", detail)
                .with_help(format!("Move or remove `{addr}` first."))
                .into());
        }
        after.records.insert(addr, record);
    }
    // Who needs a moved instance needs it under its new address, or it would be deleted in
    // the wrong order.
    for record in after.records.values_mut() {
        for need in &mut record.needs {
            if selection.addrs().contains(need) {
                *need = renamed(need);
            }
        }
    }
    after.serial = after.serial.saturating_add(1);
    Ok(after)
}

/// The state after `state rm`: the objects stay as they are, and are no longer remembered.
pub fn remove_records(state: &State, addr: &InstanceAddr) -> Result<State, Diagnostics> {
    let selection = select(state, addr)?;
    let mut after = state.clone();
    for addr in selection.addrs() {
        after.records.remove(addr);
    }
    for record in after.records.values_mut() {
        record.needs.retain(|need| !selection.addrs().contains(need));
    }
    after.serial = after.serial.saturating_add(1);
    Ok(after)
}
