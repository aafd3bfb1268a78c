//! What is said is so.

use super::Moment;
use crate::world::World;

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let exit = match moment {
        Moment::Exit(exit) | Moment::Second(exit) => exit,
        Moment::Effect(_) | Moment::Happening | Moment::Endless | Moment::NeverDone => {
            return Ok(());
        }
    };
    let complete = exit.words.contains("Apply complete");
    // Everything may be done and its memory not be written; that is an error of its own.
    if complete && exit.code != 0 && !exit.words.contains("Error: ") {
        return Err(format!("A run says that it is complete and ends with {}.", exit.code));
    }
    let meddled = world.history(|history| history.meddled);
    if (complete || exit.code == 0) && !meddled {
        world.goal().map_err(|what| format!("A run ends well, and {what}."))?;
    }
    let Some((_, outcome)) = &exit.ran else { return Ok(()) };
    let (said, are) = (outcome.done.added + outcome.done.changed, world.as_wanted());
    if said > are && !meddled {
        return Err(format!("A run says that {said} objects are as wanted, and {are} are."));
    }
    Ok(())
}
