//! One run on a host, and late ones are refused.

use super::Moment;
use crate::world::World;

pub(super) fn check(world: &World, _moment: &Moment<'_>) -> Result<(), String> {
    let late = world.history(|history| history.late_effects.first().cloned());
    match late {
        None => Ok(()),
        Some(effect) => Err(format!("{effect} after a later run had been there.")),
    }
}
