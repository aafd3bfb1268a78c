//! What is on the host of a node: its system, its runtime, and what of docker is left there.
//!
//! ```hcl
//! data "nodes" "all" {}
//!
//! data "host_facts" "all" {
//!   for_each = toset(data.nodes.all.names)
//!   node     = each.value
//! }
//!
//! output "cgroups" {
//!   value = { for node, facts in data.host_facts.all : node => facts.cgroups }
//! }
//!
//! output "docker_is_called_from" {
//!   value = { for node, facts in data.host_facts.all : node => facts.docker.mentioned_in }
//! }
//! ```
//!
//! Each host is asked once, while the plan is made, and nothing there is changed. What a host does
//! not tell is `null`: a host that is a folder has no programs, and one without docker no version of
//! it. A host that cannot be reached is an error.
//!
//! | fact | where it comes from |
//! | --- | --- |
//! | `os` | `/etc/os-release`, else `/usr/lib/os-release` |
//! | `kernel`, `hostname` | `/proc/sys/kernel/osrelease`, `/proc/sys/kernel/hostname` |
//! | `architecture` | `uname -m` |
//! | `cgroups` | `v2` where `/sys/fs/cgroup/cgroup.controllers` is, else `v1` where there are controllers |
//! | `memory` (bytes), `cpus` | `/proc/meminfo`, `/sys/devices/system/cpu/online` |
//! | `swap`, `modules` | `/proc/swaps`, `/proc/modules` |
//! | `versions` | what `kubelet`, `containerd`, `crio`, `docker`, `runc` and `systemctl` answer to `--version`; a program that is not found is left out |
//! | `runtimes` | which of `containerd`, `crio` and `docker` systemd says are active |
//! | `runtime_endpoint` | `--container-runtime-endpoint` in `/var/lib/kubelet/kubeadm-flags.env`, else `containerRuntimeEndpoint` in `/var/lib/kubelet/config.yaml`, else in `instance-config.yaml` beside it; `null` is the kubelet's default |
//! | `docker.sockets` | `docker.sock`, `dockershim.sock` and `cri-dockerd.sock` in `/run` |
//! | `docker.data` | whether there is `/var/lib/docker` |
//! | `docker.settings` | the names (not the values) of what `/etc/docker/daemon.json` sets |
//! | `docker.mentioned_in` | files below `/etc/systemd/system`, `/etc/cron*` and `/var/spool/cron` with the word `docker` |
//!
//! # See also
//!
//! [os-release(5)](https://www.freedesktop.org/software/systemd/man/latest/os-release.html),
//! [About cgroup v2](https://kubernetes.io/docs/concepts/architecture/cgroups/)

mod facts;

use crate::place;
use access::Ask;
use addrs::TypeName;
use plans::{Exported, Problem};
use provider::DataKind;
use values::{Attr, Role, Schema, Type, Value};

/// What is on a host.
pub(crate) struct HostFacts {
    name: TypeName,
    schema: Schema,
}

impl HostFacts {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "host_facts".parse().expect("a constant that is an identifier");
        Self { name, schema: schema() }
    }
}

fn schema() -> Schema {
    let computed = |name, ty, doc| Attr::new(name, ty, Role::Computed, doc);
    let strings = || Type::list(Type::String);
    let os = Type::object([
        ("id?", Type::String),
        ("version?", Type::String),
        ("name?", Type::String),
        ("like", strings()),
    ]);
    let docker = Type::object([
        ("sockets", strings()),
        ("data", Type::Bool),
        ("settings", strings()),
        ("mentioned_in?", strings()),
    ]);
    Schema::new(vec![
        Attr::new("node", Type::String, Role::Identity, "The node whose host is looked at."),
        computed(
            "os",
            os,
            "The system: `id` (`debian`), `version` (`12`), `name` for people, and `like`, the \
             ids of the systems that it comes from.",
        ),
        computed("kernel", Type::String, "The version of the kernel."),
        computed("hostname", Type::String, "The name that the host has for itself."),
        computed("architecture", Type::String, "The processor's, such as `x86_64`."),
        computed("cgroups", Type::String, "The version of control groups: `v1` or `v2`."),
        computed("memory", Type::Number, "Bytes of memory."),
        computed("cpus", Type::Number, "How many processors are online."),
        computed("swap", strings(), "Files and devices that memory is swapped to."),
        computed("modules", strings(), "Modules of the kernel that are loaded, sorted."),
        computed("versions", Type::map(Type::String), "Versions of programs, by their names."),
        computed("runtimes", strings(), "Container runtimes whose units are active, sorted."),
        computed("runtime_endpoint", Type::String, "Where the kubelet is told the runtime is."),
        computed(
            "docker",
            docker,
            "What of docker is there: `sockets`, `data` (whether there is `/var/lib/docker`), \
             `settings` (names of what its configuration sets) and `mentioned_in` (units and \
             timetables that name it).",
        ),
    ])
}

impl DataKind for HostFacts {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        place::page!("mod.rs")
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let node = args.get("node").and_then(Value::as_str);
        node.and_then(place::check_node).into_iter().collect()
    }
}

/// What is asked of the host.
pub(crate) fn asks() -> Vec<Ask> {
    facts::asks()
}

/// The arguments with what was found.
pub(crate) fn read(args: &Value, looked: &crate::look::Looked) -> Result<Exported, Problem> {
    let found = facts::read(looked).map_err(|error| error.to_problem())?;
    let mut out = args.as_map().cloned().unwrap_or_default();
    out.extend(found.into_iter().map(|(name, value)| (name.into(), value)));
    Ok(Value::map(out))
}
