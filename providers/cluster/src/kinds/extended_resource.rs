//! A resource that a node advertises and that Kubernetes only counts.
//!
//! Dongles, licences, slots of a special disk: pods ask for them like for memory, and the
//! scheduler sees that no node gives away more than it has. What the resource is, Kubernetes
//! does not know.
//!
//! ```hcl
//! resource "extended_resource" "dongles" {
//!   node     = "worker-1"
//!   name     = "example.com/dongle"
//!   quantity = 4
//! }
//! ```
//!
//! The amount is written to the capacity of the node. The node's kubelet takes it over into
//! what can be allocated, within about ten seconds; until then, and while the kubelet is
//! down, no pod gets it.
//!
//! # Drift
//!
//! Three things happen to such a capacity, and the plan tells them apart: it is *missing*
//! (the node was removed and joined again), it is *zero* (the kubelet resets it when its
//! directory was wiped), or it is *different* (someone else wrote it). Each is put right by
//! an apply, which disturbs nothing.
//!
//! # Risks
//!
//! A device plugin that advertises the same name overwrites the amount. Lowering or removing
//! it does not stop pods that use it. `800Gi` is a whole number and so a valid amount, but
//! changing the unit changes what existing pods asked for.
//!
//! An amount that is there already and differs is overwritten only when somebody set it by hand
//! (`kubectl`, `curl`), and the plan says so; one of a program, such as the kubelet for a device
//! plugin, is an error. No label can say whose an amount is, so a state that is lost is rebuilt
//! from the configuration: a capacity that is as configured is taken as ours.
//!
//! # See also
//!
//! [Advertise Extended Resources for a Node](https://kubernetes.io/docs/tasks/administer-cluster/extended-resource-node/)

use crate::api::ObjectRef;
use crate::args::{self, get, text};
use crate::canon::canonical_quantity;
use crate::digest::digest;
use crate::{codes, ownership, shown};
use addrs::{Scope, TypeName};
use apimachinery::{Quantity, names};
use plans::{Action, Basis, Identity, Note, ObjectKey, Op, Problem};
use provider::{Decision, Observation, PlanRequest, Planned, ResourceKind};
use values::{Attr, Path, Role, Schema, Type, Value};

/// A counted resource of a node.
pub struct ExtendedResource {
    name: TypeName,
    schema: Schema,
}

impl ExtendedResource {
    /// Ready for the catalog.
    pub fn new() -> Self {
        Self { name: crate::type_name("extended_resource"), schema: schema() }
    }
}

impl Default for ExtendedResource {
    fn default() -> Self {
        Self::new()
    }
}

fn schema() -> Schema {
    let identity = |name, doc| Attr::new(name, Type::String, Role::Identity, doc);
    let computed = |name, doc| Attr::new(name, Type::String, Role::Computed, doc);
    Schema::new(vec![
        identity("node", "The node that has it."),
        identity(
            "name",
            "The name, with a domain: `example.com/dongle`. Domains of `kubernetes.io` are \
             reserved.",
        ),
        Attr::new(
            "quantity",
            Type::String,
            Role::Required,
            "How many there are: a whole number, not negative, also with a suffix (`800Gi`).",
        ),
        computed("uid", "The identifier of the node."),
        computed("allocatable", "How many pods can be given, as the kubelet says."),
    ])
}

impl ResourceKind for ExtendedResource {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        args::page!("extended_resource.rs")
    }

    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        let (node, resource) = (text(args, "node"), text(args, "name"));
        let mut problems = args::check_name("node", node, names::dns_1123_subdomain);
        if let Some(why) = names::extended_resource(resource) {
            problems.push(Problem::error(
                codes::EXTENDED,
                "Invalid extended resource",
                Path::of("name"),
                format!("{why}."),
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let node_key = node_key(node);
        let args = Value::map([
            ("api_version", "v1".into()),
            ("kind", "Node".into()),
            ("namespace", Value::Null),
            ("name", node.into()),
            ("resource", resource.into()),
        ]);
        Ok(Identity {
            key: ObjectKey(format!("{node_key}#{resource}").into()),
            args,
            shown: format!("{resource} of node {node}"),
        })
    }

    fn scope(&self, _identity: &Identity) -> Scope {
        Scope::cluster()
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let (given, _) = get(args, "quantity").exposed();
        let Some(given) = given.as_str() else { return Vec::new() };
        let why = match Quantity::parse(given) {
            Err(why) => format!("`{given}` is not a quantity: {why}."),
            Ok(amount) if amount.is_negative() => format!("{given} is negative."),
            Ok(amount) if !amount.is_integer() => {
                format!("{given} is no whole number, and an extended resource is counted.")
            }
            Ok(_) => return Vec::new(),
        };
        let path = Path::of("quantity");
        // What is hidden is judged, since no server would, and not quoted.
        if get(args, "quantity").has_sensitive() {
            let why = "The amount is no whole number, not negative.";
            return vec![Problem::error(codes::EXTENDED, "Invalid extended resource", path, why)];
        }
        let help = Quantity::parse(given).is_err().then(|| args::quantity_hint(given)).flatten();
        let problem = Problem::error(codes::EXTENDED, "Invalid extended resource", path, why);
        vec![Problem { help, ..problem }]
    }

    fn needs(&self, _identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        vec![node_key(text(args, "node"))]
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        let case = Case {
            ty: &self.name,
            request,
            node: part(request, "name"),
            resource: part(request, "resource"),
        };
        let answer = match request.desired {
            Some(args) => case.wanted(args),
            None => case.unwanted(),
        };
        answer.unwrap_or_else(|problem| Planned::Failed(vec![problem]))
    }
}

fn node_key(node: &str) -> ObjectKey {
    ObjectRef::cluster_wide("v1", "Node", node).key()
}

fn part<'a>(request: &PlanRequest<'a>, name: &str) -> &'a str {
    request.identity.args.get(name).and_then(Value::as_str).unwrap_or("")
}

struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    node: &'a str,
    resource: &'a str,
}

impl Case<'_> {
    fn wanted(&self, args: &Value) -> Result<Planned, Problem> {
        let live = match self.request.observed {
            Observation::Unknown(problem) => return Err(problem.clone()),
            Observation::Absent if self.request.created.contains(&node_key(self.node)) => None,
            Observation::Absent => return Err(self.no_node()),
            Observation::Present(live) => Some(live),
        };
        let amount = canonical_quantity(get(args, "quantity"));
        let ignored = self.request.ignore.iter().any(|path| *path == Path::of("quantity"));
        let now = live.and_then(|live| self.amount(live, "capacity"));
        if let (Some(live), Some(now), false) = (live, &now, ignored) {
            self.may_take(live, now, &amount)?;
        }
        let action = match &now {
            _ if !amount.is_known() && now.is_none() => Action::Create,
            _ if !amount.is_known() => Action::Update,
            None => Action::Create,
            Some(now) if ignored || equal(now, &amount) => Action::NoOp,
            Some(_) => Action::Update,
        };
        let amount = if ignored { now.clone().unwrap_or(amount) } else { amount };
        let before = now.as_ref().map(|now| self.shown(now));
        let after = if action == Action::NoOp { before.clone() } else { Some(self.shown(&amount)) };
        let verb = if action == Action::Create { "advertise" } else { "set" };
        let ops = if action == Action::NoOp {
            Vec::new()
        } else {
            let what = format!("{verb} {}", self.request.identity.shown);
            vec![self.op("set_capacity", amount.clone(), live, what)]
        };
        let basis = match live {
            None => Basis::Unverified(format!("node `{}` is created by this plan", self.node)),
            Some(_) if amount.is_known() => Basis::Local,
            Some(_) => Basis::Unverified("values known after apply".to_owned()),
        };
        let intent = Value::map([
            ("node", self.node.into()),
            ("name", self.resource.into()),
            ("quantity", amount.clone()),
        ]);
        let digest = digest(self.request.project, &intent);
        let notes = |live| self.notes(live, now.as_ref(), &amount, &digest);
        let notes = live.map(notes).unwrap_or_default();
        Ok(Planned::Decided(Box::new(Decision {
            before,
            after,
            exported: self.exported(args, live, action),
            basis,
            ops,
            digest,
            uid: live.and_then(shown::uid).map(str::to_owned),
            notes,
            ..Decision::plain(action)
        })))
    }

    fn unwanted(&self) -> Result<Planned, Problem> {
        let live = match self.request.observed {
            Observation::Unknown(problem) => return Err(problem.clone()),
            Observation::Absent => return Ok(Planned::forgotten("the node is gone")),
            Observation::Present(live) => live,
        };
        let Some(now) = self.amount(live, "capacity") else {
            return Ok(Planned::forgotten("the node does not have it any more"));
        };
        let recorded = self.request.recorded.and_then(|recorded| recorded.uid.as_deref());
        if recorded.is_some_and(|uid| shown::uid(live) != Some(uid)) {
            return Ok(Planned::forgotten(
                "the node was removed and joined again; what it has is not ours",
            ));
        }
        let what = format!("remove {}", self.request.identity.shown);
        Ok(Planned::Decided(Box::new(Decision {
            before: Some(self.shown(&now)),
            ops: vec![self.op("unset_capacity", Value::Null, Some(live), what)],
            uid: shown::uid(live).map(str::to_owned),
            ..Decision::plain(Action::Delete)
        })))
    }

    /// Who wrote an amount that this configuration does not remember; `None` for our own, for
    /// none, and for zero, which says nothing.
    fn strangers(&self, live: &Value, now: &Value) -> Option<Vec<String>> {
        let field = ["status", "capacity", self.resource];
        let managers = ownership::managers(live, "status", &field);
        let ours = managers.iter().any(|manager| manager == ownership::MANAGER);
        let known = self.request.recorded.is_some() || ours || told(now) == "0";
        (!known).then_some(managers)
    }

    /// An amount of a program is never overwritten: a device plugin would write it again.
    fn may_take(&self, live: &Value, now: &Value, amount: &Value) -> Result<(), Problem> {
        if amount.is_known() && equal(now, amount) {
            return Ok(());
        }
        let strangers = self.strangers(live, now).unwrap_or_default();
        let Some(program) = strangers.iter().find(|manager| !by_hand(manager)) else {
            return Ok(());
        };
        let detail = format!(
            "Node `{}` has {} of `{}` already. `{program}` wrote that, not this configuration.",
            self.node,
            told(now),
            self.resource,
        );
        let path = Path::of("quantity");
        Err(Problem::error(codes::EXISTS, "Amount already exists", path, detail).with_help(
            "Remove the block to leave the amount as it is. To set it here all the same, remove \
             it from the node first; a device plugin would write it again.",
        ))
    }

    /// What the node has of it, in the given part of its status.
    fn amount(&self, live: &Value, of: &str) -> Option<Value> {
        live.get("status")?.get(of)?.get(self.resource).map(canonical_quantity)
    }

    fn shown(&self, amount: &Value) -> Value {
        Value::map([
            ("node", self.node.into()),
            ("name", self.resource.into()),
            ("quantity", amount.clone()),
        ])
    }

    fn op(&self, name: &str, value: Value, live: Option<&Value>, text: String) -> Op {
        let uid = live.and_then(shown::uid);
        let guard = uid.map_or(Value::Null, |uid| Value::map([("uid", uid.into())]));
        Op {
            ty: self.ty.clone(),
            name: name.to_owned(),
            identity: self.request.identity.clone(),
            args: Value::map([("resource", self.resource.into()), ("value", value)]),
            guard,
            text,
        }
    }

    fn exported(&self, args: &Value, live: Option<&Value>, action: Action) -> Value {
        let mut map = args.as_map().cloned().unwrap_or_default();
        let uid = live.and_then(shown::uid);
        map.insert("uid".into(), uid.map_or(Value::Unknown(Type::String), Value::from));
        let allocatable = live.and_then(|live| self.amount(live, "allocatable"));
        let allocatable = match (action, allocatable) {
            (Action::NoOp, Some(amount)) => amount,
            (Action::NoOp, None) => Value::Null,
            _ => Value::Unknown(Type::String),
        };
        map.insert("allocatable".into(), allocatable);
        Value::map(map)
    }

    fn notes(&self, live: &Value, now: Option<&Value>, amount: &Value, digest: &str) -> Vec<Note> {
        let mut texts = Vec::new();
        let remembered = self.request.recorded.is_some();
        let asked_anew =
            self.request.recorded.is_some_and(|r| !r.digest.is_empty() && r.digest != digest);
        match now {
            None if remembered => texts.push(
                "missing: the node does not have it any more, as after it was removed and \
                 joined again"
                    .to_owned(),
            ),
            Some(now) if !amount.is_known() || equal(now, amount) => {
                if let Some(allocatable) = self.amount(live, "allocatable")
                    && !equal(&allocatable, now)
                {
                    texts.push(format!(
                        "pods can be given {}: the kubelet has not taken it over",
                        told(&allocatable)
                    ));
                }
            }
            Some(now) if told(now) == "0" => texts.push(
                "zero: the kubelet resets it when it starts with an empty directory".to_owned(),
            ),
            // Another number than was applied last, while the configuration asks for the same.
            Some(now) if remembered && !asked_anew => {
                texts.push(format!("different: someone else set it to {}", told(now)));
            }
            Some(now) => {
                if let Some(strangers) = self.strangers(live, now) {
                    let by = strangers.first().map(|name| format!(", set by hand (`{name}`)"));
                    let by = by.unwrap_or_else(|| ", and nobody knows who set it".to_owned());
                    texts.push(format!("was {}{by}; an apply overwrites it", told(now)));
                }
            }
            None => {}
        }
        texts.into_iter().map(|text| Note { path: Path::of("quantity"), text }).collect()
    }

    fn no_node(&self) -> Problem {
        let detail = format!("There is no node `{}` in the cluster.", self.node);
        Problem::error(codes::NO_NODE, "Node does not exist", Path::of("node"), detail)
            .with_help("Check the name; `data \"nodes\"` lists the names of all nodes.")
    }
}

/// People follow the documentation's page with `curl`.
fn by_hand(manager: &str) -> bool {
    ownership::by_hand(manager) || manager == "curl"
}

fn told(amount: &Value) -> String {
    amount.as_str().unwrap_or("something else").to_owned()
}

fn equal(a: &Value, b: &Value) -> bool {
    let quantity = |value: &Value| Quantity::parse(value.exposed().0.as_str()?).ok();
    match (quantity(a), quantity(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
