//! Addresses of services.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use apimachinery::FieldError;
use serde_json::{Map, Value, json};

use crate::errors::ApiError;
use crate::meta;
use crate::store::Txn;

/// The first address that is given out; the range has 4,000.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);
const MOST_ADDRESSES: u32 = 4_000;
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;

/// Gives a service its address and its node ports, or keeps them.
pub(super) fn allocate(txn: &Txn<'_>, service: &mut Value) -> Result<(), ApiError> {
    let before = txn.get("services", meta::namespace(service), meta::name(service));
    let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP").to_owned();
    let spec = meta::map_at(service, "spec");
    if kind == "ExternalName" {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            spec.remove(field);
        }
        return Ok(());
    }
    if let Some(before) = &before
        && before["spec"]["type"] != "ExternalName"
    {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let (None, Some(kept)) = (spec.get(field), before["spec"].get(field)) {
                spec.insert(field.to_owned(), kept.clone());
            }
        }
    }
    if !spec.contains_key("clusterIP") {
        let taken = taken(txn);
        let free = (0..MOST_ADDRESSES)
            .map(|offset| Ipv4Addr::from(u32::from(FIRST) + offset).to_string())
            .find(|address| !taken.contains(address));
        let free = free.ok_or_else(|| ApiError::internal("range is full"))?;
        spec.insert("clusterIP".to_owned(), json!(free));
    }
    let address = spec.get("clusterIP").cloned().unwrap_or_default();
    spec.entry("clusterIPs").or_insert_with(|| json!([address]));
    spec.entry("ipFamilies").or_insert_with(|| json!(["IPv4"]));
    spec.entry("ipFamilyPolicy").or_insert_with(|| json!("SingleStack"));
    node_ports(txn, spec, &kind, before.as_deref())
}

fn taken(txn: &Txn<'_>) -> BTreeSet<String> {
    let services = txn.list("services", None);
    services
        .iter()
        .filter_map(|service| service["spec"]["clusterIP"].as_str().map(str::to_owned))
        .collect()
}

fn node_ports(
    txn: &Txn<'_>,
    spec: &mut Map<String, Value>,
    kind: &str,
    before: Option<&Value>,
) -> Result<(), ApiError> {
    let wanted = kind == "NodePort"
        || (kind == "LoadBalancer"
            && spec.get("allocateLoadBalancerNodePorts") != Some(&json!(false)));
    let mut used: BTreeSet<i64> = BTreeSet::new();
    for service in txn.list("services", None) {
        let ports = service["spec"]["ports"].as_array().cloned().unwrap_or_default();
        used.extend(ports.iter().filter_map(|port| port["nodePort"].as_i64()));
    }
    let old: Vec<Value> =
        before.and_then(|before| before["spec"]["ports"].as_array().cloned()).unwrap_or_default();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if !wanted {
            continue;
        }
        if port["nodePort"].as_i64().is_some() {
            let asked = port["nodePort"].as_i64().unwrap_or(0);
            if !NODE_PORTS.contains(&asked) {
                let why = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                let error = FieldError::invalid("spec.ports[0].nodePort", asked, why);
                return Err(ApiError::invalid("", "Service", "", &[error]));
            }
            continue;
        }
        let same =
            |other: &&Value| other["port"] == port["port"] && other["protocol"] == port["protocol"];
        let kept = old.iter().find(same).and_then(|other| other["nodePort"].as_i64());
        let free = kept.or_else(|| NODE_PORTS.into_iter().find(|number| !used.contains(number)));
        let free = free.ok_or_else(|| ApiError::internal("range is full"))?;
        used.insert(free);
        meta::as_map(port).insert("nodePort".to_owned(), json!(free));
    }
    Ok(())
}
