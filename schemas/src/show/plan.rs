//! A plan in Terraform's shape, and ours beside it.

use super::rollout::Rollout;
use super::state::{Module, Resource, StateValues, modules};
use super::values::{sensitive, shown, unknown};
use super::{PLAN_FORMAT, PROVIDER, STATE_FORMAT, rfc3339};
use addrs::{InstanceAddr, InstanceKey};
use plans::{Action, Basis, Origin, Reason, StepId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use values::{Path, Step, Value};

/// What `show -json PLAN` answers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ShowPlan")]
pub struct Plan {
    /// Minor versions add, major versions break.
    pub format_version: String,
    /// The version of clinch, under the name that tools look for.
    pub terraform_version: String,
    /// Empty: values of variables are not part of a plan.
    pub variables: BTreeMap<String, Json>,
    /// Everything as it will be.
    pub planned_values: StateValues,
    /// What others have changed since the last apply, from what it was to what it is.
    pub resource_drift: Vec<ResourceChange>,
    /// Every instance, those without change too.
    pub resource_changes: Vec<ResourceChange>,
    /// Empty: everything is planned in one go.
    pub deferred_changes: Vec<Json>,
    /// By name.
    pub output_changes: BTreeMap<String, Delta>,
    /// Everything as it is.
    pub prior_state: PriorState,
    /// Empty: the configuration is not part of a plan.
    pub configuration: BTreeMap<String, Json>,
    /// Empty.
    pub relevant_attributes: Vec<Json>,
    /// Empty.
    pub checks: Vec<Json>,
    /// When it was made.
    pub timestamp: String,
    /// Whether applying it would do anything, and may be asked for.
    pub applyable: bool,
    /// Whether everything in scope could be looked at and planned.
    pub complete: bool,
    /// Whether planning met an error.
    pub errored: bool,
    /// What Terraform has no word for.
    pub x_ops: PlanOps,
}

/// What a plan says beyond Terraform's shape.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanOps {
    /// SHA-256 over what the plan would do; two plans that would do the same have the same.
    pub plan_digest: String,
    /// Its own name; a plan is applied once.
    pub plan_id: String,
    /// The configuration's name.
    pub project: String,
    /// `normal`, `destroy` or `drift`.
    pub mode: String,
    /// Clusters that it touches.
    pub clusters: Vec<Cluster>,
    /// Nodes taken out of service.
    pub nodes: Vec<Node>,
    /// How nodes take turns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rollouts: Vec<Rollout>,
    /// Rights that the steps need. One that is not there stops an apply before its first step.
    pub preflight: Vec<Preflight>,
    /// What must be allowed by name because of the plan as a whole.
    pub blocked: Vec<Blocked>,
    /// How many changes the server could not verify before apply.
    pub unverified: usize,
}

/// A right that steps need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Preflight {
    /// `patch`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// `configmaps`, `nodes/status`.
    pub resource: String,
    /// The namespace, or null for the whole cluster.
    pub namespace: Option<String>,
    /// The object, when the right is about this one only.
    pub name: Option<String>,
    /// Addresses that need it, or who else.
    pub needed_by: Vec<String>,
    /// Whether it is there; null when that could not be asked.
    pub allowed: Option<bool>,
}

/// Something that does not happen unless a person allows it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Blocked {
    /// `foreign`, `data`, `kept`, `empty`, `many` or `protected`.
    pub guard: String,
    /// What would happen.
    pub why: String,
    /// The flag that allows it; null when none does.
    pub flag: Option<String>,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cluster {
    /// How people know it.
    pub name: String,
    /// Where it is.
    pub server: String,
    /// The uid of its `kube-system` namespace.
    pub uid: String,
    /// `v1.36.2`.
    pub version: String,
}

/// What a node has to bear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The worst of it: `none`, `reload`, `restart`, `drain` or `reboot`.
    pub disruption: String,
    /// The steps, by their numbers.
    pub steps: Vec<u32>,
    /// What happens to what runs there, a line for each pod that leaves.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forecast: Vec<String>,
}

/// The state before.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PriorState {
    /// Minor versions add, major versions break.
    pub format_version: String,
    /// The version of clinch.
    pub terraform_version: String,
    /// What is there.
    pub values: StateValues,
}

/// What happens to one instance.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ResourceChange {
    /// Its address.
    pub address: String,
    /// The module that it stands in; absent in the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_address: Option<String>,
    /// `managed` or `data`.
    pub mode: String,
    /// The first label.
    #[serde(rename = "type")]
    pub ty: String,
    /// The second label.
    pub name: String,
    /// A number from `count`, a text from `for_each`, or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Json>,
    /// Where the type comes from.
    pub provider_name: String,
    /// What differs.
    pub change: Delta,
    /// Why, when the configuration does not plainly say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_reason: Option<String>,
    /// What Terraform has no word for.
    pub x_ops: ChangeOps,
}

/// Before and after.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Delta {
    /// `["no-op"]`, `["create"]`, `["update"]`, `["delete","create"]`, `["delete"]` or
    /// `["forget"]`.
    pub actions: Vec<String>,
    /// As it is, or null.
    pub before: Json,
    /// As it will be, or null.
    pub after: Json,
    /// `true` where `after` is decided during apply.
    pub after_unknown: Json,
    /// `true` where `before` is left out because it is sensitive.
    pub before_sensitive: Json,
    /// `true` where `after` is left out because it is sensitive.
    pub after_sensitive: Json,
    /// What cannot be changed in place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replace_paths: Vec<Vec<Json>>,
}

/// What a change says beyond Terraform's shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeOps {
    /// The object, as people call it: `ConfigMap kube-system/coredns`.
    pub object: String,
    /// What it costs: `none`, `reload`, `restart`, `drain` or `reboot`.
    pub disruption: String,
    /// The node that bears the cost.
    pub node: Option<String>,
    /// In which part of the plan it happens, from 1.
    pub stage: u32,
    /// Its steps.
    pub steps: Vec<StepText>,
    /// Fields that others claim; empty in a plan that can be applied.
    pub conflicts: Vec<String>,
    /// Where `after` comes from: `proven`, `server`, `local`, `unverified` (not before apply) or
    /// `predicted` (here, because the server may not be asked).
    pub basis: String,
    /// Why the server could not verify it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis_reason: Option<String>,
    /// `pending` when the configuration moved, `drift` when the world did.
    pub origin: String,
    /// Things to know.
    pub notes: Vec<Note>,
    /// What must be allowed by name before it happens.
    pub blocked: Vec<Blocked>,
}

/// One step, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepText {
    /// Its number in the plan.
    pub id: u32,
    /// The operation, as an imperative.
    pub text: String,
    /// Steps that must have ended well before.
    pub needs: Vec<u32>,
}

/// Something to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Note {
    /// The part concerned; empty when it is the whole.
    pub path: String,
    /// One line.
    pub text: String,
}

impl Plan {
    /// For machines; values that are sensitive are left out.
    pub fn new(plan: &plans::Plan) -> Self {
        let steps = Steps::of(plan);
        let change = |c| resource_change(&steps, c);
        let changes: Vec<_> = plan.changes.iter().map(change).collect();
        let outputs: BTreeMap<_, _> =
            plan.outputs.iter().map(|o| (o.name.clone(), output(o))).collect();
        let drifted =
            plan.changes.iter().filter(|c| c.origin == Origin::Drift && c.action.is_change());
        Self {
            format_version: PLAN_FORMAT.to_owned(),
            terraform_version: plan.fingerprints.engine.clone(),
            variables: BTreeMap::new(),
            planned_values: planned(plan),
            resource_drift: drifted.map(|c| drift(&steps, c)).collect(),
            deferred_changes: Vec::new(),
            prior_state: prior(plan),
            configuration: BTreeMap::new(),
            relevant_attributes: Vec::new(),
            checks: Vec::new(),
            timestamp: rfc3339(plan.made),
            applyable: plan.complete
                && plan.has_changes()
                && plan.mode != plans::Mode::Drift
                && !is_blocked(plan),
            complete: plan.complete,
            errored: !plan.complete,
            x_ops: plan_ops(plan, &changes, &outputs),
            resource_changes: changes,
            output_changes: outputs,
        }
    }
}

fn plan_ops(
    plan: &plans::Plan,
    changes: &[ResourceChange],
    outputs: &BTreeMap<String, Delta>,
) -> PlanOps {
    let target = plan.target.clone();
    let nodes = plan.brackets.iter().filter_map(|b| {
        Some(Node {
            name: b.scope.node_name()?.to_owned(),
            disruption: b.disruption.to_string(),
            steps: b.steps.iter().map(|s| s.0).collect(),
            forecast: b.forecast.clone(),
        })
    });
    PlanOps {
        plan_digest: digest(plan, changes, outputs),
        plan_id: plan.id.clone(),
        project: plan.project.clone(),
        mode: match plan.mode {
            plans::Mode::Normal => "normal",
            plans::Mode::Destroy => "destroy",
            plans::Mode::Drift => "drift",
        }
        .to_owned(),
        nodes: nodes.collect(),
        rollouts: Rollout::all(plan),
        clusters: vec![Cluster {
            name: target.name,
            server: target.server,
            uid: target.uid,
            version: target.version,
        }],
        preflight: plan.rights.iter().map(preflight).collect(),
        blocked: blocked(&plan.blocked, plan.deletions()),
        unverified: plan.changes.iter().filter(|c| is_unverified(c)).count(),
    }
}

fn is_unverified(c: &plans::Change) -> bool {
    c.action.is_change() && matches!(c.basis, Basis::Unverified(_) | Basis::Predicted(_))
}

/// Whether a right or a permission is missing.
fn is_blocked(plan: &plans::Plan) -> bool {
    let lacks = plan.rights.iter().any(|right| right.allowed == Some(false));
    lacks || !plan.blocked.is_empty() || plan.changes.iter().any(|c| !c.blocked.is_empty())
}

fn preflight(right: &plans::Right) -> Preflight {
    let plans::Right { verb, group, resource, namespace, name, needed_by, allowed } = right.clone();
    Preflight { verb, group, resource, namespace, name, needed_by, allowed }
}

fn blocked(guards: &[plans::Guard], deletions: usize) -> Vec<Blocked> {
    let one = |guard: &plans::Guard| Blocked {
        guard: guard.kind.name().to_owned(),
        why: guard.why.clone(),
        flag: plans::flag(guard.kind, deletions),
    };
    guards.iter().map(one).collect()
}

/// Over what the plan does and to which cluster, not when or from which state it was made.
fn digest(
    plan: &plans::Plan,
    changes: &[ResourceChange],
    outputs: &BTreeMap<String, Delta>,
) -> String {
    let effects = changes.iter().filter(|c| c.change.actions != ["no-op"]).cloned();
    // What is allowed by name does the same as what need not be.
    let effects = effects.map(|mut change| {
        change.x_ops.blocked.clear();
        change
    });
    let effects: Vec<ResourceChange> = effects.collect();
    let text = serde_json::to_string(&(&plan.project, &plan.target.uid, effects, outputs))
        .expect("names and plain JSON serialize");
    let rollouts = match Rollout::all(plan) {
        none if none.is_empty() => String::new(),
        some => serde_json::to_string(&some).expect("names and numbers serialize"),
    };
    crate::envelope::digest(&[&text, &rollouts])
}

/// `mode` as Terraform writes it.
pub(crate) fn mode(mode: addrs::Mode) -> &'static str {
    match mode {
        addrs::Mode::Managed => "managed",
        addrs::Mode::Data => "data",
    }
}

/// The key of an instance: a number, a text or nothing.
pub(crate) fn index(key: &InstanceKey) -> Option<Json> {
    match key {
        InstanceKey::None => None,
        InstanceKey::Index(i) => Some((*i).into()),
        InstanceKey::Key(key) => Some(key.to_string().into()),
    }
}

/// The steps of each instance.
struct Steps<'a>(BTreeMap<&'a InstanceAddr, Vec<&'a plans::Step>>);

impl<'a> Steps<'a> {
    fn of(plan: &'a plans::Plan) -> Self {
        let mut steps: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for step in &plan.steps {
            if let Some(addr) = &step.addr {
                steps.entry(addr).or_default().push(step);
            }
        }
        Self(steps)
    }
}

fn resource_change(steps: &Steps<'_>, c: &plans::Change) -> ResourceChange {
    let addr = &c.addr;
    let module = addr.module.to_string();
    let actions = if c.create_first { &["create", "delete"] } else { actions(c.action) };
    let mut change = delta(actions, c.before.as_ref(), c.after.as_ref());
    if let Some(Reason::CannotUpdate(paths)) = &c.reason {
        change.replace_paths = paths.iter().map(|p| path(p, c.before.as_ref())).collect();
    }
    ResourceChange {
        address: addr.to_string(),
        module_address: (!module.is_empty()).then_some(module),
        mode: mode(addr.mode).to_owned(),
        ty: addr.ty.to_string(),
        name: addr.name.to_string(),
        index: index(&addr.key),
        provider_name: PROVIDER.to_owned(),
        change,
        action_reason: c.reason.as_ref().and_then(reason).map(str::to_owned),
        x_ops: change_ops(steps, c),
    }
}

fn change_ops(steps: &Steps<'_>, c: &plans::Change) -> ChangeOps {
    let ids = |needs: &[StepId]| needs.iter().map(|id| id.0).collect();
    let steps = steps.0.get(&c.addr).into_iter().flatten();
    let (basis, basis_reason) = match &c.basis {
        Basis::Proven => ("proven", None),
        Basis::Server => ("server", None),
        Basis::Local => ("local", None),
        Basis::Unverified(why) => ("unverified", Some(why.clone())),
        Basis::Predicted(why) => ("predicted", Some(why.clone())),
    };
    ChangeOps {
        object: c.identity.shown.clone(),
        disruption: c.disruption.to_string(),
        node: c.scope.node_name().map(str::to_owned),
        stage: 1,
        steps: steps
            .map(|s| StepText { id: s.id.0, text: s.op.text.clone(), needs: ids(&s.needs) })
            .collect(),
        conflicts: Vec::new(),
        basis: basis.to_owned(),
        basis_reason,
        origin: match c.origin {
            Origin::Pending => "pending",
            Origin::Drift => "drift",
        }
        .to_owned(),
        notes: c
            .notes
            .iter()
            .map(|n| Note { path: n.path.to_string(), text: n.text.clone() })
            .collect(),
        // A guard of one change is lifted by its kind alone.
        blocked: blocked(&c.blocked, 0),
    }
}

/// From what was applied to what is there: the way back of the change that would repair it.
fn drift(steps: &Steps<'_>, c: &plans::Change) -> ResourceChange {
    let action = match c.action {
        Action::Create => Action::Delete,
        Action::Delete => Action::Create,
        Action::NoOp | Action::Update | Action::Replace | Action::Forget => Action::Update,
    };
    let change = delta(actions(action), c.after.as_ref(), c.before.as_ref());
    ResourceChange { change, action_reason: None, ..resource_change(steps, c) }
}

fn actions(action: Action) -> &'static [&'static str] {
    match action {
        Action::NoOp => &["no-op"],
        Action::Create => &["create"],
        Action::Update => &["update"],
        Action::Replace => &["delete", "create"],
        Action::Delete => &["delete"],
        Action::Forget => &["forget"],
    }
}

fn reason(reason: &Reason) -> Option<&'static str> {
    match reason {
        Reason::NotInConfiguration => Some("delete_because_no_resource_config"),
        Reason::KeyGone => Some("delete_because_each_key"),
        Reason::IndexGone => Some("delete_because_count_index"),
        Reason::Disabled => Some("delete_because_enabled_false"),
        Reason::CannotUpdate(_) => Some("replace_because_cannot_update"),
        Reason::Requested => Some("replace_by_request"),
        Reason::Triggered(_) => Some("replace_by_triggers"),
        Reason::Destroy => None,
    }
}

/// Names and positions; the item of a keyed list by its position before.
fn path(path: &Path, before: Option<&Value>) -> Vec<Json> {
    let mut out = Vec::new();
    let mut at = before;
    for step in path.steps() {
        let (json, next) = match step {
            Step::Attr(name) => (name.to_string().into(), at.and_then(|v| v.get(name))),
            Step::Index(i) => ((*i).into(), at.and_then(|v| v.as_list()?.get(*i))),
            Step::Item(key) => {
                let items = at.and_then(Value::as_list).unwrap_or_default();
                match items.iter().position(|item| key.matches(item)) {
                    Some(i) => (i.into(), items.get(i)),
                    None => (key.to_string().into(), None),
                }
            }
        };
        out.push(json);
        at = next;
    }
    out
}

fn output(o: &plans::OutputChange) -> Delta {
    let action = match (&o.before, &o.after) {
        (None, None) => Action::NoOp,
        (None, Some(_)) => Action::Create,
        (Some(_), None) => Action::Delete,
        (Some(a), Some(b)) if a == b => Action::NoOp,
        (Some(_), Some(_)) => Action::Update,
    };
    delta(actions(action), o.before.as_ref(), o.after.as_ref())
}

fn delta(actions: &[&str], before: Option<&Value>, after: Option<&Value>) -> Delta {
    // What was read from the world carries no marks; the configuration's marks count for both.
    let (before, after) = match (before, after) {
        (Some(a), Some(b)) => {
            let (a, b) = values::hide_alike(a, b);
            (Some(a), Some(b))
        }
        (a, b) => (a.cloned(), b.cloned()),
    };
    let of = |v: &Option<Value>, f: fn(&Value) -> Json, none: Json| v.as_ref().map_or(none, f);
    Delta {
        actions: actions.iter().map(|a| (*a).to_owned()).collect(),
        before: of(&before, shown, Json::Null),
        after: of(&after, shown, Json::Null),
        after_unknown: of(&after, unknown, Json::Object(serde_json::Map::new())),
        before_sensitive: of(&before, sensitive, false.into()),
        after_sensitive: of(&after, sensitive, false.into()),
        replace_paths: Vec::new(),
    }
}

fn planned(plan: &plans::Plan) -> StateValues {
    let kept = plan.changes.iter().filter_map(|c| match c.action {
        Action::Delete | Action::Forget => None,
        _ => Some((&c.addr, hidden(c).1?)),
    });
    let outputs = plan.outputs.iter().filter_map(|o| Some((o.name.as_str(), o.after.as_ref()?)));
    StateValues::new(outputs, modules(kept.map(|(a, v)| Resource::with_values(a, &v))))
}

fn prior(plan: &plans::Plan) -> PriorState {
    let there = plan.changes.iter().filter_map(|c| Some((&c.addr, hidden(c).0?)));
    let outputs = plan.outputs.iter().filter_map(|o| Some((o.name.as_str(), o.before.as_ref()?)));
    let root: Module = modules(there.map(|(a, v)| Resource::with_values(a, &v)));
    PriorState {
        format_version: STATE_FORMAT.to_owned(),
        terraform_version: plan.fingerprints.engine.clone(),
        values: StateValues::new(outputs, root),
    }
}

/// Before and after, with everything hidden that either of them hides.
fn hidden(c: &plans::Change) -> (Option<Value>, Option<Value>) {
    match (&c.before, &c.after) {
        (Some(a), Some(b)) => {
            let (a, b) = values::hide_alike(a, b);
            (Some(a), Some(b))
        }
        (a, b) => (a.clone(), b.clone()),
    }
}
