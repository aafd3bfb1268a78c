//! A small world to plan for.

use crate::types::{PROBLEM, key, types};
use addrs::{InstanceAddr, Scope};
use config::InMemory;
use diags::SourceMap;
use lang::Inputs;
use planner::{Draft, Options, PlanInput, Planning};
use plans::{Fingerprints, Identity, Mode, Problem, Recorded, Target, Timestamp};
use provider::{Observation, Preview};
use states::State;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use values::{Path, Value};

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
    /// Addresses that are to be replaced.
    pub(crate) replace: Vec<&'static str>,
    /// What is planned at all.
    pub(crate) selection: planner::Selection,
    /// What a person allowed by name.
    pub(crate) allowed: plans::Allowed,
    /// Nodes that a run left out of service.
    pub(crate) left_open: BTreeSet<String>,
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
        replace: world
            .replace
            .iter()
            .map(|a| a.parse().expect("an address"))
            .collect::<BTreeSet<_>>(),
        selection: world.selection.clone(),
        allowed: world.allowed.clone(),
        left_open: world.left_open.clone(),
    };
    let (mut reads, mut observed, mut previews) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut draft = Draft::default();
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
        let planning = planner::plan(&input, &mut draft);
        let anew = planner::plan(&input, &mut Draft::default());
        assert_eq!(planning, anew, "equal inputs give equal plans, with a draft or without");
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
                Observation::Unknown(Problem { unreachable: true, ..problem })
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
    for turn in &planning.plan.turns {
        let rules = &planning.plan.rollouts[turn.rollout];
        let name = rules.name.as_deref().unwrap_or("-");
        let steps: Vec<u32> = turn.steps.iter().map(|n| n.0).collect();
        let after: Vec<&Scope> =
            turn.after.iter().map(|turn| &planning.plan.turns[*turn].scope).collect();
        let after: Vec<String> = after.into_iter().map(Scope::to_string).collect();
        let pause = if turn.pause { " and a pause" } else { "" };
        let scope = &turn.scope;
        let _ = writeln!(out, "{name} {scope} {steps:?} after [{}]{pause}", after.join(", "));
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
