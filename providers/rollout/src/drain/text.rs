//! A forecast in words: lines for the plan of a node, and what is in the way as problems.

use super::Whose;
use super::budgets::{Answer, Block};
use super::codes;
use super::forecast::{Drain, Fate, Leaving, NoForecast, Note, Refusal, Stay};
use super::objects::Key;
use super::place::Misfit;
use plans::Problem;
use std::collections::BTreeMap;
use values::Path;

/// How many pods a message names before it counts the rest.
const NAMED: usize = 8;

impl Drain {
    /// One line for each pod that leaves, then one for those that stay: what happens, to which
    /// pod, and what there is to know of it. Equal forecasts give equal lines.
    pub fn lines(&self) -> Vec<String> {
        let mut leaving: Vec<&Leaving> = self.leaving().collect();
        leaving.sort_by_key(|pod| (rank(&pod.fate), &pod.key));
        let width = leaving.iter().map(|pod| pod.key.to_string().chars().count()).max();
        let width = width.unwrap_or(0);
        let line = |pod: &&Leaving| {
            let (verb, key) = (verb(&pod.fate), pod.key.to_string());
            // Kinds of owners and paths of volumes are whatever somebody wrote.
            let told = access::text::clean(&told(pod));
            format!("{verb:<6}  {key:<width$}  {told}").trim_end().to_owned()
        };
        let mut lines: Vec<String> = leaving.iter().map(line).collect();
        lines.extend(self.staying());
        lines
    }

    fn staying(&self) -> Option<String> {
        let mut counts: BTreeMap<Stay, usize> = BTreeMap::new();
        for pod in &self.pods {
            if let Fate::Stays(why) = pod.fate {
                *counts.entry(why).or_default() += 1;
            }
        }
        let told = counts.iter().map(|(why, count)| match why {
            Stay::DaemonSet => format!("{count} of daemon sets"),
            Stay::Mirror => format!("{count} static"),
            Stay::Unconfirmed => format!("{count} whose end nobody confirms"),
            Stay::NotSelected => format!("{count} not selected"),
        });
        let told = told.collect::<Vec<_>>().join(", ");
        (!told.is_empty()).then(|| format!("stay    {told}"))
    }

    /// What is in the way of the drain (errors), and what it costs that nobody may want
    /// (warnings), in an order that is the same for equal forecasts.
    pub fn problems(&self) -> Vec<Problem> {
        let refusals = [Refusal::Orphaned, Refusal::Bare, Refusal::EmptyDir, Refusal::Stranded];
        let refused = refusals.into_iter().filter_map(|refusal| self.refused(refusal));
        let mut problems: Vec<Problem> = refused.collect();
        problems.extend(self.held());
        problems.extend(self.answers());
        problems.extend(self.outages());
        if !self.ready {
            problems.push(self.down());
        }
        problems.extend(self.unseen.iter().map(|what| {
            let detail =
                format!("What draining node `{}` does is not fully known: {what}", self.node);
            Problem::warning(codes::UNSEEN, "Forecast is incomplete", Path::root(), detail)
        }));
        problems
    }

    fn refused(&self, refusal: Refusal) -> Option<Problem> {
        let is = |pod: &&Leaving| matches!(&pod.fate, Fate::Refused(all) if all.contains(&refusal));
        let pods: Vec<&Leaving> = self.leaving().filter(is).collect();
        let (node, names) = (&self.node, named(pods.iter().map(|pod| pod.key.to_string())));
        let first = pods.first()?;
        let (code, summary, detail, help) = match refusal {
            Refusal::Bare => (
                codes::BARE,
                "Pods would not come back",
                format!("Draining node `{node}` removes pods without a controller: {names}."),
                "Let a Deployment or another controller run them, delete them yourself, or allow \
                 it with `force`.",
            ),
            Refusal::Orphaned => (
                codes::BARE,
                "Pods would not come back",
                format!(
                    "Draining node `{node}` removes pods whose DaemonSet does not exist any more: \
                     {names}."
                ),
                "Delete them yourself, or allow it with `force`.",
            ),
            Refusal::EmptyDir => (
                codes::EMPTY_DIR,
                "Data would be lost",
                format!("Draining node `{node}` loses what is in emptyDir volumes of {names}."),
                "If it is a cache or the like, allow it with `delete_emptydir_data`.",
            ),
            Refusal::Stranded => (
                codes::STRANDED,
                "Pods have no other node to go to",
                format!(
                    "Draining node `{node}` leaves {names} without a node: {}.",
                    first.notes.iter().find_map(stranded).unwrap_or_default()
                ),
                "Uncordon or add a node that takes them, or allow it with `allow_stranded`: then \
                 they stand still until the node is back.",
            ),
        };
        Some(Problem::error(code, summary, Path::root(), detail).with_help(help))
    }

    /// A cordon of another project.
    fn held(&self) -> Option<Problem> {
        let Whose::Plan(holder) = &self.cordon else { return None };
        let detail = format!(
            "Node `{}` is cordoned by plan {} of project `{}`.",
            self.node, holder.plan, holder.project
        );
        let summary = "Node is out of service already";
        let problem = Problem::warning(codes::CORDON, summary, Path::root(), detail);
        Some(problem.with_help(
            "A plan of the same project takes it over. If it is another project, wait until that \
             has finished.",
        ))
    }

    /// What budgets say, each budget once.
    fn answers(&self) -> Vec<Problem> {
        let mut said: Vec<(&Answer, Vec<&Leaving>)> = Vec::new();
        for pod in self.leaving().filter(|pod| pod.answer.blocks()) {
            match said.iter_mut().find(|(answer, _)| **answer == pod.answer) {
                Some((_, pods)) => pods.push(pod),
                None => said.push((&pod.answer, vec![pod])),
            }
        }
        let problem = |(answer, pods): (&Answer, Vec<&Leaving>)| {
            let names = named(pods.iter().map(|pod| pod.key.to_string()));
            refusal_of(answer, &self.node, &names)
        };
        said.into_iter().filter_map(problem).collect()
    }

    fn outages(&self) -> Option<Problem> {
        let stands = |pod: &&Leaving| {
            let note = |note: &Note| matches!(note, Note::OnlyReplica | Note::AllHere);
            pod.notes.iter().any(note)
        };
        let mut owners: Vec<String> = Vec::new();
        for owner in self.leaving().filter(stands).filter_map(|pod| pod.owner.as_ref()) {
            let shown = owner.to_string();
            if !owners.contains(&shown) {
                owners.push(shown);
            }
        }
        let names = (!owners.is_empty()).then(|| named(owners.into_iter()))?;
        let detail = format!(
            "While node `{}` is drained, nothing of {names} is ready: all of it runs on this node.",
            self.node
        );
        let summary = "An application stands still";
        let problem = Problem::warning(codes::OUTAGE, summary, Path::root(), detail);
        Some(problem.with_help(
            "Run more replicas on other nodes first; a PodDisruptionBudget keeps some of them.",
        ))
    }

    /// That the node is not ready: what that means for its turn.
    fn down(&self) -> Problem {
        let mut detail = format!(
            "Node `{}` is not ready, so it comes first among those of its rollout: no other one is \
             taken out of service for it, and the change may be what brings it back. If it is not \
             ready afterwards either, its turn counts as failed.",
            self.node
        );
        let is_unconfirmed = |pod: &Leaving| match pod.fate {
            Fate::Refused(_) | Fate::Evicted | Fate::Awaited => true,
            Fate::Stays(why) => why == Stay::Unconfirmed,
            Fate::Removed => false,
        };
        let (code, summary) = if self.pods.iter().any(is_unconfirmed) {
            detail.push_str(
                " Its kubelet does not confirm that pods have ended, so each is waited for half a \
                 minute; what still runs of them ends when the kubelet is back.",
            );
            (codes::UNCONFIRMED, "Node does not answer")
        } else {
            (codes::DOWN, "Node is not ready")
        };
        let problem = Problem::warning(code, summary, Path::root(), detail);
        problem.with_help(
            "If this change is not meant to bring it back, find out first what is wrong there. If \
             the machine is off for good, delete the Node object.",
        )
    }
}

impl NoForecast {
    /// For a person; `node` is the one that was asked about.
    pub fn to_problem(&self, node: &str) -> Problem {
        let node = access::text::clean(node);
        let (code, summary, detail) = match self {
            Self::NoNode => {
                (codes::CORDON, "There is no such node", format!("Node `{node}` does not exist."))
            }
            Self::PodsUnseen => (
                codes::UNSEEN,
                "Pods were not looked at",
                format!("Which pods are on node `{node}` is not known, so it cannot be drained."),
            ),
        };
        Problem::error(code, summary, Path::root(), detail)
    }
}

/// What is in the way when the server would answer so; `None` when nothing is.
pub(super) fn refusal_of(answer: &Answer, node: &str, names: &str) -> Option<Problem> {
    let error = |code, summary, detail: String| Problem::error(code, summary, Path::root(), detail);
    let blocked = "Disruption budget leaves no room";
    Some(match answer {
        Answer::Free
        | Answer::Allowed { .. }
        | Answer::Unhealthy { .. }
        | Answer::Unseen => return None,
        Answer::Blocked { budget, why: Block::Spent { needs, has, always: true } } => error(
            codes::BLOCKED,
            blocked,
            format!(
                "Budget `{budget}` lets no pod go, so {names} cannot leave node `{node}`: it needs \
                 {needs} healthy, which is all that there should be, and has {has}."
            ),
        )
        .with_help("Run one replica more, or let the budget allow at least one to be away."),
        Answer::Blocked { budget, why: Block::Spent { needs, has, always: false } } => {
            let detail = format!(
                "Budget `{budget}` has no room now, so {names} would not leave node `{node}`: it \
                 needs {needs} healthy and has {has}."
            );
            Problem::warning(codes::BLOCKED, blocked, Path::root(), detail)
                .with_help("Find out why pods of it are not ready. A drain waits for them until its time is over.")
        }
        Answer::Blocked { budget, why: Block::Stale } => {
            let detail = format!(
                "Budget `{budget}` was changed and not counted again yet, so {names} would not \
                 leave node `{node}`."
            );
            Problem::warning(codes::BLOCKED, blocked, Path::root(), detail).with_help(
                "It is counted within seconds; if not, look whether kube-controller-manager runs.",
            )
        }
        Answer::Blocked { budget, why: Block::Failed(why) } => error(
            codes::BLOCKED,
            blocked,
            format!(
                "Budget `{budget}` cannot be counted ({why}), so {names} cannot leave node `{node}`."
            ),
        )
        .with_help(
            "A budget with percentages or `maxUnavailable` counts only pods of controllers that \
             have a scale; write `minAvailable` as a number.",
        ),
        Answer::Several { budgets } => error(
            codes::NO_EVICTION,
            "Pod has more than one disruption budget",
            format!(
                "{names} on node `{node}` cannot be evicted: the server evicts no pod that more \
                 than one budget selects{}.",
                several(budgets)
            ),
        )
        .with_help("Change the selectors so that each pod has one budget."),
        Answer::Corrupt { budget, why } => error(
            codes::NO_EVICTION,
            "Disruption budget is not in order",
            format!("{names} on node `{node}` cannot be evicted because of budget `{budget}`: {why}."),
        )
        .with_help("Look whether kube-controller-manager runs, which counts budgets anew."),
    })
}

fn several(budgets: &[Key]) -> String {
    let names = named(budgets.iter().map(Key::to_string));
    if names.is_empty() { names } else { format!(", and {names} do") }
}

/// `a, b and 3 more`.
pub(crate) fn named(names: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = names.map(|name| access::text::clean(&name)).collect();
    match all.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if all.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", all[..NAMED].join(", "), all.len() - NAMED),
    }
}

fn rank(fate: &Fate) -> u8 {
    match fate {
        Fate::Refused(_) => 0,
        Fate::Evicted => 1,
        Fate::Removed => 2,
        Fate::Awaited => 3,
        Fate::Stays(_) => 4,
    }
}

fn verb(fate: &Fate) -> &'static str {
    match fate {
        Fate::Refused(_) => "refuse",
        Fate::Evicted => "evict",
        Fate::Removed => "remove",
        Fate::Awaited => "await",
        Fate::Stays(_) => "stay",
    }
}

/// What there is to know of a pod, in clauses.
fn told(pod: &Leaving) -> String {
    let mut parts = Vec::new();
    if let Some(owner) = &pod.owner {
        parts.push(owner.to_string());
    }
    if let Some((ready, replicas)) = pod.ready {
        parts.push(format!("{ready} of {replicas} ready"));
    }
    match &pod.fate {
        Fate::Refused(refusals) => {
            parts.extend(refusals.iter().filter_map(|why| refusal(*why)).map(str::to_owned));
        }
        Fate::Removed => parts.push("is over".to_owned()),
        Fate::Awaited => parts.push("is ending already".to_owned()),
        Fate::Evicted | Fate::Stays(_) => {}
    }
    parts.extend(answer(&pod.answer));
    parts.extend(pod.notes.iter().filter_map(|told| note(told, &pod.fate)));
    parts.join(", ")
}

/// Why a pod is refused, unless a note says it better.
fn refusal(why: Refusal) -> Option<&'static str> {
    match why {
        Refusal::Orphaned => Some("its daemon set is gone"),
        Refusal::Bare => Some("has no controller"),
        Refusal::EmptyDir | Refusal::Stranded => None,
    }
}

/// What a budget says about a pod, as a clause; `None` when there is nothing to say.
pub(super) fn answer(answer: &Answer) -> Option<String> {
    Some(match answer {
        Answer::Free => return None,
        Answer::Allowed { budget, allowed } => format!("budget {budget} allows {allowed}"),
        Answer::Unhealthy { budget } => format!("is not ready, so budget {budget} lets it go"),
        Answer::Blocked { budget, why: Block::Spent { needs, has, always } } => {
            let never = if *always { "lets none go" } else { "blocks" };
            format!("budget {budget} {never}: needs {needs} healthy and has {has}")
        }
        Answer::Blocked { budget, why: Block::Stale } => {
            format!("budget {budget} blocks: not counted since it was changed")
        }
        Answer::Blocked { budget, why: Block::Failed(why) } => {
            format!("budget {budget} blocks: cannot be counted: {why}")
        }
        Answer::Several { budgets } => {
            let all: Vec<String> = budgets.iter().map(Key::to_string).collect();
            format!("cannot be evicted with budgets {}", all.join(" and "))
        }
        Answer::Corrupt { budget, why } => format!("budget {budget} blocks: {why}"),
        Answer::Unseen => "budgets not seen".to_owned(),
    })
}

fn note(note: &Note, fate: &Fate) -> Option<String> {
    let refused = |why: Refusal| matches!(fate, Fate::Refused(all) if all.contains(&why));
    Some(match note {
        Note::GoneForGood if refused(Refusal::Bare) || refused(Refusal::Orphaned) => return None,
        Note::GoneForGood => "nothing creates it again".to_owned(),
        Note::Loses(volumes) => {
            let loses = if refused(Refusal::EmptyDir) { "would lose" } else { "loses" };
            format!("{loses} emptyDir {}", volumes.join(" and "))
        }
        Note::HostPath(paths) => format!("leaves {} behind", paths.join(" and ")),
        Note::Bound(volume) => format!("bound to volume {volume} on this node"),
        Note::Stranded(_) => stranded(note)?,
        Note::OnlyReplica => "the only replica".to_owned(),
        Note::AllHere => "all ready replicas are here".to_owned(),
        Note::WorkAgain => "its work begins again".to_owned(),
    })
}

fn stranded(note: &Note) -> Option<String> {
    let Note::Stranded(why) = note else { return None };
    if why.is_empty() {
        return Some("there is no other node".to_owned());
    }
    let told = why.iter().map(|(misfit, count)| match misfit {
        Misfit::Cordoned => format!("{count} cordoned"),
        Misfit::NotReady => format!("{count} not ready"),
        Misfit::Tainted => format!("{count} tainted"),
        Misfit::Unwanted => format!("{count} not asked for"),
        Misfit::OutOfReach => format!("{count} out of reach of its volume"),
    });
    Some(format!("no other node takes it ({})", told.collect::<Vec<_>>().join(", ")))
}
