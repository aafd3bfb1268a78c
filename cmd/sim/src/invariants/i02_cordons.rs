//! Cordons of clinch's own and of others.

use super::Moment;
use crate::operator::Exit;
use crate::world::World;

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let foreign = world.history(|history| history.foreign.clone());
    let nodes = world.nodes();
    if let Some(node) = nodes.iter().find(|n| foreign.contains(&n.name) && !n.unschedulable) {
        return Err(format!("{} was cordoned by a person and is not any more.", node.name));
    }
    let exit: &Exit = match moment {
        Moment::Exit(exit) | Moment::Second(exit) => exit,
        Moment::Effect(_) | Moment::Happening | Moment::Endless | Moment::NeverDone => {
            return Ok(());
        }
    };
    world.history(|history| {
        let ours = |name: &str| nodes.iter().any(|n| n.name == name && n.holder.is_some());
        history.named.retain(|name| ours(name));
        let held: Vec<&str> =
            nodes.iter().map(|node| node.name.as_str()).filter(|name| ours(name)).collect();
        // What one run has said, the next one need not say again.
        let named = held.iter().filter(|name| exit.words.contains(**name));
        history.named.extend(named.map(|name| (*name).to_owned()));
        for name in held {
            let how = match exit.code {
                0 => "by a run that ended well",
                // A run that began nothing has the journal say it for the one that died.
                _ if exit.ran.is_some() && !history.named.contains(name) => {
                    "and no run has said so"
                }
                _ if !history.journal.unfinished => "and no journal tells of it",
                _ => continue,
            };
            return Err(format!("{name} stays cordoned {how}."));
        }
        Ok(())
    })
}
