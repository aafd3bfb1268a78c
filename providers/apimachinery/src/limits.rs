//! What a `LimitRange` and a `ResourceQuota` make of the objects of their namespace.
//!
//! Objects come as JSON, as a server stores them. Start reading at [`admit_pod`] (the
//! defaults and refusals of `LimitRange`s) and at [`usage`] and [`check_quota`]
//! (what an object costs, and whether a quota has room for it).
//!
//! **Not here:** the validation of the two kinds themselves, apart from
//! [`complete_item`] and [`validate_items`], which are pure arithmetic.

mod pod;
mod quota;
mod range;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Quantity;

pub use pod::{pod_limits, pod_requests};
pub use quota::{
    QuotaRefusal, QuotaUse, check_quota, counted_name, integer_resource, matches_quota,
    standard_quota_name, standard_resource_name, usage, used_by_all,
};
pub use range::{PodVerdict, admit_pod, check_claim, complete_item, validate_items};

/// Amounts by the name of the resource.
pub type Amounts = BTreeMap<String, Quantity>;

/// Reads a map of amounts; entries that are no quantities are left out.
pub fn amounts(map: &Value) -> Amounts {
    let entries = map.as_object().into_iter().flatten();
    entries
        .filter_map(|(name, amount)| {
            let quantity = match amount {
                Value::String(text) => Quantity::parse(text).ok()?,
                Value::Number(number) => Quantity::parse(&number.to_string()).ok()?,
                _ => return None,
            };
            Some((name.clone(), quantity))
        })
        .collect()
}

fn list<'a>(object: &'a Value, field: &str) -> &'a [Value] {
    object[field].as_array().map_or(&[], Vec::as_slice)
}
