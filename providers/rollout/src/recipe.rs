//! Which operations surround the edits of a node.

use crate::drain::{Drain, Key, Node, Options, UNCONFIRMED, Whose, World, codes, named};
use crate::gate::{self, Daemons};
use crate::pool::Pool;
use addrs::{Scope, TypeName};
use diags::{Code, Severity};
use plans::{Guard, GuardKind, Identity, ObjectKey, Op, Problem};
use provider::{Bracketing, Edits, NoRecipe, Observation, Recipe, Wanted};
use std::collections::BTreeSet;
use std::time::Duration;
use values::{Disruption, Path, Value};

/// The type of the operations of this crate. No resource has it.
pub const NAME: &str = "rollout";

/// What the names of all nodes are looked at as. No node has it as its name, with a slash before.
const ROSTER: &str = "nodes";

/// The procedures around the edits of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rollouts;

impl Bracketing for Rollouts {
    fn all(&self) -> Wanted {
        let key = ObjectKey(format!("rollout/{ROSTER}").into());
        let identity = Identity { key, args: Value::Null, shown: "all nodes".to_owned() };
        Wanted { ty: ty(), identity }
    }

    fn looks(&self, edits: &Edits<'_>) -> Option<Wanted> {
        let is_looked_at = edits.cost == Disruption::Drain || edits.left_open;
        let node = edits.scope.node_name().filter(|_| is_looked_at)?;
        let args = Value::map([
            ("node", node.into()),
            ("project", edits.project.into()),
            ("plan", edits.plan.into()),
            ("taken_out", edits.taken_out.clone()),
        ]);
        Some(Wanted { ty: ty(), identity: Identity { args, ..identity(node) } })
    }

    fn recipe(
        &self,
        edits: &Edits<'_>,
        seen: Option<&Observation>,
    ) -> Result<Option<Recipe>, NoRecipe> {
        // The cluster as a whole is never out of service: its objects change in place.
        let Some(node) = edits.scope.node_name() else { return Ok(None) };
        match (edits.cost, seen) {
            (cost, Some(Observation::Present(seen)))
                if edits.left_open && cost < Disruption::Drain =>
            {
                brought_back(edits, node, seen)
            }
            (_, Some(Observation::Unknown(why))) if edits.left_open => {
                Err(NoRecipe::Unseen(why.clone()))
            }
            (Disruption::Quiet | Disruption::Reload | Disruption::Restart, _) => Ok(None),
            (Disruption::Drain, Some(Observation::Present(seen))) => drained(edits, node, seen),
            (Disruption::Drain, Some(Observation::Unknown(why))) => {
                Err(NoRecipe::Unseen(why.clone()))
            }
            (Disruption::Drain, Some(Observation::Absent) | None) => {
                Err(NoRecipe::Unseen(no_node(node)))
            }
            (cost @ Disruption::Reboot, _) => Err(NoRecipe::Unknown(format!(
                "it costs a {cost} of node `{node}`, and this version of clinch has no procedure \
                 for it"
            ))),
        }
    }
}

/// Cordon, drain, edits, uncordon.
fn drained(edits: &Edits<'_>, node: &str, seen: &Value) -> Result<Option<Recipe>, NoRecipe> {
    let seen = Seen::of(seen).ok_or_else(|| NoRecipe::Unseen(no_node(node)))?;
    let guards: Vec<Guard> = seen.problems.iter().filter_map(Told::guard).collect();
    // What is not allowed by name is not applied, so that a step only has to know what was shown.
    let shown = |kind| Value::from(guards.iter().any(|guard: &Guard| guard.kind == kind));
    let timeout = edits.limits.and_then(|limits| limits.drain).map(|time| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        ("timeout", seconds.into())
    });
    let options = [
        ("force", shown(GuardKind::Bare)),
        ("delete_emptydir_data", shown(GuardKind::Data)),
        ("allow_stranded", shown(GuardKind::Stranded)),
    ];
    let unconfirmed = (!seen.ready).then(|| ("unconfirmed", true.into()));
    let options = Value::map(options.into_iter().chain(timeout).chain(unconfirmed));
    let pods = match seen.leaving {
        0 => "no pod has to leave".to_owned(),
        1 => "1 pod leaves".to_owned(),
        n => format!("{n} pods leave"),
    };
    let full = edits.limits.and_then(|limits| Pool::warning(&limits, node, &seen.out));
    Ok(Some(Recipe {
        open: vec![
            cordon(edits, node, &seen, format!("cordon node {node}")),
            seen.op("drain", node, options, format!("drain node {node}: {pods}")),
        ],
        close: vec![uncordon(edits, node, &seen)],
        forecast: seen.forecast(),
        warnings: seen.problems.iter().filter_map(Told::warning).chain(full).collect(),
        guards,
        is_open: seen.before == Before::LeftOpen,
        is_down: seen.is_down(),
    }))
}

/// Cordon in this plan's name, edits that cost less than a drain, uncordon: for a node that a run
/// before left out of service. Its pods have gone, or stay.
fn brought_back(edits: &Edits<'_>, node: &str, seen: &Value) -> Result<Option<Recipe>, NoRecipe> {
    let seen = Seen::of(seen).ok_or_else(|| NoRecipe::Unseen(no_node(node)))?;
    // Somebody brought it back meanwhile.
    if seen.before != Before::LeftOpen {
        return Ok(None);
    }
    let text = format!("take over the cordon of node {node}");
    Ok(Some(Recipe {
        open: vec![cordon(edits, node, &seen, text)],
        close: vec![uncordon(edits, node, &seen)],
        forecast: Vec::new(),
        guards: Vec::new(),
        warnings: Vec::new(),
        is_open: true,
        is_down: false,
    }))
}

fn cordon(edits: &Edits<'_>, node: &str, seen: &Seen<'_>, text: String) -> Op {
    let pool = edits.limits.as_ref().map(|limits| ("pool", Pool::to_value(limits)));
    let said = |name, is: bool| is.then(|| (name, Value::from(true)));
    let more = [said("member", seen.member), said("dns", seen.dns), said("down", seen.is_down())];
    let args = Value::map(holder(edits).into_iter().chain(pool).chain(more.into_iter().flatten()));
    seen.op("cordon", node, args, text)
}

fn uncordon(edits: &Edits<'_>, node: &str, seen: &Seen<'_>) -> Op {
    let sets = |name, sets: &[String]| {
        let list = || Value::list(sets.iter().map(|set| set.as_str().into()));
        (!sets.is_empty()).then(|| (name, list()))
    };
    let sets = [sets("daemons", &seen.daemons), sets("unready", &seen.unready)];
    let ready = ("ready", (!seen.is_down()).into());
    let args =
        Value::map(holder(edits).into_iter().chain([ready]).chain(sets.into_iter().flatten()));
    let text = match seen.before {
        Before::Cordoned => format!("look after node {node}, which stays cordoned"),
        Before::InService | Before::LeftOpen => format!("uncordon node {node} when it is ready"),
    };
    seen.op("uncordon", node, args, text)
}

fn holder(edits: &Edits<'_>) -> [(&'static str, Value); 2] {
    [("project", edits.project.into()), ("plan", edits.plan.into())]
}

fn no_node(node: &str) -> Problem {
    let detail = format!(
        "The cluster has no node `{node}`, so nobody knows which pods run on that host and would \
         have to leave it."
    );
    Problem::error(codes::UNSEEN, "Node of a host is not known", Path::root(), detail).with_help(
        "Hosts have the names of their nodes: see `kubectl get nodes`. A host that is to become a \
         node gets these settings before it joins, by hand.",
    )
}

pub(crate) fn ty() -> TypeName {
    NAME.parse().expect("an identifier")
}

fn identity(node: &str) -> Identity {
    Identity {
        key: ObjectKey(format!("rollout/{}", Scope::node(node)).into()),
        args: Value::map([("node", node.into())]),
        shown: format!("node {node}"),
    }
}

/// What was seen of a node: the terms in which the I/O half tells a forecast.
struct Seen<'a> {
    uid: &'a str,
    ready: bool,
    before: Before,
    leaving: usize,
    /// Daemon sets of which a pod is ready.
    daemons: Vec<String>,
    /// Daemon sets of which the pod is not ready.
    unready: Vec<String>,
    /// Whether it has one of several members of etcd.
    member: bool,
    /// Whether names are answered in the cluster.
    dns: bool,
    /// All nodes that are out of service.
    out: Vec<String>,
    lines: Vec<String>,
    problems: Vec<Told>,
}

/// How a node was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// It takes pods, or will when the plan that cordoned it has ended.
    InService,
    /// Somebody cordoned it, so it stays so.
    Cordoned,
    /// An earlier plan of this project left it out of service.
    LeftOpen,
}

/// A problem of a forecast.
struct Told {
    code: Code,
    is_error: bool,
    detail: String,
    help: Option<String>,
}

/// What is the same for the drains of all nodes, or nearly.
pub(crate) struct OfCluster<'a> {
    /// Nodes that an earlier plan of the project left out of service, and this one brings back.
    pub(crate) back: &'a BTreeSet<String>,
    /// Nodes that are out of service and not waited for, since their turns come before.
    pub(crate) comes_first: &'a BTreeSet<String>,
    /// Whether names are answered in the cluster.
    pub(crate) dns: bool,
}

/// A forecast in the terms of observations: what stands in the way of the careful one, and line by
/// line what happens when all of that is allowed.
pub(crate) fn to_value(
    drain: &Drain,
    allowed: &Drain,
    world: &World,
    of_cluster: &OfCluster<'_>,
) -> Value {
    let OfCluster { back, comes_first, dns } = of_cluster;
    let uid = world.nodes.get(&drain.node).map_or("", |node| node.uid.as_str());
    let Daemons { ready, unready } = Daemons::on(world, &drain.node);
    let texts = |sets: Vec<Key>| Value::list(sets.iter().map(|set| set.to_string().into()));
    let is_out =
        |node: &&Node| (node.unschedulable || !node.ready) && !comes_first.contains(&node.name);
    let out = world.nodes.values().filter(is_out);
    let problem = |problem: Problem| {
        Value::map([
            ("code", problem.code.0.into()),
            ("error", (problem.severity == Severity::Error).into()),
            ("detail", problem.detail.into()),
            ("help", problem.help.map_or(Value::Null, Value::from)),
        ])
    };
    let leaving = i64::try_from(drain.leaving().count()).unwrap_or(i64::MAX);
    Value::map([
        ("uid", uid.into()),
        ("ready", drain.ready.into()),
        ("stays_cordoned", (drain.cordon == Whose::Other).into()),
        ("taken_over", back.contains(&drain.node).into()),
        ("leaving", leaving.into()),
        ("daemons", texts(ready.into_iter().collect())),
        ("unready", texts(unready.into_keys().collect())),
        ("member", gate::has_member(world, &drain.node).into()),
        ("dns", (*dns).into()),
        ("out", Value::list(out.map(|node| node.name.as_str().into()))),
        ("lines", Value::list(allowed.lines().into_iter().map(Value::from))),
        ("problems", Value::list(drain.problems().into_iter().map(problem))),
    ])
}

impl<'a> Seen<'a> {
    fn of(value: &'a Value) -> Option<Self> {
        let list = |name: &str| value.get(name).and_then(Value::as_list);
        let flag = |name: &str| value.get(name).and_then(Value::as_bool);
        let text = |line: &Value| line.as_str().map(str::to_owned);
        Some(Self {
            uid: value.get("uid")?.as_str()?,
            ready: flag("ready")?,
            before: match (flag("stays_cordoned")?, flag("taken_over")?) {
                (true, _) => Before::Cordoned,
                (false, true) => Before::LeftOpen,
                (false, false) => Before::InService,
            },
            leaving: value.get("leaving")?.as_number()?.to_string().parse().ok()?,
            daemons: list("daemons")?.iter().map(text).collect::<Option<_>>()?,
            unready: list("unready")?.iter().map(text).collect::<Option<_>>()?,
            member: flag("member")?,
            dns: flag("dns")?,
            out: list("out")?.iter().map(text).collect::<Option<_>>()?,
            lines: list("lines")?.iter().map(text).collect::<Option<_>>()?,
            problems: list("problems")?.iter().map(Told::of).collect::<Option<_>>()?,
        })
    }

    /// Whether it is out of service by itself. What an earlier plan left out of service was well
    /// before, so it is to be so again.
    fn is_down(&self) -> bool {
        !self.ready && self.before != Before::LeftOpen
    }

    /// What is done to the node.
    fn op(&self, name: &str, node: &str, args: Value, text: String) -> Op {
        Op {
            ty: ty(),
            name: name.to_owned(),
            identity: identity(node),
            args,
            guard: Value::map([("uid", self.uid.into())]),
            text,
        }
    }

    /// What happens to each pod, and what its turn cannot be measured by.
    fn forecast(&self) -> Vec<String> {
        let down = self.is_down().then(|| "The node is not ready now.".to_owned());
        let unready = (!self.unready.is_empty()).then(|| {
            let sets = named(self.unready.iter().cloned());
            format!("Not awaited afterwards, since not ready now: daemon set {sets}")
        });
        down.into_iter().chain(self.lines.iter().cloned()).chain(unready).collect()
    }
}

impl Told {
    fn of(value: &Value) -> Option<Self> {
        let code = value.get("code")?.as_str()?;
        Some(Self {
            code: *codes::ALL.iter().find(|known| known.0 == code)?,
            is_error: value.get("error")?.as_bool()?,
            detail: value.get("detail")?.as_str()?.to_owned(),
            help: value.get("help")?.as_str().map(str::to_owned),
        })
    }

    /// What must be allowed by name.
    fn guard(&self) -> Option<Guard> {
        let kind = match self.code {
            codes::BARE => GuardKind::Bare,
            codes::EMPTY_DIR => GuardKind::Data,
            codes::STRANDED => GuardKind::Stranded,
            _ => return None,
        };
        let why = self.detail.trim_end_matches('.');
        let mut letters = why.chars();
        let first = letters.next()?.to_lowercase();
        Some(Guard { kind, why: first.chain(letters).collect() })
    }

    /// What else there is to know. A budget that leaves no room now may do so when its turn comes,
    /// so nothing of it keeps a plan from being applied.
    fn warning(&self) -> Option<Problem> {
        if self.guard().is_some() {
            return None;
        }
        let summary = match self.code {
            codes::BLOCKED => "Disruption budget leaves no room",
            codes::NO_EVICTION => "Pods cannot be evicted",
            codes::OUTAGE => "An application stands still",
            codes::CORDON => "Node is out of service already",
            codes::UNCONFIRMED => "Node does not answer",
            codes::DOWN => "Node is not ready",
            _ => "Forecast is incomplete",
        };
        let mut problem = Problem::warning(self.code, summary, Path::root(), self.detail.clone());
        problem.help.clone_from(&self.help);
        if self.is_error {
            problem.detail.push_str(
                " As it is now, the drain would fail, and the node go back into service.",
            );
        }
        Some(problem)
    }
}

/// What a drain may do, as the plan showed it.
pub(crate) fn options(op: &Op) -> Option<Options> {
    let flag = |name: &str| op.args.get(name).and_then(Value::as_bool);
    let careful = Options::careful();
    let timeout = match op.args.get("timeout") {
        Some(time) => Duration::from_secs(time.as_number()?.to_string().parse().ok()?),
        None => careful.timeout,
    };
    Some(Options {
        timeout,
        force: flag("force")?,
        delete_emptydir_data: flag("delete_emptydir_data")?,
        allow_stranded: flag("allow_stranded")?,
        unconfirmed: flag("unconfirmed").filter(|is| *is).map(|_| UNCONFIRMED),
        ..careful
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use provider::Limits;
    use std::fmt::Write as _;

    fn edits(scope: &Scope, cost: Disruption) -> Edits<'_> {
        let (project, plan, taken_out) = ("shop", "4f2a", &Value::Null);
        Edits { scope, cost, project, plan, taken_out, left_open: false, limits: None }
    }

    /// A node with three pods to move, and these problems.
    fn seen(problems: Vec<Value>) -> Observation {
        let lines = ["evict   shop/web-0  StatefulSet shop/web, 3 of 3 ready"].map(Value::from);
        Observation::Present(Value::map([
            ("uid", "0-1".into()),
            ("ready", true.into()),
            ("stays_cordoned", false.into()),
            ("taken_over", false.into()),
            ("leaving", 3_i64.into()),
            ("daemons", Value::list(["kube-system/proxy".into()])),
            ("unready", Value::list(["kube-system/logs".into()])),
            ("member", true.into()),
            ("dns", true.into()),
            ("out", Value::list(["w2".into()])),
            ("lines", Value::list(lines)),
            ("problems", Value::list(problems)),
        ]))
    }

    /// The same with other words about it.
    fn seen_with(words: &[(&str, bool)]) -> Observation {
        let Observation::Present(seen) = seen(Vec::new()) else { panic!("it is there") };
        let all = seen.as_map().expect("a map").iter().map(|(name, value)| {
            let said = words.iter().find(|(word, _)| *word == name.to_string());
            (name.clone(), said.map_or_else(|| value.clone(), |(_, is)| (*is).into()))
        });
        Observation::Present(Value::map(all))
    }

    fn problem(code: Code, error: bool, detail: &str) -> Value {
        Value::map([
            ("code", code.0.into()),
            ("error", error.into()),
            ("detail", detail.into()),
            ("help", Value::Null),
        ])
    }

    fn text(recipe: &Recipe) -> String {
        let mut out = String::new();
        for op in recipe.open.iter().chain(&recipe.close) {
            writeln!(out, "{}: {:?}", op.text, op.args).expect("memory");
        }
        for guard in &recipe.guards {
            writeln!(out, "guard {}: {guard}", guard.kind.name()).expect("memory");
        }
        for warning in &recipe.warnings {
            writeln!(out, "warning {}: {}", warning.summary, warning.detail).expect("memory");
        }
        out
    }

    #[test]
    fn edits_that_leave_pods_alone_have_nothing_around_them() {
        for cost in [Disruption::Quiet, Disruption::Reload, Disruption::Restart] {
            for scope in [Scope::node("w1"), Scope::cluster()] {
                assert_eq!(Rollouts.looks(&edits(&scope, cost)), None);
                assert_eq!(Rollouts.recipe(&edits(&scope, cost), None), Ok(None));
            }
        }
    }

    #[test]
    fn reboot_is_refused_by_name_and_rank() {
        let scope = Scope::node("w1");
        let answer = Rollouts.recipe(&edits(&scope, Disruption::Reboot), None);
        let Err(NoRecipe::Unknown(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains("`w1`") && why.contains("reboot"), "{why}");
    }

    #[test]
    fn the_cluster_is_never_taken_out_of_service() {
        for cost in [Disruption::Drain, Disruption::Reboot] {
            assert_eq!(Rollouts.recipe(&edits(&Scope::cluster(), cost), None), Ok(None));
        }
    }

    /// Nothing may be left to change there: the configuration was taken back.
    #[test]
    fn what_a_run_left_out_of_service_is_brought_back_whatever_is_done_there() {
        let scope = Scope::node("w1");
        let left = |taken_over| seen_with(&[("taken_over", taken_over)]);
        for cost in [Disruption::Quiet, Disruption::Restart] {
            let edits = Edits { left_open: true, ..edits(&scope, cost) };
            assert!(Rollouts.looks(&edits).is_some());
            let recipe = Rollouts.recipe(&edits, Some(&left(true))).expect("one").expect("one");
            assert!(recipe.is_open && !recipe.is_down);
            insta::allow_duplicates! {
                insta::assert_snapshot!(text(&recipe), @r#"
                take over the cordon of node w1: {"dns": true, "member": true, "plan": "4f2a", "project": "shop"}
                uncordon node w1 when it is ready: {"daemons": ["kube-system/proxy"], "plan": "4f2a", "project": "shop", "ready": true, "unready": ["kube-system/logs"]}
                "#);
            }
            assert_eq!(Rollouts.recipe(&edits, Some(&left(false))), Ok(None), "somebody did so");
            assert_eq!(Rollouts.recipe(&edits, Some(&Observation::Absent)), Ok(None), "it is gone");
            let down = Problem::error(codes::UNSEEN, "Down", Path::root(), "It is down.");
            let unseen = Rollouts.recipe(&edits, Some(&Observation::Unknown(down)));
            assert!(matches!(unseen, Err(NoRecipe::Unseen(_))), "{unseen:?}");
        }
    }

    #[test]
    fn node_that_is_not_ready_says_so_in_its_steps_unless_a_run_left_it_so() {
        let scope = Scope::node("w1");
        let down = |left_open| seen_with(&[("ready", false), ("taken_over", left_open)]);
        let edits = edits(&scope, Disruption::Drain);
        let recipe = Rollouts.recipe(&edits, Some(&down(false))).expect("one").expect("one");
        assert!(recipe.is_down && !recipe.is_open);
        assert_eq!(recipe.forecast[0], "The node is not ready now.");
        insta::assert_snapshot!(text(&recipe), @r#"
        cordon node w1: {"dns": true, "down": true, "member": true, "plan": "4f2a", "project": "shop"}
        drain node w1: 3 pods leave: {"allow_stranded": false, "delete_emptydir_data": false, "force": false, "unconfirmed": true}
        uncordon node w1 when it is ready: {"daemons": ["kube-system/proxy"], "plan": "4f2a", "project": "shop", "ready": false, "unready": ["kube-system/logs"]}
        "#);
        assert!(options(&recipe.open[1]).is_some_and(|options| options.unconfirmed.is_some()));
        let recipe = Rollouts.recipe(&edits, Some(&down(true))).expect("one").expect("one");
        assert!(!recipe.is_down && recipe.is_open);
        assert_eq!(recipe.close[0].args.get("ready"), Some(&true.into()), "it was well before");
    }

    #[test]
    fn node_that_nobody_could_look_at_is_an_error_and_not_an_empty_one() {
        let scope = Scope::node("w1");
        let edits = edits(&scope, Disruption::Drain);
        assert!(Rollouts.looks(&edits).is_some());
        let down = Problem::error(codes::UNSEEN, "Down", Path::root(), "It is down.");
        for seen in [None, Some(Observation::Absent), Some(Observation::Unknown(down))] {
            let answer = Rollouts.recipe(&edits, seen.as_ref());
            assert!(matches!(answer, Err(NoRecipe::Unseen(_))), "{answer:?}");
        }
    }

    #[test]
    fn limits_of_a_selection_go_into_the_steps() {
        let scope = Scope::node("w1");
        let nodes = Value::list(["w1", "w2"].map(Value::from));
        let drain = Some(Duration::from_mins(90));
        let limits = Some(Limits { nodes: &nodes, max_unavailable: 2, drain });
        let edits = Edits { limits, ..edits(&scope, Disruption::Drain) };
        let recipe = Rollouts.recipe(&edits, Some(&seen(Vec::new()))).expect("one").expect("one");
        insta::assert_snapshot!(text(&recipe), @r#"
        cordon node w1: {"dns": true, "member": true, "plan": "4f2a", "pool": {"max_unavailable": 2, "nodes": ["w1", "w2"]}, "project": "shop"}
        drain node w1: 3 pods leave: {"allow_stranded": false, "delete_emptydir_data": false, "force": false, "timeout": 5400}
        uncordon node w1 when it is ready: {"daemons": ["kube-system/proxy"], "plan": "4f2a", "project": "shop", "ready": true, "unready": ["kube-system/logs"]}
        "#);
        let timeout = |op: &Op| options(op).map(|options| options.timeout);
        assert_eq!(timeout(&recipe.open[1]), drain);
        assert_eq!(recipe.warnings, []);
        let edits = Edits { limits: limits.map(|l| Limits { max_unavailable: 1, ..l }), ..edits };
        let recipe = Rollouts.recipe(&edits, Some(&seen(Vec::new()))).expect("one").expect("one");
        insta::assert_snapshot!(recipe.warnings[0].detail, @r"
        Not more than 1 of 2 nodes may be out of service at once, and these are now, cordoned or not ready: `w2`. Until they are back no other of them is begun.
        ");
    }

    #[test]
    fn drain_may_do_what_its_plan_showed_and_nothing_else() {
        let scope = Scope::node("w1");
        let edits = edits(&scope, Disruption::Drain);
        let calm = Rollouts.recipe(&edits, Some(&seen(Vec::new()))).expect("one").expect("one");
        insta::assert_snapshot!(text(&calm), @r#"
        cordon node w1: {"dns": true, "member": true, "plan": "4f2a", "project": "shop"}
        drain node w1: 3 pods leave: {"allow_stranded": false, "delete_emptydir_data": false, "force": false}
        uncordon node w1 when it is ready: {"daemons": ["kube-system/proxy"], "plan": "4f2a", "project": "shop", "ready": true, "unready": ["kube-system/logs"]}
        "#);
        let problems = vec![
            problem(codes::BARE, true, "Draining node `w1` removes pods without a controller: a."),
            problem(codes::EMPTY_DIR, true, "Draining node `w1` loses what is in b."),
            problem(codes::BLOCKED, true, "Budget `shop/web` lets no pod go."),
            problem(codes::OUTAGE, false, "While node `w1` is drained, nothing of c is ready."),
        ];
        let loud = Rollouts.recipe(&edits, Some(&seen(problems))).expect("one").expect("one");
        insta::assert_snapshot!(text(&loud), @r#"
        cordon node w1: {"dns": true, "member": true, "plan": "4f2a", "project": "shop"}
        drain node w1: 3 pods leave: {"allow_stranded": false, "delete_emptydir_data": true, "force": true}
        uncordon node w1 when it is ready: {"daemons": ["kube-system/proxy"], "plan": "4f2a", "project": "shop", "ready": true, "unready": ["kube-system/logs"]}
        guard bare: draining node `w1` removes pods without a controller: a
        guard data: draining node `w1` loses what is in b
        warning Disruption budget leaves no room: Budget `shop/web` lets no pod go. As it is now, the drain would fail, and the node go back into service.
        warning An application stands still: While node `w1` is drained, nothing of c is ready.
        "#);
    }
}
