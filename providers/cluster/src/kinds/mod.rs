//! The resource types and data sources of this crate.

mod config_map;
mod extended_resource;
mod limit_range;
mod namespace;
mod network_policy;
mod nodes;
mod object;
mod resource_quota;

pub use config_map::ConfigMap;
pub use extended_resource::ExtendedResource;
pub use limit_range::LimitRange;
pub use namespace::Namespace;
pub use network_policy::NetworkPolicy;
pub use nodes::Nodes;
pub use object::Object;
pub use resource_quota::ResourceQuota;

use crate::api::Api;
use provider::{DataKind, ResourceKind};

/// All resource types, by name.
pub fn kinds() -> Vec<Box<dyn ResourceKind>> {
    vec![
        Box::new(Api::<ConfigMap>::new()),
        Box::new(ExtendedResource::new()),
        Box::new(Api::<LimitRange>::new()),
        Box::new(Api::<Namespace>::new()),
        Box::new(Api::<NetworkPolicy>::new()),
        Box::new(Api::<Object>::new()),
        Box::new(Api::<ResourceQuota>::new()),
    ]
}

/// All data sources, by name.
pub fn data_kinds() -> Vec<Box<dyn DataKind>> {
    vec![Box::new(Nodes::new())]
}
