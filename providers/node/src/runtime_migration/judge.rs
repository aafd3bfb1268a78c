//! Why a kubelet would not start with containerd, and what a person should know before it does.
//!
//! Sources: the release notes of containerd 1.6 (CRI `v1`) and 2.0 (`v1alpha2` removed), the changelogs
//! of Kubernetes 1.23 and 1.26 (CRI `v1`, `v1alpha2` removed); [Version skew
//! policy](https://kubernetes.io/releases/version-skew-policy/#kubelet).

use super::SOCKET;
use super::decide::{Case, Runtime, Wanted};
use super::files::{self, ENDPOINT};
use crate::container_runtime::driver::{self, Half};
use crate::container_runtime::engine::Engine;
use crate::container_runtime::kubelet::minor_of;
use crate::kubelet_config::env;
use crate::settings::record::Record;
use crate::{cgroup_driver, codes, place};
use plans::{Note, Problem};
use std::collections::{BTreeMap, BTreeSet};
use values::{Path, Value};

/// The first kubelet that talks CRI `v1` alone, and the first containerd that has it.
const NEEDS_V1: (u32, (u32, u32)) = (26, (1, 6));
/// The last kubelet that does not talk `v1`, and the first containerd that has nothing else.
const LACKS_V1: (u32, u32) = (22, 2);
/// From this minor version on a kubelet asks its runtime for the cgroup driver. Source: KEP-4033.
const ASKS: u32 = 31;
/// So many are named.
const MOST: usize = 8;

fn error(code: diags::Code, summary: &'static str, detail: String, help: &str) -> Problem {
    Problem::error(code, summary, Path::of("node"), detail).with_help(help)
}

impl Case<'_> {
    /// Why it is not known what the node has.
    pub(super) fn unasked(&self) -> Option<Problem> {
        let why = self.text("why_not")?;
        let detail = format!("What runs on `{}` could not be asked. {why}", self.node);
        let help = "The node and its pods are looked at through the API server, which needs the \
                    rights to `get` `nodes` and to `list` `pods`.";
        Some(error(codes::MIGRATION_NODE, "Node could not be looked at", detail, help))
    }

    /// Why it would not run.
    pub(super) fn judge(&self, wanted: &Wanted) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.another_runtime().into_iter().collect();
        problems.extend(self.flags_elsewhere());
        problems.extend(self.unfit(wanted));
        if self.is_mended_first() {
            return problems;
        }
        match self.half() {
            // The places are those of the arguments of another type.
            Err(found) => {
                problems.extend(found.into_iter().map(|p| Problem { path: Path::of("node"), ..p }));
            }
            Ok(half) => problems.extend(self.other_driver(&half)),
        }
        problems
    }

    fn another_runtime(&self) -> Option<Problem> {
        let runs = self.runs().unwrap_or_default();
        let what = match self.runtime() {
            Runtime::Other(what) => format!("talks to {what}"),
            _ if runs.starts_with("cri-o://") => format!("has `{}`", runs.escape_debug()),
            Runtime::Containerd | Runtime::Dockershim | Runtime::CriDockerd => return None,
        };
        let detail = format!(
            "The kubelet of `{}` {what}, and that is neither docker (the dockershim or cri-dockerd) \
             nor `{SOCKET}`.",
            self.node
        );
        let help = "Leave the node out, or join it anew with containerd.";
        Some(error(codes::MIGRATION_FROM, "Node has another container runtime", detail, help))
    }

    /// Flags that are not kubeadm's, and that a kubelet does not start with or that win.
    fn flags_elsewhere(&self) -> Vec<Problem> {
        let minor = self.minor().unwrap_or(u32::MAX);
        let flags = self.flags();
        let last = flags.iter().rev().find(|[name, ..]| *name == ENDPOINT);
        let elsewhere = flags.iter().filter(|[.., place]| *place != env::PATH);
        let one = |flag: &[&str; 3]| {
            let [name, value, place] = flag;
            let why = if files::is_unknown(name, minor) {
                "a kubelet of this version does not start with it"
            } else if Some(flag) == last && !files::is_same(value, SOCKET) {
                "it wins over what is written here"
            } else {
                return None;
            };
            let detail = format!(
                "{}: the flag `--{name}={}` stands in {place}, and {why}.",
                self.node,
                value.escape_debug()
            );
            let help = "Take it out there; `host_file` and `systemd_unit` keep such files.";
            Some(error(
                codes::MIGRATION_FLAG,
                "A flag keeps the kubelet from containerd",
                detail,
                help,
            ))
        };
        elsewhere.filter_map(one).collect()
    }

    /// What the host lacks for it.
    fn unfit(&self, wanted: &Wanted) -> Vec<Problem> {
        let node = self.node;
        let cannot = |detail: String, help: &str| {
            error(codes::MIGRATION_HOST, "Host cannot move to containerd", detail, help)
        };
        let mut out = Vec::new();
        if self.units.containerd().is_some_and(|unit| unit.file == "masked") {
            let detail = format!("`containerd.service` is masked on host `{node}`.");
            out.push(cannot(detail, "Run `systemctl unmask containerd` there."));
        }
        if wanted.moves && self.units.docker_runs() && self.text("docker") == Some("") {
            let detail = format!(
                "docker runs on host `{node}` and its program `docker` is not found there: nothing \
                 could end the containers that a drain leaves, which keep their ports."
            );
            let help = "Put it, or a link to it, where commands of the login are found.";
            out.push(cannot(detail, help));
        }
        let said = self.containerd().get("version").and_then(Value::as_str).unwrap_or_default();
        let version = driver::containerd_version(said);
        if let (Some(minor), Some(version)) = (self.minor(), version) {
            let is_old = minor >= NEEDS_V1.0 && version < NEEDS_V1.1;
            let is_new = minor <= LACKS_V1.0 && version.0 >= LACKS_V1.1;
            if is_old || is_new {
                let detail = format!(
                    "A kubelet 1.{minor} and a containerd {}.{} have no version of the CRI in common \
                     (host `{node}`).",
                    version.0, version.1
                );
                let help = "Install another containerd: 1.6 and later have `v1`, and those before 2.0 \
                            `v1alpha2`.";
                out.push(cannot(detail, help));
            }
        }
        let server = self.api("server").and_then(Value::as_str).and_then(minor_of);
        if let (Some(minor), Some(server)) = (self.minor(), server)
            && minor > server
            && wanted.moves
        {
            let detail = format!(
                "The kubelet that is installed on host `{node}` is 1.{minor}, and the API server is \
                 1.{server}: started anew, the kubelet would be newer than the server."
            );
            out.push(cannot(
                detail,
                "Upgrade the control plane first, or install the older kubelet.",
            ));
        }
        out
    }

    /// Whether this plan writes containerd's file before.
    fn is_mended_first(&self) -> bool {
        let [file, _] = files::of_others(self.node);
        let claimed = cgroup_driver::claimed(self.node, "container_runtime");
        [file, claimed].iter().any(|key| self.request.created.contains(key))
    }

    /// What containerd's file says of what a kubelet needs.
    fn half(&self) -> Result<Half, Vec<Problem>> {
        let path = driver::path(Engine::Containerd);
        let none = Record::of_request(self.request, path, None, "").map_err(|p| vec![p])?;
        driver::half(self.request, self.ty, Engine::Containerd, self.containerd(), &none, None)
    }

    fn other_driver(&self, half: &Half) -> Option<Problem> {
        let kubelet = self.containerd().get("kubelet");
        let says = |name: &str| kubelet.and_then(|kubelet| kubelet.get(name)?.as_str());
        let asks = half.answers && self.minor().is_none_or(|minor| minor >= ASKS);
        let of_kubelet = says("driver").filter(|driver| !asks && *driver != half.has)?;
        let detail = format!(
            "The kubelet of `{}` has the cgroup driver `{}` ({}), and containerd has `{}`: pods would \
             not start.",
            self.node,
            of_kubelet.escape_debug(),
            says("driver_from").unwrap_or("its configuration"),
            half.has
        );
        let help = format!(
            "Declare a `container_runtime` with `cgroup_driver = \"{}\"` for the node beside this \
             block: containerd has no pods yet.",
            of_kubelet.escape_debug()
        );
        Some(error(codes::MIGRATION_HOST, "Host cannot move to containerd", detail, &help))
    }

    /// Workloads that find no docker any more.
    pub(super) fn warnings(&self, wanted: &Wanted) -> Vec<Problem> {
        let blocking = self.dependents("blocking");
        if blocking.is_empty() || (!wanted.moves && wanted.units.off.is_empty()) {
            return Vec::new();
        }
        let all = blocking.iter().map(|(whose, why)| {
            format!("{whose} ({})", why.iter().copied().collect::<Vec<_>>().join("; "))
        });
        let detail = format!(
            "Pods on `{}` use docker, and find none of the node's containers there any more: {}.",
            self.node,
            few(all)
        );
        let summary = "Workloads depend on docker";
        let problem = Problem::warning(codes::DOCKER_NEEDED, summary, Path::of("node"), detail);
        vec![problem.with_help(
            "Change them first; the data source `docker_dependents` tells of all in the cluster.",
        )]
    }

    /// Findings of a class, by workload.
    fn dependents(&self, class: &str) -> BTreeMap<String, BTreeSet<&str>> {
        let mut out: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let all = self.api("dependents").and_then(Value::as_list).unwrap_or(&[]);
        for found in all.iter().filter_map(Value::as_list) {
            let texts: Vec<&str> = found.iter().filter_map(Value::as_str).collect();
            let [of, namespace, owner, why] = texts[..] else { continue };
            if of == class {
                out.entry(format!("{namespace}/{owner}")).or_default().insert(why);
            }
        }
        out
    }

    pub(super) fn notes(&self, wanted: &Wanted) -> Vec<Note> {
        let mut out = Vec::new();
        let mut say = |text: String| out.push(Note { path: Path::of("node"), text });
        if !wanted.moves {
            return out;
        }
        let list = |of: Option<&Value>| -> Vec<String> {
            let all = of.and_then(Value::as_list).unwrap_or(&[]).iter();
            all.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let has = list(self.containerd().get("images"));
        let missing: Vec<String> =
            list(self.api("images")).into_iter().filter(|image| !has.contains(image)).collect();
        if !missing.is_empty() {
            let images = few(missing.into_iter());
            say(format!(
                "containerd does not have these images of pods that stay, and pulls them: {images}"
            ));
        }
        let review = self.dependents("review");
        if !review.is_empty() {
            let names = few(review.into_keys());
            say(format!("pods that could use docker, for somebody to look at: {names}"));
        }
        if self.text("version").is_some() && self.is(place::CONTROL_PLANE) {
            say("the API server of this node is ended, too, and away until its kubelet runs again"
                .to_owned());
        }
        let old = self.minor().is_some_and(|minor| minor < files::NO_SHIM);
        let elsewhere = self.flags().into_iter().filter(|[name, _, place]| {
            *place != env::PATH && files::is_unknown(name, files::NO_SHIM)
        });
        for [name, _, place] in elsewhere.filter(|_| old) {
            say(format!(
                "a kubelet from 1.24 on does not start with `--{name}`, which stands in {place}"
            ));
        }
        out
    }
}

/// As many as are told, and how many more there are.
fn few(all: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = all.collect();
    let shown = all.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_told_as_a_few_and_a_number() {
        let names = |count: usize| few((0..count).map(|n| n.to_string()));
        assert_eq!(names(2), "0, 1");
        assert_eq!(names(MOST + 3), "0, 1, 2, 3, 4, 5, 6, 7 and 3 more");
    }
}
