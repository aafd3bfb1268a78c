//! What is done about the set of objects, from what is done about each of them.

use super::kubelets::{self, Kubelets};
use super::objects::{PARTS, Part, intents, plain};
use super::settings::Settings;
use super::situation::{Running, Situation};
use super::{NAMESPACE, identity};
use crate::api::{self, identity_of, several};
use crate::codes;
use crate::digest::digest;
use crate::kinds::Object;
use addrs::TypeName;
use plans::{Action, Basis, Guard, Note, Op, Problem};
use provider::{Decision, Observation, PlanRequest, Planned, Preview};
use values::{Map, Path, Step, Value};

type Answer = Result<Planned, Vec<Problem>>;

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>) -> Answer {
    let seen = match request.observed {
        Observation::Unknown(problem) => return Err(vec![problem.clone()]),
        Observation::Present(seen) => seen,
        Observation::Absent => return Err(vec![not_anew()]),
    };
    let case = Case::new(ty, request, Situation(seen))?;
    match request.desired {
        Some(args) => case.wanted(args),
        None => case.unwanted(),
    }
}

/// The set is always looked at whole; only who asks for it to be made anew says that it is not.
fn not_anew() -> Problem {
    let detail = "The DNS cache is several objects, and is not deleted and created anew in one go.";
    let problem =
        Problem::error(codes::NODELOCAL, "Object cannot be replaced", Path::root(), detail);
    problem.with_help(format!(
        "To start its pods anew: `kubectl -n {NAMESPACE} rollout restart daemonset node-local-dns`."
    ))
}

struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    situation: Situation<'a>,
    /// What the server said of each object so far.
    answers: Vec<(Op, Preview)>,
    kubelets: Option<&'a Value>,
}

impl<'a> Case<'a> {
    fn new(
        ty: &'a TypeName,
        request: &'a PlanRequest<'a>,
        situation: Situation<'a>,
    ) -> Result<Self, Vec<Problem>> {
        let (answers, kubelets) = match (request.asked, request.preview) {
            (Some(asked), Some(Preview::Would(answer))) => {
                let kubelets = asked.args.get("kubelets").filter(|labels| !labels.is_null());
                let told = kubelets.and_then(|_| answer.get("kubelets"));
                (several::answers(asked, answer), told)
            }
            (_, Some(Preview::Unknown(problem))) => return Err(vec![problem.clone()]),
            (_, Some(Preview::Would(_) | Preview::Refused(_)) | None) => (Vec::new(), None),
        };
        Ok(Self { ty, request, situation, answers, kubelets })
    }

    fn wanted(self, args: &Value) -> Answer {
        let unheard: Vec<Problem> = self.request.ignore.iter().filter_map(not_ignored).collect();
        if !unheard.is_empty() {
            return Err(unheard);
        }
        let (settings, warnings) = self.situation.settings(args, self.request.created)?;
        let intents = intents(&settings, self.situation.restarts(&settings));
        let running = self.situation.running();
        let old = running.as_ref().map(|r| r.local).filter(|old| *old != settings.local);
        // The old address may be given out where the cache is not any more.
        let everywhere = Value::empty_map();
        let look = match (old, settings.mode.intercepts()) {
            (Some(_), _) => Some(&everywhere),
            (None, false) => Some(&settings.node_selector),
            (None, true) => None,
        };
        let parts = PARTS.iter().zip(&intents);
        let manifest = |intent: &Value| Value::map([("manifest", intent.clone())]);
        let parts = parts.map(|(part, intent)| (part, self.part(part, Some(&manifest(intent)))));
        let decisions = match self.all(parts.collect(), look)? {
            Round::Open(question) => return Ok(Planned::NeedsPreview(question)),
            Round::Decided(decisions) => decisions,
        };
        let shown = |((part, decision), intent): ((&'static Part, Decision), &Value)| {
            // What the server fills into a new object is five times as much, and says nothing of
            // this.
            let after = match decision.action {
                Action::Create => Some(plain(intent)),
                _ => decision.after.clone(),
            };
            (part, Decision { after, ..decision })
        };
        let decisions = decisions.into_iter().zip(&intents).map(shown).collect();
        let kubelets = Kubelets(self.kubelets.unwrap_or(&Value::Null));
        if let Some(old) = old
            && let Some(who) = kubelets::still_give(kubelets, self.situation, old)
        {
            return Err(vec![kubelets::cannot_move(&who, old, settings.local)]);
        }
        let exported = exported(args, &settings);
        let digest = digest(self.request.project, &Value::list(intents.iter().cloned()));
        let mut decision = joined(decisions)?;
        if decision.action == Action::NoOp {
            let own = !settings.mode.intercepts();
            decision
                .warnings
                .extend(own.then(|| kubelets::unused(kubelets, settings.local)).flatten());
        } else {
            decision.warnings.extend(warnings);
            let lines = lines(&settings, running.as_ref(), (kubelets, self.situation), &decision);
            decision.notes.extend(lines);
        }
        Ok(Planned::Decided(Box::new(Decision { exported, digest, ..decision })))
    }

    fn unwanted(self) -> Answer {
        if self.situation.nothing_is_there() {
            return Ok(Planned::Decided(Box::new(Decision::plain(Action::Forget))));
        }
        // The last one first: the pods take their interface and their rules along, and need the
        // rest until they are gone.
        let parts = PARTS.iter().rev().map(|part| (part, self.part(part, None)));
        let running = self.situation.running();
        let everywhere = Value::empty_map();
        let look = running.is_some().then_some(&everywhere);
        let decisions = match self.all(parts.collect(), look)? {
            Round::Open(question) => return Ok(Planned::NeedsPreview(question)),
            Round::Decided(decisions) => decisions,
        };
        let kubelets = Kubelets(self.kubelets.unwrap_or(&Value::Null));
        let mut decision = joined(decisions)?;
        let gone = PARTS.iter().filter(|part| self.situation.live(part.name).is_some());
        let gone = gone.map(|part| (part.name, Value::from(part.object().shown())));
        decision.before = Some(Value::map(gone));
        if let Some(running) = running {
            let address = running.local;
            if let Some(who) = kubelets::still_give(kubelets, self.situation, address) {
                return Err(vec![kubelets::cannot_go(&who, address)]);
            }
            let line = if running.intercepts {
                "its pods take their interface and rules along; then pods ask the cluster's DNS again"
                    .to_owned()
            } else {
                // With interception nobody has to tell pods of the address, and mostly nobody does.
                decision.warnings.extend(kubelets::not_seen(kubelets, address));
                format!(
                    "pods that were started with {address} as their DNS server have none until \
                     they are recreated"
                )
            };
            decision.notes.push(note(line));
        }
        for op in decision.ops.iter_mut().filter(|op| op.name == "delete") {
            if op.identity.key == identity().key {
                op.args = Value::map([("propagation", "Foreground".into())]);
            }
        }
        Ok(Planned::Decided(Box::new(decision)))
    }

    /// What is done about one object, as about any that is declared for itself.
    fn part(&self, part: &Part, desired: Option<&Value>) -> (Planned, Option<&Op>) {
        let identity = identity_of(&part.object());
        let live = self.situation.live(part.name);
        let observed = live.map_or(Observation::Absent, |live| Observation::Present(live.clone()));
        let told = self.answers.iter().find(|(op, _)| op.identity.key == identity.key);
        let ignore = ignored(part, self.request.ignore);
        let planned = api::plan_as::<Object>(
            self.ty,
            &PlanRequest {
                identity: &identity,
                desired,
                observed: &observed,
                recorded: None,
                preview: told.map(|(_, preview)| preview),
                asked: told.map(|(op, _)| op),
                ignore: &ignore,
                ..*self.request
            },
        );
        (planned, told.map(|(op, _)| op))
    }

    /// All decisions, or what must be asked before: also once more what was answered already, since
    /// only the last answer is kept.
    fn all(
        &self,
        parts: Vec<(&'static Part, (Planned, Option<&Op>))>,
        look: Option<&Value>,
    ) -> Result<Round, Vec<Problem>> {
        let (mut problems, mut questions, mut decisions) = (Vec::new(), Vec::new(), Vec::new());
        let mut open = look.is_some() && self.kubelets.is_none();
        for (part, (planned, told)) in parts {
            match planned {
                Planned::Failed(failed) => problems.extend(failed.into_iter().map(|p| of(part, p))),
                Planned::NeedsPreview(op) => {
                    open = true;
                    questions.push(op);
                }
                Planned::Decided(decision) => {
                    questions.extend(told.cloned());
                    decisions.push((part, *decision));
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if open {
            let identity = self.request.identity;
            return Ok(Round::Open(several::question(self.ty, identity, &questions, look)));
        }
        Ok(Round::Decided(decisions))
    }
}

enum Round {
    Open(Op),
    Decided(Vec<(&'static Part, Decision)>),
}

fn exported(args: &Value, settings: &Settings) -> Value {
    let mut map = args.as_map().cloned().unwrap_or_default();
    let address = |address: std::net::IpAddr| Value::from(address.to_string());
    map.insert("cluster_dns_ip".into(), address(settings.cluster_dns));
    map.insert("mode".into(), settings.mode.name().into());
    map.insert("kubelet_cluster_dns".into(), Value::list([address(settings.kubelets_give())]));
    Value::map(map)
}

/// One decision of those about the objects.
fn joined(decisions: Vec<(&'static Part, Decision)>) -> Result<Decision, Vec<Problem>> {
    let all = |action| decisions.iter().all(|(_, decision)| decision.action == action);
    let any = |action| decisions.iter().any(|(_, decision)| decision.action == action);
    if let Some((part, _)) = decisions.iter().find(|(_, d)| d.action == Action::Replace) {
        return Err(vec![cannot_change(part)]);
    }
    let action = match () {
        () if all(Action::NoOp) => Action::NoOp,
        () if all(Action::Create) => Action::Create,
        () if any(Action::Delete) => Action::Delete,
        () if all(Action::Forget) => Action::Forget,
        () => Action::Update,
    };
    let mut joined = Decision::plain(action);
    // What is remembered is the main object, which is the last one that is made.
    let main = decisions.iter().find(|(part, _)| identity_of(&part.object()).key == identity().key);
    joined.uid = main.and_then(|(_, decision)| decision.uid.clone());
    let (mut before, mut after) = (Map::new(), Map::new());
    let mut notes = Vec::new();
    for (part, decision) in decisions {
        joined.basis = weaker(joined.basis, decision.basis);
        joined.disruption = joined.disruption.max(decision.disruption);
        joined.ops.extend(decision.ops);
        joined.guards.extend(decision.guards.into_iter().map(|guard| {
            let why = format!("{}: {}", part.object().shown(), guard.why);
            Guard { why, ..guard }
        }));
        joined.warnings.extend(decision.warnings.into_iter().map(|problem| of(part, problem)));
        notes.extend(decision.notes.into_iter().map(|told| {
            let field = field(&told.path).map(|field| format!(" `{field}`:")).unwrap_or_default();
            note(format!("{}:{field} {}", part.object().shown(), told.text))
        }));
        before.extend(decision.before.map(|view| (part.name.into(), view)));
        after.extend(decision.after.map(|view| (part.name.into(), view)));
    }
    joined.notes = notes;
    joined.before = (!before.is_empty()).then(|| Value::map(before));
    joined.after = (!after.is_empty()).then(|| Value::map(after));
    Ok(joined)
}

/// A picture is as sure as the least sure of its parts.
fn weaker(one: Basis, other: Basis) -> Basis {
    let rank = |basis: &Basis| match basis {
        Basis::Local => 0,
        Basis::Proven => 1,
        Basis::Server => 2,
        Basis::Predicted(_) => 3,
        Basis::Unverified(_) => 4,
    };
    if rank(&other) > rank(&one) { other } else { one }
}

fn note(text: String) -> Note {
    Note { path: Path::root(), text }
}

/// What people should know before the set is made or changed.
fn lines(
    settings: &Settings,
    running: Option<&Running>,
    (kubelets, situation): (Kubelets<'_>, Situation<'_>),
    decision: &Decision,
) -> Vec<Note> {
    let Settings { mode, local, cluster_dns, .. } = settings;
    let mut lines = Vec::new();
    if running.is_none_or(|running| running.intercepts != mode.intercepts()) {
        let name = mode.name();
        lines.push(if mode.intercepts() {
            format!(
                "kube-proxy works with {name}: the cache answers at {local} and, in the place of \
                 the cluster's DNS, at {cluster_dns}; kubelets stay as they are"
            )
        } else {
            format!("kube-proxy works with {name}: the cache answers at {local} alone")
        });
    }
    if !mode.intercepts() {
        lines.extend(kubelets::to_do(kubelets, situation, *local));
    }
    let changes = |kind: &str| {
        let is = |op: &Op| op.identity.args.get("kind").and_then(Value::as_str) == Some(kind);
        decision.ops.iter().any(is)
    };
    let upstream = |op: &Op| {
        op.args.get("create").and_then(Value::as_bool) == Some(true)
            && op.identity.key == PARTS[1].object().key()
    };
    if running.is_some() && mode.intercepts() && decision.ops.iter().any(upstream) {
        lines.push(
            "the upstream Service gets another address, which pods of the cache learn when they \
             start: until then they cannot ask the cluster's DNS"
                .to_owned(),
        );
    }
    if running.is_some() && changes("DaemonSet") {
        let meanwhile = if mode.intercepts() {
            "pods there ask the cluster's DNS meanwhile"
        } else {
            "pods there that have only its address have no DNS meanwhile"
        };
        lines.push(format!("the cache restarts on a tenth of the nodes at a time; {meanwhile}"));
    } else if running.is_some() && changes("ConfigMap") {
        lines.push("the cache reads its Corefile within two minutes; no pod restarts".to_owned());
    }
    lines.into_iter().map(note).collect()
}

/// A problem with one of the objects, told of the argument that the field comes from.
fn of(part: &Part, problem: Problem) -> Problem {
    let shown = part.object().shown();
    let said = problem.detail.contains(&shown);
    let field = field(&problem.path).filter(|field| !problem.detail.contains(field.as_str()));
    let place = match (said, field) {
        (true, None) => String::new(),
        (true, Some(field)) => format!("`{field}`: "),
        (false, None) => format!("{shown}: "),
        (false, Some(field)) => format!("{shown}, `{field}`: "),
    };
    let path = argument(&problem.path);
    Problem { detail: format!("{place}{}", problem.detail), path, ..problem }
}

/// The field of the object, as it is written there.
fn field(path: &Path) -> Option<String> {
    let (first, rest) = path.steps().split_first()?;
    let manifest = matches!(first, Step::Attr(name) if &**name == "manifest");
    let inside = rest.iter().cloned().fold(Path::root(), Path::step);
    (manifest && !rest.is_empty()).then(|| inside.to_string())
}

/// Arguments, and the fields of the `DaemonSet` that come from them alone.
const FIELDS: [(&str, &str); 4] = [
    ("image", "spec.template.spec.containers[0].image"),
    ("resources", "spec.template.spec.containers[0].resources"),
    ("tolerations", "spec.template.spec.tolerations"),
    ("node_selector", "spec.template.spec.nodeSelector"),
];

fn argument(path: &Path) -> Path {
    let field = field(path).unwrap_or_default();
    let found = FIELDS.iter().find(|(_, prefix)| field.starts_with(prefix));
    found.map_or_else(Path::root, |(argument, _)| Path::of(argument))
}

/// What the configuration says to leave as it is, as fields of the object.
fn ignored(part: &Part, ignore: &[Path]) -> Vec<Path> {
    if part.name != "daemon_set" {
        return Vec::new();
    }
    let field = |path: &Path| {
        let field = FIELDS.iter().find(|(argument, _)| *path == Path::of(argument))?.1;
        let mut at = Path::of("manifest");
        for step in field.split('.') {
            at = match step.strip_suffix("[0]") {
                Some(list) => at.attr(list).index(0),
                None => at.attr(step),
            };
        }
        Some(at)
    };
    ignore.iter().filter_map(field).collect()
}

/// Other arguments are in several objects, which must fit each other.
fn not_ignored(path: &Path) -> Option<Problem> {
    if FIELDS.iter().any(|(argument, _)| *path == Path::of(argument)) {
        return None;
    }
    let names = FIELDS.map(|(argument, _)| argument).join("`, `");
    let detail = format!("`{path}` cannot be left as it is: several objects follow from it.");
    let summary = "Argument cannot be ignored";
    let problem = Problem::error(codes::NODELOCAL, summary, path.clone(), detail);
    Some(problem.with_help(format!("`ignore_changes` may name `{names}`.")))
}

fn cannot_change(part: &Part) -> Problem {
    let detail = format!(
        "{} would have to be deleted and created anew, since the server does not let the change \
         through.",
        part.object().shown()
    );
    Problem::error(codes::NODELOCAL, "Object cannot be changed", Path::root(), detail)
        .with_help("Delete it yourself when that is right, and plan again.")
}
