//! A second apply finds nothing to do.

use super::Moment;
use crate::world::World;

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let Moment::Second(exit) = moment else { return Ok(()) };
    let writes = world.history(|history| history.writes);
    if exit.code == 0 && !exit.changes && writes == 0 {
        return Ok(());
    }
    Err(format!("An apply after everything was done ended with {} and {writes} writes.", exit.code))
}
