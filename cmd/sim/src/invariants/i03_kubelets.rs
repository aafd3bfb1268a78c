//! Kubelets run with what their files say.

use super::Moment;
use crate::world::{CONFIG, World};

pub(super) fn check(world: &World, moment: &Moment<'_>) -> Result<(), String> {
    let exit = match moment {
        Moment::Exit(exit) | Moment::Second(exit) => exit,
        Moment::Effect(_) | Moment::Happening | Moment::Endless | Moment::NeverDone => {
            return Ok(());
        }
    };
    for (node, machine) in &world.machines {
        let file = machine.file(CONFIG);
        let runs = machine.kubelet(|kubelet| kubelet.runs_with().map(str::to_owned));
        let is_well = runs == file || world.history(|history| history.edited.contains(node));
        let said = exit.code != 0 && exit.words.contains(node.as_str());
        // What one run has said, the next one need not say again.
        let told = world.history(|history| match (is_well, said) {
            (true, _) => !history.unwell.remove(node),
            (false, true) => history.unwell.insert(node.clone()),
            (false, false) => history.unwell.contains(node),
        });
        // A run that began nothing has the journal say it for the one that died.
        let began = exit.code == 0 || exit.ran.is_some();
        if is_well || said || !began || (told && exit.code != 0) {
            continue;
        }
        let how = if runs.is_some() { "runs with another file" } else { "does not run" };
        return Err(format!("The kubelet of {node} {how}, and no run said so."));
    }
    Ok(())
}
