//! Transitions recorded from a real kube-apiserver, replayed one by one.
//!
//! Each row is an object (or none), a request, and the real server's answer. The row's
//! object is put into an empty store as it is, the request is sent, and the answers are
//! compared whole: status code, every field, every owner, every cause of a refusal.
//! What a server chooses freely is masked: uids, versions, times, addresses.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::server::{Outcome, Server};
use crate::store::Store;
use crate::{Options, catalog, meta, router};

/// Rows of the shared table that are answered exactly as recorded.
pub(super) const EXPECTED: usize = 1029;

#[test]
fn recorded_transitions_of_a_real_server_are_reproduced() {
    let Ok(folder) = std::env::var("CLINCH_CORPORA") else {
        println!("SKIPPED ssa-vectors: CLINCH_CORPORA is not set, so nothing was compared");
        return;
    };
    let bytes = std::fs::read(format!("{folder}/kubernetes-ssa-vectors.jsonl.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let options = Options { nodes: false, controllers: false, ..Options::real() };
    let sandbox = Arc::new(Server::new(Store::in_memory(100), options).unwrap());
    let mut passed = 0;
    let show: usize = std::env::var("SHOW_FAILURES").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let mut shown = 0;
    for (number, row) in rows.iter().enumerate() {
        match replay(&sandbox, row) {
            Ok(()) => passed += 1,
            Err(why) => {
                if shown < show {
                    shown += 1;
                    println!("row {number} {} {}: {why}", row["kind"], row["request"]["type"]);
                }
            }
        }
    }
    println!("ORACLE ssa-vectors: {passed}/{} of {}", rows.len(), rows.len());
    assert!(passed >= EXPECTED, "the score fell from {EXPECTED} to {passed}");
}

/// Replays one row and leaves the sandbox as it was.
fn replay(sandbox: &Arc<Server>, row: &Value) -> Result<(), String> {
    let outcome = transition(sandbox, row);
    let object = if row["before"].is_null() { &row["request"]["body"] } else { &row["before"] };
    sandbox
        .transact(|txn, _, _| {
            for table in txn.tables() {
                let name = meta::name(object);
                for namespace in ["", "default"] {
                    if let Some(left) = txn.get(&table, namespace, name) {
                        txn.delete(&table, &left);
                    }
                }
            }
            Ok(Outcome::Keep(()))
        })
        .unwrap();
    outcome
}

fn transition(sandbox: &Arc<Server>, row: &Value) -> Result<(), String> {
    let body = &row["request"]["body"];
    let kind = row["kind"].as_str().unwrap();
    let served = catalog::built_in()
        .iter()
        .find(|served| served.resource.kind == kind && !served.resource.group.starts_with("events"))
        .unwrap();
    let before = &row["before"];
    if !before.is_null() {
        let before = before.clone();
        sandbox
            .transact(|txn, _, _| {
                txn.put(&served.table, before);
                Ok(Outcome::Keep(()))
            })
            .unwrap();
    }
    let stored = sandbox.with_store(|store| {
        let txn = store.begin();
        let namespace = if served.resource.namespaced { "default" } else { "" };
        txn.get(&served.table, namespace, meta::name(before))
    });
    let namespace = served.resource.namespaced.then_some("default");
    let collection = served.resource.path(namespace);
    let name = if before.is_null() { meta::name(body) } else { meta::name(before) };
    let manager = row["request"]["manager"].as_str().unwrap();
    let force = if row["request"]["force"] == true { "&force=true" } else { "" };
    let (method, path, media) = match row["request"]["type"].as_str().unwrap() {
        "apply" => ("PATCH", format!("{collection}/{name}"), "application/apply-patch+yaml"),
        "merge-patch" => ("PATCH", format!("{collection}/{name}"), "application/merge-patch+json"),
        "json-patch" => ("PATCH", format!("{collection}/{name}"), "application/json-patch+json"),
        "update" => ("PUT", format!("{collection}/{name}"), "application/json"),
        "create" => ("POST", collection, "application/json"),
        other => return Err(format!("unknown request {other}")),
    };
    let mut body = body.clone();
    if let (Some(stored), Some(metadata)) =
        (&stored, body.get_mut("metadata").and_then(Value::as_object_mut))
        && metadata.get("resourceVersion") == before["metadata"].get("resourceVersion")
        && metadata.contains_key("resourceVersion")
    {
        // The row's version means: the one that was read.
        metadata
            .insert("resourceVersion".to_owned(), stored["metadata"]["resourceVersion"].clone());
    }
    let request = Request::builder()
        .method(method)
        .uri(format!("{path}?fieldManager={manager}{force}"))
        .header("content-type", media)
        .body(())
        .unwrap();
    let (parts, ()) = request.into_parts();
    let response = router::answer(&router::Call {
        server: sandbox,
        parts: &parts,
        body: &Bytes::from(body.to_string()),
        twist: &crate::faults::Twist::default(),
    });
    let status = response.status().as_u16();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(response.into_body().collect()).unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
    let want_status = row["status"].as_u64().unwrap();
    if u64::from(status) != want_status {
        return Err(format!(
            "answered {status}, not {want_status}: {answer}\n  wanted {}",
            row["response"]
        ));
    }
    if want_status < 300
        && let Some(stored) = &stored
    {
        let kept = |now: &Value, before: &Value| {
            now["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
        };
        if kept(&answer, stored) != kept(&row["response"], before) {
            return Err("the version changed on one side only".to_owned());
        }
    }
    let (mut got, mut want) = (answer, row["response"].clone());
    mask(&mut got, before);
    mask(&mut want, before);
    let mut differences = Vec::new();
    differ("", &got, &want, &mut differences);
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n  ")) }
}

/// Hides what a sandbox chooses freely.
fn mask(object: &mut Value, before: &Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "creationTimestamp"] {
            if let Some(value) = metadata.get_mut(field) {
                *value = json!("masked");
            }
        }
        for entry in
            metadata.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten()
        {
            if let Some(time) = entry.get_mut("time") {
                *time = json!("masked");
            }
        }
        if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
            // Their order follows from the times.
            entries.sort_by_key(ToString::to_string);
        }
    }
    if before.is_null() && object["kind"] == "Service" && object["spec"]["clusterIP"] != "None" {
        for field in ["clusterIP", "clusterIPs"] {
            if !object["spec"][field].is_null() {
                object["spec"][field] = json!("masked");
            }
        }
    }
    if let Some(causes) = object["details"]["causes"].as_array_mut() {
        // The real server goes through maps in any order.
        causes.sort_by_key(ToString::to_string);
        if causes.len() > 1 {
            object["message"] = json!("masked");
        }
    }
}

fn differ(path: &str, got: &Value, want: &Value, out: &mut Vec<String>) {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            let names: std::collections::BTreeSet<&String> =
                got.keys().chain(want.keys()).collect();
            for name in names {
                let path = format!("{path}.{name}");
                match (got.get(name), want.get(name)) {
                    (Some(got), Some(want)) => differ(&path, got, want, out),
                    (Some(got), None) => out.push(format!("{path}: too much: {got}")),
                    (None, Some(want)) => out.push(format!("{path}: missing: {want}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(got), Value::Array(want)) if got.len() == want.len() => {
            for (index, (got, want)) in got.iter().zip(want).enumerate() {
                differ(&format!("{path}[{index}]"), got, want, out);
            }
        }
        _ if got != want => out.push(format!("{path}: {got} instead of {want}")),
        _ => {}
    }
}
