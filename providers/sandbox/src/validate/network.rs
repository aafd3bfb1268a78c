//! Rules of `NetworkPolicy` and `Service`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use apimachinery::{FieldError, names};
use ipnet::IpNet;
use serde_json::Value;

use super::metadata::labels;
use super::{invalid, list, text};

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

pub(super) fn policy(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    selector(&spec["podSelector"], "spec.podSelector", &mut errors);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in list(spec, direction).iter().enumerate() {
            let path = format!("spec.{direction}[{index}]");
            for (index, port) in list(rule, "ports").iter().enumerate() {
                policy_port(port, &format!("{path}.ports[{index}]"), &mut errors);
            }
            for (index, peer) in list(rule, peers).iter().enumerate() {
                policy_peer(peer, &format!("{path}.{peers}[{index}]"), &mut errors);
            }
        }
    }
    let types = list(spec, "policyTypes");
    if types.len() > 2 {
        let why = "may not specify more than two policyTypes";
        errors.push(FieldError::invalid("spec.policyTypes", spec["policyTypes"].clone(), why));
        return errors;
    }
    for (index, kind) in types.iter().enumerate() {
        let supported = ["Ingress", "Egress"];
        if !supported.contains(&kind.as_str().unwrap_or_default()) {
            let path = format!("spec.policyTypes[{index}]");
            errors.push(FieldError::not_supported(path, kind.clone(), &supported));
        }
    }
    errors
}

fn policy_port(port: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let protocol = text(port, "protocol");
    if !PROTOCOLS.contains(&protocol) {
        errors.push(FieldError::not_supported(
            format!("{path}.protocol"),
            protocol,
            &["TCP", "UDP", "SCTP"],
        ));
    }
    let end = port["endPort"].as_i64();
    let at_end = format!("{path}.endPort");
    match &port["port"] {
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or(0);
            for why in names::port_number(number) {
                errors.push(FieldError::invalid(format!("{path}.port"), number, why));
            }
            let Some(end) = end else { return };
            if end < number {
                errors.push(FieldError::invalid(
                    &*at_end,
                    end,
                    "must be greater than or equal to `port`",
                ));
            }
            for why in names::port_number(end) {
                errors.push(FieldError::invalid(&*at_end, end, why));
            }
        }
        Value::String(name) => {
            if let Some(end) = end {
                let why = "may not be specified when `port` is non-numeric";
                errors.push(FieldError::invalid(at_end, end, why));
            }
            errors.extend(invalid(&format!("{path}.port"), name, names::port_name(name)));
        }
        _ => {
            if let Some(end) = end {
                let why = "may not be specified when `port` is not specified";
                errors.push(FieldError::invalid(at_end, end, why));
            }
        }
    }
}

fn policy_peer(peer: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let mut selectors = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if !peer[field].is_null() {
            selectors += 1;
            selector(&peer[field], &format!("{path}.{field}"), errors);
        }
    }
    if peer["ipBlock"].is_null() {
        if selectors == 0 {
            errors.push(FieldError::required(path, "must specify a peer"));
        }
        return;
    }
    ip_block(&peer["ipBlock"], &format!("{path}.ipBlock"), errors);
    if selectors > 0 {
        errors.push(FieldError::forbidden(path, "may not specify both ipBlock and another peer"));
    }
}

const CIDR_RULE: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

fn ip_block(block: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let cidr = text(block, "cidr");
    if cidr.is_empty() {
        errors.push(FieldError::required(format!("{path}.cidr"), ""));
        return;
    }
    let Ok(whole) = cidr.parse::<IpNet>() else {
        errors.push(FieldError::invalid(format!("{path}.cidr"), cidr, CIDR_RULE));
        return;
    };
    for (index, except) in list(block, "except").iter().enumerate() {
        let path = format!("{path}.except[{index}]");
        let except = except.as_str().unwrap_or_default();
        let Ok(part) = except.parse::<IpNet>() else {
            errors.push(FieldError::invalid(path, except, CIDR_RULE));
            continue;
        };
        let inside = whole.contains(&part.network()) && whole.prefix_len() < part.prefix_len();
        if !inside {
            errors.push(FieldError::invalid(path, except, "must be a strict subset of `cidr`"));
        }
    }
}

/// Complaints about a label selector.
pub(super) fn selector(selector: &Value, path: &str, errors: &mut Vec<FieldError>) {
    labels(&selector["matchLabels"], &format!("{path}.matchLabels"), errors);
    for (index, expression) in list(selector, "matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        let values = list(expression, "values");
        match text(expression, "operator") {
            "In" | "NotIn" if values.is_empty() => errors.push(FieldError::required(
                format!("{path}.values"),
                "must be specified when `operator` is 'In' or 'NotIn'",
            )),
            "In" | "NotIn" => {}
            "Exists" | "DoesNotExist" => {
                if !values.is_empty() {
                    let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                    errors.push(FieldError::forbidden(format!("{path}.values"), why));
                }
            }
            other => {
                let why = "not a valid selector operator";
                errors.push(FieldError::invalid(format!("{path}.operator"), other, why));
            }
        }
        let key = text(expression, "key");
        errors.extend(invalid(&format!("{path}.key"), key, names::qualified_name(key)));
        for (index, value) in values.iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            errors.extend(invalid(
                &format!("{path}.values[{index}]"),
                value,
                names::label_value(value),
            ));
        }
    }
}

const SERVICE_TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];

pub(super) fn service(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    let kind = text(spec, "type");
    let headless = text(spec, "clusterIP") == "None";
    let ports = list(spec, "ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    if !SERVICE_TYPES.contains(&kind) {
        errors.push(FieldError::not_supported("spec.type", kind, &SERVICE_TYPES));
    }
    if kind == "ExternalName" && text(spec, "externalName").is_empty() {
        errors.push(FieldError::required("spec.externalName", ""));
    }
    labels(&spec["selector"], "spec.selector", &mut errors);
    let mut names_seen = BTreeSet::new();
    let mut numbers_seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        service_port(port, &path, ports.len() > 1, &mut names_seen, &mut errors);
        let number = port["port"].as_i64().unwrap_or(0);
        let protocol = text(port, "protocol").to_owned();
        if !numbers_seen.insert((number, protocol.clone())) {
            let value = serde_json::json!({"protocol": protocol, "port": number});
            errors.push(FieldError::duplicate(path, value));
        }
    }
    let address = text(spec, "clusterIP");
    if !address.is_empty() && !headless && address.parse::<IpAddr>().is_err() {
        let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
        errors.push(FieldError::invalid("spec.clusterIPs[0]", address, why));
    }
    if !matches!(text(spec, "sessionAffinity"), "None" | "ClientIP") {
        let supported = ["ClientIP", "None"];
        errors.push(FieldError::not_supported(
            "spec.sessionAffinity",
            text(spec, "sessionAffinity"),
            &supported,
        ));
    }
    errors
}

fn service_port<'a>(
    port: &'a Value,
    path: &str,
    needs_name: bool,
    seen: &mut BTreeSet<&'a str>,
    errors: &mut Vec<FieldError>,
) {
    let name = text(port, "name");
    if name.is_empty() {
        if needs_name {
            errors.push(FieldError::required(format!("{path}.name"), ""));
        }
    } else {
        errors.extend(invalid(&format!("{path}.name"), name, names::dns_1123_label(name)));
        if !seen.insert(name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), name));
        }
    }
    let number = port["port"].as_i64().unwrap_or(0);
    for why in names::port_number(number) {
        errors.push(FieldError::invalid(format!("{path}.port"), number, why));
    }
    let protocol = text(port, "protocol");
    if protocol.is_empty() {
        errors.push(FieldError::required(format!("{path}.protocol"), ""));
    } else if !PROTOCOLS.contains(&protocol) {
        errors.push(FieldError::not_supported(
            format!("{path}.protocol"),
            protocol,
            &["SCTP", "TCP", "UDP"],
        ));
    }
    match &port["targetPort"] {
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or(0);
            for why in names::port_number(number) {
                errors.push(FieldError::invalid(format!("{path}.targetPort"), number, why));
            }
        }
        Value::String(name) => {
            errors.extend(invalid(&format!("{path}.targetPort"), name, names::port_name(name)));
        }
        _ => {}
    }
}

/// A service keeps its addresses.
pub(super) fn service_changed(object: &Value, old: &Value) -> Vec<FieldError> {
    let (now, before) = (text(&object["spec"], "clusterIP"), text(&old["spec"], "clusterIP"));
    let external = |object: &Value| text(&object["spec"], "type") == "ExternalName";
    if before.is_empty() || now == before || now.is_empty() || external(object) || external(old) {
        return Vec::new();
    }
    let shown = serde_json::json!([now]);
    vec![FieldError::invalid("spec.clusterIPs[0]", shown, "may not change once set")]
}
