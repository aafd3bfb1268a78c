//! The kinds of problems that this crate reports.

use diags::Code;

/// A name, namespace, kind or version does not say which object is meant.
pub const IDENTITY: Code = Code("E0720");
/// The object exists and is not ours.
pub const EXISTS: Code = Code("E0721");
/// The object belongs to another project.
pub const OTHER_PROJECT: Code = Code("E0722");
/// The object is being deleted.
pub const TERMINATING: Code = Code("E0723");
/// Another field manager owns a field that the configuration sets.
pub const CONFLICT: Code = Code("E0724");
/// The object moved between two looks of one plan.
pub const MOVED: Code = Code("E0725");
/// The server refuses the object.
pub const REFUSED: Code = Code("E0726");
/// The server does not allow the request.
pub const FORBIDDEN: Code = Code("E0727");
/// The namespace does not exist.
pub const NO_NAMESPACE: Code = Code("E0728");
/// The server does not know the kind.
pub const NO_KIND: Code = Code("E0729");
/// The object must not be deleted.
pub const KEEP: Code = Code("E0730");
/// The server changed or ignored a field.
pub const IGNORED: Code = Code("E0731");
/// A part of an object that only the server writes.
pub const SERVER_OWNED: Code = Code("E0732");
/// A label or an annotation is not valid.
pub const LABEL: Code = Code("E0733");
/// A quantity is not valid.
pub const QUANTITY: Code = Code("E0734");
/// Data of a `ConfigMap` is not valid.
pub const CONFIG_DATA: Code = Code("E0735");
/// A rule of `LimitRange` is broken.
pub const LIMIT: Code = Code("E0736");
/// A rule of `ResourceQuota` is broken.
pub const QUOTA: Code = Code("E0737");
/// A quota is below what is used already.
pub const QUOTA_USED: Code = Code("E0738");
/// A rule of `NetworkPolicy` is broken.
pub const POLICY: Code = Code("E0739");
/// A network policy probably does something else than was meant.
pub const POLICY_EFFECT: Code = Code("E0740");
/// An extended resource is not valid.
pub const EXTENDED: Code = Code("E0741");
/// The node does not exist.
pub const NO_NODE: Code = Code("E0742");
/// A Pod Security level or version is not valid.
pub const POD_SECURITY: Code = Code("E0743");
/// What was read or answered is not what the API promises.
pub const STRANGE: Code = Code("E0744");
/// A rule or a binding of RBAC is not valid.
pub const RBAC: Code = Code("E0745");
/// A rule of RBAC probably does not allow what was meant.
pub const RBAC_EFFECT: Code = Code("E0746");
/// A rule of `PriorityClass` is broken.
pub const PRIORITY: Code = Code("E0747");
/// A rule of `PodDisruptionBudget` is broken.
pub const BUDGET: Code = Code("E0748");
/// A disruption budget probably does something else than was meant.
pub const BUDGET_EFFECT: Code = Code("E0749");
/// A setting of a node is not valid.
pub const NODE: Code = Code("E0754");
/// A setting of a node does more than it may seem.
pub const NODE_EFFECT: Code = Code("E0755");
/// What a data source is asked for is not valid.
pub const LOOK: Code = Code("E0756");
/// Nothing is behind a service, or it was not seen whether anything is.
pub const NO_ENDPOINTS: Code = Code("E0759");
/// An object does not fit the definition that the same configuration gives of its kind.
pub const DEFINITION: Code = Code("E0757");
/// An object does not fit what a version of Kubernetes has.
pub const SCHEMA: Code = Code("E0766");
/// A setting of the DNS cache of nodes is not valid.
pub const NODELOCAL: Code = Code("E0950");
/// How kube-proxy works is not known.
pub const PROXY_MODE: Code = Code("E0951");
/// The address of the cluster's DNS is not known.
pub const CLUSTER_DNS: Code = Code("E0952");
/// A setting of the DNS cache of nodes is not known while planning, or hidden.
pub const NODELOCAL_LATE: Code = Code("E0953");
/// Kubelets give an address to pods that would go away.
pub const KUBELETS_USE: Code = Code("E0954");
/// The DNS cache of nodes does something else than was meant, probably.
pub const NODELOCAL_EFFECT: Code = Code("E0955");
