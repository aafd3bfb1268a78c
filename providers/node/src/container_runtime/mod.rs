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
//! # CRI-O
//!
//! ```hcl
//! resource "container_runtime" "worker_2" {
//!   node          = "worker-2"
//!   engine        = "crio"
//!   cgroup_driver = "systemd"
//!   sandbox_image = "registry.k8s.io/pause:3.10.2"
//!
//!   mirrors = {
//!     "docker.io" = {
//!       endpoints = [{ url = "https://mirror.example.org", capabilities = ["pull", "resolve"] }]
//!     }
//!   }
//! }
//! ```
//!
//! With `engine = "crio"` the settings are a drop-in of their own, by default
//! `/etc/crio/crio.conf.d/99-clinch.conf`, and the mirrors another of the same name in
//! `/etc/containers/registries.conf.d`. Both say in their first line whose they are; `crio.conf`,
//! `registries.conf` and drop-ins of others are never written. CRI-O reads all of them in the order
//! of their names, and the last one that speaks of a setting, or of a registry, counts: where that is
//! not ours and says something else, it is an error that names the file. What counts before ours is
//! there is shown as the old value.
//!
//! | argument | what it becomes | what taking it costs |
//! | --- | --- | --- |
//! | `cgroup_driver` | `cgroup_manager` of `[crio.runtime]`, with `conmon_cgroup = "pod"` for `cgroupfs` | a drain |
//! | `sandbox_image` | `pause_image` of `[crio.image]`; with its registry, since CRI-O would take another one for it | a reload |
//! | `mirrors` | a `[[registry]]` for each, with `server` as `location`, and a `[[registry.mirror]]` for each of the `endpoints` | a reload |
//! | `capabilities` | all but `["pull"]` ask for tags and digests; `["pull"]` alone is `digest-only` | |
//! | `skip_verify`, `http://` | `insecure`: without TLS, or whatever the certificate | |
//!
//! CRI-O asks for an image at `https://HOST/v2/`, and below a path only behind that. So
//! `https://HOST/v2/PATH` with `override_path` is `HOST/PATH`; any other path is refused, and so are
//! `_default` (CRI-O has no mirror of all registries), `push` and `ca`: put the authority of a registry
//! into `/etc/containers/certs.d/HOST/ca.crt` with `host_file`. A registry without a port stands for
//! those of its host with one, too: CRI-O compares names by their beginnings.
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
//! CRI-O's files are written, then read by `crio config`, which runs nothing, and only then is CRI-O
//! reloaded or restarted. A reload fails silently: the journal is watched for it. Afterwards CRI-O
//! must have the cgroup driver that its files say (`crio status info`, from 1.28 on; a flag of its
//! unit would win over files), and the node must be ready, or the old files are put back.
//!
//! A file that was changed after the runtime was started is found: nobody knows then what it runs
//! with, and a restart is planned. CRI-O is asked instead with what it runs (`crio status config`,
//! from 1.28 on); of registries it does not tell.
//!
//! Another cgroup driver is a change of the runtime and its kubelet together, which `cgroup_driver`
//! makes; here it is planned and not applied. `cgroup_driver = "systemd"` in a new block is for a
//! runtime that has it already, or for a containerd without pods: one whose kubelet reaches its
//! containers through docker, before a `runtime_migration`.
//!
//! What is taken out of the block, and all of it when the block goes, gets the value back that it
//! had before; a `hosts.toml` that was there is put back as it was. One that was not goes, and so
//! does its folder if it was made for it and nothing else is in it: containerd looks no further for a
//! registry whose folder is there, empty or not. CRI-O's files go, and what others say counts again.
//!
//! # Risks
//!
//! A file named in `imports` wins over the runtime's own, whichever of both schemas it is in. A
//! setting that would not take effect for that reason is refused, with the name of the file, and so
//! is a `cgroup_driver` that a runtime described there does not have. The kubelet must have the same cgroup driver;
//! where a flag of it or its file says another, that is a warning, unless it asks the runtime: from
//! 1.31 on, with containerd 2 or CRI-O 1.28. The image of the sandbox must be on the host, or be
//! pulled, before the next pod starts.
//!
//! A node whose kubelet talks to the other runtime, or on which only that one runs, is an error at
//! `engine`. Where a cluster has both, `runtimes` of the data source `host_facts` says which one runs
//! on a node.
//!
//! A file without `version` is in schema 1, which containerd 2 refuses; it is left alone with an
//! error, unless it says nothing that depends on the schema. So is one in a schema that is not known.
//! Credentials of registries and headers are not managed here, and no value may be sensitive.
//!
//! CRI-O is expected to look for its files in their usual places: that its unit names others
//! (`--config-dir`, `--registries-conf-dir`) is not seen. What it finds behind a symbolic link among
//! its drop-ins is not known, and the plan says so.
//!
//! On a host that is a folder no runtime runs: only the files are kept.
//!
//! # See also
//!
//! [Container runtimes](https://kubernetes.io/docs/setup/production-environment/container-runtimes/),
//! [Registry configuration](https://github.com/containerd/containerd/blob/main/docs/hosts.md),
//! [CRI plugin config guide](https://github.com/containerd/containerd/blob/main/docs/cri/config.md),
//! [crio.conf.d(5)](https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.d.5.md),
//! [crio.conf(5)](https://github.com/cri-o/cri-o/blob/main/docs/crio.conf.5.md),
//! [containers-registries.conf(5)](https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md)

pub(crate) mod activate;
pub(crate) mod crio;
mod decide;
pub(crate) mod driver;
pub(crate) mod engine;
mod imports;
pub(crate) mod kubelet;
mod layout;
mod look;
mod mirrors;
mod record;
pub(crate) mod text;
mod wishes;

use crate::cgroup_driver;
use crate::codes;
use crate::host_type::{Became, HostType, Marks, Site};
use crate::look::Looked;
use crate::place::{self, part};
use access::{Ask, HostError};
use addrs::{Scope, TypeName};
use engine::Engine;
use plans::{Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, Observation, PlanRequest, Planned, ResourceKind, StepError};
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

const CONTAINERD: &str = "containerd";
/// Where containerd looks for its file. Source: `containerd-config.toml(5)`.
pub(crate) const USUAL_PATH: &str = "/etc/containerd/config.toml";

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
                "Which runtime it is: `containerd` or `crio`.",
            ),
            Attr::new(
                "path",
                Type::String,
                Role::IdentityOr("".into()),
                "The file that containerd is started with (`--config`), \
                 `/etc/containerd/config.toml` when it is left out; for CRI-O the drop-in in \
                 `/etc/crio/crio.conf.d`, `99-clinch.conf` there when it is left out.",
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
        let (node, engine) = (text("node"), text("engine"));
        let mut problems: Vec<Problem> = place::check_node(node).into_iter().collect();
        let Some(engine) = Engine::named(engine) else {
            let detail = format!("`{}` is not a runtime that clinch keeps.", engine.escape_debug());
            let at = Path::of("engine");
            let problem = Problem::error(codes::RUNTIME_SETTING, "Unknown engine", at, detail);
            problems.push(problem.with_help("Write `containerd` or `crio`."));
            return Err(problems);
        };
        let path = path_of(engine, args);
        problems.extend(place::check_path(path).or_else(|| match engine {
            Engine::Crio => crio::check_path(path),
            Engine::Containerd => crio::is_drop_in(path).then(|| {
                let problem = place::bad_path(path, "is that of a drop-in of CRI-O");
                problem.with_help("Write `engine = \"crio\"`, or another path.")
            }),
        }));
        if problems.is_empty() { Ok(identity(node, path)) } else { Err(problems) }
    }

    fn scope(&self, identity: &Identity) -> Scope {
        place::scope(identity)
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let engine = args.get("engine").and_then(Value::as_str).and_then(Engine::named);
        let of_crio = if engine == Some(Engine::Crio) { crio::check(args) } else { Vec::new() };
        wishes::check(args).into_iter().chain(of_crio).collect()
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn provides(&self, identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        let claims = wishes::given(args, "cgroup_driver").is_some();
        let key = || cgroup_driver::claimed(part(identity, "node"), "container_runtime");
        claims.then(key).into_iter().collect()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        let present = match request.observed {
            Observation::Unknown(problem) => return Planned::Failed(vec![problem.clone()]),
            Observation::Absent => &Value::Null,
            Observation::Present(present) => present,
        };
        let engine = Engine::of(request.identity);
        let desired = request.desired.map(|args| with_path(engine, args));
        let request = &PlanRequest { desired: desired.as_ref(), ..*request };
        match engine {
            Engine::Containerd => decide::plan(&self.name, request, present),
            Engine::Crio => crio::plan(&self.name, request, present),
        }
    }
}

impl HostType for ContainerRuntime {
    fn asks(&self, identity: &Identity) -> Vec<Ask> {
        match Engine::of(identity) {
            Engine::Containerd => look::asks(identity),
            Engine::Crio => crio::asks(identity),
        }
    }

    fn asks_next(&self, identity: &Identity, looked: &Looked) -> Vec<Ask> {
        match Engine::of(identity) {
            Engine::Containerd => look::asks_next(identity, looked),
            Engine::Crio => crio::asks_next(identity, looked),
        }
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        match Engine::of(identity) {
            Engine::Containerd => look::seen(identity, looked),
            Engine::Crio => crio::seen(identity, looked),
        }
    }

    fn perform<'a>(&'a self, site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        match Engine::of(&op.identity) {
            Engine::Containerd => Box::pin(activate::perform(site, op)),
            Engine::Crio => Box::pin(crio::perform(site, op)),
        }
    }

    fn settle<'a>(
        &'a self,
        site: Site<'a>,
        op: &'a Op,
    ) -> BoxFuture<'a, Result<Became, StepError>> {
        match Engine::of(&op.identity) {
            Engine::Containerd => Box::pin(activate::settle(site, op)),
            Engine::Crio => Box::pin(crio::settle(site, op)),
        }
    }

    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Marks, HostError>> {
        let node = site.host.name();
        Box::pin(async move {
            let mut marks = record::SHELF.find(site, |path| identity(node, path)).await?;
            marks.found.extend(crio::find(site, |path| identity(node, path)).await?);
            Ok(marks)
        })
    }
}

/// The file that is meant.
fn path_of(engine: Engine, args: &Value) -> &str {
    let given = args.get("path").and_then(Value::as_str).filter(|path| !path.is_empty());
    given.unwrap_or_else(|| engine.usual_path())
}

/// The arguments with the file that is meant, for whoever refers to it.
fn with_path(engine: Engine, args: &Value) -> Value {
    let mut map = args.as_map().cloned().unwrap_or_default();
    map.insert("path".into(), path_of(engine, args).into());
    Value::map(map)
}

/// The node, the path and the project of an operation or a request, in one place.
fn file_of(identity: &Identity) -> (&str, &str) {
    (part(identity, "node"), part(identity, "path"))
}
