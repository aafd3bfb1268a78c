//! A cache for DNS on every node (`NodeLocal DNSCache`).
//!
//! A `DaemonSet` runs a small `CoreDNS` on the network of each node. Pods ask it instead of the
//! cluster's DNS, without address translation and connection tracking; what it does not know it asks
//! the cluster's DNS over TCP. This keeps the whole set of objects in `kube-system`: a
//! `ServiceAccount`, the Service `kube-dns-upstream`, the `ConfigMap` with the Corefile, the
//! Service of the metrics and the `DaemonSet`.
//!
//! ```hcl
//! resource "nodelocal_dns" "cache" {}
//! ```
//!
//! Which rules are needed follows from how kube-proxy works. That is read from its `ConfigMap`
//! (`kube-system/kube-proxy`) unless `proxy_mode` says it; the address of the cluster's DNS is that
//! of the Service `kube-dns`.
//!
//! | kube-proxy | the cache listens on | kubelets |
//! | --- | --- | --- |
//! | `iptables` | `local_ip` and the address of the cluster's DNS | stay as they are |
//! | `ipvs` | `local_ip` | must give `local_ip` to pods |
//! | `nftables` | `local_ip` | must give `local_ip` to pods |
//!
//! With IPVS the address of the cluster's DNS is on an interface of kube-proxy already. For nftables
//! nobody says that it can be intercepted, so it is not. Without kube-proxy (Cilium, say) there is
//! nothing to read: use what the network has for it, or say `proxy_mode = "ipvs"`, which needs no
//! rules at that address.
//!
//! Where kubelets must give another address to pods, let their settings refer to this one:
//!
//! ```hcl
//! resource "nodelocal_dns" "cache" {
//!   proxy_mode = "ipvs"
//! }
//!
//! resource "kubelet_config" "dns" {
//!   for_each = toset(data.nodes.all.names)
//!   node     = each.value
//!   settings = { clusterDNS = nodelocal_dns.cache.kubelet_cluster_dns }
//! }
//! ```
//!
//! The cache is then on all nodes before the first kubelet is changed. A plan says which kubelets of
//! nodes that it runs on do not give the address to pods yet; they are asked through the API server, which needs the right to
//! `get` `nodes/proxy`. Pods keep the address that they were started with.
//!
//! # Order
//!
//! The Service `kube-dns-upstream` comes before the `DaemonSet`, since its address is given to pods
//! when they start. The apply waits until the `DaemonSet` runs on all nodes that it is for. Another
//! Corefile alone restarts nothing: the cache reads it within two minutes. Where the Service was
//! deleted, the pods are started anew after it is back.
//!
//! When the block goes, the `DaemonSet` is deleted first, with its pods, which take their interface
//! and their rules along; then the rest.
//!
//! # Risks
//!
//! Removing the cache while kubelets give its address to pods would leave these pods without DNS. The
//! plan refuses it as long as a kubelet, or the `ConfigMap` `kubelet-config` for nodes that join,
//! does so; kubelets that cannot be asked are named. Then, too, recreate pods that were started with
//! the address before you remove the cache. For the same reason `local_ip` cannot be changed as
//! long as a kubelet gives out the old one.
//!
//! A pod of the cache that is killed at once (out of memory) leaves its interface and rules, and no
//! DNS on its node until it is back: a tight limit of memory is a warning.
//!
//! A `NetworkPolicy` that allows DNS by the labels of its pods does not allow this: the cache is on
//! the network of the node. Allow `local_ip` and the address of the cluster's DNS as `ipBlock`, port 53.
//!
//! The nodes need port 53 at these addresses, and 8080, 9253 and 9353, for themselves.
//!
//! An installation that was made by `kubectl apply` is not taken over: delete it first.
//!
//! # See also
//!
//! [Using NodeLocal DNSCache in Kubernetes Clusters](https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/),
//! [the add-on and its manifest](https://github.com/kubernetes/kubernetes/tree/master/cluster/addons/dns/nodelocaldns),
//! [node-cache](https://github.com/kubernetes/dns/tree/master/cmd/node-cache)

mod check;
mod corefile;
mod decide;
mod kubelets;
mod objects;
mod settings;
mod situation;
#[cfg(test)]
mod tests;

use crate::api::{ObjectRef, identity_of};
use crate::args;
use addrs::{Scope, TypeName};
use plans::{Identity, ObjectKey, Problem};
use provider::{PlanRequest, Planned, ResourceKind};
use values::{Attr, Role, Schema, Type, Value};

pub(crate) use objects::{OWNER, PARTS};
pub(crate) use situation::LOOKED_FOR;

pub(crate) const NAME: &str = "nodelocal_dns";
/// Where all of it lives.
pub(crate) const NAMESPACE: &str = "kube-system";

/// The cache for DNS on every node.
pub struct NodeLocalDns {
    name: TypeName,
    schema: Schema,
}

impl NodeLocalDns {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name(NAME), schema: schema() }
    }
}

impl Default for NodeLocalDns {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    let resources = Type::object([
        ("requests?", Type::map(Type::String)),
        ("limits?", Type::map(Type::String)),
    ]);
    let argument = |name, ty, value: Value, doc| Attr::new(name, ty, Role::Default(value), doc);
    let computed = |name, ty, doc| Attr::new(name, ty, Role::Computed, doc);
    Schema::new(vec![
        argument(
            "local_ip",
            Type::String,
            "169.254.20.10".into(),
            "The address of the cache on every node: in `169.254.0.0/16` or `fd00::/8`, and used by \
             nothing else.",
        ),
        Attr::new(
            "cluster_dns_ip",
            Type::String,
            Role::Optional,
            "The address of the cluster's DNS. Left out it is that of the Service `kube-dns`.",
        ),
        argument(
            "cluster_domain",
            Type::String,
            "cluster.local".into(),
            "The domain of the cluster, as kubelets have it (`clusterDomain`).",
        ),
        Attr::new(
            "proxy_mode",
            Type::String,
            Role::Optional,
            "How kube-proxy works: `iptables`, `ipvs` or `nftables`. Left out it is what its \
             `ConfigMap` says.",
        ),
        Attr::new(
            "upstream_servers",
            Type::list(Type::String),
            Role::Optional,
            "Who is asked for other names: up to 15 addresses, each with or without a port. Left out \
             they are those of the `ConfigMap` `kube-dns`, or of the node.",
        ),
        argument(
            "image",
            Type::String,
            objects::IMAGE.into(),
            "The image of the cache. The usual one is that of Kubernetes 1.36.",
        ),
        argument(
            "resources",
            resources,
            objects::resources(),
            "`requests` and `limits` of the cache's container, each by name.",
        ),
        argument(
            "tolerations",
            Type::Any,
            objects::tolerations(),
            "Taints of nodes on which the cache runs all the same, as in a pod. By default it runs \
             everywhere.",
        ),
        argument(
            "node_selector",
            Type::map(Type::String),
            Value::map([("kubernetes.io/os", "linux".into())]),
            "Labels of the nodes on which the cache runs. By default these are all Linux nodes.",
        ),
        computed(
            "mode",
            Type::String,
            "How kube-proxy works, as given or as read: `iptables`, `ipvs` or `nftables`.",
        ),
        computed(
            "kubelet_cluster_dns",
            Type::list(Type::String),
            "What kubelets must give to pods (`clusterDNS`): with `iptables` the address of the \
             cluster's DNS, else `local_ip`.",
        ),
    ])
}

/// The one installation that a cluster can have, by its main object.
pub(crate) fn identity() -> Identity {
    let object = ObjectRef::namespaced("apps/v1", "DaemonSet", NAMESPACE, "node-local-dns");
    Identity { shown: format!("NodeLocal DNSCache in {NAMESPACE}"), ..identity_of(&object) }
}

/// What settings that give this address to pods need: the cache, where the same configuration has it.
/// `kubelet_config` says the same in the same words.
fn address_key(address: &str) -> ObjectKey {
    ObjectKey(format!("nodelocal-dns:{address}").into())
}

impl ResourceKind for NodeLocalDns {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("mod.rs")
    }

    fn identify(&self, _args: &Value) -> Result<Identity, Vec<Problem>> {
        Ok(identity())
    }

    fn scope(&self, _identity: &Identity) -> Scope {
        Scope::cluster()
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        crate::shown::without_secrets(check::check(args), args)
    }

    /// The cluster's own DNS, where the same configuration brings it.
    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        let inside = |kind: &str| ObjectRef::namespaced("v1", kind, NAMESPACE, "kube-dns").key();
        vec![inside("Service"), inside("ConfigMap")]
    }

    fn provides(&self, _identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        args::get(args, "local_ip").as_str().map(address_key).into_iter().collect()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        decide::plan(&self.name, request).unwrap_or_else(Planned::Failed)
    }
}
