//! Settings of a node's kubelet.
//!
//! A kubelet reads its settings from a file of its host when it starts. This keeps some of them
//! in that file, restarts the kubelet when they change, and checks that it runs with them.
//!
//! ```hcl
//! resource "kubelet_config" "worker_1" {
//!   node = "worker-1"
//!   settings = {
//!     maxPods                     = 200
//!     imageGCHighThresholdPercent = 90
//!     shutdownGracePeriod         = "60s"
//!   }
//! }
//! ```
//!
//! `settings` has the names of `KubeletConfiguration` in `kubelet.config.k8s.io/v1beta1`. Each is
//! checked against what the kubelet of that node knows by its version, with its type: a kubelet
//! itself ignores a name that it does not know and goes on without it. Of maps only the given
//! keys are managed, of lists all. All other settings of the file stay as they are, and so do its
//! comments and the order of its lines.
//!
//! The plan compares three things: what is asked for, what the file says, and what the running
//! kubelet says of itself (`/configz`, through the API server; this needs the right to `get`
//! `nodes/proxy`). So a file that was changed without a restart is seen.
//!
//! # Flags
//!
//! Some of what a kubelet does is only to be had by a flag, and an old flag may stand in the way of
//! a setting. `flags` changes the flags that kubeadm wrote for this node; the others stay as they
//! are.
//!
//! ```hcl
//! resource "kubelet_config" "worker_1" {
//!   node     = "worker-1"
//!   settings = { maxPods = 200 }
//!   flags    = { "node-ip" = "10.0.0.7", "max-pods" = null }
//! }
//! ```
//!
//! They are given back like settings. Every process on the host can read them, so none may be
//! sensitive. A change is checked by the command line of the kubelet that runs then; that one was
//! changed in the file by hand, and the kubelet not restarted since, is not seen.
//!
//! # How it is applied
//!
//! The old file is kept in `/var/lib/clinch/kubelet`, the new one takes its place, and the kubelet
//! is restarted. When it does not stay up, or does not run with the settings within a minute, the
//! old file is put back, the kubelet is restarted with it, and the step fails with what the
//! kubelet wrote to its journal. Pods go on running while a kubelet restarts. One kubelet is
//! restarted after the other; those of nodes that carry the control plane come last.
//!
//! Settings by which pods were placed or started (the policies of the CPU, memory and topology
//! managers and what they hand out, `podLogsDir`, `memorySwap`) cost a drain: the node is cordoned, its pods are evicted as their budgets let them, the kubelet is restarted,
//! and the node goes back into service when it is ready. What the kubelet noted of CPUs and memory
//! that it handed out (`cpu_manager_state`, `memory_manager_state`) is removed while it stands
//! still, since it does not start with notes of another policy.
//!
//! Another `cgroupDriver` is a change of the kubelet and its runtime together, which `cgroup_driver`
//! makes; here it is planned and not applied. `cgroupRoot`, `cgroupsPerQOS`,
//! `containerRuntimeEndpoint` and the flags `cloud-provider`, `hostname-override` and `root-dir` take
//! more than a drained node; such a change is planned and not applied by this version.
//!
//! A setting that is taken out of the block, and all of them when the block goes, get the value
//! back that the file had before.
//!
//! # Risks
//!
//! A flag of the command line wins over the file. Where the next start would have one that says
//! something else than a setting (in `/var/lib/kubelet/kubeadm-flags.env`, `/etc/default/kubelet`,
//! `/etc/sysconfig/kubelet` or the unit), the plan is an error that names it. A drop-in folder (`--config-dir`) wins, too: that shows when the kubelet has restarted, and
//! the change is rolled back. `kubeadm upgrade node` writes the file anew from the
//! `kubelet-config` `ConfigMap` of `kube-system`: the plan of a change says which settings it would
//! undo, and `kubelet_base_config` changes them there. `evictionHard` replaces all thresholds that a
//! kubelet has by itself.
//!
//! A folder of certificates that would be gone after a reboot (`cert-dir`, `tlsCertFile` and
//! `tlsPrivateKeyFile` below `/run` or `/tmp`, or on a file system in memory) is refused: the node
//! would not come back.
//!
//! Settings are shown in plans and kept in them, so none may be sensitive; a file with headers for
//! `staticPodURL`, which hold credentials, is left alone with an error. The program `kubelet` must
//! be where commands of the login (or of `sudo`) are found.
//!
//! On a host that is a folder there is no kubelet: only the file is kept.
//!
//! # See also
//!
//! [Set kubelet parameters via a configuration file](https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/),
//! [Kubelet Configuration (v1beta1)](https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/)

pub(crate) mod activate;
pub(crate) mod decide;
pub(crate) mod env;
pub(crate) mod flags;
pub(crate) mod judge;
mod memory;
mod rules;
mod running;
pub(crate) mod text;
pub(crate) mod upgrade;

use crate::central::{Central, KEY};
use crate::cgroup_driver;
use crate::host_type::{Became, HostType, Marks, Site};
use crate::look::Looked;
use crate::place::{self, part};
use crate::settings::record::Shelf;
use crate::{codes, owned, runtime_migration};
use access::{Ask, HostError};
use addrs::{Scope, TypeName};
use plans::{Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, PlanRequest, Planned, ResourceKind, StepError};
use values::{Attr, Path, Role, Schema, Type, Value};

/// Where kubeadm puts the file.
pub(crate) const USUAL_PATH: &str = "/var/lib/kubelet/config.yaml";
pub(crate) const SHELF: Shelf = Shelf("kubelet");

/// Settings of a node's kubelet.
pub(crate) struct KubeletConfig {
    name: TypeName,
    schema: Schema,
}

impl KubeletConfig {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "kubelet_config".parse().expect("a constant that is an identifier");
        let schema = Schema::new(vec![
            place::node_attr(),
            Attr::new(
                "path",
                Type::String,
                Role::IdentityOr(USUAL_PATH.into()),
                "The file that the kubelet is started with (`--config`).",
            ),
            Attr::new(
                "settings",
                Type::Any,
                Role::Required,
                "Settings by their names in `KubeletConfiguration`. Those that are left out are \
                 left as they are.",
            ),
            Attr::new(
                "flags",
                Type::Any,
                Role::Optional,
                "Flags in `/var/lib/kubelet/kubeadm-flags.env` by their names, without `--`; null \
                 takes one away. For what is no setting: `node-ip`, `node-labels`.",
            ),
        ]);
        Self { name, schema }
    }
}

fn identity(node: &str, path: &str) -> Identity {
    place::file(node, path, Vec::new())
}

/// What is wrong with the argument `settings` whatever the version.
pub(crate) fn settings_problems(args: &Value) -> Vec<Problem> {
    let settings = args.get("settings").map(|settings| settings.exposed().0);
    let at = Path::of("settings");
    let wrong = |path: Path, detail: String| {
        vec![Problem::error(codes::KUBELET_SETTING, "Invalid kubelet setting", path, detail)]
    };
    match settings {
        Some(Value::Map(map)) if map.is_empty() => {
            wrong(at, "There is no setting in it.".to_owned())
        }
        Some(Value::Map(map)) => ["kind", "apiVersion"]
            .into_iter()
            .filter(|name| map.contains_key(*name))
            .flat_map(|name| {
                let detail = format!("`{name}` says what the file is; it is no setting.");
                wrong(at.clone().attr(name), detail)
            })
            .collect(),
        None | Some(Value::Null | Value::Unknown(_) | Value::Sensitive(_)) => Vec::new(),
        Some(other) => wrong(at, format!("This must be an object, and it is a {}.", other.kind())),
    }
}

/// Servers that pods are told to ask, which are there before the pods are: a `nodelocal_dns` of the
/// same configuration provides its address in these words.
pub(crate) fn dns_servers(args: &Value) -> Vec<ObjectKey> {
    let given = args.get("settings").and_then(|settings| settings.get("clusterDNS"));
    let servers = given.and_then(Value::as_list).unwrap_or_default().iter();
    let key = |address: &str| ObjectKey(format!("nodelocal-dns:{address}").into());
    servers.filter_map(|address| address.as_str().map(key)).collect()
}

impl ResourceKind for KubeletConfig {
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
        let (node, path) = (text("node"), text("path"));
        let path = if path.is_empty() { USUAL_PATH } else { path };
        let mut problems: Vec<Problem> = place::check_node(node).into_iter().collect();
        problems.extend(place::check_path(path));
        if problems.is_empty() { Ok(identity(node, path)) } else { Err(problems) }
    }

    fn scope(&self, identity: &Identity) -> Scope {
        place::scope(identity)
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let mut problems = settings_problems(args);
        problems.extend(flags::problems(args));
        problems.extend(memory::problems(args, None));
        problems
    }

    /// Nodes that join meanwhile get what is in the cluster, so that is changed first.
    fn needs(&self, _identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        let base = crate::kubelet_base_config::key();
        [base].into_iter().chain(dns_servers(args)).collect()
    }

    fn provides(&self, identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        let driver = args.get("settings").and_then(|settings| settings.get(text::DRIVER));
        let claims = driver.is_some_and(|driver| !driver.is_null());
        let key = || cgroup_driver::claimed(part(identity, "node"), "kubelet_config");
        let endpoint = runtime_migration::kept_by_kubelet(args);
        let of_endpoint = endpoint.map(|_| runtime_migration::claimed(part(identity, "node")));
        claims.then(key).into_iter().chain(of_endpoint).collect()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        place::planned(request, |seen| decide::plan(&self.name, request, seen))
    }
}

impl HostType for KubeletConfig {
    fn asks(&self, identity: &Identity) -> Vec<Ask> {
        let path = part(identity, "path");
        let own = [
            Ask::file(path),
            Ask::file(SHELF.place(path)),
            Ask::file(env::SHELF.place(env::PATH)),
            Ask::command(["kubelet", "--version"]),
        ];
        own.into_iter().chain(flags::asks()).chain(memory::asks()).collect()
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        let path = part(identity, "path");
        let failed = |error: HostError| error.to_problem();
        let file = looked.file(path).map_err(failed)?;
        let record = looked.file(&SHELF.place(path)).map_err(failed)?;
        let text = |file: &access::FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
        let of_flags = looked.file(&env::SHELF.place(env::PATH)).map_err(failed)?;
        let env = looked.file(env::PATH).map_err(failed)?;
        let version = match looked.ran(&["kubelet", "--version"]) {
            Ok(Some(output)) if output.succeeded() => Some(output.text().trim().to_owned()),
            // That it is not found is not that there is none.
            Ok(Some(_) | None) => return Err(decide::no_kubelet(identity)),
            // A host that is a folder has no kubelet.
            Err(HostError::NoCommands { .. }) => None,
            Err(error) => return Err(failed(error)),
        };
        let more = [
            ("record", record.map_or(Value::Null, |file| text(file).into())),
            ("env", env.map_or(Value::Null, |file| text(file).into())),
            ("env_mode", env.map_or(Value::Null, |file| owned::octal(file.mode).into())),
            ("env_record", of_flags.map_or(Value::Null, |file| text(file).into())),
            ("flags", flags::seen(looked).map_err(failed)?),
            ("memory", memory::seen(looked).map_err(failed)?),
            ("version", version.map_or(Value::Null, Value::from)),
        ];
        Ok(Value::map(owned::observed(file).into_iter().chain(more)))
    }

    fn completed<'a>(
        &'a self,
        central: &'a Central<'a>,
        identity: &'a Identity,
        seen: Value,
    ) -> BoxFuture<'a, Value> {
        Box::pin(async move {
            let mut map = seen.as_map().cloned().unwrap_or_default();
            match central.base().await {
                Ok(Some(found)) => {
                    let text = found["data"][KEY].as_str();
                    map.insert("base".into(), text.map_or(Value::Null, Value::from));
                }
                Ok(None) => {}
                Err(problem) => {
                    map.insert("base_unknown".into(), problem.detail.as_str().into());
                }
            }
            // Without a version there is no kubelet to be asked.
            if map.get("version").is_some_and(|version| !version.is_null()) {
                match central.cluster().configz(part(identity, "node")).await {
                    Ok(answer) => {
                        let settings = answer.get("kubeletconfig").map(access::json::from_json);
                        map.insert("running".into(), settings.unwrap_or(Value::Null));
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
        let node = site.host.name();
        Box::pin(async move { SHELF.find(site, |path| identity(node, path)).await })
    }
}
