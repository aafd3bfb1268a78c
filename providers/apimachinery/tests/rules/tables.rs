//! The embedded tables: complete, and in agreement with each other.

use apimachinery::discovery;
use apimachinery::types::{self, ListMerge, Scalar};

#[test]
fn resource_is_found_by_its_kind_and_by_its_path() {
    let policy = discovery::by_kind("networking.k8s.io/v1", "NetworkPolicy").unwrap();
    assert_eq!(policy.plural, "networkpolicies");
    assert!(policy.namespaced && policy.short_names.contains(&"netpol".to_owned()));
    assert_eq!(discovery::by_path("networking.k8s.io", "v1", "networkpolicies"), Some(policy));
    assert_eq!(policy.path(Some("a")), "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies");
    assert_eq!(
        discovery::by_path("", "v1", "nodes").unwrap().path(Some("ignored")),
        "/api/v1/nodes"
    );
    assert_eq!(discovery::by_kind("v1", "NetworkPolicy"), None);
}

#[test]
fn every_recorded_resource_is_read() {
    assert_eq!(discovery::all().len(), 68);
    let with_columns =
        discovery::all().iter().filter(|resource| discovery::columns(resource).is_some());
    assert_eq!(with_columns.count(), 61);
}

#[test]
fn every_line_of_the_table_of_types_became_a_field() {
    let schema = types::builtin();
    let text = include_str!("../../data/types-v1.36.txt");
    let mut current = None;
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("kind ") {
            let words: Vec<&str> = kind.split(' ').collect();
            let id = schema.kind(words[0], words[1]).unwrap();
            assert_eq!(schema.get(id).name, words[2]);
        } else if let Some(head) = line.strip_prefix("type ") {
            current = schema.named(head.trim_end_matches(" atomic"));
        } else {
            let name = line.split_whitespace().next().unwrap();
            let map = schema.get(current.unwrap()).map.as_ref().unwrap();
            let field = map.fields.get(name).unwrap_or_else(|| panic!("{line}"));
            let inside = schema.get(field.type_id);
            let known = inside.scalar.is_some() || inside.list.is_some() || inside.map.is_some();
            assert!(known, "nothing is known about {line}");
        }
    }
}

#[test]
fn lists_of_a_pod_merge_by_their_keys() {
    let schema = types::builtin();
    let field = |name: &str, field: &str| {
        let map = schema.get(schema.named(name).unwrap()).map.as_ref().unwrap();
        map.fields[field].clone()
    };
    let merge = |name: &str, path: &str| {
        schema.get(field(name, path).type_id).list.as_ref().unwrap().merge.clone()
    };
    let keyed =
        |keys: &[&str]| ListMerge::Keyed(keys.iter().map(|key| (*key).to_owned()).collect());
    assert_eq!(merge("core/v1.PodSpec", "containers"), keyed(&["name"]));
    assert_eq!(merge("core/v1.Container", "ports"), keyed(&["containerPort", "protocol"]));
    assert_eq!(merge("core/v1.Container", "args"), ListMerge::Atomic);
    assert_eq!(merge("meta/v1.ObjectMeta", "finalizers"), ListMerge::Set);
    assert_eq!(field("core/v1.ContainerPort", "protocol").key_default, Some("TCP".into()));
    let hard = schema.get(field("core/v1.ResourceQuotaSpec", "hard").type_id).map.clone().unwrap();
    assert_eq!(schema.get(hard.element.unwrap()).scalar, Some(Scalar::Quantity));
}

#[test]
fn fields_have_the_numbers_that_protobuf_knows_them_by() {
    let schema = types::builtin();
    let wire = |name: &str, field: &str| {
        let map = schema.get(schema.named(name).unwrap()).map.as_ref().unwrap();
        map.fields[field].wire.clone()
    };
    assert_eq!(wire("meta/v1.ObjectMeta", "name"), [1]);
    assert_eq!(wire("core/v1.PodSpec", "nodeName"), [10]);
    // A volume's source is a struct of its own there, and flattened in JSON.
    assert_eq!(wire("core/v1.Volume", "emptyDir"), [2, 2]);
    // What an object is stands on the envelope.
    assert!(wire("core/v1.Pod", "kind").is_empty());
}
