//! A sandbox in a folder: what was answered is there after any end.

use std::fs;
use std::time::Duration;

use kube::api::DeleteParams;
use sandbox::{OpenError, Options, Sandbox};
use serde_json::{Value, json};

use crate::support::{apply, get, names, objects};

fn map(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": {"k": "v"},
    })
}

#[tokio::test]
async fn reopened_folder_has_the_same_objects_and_goes_on_counting() {
    let folder = tempfile::tempdir().unwrap();
    let (first, nodes) = {
        let client = Sandbox::open(folder.path()).unwrap().client();
        (apply(&client, &map("a")).await.unwrap(), get(&client, "v1", "Node", "", "worker-1").await)
    };
    tokio::task::yield_now().await;
    let client = Sandbox::open(folder.path()).unwrap().client();
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "a").await, first);
    assert_eq!(get(&client, "v1", "Node", "", "worker-1").await, nodes);
    let second = apply(&client, &map("b")).await.unwrap();
    let version = |object: &Value| {
        object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
    };
    assert!(version(&second) > version(&first));
}

#[tokio::test]
async fn second_opener_waits_for_the_first_and_then_says_who_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let first = Sandbox::open(folder.path()).unwrap();
    let patience = |milliseconds: u64| Options {
        lock_timeout: Duration::from_millis(milliseconds),
        ..Options::real()
    };
    let refused = Sandbox::open_with(folder.path(), patience(50)).err().unwrap();
    assert!(matches!(refused, OpenError::InUse { .. }));
    assert!(refused.to_string().ends_with("is in use by another process"));
    let path = folder.path().to_owned();
    let waiting = std::thread::spawn(move || Sandbox::open_with(&path, patience(5_000)).is_ok());
    std::thread::sleep(Duration::from_millis(100));
    drop(first);
    assert!(waiting.join().unwrap());
}

/// Cuts the log at every byte: what was complete is there, and the folder always opens.
#[tokio::test]
async fn log_cut_short_anywhere_loses_only_the_unfinished_line() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    let options = || Options { nodes: false, ..Options::real() };
    {
        let client = Sandbox::open_with(folder.path(), options()).unwrap().client();
        apply(&client, &map("a")).await.unwrap();
        apply(&client, &map("b")).await.unwrap();
    }
    tokio::task::yield_now().await;
    let whole = fs::read(&log).unwrap();
    let ends: Vec<usize> =
        (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    let last = ends[ends.len() - 2];
    for cut in (last..whole.len()).step_by(7) {
        fs::write(&log, &whole[..cut]).unwrap();
        let client = Sandbox::open_with(folder.path(), options()).unwrap().client();
        assert_ne!(get(&client, "v1", "ConfigMap", "default", "a").await, Value::Null);
        assert_eq!(
            get(&client, "v1", "ConfigMap", "default", "b").await,
            Value::Null,
            "cut at {cut}"
        );
        drop(client);
        tokio::task::yield_now().await;
    }
}

#[test]
fn damage_in_the_middle_is_reported_and_not_skipped() {
    let folder = tempfile::tempdir().unwrap();
    drop(Sandbox::open(folder.path()).unwrap());
    let log = folder.path().join("log.jsonl");
    let mut bytes = fs::read(&log).unwrap();
    let copy = bytes.clone();
    bytes[100] ^= 1;
    bytes.extend(copy);
    fs::write(&log, bytes).unwrap();
    let refused = Sandbox::open(folder.path()).err().unwrap();
    assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
}

#[tokio::test]
async fn long_log_becomes_a_snapshot_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options { nodes: false, ..Options::real() };
    {
        let client = Sandbox::open_with(folder.path(), options()).unwrap().client();
        for number in 0..12 {
            let mut big = map(&format!("m{number}"));
            big["data"]["k"] = json!("x".repeat(500_000));
            apply(&client, &big).await.unwrap();
        }
    }
    tokio::task::yield_now().await;
    assert!(folder.path().join("snapshot.json").exists());
    let client = Sandbox::open_with(folder.path(), options()).unwrap().client();
    for number in 0..12 {
        assert_ne!(
            get(&client, "v1", "ConfigMap", "default", &format!("m{number}")).await,
            Value::Null
        );
    }
}

/// Who owns what is known again after opening, and follows what the references say now.
#[tokio::test]
async fn owned_objects_go_with_their_owner_even_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let owned_by = |owner: &Value, name: &str| {
        let mut object = map(name);
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
        }]);
        object
    };
    {
        let client = Sandbox::open(folder.path()).unwrap().client();
        let owner = apply(&client, &map("owner")).await.unwrap();
        let other = apply(&client, &map("other")).await.unwrap();
        apply(&client, &owned_by(&owner, "goes")).await.unwrap();
        apply(&client, &owned_by(&owner, "moved")).await.unwrap();
        apply(&client, &owned_by(&other, "moved")).await.unwrap();
    }
    tokio::task::yield_now().await;
    let client = Sandbox::open(folder.path()).unwrap().client();
    let maps = objects(&client, "v1", "ConfigMap", "default");
    for (gone, left) in
        [("owner", &["kube-root-ca.crt", "moved", "other"][..]), ("other", &["kube-root-ca.crt"])]
    {
        maps.delete(gone, &DeleteParams::default()).await.unwrap();
        assert_eq!(names(&client, "v1", "ConfigMap", "default").await, left);
    }
}

#[tokio::test]
async fn snapshot_brings_every_object_back_and_versions_count_on() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(folder.path()).unwrap();
    let client = sandbox.client();
    let kept = apply(&client, &map("a")).await.unwrap();
    let snapshot = sandbox.snapshot();
    apply(&client, &map("b")).await.unwrap();
    let last = sandbox.version();
    let now = Duration::ZERO;
    let busy = Sandbox::restore(folder.path(), &snapshot, now).unwrap_err();
    assert!(matches!(busy, OpenError::InUse { .. }), "{busy}");
    drop((client, sandbox));
    tokio::task::yield_now().await;
    Sandbox::restore(folder.path(), &snapshot, Duration::from_secs(5)).unwrap();
    let sandbox = Sandbox::open(folder.path()).unwrap();
    let client = sandbox.client();
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "a").await, kept);
    assert_eq!(get(&client, "v1", "ConfigMap", "default", "b").await, Value::Null);
    assert!(sandbox.version() > last);
    let copy = Sandbox::from_snapshot(&snapshot, Options::real()).unwrap();
    assert_eq!(copy.snapshot(), snapshot);
}

#[test]
fn text_that_is_no_snapshot_is_refused_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let refused =
        |text: &str| Sandbox::restore(folder.path(), text, Duration::ZERO).unwrap_err().to_string();
    let newer = r#"{"format":7,"version":1,"objects":[]}"#;
    assert_eq!(
        refused(newer),
        "this is no snapshot: it has format 7, and this version of the program knows formats up to 1"
    );
    assert_eq!(refused("{}"), "this is no snapshot: it does not say that it is a snapshot");
    assert_eq!(refused("{\"format\":1"), "this is no snapshot: it is not JSON, or cut short");
    let no_object = r#"{"format":1,"version":1,"objects":[1]}"#;
    assert_eq!(refused(no_object), "this is no snapshot: it holds what is no object");
    assert!(!folder.path().join("snapshot.json").exists());
}

#[tokio::test]
async fn clock_and_identities_of_a_test_make_two_runs_alike() {
    let run = async || {
        let sandbox = Sandbox::in_memory_with(Options {
            clock: std::sync::Arc::new(sandbox::SteppingClock::at(1_800_000_000)),
            identities: std::sync::Arc::new(sandbox::SequentialIdentities::default()),
            ..Options::real()
        });
        let client = sandbox.client();
        apply(&client, &map("a")).await.unwrap();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
        apply(&client, &namespace).await.unwrap();
        sandbox.snapshot()
    };
    assert_eq!(run().await, run().await);
}
