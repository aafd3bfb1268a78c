//! Labels, annotations and taints of a node, and whether pods are scheduled on it.
//!
//! A node is made by its kubelet, not here: this block sets single things on a node that
//! exists, and leaves everything else on it alone. What others set is not touched, and when
//! the block goes, what it set goes, and the node stays.
//!
//! ```hcl
//! resource "node_settings" "worker_1" {
//!   node        = "worker-1"
//!   labels      = { "example.com/disk" = "ssd" }
//!   annotations = { "example.com/rack" = "A 7" }
//!
//!   taint {
//!     key    = "example.com/dedicated"
//!     value  = "database"
//!     effect = "NoSchedule"
//!   }
//! }
//! ```
//!
//! For all nodes of a kind, take their names from `data "nodes"`. What was there already with
//! the wanted value is not taken over: when the block goes, it stays.
//!
//! # Ownership
//!
//! What the block set is written on the node, in the annotation `clinch/node-settings`. A
//! label or annotation that a controller owns is an error that names the controller; one that
//! somebody set by hand (`kubectl label`) is overwritten, and the plan says so. Taints of the
//! same key and effect likewise. All is changed in one request, which fails if the node is not
//! as the plan saw it.
//!
//! # Risks
//!
//! A taint with the effect `NoExecute` evicts pods that do not tolerate it at once, without
//! regard to disruption budgets. `unschedulable` stops new pods only; it does not drain the
//! node. A label that is overwritten does not come back when the block goes.
//!
//! # See also
//!
//! [Taints and Tolerations](https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/),
//! [Nodes](https://kubernetes.io/docs/concepts/architecture/nodes/)

mod merge;

use crate::api::ObjectRef;
use crate::args::{self, entries, get, items, text};
use crate::codes;
use crate::settings::{RECORD, Record, taint_name};
use addrs::{Scope, TypeName};
use apimachinery::names;
use merge::Merge;
use plans::{Identity, ObjectKey, Problem};
use provider::{Observation, PlanRequest, Planned, ResourceKind};
use std::collections::BTreeSet;
use values::{Attr, Path, Role, Schema, Type, Value};

/// Labels, annotations and taints of a node.
pub struct NodeSettings {
    name: TypeName,
    schema: Schema,
}

impl NodeSettings {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name("node_settings"), schema: schema() }
    }
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self::new()
    }
}

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Labels that the kubelet writes about itself.
const KUBELETS: [&str; 3] = ["kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch"];

/// Taints that the cluster's controllers put on and take off.
const CONTROLLERS: [&str; 2] = ["node.kubernetes.io/", "node.cloudprovider.kubernetes.io/"];

fn schema() -> Schema {
    let taint =
        Type::object([("key", Type::String), ("value?", Type::String), ("effect", Type::String)]);
    let strings = || Type::map(Type::String);
    Schema::new(vec![
        Attr::new("node", Type::String, Role::Identity, "The node, which exists."),
        Attr::new(
            "labels",
            strings(),
            Role::Optional,
            "Labels of the node. Labels that others set are left alone.",
        ),
        Attr::new(
            "annotations",
            strings(),
            Role::Optional,
            "Annotations of the node. Annotations that others set are left alone.",
        ),
        Attr::new(
            "taint",
            Type::list(taint),
            Role::Optional,
            "What pods must tolerate: a `key`, a `value` if there is one, and an `effect`: \
             `NoSchedule`, `PreferNoSchedule` or `NoExecute`. Taints that others set are left \
             alone.",
        )
        .as_block(),
        Attr::new(
            "unschedulable",
            Type::Bool,
            Role::Optional,
            "Whether no new pods come to the node (`kubectl cordon`). Left out it is not managed.",
        ),
        Attr::new("uid", Type::String, Role::Computed, "The identifier of the node."),
    ])
}

fn node_key(node: &str) -> ObjectKey {
    ObjectRef::cluster_wide("v1", "Node", node).key()
}

impl ResourceKind for NodeSettings {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("mod.rs")
    }

    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        let node = text(args, "node");
        let problems = args::check_name("node", node, names::dns_1123_subdomain);
        if problems.is_empty() { Ok(identity(node)) } else { Err(problems) }
    }

    fn scope(&self, _identity: &Identity) -> Scope {
        Scope::cluster()
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let mut problems = args::check_metadata(args, &Path::root());
        let mut wrong = |path: Path, detail: String, help: Option<String>| {
            let problem = Problem::error(codes::NODE, "Invalid node setting", path, detail);
            problems.push(Problem { help, ..problem });
        };
        for (key, _) in entries(get(args, "labels")).filter(|(key, _)| KUBELETS.contains(key)) {
            let detail = format!("The kubelet writes the label `{key}` and would write it again.");
            wrong(Path::of("labels").attr(key), detail, Some("Remove it.".to_owned()));
        }
        if entries(get(args, "annotations")).any(|(key, _)| key == RECORD) {
            let detail = format!("In `{RECORD}` clinch says what of the node is its own.");
            wrong(Path::of("annotations").attr(RECORD), detail, Some("Remove it.".to_owned()));
        }
        let mut seen = BTreeSet::new();
        for (i, taint) in items(get(args, "taint")).iter().enumerate() {
            let at = Path::of("taint").index(i);
            check_taint(taint, &at, &mut wrong);
            if !seen.insert(taint_name(taint)) && taint.is_known() {
                let detail = "There is another taint with this key and effect.".to_owned();
                wrong(at, detail, Some("A node has one of each; remove one block.".to_owned()));
            }
        }
        crate::shown::without_secrets(problems, args)
    }

    fn needs(&self, _identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        vec![node_key(text(args, "node"))]
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        plan(&self.name, request).unwrap_or_else(Planned::Failed)
    }
}

/// The settings of a node, in the terms that the I/O half reads.
pub(crate) fn identity(node: &str) -> Identity {
    let args = Value::map([
        ("api_version", "v1".into()),
        ("kind", "Node".into()),
        ("namespace", Value::Null),
        ("name", node.into()),
    ]);
    Identity {
        key: ObjectKey(format!("{}#settings", node_key(node)).into()),
        args,
        shown: format!("settings of node {node}"),
    }
}

fn check_taint(taint: &Value, at: &Path, wrong: &mut impl FnMut(Path, String, Option<String>)) {
    if let Some(key) = get(taint, "key").as_str() {
        for why in names::qualified_name(key) {
            wrong(at.clone().attr("key"), format!("`{key}` cannot be the key: {why}."), None);
        }
        if CONTROLLERS.iter().any(|prefix| key.starts_with(prefix)) {
            let detail = format!("The cluster puts the taint `{key}` on and takes it off itself.");
            let help = match key {
                "node.kubernetes.io/unschedulable" => "Write `unschedulable = true` instead.",
                _ => "Choose a key with a domain of your own.",
            };
            wrong(at.clone().attr("key"), detail, Some(help.to_owned()));
        }
    }
    for why in get(taint, "value").as_str().map(names::label_value).unwrap_or_default() {
        wrong(at.clone().attr("value"), format!("No taint can have this value: {why}."), None);
    }
    if let Some(effect) = get(taint, "effect").as_str().filter(|e| !EFFECTS.contains(e)) {
        let help = match diags::did_you_mean(effect, EFFECTS) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => "Use `NoSchedule`, `PreferNoSchedule` or `NoExecute`.".to_owned(),
        };
        wrong(at.clone().attr("effect"), format!("There is no effect `{effect}`."), Some(help));
    }
}

type Answer = Result<Planned, Vec<Problem>>;

fn plan(ty: &TypeName, request: &PlanRequest<'_>) -> Answer {
    let node = request.identity.args.get("name").and_then(Value::as_str).unwrap_or("");
    let live = match (request.observed, request.desired) {
        (Observation::Unknown(problem), _) => return Err(vec![problem.clone()]),
        (Observation::Present(live), _) => live,
        (Observation::Absent, None) => return Ok(Planned::forgotten("the node is gone")),
        (Observation::Absent, Some(_)) => {
            let detail = format!("There is no node `{node}` in the cluster.");
            let problem =
                Problem::error(codes::NO_NODE, "Node does not exist", Path::of("node"), detail);
            return Err(vec![
                problem.with_help("Check the name; `data \"nodes\"` lists the names of all nodes."),
            ]);
        }
    };
    let record = record(request, live)?;
    let nothing = Value::empty_map();
    let args = request.desired.unwrap_or(&nothing);
    let mut merge = Merge::new(live, record.clone().unwrap_or(Record::new(request.project)));
    merge.ignored = request.ignore;
    merge.strings("labels", get(args, "labels"));
    merge.strings("annotations", get(args, "annotations"));
    merge.taints(get(args, "taint"));
    merge.schedulable(get(args, "unschedulable"));
    if !merge.problems.is_empty() {
        return Err(merge.problems);
    }
    Ok(merge.decided(ty, request, record.as_ref()))
}

fn record(request: &PlanRequest<'_>, live: &Value) -> Result<Option<Record>, Vec<Problem>> {
    let shown = &request.identity.shown;
    let problem = |code, summary, detail: String, help: String| {
        vec![Problem::error(code, summary, Path::root(), detail).with_help(help)]
    };
    match Record::of(live) {
        Err(text) => Err(problem(
            codes::STRANGE,
            "Ownership is not understood",
            format!(
                "The annotation `{RECORD}` of the node says what of it is whose, and this \
                 version of clinch does not understand it: {text:?}."
            ),
            "Use the version of clinch that wrote it, or remove the annotation.".to_owned(),
        )),
        Ok(Some(record)) if record.project != request.project => Err(problem(
            codes::OTHER_PROJECT,
            "Object of another project",
            format!("The {shown} belong to project `{}`.", record.project),
            "Manage the settings of a node in one project only.".to_owned(),
        )),
        Ok(record) => Ok(record),
    }
}

/// A taint without the time at which it was added.
fn plain_taint(taint: &Value) -> Value {
    let parts = ["key", "value", "effect"].into_iter();
    let parts = parts.filter_map(|name| Some((name, taint.get(name)?.clone())));
    Value::map(parts.filter(|(_, value)| !value.is_null() && value.as_str() != Some("")))
}

fn evicts(path: &Path) -> Problem {
    let detail = "Pods on the node that do not tolerate this taint are evicted at once, without \
                  regard to disruption budgets.";
    let path = path.clone().attr("effect");
    Problem::warning(codes::NODE_EFFECT, "Taint evicts pods", path, detail)
        .with_help("Drain the node first, or use `NoSchedule`.")
}

fn told(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("{other:?}"),
    }
}
