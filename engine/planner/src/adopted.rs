//! Objects that a person says exist already: `import`.

use crate::{PlanInput, codes};
use addrs::InstanceAddr;
use config::Import;
use diags::Diagnostic;
use plans::Identity;
use provider::Observation;

/// The block that says so of an instance, if one does.
pub(crate) fn import<'a>(input: &PlanInput<'a, '_>, addr: &InstanceAddr) -> Option<&'a Import> {
    let root = Vec::new();
    let module = input.config.modules.get(&root)?;
    module.imports.iter().find(|import| import.to.covers(&root, addr))
}

/// Why an object cannot be taken over, as far as that is not for its type to say.
pub(crate) fn refused(
    import: &Import,
    addr: &InstanceAddr,
    identity: &Identity,
    (observed, remembered): (&Observation, bool),
) -> Option<Diagnostic> {
    let shown = &identity.shown;
    let problem = |detail: String, help: String| {
        Diagnostic::error(codes::BAD_IMPORT, "Import that cannot be", detail)
            .with_help(help)
            .for_address(addr)
    };
    if let Some((id, span)) = import.id.as_ref().filter(|(id, _)| !means(id, identity)) {
        let detail =
            format!("`{addr}` means {shown}, by its own arguments, and the import says `{id}`.");
        let help = "Correct the one that is wrong, or leave `id` out.".to_owned();
        return Some(problem(detail, help).at(*span, ""));
    }
    if *observed == Observation::Absent && !remembered {
        let detail = format!("{shown} does not exist, so it cannot be imported.");
        let help = format!("Remove the block `import` to have `{addr}` created.");
        return Some(problem(detail, help).at(import.to.span, ""));
    }
    None
}

/// Whether an id is the name of this object, with or without what stands before it.
fn means(id: &str, identity: &Identity) -> bool {
    let shown = identity.shown.as_str();
    let named = shown.split_once(' ').map_or(shown, |(_, named)| named);
    let name = named.rsplit('/').next().unwrap_or(named);
    [shown, named, name].contains(&id) || *identity.key.0 == *id
}
