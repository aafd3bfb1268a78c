//! What holds for all objects and all orders of requests.

use std::sync::Arc;

use proptest::prelude::*;
use sandbox::{Options, Sandbox, SequentialIdentities, SteppingClock};
use serde_json::{Map, Value, json};

use crate::support::raw;

/// A repeatable sandbox whose clock stands still.
fn still() -> Sandbox {
    Sandbox::in_memory_with(Options {
        clock: Arc::new(SteppingClock::at(1_800_000_000)),
        identities: Arc::new(SequentialIdentities::default()),
        nodes: false,
        ..Options::real()
    })
}

/// Never empty: an empty map is not stored but owned, and so the real server (and this
/// one) takes it from its other owners at every apply. The recorded transitions say so.
fn data() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-c]", "[0-2]", 1..3).prop_map(|entries| {
        Value::Object(entries.into_iter().map(|(k, v)| (k, json!(v))).collect::<Map<_, _>>())
    })
}

/// One step: who does what with which data and labels.
fn step() -> impl Strategy<Value = (u8, usize, bool, Value, Value)> {
    (0_u8..4, 0_usize..3, any::<bool>(), data(), data())
}

const MANAGERS: [&str; 3] = ["one", "two", "three"];
const PATH: &str = "/api/v1/namespaces/default/configmaps";

async fn perform(sandbox: &Sandbox, step: &(u8, usize, bool, Value, Value)) -> (u16, Value) {
    let (kind, manager, force, data, labels) = step;
    let manager = MANAGERS[*manager];
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "c", "labels": labels},
        "data": data,
    });
    let (method, path, media, body) = match kind {
        0 | 1 => (
            "PATCH",
            format!("{PATH}/c?fieldManager={manager}&force={force}"),
            "application/apply-patch+yaml",
            object,
        ),
        2 => (
            "PATCH",
            format!("{PATH}/c?fieldManager={manager}"),
            "application/merge-patch+json",
            json!({"data": data}),
        ),
        _ => ("PUT", format!("{PATH}/c?fieldManager={manager}"), "application/json", object),
    };
    raw(sandbox, method, &path, &[("content-type", media)], &body.to_string()).await
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever happened before, applying the same again changes nothing.
    #[test]
    fn applying_twice_is_applying_once(history in prop::collection::vec(step(), 0..8), mut last in step()) {
        block(async {
            let sandbox = still();
            for step in &history {
                perform(&sandbox, step).await;
            }
            last.0 = 0;
            last.2 = true;
            let (code, first) = perform(&sandbox, &last).await;
            prop_assert!(code < 300, "{first}");
            let (_, second) = perform(&sandbox, &last).await;
            prop_assert_eq!(first, second);
            Ok(())
        })?;
    }

    /// A dry run answers what the real request then answers, and leaves nothing behind.
    #[test]
    fn dry_run_tells_the_truth(history in prop::collection::vec(step(), 0..6), mut last in step()) {
        block(async {
            let sandbox = still();
            for step in &history {
                perform(&sandbox, step).await;
            }
            last.0 = 0;
            let path = format!("{PATH}/c?fieldManager={}&force={}&dryRun=All", MANAGERS[last.1], last.2);
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": last.4}, "data": last.3});
            let headers = [("content-type", "application/apply-patch+yaml")];
            let before = raw(&sandbox, "GET", PATH, &[], "").await;
            let mut tried = raw(&sandbox, "PATCH", &path, &headers, &body.to_string()).await;
            prop_assert_eq!(before, raw(&sandbox, "GET", PATH, &[], "").await);
            let mut done = perform(&sandbox, &last).await;
            // What is only tried uses up an identity, and has no version of its own.
            for answer in [&mut tried.1, &mut done.1] {
                if let Some(metadata) = answer.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.remove("uid");
                    metadata.remove("resourceVersion");
                }
            }
            prop_assert_eq!(tried, done);
            Ok(())
        })?;
    }

    /// An apply without force never changes a value that somebody else owns.
    #[test]
    fn what_others_own_is_not_changed_without_force(history in prop::collection::vec(step(), 1..8), mut last in step()) {
        block(async {
            let sandbox = still();
            for step in &history {
                perform(&sandbox, step).await;
            }
            last.0 = 0;
            last.2 = false;
            let (_, before) = raw(&sandbox, "GET", &format!("{PATH}/c"), &[], "").await;
            let (code, after) = perform(&sandbox, &last).await;
            if code != 200 || before["kind"] != "ConfigMap" {
                return Ok(());
            }
            for entry in before["metadata"]["managedFields"].as_array().into_iter().flatten() {
                if entry["manager"] == MANAGERS[last.1] && entry["operation"] == "Apply" {
                    continue;
                }
                for name in entry["fieldsV1"]["f:data"].as_object().into_iter().flatten().map(|(name, _)| name) {
                    let key = name.trim_start_matches("f:");
                    prop_assert_eq!(&before["data"][key], &after["data"][key], "{}", name);
                }
            }
            Ok(())
        })?;
    }

    /// Equal histories give equal sandboxes, to the last byte.
    #[test]
    fn histories_are_repeatable(history in prop::collection::vec(step(), 0..8)) {
        block(async {
            let (one, two) = (still(), still());
            for step in &history {
                prop_assert_eq!(perform(&one, step).await, perform(&two, step).await);
            }
            Ok(())
        })?;
    }
}
