//! `LimitRange`: its own completion, its arithmetic, and what it does to pods.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Amounts, amounts, list, pod};
use crate::{FieldError, Quantity, names};

/// The annotation that says what was filled in.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";
/// Beyond this a number does not fit in thousandths, and is compared whole.
const MOST_MILLI: i64 = i64::MAX / 1000;

/// Fills in an item's own defaults, as a server does when it stores the object:
/// `default` from `max`, then `defaultRequest` from `default`, then from `min`.
pub fn complete_item(item: &mut Map<String, Value>) {
    if item.get("type").and_then(Value::as_str) != Some("Container") {
        return;
    }
    for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")]
    {
        let Some(source) = item.get(from).and_then(Value::as_object).cloned() else { continue };
        if source.is_empty() {
            continue;
        }
        let target = item.entry(to).or_insert_with(|| json!({}));
        if let Some(target) = target.as_object_mut() {
            for (name, amount) in source {
                target.entry(name).or_insert(amount);
            }
        }
    }
}

/// The complaints about the items of a `LimitRange`, after completion.
pub fn validate_items(items: &[Value]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let path = format!("spec.limits[{index}]");
        let kind = item["type"].as_str().unwrap_or_default();
        validate_type(kind, &format!("{path}.type"), &mut errors);
        if !seen.insert(kind) {
            errors.push(FieldError::duplicate(format!("{path}.type"), kind));
        }
        Item::read(item, &path).validate(&mut errors);
    }
    errors
}

fn validate_type(kind: &str, path: &str, errors: &mut Vec<FieldError>) {
    for why in names::qualified_name(kind) {
        errors.push(FieldError::invalid(path, kind, why));
    }
    if !kind.contains('/') && !matches!(kind, "Pod" | "Container" | "PersistentVolumeClaim") {
        let why = "must be a standard limit type or fully qualified";
        errors.push(FieldError::invalid(path, kind, why));
    }
}

/// One item with its amounts read.
struct Item<'a> {
    path: &'a str,
    kind: &'a str,
    maps: BTreeMap<&'static str, Amounts>,
}

const FIELDS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

impl<'a> Item<'a> {
    fn read(item: &'a Value, path: &'a str) -> Self {
        let maps = FIELDS.iter().map(|field| (*field, amounts(&item[*field]))).collect();
        Self { path, kind: item["type"].as_str().unwrap_or_default(), maps }
    }

    fn get(&self, field: &'static str, resource: &str) -> Option<Quantity> {
        self.maps.get(field)?.get(resource).copied()
    }

    fn at(&self, field: &str, resource: &str) -> String {
        format!("{}.{field}[{resource}]", self.path)
    }

    fn validate(&self, errors: &mut Vec<FieldError>) {
        let is_pod = self.kind == "Pod";
        let mut resources = BTreeSet::new();
        for field in FIELDS {
            let map = &self.maps[field];
            if is_pod && field.starts_with("default") {
                if !map.is_empty() {
                    let why = "may not be specified when `type` is 'Pod'";
                    errors.push(FieldError::forbidden(format!("{}.{field}", self.path), why));
                }
                continue;
            }
            for name in map.keys() {
                self.validate_name(name, &self.at(field, name), errors);
                resources.insert(name.as_str());
            }
        }
        if self.kind == "PersistentVolumeClaim" {
            let storage = self.get("min", "storage").or(self.get("max", "storage"));
            if storage.is_none() {
                let why =
                    "either minimum or maximum storage value is required, but neither was provided";
                errors.push(FieldError::required(format!("{}.limits", self.path), why));
            }
        }
        for resource in resources {
            self.validate_order(resource, is_pod, errors);
            self.validate_ratio(resource, errors);
        }
    }

    fn validate_name(&self, name: &str, path: &str, errors: &mut Vec<FieldError>) {
        let wrong = names::qualified_name(name);
        if !wrong.is_empty() {
            errors.extend(wrong.into_iter().map(|why| FieldError::invalid(path, name, why)));
            return;
        }
        if name.contains('/') {
            return;
        }
        if !super::standard_resource_name(name) {
            let why = "must be a standard resource type or fully qualified";
            errors.push(FieldError::invalid(path, name, why));
        }
        let compute = matches!(self.kind, "Pod" | "Container");
        let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage")
            || name.starts_with("hugepages-");
        if compute && !standard {
            let why = "must be a standard resource for containers";
            errors.push(FieldError::invalid(path, name, why));
        }
    }

    fn validate_order(&self, resource: &str, is_pod: bool, errors: &mut Vec<FieldError>) {
        let (min, max) = (self.get("min", resource), self.get("max", resource));
        let (default, request) = if is_pod {
            (None, None)
        } else {
            (self.get("default", resource), self.get("defaultRequest", resource))
        };
        let mut ordered = |low: Option<Quantity>,
                           high: Option<Quantity>,
                           field: &str,
                           shown: Option<Quantity>,
                           words: [&str; 2]| {
            if let (Some(low), Some(high), Some(shown)) = (low, high, shown)
                && low > high
            {
                let why =
                    format!("{} value {low} is greater than {} value {high}", words[0], words[1]);
                errors.push(FieldError::invalid(self.at(field, resource), shown.to_string(), why));
            }
        };
        ordered(min, max, "min", min, ["min", "max"]);
        ordered(min, request, "defaultRequest", request, ["min", "default request"]);
        ordered(request, max, "defaultRequest", request, ["default request", "max"]);
        ordered(request, default, "defaultRequest", request, ["default request", "default limit"]);
        ordered(min, default, "default", min, ["min", "default"]);
        ordered(default, max, "default", max, ["default", "max"]);
        let overcommit = names::is_native_resource(resource) && !resource.starts_with("hugepages-");
        if let (false, Some(default), Some(request)) = (overcommit, default, request)
            && default != request
        {
            let why = format!(
                "default value {default} must equal to defaultRequest value {request} in {resource}"
            );
            errors.push(FieldError::invalid(
                self.at("defaultRequest", resource),
                request.to_string(),
                why,
            ));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the server computes the ratio so, too")]
    fn validate_ratio(&self, resource: &str, errors: &mut Vec<FieldError>) {
        let Some(ratio) = self.get("maxLimitRequestRatio", resource) else { return };
        let path = self.at("maxLimitRequestRatio", resource);
        if ratio < Quantity::from_integer(1) {
            let why = format!("ratio {ratio} is less than 1");
            errors.push(FieldError::invalid(path.clone(), ratio.to_string(), why));
        }
        if let (Some(min), Some(max)) = (self.get("min", resource), self.get("max", resource)) {
            let small = [ratio, min, max].iter().all(|amount| amount.value() < MOST_MILLI);
            let (wanted, most) = if small {
                (
                    ratio.milli_value() as f64 / 1000.0,
                    max.milli_value() as f64 / min.milli_value() as f64,
                )
            } else {
                (ratio.value() as f64, max.value() as f64 / min.value() as f64)
            };
            if wanted > most {
                let why = format!("ratio {ratio} is greater than max/min = {most:.6}");
                errors.push(FieldError::invalid(path, ratio.to_string(), why));
            }
        }
    }
}

/// What the `LimitRange`s of a namespace make of a pod that is created there.
#[derive(Debug, Clone, PartialEq)]
pub struct PodVerdict {
    /// The pod with defaults and the annotation that says so.
    pub pod: Value,
    /// Why it is refused; the words that follow `pods "x" is forbidden: `.
    pub violations: Vec<String>,
}

/// Applies the defaults of every `LimitRange`, then checks the pod against them all.
///
/// The pod is as the server has it then: requests are already taken from limits.
pub fn admit_pod(ranges: &[Value], pod: &Value) -> PodVerdict {
    let mut admitted = pod.clone();
    for range in ranges {
        fill_in(range, &mut admitted);
    }
    let mut violations = Vec::new();
    for range in ranges {
        let broken = check(range, &admitted);
        if !broken.is_empty() {
            // The server stops at the first LimitRange that refuses.
            violations = broken;
            break;
        }
    }
    PodVerdict { pod: admitted, violations }
}

fn fill_in(range: &Value, pod: &mut Value) {
    let mut requests = Map::new();
    let mut limits = Map::new();
    for item in list(&range["spec"], "limits").iter().filter(|item| item["type"] == "Container") {
        for (into, from) in [(&mut requests, "defaultRequest"), (&mut limits, "default")] {
            for (name, amount) in item[from].as_object().into_iter().flatten() {
                into.insert(name.clone(), amount.clone());
            }
        }
    }
    let mut notes = Vec::new();
    for (field, what) in [("containers", "container"), ("initContainers", "init container")] {
        let containers = pod.get_mut("spec").and_then(|spec| spec.get_mut(field));
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            if !container.is_object() {
                continue;
            }
            let name = container["name"].as_str().unwrap_or_default().to_owned();
            // Both maps are looked at before either is changed, requests are noted first.
            let set_limits = missing(container, "limits", &limits);
            let set_requests = missing(container, "requests", &requests);
            for (kind, set) in [("request", set_requests), ("limit", set_limits)] {
                if !set.is_empty() {
                    notes.push(format!("{} {kind} for {what} {name}", set.join(", ")));
                }
            }
        }
    }
    if let (false, Some(pod)) = (notes.is_empty(), pod.as_object_mut()) {
        let note = format!("LimitRanger plugin set: {}", notes.join("; "));
        let metadata = object_at(pod, "metadata");
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(ANNOTATION.to_owned(), Value::from(note));
        }
    }
}

/// Adds the defaults that a container does not have; returns their names, in order.
fn missing(container: &mut Value, field: &str, defaults: &Map<String, Value>) -> Vec<String> {
    let (false, Some(container)) = (defaults.is_empty(), container.as_object_mut()) else {
        return Vec::new();
    };
    let resources = object_at(container, "resources");
    let held = resources.entry(field).or_insert_with(|| json!({}));
    let Some(held) = held.as_object_mut() else { return Vec::new() };
    let mut set = Vec::new();
    for (name, amount) in defaults {
        if !held.contains_key(name) {
            held.insert(name.clone(), amount.clone());
            set.push(name.clone());
        }
    }
    set.sort();
    set
}

/// The map under a field of a map, made where there is none.
fn object_at<'a>(map: &'a mut Map<String, Value>, field: &str) -> &'a mut Map<String, Value> {
    let inside = map.entry(field).or_insert_with(|| json!({}));
    if !inside.is_object() {
        *inside = json!({});
    }
    match inside {
        Value::Object(inside) => inside,
        _ => unreachable!("made an object above"),
    }
}

fn check(range: &Value, pod: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for item in list(&range["spec"], "limits") {
        match item["type"].as_str() {
            Some("Container") => {
                for field in ["containers", "initContainers"] {
                    for container in list(&pod["spec"], field) {
                        let resources = &container["resources"];
                        let asked = Asked {
                            kind: "Container",
                            requests: amounts(&resources["requests"]),
                            limits: amounts(&resources["limits"]),
                        };
                        asked.check(item, &mut broken);
                    }
                }
            }
            Some("Pod") => {
                let asked = Asked {
                    kind: "Pod",
                    requests: pod::total(pod, "requests"),
                    limits: pod::total(pod, "limits"),
                };
                asked.check(item, &mut broken);
            }
            _ => {}
        }
    }
    broken
}

struct Asked {
    kind: &'static str,
    requests: Amounts,
    limits: Amounts,
}

impl Asked {
    fn check(&self, item: &Value, broken: &mut Vec<String>) {
        for (name, min) in amounts(&item["min"]) {
            broken.extend(self.below(&name, min));
        }
        for (name, max) in amounts(&item["max"]) {
            broken.extend(self.above(&name, max));
        }
        for (name, ratio) in amounts(&item["maxLimitRequestRatio"]) {
            broken.extend(self.spread(&name, ratio));
        }
    }

    fn below(&self, name: &str, min: Quantity) -> Option<String> {
        let head = format!("minimum {name} usage per {} is {min}", self.kind);
        let Some(request) = self.requests.get(name) else {
            return Some(format!("{head}.  No request is specified"));
        };
        if *request < min {
            return Some(format!("{head}, but request is {request}"));
        }
        let limit = self.limits.get(name).filter(|limit| **limit < min)?;
        Some(format!("{head}, but limit is {limit}"))
    }

    fn above(&self, name: &str, max: Quantity) -> Option<String> {
        let head = format!("maximum {name} usage per {} is {max}", self.kind);
        let Some(limit) = self.limits.get(name) else {
            return Some(format!("{head}.  No limit is specified"));
        };
        if *limit > max {
            return Some(format!("{head}, but limit is {limit}"));
        }
        let request = self.requests.get(name).filter(|request| **request > max)?;
        Some(format!("{head}, but request is {request}"))
    }

    fn request_above(&self, name: &str, max: Quantity) -> Option<String> {
        let head = format!("maximum {name} usage per {} is {max}", self.kind);
        let Some(request) = self.requests.get(name) else {
            return Some(format!("{head}.  No request is specified"));
        };
        (*request > max).then(|| format!("{head}, but request is {request}"))
    }

    fn spread(&self, name: &str, most: Quantity) -> Option<String> {
        let head = format!("{name} max limit to request ratio per {} is {most}", self.kind);
        let Some(request) = self.requests.get(name).filter(|amount| !amount.is_zero()) else {
            return Some(format!("{head}, but no request is specified or request is 0"));
        };
        let Some(limit) = self.limits.get(name).filter(|amount| !amount.is_zero()) else {
            return Some(format!("{head}, but no limit is specified or limit is 0"));
        };
        let ratio = limit.as_f64() / request.as_f64();
        (ratio > most.as_f64()).then(|| format!("{head}, but provided ratio is {ratio:.6}"))
    }
}

/// Why a `PersistentVolumeClaim` is refused: its request is the only amount that counts.
pub fn check_claim(ranges: &[Value], claim: &Value) -> Vec<String> {
    let requests = amounts(&claim["spec"]["resources"]["requests"]);
    for range in ranges {
        let mut broken = Vec::new();
        let items = list(&range["spec"], "limits").iter();
        for item in items.filter(|item| item["type"] == "PersistentVolumeClaim") {
            let asked = Asked {
                kind: "PersistentVolumeClaim",
                requests: requests.clone(),
                limits: Amounts::new(),
            };
            for (name, min) in amounts(&item["min"]) {
                broken.extend(asked.below(&name, min));
            }
            for (name, max) in amounts(&item["max"]) {
                broken.extend(asked.request_above(&name, max));
            }
        }
        if !broken.is_empty() {
            return broken;
        }
    }
    Vec::new()
}
