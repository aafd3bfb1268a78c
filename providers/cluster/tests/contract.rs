//! What every resource type and data source of this crate promises.

use crate::block;
use crate::support::{arguments, told};
use provider::{Observation, PlanRequest, Planned, Preview, ResourceKind};
use std::collections::BTreeSet;
use values::{Schema, Value};

/// The blocks of the examples on a page that are of this type and refer to nothing: those with
/// `for_each` need the whole language, and the casebook plays them.
pub(crate) fn examples(page: &str, name: &str) -> Vec<String> {
    let parts = page.split("```");
    let texts = parts.filter_map(|part| part.strip_prefix("hcl\n"));
    let blocks = texts.flat_map(block::blocks);
    let own = blocks.filter(|(words, _)| words.get(1).is_some_and(|w| w == name));
    own.map(|(_, block)| block).filter(|block| !block.contains("for_each")).collect()
}

fn check_page(name: &str, schema: &Schema, page: &str) {
    for attr in &schema.attrs {
        assert!(
            attr.doc.len() > 15 && attr.doc.ends_with('.'),
            "{name}.{}: {}",
            attr.name,
            attr.doc
        );
    }
    assert!(page.contains("```hcl\n"), "{name} has no example");
    assert!(page.contains("# See also"), "{name} leads nowhere");
    assert!(!page.starts_with('\n') && !page.contains("//!"), "{page}");
}

/// A plan of these arguments, the server making of it exactly what it is asked.
fn plan(kind: &dyn ResourceKind, args: &Value, observed: &Observation) -> Planned {
    let identity = kind.identify(args).unwrap();
    let request = |preview| PlanRequest {
        identity: &identity,
        desired: Some(args),
        observed,
        recorded: None,
        preview,
        asked: None,
        ignore: &[],
        created: NOTHING,
        project: "p",
        protect: false,
        release: false,
        wait: None,
    };
    match kind.plan(&request(None)) {
        Planned::NeedsPreview(op) => {
            let answer = Preview::Would(op.args.get("object").unwrap().clone());
            kind.plan(&request(Some(&answer)))
        }
        planned => planned,
    }
}

const NOTHING: &BTreeSet<plans::ObjectKey> = &BTreeSet::new();

/// The object as it is once the operations are done: applied by us, owned field by field.
fn applied(planned: &Planned) -> Observation {
    let Planned::Decided(decision) = planned else { panic!("{planned:?}") };
    let [op] = decision.ops.as_slice() else { panic!("{:?}", decision.ops) };
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

#[test]
fn every_resource_type_keeps_its_promises() {
    for kind in cluster::kinds(None) {
        let name = kind.name().to_string();
        check_page(&name, kind.schema(), kind.page());
        let examples = examples(kind.page(), &name);
        assert!(!examples.is_empty(), "{name} has no example of itself");
        for example in examples {
            let args = arguments(kind.schema(), &example);
            assert_eq!(told(&kind.check(&args)), "", "{name}: the example is wrong");
            let identity = kind.identify(&args).unwrap();
            assert_eq!(kind.identify(&args).unwrap(), identity, "{name}");

            let node = Value::map([("metadata", Value::map([("uid", "u1".into())]))]);
            let before = match name.as_str() {
                "extended_resource" | "node_settings" => Observation::Present(node),
                _ => Observation::Absent,
            };
            let created = plan(&*kind, &args, &before);
            let Planned::Decided(decision) = &created else { panic!("{name}: {created:?}") };
            assert_eq!(decision.action, plans::Action::Create, "{name}");
            assert_eq!(plan(&*kind, &args, &before), created, "{name}: equal requests differ");

            let again = plan(&*kind, &args, &applied(&created));
            let Planned::Decided(decision) = &again else { panic!("{name}: {again:?}") };
            assert_eq!(decision.action, plans::Action::NoOp, "{name}: plan(x, x) changes");
            assert!(decision.ops.is_empty(), "{name}");
            for attr in kind.schema().attrs.iter().filter(|attr| !attr.is_argument()) {
                assert!(decision.exported.get(attr.name).is_some(), "{name}.{}", attr.name);
            }
        }
    }
}

#[test]
fn every_data_source_has_a_page_and_a_documented_schema() {
    for kind in cluster::data_kinds() {
        let name = kind.name().to_string();
        check_page(&name, kind.schema(), kind.page());
        for example in examples(kind.page(), &name) {
            let args = arguments(kind.schema(), &example);
            assert_eq!(told(&kind.check(&args)), "", "{name}: the example is wrong");
        }
    }
}

/// Every text argument of every example is hidden in turn; what the plan says of it never
/// shows it.
#[test]
fn a_sensitive_value_is_in_no_debug_text_of_any_plan() {
    for kind in cluster::kinds(None) {
        let name = kind.name().to_string();
        for example in examples(kind.page(), &name) {
            let args = arguments(kind.schema(), &example);
            let identity = ["namespace", "name", "node", "manifest"];
            for (hidden, value) in args.as_map().unwrap() {
                if identity.contains(&&**hidden) || value.is_null() {
                    continue;
                }
                let marked = marked(value);
                let with = args.as_map().unwrap().clone().into_iter();
                let with = Value::map(with.map(|(k, v)| {
                    let v = if k == *hidden { marked.0.clone() } else { v };
                    (k, v)
                }));
                let node = Value::map([("metadata", Value::map([("uid", "u1".into())]))]);
                let before = match name.as_str() {
                    "extended_resource" | "node_settings" => Observation::Present(node),
                    _ => Observation::Absent,
                };
                let text = format!("{:?}", plan(&*kind, &with, &before));
                for secret in &marked.1 {
                    assert!(!text.contains(secret.as_str()), "{name}.{hidden}: {text}");
                }
            }
        }
    }
}

/// The value with another, hidden text at every leaf of a map, and these texts.
fn marked(value: &Value) -> (Value, Vec<String>) {
    let mut secrets = Vec::new();
    (mark(value, &mut secrets), secrets)
}

fn mark(value: &Value, secrets: &mut Vec<String>) -> Value {
    match value {
        Value::Map(map) => {
            Value::map(map.iter().map(|(k, v)| (k.clone(), mark(v, secrets))).collect::<Vec<_>>())
        }
        Value::List(items) => {
            Value::list(items.iter().map(|v| mark(v, secrets)).collect::<Vec<_>>())
        }
        Value::String(_) => {
            let secret = format!("77{:04}", secrets.len());
            secrets.push(secret.clone());
            Value::string(secret).into_sensitive()
        }
        other => other.clone(),
    }
}

/// Texts that no type would take, hidden at every place where a text can be.
#[test]
fn a_sensitive_value_is_in_no_problem_of_any_check() {
    for kind in cluster::kinds(None) {
        let name = kind.name().to_string();
        for example in examples(kind.page(), &name) {
            let args = arguments(kind.schema(), &example);
            for hidden in ["hunter/2 %", "-31337", "31337.5"] {
                let args = args.as_map().unwrap().clone().into_iter();
                let args = Value::map(args.map(|(k, v)| (k, replaced(&v, hidden))));
                let text = told(&kind.check(&args));
                assert!(!text.contains("hunter") && !text.contains("31337"), "{name}: {text}");
            }
        }
    }
}

fn replaced(value: &Value, hidden: &str) -> Value {
    match value {
        Value::Map(map) => Value::map(map.iter().map(|(k, v)| (k.clone(), replaced(v, hidden)))),
        Value::List(items) => Value::list(items.iter().map(|v| replaced(v, hidden))),
        Value::Null => Value::Null,
        _ => Value::string(hidden).into_sensitive(),
    }
}
