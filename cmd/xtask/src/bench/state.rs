//! The state that Terraform would have written, made without running its apply.
//!
//! Terraform's local backend writes the whole state after every object, so that creating 10,000
//! objects takes hours. What is measured here is the plan after that, which needs only the
//! result. That the result is right is not believed but checked: the plan has to say that there
//! is nothing to do.

use super::shapes::{Shape, TERRAFORM, name};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The state of a configuration of `size` objects in which nothing is left to do.
pub(super) fn settled(shape: Shape, size: usize, terraform_version: &str) -> Value {
    let closures = closures(shape, size);
    let resources = closures.iter().enumerate();
    let resources: Vec<Value> =
        resources.map(|(index, needs)| resource(shape, index, size, needs)).collect();
    json!({
        "version": 4,
        "terraform_version": terraform_version,
        "serial": 1,
        "lineage": "6f1f0f3c-5f0e-4c56-9d0a-0c3f1f0a9b11",
        "outputs": {},
        "resources": resources,
        "check_results": null,
    })
}

/// For each object all that it needs, directly or not: what Terraform keeps per object.
fn closures(shape: Shape, size: usize) -> Vec<BTreeSet<usize>> {
    let mut closures: Vec<BTreeSet<usize>> = Vec::with_capacity(size);
    for index in 0..size {
        let mut needs = BTreeSet::new();
        for target in shape.references(index, size) {
            needs.insert(target);
            // References go to lower layers only, so the target's own closure is there already.
            needs.extend(closures.get(target).into_iter().flatten());
        }
        closures.push(needs);
    }
    closures
}

fn resource(shape: Shape, index: usize, size: usize, needs: &BTreeSet<usize>) -> Value {
    let object = object(shape, index, size);
    let value = json!({ "value": object, "type": type_of(&object) });
    let mut instance = json!({
        "schema_version": 0,
        "attributes": {
            "id": format!("00000000-0000-4000-8000-{index:012}"),
            "input": value,
            "output": value,
            "triggers_replace": null,
        },
        "sensitive_attributes": [],
        "identity_schema_version": 0,
    });
    if !needs.is_empty() {
        let address = |one: &usize| format!("{}.{}", TERRAFORM.resource_type, name(*one));
        instance["dependencies"] = needs.iter().map(address).collect();
    }
    json!({
        "mode": "managed",
        "type": TERRAFORM.resource_type,
        "name": name(index),
        "provider": "provider[\"terraform.io/builtin/terraform\"]",
        "instances": [instance],
    })
}

fn object(shape: Shape, index: usize, size: usize) -> Value {
    let data = shape.evaluated(index, size).into_iter();
    let data: Map<String, Value> = data.map(|(key, text)| (key, Value::String(text))).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "namespace": "default", "name": name(index) },
        "data": data,
    })
}

/// The type that Terraform writes beside a value of any type; texts and objects suffice here.
fn type_of(value: &Value) -> Value {
    match value.as_object() {
        None => json!("string"),
        Some(object) => {
            let types = object.iter().map(|(key, value)| (key.clone(), type_of(value)));
            json!(["object", types.collect::<Map<String, Value>>()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_remembers_all_that_it_needs_directly_or_not() {
        let state = settled(Shape::Layered, 80, "1.0.0");
        let needs = |index: usize| {
            let list = &state["resources"][index]["instances"][0]["dependencies"];
            list.as_array().map_or(0, Vec::len)
        };
        assert_eq!([needs(0), needs(4), needs(8), needs(79)], [0, 3, 7, 75]);
    }

    #[test]
    fn values_stand_beside_their_types() {
        let state = settled(Shape::Independent, 1, "1.0.0");
        let input = &state["resources"][0]["instances"][0]["attributes"]["input"];
        assert_eq!(input["value"]["metadata"]["name"], "o000000");
        assert_eq!(
            input["type"][1]["metadata"],
            json!(["object", { "name": "string", "namespace": "string" }])
        );
    }
}
