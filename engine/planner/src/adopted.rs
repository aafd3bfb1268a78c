//! Objects that a person says exist already: `import`.

use crate::codes;
use crate::declare::Declaration;
use addrs::{InstanceAddr, ResourceAddr};
use diags::Diagnostic;
use lang::Imported;
use plans::Identity;
use provider::Observation;

/// What says so of an instance, if anything does.
pub(crate) fn import<'i>(imports: &'i [Imported], addr: &InstanceAddr) -> Option<&'i Imported> {
    imports.iter().find(|import| import.to.covers(&Vec::new(), addr))
}

/// Imports that name none of the instances there are.
pub(crate) fn of_nothing(declared: &Declaration<'_>) -> Vec<Diagnostic> {
    let root = Vec::new();
    let covers = |import: &Imported| {
        let named = |addr: &InstanceAddr| import.to.covers(&root, addr);
        let block = |block: &ResourceAddr| {
            let named = import.to.resource.as_ref();
            import.to.module(&root) == block.module
                && named.is_some_and(|n| n.ty == block.ty && n.name == block.name)
        };
        declared.instances.iter().any(|d| named(&d.addr))
            || declared.failed.iter().any(named)
            || declared.failed_blocks.iter().any(block)
    };
    let alone = declared.imports.iter().filter(|import| !covers(import));
    let told = alone.map(|import| {
        let detail = format!("There is no instance `{}`.", import.to);
        Diagnostic::error(codes::BAD_IMPORT, "Import that cannot be", detail)
            .at(import.to.span, "")
            .with_help("Name an instance that the configuration declares.")
    });
    told.collect()
}

/// Why an object cannot be taken over, as far as that is not for its type to say.
pub(crate) fn refused(
    import: &Imported,
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
