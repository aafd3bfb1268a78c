//! Everything comes to an end.

use super::Moment;
use crate::world::World;

pub(super) fn check(_world: &World, moment: &Moment<'_>) -> Result<(), String> {
    match moment {
        Moment::Endless => Err("A run did not end.".to_owned()),
        Moment::NeverDone => {
            Err("Nothing went wrong any more, and the goal was not reached.".to_owned())
        }
        Moment::Effect(_) | Moment::Happening | Moment::Exit(_) | Moment::Second(_) => Ok(()),
    }
}
