//! One change in full: its header lines and what differs inside.

use super::body::{Body, Sign};
use super::rows::is_quiet;
use super::secret::only_secrets_differ;
use crate::style::Ink;
use crate::{Detail, Style, text, value};
use plans::{Action, Basis, Change, Mode, Origin, Reason, Right};
use values::{Diff, Path, Value};

/// The sign in its colour, in three columns.
pub(super) fn sign_ink(action: Action, create_first: bool, style: Style) -> String {
    match action {
        Action::NoOp => "   ".to_owned(),
        Action::Create => format!("  {}", style.ink(Ink::Create, "+")),
        Action::Update => format!("  {}", style.ink(Ink::Change, "~")),
        Action::Replace if create_first => {
            format!("{}/{}", style.ink(Ink::Create, "+"), style.ink(Ink::Destroy, "-"))
        }
        Action::Replace => {
            format!("{}/{}", style.ink(Ink::Destroy, "-"), style.ink(Ink::Create, "+"))
        }
        Action::Delete => format!("  {}", style.ink(Ink::Destroy, "-")),
        Action::Forget => "  .".to_owned(),
    }
}

/// What differs, with secrets hidden on both sides.
pub(super) fn difference(change: &Change) -> Diff {
    match (&change.before, &change.after) {
        (Some(a), Some(b)) => {
            let (a, b) = values::hide_alike(a, b);
            values::diff(&a, &b)
        }
        (Some(a), None) => Diff::Removed(a.clone()),
        (None, Some(b)) => Diff::Added(b.clone()),
        (None, None) => Diff::Same(Value::Null),
    }
}

/// All lines of one change.
///
/// `lacks` are rights for it that whoever plans does not have; `place` is where it is declared.
pub(super) fn lines(
    change: &Change,
    lacks: &[&Right],
    place: Option<&str>,
    mode: Mode,
    style: Style,
    detail: Detail,
) -> Vec<String> {
    let forces: &[Path] = match &change.reason {
        Some(Reason::CannotUpdate(paths)) => paths,
        _ => &[],
    };
    let mut body = Body::new(style, detail, forces, &change.notes);
    let gone = mode == Mode::Drift && change.origin == Origin::Drift && change.before.is_none();
    let has_body = !gone || detail == Detail::Full;
    if has_body {
        fill(&mut body, change, mode, detail);
    }
    let (inside, forces, notes) = body.finish();

    let mut out = vec![header(change, mode, style)];
    let mut because = |text: String| out.push(format!("  # ({text})"));
    for text in reasons(change, mode) {
        because(text);
    }
    if let Some(place) = place.filter(|_| change.origin == Origin::Drift) {
        because(format!("declared in {}", text::line(place)));
    }
    for path in forces {
        because(format!("because {} cannot be updated in-place", text::line(&path.to_string())));
    }
    match &change.basis {
        Basis::Unverified(why) => {
            because(format!("not verified by the server: {}", text::line(why)));
        }
        Basis::Predicted(why) => {
            let why = text::line(why);
            because(format!("predicted locally, not verified by the server: {why}"));
        }
        Basis::Proven | Basis::Server | Basis::Local => {}
    }
    for guard in &change.blocked {
        let allow = match plans::flag(guard.kind, 0) {
            Some(flag) => format!("; {flag} allows it"),
            None => String::new(),
        };
        let blocked = format!("# (blocked: {}{allow})", text::line(&guard.why));
        out.push(format!("  {}", style.ink(Ink::Destroy, &blocked)));
    }
    // A prediction says already which right it was made without.
    let predicted = matches!(change.basis, Basis::Predicted(_));
    for right in lacks.iter().filter(|_| !predicted) {
        let right = right.to_string();
        let blocked = format!("# (blocked: you may not {})", text::line(&right));
        out.push(format!("  {}", style.ink(Ink::Destroy, &blocked)));
    }
    for note in notes {
        let path = note.path.to_string();
        let at = if path.is_empty() { String::new() } else { format!("{}: ", text::line(&path)) };
        let note = format!("# note: {at}{}", text::line(&note.text));
        out.push(format!("  {}", style.ink(Ink::Change, &note)));
    }
    if has_body {
        let labels = format!("resource \"{}\" \"{}\"", change.addr.ty, change.addr.name);
        let sign = sign_ink(change.action, change.create_first, style);
        if inside.is_empty() {
            out.push(format!("{sign} {labels} {{}}"));
        } else {
            out.push(format!("{sign} {labels} {{"));
            out.extend(inside);
            out.push("    }".to_owned());
        }
    }
    out
}

fn fill(body: &mut Body<'_>, change: &Change, mode: Mode, detail: Detail) {
    let diff = difference(change);
    match (change.action, &change.before) {
        // When everything goes, each object in full would hide the list of them.
        (Action::Delete, Some(before)) if mode == Mode::Destroy && detail != Detail::Full => {
            body.identity(before, Sign::Remove, 1);
        }
        (Action::Forget, Some(before)) if detail != Detail::Full => {
            body.identity(before, Sign::Same, 1);
        }
        _ => body.whole(&diff, 1),
    }
}

fn header(change: &Change, mode: Mode, style: Style) -> String {
    let addr = change.addr.to_string();
    let addr = text::line(&addr);
    let drift = mode == Mode::Drift && change.origin == Origin::Drift;
    let (ink, what) = match change.action {
        Action::Create if drift => (Ink::Destroy, "has been deleted"),
        Action::Update | Action::Replace if drift && only_secrets_differ(change) => {
            (Ink::Change, "has another secret")
        }
        Action::Update | Action::Replace if drift => (Ink::Change, "has changed"),
        Action::NoOp => (Ink::Strong, "has no changes"),
        Action::Create => (Ink::Strong, "will be created"),
        Action::Update => (Ink::Strong, "will be updated in-place"),
        Action::Replace if change.reason == Some(Reason::Requested) => {
            (Ink::Destroy, "will be replaced, as requested")
        }
        Action::Replace if matches!(change.reason, Some(Reason::Triggered(_))) => {
            (Ink::Destroy, "will be replaced due to changes in replace_triggered_by")
        }
        Action::Replace => (Ink::Destroy, "must be replaced"),
        Action::Delete => (Ink::Destroy, "will be destroyed"),
        Action::Forget => {
            (Ink::Strong, "will no longer be managed by clinch, but will not be destroyed")
        }
    };
    // The sign `#` and the blank after it stay outside of the colour: other tools look for them.
    format!("  # {} {}", style.ink(Ink::Strong, &addr), style.ink(ink, what))
}

fn reasons(change: &Change, mode: Mode) -> Vec<String> {
    let mut out = Vec::new();
    match &change.reason {
        Some(Reason::NotInConfiguration) => {
            out.push(format!("because {} is not in configuration", change.addr.resource()));
        }
        Some(Reason::KeyGone) => {
            let key = change.addr.key.to_string();
            out.push(format!("because key {} is not in for_each map", text::line(&key)));
        }
        Some(Reason::IndexGone) => {
            out.push(format!("because index {} is out of range for count", change.addr.key));
        }
        Some(Reason::Disabled) => out.push("because enabled is false".to_owned()),
        Some(Reason::Triggered(by)) => out.push(format!("because {} changes", text::line(by))),
        Some(Reason::Destroy | Reason::CannotUpdate(_) | Reason::Requested) | None => {}
    }
    if change.origin == Origin::Drift {
        let shown = text::line(&change.identity.shown);
        match (mode, change.before.is_some()) {
            _ if only_secrets_differ(change) => out.push(
                "its secret part differs: changed in the configuration or outside of clinch"
                    .to_owned(),
            ),
            (Mode::Drift, true) => {}
            (_, true) => out.push("because it was changed outside of clinch".to_owned()),
            (Mode::Drift, false) => {
                out.push(format!("{shown} no longer exists; apply would create it"));
            }
            (_, false) => out.push(format!("because {shown} was deleted outside of clinch")),
        }
    }
    out
}

/// Why, in the few words of the table.
pub(super) fn why(change: &Change, style: Style) -> String {
    let drift = change.origin == Origin::Drift;
    match (&change.action, &change.reason) {
        (Action::NoOp, _) => String::new(),
        (Action::Create, _) if drift => "deleted outside".to_owned(),
        (Action::Create, _) => "new".to_owned(),
        (Action::Replace, Some(Reason::CannotUpdate(paths))) if !paths.is_empty() => {
            let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
            format!("{} cannot be updated in-place", text::line(&paths.join(", ")))
        }
        (Action::Replace, Some(Reason::Requested)) => "replaced as requested".to_owned(),
        (Action::Replace, Some(Reason::Triggered(by))) => format!("{} changes", text::line(by)),
        (Action::Update | Action::Replace, _) => {
            let diff = difference(change);
            if only_secrets_differ(change) {
                let names = changed_names(&diff);
                let colon = if names.is_empty() { "" } else { ": " };
                return format!("secret differs{colon}{names}");
            }
            let what = changed(&diff, style);
            if drift { format!("changed outside: {what}") } else { what }
        }
        (_, Some(Reason::NotInConfiguration)) => "not in configuration".to_owned(),
        (_, Some(Reason::KeyGone)) => "key not in for_each map".to_owned(),
        (_, Some(Reason::Disabled)) => "enabled is false".to_owned(),
        (_, Some(Reason::IndexGone)) => "index out of range for count".to_owned(),
        (Action::Forget, _) => "no longer managed".to_owned(),
        (Action::Delete, _) => "to be destroyed".to_owned(),
    }
}

/// One difference with its values, several by their last names.
fn changed(diff: &Diff, style: Style) -> String {
    let mut leaves = Vec::new();
    walk(diff, Path::root(), &mut leaves);
    match leaves.as_slice() {
        [] => String::new(),
        [only] => {
            let path = text::line(&only.path.to_string()).into_owned();
            let values = only.values.as_deref().map(|v| format!(" {v}")).unwrap_or_default();
            format!("{}{path}{values}", only.sign)
        }
        several => {
            let names: Vec<_> = several.iter().take(4).map(Leaf::last_name).collect();
            let more = match several.len().saturating_sub(4) {
                0 => String::new(),
                n => format!(", {} {n} more", if style.unicode { "…" } else { "and" }),
            };
            format!("{}{more}", names.join(", "))
        }
    }
}

/// The paths of what differs, without values.
fn changed_names(diff: &Diff) -> String {
    let mut leaves = Vec::new();
    walk(diff, Path::root(), &mut leaves);
    let paths: Vec<_> = leaves.iter().map(|l| l.path.to_string()).collect();
    text::line(&paths.join(", ")).into_owned()
}

/// One thing that differs.
struct Leaf {
    sign: &'static str,
    path: Path,
    values: Option<String>,
}

impl Leaf {
    /// The end of the path that still says something: `image`, `ports["dns"]`.
    fn last_name(&self) -> String {
        let steps = self.path.steps();
        let from = steps.iter().rposition(|s| matches!(s, values::Step::Attr(_))).unwrap_or(0);
        let last = steps[from..].iter().fold(Path::root(), |path, step| path.step(step.clone()));
        format!("{}{}", self.sign, text::line(&last.to_string()))
    }
}

fn walk(diff: &Diff, at: Path, out: &mut Vec<Leaf>) {
    if is_quiet(diff) {
        return;
    }
    // A long value would push the others out of the table.
    let short = |v: &Value| Some(value::text(v)).filter(|t| text::width(t) <= 24);
    let mut leaf = |sign, values| out.push(Leaf { sign, path: at.clone(), values });
    match diff {
        Diff::Same(_) => {}
        Diff::Added(v) => leaf("+", short(v).map(|v| format!("= {v}"))),
        Diff::Removed(_) => leaf("-", None),
        Diff::Changed(a, b) => {
            leaf("", short(a).zip(short(b)).map(|(a, b)| format!("{a} -> {b}")));
        }
        Diff::List(items) => leaf("", came_and_went(items)),
        Diff::Object(map) => {
            for (key, d) in map {
                walk(d, at.clone().attr(key), out);
            }
        }
        Diff::Items(items) => {
            for (key, d) in items {
                walk(d, at.clone().step(values::Step::Item(key.clone())), out);
            }
        }
        Diff::Moved { inner, .. } => {
            leaf("", Some("moved".to_owned()));
            walk(inner, at, out);
        }
    }
}

/// `-"a" +"b"` for a list of scalars, when it is short.
fn came_and_went(items: &[Diff]) -> Option<String> {
    let mut parts = Vec::new();
    for item in items.iter().filter(|d| !is_quiet(d)) {
        match item {
            Diff::Added(v) => parts.push(format!("+{}", value::text(v))),
            Diff::Removed(v) => parts.push(format!("-{}", value::text(v))),
            Diff::Changed(a, b) => {
                parts.push(format!("-{}", value::text(a)));
                parts.push(format!("+{}", value::text(b)));
            }
            _ => return None,
        }
    }
    Some(parts.join(" ")).filter(|text| text::width(text) <= 40)
}
