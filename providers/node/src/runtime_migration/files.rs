//! Which settings of a kubelet say how it reaches its runtime, and what they are to be.
//!
//! Sources: the changelogs of Kubernetes 1.24 ("dockershim removed"), pull request 106907 of
//! `kubernetes/kubernetes`, and 1.27 (`--container-runtime` removed, `containerRuntimeEndpoint` added);
//! `cmd/kubeadm/app/phases/kubelet` of `kubernetes/kubernetes` v1.36 (`instance-config.yaml`).

use super::{SHELF, SOCKET};
use crate::kubelet_config::{USUAL_PATH, env};
use crate::place;
use crate::settings::files::{File, Files, Format, Goal};
use crate::settings::record::Record;
use crate::settings::ways::{self, Way};
use crate::{container_runtime, owned};
use plans::{ObjectKey, Problem};
use provider::PlanRequest;
use values::Value;

/// What kubeadm found out about this node alone.
const INSTANCE: &str = "/var/lib/kubelet/instance-config.yaml";
/// The files, in the order in which they are written.
pub(super) const PATHS: [&str; 3] = [env::PATH, USUAL_PATH, INSTANCE];
pub(super) const ENDPOINT: &str = "container-runtime-endpoint";
pub(super) const KIND: &str = "container-runtime";
pub(super) const SETTING: &str = "containerRuntimeEndpoint";
/// Flags that went away with the dockershim. A kubelet that does not know a flag does not start.
pub(super) const SHIMS: [&str; 8] = [
    "cni-bin-dir",
    "cni-cache-dir",
    "cni-conf-dir",
    "docker-endpoint",
    "experimental-dockershim-root-directory",
    "image-pull-progress-deadline",
    "network-plugin",
    "network-plugin-mtu",
];
/// From this minor version on there is no dockershim.
pub(super) const NO_SHIM: u32 = 24;
/// From this one on the address is a setting of the file, and there is no kind any more.
pub(super) const HAS_SETTING: u32 = 27;

/// Whether this version does not start with such a flag.
pub(super) fn is_unknown(flag: &str, minor: u32) -> bool {
    (SHIMS.contains(&flag) && minor >= NO_SHIM) || (flag == KIND && minor >= HAS_SETTING)
}

/// Whether both are the address of the same socket: `/var/run` is a link to `/run`, and old
/// kubelets take a path without a scheme.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    fn bare(of: &str) -> &str {
        let path = of.strip_prefix("unix://").unwrap_or(of);
        path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/")).unwrap_or(path)
    }
    bare(one) == bare(other)
}

/// What other types declare of the same files.
pub(super) fn of_others(node: &str) -> [ObjectKey; 2] {
    let file = |path: &str| place::file(node, path, Vec::new()).key;
    [file(container_runtime::USUAL_PATH), file(USUAL_PATH)]
}

/// A way of one step.
pub(super) fn way(name: &str) -> Way {
    vec![name.into()]
}

/// A file as it was seen, with what is ours of it.
pub(super) struct Part {
    path: &'static str,
    format: Format,
    /// `None` when there is no such file.
    pub(super) live: Option<Value>,
    record: Record,
    recorded: Option<String>,
}

impl Part {
    /// From what was looked at of it.
    pub(super) fn of(
        request: &PlanRequest<'_>,
        path: &'static str,
        present: &Value,
    ) -> Result<Self, Vec<Problem>> {
        let format = match path {
            env::PATH => Format::Flags,
            INSTANCE => Format::Part,
            _ => Format::Yaml,
        };
        let seen = present.get(path).unwrap_or(&Value::Null);
        let recorded = seen.get("record").and_then(Value::as_str).map(str::to_owned);
        let place = format!("the file {} on the host", SHELF.place(path));
        let record = Record::of_request(request, path, recorded.as_deref(), &place)
            .map_err(|problem| vec![problem])?;
        let text = owned::Seen::read(seen).content;
        let node = place::part(request.identity, "node");
        let live = text
            .map(|text| format.read(text))
            .transpose()
            .map_err(|why| vec![unreadable(node, path, &why)])?;
        Ok(Self { path, format, live, record, recorded })
    }

    pub(super) fn is_of(&self, path: &str) -> bool {
        self.path == path
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    /// What the file says of it.
    pub(super) fn says(&self, name: &str) -> Option<&str> {
        ways::get(self.live.as_ref()?, &way(name))?.as_str()
    }

    /// What becomes of an address that may be given here: one that was added since we know the file
    /// goes again.
    fn endpoint(&self, name: &str) -> Value {
        match self.says(name) {
            None => Value::Null,
            Some(given) if is_same(given, SOCKET) => given.into(),
            Some(_) if self.record.earlier.get(&way(name)) == Some(&None) => Value::Null,
            Some(_) => SOCKET.into(),
        }
    }

    /// The settings as they are to be; null for one that is to be away. Without a version the
    /// kubelet is taken for a new one.
    fn wanted(&self, minor: Option<u32>) -> Vec<(Way, Value)> {
        if self.path != env::PATH {
            return vec![(way(SETTING), self.endpoint(SETTING))];
        }
        let is_before = |version: u32| minor.is_some_and(|minor| minor < version);
        let endpoint = match self.endpoint(ENDPOINT) {
            Value::Null if is_before(HAS_SETTING) => SOCKET.into(),
            endpoint => endpoint,
        };
        let given = self.says(KIND).is_some();
        let remote = is_before(NO_SHIM) || (is_before(HAS_SETTING) && given);
        let kind = if remote { "remote".into() } else { Value::Null };
        let shims = SHIMS.map(|name| (way(name), Value::Null));
        [(way(ENDPOINT), endpoint), (way(KIND), kind)].into_iter().chain(shims).collect()
    }

    fn file(&self, minor: Option<u32>, is_ours: bool) -> Option<File> {
        let recorded = self.recorded.as_deref();
        let Some(live) = &self.live else {
            // Nobody knows what it was for; what was noted of it goes.
            return recorded.map(|text| File {
                shelf: SHELF,
                path: self.path.to_owned(),
                goal: Goal::Whole { was: None, will: None },
                record_was: Some(access::digest(text.as_bytes())),
                record: None,
            });
        };
        let place = (SHELF, self.path, self.format);
        if !is_ours {
            // The node stays as it is.
            let same = (live, live);
            return Some(File::of_settings(place, (&self.record, recorded), same, (&[], false)));
        }
        let wanted = self.wanted(minor);
        let will = self.record.wanted(live, &wanted);
        let record = (&self.record, recorded);
        Some(File::of_settings(place, record, (live, &will), (&wanted, true)))
    }

    /// Settings that change: as they are and as they will be.
    pub(super) fn changes(&self, minor: Option<u32>) -> Vec<(Way, Option<Value>, Option<Value>)> {
        let Some(live) = &self.live else { return Vec::new() };
        let wanted = self.wanted(minor);
        let will = self.record.wanted(live, &wanted);
        let one = |(way, _): (Way, Value)| {
            let both = (ways::get(live, &way).cloned(), ways::get(&will, &way).cloned());
            (both.0 != both.1).then_some((way, both.0, both.1))
        };
        wanted.into_iter().filter_map(one).collect()
    }
}

/// What becomes of all of them.
pub(super) fn files(parts: &[Part], minor: Option<u32>, is_ours: bool) -> Files {
    Files(parts.iter().filter_map(|part| part.file(minor, is_ours)).collect())
}

fn unreadable(node: &str, path: &str, why: &str) -> Problem {
    let detail = format!("{node}:{path} {why}.");
    let summary = "Kubelet's file cannot be read";
    Problem::error(crate::codes::KUBELET_FILE, summary, values::Path::root(), detail)
        .with_help("Mend the file on the host; a kubelet would not start with it either.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_by_the_socket_that_they_mean() {
        for (one, same) in [
            ("unix:///run/containerd/containerd.sock", true),
            ("unix:///var/run/containerd/containerd.sock", true),
            ("/var/run/containerd/containerd.sock", true),
            ("unix:///var/running/containerd/containerd.sock", false),
            ("unix:///var/run/cri-dockerd.sock", false),
            ("", false),
        ] {
            assert_eq!(is_same(one, SOCKET), same, "{one}");
        }
    }

    #[test]
    fn flags_stop_a_kubelet_from_the_version_on_that_does_not_know_them() {
        for (flag, minor, stops) in [
            ("network-plugin", 23, false),
            ("network-plugin", 24, true),
            ("container-runtime", 26, false),
            ("container-runtime", 27, true),
            ("container-runtime-endpoint", 37, false),
            ("node-ip", 37, false),
        ] {
            assert_eq!(is_unknown(flag, minor), stops, "{flag} {minor}");
        }
    }
}
