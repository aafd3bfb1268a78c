//! Version 1 of the plan, to and from the engine's own types.

use super::{
    Basis, Body, Bracket, Change, Fingerprints, Guard, Note, Op, OutputChange, PathStep, Reason,
    Remember, Right, Rollout, Source, Step, Target, Turn,
};
use crate::plan::{SavedPlan, Snapshot, SourceText};
use crate::text::Text;
use crate::value::{sealed, sealed_pair, v1::WireValue};
use addrs::InstanceAddr;
use plans::{BracketId, Plan, StepId, Timestamp};
use std::time::Duration;
use values::{ItemKey, Path, Value};

impl From<&SavedPlan> for Body {
    fn from(saved: &SavedPlan) -> Self {
        let SavedPlan { plan, snapshot } = saved;
        let source = |s: &SourceText| Source { name: s.name.clone(), text: s.text.clone() };
        let variable = |(name, value): (&String, _)| (name.clone(), WireValue(sealed(value)));
        Self {
            id: plan.id.clone(),
            made: plan.made.0,
            mode: plan.mode.into(),
            project: plan.project.clone(),
            target: (&plan.target).into(),
            fingerprints: (&plan.fingerprints).into(),
            changes: plan.changes.iter().map(Into::into).collect(),
            outputs: plan.outputs.iter().map(Into::into).collect(),
            steps: plan.steps.iter().map(Into::into).collect(),
            brackets: plan.brackets.iter().map(Into::into).collect(),
            rollouts: plan.rollouts.iter().map(Into::into).collect(),
            turns: plan.turns.iter().map(Into::into).collect(),
            remember: plan.remember.iter().map(Into::into).collect(),
            complete: plan.complete,
            blocked: plan.blocked.iter().map(Into::into).collect(),
            rights: plan.rights.iter().map(Into::into).collect(),
            dir: snapshot.dir.clone(),
            sources: snapshot.sources.iter().map(source).collect(),
            variables: snapshot.variables.iter().map(variable).collect(),
        }
    }
}

impl From<Body> for SavedPlan {
    fn from(body: Body) -> Self {
        let source = |s: Source| SourceText { name: s.name, text: s.text };
        let snapshot = Snapshot {
            dir: body.dir,
            sources: body.sources.into_iter().map(source).collect(),
            variables: body.variables.into_iter().map(|(name, v)| (name, v.0)).collect(),
        };
        let plan = Plan {
            id: body.id,
            made: Timestamp(body.made),
            mode: body.mode.into(),
            project: body.project,
            target: body.target.into(),
            fingerprints: body.fingerprints.into(),
            changes: body.changes.into_iter().map(Into::into).collect(),
            outputs: body.outputs.into_iter().map(Into::into).collect(),
            steps: body.steps.into_iter().map(Into::into).collect(),
            brackets: body.brackets.into_iter().map(Into::into).collect(),
            rollouts: body.rollouts.into_iter().map(Into::into).collect(),
            turns: body.turns.into_iter().map(Into::into).collect(),
            remember: body.remember.into_iter().map(Into::into).collect(),
            complete: body.complete,
            blocked: body.blocked.into_iter().map(Into::into).collect(),
            rights: body.rights.into_iter().map(Into::into).collect(),
        };
        Self { plan, snapshot }
    }
}

impl From<&plans::Target> for Target {
    fn from(target: &plans::Target) -> Self {
        let plans::Target { name, server, uid, version } = target.clone();
        Self { name, server, uid, version }
    }
}

impl From<Target> for plans::Target {
    fn from(target: Target) -> Self {
        let Target { name, server, uid, version } = target;
        Self { name, server, uid, version }
    }
}

impl From<&plans::Fingerprints> for Fingerprints {
    fn from(fingerprints: &plans::Fingerprints) -> Self {
        let plans::Fingerprints { config, engine, lineage, serial } = fingerprints.clone();
        Self { config, engine, lineage, serial }
    }
}

impl From<Fingerprints> for plans::Fingerprints {
    fn from(fingerprints: Fingerprints) -> Self {
        let Fingerprints { config, engine, lineage, serial } = fingerprints;
        Self { config, engine, lineage, serial }
    }
}

fn pair(before: Option<&Value>, after: Option<&Value>) -> (Option<WireValue>, Option<WireValue>) {
    let (before, after) = sealed_pair(before, after);
    (before.map(WireValue), after.map(WireValue))
}

impl From<&plans::Change> for Change {
    fn from(change: &plans::Change) -> Self {
        let (before, after) = pair(change.before.as_ref(), change.after.as_ref());
        Self {
            address: Text(change.addr.clone()),
            identity: (&change.identity).into(),
            scope: Text(change.scope.clone()),
            action: change.action.into(),
            create_first: change.create_first,
            reason: change.reason.as_ref().map(Into::into),
            disruption: change.disruption.into(),
            before,
            after,
            basis: (&change.basis).into(),
            origin: change.origin.into(),
            notes: change.notes.iter().map(Into::into).collect(),
            blocked: change.blocked.iter().map(Into::into).collect(),
        }
    }
}

impl From<Change> for plans::Change {
    fn from(change: Change) -> Self {
        Self {
            addr: change.address.0,
            identity: change.identity.into(),
            scope: change.scope.0,
            action: change.action.into(),
            create_first: change.create_first,
            reason: change.reason.map(Into::into),
            disruption: change.disruption.into(),
            before: change.before.map(|value| value.0),
            after: change.after.map(|value| value.0),
            basis: change.basis.into(),
            origin: change.origin.into(),
            notes: change.notes.into_iter().map(Into::into).collect(),
            blocked: change.blocked.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&plans::Guard> for Guard {
    fn from(guard: &plans::Guard) -> Self {
        Self { kind: guard.kind.into(), why: guard.why.clone() }
    }
}

impl From<Guard> for plans::Guard {
    fn from(guard: Guard) -> Self {
        Self { kind: guard.kind.into(), why: guard.why }
    }
}

impl From<&plans::Right> for Right {
    fn from(right: &plans::Right) -> Self {
        let plans::Right { verb, group, resource, namespace, name, needed_by, allowed } =
            right.clone();
        Self { verb, group, resource, namespace, name, needed_by, allowed }
    }
}

impl From<Right> for plans::Right {
    fn from(right: Right) -> Self {
        let Right { verb, group, resource, namespace, name, needed_by, allowed } = right;
        Self { verb, group, resource, namespace, name, needed_by, allowed }
    }
}

impl From<&plans::Note> for Note {
    fn from(note: &plans::Note) -> Self {
        Self { path: wire_path(&note.path), text: note.text.clone() }
    }
}

impl From<Note> for plans::Note {
    fn from(note: Note) -> Self {
        Self { path: path(note.path), text: note.text }
    }
}

fn wire_path(path: &Path) -> Vec<PathStep> {
    let step = |step: &values::Step| match step {
        values::Step::Attr(name) => PathStep::Attr(name.to_string()),
        values::Step::Index(index) => PathStep::Index(*index as u64),
        values::Step::Item(key) => {
            let part =
                |(name, value): &(_, Value)| (ToString::to_string(name), WireValue(sealed(value)));
            PathStep::Item(key.0.iter().map(part).collect())
        }
    };
    path.steps().iter().map(step).collect()
}

fn path(steps: Vec<PathStep>) -> Path {
    let step = |step| match step {
        PathStep::Attr(name) => values::Step::Attr(name.into()),
        // Beyond the memory of this machine there is no item either.
        PathStep::Index(index) => values::Step::Index(usize::try_from(index).unwrap_or(usize::MAX)),
        PathStep::Item(key) => {
            let part = |(name, value): (String, WireValue)| (name.into(), value.0);
            values::Step::Item(ItemKey(key.into_iter().map(part).collect()))
        }
    };
    steps.into_iter().map(step).fold(Path::root(), Path::step)
}

impl From<&plans::OutputChange> for OutputChange {
    fn from(output: &plans::OutputChange) -> Self {
        let (before, after) = pair(output.before.as_ref(), output.after.as_ref());
        Self { name: output.name.clone(), before, after }
    }
}

impl From<OutputChange> for plans::OutputChange {
    fn from(output: OutputChange) -> Self {
        let (before, after) = (output.before.map(|v| v.0), output.after.map(|v| v.0));
        Self { name: output.name, before, after }
    }
}

impl From<&plans::Step> for Step {
    fn from(step: &plans::Step) -> Self {
        Self {
            id: step.id.0,
            address: step.addr.clone().map(Text),
            scope: Text(step.scope.clone()),
            action: step.action.into(),
            op: (&step.op).into(),
            needs: step.needs.iter().map(|id| id.0).collect(),
            bracket: step.bracket.map(|id| id.0),
            late: step.late,
            record: step.record.as_ref().map(Into::into),
        }
    }
}

impl From<Step> for plans::Step {
    fn from(step: Step) -> Self {
        let op = plans::Op::from(step.op);
        Self {
            id: StepId(step.id),
            addr: step.address.map(|address| address.0),
            scope: step.scope.0,
            action: step.action.into(),
            needs: step.needs.into_iter().map(StepId).collect(),
            bracket: step.bracket.map(BracketId),
            // A secret was not stored; it has to be evaluated again.
            late: step.late || op.args.has_sensitive(),
            record: step.record.map(Into::into),
            op,
        }
    }
}

impl From<&plans::Op> for Op {
    fn from(op: &plans::Op) -> Self {
        Self {
            ty: Text(op.ty.clone()),
            name: op.name.clone(),
            identity: (&op.identity).into(),
            args: WireValue(sealed(&op.args)),
            guard: WireValue(sealed(&op.guard)),
            text: op.text.clone(),
        }
    }
}

impl From<Op> for plans::Op {
    fn from(op: Op) -> Self {
        Self {
            ty: op.ty.0,
            name: op.name,
            identity: op.identity.into(),
            args: op.args.0,
            guard: op.guard.0,
            text: op.text,
        }
    }
}

impl From<&plans::Bracket> for Bracket {
    fn from(bracket: &plans::Bracket) -> Self {
        Self {
            id: bracket.id.0,
            scope: Text(bracket.scope.clone()),
            disruption: bracket.disruption.into(),
            steps: bracket.steps.iter().map(|id| id.0).collect(),
            closing: bracket.closing.iter().map(|id| id.0).collect(),
            forecast: bracket.forecast.clone(),
        }
    }
}

impl From<Bracket> for plans::Bracket {
    fn from(bracket: Bracket) -> Self {
        Self {
            id: BracketId(bracket.id),
            scope: bracket.scope.0,
            disruption: bracket.disruption.into(),
            steps: bracket.steps.into_iter().map(StepId).collect(),
            closing: bracket.closing.into_iter().map(StepId).collect(),
            forecast: bracket.forecast,
        }
    }
}

impl From<&plans::Rollout> for Rollout {
    fn from(rollout: &plans::Rollout) -> Self {
        let plans::Rollout { name, last, max_unavailable, max_failures, pause, window } =
            rollout.clone();
        let (pause, window) = (pause.as_secs(), window.map(Text));
        Self { name, last, max_unavailable, max_failures, pause, window }
    }
}

impl From<Rollout> for plans::Rollout {
    fn from(rollout: Rollout) -> Self {
        let Rollout { name, last, max_unavailable, max_failures, pause, window } = rollout;
        let (pause, window) = (Duration::from_secs(pause), window.map(|window| window.0));
        Self { name, last, max_unavailable, max_failures, pause, window }
    }
}

impl From<&plans::Turn> for Turn {
    fn from(turn: &plans::Turn) -> Self {
        let numbers = |steps: &[StepId]| steps.iter().map(|id| id.0).collect();
        Self {
            rollout: turn.rollout,
            batch: turn.batch,
            scope: Text(turn.scope.clone()),
            steps: numbers(&turn.steps),
            first: numbers(&turn.first),
            after: turn.after.clone(),
            pause: turn.pause,
        }
    }
}

impl From<Turn> for plans::Turn {
    fn from(turn: Turn) -> Self {
        let numbers = |steps: Vec<u32>| steps.into_iter().map(StepId).collect();
        Self {
            rollout: turn.rollout,
            batch: turn.batch,
            scope: turn.scope.0,
            steps: numbers(turn.steps),
            first: numbers(turn.first),
            after: turn.after,
            pause: turn.pause,
        }
    }
}

impl From<&(InstanceAddr, Option<plans::Recorded>)> for Remember {
    fn from((addr, record): &(InstanceAddr, Option<plans::Recorded>)) -> Self {
        Self { address: Text(addr.clone()), record: record.as_ref().map(Into::into) }
    }
}

impl From<Remember> for (InstanceAddr, Option<plans::Recorded>) {
    fn from(remember: Remember) -> Self {
        (remember.address.0, remember.record.map(Into::into))
    }
}

impl From<&plans::Reason> for Reason {
    fn from(reason: &plans::Reason) -> Self {
        match reason {
            plans::Reason::NotInConfiguration => Self::NotInConfiguration,
            plans::Reason::KeyGone => Self::KeyGone,
            plans::Reason::IndexGone => Self::IndexGone,
            plans::Reason::Disabled => Self::Disabled,
            plans::Reason::Destroy => Self::Destroy,
            plans::Reason::Requested => Self::Requested,
            plans::Reason::Triggered(by) => Self::Triggered(by.clone()),
            plans::Reason::CannotUpdate(paths) => {
                Self::CannotUpdate(paths.iter().map(wire_path).collect())
            }
        }
    }
}

impl From<Reason> for plans::Reason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NotInConfiguration => Self::NotInConfiguration,
            Reason::KeyGone => Self::KeyGone,
            Reason::IndexGone => Self::IndexGone,
            Reason::Disabled => Self::Disabled,
            Reason::Destroy => Self::Destroy,
            Reason::Requested => Self::Requested,
            Reason::Triggered(by) => Self::Triggered(by),
            Reason::CannotUpdate(paths) => {
                Self::CannotUpdate(paths.into_iter().map(path).collect())
            }
        }
    }
}

impl From<&plans::Basis> for Basis {
    fn from(basis: &plans::Basis) -> Self {
        match basis {
            plans::Basis::Proven => Self::Proven,
            plans::Basis::Server => Self::Server,
            plans::Basis::Local => Self::Local,
            plans::Basis::Unverified(why) => Self::Unverified(why.clone()),
            plans::Basis::Predicted(why) => Self::Predicted(why.clone()),
        }
    }
}

impl From<Basis> for plans::Basis {
    fn from(basis: Basis) -> Self {
        match basis {
            Basis::Proven => Self::Proven,
            Basis::Server => Self::Server,
            Basis::Local => Self::Local,
            Basis::Unverified(why) => Self::Unverified(why),
            Basis::Predicted(why) => Self::Predicted(why),
        }
    }
}
