//! Each request of each operation fails in each way: nothing is doubled, nothing is lost.

use super::*;
use provider::Settled;
use sandbox::{Fault, Faults, Matcher, Sandbox};

fn status(code: u16) -> Fault {
    let (reason, message) = ("Trouble".to_owned(), "for the test".to_owned());
    Fault::Status { code, reason, message }
}

fn faults() -> Vec<Fault> {
    let codes = [429, 500, 502, 503, 504].map(status);
    [vec![Fault::DropBefore, Fault::DropAfter], codes.to_vec()].concat()
}

struct World {
    provider: ClusterProvider,
    faults: Faults,
    /// Requests so far.
    before: u64,
}

impl World {
    async fn new() -> Self {
        let sandbox = Sandbox::in_memory();
        let cluster = access::Cluster::from_client(sandbox.client(), "sandbox", "memory");
        // A server that was never reached is not tried again.
        assert!(cluster.discovery().await.is_ok());
        let faults = sandbox.faults();
        Self { provider: ClusterProvider::new(cluster), before: faults.requests(), faults }
    }

    async fn do_it(&self, op: &Op) -> Result<Performed, StepError> {
        self.provider.perform(op, &|_| {}).await
    }

    async fn see(&self, object: &ObjectRef) -> Option<Json> {
        let wanted = Wanted { ty: crate::type_name("object"), identity: identity_of(object) };
        match self.provider.observe(vec![wanted]).await.remove(0) {
            Observation::Present(live) => crate::json::to_json(&live),
            Observation::Absent => None,
            Observation::Unknown(problem) => panic!("unknown: {problem:?}"),
        }
    }

    /// What the engine does: performs, and after a failure finds out and goes on.
    async fn drive(&self, op: &Op, what: &str) -> Performed {
        let first = self.do_it(op).await;
        self.faults.clear();
        let error = match first {
            Ok(done) => return done,
            Err(StepError::Stale(why)) => panic!("{what}: nothing moved, and yet {why}"),
            Err(error) => error,
        };
        match self.provider.settle(op).await {
            Ok(Settled::Done(done)) => done,
            Ok(Settled::NotDone) => self.do_it(op).await.expect("a second try"),
            other => panic!("{what}: {error:?}, then {other:?}"),
        }
    }
}

fn object() -> ObjectRef {
    config_map("default", "x")
}

fn create(k: &str) -> Op {
    apply_op(&object(), k, Json::Null, true)
}

fn update(k: &str, live: &Json) -> Op {
    let mut op = apply_op(&object(), k, Json::Null, false);
    op.guard = Value::map([
        ("uid", from_json(&live["metadata"]["uid"])),
        ("resource_version", from_json(&live["metadata"]["resourceVersion"])),
        ("owned", crate::noop::projection(&from_json(live), crate::ownership::MANAGER)),
    ]);
    op
}

/// How many requests at most an operation makes before anything fails.
const REQUESTS: u64 = 5;

#[tokio::test(start_paused = true)]
async fn an_apply_reaches_its_goal_whichever_request_fails_and_however() {
    for fault in faults() {
        for number in 1..=REQUESTS {
            let what = format!("{fault:?} at request {number}");
            let world = World::new().await;
            world.faults.once(Matcher::Number(world.before + number), fault.clone());
            world.drive(&create("1"), &what).await;
            let live = world.see(&object()).await.expect("it exists");
            assert_eq!(live["data"]["k"], "1", "{what}");

            let next = world.faults.requests() + number;
            world.faults.once(Matcher::Number(next), fault.clone());
            world.drive(&update("2", &live), &what).await;
            let now = world.see(&object()).await.expect("it exists");
            assert_eq!(now["data"]["k"], "2", "{what}");
            assert_eq!(now["metadata"]["uid"], live["metadata"]["uid"], "{what}");

            let guard = json!({"uid": live["metadata"]["uid"]});
            let delete = op("delete", &object(), json!({}), guard);
            let next = world.faults.requests() + number;
            world.faults.once(Matcher::Number(next), fault.clone());
            world.drive(&delete, &what).await;
            assert_eq!(world.see(&object()).await, None, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_for_long_leaves_an_operation_that_can_be_settled() {
    for fault in faults() {
        for reads_too in [false, true] {
            let what = format!("{fault:?}, reads too: {reads_too}");
            let world = World::new().await;
            let matcher = if reads_too {
                Matcher::Any
            } else {
                Matcher::Write { path: "/configmaps/".to_owned() }
            };
            world.faults.always(matcher.clone(), fault.clone());
            world.drive(&create("1"), &what).await;
            let live = world.see(&object()).await.expect("it exists");
            world.faults.always(matcher, fault.clone());
            world.drive(&update("2", &live), &what).await;
            let now = world.see(&object()).await.expect("it exists");
            assert_eq!(
                (&now["data"]["k"], &now["metadata"]["uid"]),
                (&json!("2"), &live["metadata"]["uid"]),
                "{what}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn looking_never_mistakes_a_failing_server_for_an_empty_one() {
    let world = World::new().await;
    world.do_it(&create("1")).await.expect("created");
    for fault in faults() {
        world.faults.always(Matcher::Any, fault.clone());
        let objects = ["x", "y", "z"].map(|name| config_map("default", name));
        let wanted = objects
            .iter()
            .map(|object| Wanted { ty: crate::type_name("object"), identity: identity_of(object) });
        for seen in world.provider.observe(wanted.collect()).await {
            assert!(matches!(seen, Observation::Unknown(_)), "{fault:?}: {seen:?}");
        }
        assert!(world.provider.find("x").await.is_err(), "{fault:?}");
        assert!(world.provider.target().await.is_err(), "{fault:?}");
        world.faults.clear();
    }
}
