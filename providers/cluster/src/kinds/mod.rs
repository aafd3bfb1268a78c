//! The resource types and data sources of this crate.

mod config_map;
mod namespace;
mod resource_quota;

pub use config_map::ConfigMap;
pub use namespace::Namespace;
pub use resource_quota::ResourceQuota;

use crate::api::Api;
use provider::{DataKind, ResourceKind};

/// All resource types, by name.
pub fn kinds() -> Vec<Box<dyn ResourceKind>> {
    vec![
        Box::new(Api::<ConfigMap>::new()),
        Box::new(Api::<Namespace>::new()),
        Box::new(Api::<ResourceQuota>::new()),
    ]
}

/// All data sources, by name.
pub fn data_kinds() -> Vec<Box<dyn DataKind>> {
    Vec::new()
}
