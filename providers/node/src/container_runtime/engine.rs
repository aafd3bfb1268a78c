//! The runtimes that are kept, and which of them a host has.

use super::USUAL_PATH;
use super::crio;
use crate::codes;
use crate::look::Looked;
use crate::place::part;
use access::{Ask, HostError};
use plans::{Identity, Problem};
use values::{Path, Value};

/// A container runtime that a kubelet may talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Containerd,
    Crio,
}

impl Engine {
    /// By its name in the configuration; containerd when there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "" | "containerd" => Some(Self::Containerd),
            "crio" => Some(Self::Crio),
            _ => None,
        }
    }

    /// Whose file it is. The places of CRI-O's files are its own, so a path says it all, and so do
    /// identities that were stored before there were two.
    pub(super) fn of(identity: &Identity) -> Self {
        Self::of_path(part(identity, "path"))
    }

    pub(super) fn of_path(path: &str) -> Self {
        if crio::is_drop_in(path) { Self::Crio } else { Self::Containerd }
    }

    /// The file that is kept when none is named.
    pub(super) fn usual_path(self) -> &'static str {
        match self {
            Self::Containerd => USUAL_PATH,
            Self::Crio => crio::USUAL_PATH,
        }
    }

    /// Its unit of systemd, and its name in the configuration.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Crio => "crio",
        }
    }

    /// Its name for people.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::Crio => "CRI-O",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Containerd => Self::Crio,
            Self::Crio => Self::Containerd,
        }
    }

    fn is_active(self) -> [&'static str; 3] {
        ["systemctl", "is-active", self.unit()]
    }

    /// What is looked at to know whether it runs, or the other one.
    pub(super) fn asks(self) -> Vec<Ask> {
        [self, self.other()].map(|engine| Ask::command(engine.is_active())).to_vec()
    }

    /// Whether its unit is active; `None` on a host that is a folder.
    pub(super) fn runs(self, looked: &Looked) -> Result<Option<bool>, HostError> {
        match looked.ran(&self.is_active()) {
            Ok(Some(output)) => Ok(Some(output.text().trim() == "active")),
            // Another init system: nobody can tell.
            Ok(None) | Err(HostError::NoCommands { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What was seen of the other one.
    pub(super) fn seen_other(self, looked: &Looked) -> Result<(&'static str, Value), HostError> {
        let runs = self.other().runs(looked)?;
        Ok(("other_runs", runs.map_or(Value::Null, Value::from)))
    }

    /// Which one listens at an address that a kubelet talks to.
    fn behind(endpoint: &str) -> Option<Self> {
        let socket = endpoint.rsplit('/').next().unwrap_or_default();
        [Self::Containerd, Self::Crio]
            .into_iter()
            .find(|engine| socket == format!("{}.sock", engine.unit()))
    }

    /// Whether the kubelet is known to reach its containers through docker, so that none of its pods
    /// is in any of these.
    pub(super) fn has_no_pods(seen: &Value) -> bool {
        let Some(kubelet) = seen.get("kubelet") else { return false };
        let endpoint = kubelet.get("endpoint").and_then(Value::as_str).unwrap_or_default();
        kubelet.get("shim").and_then(Value::as_bool) == Some(true)
            || is_dockershim(endpoint)
            || is_cri_dockerd(endpoint)
    }

    /// Which one a host has, by what was seen of containerd there: the one that the kubelet talks
    /// to; where nobody says that, the one that runs.
    pub(super) fn on(seen: &Value) -> Self {
        let endpoint = seen.get("kubelet").and_then(|kubelet| kubelet.get("endpoint")?.as_str());
        let is = |name: &str| seen.get(name).and_then(Value::as_bool);
        match endpoint.and_then(Self::behind) {
            Some(engine) => engine,
            None if is("runs") != Some(true) && is("other_runs") == Some(true) => Self::Crio,
            None => Self::Containerd,
        }
    }

    /// That a host has the other one. What the kubelet talks to decides; where nobody says that,
    /// what runs.
    pub(super) fn mismatch(self, identity: &Identity, present: &Value) -> Option<Problem> {
        let node = part(identity, "node");
        let other = self.other();
        let kubelet = |name: &str| present.get("kubelet")?.get(name)?.as_str();
        let why = match kubelet("endpoint") {
            Some(endpoint) if Self::behind(endpoint) == Some(other) => format!(
                "the kubelet of `{node}` talks to `{}`, by {}: that is {}",
                endpoint.escape_debug(),
                kubelet("endpoint_from").unwrap_or("its configuration"),
                other.shown()
            ),
            Some(endpoint) if Self::behind(endpoint) == Some(self) => return None,
            Some(_) | None => {
                let is = |name: &str| present.get(name).and_then(Value::as_bool);
                if is("runs") != Some(false) || is("other_runs") != Some(true) {
                    return None;
                }
                format!("on `{node}` {} runs, and {} does not", other.shown(), self.shown())
            }
        };
        let detail = format!("The block is about {}, and {why}.", self.shown());
        let at = Path::of("engine");
        let problem = Problem::error(codes::RUNTIME_OTHER, "Another container runtime", at, detail);
        Some(problem.with_help(format!(
            "Write `engine = \"{}\"`, or bring the node to {} first.",
            other.unit(),
            self.shown()
        )))
    }
}

/// Whether an address is that of the dockershim. Source: `DefaultDockerShimSocket` of kubeadm 1.23.
pub(crate) fn is_dockershim(endpoint: &str) -> bool {
    endpoint.rsplit('/').next() == Some("dockershim.sock")
}

/// Whether an address is that of cri-dockerd. Source: `packaging/systemd/cri-docker.socket` of
/// Mirantis/cri-dockerd, and the default of its `--container-runtime-endpoint`.
pub(crate) fn is_cri_dockerd(endpoint: &str) -> bool {
    matches!(endpoint.rsplit('/').next(), Some("cri-dockerd.sock" | "cri-docker.sock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubelet_that_talks_to_docker_has_no_pods_in_either() {
        let seen = |endpoint: &str, shim: bool| {
            let parts = [("endpoint", endpoint.into()), ("shim", shim.into())];
            Value::map([("kubelet", Value::map(parts))])
        };
        assert!(Engine::has_no_pods(&seen("unix:///var/run/cri-dockerd.sock", false)));
        assert!(Engine::has_no_pods(&seen("", true)));
        assert!(!Engine::has_no_pods(&seen("unix:///run/containerd/containerd.sock", false)));
        assert!(!Engine::has_no_pods(&Value::Null));
    }

    #[test]
    fn the_socket_tells_which_runtime_listens() {
        for (endpoint, engine) in [
            ("unix:///run/containerd/containerd.sock", Some(Engine::Containerd)),
            ("/run/k3s/containerd/containerd.sock", Some(Engine::Containerd)),
            ("unix:///var/run/crio/crio.sock", Some(Engine::Crio)),
            ("unix:///run/cri-dockerd.sock", None),
            ("", None),
        ] {
            assert_eq!(Engine::behind(endpoint), engine, "{endpoint}");
        }
    }
}
