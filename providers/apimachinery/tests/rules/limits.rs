//! `LimitRange` and `ResourceQuota`: the documentation's own examples.

use apimachinery::limits::{
    self, admit_pod, check_claim, check_quota, complete_item, matches_quota, used_by_all,
    validate_items,
};
use serde_json::{Value, json};

fn range(item: Value) -> Value {
    let mut item = item;
    item["type"] = json!("Container");
    complete_item(item.as_object_mut().unwrap());
    json!({"kind": "LimitRange", "spec": {"limits": [item]}})
}

fn pod(resources: Value) -> Value {
    json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "resources": resources}]}})
}

/// Limit and request of memory, or why not.
fn outcome(range: &Value, resources: Value) -> Result<(String, String), Vec<String>> {
    let verdict = admit_pod(std::slice::from_ref(range), &pod(resources));
    if !verdict.violations.is_empty() {
        return Err(verdict.violations);
    }
    let resources = &verdict.pod["spec"]["containers"][0]["resources"];
    let text = |field: &str| resources[field]["memory"].as_str().unwrap_or("none").to_owned();
    Ok((text("limits"), text("requests")))
}

fn fine(limit: &str, request: &str) -> Result<(String, String), Vec<String>> {
    Ok((limit.to_owned(), request.to_owned()))
}

#[test]
fn maximum_and_minimum_fill_in_the_defaults_when_the_object_is_stored() {
    let stored = range(json!({"max": {"memory": "1Gi"}, "min": {"memory": "500Mi"}}));
    let item = &stored["spec"]["limits"][0];
    assert_eq!(item["default"], json!({"memory": "1Gi"}));
    assert_eq!(item["defaultRequest"], json!({"memory": "1Gi"}));
    let stored = range(json!({"min": {"memory": "500Mi"}}));
    let item = &stored["spec"]["limits"][0];
    assert_eq!(
        (&item["default"], &item["defaultRequest"]),
        (&Value::Null, &json!({"memory": "500Mi"}))
    );
}

#[test]
fn pod_gets_what_it_does_not_say() {
    let defaults =
        range(json!({"default": {"memory": "512Mi"}, "defaultRequest": {"memory": "256Mi"}}));
    assert_eq!(outcome(&defaults, json!({})), fine("512Mi", "256Mi"));
    // A limit alone is its own request before the defaults come.
    let given = json!({"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}});
    assert_eq!(outcome(&defaults, given), fine("1Gi", "1Gi"));
    assert_eq!(
        outcome(&defaults, json!({"requests": {"memory": "128Mi"}})),
        fine("512Mi", "128Mi")
    );
}

#[test]
fn what_was_filled_in_is_written_on_the_pod() {
    let defaults = range(
        json!({"default": {"cpu": "1", "memory": "512Mi"}, "defaultRequest": {"memory": "256Mi"}}),
    );
    let verdict = admit_pod(&[defaults], &pod(json!({})));
    assert_eq!(
        verdict.pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu, memory request for container main; cpu, memory limit for container main"
    );
}

#[test]
fn pod_outside_the_bounds_is_refused_with_the_servers_words() {
    let bounds = range(json!({"max": {"memory": "1Gi"}, "min": {"memory": "500Mi"}}));
    let asks = |limit: &str, request: &str| json!({"limits": {"memory": limit}, "requests": {"memory": request}});
    assert_eq!(outcome(&bounds, asks("800Mi", "600Mi")), fine("800Mi", "600Mi"));
    assert_eq!(outcome(&bounds, json!({})), fine("1Gi", "1Gi"));
    assert_eq!(
        outcome(&bounds, asks("1536Mi", "800Mi")).unwrap_err(),
        ["maximum memory usage per Container is 1Gi, but limit is 1536Mi"]
    );
    assert_eq!(
        outcome(&bounds, asks("800Mi", "100Mi")).unwrap_err(),
        ["minimum memory usage per Container is 500Mi, but request is 100Mi"]
    );
}

#[test]
fn sum_of_the_containers_is_held_to_the_bounds_of_the_pod() {
    let range = json!({"spec": {"limits": [{"type": "Pod", "max": {"cpu": "2"}}]}});
    let container = |name: &str| json!({"name": name, "resources": {"limits": {"cpu": "1500m"}}});
    let two = json!({"spec": {"containers": [container("a"), container("b")]}});
    assert_eq!(
        admit_pod(std::slice::from_ref(&range), &two).violations,
        ["maximum cpu usage per Pod is 2, but limit is 3"]
    );
    // Init containers run one after the other: only the largest counts.
    let init =
        json!({"spec": {"containers": [container("a")], "initContainers": [container("b")]}});
    assert_eq!(admit_pod(std::slice::from_ref(&range), &init).violations, [""; 0]);
    assert_eq!(
        admit_pod(&[range], &pod(json!({}))).violations,
        ["maximum cpu usage per Pod is 2.  No limit is specified"]
    );
}

#[test]
fn limit_far_above_the_request_is_refused() {
    let range =
        json!({"spec": {"limits": [{"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}]}});
    let asks =
        |resources: Value| admit_pod(std::slice::from_ref(&range), &pod(resources)).violations;
    assert_eq!(
        asks(json!({"limits": {"cpu": "2"}, "requests": {"cpu": "500m"}})),
        ["cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000"]
    );
    assert_eq!(
        asks(json!({})),
        [
            "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0"
        ]
    );
}

#[test]
fn claim_is_held_to_its_request_alone() {
    let range = json!({"spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}, "min": {"storage": "1Gi"}}]}});
    let claim = |size: &str| json!({"spec": {"resources": {"requests": {"storage": size}}}});
    assert_eq!(check_claim(std::slice::from_ref(&range), &claim("1Gi")), [""; 0]);
    assert_eq!(
        check_claim(std::slice::from_ref(&range), &claim("5Gi")),
        ["maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi"]
    );
}

#[test]
fn range_that_contradicts_itself_is_refused() {
    let errors = |item: Value| -> Vec<String> {
        validate_items(&[item]).iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        errors(json!({"type": "Container", "min": {"memory": "2Gi"}, "max": {"memory": "1Gi"}})),
        [
            "spec.limits[0].min[memory]: Invalid value: \"2Gi\": min value 2Gi is greater than max value 1Gi"
        ]
    );
    assert_eq!(
        errors(json!({"type": "Pod", "default": {"memory": "1Gi"}})),
        ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]
    );
    assert_eq!(
        errors(json!({"type": "PersistentVolumeClaim"})),
        [
            "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided"
        ]
    );
    assert_eq!(
        errors(json!({"type": "Thing"})),
        [
            "spec.limits[0].type: Invalid value: \"Thing\": must be a standard limit type or fully qualified"
        ]
    );
}

fn quota(hard: Value, used: Value) -> Value {
    json!({
        "metadata": {"name": "q"},
        "spec": {"hard": hard},
        "status": {"hard": hard, "used": used},
    })
}

#[test]
fn pod_that_exceeds_the_quota_is_refused_with_the_servers_words() {
    let quota = quota(
        json!({"requests.memory": "1Gi", "limits.memory": "2Gi"}),
        json!({"requests.memory": "600Mi", "limits.memory": "800Mi"}),
    );
    let asks =
        |memory: &str| pod(json!({"requests": {"memory": memory}, "limits": {"memory": memory}}));
    assert_eq!(
        check_quota(&quota, "pods", &asks("700Mi"), None).unwrap_err().to_string(),
        "exceeded quota: q, requested: requests.memory=700Mi, used: requests.memory=600Mi, limited: requests.memory=1Gi"
    );
    let charged = check_quota(&quota, "pods", &asks("100Mi"), None).unwrap().unwrap();
    assert_eq!(charged.used["requests.memory"].to_string(), "700Mi");
}

#[test]
fn quota_on_cpu_or_memory_makes_every_container_say_what_it_needs() {
    let quota = quota(json!({"requests.memory": "1Gi", "limits.cpu": "2"}), json!({}));
    assert_eq!(
        check_quota(&quota, "pods", &pod(json!({})), None).unwrap_err().to_string(),
        "failed quota: q: must specify limits.cpu for: main; requests.memory for: main"
    );
}

#[test]
fn extended_resources_are_counted_under_their_request() {
    let quota = quota(
        json!({"requests.example.com/dongle": "3"}),
        json!({"requests.example.com/dongle": "2"}),
    );
    let asks = |count: &str| {
        pod(
            json!({"requests": {"example.com/dongle": count}, "limits": {"example.com/dongle": count}}),
        )
    };
    assert!(check_quota(&quota, "pods", &asks("1"), None).is_ok());
    assert!(check_quota(&quota, "pods", &asks("2"), None).is_err());
}

#[test]
fn objects_are_counted_by_kind() {
    let quota = quota(json!({"configmaps": "2", "count/deployments.apps": "1"}), json!({}));
    let map = json!({"kind": "ConfigMap"});
    let used = used_by_all(&quota, [("configmaps", &map), ("configmaps", &map), ("secrets", &map)]);
    assert_eq!(used["configmaps"].to_string(), "2");
    assert_eq!(used["count/deployments.apps"].to_string(), "0", "every limit has its count");
    assert!(!matches_quota(&quota, "pods", &pod(json!({}))));
}

#[test]
fn finished_pods_cost_only_their_object() {
    let done = json!({"spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]}, "status": {"phase": "Succeeded"}});
    let used = limits::usage("pods", &done);
    assert_eq!(used.keys().collect::<Vec<_>>(), ["count/pods"]);
}

#[test]
fn scope_decides_which_pods_are_charged() {
    let mut quota = quota(json!({"pods": "1"}), json!({"pods": "0"}));
    quota["spec"]["scopes"] = json!(["BestEffort"]);
    assert!(matches_quota(&quota, "pods", &pod(json!({}))));
    assert!(!matches_quota(&quota, "pods", &pod(json!({"requests": {"cpu": "1"}}))));
    quota["spec"]["scopes"] = json!(["Terminating"]);
    assert!(!matches_quota(&quota, "pods", &pod(json!({}))));
}

#[test]
fn no_shape_of_input_makes_the_arithmetic_panic() {
    for odd in [
        json!(null),
        json!([]),
        json!("x"),
        json!({"spec": []}),
        json!({"spec": {"containers": [1], "limits": [2]}}),
    ] {
        let _ = admit_pod(std::slice::from_ref(&odd), &odd);
        let _ = check_quota(&odd, "pods", &odd, Some(&odd));
        let _ = used_by_all(&odd, [("pods", &odd)]);
        let _ = validate_items(std::slice::from_ref(&odd));
    }
}
