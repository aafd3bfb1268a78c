//! What must not be destroyed, and how to say so.

use crate::requested::Cause;
use crate::{PlanInput, codes};
use addrs::InstanceAddr;
use diags::{Diagnostic, Span};
use lang::Evaluator;
use plans::{Change, Reason};
use values::Path;

/// A protected object would be replaced: which argument asks for it, what is in the way, and
/// the ways out. `old` is how people call the object that would go.
pub(crate) fn replaced(
    input: &PlanInput<'_, '_>,
    evaluator: &Evaluator<'_>,
    change: &Change,
    old: &str,
) -> Diagnostic {
    let paths = match &change.reason {
        Some(Reason::CannotUpdate(paths)) => paths.as_slice(),
        Some(
            Reason::NotInConfiguration
            | Reason::KeyGone
            | Reason::IndexGone
            | Reason::Disabled
            | Reason::Destroy
            | Reason::Requested
            | Reason::Triggered(_),
        )
        | None => &[],
    };
    let names: Vec<String> = paths.iter().map(|p| format!("`{p}`")).collect();
    let new = &change.identity.shown;
    let cause = match &change.reason {
        Some(Reason::Requested) => Some(Cause::Person),
        Some(Reason::Triggered(by)) => Some(Cause::Trigger(by.clone())),
        Some(_) | None => None,
    };
    let (happens, back) = match (cause, names.as_slice()) {
        (Some(cause), []) => {
            let (happens, back) = cause.words();
            (happens, back.trim_end_matches('.').to_owned())
        }
        (None, []) => ("It cannot be changed in place".to_owned(), "Undo the change".to_owned()),
        (_, names) => {
            let names = names.join(", ");
            (
                format!("{names} cannot be changed in place"),
                format!("Set {names} back to what is there"),
            )
        }
    };
    let anew = if new == old { "created anew".to_owned() } else { format!("{new} created") };
    let detail = format!(
        "{happens}, so {old} would be deleted and {anew}. `{}` is protected by `prevent_destroy`.",
        change.addr
    );
    let mut help = format!("{back}; or set `prevent_destroy = false` to have it replaced.");
    if new != old {
        help.push_str(" To keep both objects, declare the new one in a block of its own.");
    }
    let first = paths.first().cloned().unwrap_or_else(Path::root);
    let mut diagnostic = protected(&change.addr, detail, help);
    if let Some(span) = evaluator.place(&change.addr, &first) {
        diagnostic = diagnostic.at(span, "forces replacement");
    }
    match guard(input, &change.addr) {
        Some(span) => diagnostic.at(span, "protected here"),
        None => diagnostic,
    }
}

/// A protected object would be deleted. The protection is remembered, so that it outlives its
/// block; `said` is what the object says itself where only that is left of it.
pub(crate) fn deleted(
    input: &PlanInput<'_, '_>,
    evaluator: &Evaluator<'_>,
    change: &Change,
    said: Option<&str>,
) -> Diagnostic {
    let (addr, shown) = (&change.addr, &change.identity.shown);
    let what = match &change.reason {
        Some(Reason::Destroy) => "it is to be destroyed",
        Some(Reason::KeyGone) => "its key is gone from `for_each`",
        Some(Reason::IndexGone) => "its index is beyond `count`",
        Some(Reason::Disabled) => "it is not enabled any more",
        Some(
            Reason::NotInConfiguration
            | Reason::CannotUpdate(_)
            | Reason::Requested
            | Reason::Triggered(_),
        ) => "its block is gone, which does not end the protection",
        None => "its block means another object now, which does not end the protection",
    };
    if let Some(said) = said {
        let detail = format!("{shown} (`{addr}`) is protected, and {what}: {said}.");
        let help = format!(
            "If it may go, take that off the object, and plan again. To keep the object and \
             forget it, run:\n  clinch state rm '{addr}'"
        );
        return protected(addr, detail, help);
    }
    let detail =
        format!("`{addr}` ({shown}) was applied with `prevent_destroy = true`, and {what}.");
    let help = match &change.reason {
        Some(Reason::Destroy) => format!(
            "To destroy it too, set `prevent_destroy = false`, run `clinch apply`, and destroy \
             again. To keep the object and forget it, run:\n  clinch state rm '{addr}'"
        ),
        _ => format!(
            "To delete it, put it back with `prevent_destroy = false`, run `clinch apply`, and \
             then remove it. To keep the object and forget it, run:\n  clinch state rm '{addr}'"
        ),
    };
    let diagnostic = protected(addr, detail, help);
    let place = guard(input, addr).or_else(|| evaluator.place(addr, &Path::root()));
    match place {
        Some(span) => diagnostic.at(span, ""),
        None => diagnostic,
    }
}

fn protected(addr: &InstanceAddr, detail: String, help: String) -> Diagnostic {
    Diagnostic::error(codes::PROTECTED, "Object is protected", detail)
        .with_help(help)
        .for_address(addr)
}

/// Where `prevent_destroy` is written.
fn guard(input: &PlanInput<'_, '_>, addr: &InstanceAddr) -> Option<Span> {
    let module = input.config.modules.get(&addr.module.path())?;
    Some(module.resources.get(&addr.resource())?.lifecycle().prevent_destroy.as_ref()?.span)
}
