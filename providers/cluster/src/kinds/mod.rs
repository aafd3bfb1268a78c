//! The resource types and data sources of this crate.

mod cluster_role;
mod cluster_role_binding;
mod config_map;
mod data_object;
mod data_objects;
mod docker_dependents;
mod extended_resource;
mod limit_range;
mod looked_for;
mod namespace;
mod network_policy;
mod node_settings;
pub(crate) mod nodelocal_dns;
mod nodes;
mod object;
mod pod_disruption_budget;
mod pods;
mod priority_class;
mod rbac;
mod resource_quota;
mod role;
mod role_binding;
mod secret;
mod selector;
mod service_account;

pub use cluster_role::ClusterRole;
pub use cluster_role_binding::ClusterRoleBinding;
pub use config_map::ConfigMap;
pub use data_object::DataObject;
pub use data_objects::DataObjects;
pub use docker_dependents::DockerDependents;
pub use extended_resource::ExtendedResource;
pub use limit_range::LimitRange;
pub use namespace::Namespace;
pub use network_policy::NetworkPolicy;
pub use node_settings::NodeSettings;
pub(crate) use node_settings::identity as settings_of;
pub use nodelocal_dns::NodeLocalDns;
pub use nodes::Nodes;
pub use object::Object;
pub use pod_disruption_budget::PodDisruptionBudget;
pub use pods::Pods;
pub use priority_class::PriorityClass;
pub use resource_quota::ResourceQuota;
pub use role::Role;
pub use role_binding::RoleBinding;
pub use secret::Secret;
pub use service_account::ServiceAccount;

use crate::api::Api;
use apimachinery::versions::Minor;
use provider::{DataKind, ResourceKind};

/// All resource types, by name. With a version of Kubernetes, objects are checked against what
/// that version has, too.
pub fn kinds(against: Option<Minor>) -> Vec<Box<dyn ResourceKind>> {
    vec![
        Box::new(Api::<ClusterRole>::new(against)),
        Box::new(Api::<ClusterRoleBinding>::new(against)),
        Box::new(Api::<ConfigMap>::new(against)),
        Box::new(ExtendedResource::new()),
        Box::new(Api::<LimitRange>::new(against)),
        Box::new(Api::<Namespace>::new(against)),
        Box::new(Api::<NetworkPolicy>::new(against)),
        Box::new(NodeSettings::new()),
        Box::new(NodeLocalDns::new()),
        Box::new(Api::<Object>::new(against)),
        Box::new(Api::<PodDisruptionBudget>::new(against)),
        Box::new(Api::<PriorityClass>::new(against)),
        Box::new(Api::<ResourceQuota>::new(against)),
        Box::new(Api::<Role>::new(against)),
        Box::new(Api::<RoleBinding>::new(against)),
        Box::new(Api::<Secret>::new(against)),
        Box::new(Api::<ServiceAccount>::new(against)),
    ]
}

/// All data sources, by name.
pub fn data_kinds() -> Vec<Box<dyn DataKind>> {
    vec![
        Box::new(DockerDependents::new()),
        Box::new(Nodes::new()),
        Box::new(DataObject::new()),
        Box::new(DataObjects::new()),
        Box::new(Pods::new()),
    ]
}
