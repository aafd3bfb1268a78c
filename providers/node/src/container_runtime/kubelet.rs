//! What a node's kubelet expects of its runtime: where it listens, and who makes control groups.
//!
//! A flag wins over the kubelet's file, and what the file does not say is the kubelet's default.
//!
//! Sources: `kubeletConfigFlagPrecedence` in `cmd/kubelet/app/server.go`,
//! `SetDefaults_KubeletConfiguration` in `pkg/kubelet/apis/config/v1beta1/defaults.go`;
//! [KEP-4033](https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/4033-group-driver-detection-over-cri):
//! a kubelet asks its runtime for the driver from 1.31 on, where the runtime answers.

use super::engine::Engine;
use crate::codes;
use crate::kubelet_config::flags;
use crate::look::Looked;
use access::{Ask, FileOnHost, HostError};
use plans::{Identity, Problem};
use values::{Path, Value};

const FILE: &str = "/var/lib/kubelet/config.yaml";
/// What kubeadm found out about this node alone. Source: `kubeadm init`, instance configuration.
const INSTANCE: &str = "/var/lib/kubelet/instance-config.yaml";
const VERSION: [&str; 2] = ["kubelet", "--version"];
/// From this minor version on a kubelet asks its runtime.
const ASKS: u32 = 31;
/// From this one on it has no dockershim. Source: the changelog of Kubernetes 1.24.
const NO_SHIM: u32 = 24;
/// The kubelet's own driver. From 1.31 on it is only what it falls back to.
const DEFAULT: &str = "cgroupfs";

pub(super) fn asks() -> Vec<Ask> {
    let files = [FILE, INSTANCE].map(Ask::file);
    let more = [Ask::command(VERSION)];
    files.into_iter().chain(more).chain(flags::asks()).collect()
}

/// What of it was seen; nothing on a host without a kubelet.
pub(super) fn seen(looked: &Looked) -> Result<Value, HostError> {
    let mut parts = Vec::new();
    let mut put = |name: &'static str, from: &'static str, found: Option<(String, String)>| {
        if let Some((value, place)) = found {
            parts.extend([(name, Value::from(value)), (from, Value::from(place))]);
        }
    };
    let has_file = known(looked.file(FILE))?.is_some();
    let default = || (DEFAULT.to_owned(), format!("default, since `{FILE}` names none"));
    let driver = found(looked, "cgroup-driver", "cgroupDriver")?;
    put("driver", "driver_from", driver.or_else(|| has_file.then(default)));
    let endpoint = found(looked, "container-runtime-endpoint", "containerRuntimeEndpoint")?;
    put("endpoint", "endpoint_from", endpoint);
    let version = match looked.ran(&VERSION) {
        Ok(Some(output)) if output.succeeded() => output.text().trim().to_owned(),
        Ok(Some(_) | None) | Err(HostError::NoCommands { .. }) => String::new(),
        Err(error) => return Err(error),
    };
    let minor = minor_of(&version);
    let asks = minor.map(|minor| minor >= ASKS);
    let kind = known(flags::given(looked, "container-runtime"))?;
    let is_remote = kind.is_some_and(|(kind, _)| kind == "remote");
    // Before, a kubelet reached docker itself unless it was told otherwise.
    let shim = minor.is_some_and(|minor| minor < NO_SHIM) && !is_remote;
    let more = [("asks", asks.map_or(Value::Null, Value::from)), ("shim", shim.into())];
    Ok(Value::map(parts.into_iter().chain(more)))
}

/// A link in the place of a file says nothing: the file is the kubelet's, and not kept here.
fn known<T>(found: Result<Option<T>, HostError>) -> Result<Option<T>, HostError> {
    match found {
        Err(HostError::NotAFile { .. }) => Ok(None),
        other => other,
    }
}

/// A setting that a flag or a file gives, with where that stands.
fn found(
    looked: &Looked,
    flag: &str,
    setting: &str,
) -> Result<Option<(String, String)>, HostError> {
    if let Some((value, place)) = known(flags::given(looked, flag))? {
        let place = if place.starts_with('/') { format!("`{place}`") } else { place };
        return Ok(Some((value, format!("the flag `--{flag}` in {place}"))));
    }
    for path in [FILE, INSTANCE] {
        let text = known(looked.file(path))?.and_then(|file| setting_of(file, setting));
        if let Some(text) = text {
            return Ok(Some((text, format!("`{setting}` in `{path}`"))));
        }
    }
    Ok(None)
}

/// As the kubelet reads it: quotes within quotes are a part of the value.
fn setting_of(file: &FileOnHost, setting: &str) -> Option<String> {
    let documents = yaml::documents(&String::from_utf8_lossy(&file.content)).ok()?;
    let root = documents.first()?.to_value();
    root.get(setting).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The number behind the first dot of `Kubernetes v1.36.2`, or of a version alone.
pub(crate) fn minor_of(said: &str) -> Option<u32> {
    said.split_whitespace().find_map(|word| {
        let mut parts = word.trim_start_matches('v').split('.');
        parts.next()?.parse::<u32>().ok()?;
        parts.next()?.parse().ok()
    })
}

/// That kubelet and runtime would not make the same control groups. `answers` is whether the
/// runtime tells a kubelet that asks.
pub(super) fn disagrees(
    engine: Engine,
    identity: &Identity,
    kubelet: Option<&Value>,
    driver: &str,
    answers: bool,
    asked: bool,
) -> Option<Problem> {
    let says = |name: &str| kubelet?.get(name)?.as_str();
    let asks = kubelet.and_then(|kubelet| kubelet.get("asks")?.as_bool()) != Some(false);
    let of_kubelet = says("driver").filter(|kubelet| *kubelet != driver)?;
    if answers && asks {
        return None;
    }
    let node = crate::place::part(identity, "node");
    let detail = format!(
        "The kubelet of `{node}` has the cgroup driver `{}` ({}), and {} {} `{driver}`: \
         pods do not start so, or run outside of the control groups that the kubelet watches.",
        of_kubelet.escape_debug(),
        says("driver_from").unwrap_or("its configuration"),
        engine.shown(),
        if asked { "is to have" } else { "has" },
    );
    let at = if asked { Path::of("cgroup_driver") } else { Path::root() };
    let summary = "Kubelet with another cgroup driver";
    let problem = Problem::warning(codes::RUNTIME_SETTING, summary, at, detail);
    Some(problem.with_help("Declare a `cgroup_driver` for the node: it changes both as one."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_versions_are_read_from_what_programs_say() {
        for (said, minor) in [
            ("Kubernetes v1.36.2", Some(36)),
            ("crio version 1.30.4\nVersion: 1.30.4", Some(30)),
            ("crio version 1.9.0-dev", Some(9)),
            ("", None),
            ("Kubernetes vX", None),
        ] {
            assert_eq!(minor_of(said), minor, "{said}");
        }
    }
}
