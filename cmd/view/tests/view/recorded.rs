//! Short ways to write down plans and values.

use addrs::{InstanceAddr, Scope};
use plans::{
    Action, Basis, Bracket, BracketId, Change, Fingerprints, Identity, Mode, ObjectKey, Op, Origin,
    Plan, Step, StepId, Target, Timestamp,
};
use values::{Disruption, Value};

/// An object: `map([("a", 1.into())])`.
pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries)
}

/// A list.
pub(crate) fn list<const N: usize>(items: [Value; N]) -> Value {
    Value::list(items)
}

/// An address.
pub(crate) fn addr(text: &str) -> InstanceAddr {
    text.parse().unwrap()
}

/// A quiet change of an object of the cluster.
pub(crate) fn change(action: Action, at: &str, shown: &str) -> Change {
    Change {
        addr: addr(at),
        identity: Identity {
            key: ObjectKey(shown.into()),
            args: Value::empty_map(),
            shown: shown.into(),
        },
        scope: Scope::cluster(),
        action,
        create_first: false,
        reason: None,
        disruption: Disruption::Quiet,
        before: None,
        after: None,
        basis: Basis::Server,
        origin: Origin::Pending,
        notes: Vec::new(),
        blocked: Vec::new(),
    }
}

/// Created as `after`.
pub(crate) fn create(at: &str, shown: &str, after: Value) -> Change {
    Change { after: Some(after), ..change(Action::Create, at, shown) }
}

/// Changed from `before` to `after`.
pub(crate) fn update(at: &str, shown: &str, before: Value, after: Value) -> Change {
    Change { before: Some(before), after: Some(after), ..change(Action::Update, at, shown) }
}

/// Deleted.
pub(crate) fn delete(at: &str, shown: &str, before: Value) -> Change {
    Change { before: Some(before), ..change(Action::Delete, at, shown) }
}

/// A plan of these changes for a cluster in a test.
pub(crate) fn plan(changes: Vec<Change>) -> Plan {
    Plan {
        id: "p1".into(),
        made: Timestamp(1_790_000_000),
        mode: Mode::Normal,
        project: "shop".into(),
        target: Target {
            name: "kind-dev".into(),
            server: "https://127.0.0.1:6443".into(),
            uid: "3f2a9c1e-5a77-4f0e-9c3c-0a5b8f0f9d11".into(),
            version: "v1.36.2".into(),
        },
        fingerprints: Fingerprints {
            config: "c".into(),
            engine: "0.1.0".into(),
            lineage: "l".into(),
            serial: 1,
        },
        changes,
        outputs: Vec::new(),
        steps: Vec::new(),
        brackets: Vec::new(),
        rollouts: Vec::new(),
        turns: Vec::new(),
        remember: Vec::new(),
        complete: true,
        blocked: Vec::new(),
        rights: Vec::new(),
    }
}

/// One step of a plan.
pub(crate) fn step(id: u32, at: Option<&str>, action: Action, text: &str) -> Step {
    Step {
        id: StepId(id),
        addr: at.map(addr),
        scope: Scope::cluster(),
        action,
        op: Op {
            ty: "object".parse().unwrap(),
            name: "apply".into(),
            identity: change(action, at.unwrap_or("a.b"), "ConfigMap a/b").identity,
            args: Value::Null,
            guard: Value::Null,
            text: text.into(),
        },
        needs: Vec::new(),
        bracket: None,
        late: false,
        record: None,
    }
}

/// A bracket around these steps.
pub(crate) fn bracket(node: &str, disruption: Disruption, steps: &[u32]) -> Bracket {
    Bracket {
        id: BracketId(1),
        scope: Scope::node(node),
        disruption,
        steps: steps.iter().copied().map(StepId).collect(),
        closing: steps.last().copied().map(StepId).into_iter().collect(),
        forecast: vec!["evict  shop/web-0  StatefulSet shop/web, 3 of 3 ready".to_owned()],
    }
}
