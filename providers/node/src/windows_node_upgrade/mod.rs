//! The version of a Windows node: its kubelet, upgraded as kubeadm's documentation says.
//!
//! **No Windows host was at hand.** What is done is tested against a host of the tests that records
//! the commands, and never ran on Windows. clinch also reaches hosts through a POSIX shell, which
//! Windows does not have by itself: its SSH server must have one as its default shell (the `bash` of
//! Git for Windows, say). Try it on a node that may be lost.
//!
//! ```hcl
//! resource "windows_node_upgrade" "win_1" {
//!   node    = "win-1"
//!   version = "v1.36.2"
//!   sha256 = {
//!     kubeadm = "0000000000000000000000000000000000000000000000000000000000000000"
//!     kubelet = "0000000000000000000000000000000000000000000000000000000000000000"
//!   }
//! }
//! ```
//!
//! The control plane is upgraded before. The host must have been set up as the scripts of
//! `sig-windows-tools` do it: programs in `C:\k`, and a service `kubelet`. The digests are those of
//! `https://dl.k8s.io/VERSION/bin/windows/amd64/kubeadm.exe.sha256` and `kubelet.exe.sha256`.
//!
//! # How it is applied
//!
//! On a drained node, one step after the other; each is a command of PowerShell:
//!
//! 1. `kubeadm.exe` and `kubelet.exe` are downloaded to `C:\k` under names with their version, and
//!    their SHA-256 is compared; what differs is removed;
//! 2. `kubeadm.exe` takes its place, and `kubeadm upgrade node` runs;
//! 3. the service `kubelet` is stopped, `kubelet.exe` is exchanged, the service is started, and the node
//!    is waited for: ready, and with the new version. When it is not within five minutes, the old
//!    `kubelet.exe` is put back and started, and the step fails. What `kubeadm upgrade node` wrote stays.
//!
//! Every step can be done again after a crash. Nodes take turns, as with any drain.
//!
//! # What is refused
//!
//! A node that says it runs something else than Windows, a version older than the node's, one that is
//! newer than the API server's, and one that skips a minor version.
//!
//! # Risks
//!
//! `kube-proxy` on Windows is a `DaemonSet` of the cluster, whose image has the version of the kubelets
//! in its tag: change it when all nodes are through. Flags of the kubelet in
//! `C:\k\StartKubelet.ps1` are not looked at: one that the new version does not know keeps it from
//! starting. Nothing is noted on the host, so that a state that was lost and is rebuilt does not have
//! the block: apply it again.
//!
//! When the block goes, the node keeps its version.
//!
//! # See also
//!
//! [Upgrading Windows nodes](https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/upgrading-windows-nodes/),
//! [Version skew policy](https://kubernetes.io/releases/version-skew-policy/)

mod steps;

use crate::central::{Central, core};
use crate::codes;
use crate::host_type::{Became, HostType, Marks, Site};
use crate::look::Looked;
use crate::place::{self, part};
use crate::settings::digest;
use access::{Ask, HostError};
use addrs::{Scope, TypeName};
use plans::{Action, Basis, Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, Decision, Observation, PlanRequest, Planned, ResourceKind, StepError};
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

/// The version of a Windows node.
pub(crate) struct WindowsNodeUpgrade {
    name: TypeName,
    schema: Schema,
}

impl WindowsNodeUpgrade {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "windows_node_upgrade".parse().expect("a constant that is an identifier");
        let digests = Type::object(steps::PROGRAMS.map(|program| (program, Type::String)));
        let schema = Schema::new(vec![
            Attr::new("node", Type::String, Role::Identity, "The node, which runs Windows."),
            Attr::new(
                "version",
                Type::String,
                Role::Required,
                "The version of its kubelet, with all numbers: `v1.36.2`.",
            )
            .costing(Disruption::Drain),
            Attr::new(
                "sha256",
                digests,
                Role::Required,
                "SHA-256 of `kubeadm.exe` and `kubelet.exe` of this version, in hexadecimal digits.",
            ),
        ]);
        Self { name, schema }
    }
}

fn identity(node: &str) -> Identity {
    Identity {
        key: ObjectKey(format!("node/{node}#windows-version").into()),
        args: Value::map([("node", node.into())]),
        shown: format!("version of {node}"),
    }
}

/// The numbers of `v1.36.2`.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let parts: Vec<u32> =
        version.strip_prefix('v')?.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let numbers: [u32; 3] = parts.try_into().ok()?;
    // What it is made of gets into the words of a command.
    (format!("v{}.{}.{}", numbers[0], numbers[1], numbers[2]) == version).then_some(numbers)
}

/// What is wrong with the arguments.
fn problems(args: &Value) -> Vec<Problem> {
    let wrong = |at: Path, detail: String| {
        Problem::error(codes::WINDOWS, "Invalid version of a Windows node", at, detail)
    };
    let mut out = Vec::new();
    let mut check = |at: Path, value: Option<&Value>, is: &dyn Fn(&str) -> bool, what: &str| {
        if value.is_some_and(Value::has_sensitive) {
            let detail = "It is shown in plans and kept in them, so it cannot be sensitive.";
            out.push(wrong(at, detail.to_owned()));
        } else if let Some(text) = value.and_then(Value::as_str).filter(|text| !is(text)) {
            out.push(wrong(at, format!("`{}` is not {what}.", access::text::clean(text))));
        }
    };
    let is_version = |text: &str| numbers(text).is_some();
    check(Path::of("version"), args.get("version"), &is_version, "a version such as `v1.36.2`");
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    for program in steps::PROGRAMS {
        let value = args.get("sha256").and_then(|all| all.get(program));
        let at = Path::of("sha256").attr(program);
        check(at, value, &is_digest, "a SHA-256 of 64 hexadecimal digits");
    }
    out
}

/// A node, and what is known about it.
struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    present: &'a Value,
    node: &'a str,
}

impl Case<'_> {
    fn wanted(&self, args: &Value) -> Result<Decision, Vec<Problem>> {
        let problems = problems(args);
        if !problems.is_empty() {
            return Err(problems);
        }
        let Some(version) = args.get("version").and_then(Value::as_str) else {
            let detail =
                "It must be known when the plan is made: what has to be done depends on it.";
            return Err(vec![refused(codes::WINDOWS, detail.to_owned())]);
        };
        let text = |name: &str| self.present.get(name).and_then(Value::as_str);
        if let Some(why) = text("why_not") {
            let detail = format!("What runs on `{}` could not be asked. {why}", self.node);
            return Err(vec![refused(codes::WINDOWS_NODE, detail)]);
        }
        let is_windows = text("os").is_none_or(|os| os == "windows");
        let Some(installed) = text("installed").filter(|_| is_windows) else {
            let detail = format!(
                "`{}` does not answer as a Windows node does: its system is `{}`, and `{}` says \
                 nothing there.",
                self.node,
                text("os").unwrap_or("not known"),
                steps::KUBELET
            );
            return Err(vec![refused(codes::WINDOWS_NODE, detail)]);
        };
        let runs = text("service") == Some("Running") && text("open").is_none();
        let is_there = installed == version && runs;
        let action = match (self.request.recorded, is_there) {
            (None, _) => Action::Create,
            (Some(_), false) => Action::Update,
            (Some(_), true) => Action::NoOp,
        };
        let shown = |version: &str, service: &str| {
            Value::map([
                ("node", Value::from(self.node)),
                ("version", version.into()),
                ("service", service.into()),
            ])
        };
        let after = shown(version, "Running");
        let before = match action {
            Action::NoOp => after.clone(),
            _ => shown(installed, if runs { "Running" } else { text("service").unwrap_or("?") }),
        };
        if !is_there {
            self.judge(installed, version)?;
        }
        Ok(Decision {
            before: Some(before),
            after: Some(after),
            exported: args.clone(),
            basis: Basis::Local,
            disruption: if is_there { Disruption::Quiet } else { Disruption::Drain },
            ops: match (action, is_there) {
                (Action::NoOp, _) => Vec::new(),
                (_, true) => vec![self.op(steps::Step::Confirm, args, version)],
                (_, false) => steps::UPGRADE.map(|step| self.op(step, args, version)).to_vec(),
            },
            digest: digest(self.request.project, args),
            ..Decision::plain(action)
        })
    }

    /// What kubeadm and the API server do not take.
    fn judge(&self, installed: &str, version: &str) -> Result<(), Vec<Problem>> {
        let (Some(from), Some(to)) = (numbers(installed), numbers(version)) else { return Ok(()) };
        let server = self.present.get("server").and_then(Value::as_str);
        let server = server.and_then(crate::container_runtime::kubelet::minor_of);
        let why = if to < from {
            "which is older: a kubelet is not taken back"
        } else if to[1] > from[1] + 1 {
            "and `kubeadm upgrade` skips no minor version"
        } else if server.is_some_and(|server| to[1] > server) {
            "and no kubelet may be newer than the API server"
        } else {
            return Ok(());
        };
        let detail =
            format!("Node `{}` has {installed} and is to have {version}, {why}.", self.node);
        Err(vec![refused(codes::WINDOWS_SKEW, detail)])
    }

    fn op(&self, step: steps::Step, args: &Value, version: &str) -> Op {
        Op {
            ty: self.ty.clone(),
            name: step.name().to_owned(),
            identity: self.request.identity.clone(),
            args: Value::map([
                ("version", version.into()),
                ("sha256", args.get("sha256").cloned().unwrap_or(Value::Null)),
            ]),
            guard: Value::map([(
                "installed",
                self.present.get("installed").cloned().unwrap_or(Value::Null),
            )]),
            text: step.told(self.node, version),
        }
    }
}

fn refused(code: diags::Code, detail: String) -> Problem {
    let at = if code == codes::WINDOWS_NODE { "node" } else { "version" };
    Problem::error(code, "Windows node cannot be upgraded", Path::of(at), detail)
}

impl ResourceKind for WindowsNodeUpgrade {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        place::page!("mod.rs")
    }

    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        place::of_node(args, identity)
    }

    fn scope(&self, identity: &Identity) -> Scope {
        place::scope(identity)
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        problems(args)
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        let Some(args) = request.desired else {
            return Planned::forgotten("the node keeps its version");
        };
        let present = match request.observed {
            Observation::Unknown(problem) => return Planned::Failed(vec![problem.clone()]),
            Observation::Absent => &Value::Null,
            Observation::Present(present) => present,
        };
        let node = part(request.identity, "node");
        match (Case { ty: &self.name, request, present, node }).wanted(args) {
            Ok(decision) => place::decided(request.observed, decision),
            Err(problems) => Planned::Failed(problems),
        }
    }
}

impl HostType for WindowsNodeUpgrade {
    fn asks(&self, _identity: &Identity) -> Vec<Ask> {
        vec![Ask::command(steps::LOOK)]
    }

    fn seen(&self, _identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        match looked.ran(&steps::LOOK) {
            Ok(Some(output)) if output.succeeded() => Ok(steps::seen(&output.text())),
            // It is no Windows, or has no kubelet: the plan says so.
            Ok(Some(_) | None) | Err(HostError::NoCommands { .. }) => Ok(Value::empty_map()),
            Err(error) => Err(error.to_problem()),
        }
    }

    fn completed<'a>(
        &'a self,
        central: &'a Central<'a>,
        identity: &'a Identity,
        seen: Value,
    ) -> BoxFuture<'a, Value> {
        Box::pin(async move {
            let mut map = seen.as_map().cloned().unwrap_or_default();
            let (cluster, node) = (central.cluster(), part(identity, "node"));
            let nodes = core("Node", "nodes", false);
            match (cluster.get(&nodes, None, node).await, cluster.version().await) {
                (Ok(found), Ok(server)) => {
                    let os = found["status"]["nodeInfo"]["operatingSystem"].as_str();
                    map.insert("os".into(), os.map_or(Value::Null, Value::from));
                    map.insert("server".into(), server.as_str().into());
                }
                (Err(error), _) | (_, Err(error)) => {
                    map.insert("why_not".into(), error.to_problem().detail.into());
                }
            }
            Value::map(map)
        })
    }

    fn perform<'a>(&'a self, site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(steps::perform(site, op))
    }

    fn settle<'a>(
        &'a self,
        site: Site<'a>,
        op: &'a Op,
    ) -> BoxFuture<'a, Result<Became, StepError>> {
        Box::pin(steps::settle(site, op))
    }

    /// Nothing is noted on the host.
    fn find<'a>(&'a self, _site: Site<'a>) -> BoxFuture<'a, Result<Marks, HostError>> {
        Box::pin(std::future::ready(Ok(Marks::default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_versions_are_versions() {
        assert_eq!(numbers("v1.36.2"), Some([1, 36, 2]));
        for odd in ["1.36.2", "v1.36", "v1.36.2-rc.1", "v1.036.2", "v1.36.2'; rm", ""] {
            assert_eq!(numbers(odd), None, "{odd}");
        }
    }
}
