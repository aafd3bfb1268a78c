//! No effect without an intent that is durable.

use super::Moment;
use super::i07_plan::covers;
use crate::world::World;

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let Moment::Effect(touch) = moment else { return Ok(()) };
    if touch.is_of_state() {
        return Ok(());
    }
    let covered =
        world.history(|history| history.open_steps().iter().any(|step| covers(step, touch)));
    if covered {
        return Ok(());
    }
    Err(format!("`{touch}` was done by no step whose begin the server's journal has."))
}
