//! `ResourceQuota`: what an object costs, and whether there is room for it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Amounts, list, pod};
use crate::selector::{LabelSelector, Operator, Requirement};
use crate::{Quantity, names};

/// What a quota's usage becomes when a request is carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaUse {
    /// The new `status.used`.
    pub used: Amounts,
}

/// Why a quota has no room. The words follow `pods "x" is forbidden: `.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct QuotaRefusal(pub String);

/// Resources for which every container has to say what it needs once a quota names them.
const MUST_SPECIFY: [&str; 6] =
    ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];

/// The kinds that are counted under their plain name, too.
const PLAINLY_COUNTED: [&str; 6] = [
    "configmaps",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "persistentvolumeclaims",
];

/// The name under which objects of a resource are counted: `count/deployments.apps`.
pub fn counted_name(qualified_resource: &str) -> String {
    format!("count/{qualified_resource}")
}

/// What one object costs. `resource` is qualified: `pods`, `deployments.apps`.
pub fn usage(resource: &str, object: &Value) -> Amounts {
    let one = Quantity::from_integer(1);
    let mut used = Amounts::from([(counted_name(resource), one)]);
    if PLAINLY_COUNTED.contains(&resource) {
        used.insert(resource.to_owned(), one);
    }
    match resource {
        "pods" => pod_usage(object, &mut used),
        "services" => service_usage(object, &mut used),
        "persistentvolumeclaims" => claim_usage(object, &mut used),
        _ => {}
    }
    used
}

fn pod_usage(pod: &Value, used: &mut Amounts) {
    let phase = pod["status"]["phase"].as_str();
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return;
    }
    let compute = compute(&pod::pod_requests(pod), &pod::pod_limits(pod));
    used.extend(compute);
}

/// The names under which a quota sees requests and limits.
fn compute(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut used = Amounts::from([("pods".to_owned(), Quantity::from_integer(1))]);
    for (name, amount) in requests {
        let plain = matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage");
        if plain || name.starts_with("hugepages-") {
            used.insert(name.clone(), *amount);
        }
        if plain || name.starts_with("hugepages-") || !names::is_native_resource(name) {
            used.insert(format!("requests.{name}"), *amount);
        }
    }
    for (name, amount) in limits {
        if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
            used.insert(format!("limits.{name}"), *amount);
        }
    }
    used
}

fn service_usage(service: &Value, used: &mut Amounts) {
    let spec = &service["spec"];
    let ports = i64::try_from(list(spec, "ports").len()).unwrap_or(i64::MAX);
    let (mut node_ports, mut balancers) = (0, 0);
    match spec["type"].as_str() {
        Some("NodePort") => node_ports = ports,
        Some("LoadBalancer") => {
            balancers = 1;
            if spec["allocateLoadBalancerNodePorts"] == false {
                let asked = list(spec, "ports")
                    .iter()
                    .filter(|port| port["nodePort"].as_i64().unwrap_or(0) != 0);
                node_ports = i64::try_from(asked.count()).unwrap_or(i64::MAX);
            } else {
                node_ports = ports;
            }
        }
        _ => {}
    }
    used.insert("services.nodeports".to_owned(), Quantity::from_integer(node_ports));
    used.insert("services.loadbalancers".to_owned(), Quantity::from_integer(balancers));
}

fn claim_usage(claim: &Value, used: &mut Amounts) {
    let class = claim["spec"]["storageClassName"].as_str().unwrap_or_default();
    let suffix = ".storageclass.storage.k8s.io/";
    if !class.is_empty() {
        used.insert(format!("{class}{suffix}persistentvolumeclaims"), Quantity::from_integer(1));
    }
    let requests = super::amounts(&claim["spec"]["resources"]["requests"]);
    if let Some(storage) = requests.get("storage") {
        used.insert("requests.storage".to_owned(), *storage);
        if !class.is_empty() {
            used.insert(format!("{class}{suffix}requests.storage"), *storage);
        }
    }
}

/// Whether a quota is about this object at all: it names something that the object
/// costs, and its scopes fit.
pub fn matches_quota(quota: &Value, resource: &str, object: &Value) -> bool {
    let hard = super::amounts(&quota["spec"]["hard"]);
    let costs = usage(resource, object);
    let tracked = |name: &String| {
        costs.contains_key(name) || (resource == "pods" && may_be_used_by_pods(name))
    };
    hard.keys().any(tracked) && scopes(quota).iter().all(|scope| scope.holds(resource, object))
}

/// Resources that some pod may cost, although this one does not.
fn may_be_used_by_pods(name: &str) -> bool {
    let plain = name.strip_prefix("requests.").or(name.strip_prefix("limits.")).unwrap_or(name);
    matches!(name, "pods" | "count/pods")
        || matches!(plain, "cpu" | "memory" | "ephemeral-storage")
        || plain.starts_with("hugepages-")
        || (name.starts_with("requests.") && names::is_extended_resource(plain))
}

/// One condition on the objects that a quota is about.
struct Scope {
    name: String,
    operator: String,
    values: Vec<String>,
}

fn scopes(quota: &Value) -> Vec<Scope> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let plain = list(&quota["spec"], "scopes").iter().map(|scope| Scope {
        name: text(scope),
        operator: "Exists".to_owned(),
        values: Vec::new(),
    });
    let selected =
        list(&quota["spec"]["scopeSelector"], "matchExpressions").iter().map(|expression| Scope {
            name: text(&expression["scopeName"]),
            operator: text(&expression["operator"]),
            values: list(expression, "values").iter().map(text).collect(),
        });
    plain.chain(selected).collect()
}

impl Scope {
    fn holds(&self, resource: &str, object: &Value) -> bool {
        let spec = &object["spec"];
        if self.name == "VolumeAttributesClass" {
            return resource == "persistentvolumeclaims"
                && self.selects(spec["volumeAttributesClassName"].as_str());
        }
        if resource != "pods" {
            return false;
        }
        let terminating =
            spec["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds >= 0);
        match self.name.as_str() {
            "Terminating" => terminating,
            "NotTerminating" => !terminating,
            "BestEffort" => is_best_effort(object),
            "NotBestEffort" => !is_best_effort(object),
            "PriorityClass" => self.selects(spec["priorityClassName"].as_str()),
            "CrossNamespacePodAffinity" => crosses_namespaces(spec),
            _ => false,
        }
    }

    fn selects(&self, value: Option<&str>) -> bool {
        let value = value.filter(|value| !value.is_empty());
        let operator = match self.operator.as_str() {
            "In" => Operator::In(self.values.clone()),
            "NotIn" => Operator::NotIn(self.values.clone()),
            "DoesNotExist" => Operator::DoesNotExist,
            _ => Operator::Exists,
        };
        let selector =
            LabelSelector { requirements: vec![Requirement { key: self.name.clone(), operator }] };
        let labels = value.map(|value| (self.name.clone(), value.to_owned())).into_iter().collect();
        selector.matches(&labels)
    }
}

fn is_best_effort(pod: &Value) -> bool {
    let spec = &pod["spec"];
    let containers = list(spec, "containers").iter().chain(list(spec, "initContainers"));
    containers.chain([spec]).all(|container| {
        ["requests", "limits"].iter().all(|field| {
            let asked = super::amounts(&container["resources"][*field]);
            asked.iter().all(|(name, amount)| {
                !matches!(name.as_str(), "cpu" | "memory") || amount.is_zero()
            })
        })
    })
}

fn crosses_namespaces(spec: &Value) -> bool {
    let crosses =
        |term: &Value| !list(term, "namespaces").is_empty() || !term["namespaceSelector"].is_null();
    ["podAffinity", "podAntiAffinity"].iter().any(|kind| {
        let affinity = &spec["affinity"][*kind];
        let required = list(affinity, "requiredDuringSchedulingIgnoredDuringExecution").iter();
        let preferred = list(affinity, "preferredDuringSchedulingIgnoredDuringExecution").iter();
        required.chain(preferred.map(|weighted| &weighted["podAffinityTerm"])).any(crosses)
    })
}

/// Whether a quota has room for an object; `old` is what it replaces, if anything.
///
/// `quota` is the stored object with its status; `None` means that it is not concerned.
pub fn check_quota(
    quota: &Value,
    resource: &str,
    object: &Value,
    old: Option<&Value>,
) -> Result<Option<QuotaUse>, QuotaRefusal> {
    if !matches_quota(quota, resource, object) {
        return Ok(None);
    }
    let name = quota["metadata"]["name"].as_str().unwrap_or_default();
    let hard = super::amounts(&quota["status"]["hard"]);
    let mut used = super::amounts(&quota["status"]["used"]);
    if resource == "pods" && old.is_none() {
        must_specify(&hard, object)
            .map_err(|why| QuotaRefusal(format!("failed quota: {name}: {why}")))?;
    }
    let before =
        old.filter(|old| matches_quota(quota, resource, old)).map(|old| usage(resource, old));
    let mut requested = Amounts::new();
    for (what, amount) in usage(resource, object) {
        let before = before.as_ref().and_then(|before| before.get(&what).copied());
        let more = amount.minus(before.unwrap_or_else(Quantity::zero));
        if hard.contains_key(&what) && !more.is_zero() && !more.is_negative() {
            requested.insert(what, more);
        }
    }
    let mut exceeded = Vec::new();
    for (what, more) in &requested {
        let sum = used.get(what).map_or(*more, |used| used.plus(*more));
        if hard.get(what).is_some_and(|hard| sum > *hard) {
            exceeded.push(what.clone());
        }
    }
    if !exceeded.is_empty() {
        let show = |amounts: &Amounts| {
            let shown = exceeded.iter().map(|what| {
                format!("{what}={}", amounts.get(what).copied().unwrap_or_else(Quantity::zero))
            });
            shown.collect::<Vec<_>>().join(",")
        };
        return Err(QuotaRefusal(format!(
            "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
            show(&requested),
            show(&used),
            show(&hard)
        )));
    }
    for (what, more) in requested {
        let entry = used.entry(what).or_insert_with(|| more.minus(more));
        *entry = entry.plus(more);
    }
    Ok(Some(QuotaUse { used }))
}

/// Every container has to say what it needs of cpu and memory that the quota limits.
fn must_specify(hard: &Amounts, pod: &Value) -> Result<(), String> {
    let spec = &pod["spec"];
    if spec["resources"].as_object().is_some_and(|resources| !resources.is_empty()) {
        return Ok(());
    }
    let required: Vec<&String> =
        hard.keys().filter(|name| MUST_SPECIFY.contains(&name.as_str())).collect();
    let mut missing: Vec<String> = Vec::new();
    for name in required {
        let mut containers = BTreeSet::new();
        for container in list(spec, "containers").iter().chain(list(spec, "initContainers")) {
            let resources = &container["resources"];
            let said = compute(
                &super::amounts(&resources["requests"]),
                &super::amounts(&resources["limits"]),
            );
            if !said.contains_key(name) {
                containers.insert(container["name"].as_str().unwrap_or_default());
            }
        }
        if !containers.is_empty() {
            let containers: Vec<&str> = containers.into_iter().collect();
            missing.push(format!("{name} for: {}", containers.join(",")));
        }
    }
    if missing.is_empty() { Ok(()) } else { Err(format!("must specify {}", missing.join("; "))) }
}

/// `status.used` of a quota: the sum over the objects of its namespace, zero where there are none.
///
/// `objects` are pairs of qualified resource and object.
pub fn used_by_all<'a>(
    quota: &Value,
    objects: impl IntoIterator<Item = (&'a str, &'a Value)>,
) -> Amounts {
    let hard = super::amounts(&quota["spec"]["hard"]);
    let mut sums: Amounts =
        hard.iter().map(|(name, amount)| (name.clone(), amount.minus(*amount))).collect();
    for (resource, object) in objects {
        if !matches_quota(quota, resource, object) {
            continue;
        }
        for (name, amount) in usage(resource, object) {
            if let Some(sum) = sums.get_mut(&name) {
                *sum = sum.plus(amount);
            }
        }
    }
    sums
}

/// Whether amounts of this resource are whole numbers: counts and extended resources.
pub fn integer_resource(name: &str) -> bool {
    let counts = matches!(
        name,
        "pods"
            | "services"
            | "services.nodeports"
            | "services.loadbalancers"
            | "replicationcontrollers"
            | "resourcequotas"
            | "secrets"
            | "configmaps"
            | "persistentvolumeclaims"
    );
    counts || name.starts_with("count/") || names::is_extended_resource(name)
}

/// Whether a quota may name this resource without a domain.
pub fn standard_quota_name(name: &str) -> bool {
    const STANDARD: [&str; 19] = [
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.storage",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "persistentvolumeclaims",
        "configmaps",
        "services.nodeports",
        "services.loadbalancers",
    ];
    STANDARD.contains(&name)
        || name.starts_with("hugepages-")
        || name.starts_with("requests.hugepages-")
}

/// Whether a resource without a domain is known to the system at all.
pub fn standard_resource_name(name: &str) -> bool {
    name == "storage" || standard_quota_name(name)
}
