//! Settings of a node's container runtime, and the mirrors that it pulls images from.
//!
//! ```hcl
//! resource "container_runtime" "worker_1" {
//!   node          = "worker-1"
//!   cgroup_driver = "systemd"
//!   sandbox_image = "registry.k8s.io/pause:3.10.2"
//!
//!   mirrors = {
//!     "docker.io" = {
//!       server = "https://registry-1.docker.io"
//!       endpoints = [
//!         { url = "https://mirror.example.org", capabilities = ["pull", "resolve"] },
//!       ]
//!     }
//!   }
//! }
//! ```
//!
//! With `engine = "containerd"`, the default, the settings are in `/etc/containerd/config.toml`,
//! in the places that the schema of that file has for them (`version = 2` or `version = 3`).
//! What is not asked for stays as it is, byte for byte, and so do comments. The CRI plugin, which a
//! kubelet talks to, is always enabled. `cgroup_driver` is `SystemdCgroup` of every runtime of runc.
//!
//! Each of the `mirrors` is a file `hosts.toml` in a folder named after its registry, below the
//! first folder of `config_path`; where the runtime has none, it becomes
//! `/etc/containerd/certs.d`. The endpoints are asked in their order, then `server`, or the
//! registry itself. containerd reads these files at every pull: a change of mirrors disturbs
//! nothing.
//!
//! # How it is applied
//!
//! The new file is first read by `containerd config dump`. The old one is kept in
//! `/var/lib/clinch/runtime-before`, the new one takes its place, and the runtime is restarted. When
//! it does not stay up, when the plugin that the kubelet talks to is not well (`ctr plugins ls`), or
//! when the node is no longer ready, the old file is put back, the runtime is restarted with it, and
//! the step fails with what it wrote to its journal. Containers go on running meanwhile. Mirrors are
//! written last.
//!
//! A file that was changed after the runtime was started is found: nobody knows then what it runs
//! with, and a restart is planned.
//!
//! Another cgroup driver is planned with its cost, a drain, and is not applied by this version: pods
//! keep the control groups that they were started with.
//!
//! What is taken out of the block, and all of it when the block goes, gets the value back that it
//! had before; a `hosts.toml` that was there is put back as it was.
//!
//! # Risks
//!
//! A file named in `imports` wins over the runtime's own. A setting that would not take effect for
//! that reason is refused, with the name of the file. The kubelet must have the same cgroup driver;
//! where its file says another, that is a warning. The image of the sandbox must be on the host, or
//! be pulled, before the next pod starts.
//!
//! A file without `version` is in schema 1, which containerd 2 refuses; it is left alone with an
//! error, unless it says nothing that depends on the schema. So is one in a schema that is not known.
//! Credentials of registries and headers are not managed here, and no value may be sensitive.
//!
//! On a host that is a folder no runtime runs: only the files are kept.
//!
//! # See also
//!
//! [Container runtimes](https://kubernetes.io/docs/setup/production-environment/container-runtimes/),
//! [Registry configuration](https://github.com/containerd/containerd/blob/main/docs/hosts.md),
//! [CRI plugin config guide](https://github.com/containerd/containerd/blob/main/docs/cri/config.md)

mod activate;
mod decide;
mod imports;
mod layout;
mod look;
mod mirrors;
mod record;
mod text;
mod wishes;

use crate::codes;
use crate::host_type::{Became, HostType, Site};
use crate::look::Looked;
use crate::place::{self, part};
use access::{Ask, HostError};
use addrs::{Scope, TypeName};
use plans::{Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, Observation, PlanRequest, Planned, ResourceKind, StepError};
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

const CONTAINERD: &str = "containerd";
/// Where containerd looks for its file. Source: `containerd-config.toml(5)`.
const USUAL_PATH: &str = "/etc/containerd/config.toml";

/// Settings of a node's container runtime.
pub(crate) struct ContainerRuntime {
    name: TypeName,
    schema: Schema,
}

impl ContainerRuntime {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "container_runtime".parse().expect("a constant that is an identifier");
        let schema = Schema::new(vec![
            place::node_attr(),
            Attr::new(
                "engine",
                Type::String,
                Role::IdentityOr(CONTAINERD.into()),
                "Which runtime it is: `containerd`.",
            ),
            Attr::new(
                "path",
                Type::String,
                Role::IdentityOr(USUAL_PATH.into()),
                "The file that the runtime is started with (`--config`).",
            ),
            Attr::new(
                "cgroup_driver",
                Type::String,
                Role::Optional,
                "Who makes the control groups of pods: `systemd` or `cgroupfs`. The kubelet must \
                 have the same.",
            )
            .costing(Disruption::Drain),
            Attr::new(
                "sandbox_image",
                Type::String,
                Role::Optional,
                "The image of the container that holds a pod's namespaces. kubeadm's is \
                 `registry.k8s.io/pause`.",
            )
            .costing(Disruption::Restart),
            Attr::new(
                "mirrors",
                mirrors::ty(),
                Role::Optional,
                "By registry (`docker.io`, `registry.example.org:5000`, or `_default` for all \
                 others), where its images are pulled from: `endpoints` in their order, each with \
                 `url`, `capabilities` (`pull`, `resolve`, `push`; all when left out), `ca` (a file \
                 on the host), `skip_verify` and `override_path`; then `server`.",
            ),
        ]);
        Self { name, schema }
    }
}

fn identity(node: &str, path: &str) -> Identity {
    place::file(node, path, Vec::new())
}

impl ResourceKind for ContainerRuntime {
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
        let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or("");
        let (node, engine, path) = (text("node"), text("engine"), text("path"));
        let path = if path.is_empty() { USUAL_PATH } else { path };
        let mut problems: Vec<Problem> = place::check_node(node).into_iter().collect();
        problems.extend(place::check_path(path));
        if !["", CONTAINERD].contains(&engine) {
            let detail = format!("`{}` is not a runtime that clinch keeps.", engine.escape_debug());
            let at = Path::of("engine");
            let problem = Problem::error(codes::RUNTIME_SETTING, "Unknown engine", at, detail);
            problems.push(problem.with_help("Write `containerd`."));
        }
        if problems.is_empty() { Ok(identity(node, path)) } else { Err(problems) }
    }

    fn scope(&self, identity: &Identity) -> Scope {
        place::scope(identity)
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        wishes::check(args)
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        match request.observed {
            Observation::Unknown(problem) => Planned::Failed(vec![problem.clone()]),
            Observation::Absent => decide::plan(&self.name, request, &Value::Null),
            Observation::Present(present) => decide::plan(&self.name, request, present),
        }
    }
}

impl HostType for ContainerRuntime {
    fn asks(&self, identity: &Identity) -> Vec<Ask> {
        look::asks(identity)
    }

    fn asks_next(&self, identity: &Identity, looked: &Looked) -> Vec<Ask> {
        look::asks_next(identity, looked)
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        look::seen(identity, looked)
    }

    fn perform<'a>(&'a self, site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(activate::perform(site, op))
    }

    fn settle<'a>(
        &'a self,
        site: Site<'a>,
        op: &'a Op,
    ) -> BoxFuture<'a, Result<Became, StepError>> {
        Box::pin(activate::settle(site, op))
    }

    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Vec<Identity>, HostError>> {
        let node = site.host.name();
        Box::pin(async move { record::SHELF.find(site, |path| identity(node, path)).await })
    }
}

/// The node, the path and the project of an operation or a request, in one place.
fn file_of(identity: &Identity) -> (&str, &str) {
    (part(identity, "node"), part(identity, "path"))
}
