//! Flags of the programs of the control plane.
//!
//! On a cluster that kubeadm made, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`
//! and `etcd` are static pods: the kubelet of their node starts them from manifests in a folder of
//! its host. This keeps some flags in such a manifest, waits until the program runs with them, and
//! goes back to the old manifest when it does not.
//!
//! ```hcl
//! resource "static_pod" "apiserver" {
//!   node = "control-plane-1"
//!   pod  = "kube-apiserver"
//!   flags = {
//!     enable-admission-plugins = "NodeRestriction,PodNodeSelector"
//!     audit-log-maxage         = 30
//!     profiling                = false
//!     service-account-lookup   = null
//!   }
//! }
//! ```
//!
//! `flags` has the names without dashes. A flag that is `null` must not be there. All other flags
//! stay as they are, and so does every other byte of the manifest: comments, quotes, the order. A
//! new flag stands where its name belongs, as kubeadm sorts them. A value is compared as text, so
//! the order of a list with commas matters.
//!
//! The plan compares three things: what is asked for, what the manifest says, and what the kubelet
//! has started, as the API server shows it (this needs the right to `get` pods of `kube-system`).
//! So a manifest that the kubelet has not taken up is seen.
//!
//! # How it is applied
//!
//! The old manifest is kept in `/var/lib/clinch/static-pods-before`, outside of the folder that
//! the kubelet reads. The new one takes its place in one move, with its mode and owner. Then the
//! step waits, four minutes at most, until the kubelet shows a pod that was made from the new
//! manifest, runs and is ready; of an API server also until `/livez` and `/readyz` answer. That
//! nothing answers in between is normal: a program may take half a minute to end. When the
//! container ends instead, or the time is over, the old manifest is put back and waited for, and
//! the step fails with the last words of the program.
//!
//! A plan restarts one program at a time, on one node at a time. `etcd` is not touched while
//! another member is not ready.
//!
//! A flag that is taken out of the block, and all of them when the block goes, get the value back
//! that the manifest had before.
//!
//! # Risks
//!
//! A flag by which a program finds its data, its users or its place in the network (such as
//! `etcd-servers`, `client-ca-file`, `data-dir`) is only changed when `confirm` names it: the
//! program may well start with another value, and nothing would be left of what it was for.
//!
//! A path must be in a volume of the pod, and what a flag reads must be on the host: declare it as
//! a `host_file` and let this resource refer to it. Volumes are not managed here; with kubeadm they
//! come from `extraVolumes`. `anonymous-auth = false` breaks the probes that kubeadm writes.
//!
//! `kubeadm upgrade` writes the manifests anew from the `ClusterConfiguration` in the `ConfigMap`
//! `kubeadm-config`, which is not changed here; the next plan shows that. Which flags a program
//! knows is not known here: one that it does not know ends it, and the old manifest comes back.
//!
//! A flag that is given more than once, or whose value is an entry of its own, is not managed, nor
//! is a program that a shell starts. Flags are shown in plans and kept in them, so none may be
//! sensitive. The manifest itself is in no plan.
//!
//! While the only API server of a cluster restarts, a state that is kept in that cluster cannot be
//! written; what was done is written when the server is back. The lock of the run must outlast
//! this: write `lease = "5m"` in the block `state "cluster"`. With the usual minute the run stops
//! after the step, and `clinch apply -resume` finishes it.
//!
//! On a host that is a folder there is no kubelet: only the manifest is kept.
//!
//! # See also
//!
//! `host_file` for what flags point at, `kubelet_config` for the kubelet itself.
//! [Create static Pods](https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/),
//! [kube-apiserver](https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/),
//! [Reconfiguring a kubeadm cluster](https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/)

mod activate;
mod decide;
mod manifest;
mod rules;
mod running;

use crate::central::Central;
use crate::host_type::{Became, HostType, Marks, Site};
use crate::look::Looked;
use crate::place::{self, KERNEL, part};
use crate::settings::record::Shelf;
use crate::{codes, owned};
use access::{Ask, FileOnHost, HostError};
use addrs::{Scope, TypeName};
use manifest::Manifest;
use plans::{Identity, ObjectKey, Op, Problem};
use provider::{BoxFuture, PlanRequest, Planned, ResourceKind, StepError};
use values::{Attr, Path, Role, Schema, Type, Value};

const SHELF: Shelf = Shelf("static-pods");
/// Where kubeadm has the manifests.
const USUAL_FOLDER: &str = "/etc/kubernetes/manifests";
/// Where kubeadm has the kubelet's configuration.
const KUBELET: &str = "/var/lib/kubelet/config.yaml";

/// Flags of a static pod.
pub(crate) struct StaticPod {
    name: TypeName,
    schema: Schema,
}

impl StaticPod {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = "static_pod".parse().expect("a constant that is an identifier");
        let schema = Schema::new(vec![
            place::node_attr(),
            Attr::new(
                "pod",
                Type::String,
                Role::Identity,
                "The name that the manifest has in `metadata.name`, such as `kube-apiserver`.",
            ),
            Attr::new(
                "folder",
                Type::String,
                Role::IdentityOr(USUAL_FOLDER.into()),
                "The folder that the kubelet reads static pods from (`staticPodPath`). The manifest \
                 is `POD.yaml` there.",
            ),
            Attr::new(
                "flags",
                Type::Any,
                Role::Required,
                "Flags by their names without dashes; `null` for one that must not be there. Those \
                 that are left out are left as they are.",
            ),
            Attr::new(
                "confirm",
                Type::List(Box::new(Type::String)),
                Role::Optional,
                "Names of protected flags that are meant to be changed.",
            ),
            Attr::new("path", Type::String, Role::Computed, "Where the manifest is on the host."),
        ]);
        Self { name, schema }
    }
}

fn identity(node: &str, path: &str) -> Identity {
    place::file(node, path, Vec::new())
}

impl ResourceKind for StaticPod {
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
        let (node, pod, folder) = (text("node"), text("pod"), text("folder"));
        let mut problems: Vec<Problem> = place::check_node(node).into_iter().collect();
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        if pod.is_empty() || !pod.chars().all(plain) {
            let detail = format!("`{}` is not the name of a pod.", pod.escape_debug());
            let at = Path::of("pod");
            problems.push(Problem::error(codes::IDENTITY, "Invalid name", at, detail));
        }
        let folder = if folder.is_empty() { USUAL_FOLDER } else { folder };
        let path = format!("{folder}/{pod}.yaml");
        let in_folder = |problem: Problem| Problem { path: Path::of("folder"), ..problem };
        problems.extend(place::check_path(&path).map(in_folder));
        if problems.is_empty() { Ok(identity(node, &path)) } else { Err(problems) }
    }

    fn scope(&self, identity: &Identity) -> Scope {
        place::scope(identity)
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let flags = args.get("flags").map(|flags| flags.exposed().0);
        let at = Path::of("flags");
        let wrong = |path: Path, detail: String| {
            Problem::error(codes::STATIC_POD_FLAG, "Invalid flag", path, detail)
        };
        match flags {
            Some(Value::Map(map)) if map.is_empty() => {
                vec![wrong(at, "There is no flag in it.".to_owned())]
            }
            Some(Value::Map(map)) => {
                let given = decide::flags(&Value::Map(map));
                given
                    .iter()
                    .filter_map(|(way, value)| check_flag(&at, way.first()?, value))
                    .collect()
            }
            None | Some(Value::Null | Value::Unknown(_) | Value::Sensitive(_)) => Vec::new(),
            Some(other) => {
                let detail = format!("This must be an object, and it is a {}.", other.kind());
                vec![wrong(at, detail)]
            }
        }
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        place::planned(request, |seen| decide::plan(&self.name, request, seen))
    }
}

/// What is wrong with one flag.
fn check_flag(at: &Path, name: &str, value: &Value) -> Option<Problem> {
    let text = match value {
        Value::Null | Value::Unknown(_) | Value::Sensitive(_) => None,
        Value::String(text) => Some(&**text),
        Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => Some("\n"),
    };
    let why = match value {
        Value::List(_) | Value::Map(_) => {
            Some(format!("is a {}, and a flag has one text, number or truth value", value.kind()))
        }
        _ => rules::wrong(name, text),
    };
    let detail = |why: String| format!("`{}` {why}.", name.escape_debug());
    why.map(|why| {
        let at = at.clone().attr(name);
        Problem::error(codes::STATIC_POD_FLAG, "Invalid flag", at, detail(why))
    })
}

impl HostType for StaticPod {
    fn asks(&self, identity: &Identity) -> Vec<Ask> {
        let path = part(identity, "path");
        [path, &SHELF.place(path), KERNEL, KUBELET].into_iter().map(Ask::file).collect()
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        let path = part(identity, "path");
        let read = |path: &str| looked.file(path).map_err(|error: HostError| error.to_problem());
        let text = |file: &FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
        let or_null = |value: Option<String>| value.map_or(Value::Null, Value::from);
        let runs = read(KERNEL)?.map_or(Value::Null, |_| true.into());
        let folder = read(KUBELET)?.and_then(|file| static_pod_path(&text(file)));
        let more = [
            ("record", or_null(read(&SHELF.place(path))?.map(text))),
            ("runs", runs),
            ("folder", or_null(folder)),
        ];
        Ok(Value::map(owned::observed(read(path)?).into_iter().chain(more)))
    }

    fn completed<'a>(
        &'a self,
        central: &'a Central<'a>,
        identity: &'a Identity,
        seen: Value,
    ) -> BoxFuture<'a, Value> {
        Box::pin(async move {
            let runs = seen.get("runs").is_some_and(|runs| !runs.is_null());
            let content = seen.get("content").and_then(Value::as_str);
            let Some(Ok(manifest)) = content.filter(|_| runs).map(Manifest::read) else {
                return seen;
            };
            let node = part(identity, "node");
            let more = match running::mirror(central.cluster(), &manifest, node).await {
                Ok(pod) => ("running", running::seen(pod.as_ref(), &manifest, node)),
                Err(error) => ("why_not", error.to_problem().detail.into()),
            };
            let mut map = seen.as_map().cloned().unwrap_or_default();
            map.insert(more.0.into(), more.1);
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

/// Where a kubelet with this configuration reads static pods; `None` when it does not say.
fn static_pod_path(config: &str) -> Option<String> {
    let documents = yaml::documents(config).ok()?;
    let path = documents.first()?.get("staticPodPath")?.as_text()?;
    Some(path.to_owned()).filter(|path| !path.is_empty())
}
