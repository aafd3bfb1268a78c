//! A node that leaves docker: its kubelet talks to containerd instead.
//!
//! A kubelet that reaches its containers through docker (the dockershim that it had itself up to
//! 1.23, or cri-dockerd) is stopped on a drained node and started again with containerd: with
//! another address of its runtime, without the flags that went away with the dockershim, and with
//! the annotation by which `kubeadm` finds the runtime of the node.
//!
//! ```hcl
//! resource "runtime_migration" "worker_1" {
//!   node           = "worker-1"
//!   disable_docker = true
//! }
//! ```
//!
//! containerd must be installed and have a file before; `container_runtime` keeps that, and may
//! stand in the same configuration. A node that talks to containerd already is only noted.
//!
//! | what | where |
//! | --- | --- |
//! | address of the runtime | `--container-runtime-endpoint` in `/var/lib/kubelet/kubeadm-flags.env`, and `containerRuntimeEndpoint` in `/var/lib/kubelet/config.yaml` and `instance-config.yaml`, where they say one; a kubelet before 1.27 takes it from the flag alone, which is added then |
//! | kind of the runtime | `--container-runtime=remote` up to 1.26, where the kubelet needs it; later there is no such flag any more |
//! | flags of the dockershim | taken out of `kubeadm-flags.env`: a kubelet from 1.24 on does not start with them |
//! | `kubeadm.alpha.kubernetes.io/cri-socket` | annotation of the `Node`, where there is one |
//! | `containerd.service` | started when the host boots |
//! | docker and cri-dockerd | with `disable_docker`: stopped, and not started when the host boots |
//!
//! # What is looked at
//!
//! The files above, the flags in `/etc/default/kubelet`, `/etc/sysconfig/kubelet` and the unit, the
//! units of both runtimes, the file of containerd, and the `Node` with its pods. The plan shows each
//! part as it is and as it will be, and is an error where the kubelet would not start:
//!
//! - containerd is not there, has no file, disables the plugin that a kubelet talks to, or is of a
//!   version that this kubelet cannot talk to (a kubelet from 1.26 on needs containerd 1.6, one
//!   before 1.23 none from 2.0 on);
//! - kubelet and containerd have different cgroup drivers, and the kubelet does not ask for it;
//! - a flag that the kubelet does not know any more, or another address of a runtime, stands in a
//!   file that is not kubeadm's, which is left alone;
//! - the kubelet that is installed is newer than the API server;
//! - the node has a runtime that is neither docker nor containerd.
//!
//! Where a `container_runtime` of the same plan writes containerd's file first, what is wrong with
//! that file now is no error.
//!
//! A `kubelet_config` of the same node comes first. One that keeps another `containerRuntimeEndpoint`,
//! or the flags above, is refused: each apply would undo what the other does.
//!
//! Workloads on the node that mount the socket or the data of docker are a warning with their
//! namespaces and owners; the data source `docker_dependents` finds them in the whole cluster.
//!
//! # How it is applied
//!
//! The node is cordoned and drained. Then, in one operation:
//!
//! 1. what is noted on the host and copies of the files are written, and nothing is stopped if a
//!    file was changed since the plan;
//! 2. the kubelet is stopped, and the containers of pods that docker still runs, those of `DaemonSet`s
//!    and static pods, get 30 seconds to end;
//! 3. with `disable_docker` docker is stopped and disabled;
//! 4. the files are written, and containerd is enabled and started anew;
//! 5. the kubelet is started.
//!
//! The operation is done when both units stay up, the node is ready and says `containerd://`, and the
//! containers of the daemon sets that were well before run in containerd. That may take ten minutes,
//! since images are pulled again. When it does not come about, the containers in containerd are ended,
//! the files are put back, docker is enabled and started where it was, the kubelet is started with it,
//! and the step fails with what the program wrote to its journal. That is the last point at which
//! anything is undone: only then is the annotation written, a step of its own, and the node goes back
//! into service.
//!
//! After a crash anywhere each file is as it was or as it is to be, and `apply -resume` goes on from
//! there. One node is changed after the other; those of the control plane come last, and their API
//! server is away while their kubelet stands still.
//!
//! When the block goes, the node stays as it is: there is no way back to a docker that may be gone.
//! Only what was noted on the host is removed.
//!
//! # Risks
//!
//! Images of docker are not in containerd. The plan names the images of the pods that stay on the
//! node and have to be pulled again; an image that was built on the node is in no registry, and is
//! pulled from nowhere. Mirrors and credentials of registries in `/etc/docker/daemon.json` are not
//! carried over: `container_runtime` has mirrors. Logs of containers are written in another format.
//!
//! Containers that docker runs for others than the kubelet are left alone, unless `disable_docker`
//! ends them. What docker keeps below `/var/lib/docker` stays until it is removed by hand.
//!
//! Copies of the files are kept only until the change is seen to be well. The node is looked at
//! through the API server, which needs the rights to `get` `nodes`, `nodes/proxy` and `daemonsets`,
//! to `list` `pods` and to `patch` `nodes`.
//!
//! On a host that is a folder nothing runs: only the files are kept.
//!
//! # See also
//!
//! [Changing the container runtime on a node from Docker Engine to containerd](https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/change-runtime-containerd/),
//! [Migrate Docker Engine nodes from dockershim to cri-dockerd](https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/migrate-dockershim-dockerd/),
//! [Find out what container runtime is used on a node](https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/find-out-runtime-you-use/)

mod activate;
mod annotation;
mod decide;
mod docker;
mod files;
mod judge;
mod look;
mod nodes;

use crate::central::Central;
use crate::codes;
use crate::host_type::{Became, HostType, Marks, Site};
use crate::look::Looked;
use crate::place::{self, part};
use crate::settings::record::Shelf;
use access::{Ask, HostError};
use addrs::{Scope, TypeName};
use plans::{Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, PlanRequest, Planned, ResourceKind, StepError};
use std::sync::Arc;
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

/// Where what is ours of the files is noted, and where they are kept while they change.
const SHELF: Shelf = Shelf("runtime-migration");
/// Where containerd listens. Source: [Container runtimes:
/// containerd](https://kubernetes.io/docs/setup/production-environment/container-runtimes/#containerd).
const SOCKET: &str = "unix:///run/containerd/containerd.sock";

/// The move of a node from docker to containerd.
pub(crate) struct RuntimeMigration {
    name: TypeName,
    schema: Schema,
}

impl RuntimeMigration {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "runtime_migration".parse().expect("a constant that is an identifier");
        let schema = Schema::new(vec![
            Attr::new(
                "node",
                Type::String,
                Role::Identity,
                "The node whose kubelet is to talk to containerd.",
            )
            .costing(Disruption::Drain),
            Attr::new(
                "disable_docker",
                Type::Bool,
                Role::Default(false.into()),
                "Whether docker and cri-dockerd are stopped, and not started any more when the host \
                 boots. This ends what else runs in docker.",
            ),
        ]);
        Self { name, schema }
    }
}

/// Which runtime of which node: there is one.
fn identity(node: &str) -> Identity {
    Identity {
        key: ObjectKey(format!("node/{node}#runtime-migration").into()),
        args: Value::map([("node", node.into())]),
        shown: format!("container runtime of {node}"),
    }
}

/// Under this name a `kubelet_config` says that it keeps the address of the runtime, too.
pub(crate) fn claimed(node: &str) -> ObjectKey {
    ObjectKey(format!("node/{node}#runtime-endpoint-by-kubelet_config").into())
}

/// What a `kubelet_config` keeps that a migration changes, by its argument; nothing when both mean
/// the same address.
pub(crate) fn kept_by_kubelet(args: &Value) -> Option<String> {
    // What is not known yet is not judged.
    let says = |value: &Value| value.is_known() && !value.is_null();
    let means_another = |value: &&Value| says(value) && value.as_str() != Some(SOCKET);
    let setting = args.get("settings").and_then(|settings| settings.get(files::SETTING));
    let of_setting = setting.filter(means_another).map(|_| format!("settings.{}", files::SETTING));
    let flags = args.get("flags").and_then(Value::as_map);
    let of_flag = |(name, value): (&Arc<str>, &Value)| {
        let address = &**name == files::ENDPOINT && means_another(&value);
        let kind = &**name == files::KIND && says(value) && value.as_str() != Some("remote");
        (address || kind).then(|| format!("flags.{name}"))
    };
    of_setting.or_else(|| flags?.iter().find_map(of_flag))
}

/// What is wrong with the arguments.
fn problems(args: &Value) -> Vec<Problem> {
    let hidden = args.get("disable_docker").is_some_and(Value::has_sensitive);
    let detail = "It is shown in plans and kept in them, so it cannot be sensitive.";
    let problem = || {
        let at = Path::of("disable_docker");
        Problem::error(codes::MIGRATION, "Invalid migration of a runtime", at, detail)
    };
    hidden.then(problem).into_iter().collect()
}

impl ResourceKind for RuntimeMigration {
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

    /// containerd must be right before a kubelet talks to it; and whoever compares a whole file with
    /// what was planned comes before it is changed here.
    fn needs(&self, identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        let node = part(identity, "node");
        files::of_others(node).into_iter().chain([claimed(node)]).collect()
    }

    /// A `kubelet_config` that says that it keeps the address, too.
    fn check_against(&self, identity: &Identity, _args: &Value, other: &Value) -> Vec<Problem> {
        let problem = |argument: String| {
            let node = part(identity, "node");
            let detail = format!(
                "The `kubelet_config` of `{node}` declares `{argument}`, and this \
                 `runtime_migration` writes `{SOCKET}`: one of both would undo what the other does."
            );
            let summary = "Address of the container runtime is kept twice";
            Problem::error(codes::ENDPOINT_KEPT_TWICE, summary, Path::of("node"), detail)
                .with_help(format!("Take `{argument}` out of the `kubelet_config`."))
        };
        kept_by_kubelet(other).map(problem).into_iter().collect()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        place::planned(request, |seen| decide::plan(&self.name, request, seen))
    }
}

impl HostType for RuntimeMigration {
    fn asks(&self, identity: &Identity) -> Vec<Ask> {
        look::asks(part(identity, "node"))
    }

    fn asks_next(&self, identity: &Identity, looked: &Looked) -> Vec<Ask> {
        look::asks_next(part(identity, "node"), looked)
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        look::seen(part(identity, "node"), looked)
    }

    fn completed<'a>(
        &'a self,
        central: &'a Central<'a>,
        identity: &'a Identity,
        seen: Value,
    ) -> BoxFuture<'a, Value> {
        Box::pin(async move {
            let mut map = seen.as_map().cloned().unwrap_or_default();
            match nodes::seen(central.cluster(), part(identity, "node")).await {
                Ok(node) => map.insert("api".into(), node),
                Err(problem) => map.insert("why_not".into(), problem.detail.into()),
            };
            Value::map(map)
        })
    }

    fn perform<'a>(&'a self, site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            if op.name == annotation::OP {
                return annotation::perform(site, op).await;
            }
            activate::perform(site, op).await
        })
    }

    fn settle<'a>(
        &'a self,
        site: Site<'a>,
        op: &'a Op,
    ) -> BoxFuture<'a, Result<Became, StepError>> {
        Box::pin(async move {
            if op.name == annotation::OP {
                return annotation::settle(site, op).await;
            }
            activate::settle(site, op).await
        })
    }

    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Marks, HostError>> {
        Box::pin(async move { SHELF.find_one(site, identity(site.host.name())).await })
    }
}
