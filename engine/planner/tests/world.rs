//! A small world to plan for.

use addrs::{InstanceAddr, Scope, TypeName};
use config::InMemory;
use diags::{Code, SourceMap};
use lang::{Inputs, Schemas};
use planner::{Options, PlanInput, Planning};
use plans::{
    Action, Basis, Fingerprints, Identity, Mode, ObjectKey, Op, Problem, Recorded, Target,
    Timestamp,
};
use provider::{
    Bracketing, Catalog, DataKind, Decision, Observation, PlanRequest, Planned, Preview, Recipe,
    ResourceKind,
};
use states::State;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

pub(crate) const PROBLEM: Code = Code("E9999");

struct Kind {
    name: TypeName,
    schema: Schema,
    costly: bool,
}

fn key(name: &str) -> ObjectKey {
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
        if self.costly { Scope::node(&identity.shown) } else { Scope::cluster() }
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
            let ops = if observed.is_some() { vec![op("delete", Value::Null)] } else { vec![] };
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
        let cost = if self.costly { Disruption::Drain } else { Disruption::Quiet };
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
    fn recipe(&self, scope: &Scope, cost: Disruption) -> Result<Option<Recipe>, Problem> {
        if cost < Disruption::Drain {
            return Ok(None);
        }
        let op = |name: &str| Op {
            ty: "unit".parse().expect("an identifier"),
            name: name.to_owned(),
            identity: Identity { key: key(name), args: Value::Null, shown: scope.to_string() },
            args: Value::Null,
            guard: Value::Null,
            text: format!("{name} {scope}"),
        };
        Ok(Some(Recipe { open: vec![op("drain")], close: vec![op("uncordon")] }))
    }
}

struct Types {
    thing: Kind,
    unit: Kind,
    names: Names,
}

fn types() -> Types {
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

/// What exists and what is remembered.
#[derive(Clone, Default)]
pub(crate) struct World {
    /// Name to size and colour.
    pub(crate) objects: BTreeMap<String, Value>,
    /// Names that cannot be looked at.
    pub(crate) unreachable: Vec<String>,
    /// Names whose change the server would refuse.
    pub(crate) refused: Vec<String>,
    /// What the data source answers.
    pub(crate) names: Vec<&'static str>,
    pub(crate) state: State0,
    pub(crate) mode: Option<Mode>,
}

/// Remembered: address to name, needs and protection.
#[derive(Clone, Default)]
pub(crate) struct State0(pub(crate) Vec<(&'static str, &'static str, Vec<&'static str>, bool)>);

impl World {
    pub(crate) fn with(mut self, name: &str, size: i64) -> Self {
        let value = Value::map([("size", size.into()), ("colour", Value::Null)]);
        self.objects.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn remembering(
        mut self,
        addr: &'static str,
        name: &'static str,
        needs: &[&'static str],
    ) -> Self {
        self.state.0.push((addr, name, needs.to_vec(), false));
        self
    }

    pub(crate) fn protecting(mut self) -> Self {
        if let Some(last) = self.state.0.last_mut() {
            last.3 = true;
        }
        self
    }

    fn state(&self) -> State {
        let mut state = State::new("lineage", "test");
        let addr = |text: &str| text.parse::<InstanceAddr>().expect("an address");
        for (at, name, needs, protected) in &self.state.0 {
            let identity =
                Identity { key: key(name), args: Value::from(*name), shown: (*name).to_owned() };
            let record = Recorded {
                identity,
                uid: None,
                digest: String::new(),
                needs: needs.iter().map(|n| addr(n)).collect(),
                protected: *protected,
            };
            state.records.insert(addr(at), record);
        }
        state
    }
}

/// Plans as the session does: look at what is needed until nothing is.
pub(crate) fn planned(hcl: &str, world: &World) -> (Planning, SourceMap) {
    let types = types();
    let mut map = SourceMap::default();
    let mut files: InMemory = [("main.hcl", hcl)].into_iter().collect();
    let (config, mut diagnostics) = config::load(".", &mut files, &mut map);
    let (references, more) = lang::analyze(&config, &types);
    diagnostics.extend(more);
    let (variables, more) = lang::variables(&config, &Inputs::default());
    diagnostics.extend(more);
    assert!(!diagnostics.has_errors(), "{diagnostics:?}");
    let state = world.state();
    let options = Options {
        mode: world.mode.unwrap_or(Mode::Normal),
        id: "plan".into(),
        now: Timestamp(0),
        project: "test".into(),
        target: Target {
            name: "test".into(),
            server: String::new(),
            uid: "uid".into(),
            version: String::new(),
        },
        fingerprints: Fingerprints {
            config: String::new(),
            engine: String::new(),
            lineage: "lineage".into(),
            serial: 0,
        },
        cwd: String::new(),
    };
    let (mut reads, mut observed, mut previews) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for _ in 0..10 {
        let input = PlanInput {
            config: &config,
            references: &references,
            schemas: &types,
            variables: &variables,
            catalog: &types,
            state: &state,
            reads: &reads,
            observed: &observed,
            previews: &previews,
            options: &options,
        };
        let planning = planner::plan(&input);
        assert_eq!(planning, planner::plan(&input), "equal inputs give equal plans");
        if planning.needs.is_empty() {
            return (planning, map);
        }
        for read in &planning.needs.reads {
            let names = Value::list(world.names.iter().map(|n| Value::from(*n)));
            reads.insert(read.addr.clone(), Value::map([("names", names)]));
        }
        for wanted in &planning.needs.observations {
            let name = &*wanted.identity.key.0;
            let seen = if world.unreachable.iter().any(|u| u == name) {
                let text = "The server did not answer.";
                let problem = Problem::error(PROBLEM, "Unreachable", Path::root(), text);
                Observation::Unknown(problem)
            } else {
                world.objects.get(name).cloned().map_or(Observation::Absent, Observation::Present)
            };
            observed.insert(wanted.identity.key.clone(), seen);
        }
        for op in &planning.needs.previews {
            let refused = world.refused.contains(&op.identity.shown);
            let answer = if refused {
                Preview::Refused(Value::from("The server would refuse this."))
            } else {
                Preview::Would(op.args.clone())
            };
            previews
                .entry(op.identity.key.clone())
                .or_insert_with(Vec::new)
                .push((op.clone(), answer));
        }
    }
    panic!("planning does not end");
}

/// The plan in short lines.
pub(crate) fn text(hcl: &str, world: &World) -> String {
    let (planning, map) = planned(hcl, world);
    let mut out = String::new();
    for change in &planning.plan.changes {
        let reason = change.reason.as_ref().map(|r| format!(" ({r:?})")).unwrap_or_default();
        let _ = writeln!(out, "{:?} {}{reason}", change.action, change.addr);
    }
    for (addr, record) in &planning.plan.remember {
        let what = if record.is_some() { "remember" } else { "forget" };
        let _ = writeln!(out, "{what} {addr}");
    }
    for step in &planning.plan.steps {
        let needs: Vec<u32> = step.needs.iter().map(|n| n.0).collect();
        let late = if step.late { " late" } else { "" };
        let _ = writeln!(out, "{}. {}{late} needs {needs:?}", step.id.0, step.op.text);
    }
    for diagnostic in &planning.diagnostics {
        let place = diagnostic.labels.first().map(|l| {
            let at = map.position(l.span.source, l.span.start);
            format!(" at {}:{}", at.line, at.column)
        });
        let place = place.unwrap_or_default();
        let _ = writeln!(
            out,
            "{} {}{place}: {}",
            diagnostic.code, diagnostic.summary, diagnostic.detail
        );
    }
    if !planning.plan.complete {
        out.push_str("not complete\n");
    }
    out
}
