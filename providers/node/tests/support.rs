//! Arguments, requests and answers as text.

use plans::{Basis, Identity, Op, Problem};
use provider::{Observation, PlanRequest, Planned, ResourceKind};
use std::fmt::Write as _;
use values::{Path, Type, Value};

pub(crate) const PATH: &str = "/etc/modprobe.d/90-clinch-modules.conf";
pub(crate) const STRICT: &str = "# Managed by clinch (project shop)
# Changes made here are overwritten.
blacklist dccp
install dccp /bin/false
blacklist sctp
install sctp /bin/false
";

pub(crate) fn kind() -> Box<dyn ResourceKind> {
    let mut kinds = node::kinds().into_iter();
    kinds.find(|kind| kind.name().as_str() == "kernel_module_blacklist").unwrap()
}

/// Arguments as they come after conforming.
pub(crate) fn args(modules: &[&str], strict: bool) -> Value {
    Value::map([
        ("node", "w1".into()),
        ("name", "modules".into()),
        ("modules", Value::list(modules.iter().map(|m| Value::from(*m)))),
        ("strict", strict.into()),
    ])
}

pub(crate) fn identity() -> Identity {
    kind().identify(&args(&[], true)).unwrap()
}

/// The file as it was read, and what the kernel has loaded.
pub(crate) fn seen(content: Option<&str>, mode: &str, loaded: &[&str]) -> Observation {
    let digest = content.map(|content| access::digest(content.as_bytes()));
    Observation::Present(Value::map([
        ("content", content.map_or(Value::Null, Value::from)),
        ("digest", digest.map_or(Value::Null, Value::from)),
        ("mode", mode.into()),
        ("loaded", Value::list(loaded.iter().map(|m| Value::from(*m)))),
    ]))
}

/// A request of the project of all tests with nothing but this.
pub(crate) fn request<'a>(
    identity: &'a Identity,
    desired: Option<&'a Value>,
    observed: &'a Observation,
) -> PlanRequest<'a> {
    let plain = provider::contract::request(identity, desired, observed);
    PlanRequest { project: "shop", ..plain }
}

pub(crate) fn plan(args: Option<&Value>, observed: &Observation, ignore: &[Path]) -> Planned {
    let identity = identity();
    kind().plan(&PlanRequest { ignore, ..request(&identity, args, observed) })
}

/// The one operation that is planned.
pub(crate) fn only_op(planned: Planned) -> Op {
    let Planned::Decided(mut decision) = planned else { panic!("{planned:?}") };
    assert_eq!(decision.ops.len(), 1);
    decision.ops.remove(0)
}

pub(crate) fn told(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|p| format!("{} at `{}`: {}", p.code, p.path, p.detail));
    lines.collect::<Vec<_>>().join("\n")
}

/// An answer of the plan, as a few lines of text.
pub(crate) fn answer(planned: &Planned) -> String {
    let decision = match planned {
        Planned::Decided(decision) => decision,
        Planned::Failed(problems) => return told(problems),
        Planned::NeedsPreview(op) => return format!("ask: {}", op.text),
    };
    let basis = match &decision.basis {
        Basis::Unverified(why) => why.clone(),
        other => format!("{other:?}"),
    };
    let mut out = format!("{:?} ({basis})", decision.action);
    for (name, value) in [("before", &decision.before), ("after", &decision.after)] {
        if let Some(value) = value {
            let parts = value.as_map().map(|map| {
                let parts = map.iter().filter(|(k, _)| !["node", "path"].contains(&&***k));
                parts.map(|(k, v)| format!("{k}={v:?}")).collect::<Vec<_>>().join(" ")
            });
            let _ = write!(out, "\n{name}: {}", parts.unwrap_or_else(|| format!("{value:?}")));
        }
    }
    for op in &decision.ops {
        let guards = op.guard.as_map().unwrap();
        let guarded = guards.values().any(|guard| !guard.is_null());
        let _ = write!(out, "\nop: {}{}", op.text, if guarded { " (guarded)" } else { "" });
    }
    for note in &decision.notes {
        let _ = write!(out, "\nnote at `{}`: {}", note.path, note.text);
    }
    out
}

pub(crate) fn unknown() -> Value {
    Value::Unknown(Type::String)
}
