//! One writer, and late ones are refused.

use super::Moment;
use crate::world::World;

pub(super) fn check(world: &World, _moment: &Moment<'_>) -> Result<(), String> {
    let late = world.history(|history| history.late_writes.first().cloned());
    match late {
        None => Ok(()),
        Some(write) => Err(format!("{write} after the lock had been taken over.")),
    }
}
