//! What every resource type and data source of this crate promises.

use crate::support::{arguments, examples};
use plans::{Identity, Op};
use provider::contract;
use provider::{Observation, PlanRequest, Planned, Preview, ResourceKind};
use values::Value;

/// A plan of these arguments, the server making of it exactly what it is asked.
fn plan(kind: &dyn ResourceKind, args: &Value, observed: &Observation) -> Planned {
    plan_of(kind, &kind.identify(args).unwrap(), args, observed)
}

fn plan_of(
    kind: &dyn ResourceKind,
    identity: &Identity,
    args: &Value,
    observed: &Observation,
) -> Planned {
    let request = contract::request(identity, Some(args), observed);
    match kind.plan(&request) {
        Planned::NeedsPreview(op) => {
            let answer = Preview::Would(would(&op));
            kind.plan(&PlanRequest { preview: Some(&answer), asked: Some(&op), ..request })
        }
        planned => planned,
    }
}

/// The object that is asked about, or each of several.
fn would(op: &Op) -> Value {
    let of = |args: &Value| args.get("object").unwrap().clone();
    let Some(ops) = op.args.get("ops").and_then(Value::as_list) else { return of(&op.args) };
    let answers = ops.iter().map(|op| Value::map([("would", of(op.get("args").unwrap()))]));
    Value::map([("answers", Value::list(answers)), ("kubelets", Value::empty_map())])
}

/// What is there once the operations are done.
fn applied(name: &str, planned: &Planned) -> Observation {
    let Planned::Decided(decision) = planned else { panic!("{planned:?}") };
    if name == "nodelocal_dns" {
        let live = |op| match one_applied(op) {
            Observation::Present(live) => live,
            other => panic!("{other:?}"),
        };
        let objects = NODELOCAL_DNS.into_iter().zip(decision.ops.iter().map(live));
        return nodelocal_dns(Value::map(objects));
    }
    let [op] = decision.ops.as_slice() else { panic!("{:?}", decision.ops) };
    one_applied(op)
}

const NODELOCAL_DNS: [&str; 5] =
    ["service_account", "upstream_service", "config_map", "metrics_service", "daemon_set"];

/// A cluster with a DNS and kube-proxy, and these objects.
fn nodelocal_dns(objects: Value) -> Observation {
    let dns = Value::map([("spec", Value::map([("clusterIP", "10.96.0.10".into())]))]);
    let proxy = Value::map([("data", Value::map([("config.conf", "mode: iptables".into())]))]);
    Observation::Present(Value::map([
        ("objects", objects),
        ("seen", Value::map([("kube_dns", dns), ("kube_proxy", proxy)])),
    ]))
}

/// The object as it is once the operation is done: applied by us, owned field by field.
fn one_applied(op: &Op) -> Observation {
    let Some(object) = op.args.get("object") else {
        if op.name == "set_node" {
            return Observation::Present(set_node(&op.args));
        }
        let part = |name: &str| op.args.get(name).unwrap().clone();
        let amounts = Value::map([(part("resource").as_str().unwrap(), part("value"))]);
        return Observation::Present(Value::map([(
            "status",
            Value::map([("capacity", amounts.clone()), ("allocatable", amounts)]),
        )]));
    };
    let mut live = object.as_map().unwrap().clone();
    let owned = owned(&Value::map(
        live.clone().into_iter().filter(|(k, _)| !["apiVersion", "kind"].contains(&&**k)),
    ));
    let mut metadata = live.get("metadata").unwrap().as_map().unwrap().clone();
    metadata.insert(
        "managedFields".into(),
        Value::list([Value::map([
            ("manager", "clinch".into()),
            ("operation", "Apply".into()),
            ("apiVersion", live.get("apiVersion").unwrap().clone()),
            ("fieldsV1", owned),
        ])]),
    );
    metadata.insert("uid".into(), "u1".into());
    live.insert("metadata".into(), Value::map(metadata));
    Observation::Present(Value::map(live))
}

/// A node that had nothing before its settings were set.
fn set_node(args: &Value) -> Value {
    let part = |name: &str| args.get(name).cloned().unwrap_or(Value::empty_map());
    let mut annotations = part("annotations").as_map().unwrap().clone();
    annotations.insert(cluster::settings::RECORD.into(), part("record"));
    let taints = part("taints").as_map().unwrap().values().cloned().collect::<Vec<_>>();
    let metadata = Value::map([
        ("uid", "u1".into()),
        ("labels", part("labels")),
        ("annotations", Value::map(annotations)),
    ]);
    Value::map([("metadata", metadata), ("spec", Value::map([("taints", Value::list(taints))]))])
}

/// Every list is taken as one that is replaced whole; the proof reads the shape from here.
fn owned(value: &Value) -> Value {
    match value {
        Value::Map(map) if !map.is_empty() => {
            let named = map.iter().filter(|(name, _)| !["name", "namespace"].contains(&&***name));
            Value::map(named.map(|(name, value)| (format!("f:{name}"), owned(value))))
        }
        _ => Value::empty_map(),
    }
}

/// What is there before an object of this type is made.
fn before(name: &str) -> Observation {
    let node = Value::map([("metadata", Value::map([("uid", "u1".into())]))]);
    match name {
        "extended_resource" | "node_settings" => Observation::Present(node),
        "nodelocal_dns" => nodelocal_dns(Value::empty_map()),
        _ => Observation::Absent,
    }
}

#[test]
fn every_resource_type_keeps_its_promises() {
    for kind in cluster::kinds(None) {
        let name = kind.name().to_string();
        assert_eq!(contract::documented(&name, kind.schema(), kind.page()), [""; 0]);
        let examples = examples(kind.page(), &name);
        assert!(!examples.is_empty(), "{name} has no example of itself");
        for example in examples {
            let args = arguments(kind.schema(), &example);
            assert_eq!(contract::judged(&*kind, &args), [""; 0], "{name}");
            let away =
                plans::Problem::error(diags::Code("E0708"), "Away", values::Path::root(), "");
            for observed in [before(&name), Observation::Unknown(away)] {
                assert_eq!(contract::decided(&*kind, &args, &observed), [""; 0], "{name}");
            }

            // Also once the server has answered. What it is called is no secret.
            let identity = kind.identify(&args).unwrap();
            for (hidden, secrets) in contract::with_secrets(kind.schema(), &args) {
                let text = format!("{:?}", plan_of(&*kind, &identity, &hidden, &before(&name)));
                let told = secrets.iter().find(|secret| text.contains(secret.as_str()));
                assert_eq!(told, None, "{name}: {text}");
            }

            let created = plan(&*kind, &args, &before(&name));
            let Planned::Decided(decision) = &created else { panic!("{name}: {created:?}") };
            assert_eq!(decision.action, plans::Action::Create, "{name}");
            let live = applied(&name, &created);
            assert_eq!(contract::decided(&*kind, &args, &live), [""; 0], "{name}");
            let again = plan(&*kind, &args, &live);
            assert_eq!(contract::nothing_to_do(&*kind, &again), [""; 0], "{name}");
        }
    }
}

#[test]
fn every_data_source_has_a_page_and_a_documented_schema() {
    for kind in cluster::data_kinds() {
        let name = kind.name().to_string();
        assert_eq!(contract::documented(&name, kind.schema(), kind.page()), [""; 0]);
        for example in examples(kind.page(), &name) {
            let args = arguments(kind.schema(), &example);
            assert_eq!(kind.check(&args), [], "{name}: the example is wrong");
        }
    }
}
