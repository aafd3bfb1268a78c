//! What of a runtime is about its cgroup driver: for `cgroup_driver`, which changes it together
//! with the kubelet's.
//!
//! The rules of what a setting means, and of what wins over it, are those of `container_runtime`;
//! only the record of what is ours is another one, so both types may keep parts of one file.

use super::engine::Engine;
use super::{crio, decide, identity, look};
use crate::look::Looked;
use crate::place;
use crate::settings::record::Record;
use crate::settings::ways::Way;
use access::Ask;
use plans::{Identity, Problem};
use provider::PlanRequest;
use values::Value;

/// The drop-in of CRI-O that says nothing but the driver.
pub(crate) const CRIO_PATH: &str = "/etc/crio/crio.conf.d/99-clinch-cgroup.conf";

/// A runtime, and what becomes of it.
pub(crate) struct Half {
    pub(crate) path: &'static str,
    /// Which driver its pods get, in words.
    pub(crate) has: String,
    pub(crate) will: String,
    pub(crate) change: Change,
    /// Whether it tells a kubelet that asks.
    pub(crate) answers: bool,
    /// Why it would not take effect.
    pub(crate) problems: Vec<Problem>,
}

/// What becomes of its file.
pub(crate) enum Change {
    /// These settings of it are to be so.
    Settings { live: Value, settings: Vec<(Way, Value)> },
    /// It is ours as a whole; `None` for no file.
    Whole { was: Option<String>, will: Option<String> },
}

/// The file of the runtime in which the driver is.
pub(crate) fn path(engine: Engine) -> &'static str {
    match engine {
        Engine::Containerd => super::USUAL_PATH,
        Engine::Crio => CRIO_PATH,
    }
}

fn identities(node: &str) -> [Identity; 2] {
    [Engine::Containerd, Engine::Crio].map(|engine| identity(node, path(engine)))
}

/// What is looked at of both runtimes: which of them it is shows only then.
pub(crate) fn asks(node: &str) -> Vec<Ask> {
    let [containerd, crio] = identities(node);
    look::asks(&containerd).into_iter().chain(crio::asks(&crio)).collect()
}

pub(crate) fn asks_next(node: &str, looked: &Looked) -> Vec<Ask> {
    let [containerd, crio] = identities(node);
    let of_crio = crio::asks_next(&crio, looked);
    look::asks_next(&containerd, looked).into_iter().chain(of_crio).collect()
}

/// Which runtime the host has, and what was seen of it.
pub(crate) fn seen(node: &str, looked: &Looked) -> Result<(Engine, Value), Problem> {
    let [containerd, crio] = identities(node);
    let seen = look::seen(&containerd, looked)?;
    match Engine::on(&seen) {
        Engine::Containerd => Ok((Engine::Containerd, seen)),
        Engine::Crio => Ok((Engine::Crio, crio::seen(&crio, looked)?)),
    }
}

/// What is looked at of containerd alone, whatever the kubelet talks to.
pub(crate) fn containerd_asks(node: &str) -> Vec<Ask> {
    look::asks(&identity(node, super::USUAL_PATH))
}

pub(crate) fn containerd_asks_next(node: &str, looked: &Looked) -> Vec<Ask> {
    look::asks_next(&identity(node, super::USUAL_PATH), looked)
}

pub(crate) fn containerd_seen(node: &str, looked: &Looked) -> Result<Value, Problem> {
    look::seen(&identity(node, super::USUAL_PATH), looked)
}

/// What becomes of the runtime with this driver, or without one of ours.
pub(crate) fn half(
    request: &PlanRequest<'_>,
    ty: &addrs::TypeName,
    engine: Engine,
    present: &Value,
    record: &Record,
    driver: Option<&str>,
) -> Result<Half, Vec<Problem>> {
    let identity = identity(place::part(request.identity, "node"), path(engine));
    let args = driver.map(|driver| {
        Value::map([("path", path(engine).into()), ("cgroup_driver", driver.into())])
    });
    let request = PlanRequest { identity: &identity, desired: args.as_ref(), ..*request };
    match engine {
        Engine::Containerd => decide::half(ty, &request, present, record),
        Engine::Crio => crio::half(ty, &request, present),
    }
}

/// Whether a `container_runtime` keeps the driver of this host already.
pub(crate) fn is_kept(engine: Engine, present: &Value) -> bool {
    match engine {
        Engine::Containerd => {
            let record = present.get("record").and_then(Value::as_str);
            let record = record.and_then(|text| Record::parse(text).ok());
            let is_driver = |way: &Way| way.last().is_some_and(|key| &**key == "SystemdCgroup");
            record.is_some_and(|record| record.earlier.keys().any(is_driver))
        }
        Engine::Crio => crio::keeps_driver(present),
    }
}

pub(super) fn is_containerd_2(said: &str) -> bool {
    containerd_version(said).is_some_and(|(major, _)| major >= 2)
}

/// Major and minor version, of `containerd github.com/containerd/containerd v2.2.1 dea7da...`.
pub(crate) fn containerd_version(said: &str) -> Option<(u32, u32)> {
    let numbers = |word: &str| {
        let mut parts = word.strip_prefix('v').unwrap_or(word).split('.');
        let mut number = || parts.next()?.parse::<u32>().ok();
        Some((number()?, number()?))
    };
    said.split_whitespace().find_map(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containerd_2_is_told_from_its_forebears() {
        for (said, is) in [
            ("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3", false),
            ("containerd containerd.io 1.7.27 05044ec0a9a75232cad458027ca83437aae3f4da", false),
            ("containerd github.com/containerd/containerd/v2 v2.2.1 dea7da592f5d1d2b", true),
            ("", false),
        ] {
            assert_eq!(is_containerd_2(said), is, "{said}");
        }
        assert_eq!(containerd_version("containerd containerd.io 1.7.27 0504"), Some((1, 7)));
    }
}
