//! Who makes the control groups of a node's pods: its kubelet and its container runtime, changed
//! as one.
//!
//! Both must have the same cgroup driver. With one of them alone changed pods do not start, or run
//! outside of the control groups that the kubelet watches; so this is one operation, on a node
//! that was drained.
//!
//! ```hcl
//! resource "cgroup_driver" "worker_1" {
//!   node   = "worker-1"
//!   driver = "systemd"
//! }
//! ```
//!
//! | what | where |
//! | --- | --- |
//! | kubelet | `cgroupDriver` in `/var/lib/kubelet/config.yaml` |
//! | containerd | `SystemdCgroup` of every runtime of runc in `/etc/containerd/config.toml`, in the place that the schema of that file has for it |
//! | CRI-O | `cgroup_manager`, with `conmon_cgroup = "pod"` for `cgroupfs`, in a drop-in of its own, `/etc/crio/crio.conf.d/99-clinch-cgroup.conf` |
//!
//! Which runtime it is is seen on the host: the one that the kubelet talks to. All other settings
//! of these files stay as they are, and may be kept by `kubelet_config` and `container_runtime` at the
//! same time. Only the driver may not: a node with a `cgroup_driver` and
//! with `cgroupDriver` among the settings of a `kubelet_config`, or `cgroup_driver` in a
//! `container_runtime`, is an error.
//!
//! # What is compared
//!
//! What the files say, what the running kubelet says of itself (`/configz`, through the API server;
//! this needs the right to `get` `nodes/proxy`), and what would win over the files: a flag
//! `--cgroup-driver`, drop-ins of the kubelet (`--config-dir`), files that containerd imports. What
//! wins and says something else is an error that names the place.
//!
//! From 1.31 on a kubelet asks its runtime for the driver, where that answers: containerd 2, and
//! CRI-O from 1.28 on. Its own file is then only what it falls back to, and kept in step without a
//! drain.
//!
//! # How it is applied
//!
//! The node is cordoned and drained. Then, in one operation:
//!
//! 1. what is noted on the host and the copies of the files are written, and nothing is stopped if
//!    a file was changed since the plan;
//! 2. the kubelet is stopped;
//! 3. the containers that a drain leaves, those of `DaemonSet`s and static pods, are ended: they get
//!    the signal `TERM`, and after 30 seconds `KILL`. Their control groups are of the old driver;
//! 4. the runtime is stopped, both files are written, and the runtime is started;
//! 5. the kubelet is started, and starts those pods anew, as after a reboot.
//!
//! The step is done when both units stay up, the plugin that the kubelet talks to is well, the
//! kubelet says that it has the driver, and the control group of all pods is there (`kubepods.slice`
//! with `systemd`, `kubepods` with `cgroupfs`). When one of it does not come about, both files are
//! put back, both are started with them, and the step fails with what the program wrote to its
//! journal. After a crash anywhere each file is as it was or as it is to be, and `apply -resume`
//! goes on from there.
//!
//! One node is changed after the other; those of the control plane come last. On these the API
//! server is ended, too, and away until its kubelet runs again.
//!
//! When the block goes, both files get back what they said before, in the same way, if that is
//! another driver.
//!
//! # Risks
//!
//! `systemd` needs a host that systemd runs. A host with version 1 of control groups is refused where
//! its kubelet would not start any more: from 1.35 on, unless `failCgroupV1` is false.
//!
//! Containers are ended by `ctr`, which comes with containerd, or by `crictl` with CRI-O; without
//! it, such a change is an error. What `ctr` ends is not told to the network plugin before the
//! kubelet cleans up, as after a reboot.
//!
//! A file of containerd that says no `version`, or disables the plugin that a kubelet talks to, is
//! left alone with an error: `container_runtime` mends it. Files at other places than the usual ones
//! are not looked for.
//!
//! New nodes get the driver of the `ConfigMap` `kubelet-config`, which `kubelet_base_config` keeps;
//! where the same configuration declares both, that one comes first.
//!
//! On a host that is a folder nothing runs: only the files are kept.
//!
//! # See also
//!
//! [Configuring a cgroup driver](https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/configure-cgroup-driver/),
//! [Container runtimes: cgroup drivers](https://kubernetes.io/docs/setup/production-environment/container-runtimes/#cgroup-drivers),
//! [KEP-4033](https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/4033-group-driver-detection-over-cri)

mod activate;
pub(crate) mod containers;
mod decide;
mod look;

use crate::central::{Central, KEY};
use crate::codes;
use crate::host_type::{Became, HostType, Marks, Site};
use crate::look::Looked;
use crate::place::{self, part};
use crate::settings::record::Shelf;
use access::{Ask, HostError};
use addrs::{Scope, TypeName};
use plans::{Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, PlanRequest, Planned, ResourceKind, StepError};
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

/// Where what is ours of both files is noted, and where they are kept while they change.
const SHELF: Shelf = Shelf("cgroup-driver");
const DRIVERS: [&str; 2] = ["systemd", "cgroupfs"];

/// The cgroup driver of a node.
pub(crate) struct CgroupDriver {
    name: TypeName,
    schema: Schema,
}

impl CgroupDriver {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "cgroup_driver".parse().expect("a constant that is an identifier");
        let schema = Schema::new(vec![
            Attr::new(
                "node",
                Type::String,
                Role::Identity,
                "The node whose kubelet and container runtime it is about.",
            ),
            Attr::new(
                "driver",
                Type::String,
                Role::Required,
                "Who makes the control groups of pods: `systemd` or `cgroupfs`.",
            )
            .costing(Disruption::Drain),
        ]);
        Self { name, schema }
    }
}

/// Which driver of which node: there is one.
fn identity(node: &str) -> Identity {
    Identity {
        key: ObjectKey(format!("node/{node}#cgroup-driver").into()),
        args: Value::map([("node", node.into())]),
        shown: format!("cgroup driver of {node}"),
    }
}

/// What is wrong with the arguments.
fn problems(args: &Value) -> Vec<Problem> {
    let detail = match args.get("driver").unwrap_or(&Value::Null) {
        Value::Sensitive(_) => {
            "It is shown in plans and kept in them, so it cannot be sensitive.".to_owned()
        }
        Value::String(text) if !DRIVERS.contains(&&**text) => {
            format!("`{}` must be one of: {}.", access::text::clean(text), DRIVERS.join(", "))
        }
        _ => return Vec::new(),
    };
    let at = Path::of("driver");
    vec![Problem::error(codes::CGROUP_DRIVER, "Invalid cgroup driver", at, detail)]
}

/// Under this name another type says that it keeps the driver, too.
pub(crate) fn claimed(node: &str, by: &str) -> ObjectKey {
    ObjectKey(format!("node/{node}#cgroup-driver-by-{by}").into())
}

/// The types that may keep the driver, too, with the argument in which they do.
const OTHERS: [(&str, &str); 2] =
    [("kubelet_config", "settings.cgroupDriver"), ("container_runtime", "cgroup_driver")];

impl ResourceKind for CgroupDriver {
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

    /// Nodes that join meanwhile get what is in the cluster, so that is changed first.
    fn needs(&self, identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        let node = part(identity, "node");
        let others = OTHERS.iter().map(|(ty, _)| claimed(node, ty));
        others.chain([crate::kubelet_base_config::key()]).collect()
    }

    /// One of the others, which says that it keeps the driver.
    fn check_against(&self, identity: &Identity, _args: &Value, other: &Value) -> Vec<Problem> {
        let [of_kubelet, of_runtime] = OTHERS;
        let other = if other.get("settings").is_some() { of_kubelet } else { of_runtime };
        vec![decide::kept_twice(part(identity, "node"), other, "declares")]
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        place::planned(request, |seen| decide::plan(&self.name, request, seen))
    }
}

impl HostType for CgroupDriver {
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
            if let Ok(Some(found)) = central.base().await {
                let text = found["data"][KEY].as_str();
                map.insert("base".into(), text.map_or(Value::Null, Value::from));
            }
            // Without a version there is no kubelet to be asked.
            if map.get("version").is_some_and(|version| !version.is_null()) {
                match central.cluster().configz(part(identity, "node")).await {
                    Ok(answer) => {
                        let settings = answer.get("kubeletconfig").map(access::json::from_json);
                        let driver = settings.and_then(|all| all.get("cgroupDriver").cloned());
                        map.insert("running".into(), driver.unwrap_or(Value::Null));
                    }
                    Err(error) => {
                        map.insert("why_not".into(), error.to_problem().detail.into());
                    }
                }
            }
            Value::map(map)
        })
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

    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Marks, HostError>> {
        Box::pin(async move { SHELF.find_one(site, identity(site.host.name())).await })
    }
}
