//! Small states and plans for tests.

use crate::plan::{SavedPlan, Snapshot, SourceText};
use addrs::{InstanceAddr, Scope};
use plans::{
    Action, Basis, Bracket, BracketId, Change, Fingerprints, Identity, Mode, Note, ObjectKey, Op,
    Origin, OutputChange, Plan, Reason, Recorded, Rollout, Step, StepId, Target, Timestamp, Turn,
};
use states::State;
use std::collections::BTreeMap;
use std::time::Duration;
use values::{Disruption, ItemKey, Path, Type, Value};

/// What must never be written.
pub(crate) const CANARY: &str = "hunter2";

pub(crate) fn addr(text: &str) -> InstanceAddr {
    text.parse().unwrap()
}

pub(crate) fn secret() -> Value {
    Value::string(CANARY).into_sensitive()
}

pub(crate) fn identity(name: &str) -> Identity {
    Identity {
        key: ObjectKey(format!("v1/ConfigMap/shop/{name}").into()),
        args: Value::map([("name", Value::string(name)), ("namespace", "shop".into())]),
        shown: format!("ConfigMap shop/{name}"),
    }
}

pub(crate) fn record(name: &str) -> Recorded {
    Recorded {
        identity: identity(name),
        uid: Some("0-1".to_owned()),
        digest: "sha256:ab".to_owned(),
        needs: vec![addr("namespace.shop")],
        protected: true,
    }
}

pub(crate) fn state() -> State {
    State {
        serial: 3,
        cluster_uid: Some("uid".to_owned()),
        records: BTreeMap::from([(addr("module.m[\"a\"].config_map.site[0]"), record("site"))]),
        outputs: BTreeMap::from([
            ("size".to_owned(), Value::from(5)),
            ("token".to_owned(), secret()),
        ]),
        used_plans: vec!["p1".to_owned()],
        ..State::new("line", "shop")
    }
}

pub(crate) fn op(name: &str, args: Value) -> Op {
    Op {
        ty: "config_map".parse().unwrap(),
        name: "apply".to_owned(),
        identity: identity(name),
        args,
        guard: Value::map([("uid", Value::string("0-1"))]),
        text: format!("apply ConfigMap shop/{name}"),
    }
}

pub(crate) fn change(before: Option<Value>, after: Option<Value>) -> Change {
    Change {
        addr: addr("config_map.site[\"a\"]"),
        identity: identity("site"),
        scope: Scope::node("w1"),
        action: Action::Replace,
        create_first: false,
        reason: Some(Reason::CannotUpdate(vec![Path::of("data").index(0)])),
        disruption: Disruption::Drain,
        before,
        after,
        basis: Basis::Unverified("its namespace is new".to_owned()),
        origin: Origin::Drift,
        notes: vec![Note {
            path: Path::of("ports")
                .step(values::Step::Item(ItemKey(vec![("name".into(), Value::string("web"))]))),
            text: "owned by kubectl".to_owned(),
        }],
        blocked: Vec::new(),
    }
}

pub(crate) fn step(id: u32, needs: &[u32], args: Value) -> Step {
    Step {
        id: StepId(id),
        addr: Some(addr("config_map.site[\"a\"]")),
        scope: Scope::node("w1"),
        action: Action::Create,
        op: op("site", args),
        needs: needs.iter().copied().map(StepId).collect(),
        bracket: Some(BracketId(1)),
        late: false,
        record: Some(record("site")),
    }
}

fn turn(node: &str, after: &[usize], pause: bool) -> Turn {
    let first = vec![StepId(1)];
    let (scope, steps) = (Scope::node(node), vec![StepId(1), StepId(2)]);
    Turn { rollout: 0, batch: after.len(), scope, steps, first, after: after.to_vec(), pause }
}

pub(crate) fn plan() -> SavedPlan {
    let data = |v: Value| Value::map([("data", v)]);
    let text = "0.1".parse().unwrap();
    let plan = Plan {
        id: "p1".to_owned(),
        made: Timestamp(1_700_000_000),
        mode: Mode::Normal,
        project: "shop".to_owned(),
        target: Target {
            name: "sandbox".to_owned(),
            server: "https://10.0.0.1:6443".to_owned(),
            uid: "uid".to_owned(),
            version: "v1.36.2".to_owned(),
        },
        fingerprints: Fingerprints {
            config: "sha256:cd".to_owned(),
            engine: "0.1.0".to_owned(),
            lineage: "line".to_owned(),
            serial: 2,
        },
        changes: vec![change(Some(data(Value::Number(text))), Some(data(Value::Null)))],
        outputs: vec![OutputChange {
            name: "size".to_owned(),
            before: None,
            after: Some(5.into()),
        }],
        steps: vec![
            step(1, &[], data(Value::string("x"))),
            step(2, &[1], data(Value::Unknown(Type::String))),
        ],
        brackets: vec![Bracket {
            id: BracketId(1),
            scope: Scope::node("w1"),
            disruption: Disruption::Drain,
            steps: vec![StepId(1), StepId(2)],
            closing: vec![StepId(2)],
            forecast: vec!["evict  shop/web-0".to_owned()],
        }],
        rollouts: vec![Rollout {
            name: Some("workers".to_owned()),
            last: true,
            max_unavailable: 2,
            max_failures: 1,
            pause: Duration::from_mins(5),
            window: Some("Sat,Sun 22:00-04:00 UTC".parse().expect("a window")),
        }],
        turns: vec![turn("w1", &[], false), turn("w2", &[0], true)],
        remember: vec![
            (addr("config_map.gone"), None),
            (addr("config_map.found"), Some(record("f"))),
        ],
        complete: true,
        blocked: Vec::new(),
        rights: Vec::new(),
    };
    let main = SourceText { name: "main.hcl".to_owned(), text: "a = \"ü\\n\"\n".to_owned() };
    let variables = BTreeMap::from([("size".to_owned(), Value::from(5))]);
    SavedPlan { plan, snapshot: Snapshot { dir: ".".to_owned(), sources: vec![main], variables } }
}
