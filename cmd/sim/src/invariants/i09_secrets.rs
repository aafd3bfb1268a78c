//! A secret is where it belongs and nowhere else.

use super::Moment;
use crate::world::World;

pub(super) fn check(world: &World, _moment: &Moment<'_>) -> Result<(), String> {
    let leak = world.history(|history| history.leaks.first().cloned());
    leak.map_or(Ok(()), |place| Err(format!("The secret was seen in {place}.")))
}
