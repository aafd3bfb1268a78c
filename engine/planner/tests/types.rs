//! Made-up types: a `thing` has a name, a size that can be changed in place, a colour that
//! cannot, and may stand `in` another thing; a `unit` called `w1/a` stands on node `w1` and costs
//! a drain, or what its colour says; `names` is a data source. A thing called `set` is two objects,
//! of which one goes after the other.

use addrs::{Scope, TypeName};
use diags::Code;
use lang::Schemas;
use plans::{Action, Basis, Guard, GuardKind, Identity, ObjectKey, Op, Problem};
use provider::{
    Bracketing, Catalog, DataKind, Decision, Edits, NoRecipe, Observation, PlanRequest, Planned,
    Preview, Recipe, ResourceKind, Wanted,
};
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

pub(crate) const PROBLEM: Code = Code("E9999");

struct Kind {
    name: TypeName,
    schema: Schema,
    costly: bool,
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey(name.into())
}

impl ResourceKind for Kind {
    fn name(&self) -> &TypeName {
        &self.name
    }
    fn schema(&self) -> &Schema {
        &self.schema
    }
    fn page(&self) -> &'static str {
        ""
    }
    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        let name = args.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Identity { key: key(&name), args: Value::from(name.as_str()), shown: name })
    }
    fn scope(&self, identity: &Identity) -> Scope {
        let node = identity.shown.split('/').next().unwrap_or_default();
        if self.costly { Scope::node(node) } else { Scope::cluster() }
    }
    fn check(&self, args: &Value) -> Vec<Problem> {
        match args.get("size").and_then(Value::as_number) {
            Some(size) if size.to_string().starts_with('-') => {
                let path = Path::of("size");
                vec![Problem::error(PROBLEM, "Negative size", path, "A size is not negative.")]
            }
            _ => Vec::new(),
        }
    }
    fn needs(&self, _: &Identity, args: &Value) -> Vec<ObjectKey> {
        args.get("in").and_then(Value::as_str).map(key).into_iter().collect()
    }
    fn provides(&self, identity: &Identity, _: &Value) -> Vec<ObjectKey> {
        vec![key(&format!("room-of-{}", identity.shown))]
    }
    fn check_against(&self, _: &Identity, args: &Value, provider: &Value) -> Vec<Problem> {
        let size = |of: &Value| of.get("size").and_then(Value::as_number).cloned();
        match (size(args), size(provider)) {
            (Some(own), Some(room)) if own > room => {
                let detail = "It is larger than what it stands in.";
                vec![Problem::error(PROBLEM, "No room", Path::of("size"), detail)]
            }
            _ => Vec::new(),
        }
    }
    fn plan(&self, r: &PlanRequest<'_>) -> Planned {
        let observed = match r.observed {
            Observation::Unknown(problem) => return Planned::Failed(vec![problem.clone()]),
            Observation::Absent => None,
            Observation::Present(value) => Some(value.clone()),
        };
        let op = |name: &str, args: Value| Op {
            ty: self.name.clone(),
            name: name.to_owned(),
            identity: r.identity.clone(),
            args,
            guard: Value::Null,
            text: format!("{name} {}", r.identity.shown),
        };
        let Some(desired) = r.desired else {
            let mut ops = if observed.is_some() { vec![op("delete", Value::Null)] } else { vec![] };
            if observed.is_some() && r.identity.shown == "set" {
                ops.push(op("delete the rest of", Value::Null));
            }
            let action = if observed.is_some() { Action::Delete } else { Action::Forget };
            return decided(action, observed, None, ops, Disruption::Quiet, Value::Null);
        };
        let wanted = Value::map(
            ["size", "colour"].map(|n| (n, desired.get(n).cloned().unwrap_or(Value::Null))),
        );
        let uid = if observed.is_some() {
            Value::from(format!("uid-of-{}", r.identity.shown))
        } else {
            Value::Unknown(Type::String)
        };
        let mut exported = desired.as_map().cloned().unwrap_or_default();
        exported.insert("uid".into(), uid);
        let exported = Value::map(exported);
        let cost = match desired.get("colour").and_then(Value::as_str) {
            _ if !self.costly => Disruption::Quiet,
            Some("reboot") => Disruption::Reboot,
            Some("restart") => Disruption::Restart,
            Some(_) | None => Disruption::Drain,
        };
        match observed {
            Some(live) if live == wanted => {
                decided(Action::NoOp, Some(live.clone()), Some(live), vec![], cost, exported)
            }
            Some(live) if live.get("colour") != wanted.get("colour") => {
                let ops = vec![op("delete", Value::Null), op("create", wanted.clone())];
                decided(Action::Replace, Some(live), Some(wanted), ops, cost, exported)
            }
            live => {
                let create = live.is_none();
                let name = if create { "create" } else { "update" };
                let op = op(name, wanted.clone());
                if r.preview.is_none() && desired.get("ask").and_then(Value::as_bool) == Some(true)
                {
                    return Planned::NeedsPreview(op);
                }
                if let Some(Preview::Refused(why)) = r.preview {
                    let why = why.as_str().unwrap_or_default();
                    let problem = Problem::error(PROBLEM, "Refused", Path::of("size"), why);
                    return Planned::Failed(vec![problem]);
                }
                let action = if create { Action::Create } else { Action::Update };
                decided(action, live, Some(wanted), vec![op], cost, exported)
            }
        }
    }
}

fn decided(
    action: Action,
    before: Option<Value>,
    after: Option<Value>,
    ops: Vec<Op>,
    disruption: Disruption,
    exported: Value,
) -> Planned {
    let name = exported.get("name").and_then(Value::as_str);
    let last = name.is_some_and(|name| name.starts_with("front"));
    Planned::Decided(Box::new(Decision {
        action,
        replaced_for: Vec::new(),
        before,
        digest: format!("{after:?}"),
        after,
        exported,
        basis: Basis::Local,
        disruption: if ops.is_empty() { Disruption::Quiet } else { disruption },
        ops,
        uid: None,
        notes: Vec::new(),
        warnings: Vec::new(),
        guards: Vec::new(),
        last,
    }))
}

struct Names {
    name: TypeName,
    schema: Schema,
}

impl DataKind for Names {
    fn name(&self) -> &TypeName {
        &self.name
    }
    fn schema(&self) -> &Schema {
        &self.schema
    }
    fn page(&self) -> &'static str {
        ""
    }
    fn check(&self, _: &Value) -> Vec<Problem> {
        Vec::new()
    }
}

struct Drains;

impl Bracketing for Drains {
    fn all(&self) -> Wanted {
        let identity =
            Identity { key: key("nodes"), args: Value::Null, shown: "all nodes".to_owned() };
        Wanted { ty: "unit".parse().expect("an identifier"), identity }
    }

    fn looks(&self, edits: &Edits<'_>) -> Option<Wanted> {
        let Edits { scope, cost, .. } = *edits;
        let identity = Identity {
            key: key(&format!("on-{scope}")),
            args: Value::Null,
            shown: scope.to_string(),
        };
        let ty = "unit".parse().expect("an identifier");
        (cost == Disruption::Drain || edits.left_open).then_some(Wanted { ty, identity })
    }

    fn recipe(
        &self,
        edits: &Edits<'_>,
        seen: Option<&Observation>,
    ) -> Result<Option<Recipe>, NoRecipe> {
        let Edits { scope, cost, .. } = *edits;
        match cost {
            _ if edits.left_open && cost < Disruption::Drain => {}
            Disruption::Quiet | Disruption::Reload | Disruption::Restart => return Ok(None),
            Disruption::Drain => {}
            Disruption::Reboot => {
                return Err(NoRecipe::Unknown(format!("nobody knows how to {cost} {scope}")));
            }
        }
        let runs = match seen {
            Some(Observation::Present(runs)) => runs.as_str().unwrap_or("?").to_owned(),
            Some(Observation::Unknown(why)) => return Err(NoRecipe::Unseen(why.clone())),
            Some(Observation::Absent) | None => "nothing".to_owned(),
        };
        let lost = runs.contains("data");
        let guard = || Guard { kind: GuardKind::Data, why: format!("data on {scope} is lost") };
        let limits = edits.limits.map_or(String::new(), |limits| {
            let nodes = limits.nodes.as_list().unwrap_or_default().iter();
            let nodes = nodes.filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
            let most = limits.max_unavailable;
            let time = limits.drain.map_or(String::new(), |time| format!(" within {time:?}"));
            format!(" as one of {most} of {nodes}{time}")
        });
        let op = |name: &str| Op {
            ty: "unit".parse().expect("an identifier"),
            name: name.to_owned(),
            identity: Identity { key: key(name), args: Value::Null, shown: scope.to_string() },
            args: Value::Null,
            guard: Value::Null,
            text: format!("{name} {scope}{limits}"),
        };
        Ok(Some(Recipe {
            open: vec![op(if cost < Disruption::Drain { "hold" } else { "drain" })],
            close: vec![op("uncordon")],
            forecast: vec![format!("{runs} leaves")],
            guards: lost.then(guard).into_iter().collect(),
            warnings: Vec::new(),
            is_open: runs.contains("left open"),
            is_down: runs.contains("down"),
        }))
    }
}

/// All of them.
pub(crate) struct Types {
    thing: Kind,
    unit: Kind,
    names: Names,
}

pub(crate) fn types() -> Types {
    let attrs = || {
        vec![
            Attr::new("name", Type::String, Role::Identity, ""),
            Attr::new("size", Type::Any, Role::Optional, ""),
            Attr::new("colour", Type::String, Role::Optional, ""),
            Attr::new("in", Type::String, Role::Optional, ""),
            Attr::new("ask", Type::Bool, Role::Optional, ""),
            Attr::new("uid", Type::String, Role::Computed, ""),
        ]
    };
    let ident = |name: &str| name.parse().expect("an identifier");
    Types {
        thing: Kind { name: ident("thing"), schema: Schema::new(attrs()), costly: false },
        unit: Kind { name: ident("unit"), schema: Schema::new(attrs()), costly: true },
        names: Names {
            name: ident("names"),
            schema: Schema::new(vec![
                Attr::new("like", Type::String, Role::Optional, ""),
                Attr::new("names", Type::list(Type::String), Role::Computed, ""),
            ]),
        },
    }
}

impl Catalog for Types {
    fn resource(&self, ty: &str) -> Option<&dyn ResourceKind> {
        match ty {
            "thing" => Some(&self.thing),
            "unit" => Some(&self.unit),
            _ => None,
        }
    }
    fn data(&self, ty: &str) -> Option<&dyn DataKind> {
        (ty == "names").then_some(&self.names as &dyn DataKind)
    }
    fn resource_types(&self) -> Vec<&str> {
        vec!["thing", "unit"]
    }
    fn data_types(&self) -> Vec<&str> {
        vec!["names"]
    }
    fn bracketing(&self) -> &dyn Bracketing {
        &Drains
    }
}

impl Schemas for Types {
    fn resource(&self, ty: &str) -> Option<&Schema> {
        Catalog::resource(self, ty).map(ResourceKind::schema)
    }
    fn data(&self, ty: &str) -> Option<&Schema> {
        Catalog::data(self, ty).map(DataKind::schema)
    }
    fn resource_types(&self) -> Vec<&str> {
        Catalog::resource_types(self)
    }
    fn data_types(&self) -> Vec<&str> {
        Catalog::data_types(self)
    }
}
