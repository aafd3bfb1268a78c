//! What is done about the settings that kubeadm keeps, and what they will be.

use super::{KEY, PATH, RECORD};
use crate::codes;
use crate::kubelet_config::decide::{changed, no_secrets};
use crate::kubelet_config::judge::Asked;
use crate::kubelet_config::text;
use crate::settings::digest;
use crate::settings::record::Record;
use crate::settings::ways;
use addrs::TypeName;
use apimachinery::versions::Minor;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use values::{Path, Value};

const LATE: &str = "values known after apply";

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>, present: &Value) -> Planned {
    match case(ty, request, present) {
        Ok(decision) => Planned::Decided(Box::new(decision)),
        Err(problem) => Planned::Failed(problem),
    }
}

struct Case<'a> {
    ty: &'a TypeName,
    request: &'a PlanRequest<'a>,
    content: &'a str,
    live: Value,
    /// The text of the record; `None` when nothing is ours yet.
    recorded: Option<&'a str>,
    record: Record,
    uid: Option<&'a str>,
    /// `None` for one that this program does not know.
    minor: Option<Minor>,
    version: &'a str,
}

fn case(
    ty: &TypeName,
    request: &PlanRequest<'_>,
    present: &Value,
) -> Result<Decision, Vec<Problem>> {
    let known = |name: &str| present.get(name).and_then(Value::as_str);
    let recorded = known("record");
    if request.desired.is_none() && recorded.is_none() {
        return Ok(Decision::plain(Action::Forget));
    }
    let one = |problem: Problem| vec![problem];
    let Some(content) = known("text") else { return Err(vec![no_kubeadm()]) };
    let live = text::read(content).map_err(|why| vec![unreadable(&why)])?;
    no_secrets(request, &live).map_err(one)?;
    let place = format!("the annotation `{RECORD}` of the ConfigMap");
    let record = Record::of_request(request, PATH, recorded, &place).map_err(one)?;
    let version = known("version").unwrap_or_default();
    let (uid, minor) = (known("uid"), Minor::parse(version));
    let case = Case { ty, request, content, live, recorded, record, uid, minor, version };
    match request.desired {
        Some(args) => case.wanted(args),
        None => Ok(case.given_back()),
    }
}

impl Case<'_> {
    fn wanted(&self, args: &Value) -> Result<Decision, Vec<Problem>> {
        let given = args.get("settings").cloned().unwrap_or(Value::Null);
        if !given.is_known() {
            return Ok(self.late(args, &given));
        }
        let settings = ways::leaves(&given);
        let wanted = self.record.wanted(&self.live, &settings);
        let (minor, live) = (self.minor.unwrap_or_else(Minor::newest), &self.live);
        let shown = self.request.identity.shown.as_str();
        Asked { shown, minor, given: &given, settings: &settings, live, wanted: &wanted }
            .judge()?;
        let record = self.record.with(&self.live, &settings).text();
        let same = changed(&self.live, &wanted).is_empty();
        let action = match self.recorded {
            None => Action::Create,
            Some(old) if same && record.as_deref() == Some(old) => Action::NoOp,
            Some(_) => Action::Update,
        };
        let ignored = self.request.ignore.iter().any(|path| *path == Path::of("settings"));
        let action = if ignored && action == Action::Update { Action::NoOp } else { action };
        let ours = |of: &Value| view(self.record.ours(of, &settings));
        let (before, after) = match action {
            Action::NoOp => (ours(&self.live), ours(&self.live)),
            _ => (ours(&self.live), ours(&wanted)),
        };
        let ops = match action {
            Action::NoOp => Vec::new(),
            _ => vec![self.op(text::edited(self.content, &wanted).into(), record.map(Value::from))],
        };
        Ok(Decision {
            before: Some(before),
            after: Some(after),
            exported: args.clone(),
            ops,
            digest: digest(self.request.project, &given),
            uid: self.uid.map(str::to_owned),
            notes: if action == Action::NoOp { Vec::new() } else { self.notes() },
            ..Decision::plain(action)
        })
    }

    /// Some of it is decided during apply, and judged then.
    fn late(&self, args: &Value, given: &Value) -> Decision {
        let unknown = || Value::Unknown(values::Type::String);
        let action = if self.recorded.is_some() { Action::Update } else { Action::Create };
        Decision {
            before: Some(view(Value::empty_map())),
            after: Some(view(given.clone())),
            exported: args.clone(),
            basis: Basis::Unverified(LATE.to_owned()),
            ops: vec![self.op(unknown(), Some(unknown()))],
            digest: digest(self.request.project, given),
            uid: self.uid.map(str::to_owned),
            ..Decision::plain(action)
        }
    }

    /// Nothing is ours any more: what was there before comes back.
    fn given_back(&self) -> Decision {
        let wanted = self.record.wanted(&self.live, &[]);
        let note = Note {
            path: Path::of("settings"),
            text: "what the ConfigMap said before comes back".to_owned(),
        };
        Decision {
            before: Some(view(self.record.ours(&self.live, &[]))),
            ops: vec![self.op(text::edited(self.content, &wanted).into(), None)],
            uid: self.uid.map(str::to_owned),
            notes: vec![note],
            ..Decision::plain(Action::Delete)
        }
    }

    fn notes(&self) -> Vec<Note> {
        let note = |text: String| Note { path: Path::of("settings"), text };
        let unknown = self.minor.is_none().then(|| {
            note(format!(
                "checked against the kubelet {}: this version of clinch does not know `{}`",
                Minor::newest(),
                self.version.escape_debug()
            ))
        });
        let reads = "a node reads this when it joins and at `kubeadm upgrade node`; kubelets that \
                     run keep what they have";
        unknown.into_iter().chain([note(reads.to_owned())]).collect()
    }

    /// The whole text and the record; without a record nothing is ours afterwards.
    fn op(&self, text: Value, record: Option<Value>) -> Op {
        let digest = |text: &str| Value::from(access::digest(text.as_bytes()));
        let text_of_op = match record {
            Some(_) => "set settings of kubelets in",
            None => "give back settings of kubelets in",
        };
        Op {
            ty: self.ty.clone(),
            name: "set_text".to_owned(),
            identity: self.request.identity.clone(),
            args: Value::map([
                ("key", KEY.into()),
                ("text", text),
                ("annotation", RECORD.into()),
                ("release", record.is_none().into()),
                ("record", record.unwrap_or(Value::Null)),
            ]),
            guard: Value::map([
                ("uid", self.uid.map_or(Value::Null, Value::from)),
                ("text", digest(self.content)),
                ("record", self.recorded.map_or(Value::Null, digest)),
            ]),
            text: format!("{text_of_op} {}", self.request.identity.shown),
        }
    }
}

fn view(settings: Value) -> Value {
    Value::map([("settings", settings)])
}

pub(super) fn no_kubeadm() -> Problem {
    let detail = format!("There is no ConfigMap {PATH} with a text `{KEY}`.");
    let summary = "Cluster has no settings of kubelets";
    Problem::error(codes::KUBELET_BASE, summary, Path::root(), detail).with_help(
        "Only kubeadm keeps settings there. In another cluster remove this block: `kubelet_config` \
         needs none.",
    )
}

fn unreadable(why: &str) -> Problem {
    let detail = format!("The text `{KEY}` of ConfigMap {PATH} {why}.");
    let summary = "Settings of kubelets cannot be read";
    Problem::error(codes::KUBELET_BASE, summary, Path::root(), detail).with_help(format!(
        "Mend it with `kubectl -n {} edit configmap {}`; no node could join with it either.",
        super::NAMESPACE,
        super::BASE
    ))
}
