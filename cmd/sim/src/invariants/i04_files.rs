//! Files are old or new, and nothing else.

use super::Moment;
use crate::touch::Touch;
use crate::world::World;

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let Moment::Effect(Touch::File { node, path, .. }) = moment else { return Ok(()) };
    let now = world.machines.get(node).and_then(|machine| machine.file(path));
    let place = (node.clone(), path.clone());
    let known = world.history(|history| {
        let known = history.contents.get(&place)?;
        Some(now.as_ref().is_some_and(|now| known.contains(now)))
    });
    match known {
        // Records and copies are nobody's file.
        Some(true) | None => Ok(()),
        Some(false) => Err(format!("{node}:{path} is neither as it was nor as it is to be.")),
    }
}
