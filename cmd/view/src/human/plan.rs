//! What will happen, for a person.

use super::body::Body;
use super::{change, event, only_secrets_differ, table};
use crate::style::Ink;
use crate::{Detail, Style, text};
use addrs::{InstanceAddr, Scope};
use plans::{
    Action, Basis, Bracket, Change, Guard, GuardKind, Mode, Origin, OutputChange, Plan, Rollout,
    Step, StepId, Tally,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use values::{Diff, Disruption};

/// The whole plan: target, table, each change, and the counts as the last line.
///
/// Lines that other tools look for (`Plan: `, `No changes.`, `  # ADDR will be created`) are
/// Terraform's to the byte. Ends with a newline.
pub fn plan(plan: &Plan, style: &Style, detail: Detail) -> String {
    plan_at(plan, style, detail, &Places::new())
}

/// Where instances are declared: `main.hcl line 3`.
pub type Places = BTreeMap<InstanceAddr, String>;

/// The same, and where those are declared that were changed outside of clinch: whoever reads
/// that has to decide which of the two is right.
pub fn plan_at(plan: &Plan, style: &Style, detail: Detail, places: &Places) -> String {
    let mut page = Page { plan, style: *style, detail, places, out: Vec::new() };
    page.target();
    let changes = table::by_risk(plan.changes.iter());
    let outputs: Vec<_> = plan.outputs.iter().filter(|o| o.is_change()).collect();
    if changes.is_empty() && outputs.is_empty() && plan.brackets.is_empty() {
        page.nothing();
    } else {
        page.changes(&changes);
        page.outputs(&outputs);
        page.rollouts();
        page.brackets();
        page.counts(&changes, !outputs.is_empty());
    }
    page.out.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The counts line alone: `Plan: 1 to add, 0 to change, 0 to destroy.`
pub fn counts(plan: &Plan) -> String {
    let mut tally = Tally::default();
    plan.changes.iter().for_each(|c| tally.count(c.action));
    let Tally { added, changed, destroyed, forgotten } = tally;
    let forget = if forgotten > 0 { format!(", {forgotten} to forget") } else { String::new() };
    format!("Plan: {added} to add, {changed} to change, {destroyed} to destroy{forget}.")
}

/// How many nodes are disturbed, and how: `Nodes: 3 to drain, ...`; `None` when none is. Each
/// node counts once, by the worst that happens to it.
pub fn nodes(plan: &Plan) -> Option<String> {
    let mut worst: BTreeMap<&str, Disruption> = BTreeMap::new();
    let of_changes = plan.changes.iter().filter(|c| c.action.is_change());
    let costs = of_changes.map(|c| (&c.scope, c.disruption));
    for (scope, cost) in costs.chain(plan.brackets.iter().map(|b| (&b.scope, b.disruption))) {
        if let Some(node) = scope.node_name().filter(|_| cost > Disruption::Quiet) {
            let entry = worst.entry(node).or_default();
            *entry = cost.max(*entry);
        }
    }
    if worst.is_empty() {
        return None;
    }
    let of = |cost| worst.values().filter(|c| **c == cost).count();
    let reload = match of(Disruption::Reload) {
        0 => String::new(),
        n => format!(", {n} to reload"),
    };
    Some(format!(
        "Nodes: {} to drain, {} to restart, {} to reboot{reload} (max {} at a time).",
        of(Disruption::Drain),
        of(Disruption::Restart),
        of(Disruption::Reboot),
        at_once(plan),
    ))
}

/// The nodes of a rollout, each once.
fn nodes_of(plan: &Plan, rollout: usize) -> BTreeSet<&Scope> {
    plan.turns.iter().filter(|turn| turn.rollout == rollout).map(|turn| &turn.scope).collect()
}

/// How many nodes each batch of a rollout has.
fn batches(plan: &Plan, rollout: usize) -> Vec<usize> {
    let mut batches: BTreeMap<usize, BTreeSet<&Scope>> = BTreeMap::new();
    for turn in plan.turns.iter().filter(|turn| turn.rollout == rollout) {
        batches.entry(turn.batch).or_default().insert(&turn.scope);
    }
    batches.into_values().map(|nodes| nodes.len()).collect()
}

/// So many nodes are out of service at once: one rollout comes after the other.
fn at_once(plan: &Plan) -> usize {
    let most = |(i, rollout): (usize, &Rollout)| {
        let most = usize::try_from(rollout.max_unavailable).unwrap_or(usize::MAX);
        most.min(nodes_of(plan, i).len())
    };
    plan.rollouts.iter().enumerate().map(most).max().unwrap_or(1).max(1)
}

/// What the configuration says about how nodes take turns, a line for each rollout.
fn rollouts(plan: &Plan) -> Vec<String> {
    let line = |(i, rollout): (usize, &Rollout)| {
        let name = rollout.name.as_deref()?;
        let control_plane = if rollout.last { " (control plane)" } else { "" };
        let nodes = text::count(nodes_of(plan, i).len(), "node", "nodes");
        let mut rules = vec![nodes, format!("at most {} at a time", rollout.max_unavailable)];
        let sizes = batches(plan, i);
        if sizes.len() > 1 {
            let shown: Vec<_> = sizes.iter().take(MANY_BATCHES).map(ToString::to_string).collect();
            let more = if sizes.len() > MANY_BATCHES { ", ..." } else { "" };
            rules.push(format!("in batches of {}{more}", shown.join(", ")));
        }
        if !rollout.pause.is_zero() {
            rules.push(format!("{} between batches", event::seconds(rollout.pause)));
        }
        rules.extend(rollout.window.as_ref().map(|window| format!("only {window}")));
        rules.push(match rollout.max_failures {
            0 => "until one fails".to_owned(),
            n => format!("until more than {n} fail"),
        });
        let line = format!("  rollout.{name}{control_plane}: {}", rules.join(", "));
        Some(text::line(&line).into_owned())
    };
    plan.rollouts.iter().enumerate().filter_map(line).collect()
}

/// How many changes are only predicted, and why: `Not verified by the server: 2 of 3 changes
/// (...)`; `None` when all are verified, or will be.
pub fn predicted(plan: &Plan) -> Option<String> {
    let changes = || plan.changes.iter().filter(|c| c.action.is_change());
    let mut whys: Vec<&str> = Vec::new();
    let mut count = 0;
    for change in changes() {
        if let Basis::Predicted(why) = &change.basis {
            count += 1;
            if !whys.contains(&why.as_str()) {
                whys.push(why);
            }
        }
    }
    if count == 0 {
        return None;
    }
    let more = match whys.len().saturating_sub(WHYS) {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    whys.truncate(WHYS);
    let all = text::count(changes().count(), "change", "changes");
    let whys = told_once(&whys);
    Some(format!("Not verified by the server: {count} of {all} ({}{more}).", text::line(&whys)))
}

/// Reasons in one line. Who may not do what is mostly the same user, who is named once.
fn told_once(whys: &[&str]) -> String {
    const MAY_NOT: &str = " may not ";
    let user = whys.first().and_then(|why| why.split_once(MAY_NOT)).map(|(user, _)| user);
    let tail = |why: &&str| {
        let (who, what) = why.split_once(MAY_NOT)?;
        (Some(who) == user).then(|| what.to_owned())
    };
    let told = whys.iter().enumerate().map(|(i, why)| match tail(why) {
        Some(what) if i > 0 => format!("nor {what}"),
        Some(_) | None => (*why).to_owned(),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// What must be allowed by name, and what is not allowed to whoever plans, in one line; `None`
/// when nothing stands in the way of the plan.
pub fn blocked(plan: &Plan) -> Option<String> {
    let deletions = plan.deletions();
    let missing = plan.rights.iter().filter(|r| r.allowed == Some(false)).count();
    let guards = plan.blocked.iter().chain(plan.changes.iter().flat_map(|c| &c.blocked));
    let flags: BTreeSet<String> =
        guards.clone().filter_map(|guard| plans::flag(guard.kind, deletions)).collect();
    let protected = guards.clone().filter(|guard| guard.kind == GuardKind::Protected).count();
    let mut parts: Vec<String> =
        plan.blocked.iter().map(|guard| text::line(&guard.why).into_owned()).collect();
    let by_name = |guard: &Guard| plans::flag(guard.kind, deletions).is_some();
    let changes = plan.changes.iter().filter(|c| c.blocked.iter().any(by_name));
    match changes.count() {
        0 => {}
        n => parts.push(format!("{} must be allowed by name", text::count(n, "change", "changes"))),
    }
    if protected > 0 {
        parts.push(format!("{} protected", text::count(protected, "object is", "objects are")));
    }
    let loud = plan.changes.iter().filter(|c| costs_too_much(c)).count();
    if loud > 0 {
        parts.push(format!(
            "{} more than can be done",
            text::count(loud, "change costs", "changes cost")
        ));
    }
    if missing > 0 {
        parts.push(format!("{} missing", text::count(missing, "right is", "rights are")));
    }
    if parts.is_empty() {
        return None;
    }
    let allow = match flags.into_iter().collect::<Vec<_>>().join(" ") {
        flags if flags.is_empty() => String::new(),
        flags => format!(" To allow it: {flags}"),
    };
    Some(format!("Blocked: {}.{allow}", parts.join("; ")))
}

/// Whether there is no procedure for what a change costs.
fn costs_too_much(change: &Change) -> bool {
    change.blocked.iter().any(|guard| guard.kind == GuardKind::Disruption)
}

/// The sizes of so many batches are named.
const MANY_BATCHES: usize = 6;
/// So many lines of a forecast are shown.
const MANY_PODS: usize = 12;
/// So many reasons are told.
const WHYS: usize = 3;

struct Page<'a> {
    plan: &'a Plan,
    style: Style,
    detail: Detail,
    places: &'a Places,
    out: Vec<String>,
}

impl Page<'_> {
    fn blank(&mut self) {
        if self.out.last().is_some_and(|l| !l.is_empty()) {
            self.out.push(String::new());
        }
    }

    fn paragraph(&mut self, text: &str) {
        self.blank();
        self.out.extend(text::wrap(text, self.style.width));
    }

    /// Which cluster; the first thing to check before saying yes.
    fn target(&mut self) {
        let target = &self.plan.target;
        let uid = target.uid.get(..8).unwrap_or(&target.uid);
        self.out.push(format!(
            "Cluster {} {} at {} (uid {}), project {}",
            self.style.ink(Ink::Strong, &text::line(&target.name)),
            text::line(&target.version),
            text::line(&target.server),
            text::line(uid),
            self.style.ink(Ink::Strong, &text::line(&self.plan.project)),
        ));
    }

    fn nothing(&mut self) {
        if !self.plan.complete {
            self.paragraph(
                "Planning failed. Something in scope could not be looked at or planned, so it is \
                 not known whether anything differs. The errors say what.",
            );
            return;
        }
        let (headline, text) = match self.plan.mode {
            Mode::Normal => (
                "Your infrastructure matches the configuration.",
                "clinch has compared the cluster with your configuration and found no \
                 differences, so nothing needs to be done.",
            ),
            Mode::Drift => (
                "Your infrastructure still matches the configuration.",
                "clinch has looked at everything that the configuration declares and found no \
                 differences.",
            ),
            Mode::Destroy => (
                "No objects need to be destroyed.",
                "The state remembers no object that still exists.",
            ),
        };
        self.blank();
        let headline = format!("No changes. {headline}");
        self.out.push(self.style.ink(Ink::Good, &headline));
        self.paragraph(text);
    }

    fn changes(&mut self, changes: &[&Change]) {
        if changes.is_empty() {
            return;
        }
        self.legend(changes);
        self.blank();
        self.out.extend(table::lines(changes, self.style));
        if self.detail == Detail::Summary {
            return;
        }
        if self.plan.mode == Mode::Drift {
            let (drift, pending): (Vec<&Change>, Vec<&Change>) =
                changes.iter().partition(|c| c.origin == Origin::Drift);
            let (secret, drift): (Vec<&Change>, Vec<&Change>) =
                drift.into_iter().partition(|c| only_secrets_differ(c));
            self.section("Changed outside of clinch since the last apply:", &drift);
            let title = "With another secret, in the configuration or outside of clinch:";
            self.section(title, &secret);
            self.section("Not yet applied:", &pending);
        } else if self.plan.complete {
            self.section("clinch will perform the following actions:", changes);
        } else {
            let title = "clinch planned the following actions, but then encountered a problem:";
            self.section(title, changes);
        }
        if self.detail == Detail::Full {
            let noted = |c: &&Change| c.action == Action::NoOp && !c.notes.is_empty();
            let unchanged: Vec<_> = self.plan.changes.iter().filter(noted).collect();
            self.section("Without changes:", &unchanged);
        }
    }

    fn legend(&mut self, changes: &[&Change]) {
        let drift = self.plan.mode == Mode::Drift;
        let meanings = [
            (Action::Create, "create", "missing"),
            (Action::Delete, "destroy", "no longer in the configuration"),
            (
                Action::Update,
                "update in-place (current -> planned)",
                "differs (current -> configured)",
            ),
            (
                Action::Replace,
                "destroy and then create replacement",
                "differs, and cannot be updated in-place (current -> configured)",
            ),
            (Action::Forget, "forget, without destroying", "no longer managed"),
        ];
        let what = if drift { "Differences" } else { "Resource actions" };
        self.paragraph(&format!("{what} are indicated with the following symbols:"));
        for (action, normal, in_drift) in meanings {
            if changes.iter().any(|c| c.action == action && !c.create_first) {
                let sign = change::sign_ink(action, false, self.style);
                self.out.push(format!("{sign} {}", if drift { in_drift } else { normal }));
            }
            if action == Action::Replace && changes.iter().any(|c| c.create_first) {
                let sign = change::sign_ink(action, true, self.style);
                let normal = "create replacement and then destroy";
                self.out.push(format!("{sign} {}", if drift { in_drift } else { normal }));
            }
        }
    }

    fn section(&mut self, title: &str, changes: &[&Change]) {
        if changes.is_empty() {
            return;
        }
        self.paragraph(title);
        for c in changes {
            self.blank();
            let addr = c.addr.to_string();
            let missing = self.plan.rights.iter().filter(|r| r.allowed == Some(false));
            let lacks: Vec<_> = missing.filter(|r| r.needed_by.contains(&addr)).collect();
            let place = self.places.get(&c.addr).map(String::as_str);
            let mode = self.plan.mode;
            self.out.extend(change::lines(c, &lacks, place, mode, self.style, self.detail));
        }
    }

    fn outputs(&mut self, outputs: &[&OutputChange]) {
        if outputs.is_empty() {
            return;
        }
        self.blank();
        self.out.push("Changes to Outputs:".to_owned());
        let diffs: BTreeMap<Arc<str>, Diff> =
            outputs.iter().map(|o| (o.name.as_str().into(), output(o))).collect();
        let mut body = Body::new(self.style, self.detail, &[], &[]);
        body.outputs(&diffs);
        self.out.extend(body.finish().0);
    }

    /// The rules by which nodes take turns.
    fn rollouts(&mut self) {
        let lines = rollouts(self.plan);
        if !lines.is_empty() {
            self.blank();
            self.out.push("Rollouts:".to_owned());
            self.out.extend(lines);
        }
    }

    /// The steps that take nodes out of service, by the numbers that the run will show.
    fn brackets(&mut self) {
        if self.plan.brackets.is_empty() || self.detail == Detail::Summary {
            return;
        }
        self.paragraph(if self.plan.brackets.iter().all(Bracket::brings_back) {
            "What a run that was not finished left out of service is brought back in these steps:"
        } else if self.plan.brackets.len() > 1 {
            match at_once(self.plan) {
                1 => {
                    "Nodes will be taken out of service in these steps, one node at a time. Pods \
                     are told where they are now; those that leave one node may go to the next."
                }
                _ => {
                    "Nodes will be taken out of service in these steps. Pods are told where they \
                     are now; those that leave one node may go to the next."
                }
            }
        } else {
            "A node will be taken out of service in these steps:"
        });
        let mut brackets: Vec<_> = self.plan.brackets.iter().collect();
        brackets.sort_by_key(|bracket| bracket.steps.first());
        for bracket in brackets {
            let scope = bracket.scope.to_string();
            let cost = match bracket.disruption {
                _ if bracket.brings_back() => "left out of service".to_owned(),
                cost => cost.to_string(),
            };
            self.out.push(format!("  {} ({cost})", text::line(&scope)));
            for step in bracket.steps.iter().filter_map(|id| self.plan.step(*id)) {
                let line = format!("    {:>3}. {}", step.id.0, text::line(&step.op.text));
                self.out.push(line.trim_end().to_owned());
                // What happens to pods happens before the first edit.
                let next = self.plan.step(StepId(step.id.0 + 1));
                let opens = step.addr.is_none() && !bracket.closing.contains(&step.id);
                let is_last =
                    |next: &Step| next.addr.is_some() || bracket.closing.contains(&next.id);
                if opens && next.is_none_or(is_last) {
                    self.forecast(bracket);
                }
            }
        }
    }

    /// What a bracket does to what runs there.
    fn forecast(&mut self, bracket: &plans::Bracket) {
        let many = if self.detail == Detail::Full { usize::MAX } else { MANY_PODS };
        let lines = bracket.forecast.iter();
        self.out.extend(lines.take(many).map(|line| format!("           {}", text::line(line))));
        let more = bracket.forecast.len().saturating_sub(many);
        if more > 0 {
            self.out.push(format!("           and {more} more, which `clinch show -json` names"));
        }
    }

    fn counts(&mut self, changes: &[&Change], outputs: bool) {
        self.blank();
        if self.plan.mode == Mode::Drift {
            let drift = changes.iter().filter(|c| c.origin == Origin::Drift).count();
            let pending = changes.len() - drift;
            let secret = changes.iter().filter(|c| only_secrets_differ(c)).count();
            let secrets = match secret {
                0 => String::new(),
                n => format!(", {n} with another secret"),
            };
            let line = format!(
                "Drift: {} changed outside of clinch, {pending} not yet applied{secrets}.",
                drift - secret
            );
            self.out.push(self.style.ink(Ink::Strong, &line));
        } else if changes.is_empty() && outputs && self.plan.complete {
            self.paragraph(
                "You can apply this plan to save these new output values to the state, without \
                 changing any object.",
            );
        } else {
            let counts = counts(self.plan);
            // As Terraform has it: the first word in bold. Tools switch colour off.
            let line = counts.strip_prefix("Plan:").map_or(counts.clone(), |rest| {
                format!("{}{rest}", self.style.ink(Ink::Strong, "Plan:"))
            });
            self.out.push(line);
            self.out.extend(nodes(self.plan));
        }
        self.out.extend(predicted(self.plan));
        self.out.extend(blocked(self.plan).map(|line| self.style.ink(Ink::Destroy, &line)));
        let guards = self.plan.changes.iter().flat_map(|c| &c.blocked);
        let protected = guards.filter(|guard| guard.kind == GuardKind::Protected).count();
        if !self.plan.complete {
            self.paragraph(if protected > 0 {
                "Planning failed. What is protected would be destroyed, so this plan cannot be \
                 applied. The errors say how to lift the protection."
            } else {
                "Planning failed. Something in scope could not be looked at or planned, so this \
                 plan is not the whole. The errors say what."
            });
        }
    }
}

fn output(output: &OutputChange) -> Diff {
    match (&output.before, &output.after) {
        (Some(a), Some(b)) => {
            let (a, b) = values::hide_alike(a, b);
            match values::diff(&a, &b) {
                // Only whether it is sensitive has changed.
                Diff::Same(_) => Diff::Changed(a, b),
                diff => diff,
            }
        }
        (Some(a), None) => Diff::Removed(a.clone()),
        (None, Some(b)) => Diff::Added(b.clone()),
        (None, None) => Diff::Same(values::Value::Null),
    }
}
