//! A sandbox that misbehaves on purpose.

use std::time::Duration;

use sandbox::{Fault, Matcher, Sandbox};
use serde_json::{Value, json};

use crate::support::{apply, get};

fn map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}})
}

#[tokio::test]
async fn request_that_is_struck_gets_the_status_and_does_nothing() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let fault = Fault::Status {
        code: 403,
        reason: "Forbidden".to_owned(),
        message: "not today".to_owned(),
    };
    sandbox.faults().once(Matcher::Write { path: "/configmaps/".to_owned() }, fault);
    let (code, message) = crate::support::refusal(apply(&client, &map()).await);
    assert_eq!((code, message.as_str()), (403, "not today"));
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "c").await, Value::Null);
    apply(&client, &map()).await.unwrap();
}

#[tokio::test]
async fn connection_that_breaks_before_did_nothing_and_after_did_everything() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let next = |faults: &sandbox::Faults| Matcher::Number(faults.requests() + 1);
    let faults = sandbox.faults();
    faults.once(next(&faults), Fault::DropBefore);
    assert!(apply(&client, &map()).await.is_err());
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "c").await, Value::Null);
    faults.once(next(&faults), Fault::DropAfter);
    assert!(apply(&client, &map()).await.is_err());
    assert_ne!(get(&client, "v1", "ConfigMap", "default", "c").await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn latency_delays_and_nothing_else() {
    let sandbox = Sandbox::in_memory();
    let client = sandbox.client();
    let matcher = Matcher::Request { method: "PATCH".to_owned(), path: "/configmaps/".to_owned() };
    sandbox.faults().always(matcher, Fault::Latency(Duration::from_secs(3)));
    let begun = tokio::time::Instant::now();
    apply(&client, &map()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(3));
    sandbox.faults().clear();
    let begun = tokio::time::Instant::now();
    apply(&client, &map()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1));
}
