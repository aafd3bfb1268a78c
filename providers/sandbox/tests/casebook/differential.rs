//! The sandbox beside a real server: the same requests, the same answers.
//!
//! Runs where `CLINCH_TEST_KUBECONFIG` names a real cluster, in a namespace of its own.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use sandbox::{Options, Sandbox};
use serde_json::{Value, json};

#[derive(Clone)]
struct Step {
    case: String,
    method: String,
    media: &'static str,
    path: String,
    body: String,
    /// Why the answers are known to differ; such a step is sent, and not compared.
    differs: Option<String>,
}

fn steps(namespace: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut case = String::new();
    let mut differs = None;
    let text = include_str!("differential.txt");
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut case);
            continue;
        }
        if let Some(why) = line.strip_prefix("~ ") {
            differs = Some(why.to_owned());
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let [method, media, path] = words.as_slice() else { panic!("not a request: {line}") };
        let media = match *media {
            "json" => "application/json",
            "apply" => "application/apply-patch+yaml",
            "merge" => "application/merge-patch+json",
            "jsonpatch" => "application/json-patch+json",
            "strategic" => "application/strategic-merge-patch+json",
            "text" => "text/plain",
            other => panic!("no such media type: {other}"),
        };
        let body = lines.next().unwrap();
        steps.push(Step {
            case: case.clone(),
            method: (*method).to_owned(),
            media,
            path: path.replace("{ns}", namespace),
            body: if body == "-" { String::new() } else { body.replace("{ns}", namespace) },
            differs: differs.take(),
        });
    }
    steps
}

async fn send(client: &Client, step: &Step) -> (u16, Value) {
    let request = Request::builder()
        .method(step.method.as_str())
        .uri(&step.path)
        .header("content-type", step.media)
        .header("user-agent", "differential/1")
        .body(kube::client::Body::from(step.body.clone().into_bytes()))
        .unwrap();
    let response = client.send(request).await.unwrap();
    let code = response.status().as_u16();
    let body: Bytes = response.into_body().collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).into_owned()));
    (code, value)
}

/// Hides what a server chooses freely, and what its controllers write meanwhile.
fn mask(value: &mut Value) {
    for item in value.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        mask(item);
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in
            ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "continue"]
        {
            if let Some(value) = metadata.get_mut(field) {
                *value = json!("masked");
            }
        }
        if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
            entries.retain(|entry| {
                !entry["manager"].as_str().unwrap_or_default().starts_with("kube-")
            });
            for entry in entries.iter_mut() {
                if entry.get("time").is_some() {
                    entry["time"] = json!("masked");
                }
            }
            entries.sort_by_key(ToString::to_string);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("deployment.kubernetes.io/revision");
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    let is_object = value["kind"] != "Status";
    if let (true, Some(object)) = (is_object, value.as_object_mut()) {
        object.remove("status");
    }
    if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
        for field in ["clusterIP", "clusterIPs"] {
            if spec
                .get(field)
                .is_some_and(|address| *address != json!("None") && *address != json!(["None"]))
            {
                spec.insert(field.to_owned(), json!("masked"));
            }
        }
    }
    if let Some(details) = value.get_mut("details").and_then(Value::as_object_mut) {
        if details.contains_key("uid") {
            details.insert("uid".to_owned(), json!("masked"));
        }
        if let Some(causes) = details.get_mut("causes").and_then(Value::as_array_mut) {
            // The real server goes through maps in any order.
            causes.sort_by_key(ToString::to_string);
        }
    }
    let causes = value["details"]["causes"].as_array().map_or(0, Vec::len);
    if causes > 1 {
        value["message"] = json!("masked");
    }
    if let Some(message) = value.get("message").and_then(Value::as_str) {
        value["message"] = json!(timeless(message));
    }
}

/// Asks until there is an answer: a real server serves what is defined a moment later.
async fn until_there(client: &Client, step: &Step) {
    let step = Step { method: "GET".to_owned(), ..step.clone() };
    for _ in 0..100 {
        if send(client, &step).await.0 == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{} is not served", step.path);
}

/// Where two answers differ.
fn differ(path: &str, got: &Value, want: &Value) -> Vec<String> {
    let mut out = Vec::new();
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => {
            let names: std::collections::BTreeSet<&String> =
                got.keys().chain(want.keys()).collect();
            for name in names {
                let path = format!("{path}.{name}");
                match (got.get(name), want.get(name)) {
                    (Some(got), Some(want)) => out.extend(differ(&path, got, want)),
                    (got, want) => out.push(format!("{path}: {got:?} instead of {want:?}")),
                }
            }
        }
        (Value::Array(got), Value::Array(want)) if got.len() == want.len() => {
            for (index, (got, want)) in got.iter().zip(want).enumerate() {
                out.extend(differ(&format!("{path}[{index}]"), got, want));
            }
        }
        _ if got != want => out.push(format!("{path}: {got} instead of {want}")),
        _ => {}
    }
    out
}

/// Uids and versions inside a message are masked, too.
fn timeless(message: &str) -> String {
    let words = message.split(' ').map(|word| {
        let inner = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_uid = inner.len() == 36 && inner.chars().filter(|c| *c == '-').count() == 4;
        let is_number = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_digit());
        if is_uid || is_number { "masked" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn figures_of_the_readme_are_those_of_the_requests() {
    let steps = steps("x");
    let sent: Vec<&Step> = steps.iter().filter(|step| step.method != "WAIT").collect();
    let known = sent.iter().filter(|step| step.differs.is_some()).count();
    let readme = include_str!("../../README.md");
    let row = readme.lines().find(|line| line.starts_with("| requests sent side by side")).unwrap();
    assert!(row.contains(&format!("the other {known} are known to differ")), "{known}: {row}");
    let score = format!("| {} of {} |", sent.len() - known, sent.len());
    assert!(row.ends_with(&score), "{score}: {row}");
}

#[tokio::test]
async fn answers_are_those_of_a_real_server() {
    let Some(file) = std::env::var_os("CLINCH_TEST_KUBECONFIG").filter(|file| !file.is_empty())
    else {
        println!(
            "SKIPPED differential: CLINCH_TEST_KUBECONFIG is not set, so nothing was compared"
        );
        return;
    };
    let kubeconfig = Kubeconfig::read_from(file).unwrap();
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    let real = Client::try_from(config).unwrap();
    let sandbox =
        Sandbox::in_memory_with(Options { controllers: false, ..Options::real() }).client();
    let namespace = format!("clinch-differential-{}", std::process::id());
    let prepare = |method: &str, path: String, body: Value| Step {
        case: String::new(),
        method: method.to_owned(),
        media: "application/json",
        path,
        body: body.to_string(),
        differs: None,
    };
    for client in [&real, &sandbox] {
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let (code, answer) =
            send(client, &prepare("POST", "/api/v1/namespaces".to_owned(), body)).await;
        assert_eq!(code, 201, "{answer}");
        // Where controllers are at work it is there already.
        let body =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        send(client, &prepare("POST", path, body)).await;
    }
    let (mut alike, mut total, mut known) = (0, 0, 0);
    for step in steps(&namespace) {
        if step.method == "WAIT" {
            until_there(&real, &step).await;
            continue;
        }
        let (real_code, mut real_answer) = send(&real, &step).await;
        let (code, mut answer) = send(&sandbox, &step).await;
        mask(&mut real_answer);
        mask(&mut answer);
        if step.differs.is_some() {
            known += 1;
            continue;
        }
        total += 1;
        if (real_code, &real_answer) == (code, &answer) {
            alike += 1;
            continue;
        }
        println!("{}: {} {}\n  {}", step.case, step.method, step.path, step.body);
        println!("  answered {code} instead of {real_code}");
        println!("  {}", differ("", &answer, &real_answer).join("\n  "));
    }
    let gone = prepare("DELETE", format!("/api/v1/namespaces/{namespace}"), json!({}));
    send(&real, &gone).await;
    println!("ORACLE differential: {alike}/{total} of {}", total + known);
    assert_eq!(alike, total, "some answers are not those of the real server");
}
