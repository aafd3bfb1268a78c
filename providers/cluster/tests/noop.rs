//! The certificate of no-op: what takes it away, and what it reads.

use crate::support;
use cluster::{canon, json, noop, ownership};
use values::{Map, Path, Value};

/// Every recorded no-op that is certified, as (intent, live, manager).
fn certified() -> Option<Vec<(Value, Value, String)>> {
    let vectors = support::packed_lines("kubernetes-ssa-vectors.jsonl.gz")?;
    let certified = vectors.iter().filter_map(|vector| {
        let request = vector.get("request")?;
        let manager = request.get("manager")?.as_str()?.to_owned();
        // What the server answered is the best of objects to have an intent proven on.
        let live = vector.get("response")?;
        let intent = canon::canonical(request.get("body")?);
        noop::certify(&intent, live, &manager).ok()?;
        Some((intent, live.clone(), manager))
    });
    Some(certified.collect())
}

/// All paths of a value but those that only say which object it is.
fn paths(value: &Value, at: Path, out: &mut Vec<Path>) {
    const NAMING: [&str; 4] = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];
    if NAMING.contains(&at.to_string().as_str()) {
        return;
    }
    match value {
        Value::Map(map) => map.iter().for_each(|(k, v)| paths(v, at.clone().attr(k), out)),
        Value::List(items) => {
            items.iter().enumerate().for_each(|(i, v)| paths(v, at.clone().index(i), out));
        }
        _ => {}
    }
    if !at.steps().is_empty() && at != Path::of("metadata") {
        out.push(at);
    }
}

/// The value with what stands at the path replaced, or taken out.
fn with(value: &Value, steps: &[values::Step], new: Option<&Value>) -> Option<Value> {
    let Some((step, rest)) = steps.split_first() else { return new.cloned() };
    match (step, value) {
        (values::Step::Attr(name), Value::Map(map)) => {
            let mut map = Map::clone(map);
            match with(&map[name], rest, new) {
                Some(inside) => map.insert(name.clone(), inside),
                None => map.remove(name),
            };
            Some(Value::map(map))
        }
        (values::Step::Index(i), Value::List(items)) => {
            let mut items = items.to_vec();
            match with(&items[*i], rest, new) {
                Some(inside) => items[*i] = inside,
                None => drop(items.remove(*i)),
            }
            Some(Value::list(items))
        }
        _ => panic!("no such path"),
    }
}

/// Every change of any part of any certified intent, one at a time: another value, nothing,
/// one more entry, two items swapped.
#[test]
fn any_change_of_the_intent_takes_the_certificate_away() {
    let Some(rows) = certified() else { return };
    let mut tried = 0;
    for (intent, live, manager) in &rows {
        let mut all = Vec::new();
        paths(intent, Path::root(), &mut all);
        for path in &all {
            let now = intent.at(path).unwrap();
            let mut others = vec![Some(Value::from("something else")), None];
            if let Value::Map(map) = now {
                let mut map = Map::clone(map);
                map.insert("somethingElse".into(), 1.into());
                others.push(Some(Value::map(map)));
            }
            if let Value::List(items) = now {
                others.push(Some(Value::list(items.iter().rev().cloned())));
                others.push(Some(Value::list(items.iter().chain(items.last()).cloned())));
            }
            for other in others.into_iter().filter(|other| other.as_ref() != Some(now)) {
                let changed = with(intent, path.steps(), other.as_ref()).unwrap();
                let proof = noop::certify(&changed, live, manager);
                assert!(proof.is_err(), "`{path}` became {other:?} in {intent:?} over {live:?}");
                tried += 1;
            }
        }
    }
    println!("ORACLE noop-mutations: {tried}/{tried} of {tried} over {} objects", rows.len());
}

#[test]
fn object_of_another_version_name_or_fate_is_never_certified() {
    let live = json::parse(
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}, "metadata": {
            "name": "x", "namespace": "n", "uid": "u", "managedFields": [
                {"manager": "clinch", "operation": "Apply", "apiVersion": "v1",
                 "fieldsV1": {"f:data": {"f:a": {}}}}]}}"#,
    )
    .unwrap();
    let check = |edit: (&str, &str), live: &Value, expected: Result<(), &str>| {
        let text = r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"},
            "metadata": {"name": "x", "namespace": "n"}}"#
            .replace(edit.0, edit.1);
        let intent = json::parse(&text).unwrap();
        let found = noop::certify(&intent, live, "clinch");
        assert_eq!(found, expected.map_err(str::to_owned), "{text}");
    };
    check(("", ""), &live, Ok(()));
    check(("\"v1\"", "\"v2\""), &live, Err("it was applied in another version of the API"));
    check(("ConfigMap", "Secret"), &live, Err("it is of another kind"));
    check(("\"x\"", "\"y\""), &live, Err("`metadata.name` differs"));
    check(("\"name\"", "\"uid\": \"v\", \"name\""), &live, Err("`metadata.uid` differs"));
    check(("\"1\"", "\"2\""), &live, Err("`data.a` differs"));
    check(("\"a\": \"1\"", ""), &live, Err("`data.a` was set and is not any more"));
    check(("\"a\"", "\"b\": 2, \"a\""), &live, Err("`data.b` is not owned yet"));

    let edited = |from: &str, to: &str| {
        let text = cluster::json::to_json(&live).unwrap().to_string();
        assert!(text.contains(from), "{text}");
        json::parse(&text.replace(from, to)).unwrap()
    };
    let going = edited("\"uid\":\"u\"", "\"uid\":\"u\",\"deletionTimestamp\":\"now\"");
    check(("", ""), &going, Err("it is being deleted"));
    let other = edited("\"clinch\"", "\"kubectl\"");
    check(("", ""), &other, Err("nothing was applied by `clinch`"));
    let status = edited("\"Apply\"", "\"Apply\",\"subresource\":\"status\"");
    check(("", ""), &status, Err("nothing was applied by `clinch`"));
    let broken = edited("{\"f:data\":{\"f:a\":{}}}", "7");
    check(("", ""), &broken, Err("the record of owned fields cannot be read"));
    let empty = edited("{\"f:data\":{\"f:a\":{}}}", "{}");
    check(("", ""), &empty, Err("no field is owned"));
}

/// We once set the map empty, so the record has it as a whole; its entries are of others.
#[test]
fn map_of_which_others_own_the_entries_is_not_ours_as_a_whole() {
    let live = json::parse(
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}, "metadata": {"name": "x",
            "managedFields": [
                {"manager": "clinch", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:data": {}}},
                {"manager": "them", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}}]}}"#,
    )
    .unwrap();
    let intent = json::parse(
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}, "metadata": {"name": "x"}}"#,
    )
    .unwrap();
    let found = noop::certify(&intent, &live, "clinch");
    assert_eq!(found, Err("`data` is owned in parts by others".to_owned()));
}

#[test]
fn hidden_values_are_proven_and_never_told() {
    let live = json::parse(
        r#"{"apiVersion": "v1", "kind": "Secret", "data": {"a": "aHVudGVyMg=="}, "metadata": {
            "name": "x", "managedFields": [{"manager": "clinch", "operation": "Apply",
                "apiVersion": "v1", "fieldsV1": {"f:data": {"f:a": {}}}}]}}"#,
    )
    .unwrap();
    let intent = |secret: &str| {
        Value::map([
            ("apiVersion", "v1".into()),
            ("kind", "Secret".into()),
            ("metadata", Value::map([("name", "x".into())])),
            ("data", Value::map([("a", Value::from(secret).into_sensitive())])),
        ])
    };
    assert_eq!(noop::certify(&intent("aHVudGVyMg=="), &live, "clinch"), Ok(()));
    let found = noop::certify(&intent("c2VjcmV0"), &live, "clinch");
    assert_eq!(found, Err("`data.a` differs".to_owned()));
}

/// The guard of an apply: what others do to the rest of the object does not change it.
#[test]
fn projection_holds_what_we_own_and_nothing_else() {
    let live = |replicas: u8, first: &str| {
        json::parse(&format!(
            r#"{{"spec": {{"replicas": {replicas}, "list": [{{"name": "{first}", "x": 1}}, {{"name": "b", "x": 2, "y": 3}}]}},
                "metadata": {{"name": "n", "finalizers": ["theirs", "ours"], "managedFields": [
                    {{"manager": "clinch", "operation": "Apply", "fieldsV1": {{
                        "f:metadata": {{"f:finalizers": {{"v:\"ours\"": {{}}}}}},
                        "f:spec": {{"f:list": {{"k:{{\"name\":\"b\"}}": {{".": {{}}, "f:name": {{}}, "f:x": {{}}}}}},
                            "f:gone": {{}}}}}}}}]}}}}"#
        ))
        .unwrap()
    };
    let projection = noop::projection(&live(1, "a"), ownership::MANAGER);
    assert_eq!(
        format!("{projection:?}"),
        r#"{"metadata": {"finalizers": ["ours"]}, "spec": {"gone": null, "list": [{"k:{\"name\":\"b\"}": {"name": "b", "x": 2}}]}}"#
    );
    assert_eq!(noop::projection(&live(9, "z"), ownership::MANAGER), projection);
    assert_eq!(noop::projection(&live(1, "a"), "kubectl"), Value::Null);
}

/// As any tool derives the name of a set from its parent.
#[test]
fn name_of_the_set_is_derived_as_for_any_apply_set() {
    assert_eq!(
        &*ownership::set_id("shop"),
        "applyset-yoNmc1NT-yMk4dwCiYb0P9JzILbOyHM3429_ltty1g0-v1"
    );
    assert_ne!(ownership::set_id("shop"), ownership::set_id("shop2"));
}
