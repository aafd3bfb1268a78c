//! Settings that kubeadm gives to the kubelets of all nodes.
//!
//! kubeadm keeps them in the cluster, in the `ConfigMap` `kube-system/kubelet-config`. A node gets
//! them when it joins, and again at `kubeadm upgrade node`. This keeps some of them there.
//!
//! ```hcl
//! locals {
//!   kubelet = { maxPods = 200, shutdownGracePeriod = "60s" }
//! }
//!
//! resource "kubelet_base_config" "all" {
//!   settings = local.kubelet
//! }
//!
//! resource "kubelet_config" "each" {
//!   for_each = toset(data.nodes.all.names)
//!   node     = each.value
//!   settings = local.kubelet
//! }
//! ```
//!
//! No kubelet that runs takes notice: nodes that are there already get settings by
//! `kubelet_config`. With both, nodes that join later are like those that are there, and an
//! upgrade undoes nothing. Where a plan has both, this is changed first.
//!
//! `settings` has the names of `KubeletConfiguration`, each checked as by `kubelet_config`, here
//! against the kubelet of the server's version. Of maps only the given keys are managed, of lists
//! all. All other settings of the text stay as they are, and so do its comments and the order of
//! its lines.
//!
//! # Ownership
//!
//! Which settings are ours, and what was there before, is written on the `ConfigMap` in the
//! annotation `clinch/kubelet-settings`. A setting that is taken out of the block, and all of them
//! when the block goes, get the value back that they had before. Text and annotation are changed in
//! one request, which fails if the text is not as the plan saw it.
//!
//! kubeadm's own annotation with a digest of the text is left as it is. It then does not fit any
//! more, which tells `kubeadm upgrade` to keep the settings instead of writing new defaults; once
//! they are given back, it fits again.
//!
//! # Risks
//!
//! A node that joins with a setting that its kubelet refuses does not become ready. What only some
//! nodes can take belongs into `kubelet_config`.
//!
//! # See also
//!
//! [Configuring each kubelet in your cluster using kubeadm](https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/),
//! [Reconfiguring a kubeadm cluster](https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-reconfigure/)

mod decide;

use crate::central::{BASE, Central, KEY, NAMESPACE, base};
use crate::kubelet_config::{dns_servers, settings_problems, upgrade};
use crate::place;
use crate::settings::record::Record;
use crate::settings::ways;
use access::Cluster;
use addrs::{Scope, TypeName};
use plans::{Identity, ObjectKey, Problem};
use provider::{Found, Observation, PlanRequest, Planned, ResourceKind};
use serde_json::Value as Json;
use values::{Attr, Role, Schema, Type, Value};

pub(crate) const NAME: &str = "kubelet_base_config";
/// The annotation that says what is ours.
const RECORD: &str = "clinch/kubelet-settings";
/// The same thing in the words of records.
const PATH: &str = "kube-system/kubelet-config";

/// Settings of the kubelets of all nodes, as kubeadm keeps them.
pub(crate) struct KubeletBaseConfig {
    name: TypeName,
    schema: Schema,
}

impl KubeletBaseConfig {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let schema = Schema::new(vec![Attr::new(
            "settings",
            Type::Any,
            Role::Required,
            "Settings by their names in `KubeletConfiguration`. Those that are left out are left as \
             they are.",
        )]);
        Self { name: name(), schema }
    }
}

fn name() -> TypeName {
    NAME.parse().expect("a constant that is an identifier")
}

/// The one object of the type.
pub(crate) fn key() -> ObjectKey {
    ObjectKey(format!("v1/ConfigMap/{PATH}#{KEY}").into())
}

fn identity() -> Identity {
    Identity {
        key: key(),
        args: Value::map([
            ("api_version", "v1".into()),
            ("kind", "ConfigMap".into()),
            ("namespace", NAMESPACE.into()),
            ("name", BASE.into()),
        ]),
        shown: format!("ConfigMap {PATH}"),
    }
}

impl ResourceKind for KubeletBaseConfig {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        place::page!("mod.rs")
    }

    fn identify(&self, _args: &Value) -> Result<Identity, Vec<Problem>> {
        Ok(identity())
    }

    fn scope(&self, _identity: &Identity) -> Scope {
        Scope::cluster()
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        settings_problems(args)
    }

    fn needs(&self, _identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        dns_servers(args)
    }

    fn provides(&self, _identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        let settings = args.get("settings").map(ways::leaves).unwrap_or_default();
        settings.iter().map(|(way, value)| upgrade::brings(way, value)).collect()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        match request.observed {
            Observation::Unknown(problem) => Planned::Failed(vec![problem.clone()]),
            Observation::Absent if request.desired.is_none() => {
                Planned::forgotten("the ConfigMap is gone")
            }
            Observation::Absent => Planned::Failed(vec![decide::no_kubeadm()]),
            Observation::Present(present) => decide::plan(&self.name, request, present),
        }
    }
}

/// The text, who owns what of it, and the version that its settings are for.
pub(crate) async fn observe(central: &Central<'_>) -> Observation {
    let found = match central.base().await {
        Ok(Some(found)) => found,
        Ok(None) => return Observation::Absent,
        Err(problem) => return Observation::Unknown(problem.clone()),
    };
    let version = match central.cluster().version().await {
        Ok(version) => version,
        Err(error) => return Observation::Unknown(error.to_problem()),
    };
    let text = |of: &Json| of.as_str().map_or(Value::Null, Value::from);
    Observation::Present(Value::map([
        ("text", text(&found["data"][KEY])),
        ("record", text(&found["metadata"]["annotations"][RECORD])),
        ("uid", text(&found["metadata"]["uid"])),
        ("version", version.into()),
    ]))
}

/// Whether settings are the project's.
pub(crate) async fn find(cluster: &Cluster, project: &str) -> Result<Option<Found>, Problem> {
    let Some(found) = base(cluster).await? else { return Ok(None) };
    let record = found["metadata"]["annotations"][RECORD].as_str();
    let record = record.and_then(|text| Record::parse(text).ok());
    Ok(record.filter(|record| record.project == project).map(|_| Found {
        ty: name(),
        identity: identity(),
        uid: found["metadata"]["uid"].as_str().map(str::to_owned),
        protected: false,
    }))
}
