//! Objects that stay when nothing declares them (`delete = "release"`): replacing one would
//! delete it.

use crate::codes;
use crate::requested::Cause;
use plans::{Action, Identity, Problem};
use provider::{Decision, PlanRequest, Planned, Preview, ResourceKind};
use values::{Path, Value};

/// Whether the object would be given back instead of deleted: by the configuration, or by what
/// the object says of itself.
pub(crate) fn stays(kind: &dyn ResourceKind, request: &PlanRequest<'_>) -> bool {
    let would = Preview::Would(Value::Null);
    let unwanted = PlanRequest { desired: None, preview: Some(&would), asked: None, ..*request };
    request.release
        || matches!(kind.plan(&unwanted), Planned::Decided(d) if d.action == Action::Forget)
}

/// Why objects of a type cannot be given back.
pub(crate) fn not_released(kind: &dyn ResourceKind) -> Problem {
    let name = kind.name();
    let detail = format!("What `{name}` manages cannot be left behind without what is ours of it.");
    Problem::error(codes::NO_RELEASE, "Cannot be released", Path::root(), detail)
        .with_help("Remove `delete = \"release\"` from `lifecycle`.")
}

/// Why it is not replaced. `wanted` is whether the configuration still asks for it to stay.
pub(crate) fn replaced(
    identity: &Identity,
    decision: &Decision,
    cause: Option<&Cause>,
    wanted: bool,
) -> Problem {
    let shown = &identity.shown;
    let names: Vec<String> = decision.replaced_for.iter().map(|p| format!("`{p}`")).collect();
    let (happens, back) = match (cause, names.as_slice()) {
        (Some(cause), _) => cause.words(),
        (None, []) => ("It cannot be changed in place".to_owned(), "Take the change back."),
        (None, names) => {
            (format!("{} cannot be changed in place", names.join(", ")), "Take the change back.")
        }
    };
    let (says, end) = if wanted {
        let end = "take `delete = \"release\"` out of `lifecycle` and apply that first";
        ("says that it is never deleted", end)
    } else {
        let says = "was applied, and says that it is not deleted until an apply takes that back";
        (says, "apply the rest of the configuration first, without this change")
    };
    let detail = format!(
        "{happens}, so {shown} would be deleted and created anew. `delete = \"release\"` {says}."
    );
    let at = decision.replaced_for.first().cloned().unwrap_or_else(Path::root);
    let summary = "Object that is to stay would be deleted";
    Problem::error(codes::KEPT, summary, at, detail)
        .with_help(format!("{back} If it may be deleted, {end}."))
}
