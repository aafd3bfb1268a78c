//! What to do about a file; pure.

use crate::place::{self, part};
use crate::{accounts, codes, owned};
use addrs::TypeName;
use plans::{Action, Basis, Identity, Note, Op, Problem};
use provider::{Decision, Observation, PlanRequest, Planned};
use std::collections::BTreeMap;
use values::{Disruption, Path, Value};

/// Files that the kubelet acts on as soon as they change.
const MANIFESTS: &str = "/etc/kubernetes/manifests/";

pub(super) fn plan(ty: &TypeName, request: &PlanRequest<'_>) -> Planned {
    let present = match request.observed {
        Observation::Unknown(problem) => return Planned::Failed(vec![problem.clone()]),
        Observation::Absent => &Value::Null,
        Observation::Present(present) => present,
    };
    let seen = Seen::read(present);
    if let Some(problem) = seen.not_ours(request) {
        return Planned::Failed(vec![problem]);
    }
    let decided = match request.desired {
        Some(args) => Asked::of(request, args, &seen).map(|asked| asked.decide(ty)),
        None => Ok(unwanted(ty, request.identity, &seen)),
    };
    match decided {
        Ok(decision) => place::decided(request.observed, decision),
        Err(problem) => Planned::Failed(vec![problem]),
    }
}

/// What was read of a host.
struct Seen<'a> {
    present: &'a Value,
    /// The file; `None` when there is none.
    content: Option<&'a str>,
    /// The project that the record names; `None` without a record.
    project: Option<&'a str>,
    /// Whether the record says that the content came from a sensitive value.
    secret: bool,
}

impl<'a> Seen<'a> {
    fn read(present: &'a Value) -> Self {
        let record = present.get("record");
        let of_record = |name: &str| record.and_then(|record| record.get(name));
        Self {
            present,
            content: present.get("content").and_then(Value::as_str),
            project: of_record("project").and_then(Value::as_str),
            secret: of_record("secret").and_then(Value::as_bool) == Some(true),
        }
    }

    fn text(&self, name: &str) -> &'a str {
        self.present.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// Whether there was a file before clinch, which is kept.
    fn has_earlier(&self) -> bool {
        let earlier = self.present.get("record").and_then(|record| record.get("earlier"));
        earlier.and_then(Value::as_bool) == Some(true)
    }

    /// Whether what the file holds is shown to nobody: the configuration's business if it is
    /// sensitive there, the host's if not everybody there may read it.
    fn is_hidden(&self) -> bool {
        let mode = u32::from_str_radix(self.text("mode"), 8).unwrap_or(0);
        self.secret || (self.content.is_some() && mode & 0o004 == 0)
    }

    /// Why the file must be left alone, if it must.
    fn not_ours(&self, request: &PlanRequest<'_>) -> Option<Problem> {
        let shown = &request.identity.shown;
        let (code, summary, detail, help) = match (self.project, self.content) {
            (Some(project), _) if project == request.project => return None,
            (Some(project), _) => (
                codes::OTHER_PROJECT,
                "File of another project",
                format!(
                    "{shown} belongs to project `{project}`, and this is `{}`.",
                    request.project
                ),
                "Manage it in one project only.",
            ),
            (None, Some(content)) if owned::project_of(content).is_some() => (
                codes::NOT_OURS,
                "File of another resource type",
                format!("{shown} says in its first line that another resource type keeps it."),
                "Use that type, or remove its resource first.",
            ),
            (None, Some(_)) if request.desired.is_none() => (
                codes::NOT_OURS,
                "File without a record",
                format!(
                    "{shown} is to be removed, and nothing on the host says any more that it is \
                     of this project, or what was there before."
                ),
                "Remove the file by hand, or forget it with `clinch state rm`.",
            ),
            (None, _) => return None,
        };
        Some(Problem::error(code, summary, Path::root(), detail).with_help(help))
    }

    /// What must still be so right before a step. The digest of a secret would tell of it.
    fn guard(&self, hidden: bool) -> Value {
        let (name, value) = match self.content {
            None => ("digest", Value::Null),
            Some(_) if hidden || self.is_hidden() => ("stamp", self.text("stamp").into()),
            Some(_) => ("digest", self.text("digest").into()),
        };
        Value::map([(name, value)])
    }
}

fn unwanted(ty: &TypeName, identity: &Identity, seen: &Seen<'_>) -> Decision {
    if seen.project.is_none() {
        return Decision::plain(Action::Forget);
    }
    let content = seen.content.map(|content| masked(content.into(), seen.is_hidden()));
    let shown = view(identity, content.unwrap_or(Value::Null), seen.text("mode").into(), &[]);
    let args = Value::map([("path", part(identity, "path").into())]);
    let earlier = Note {
        path: Path::root(),
        text: "the file that was there before clinch is put back".to_owned(),
    };
    Decision {
        before: Some(shown),
        ops: vec![op(ty, identity, "remove", args, seen.guard(false))],
        notes: seen.has_earlier().then_some(earlier).into_iter().collect(),
        disruption: disruption(identity),
        ..Decision::plain(Action::Delete)
    }
}

/// What the configuration asks for, beside what is there.
struct Asked<'a> {
    request: &'a PlanRequest<'a>,
    args: &'a Value,
    seen: &'a Seen<'a>,
    /// Whether `content` is sensitive.
    hidden: bool,
    /// The parts, marks and all: null where it stays as it is.
    content: Value,
    mode: Value,
    accounts: Vec<Account>,
}

/// An owner or a group that is asked for.
struct Account {
    /// Which of the two.
    name: &'static str,
    given: Value,
    /// As the file has it.
    now: Value,
    differs: bool,
}

impl<'a> Asked<'a> {
    fn of(
        request: &'a PlanRequest<'a>,
        args: &'a Value,
        seen: &'a Seen<'a>,
    ) -> Result<Self, Problem> {
        let given = |name: &str| {
            let ignored = request.ignore.iter().any(|path| *path == Path::of(name));
            let stays = ignored && seen.content.is_some();
            args.get(name).filter(|_| !stays).cloned().unwrap_or(Value::Null)
        };
        let mut accounts = Vec::new();
        for (name, all) in [("owner", "users"), ("group", "groups")] {
            let given = given(name);
            if !given.is_null() {
                accounts.push(Account::of(name, given, seen, all, request.identity)?);
            }
        }
        let content = given("content");
        let hidden = args.get("content").is_some_and(Value::has_sensitive);
        Ok(Self { request, args, seen, hidden, content, mode: given("mode"), accounts })
    }

    fn decide(&self, ty: &TypeName) -> Decision {
        let (identity, seen) = (self.request.identity, self.seen);
        let content =
            differs(&self.content, |text| access::digest(text.as_bytes()) == seen.text("digest"));
        let mode = differs(&self.mode, |mode| {
            u32::from_str_radix(mode, 8).ok() == u32::from_str_radix(seen.text("mode"), 8).ok()
        });
        let accounts = self.accounts.iter().any(|account| account.differs);
        // From here on the host must know that it is a secret.
        let becomes_secret = seen.project.is_some() && self.hidden && !seen.secret;
        let action = match seen.content {
            None => Action::Create,
            Some(_) if content || mode || accounts || becomes_secret => Action::Update,
            Some(_) if seen.project.is_none() => Action::Update,
            Some(_) => Action::NoOp,
        };
        let before = self.before();
        let after = match (&before, action) {
            (Some(before), Action::NoOp) => before.clone(),
            _ => self.after(content, mode, before.as_ref()),
        };
        let known = self.args.is_known();
        let ops = match action {
            Action::NoOp => Vec::new(),
            _ => vec![op(ty, identity, "write", self.op_args(), seen.guard(self.hidden))],
        };
        let adopted = Note {
            path: Path::root(),
            text: "the file is there already; what it holds is kept on the host, and put back \
                   when this is destroyed"
                .to_owned(),
        };
        let adopts = seen.content.is_some() && seen.project.is_none();
        Decision {
            before,
            after: Some(after),
            exported: self.args.clone(),
            basis: if known {
                Basis::Local
            } else {
                Basis::Unverified("values known after apply".to_owned())
            },
            disruption: if ops.is_empty() { Disruption::Quiet } else { disruption(identity) },
            ops,
            digest: self.digest(),
            notes: adopts.then_some(adopted).into_iter().collect(),
            ..Decision::plain(action)
        }
    }

    fn before(&self) -> Option<Value> {
        let (seen, identity) = (self.seen, self.request.identity);
        let content = masked(seen.content?.into(), self.hidden || seen.is_hidden());
        let accounts: Vec<_> = self.accounts.iter().map(|a| (a.name, a.now.clone())).collect();
        let view = view(identity, content, masked_like(seen.text("mode"), &self.mode), &accounts);
        Some(if seen.project.is_none() { with(&view, "managed", false.into()) } else { view })
    }

    fn after(&self, content: bool, mode: bool, before: Option<&Value>) -> Value {
        let was = |name: &str| before.and_then(|before| before.get(name)).cloned();
        let part = |name: &str, differs: bool, given: &Value| match was(name) {
            Some(was) if !differs => was,
            Some(_) | None => given.clone(),
        };
        let content = part("content", content, &self.content);
        let mode = part("mode", mode, &self.mode);
        let accounts: Vec<_> =
            self.accounts.iter().map(|a| (a.name, part(a.name, a.differs, &a.given))).collect();
        let view = view(self.request.identity, content, mode, &accounts);
        let adopts = self.seen.content.is_some() && self.seen.project.is_none();
        if adopts { with(&view, "managed", true.into()) } else { view }
    }

    fn op_args(&self) -> Value {
        let account = |name: &str| {
            let asked = self.accounts.iter().find(|account| account.name == name);
            asked.map_or(Value::Null, |account| account.given.clone())
        };
        Value::map([
            ("path", part(self.request.identity, "path").into()),
            ("content", self.content.clone()),
            ("mode", self.mode.clone()),
            ("owner", account("owner")),
            ("group", account("group")),
            ("secret", self.hidden.into()),
        ])
    }

    /// A secret counts as one constant, or the digest would tell of it.
    fn digest(&self) -> String {
        let mut text = format!("clinch/v1\n{}", self.request.project);
        for name in ["content", "mode", "owner", "group"] {
            let given = self.args.get(name).unwrap_or(&Value::Null);
            text.push('\n');
            if !given.is_known() {
                text.push('?');
            } else if given.has_sensitive() {
                text.push('*');
            } else if let Some(given) = given.as_str() {
                text.push_str(&access::digest(given.as_bytes()));
            }
        }
        format!("sha256:{}", access::digest(text.as_bytes()))
    }
}

impl Account {
    fn of(
        name: &'static str,
        given: Value,
        seen: &Seen<'_>,
        all: &str,
        identity: &Identity,
    ) -> Result<Self, Problem> {
        let now = masked_like(seen.text(name), &given);
        let (exposed, _) = given.exposed();
        let Some(asked) = exposed.as_str() else {
            return Ok(Self { name, given, now, differs: true });
        };
        // Without a look there is nothing to compare with.
        let Some(all) = seen.present.get(all) else {
            return Ok(Self { name, given, now, differs: true });
        };
        let all: BTreeMap<String, u32> = accounts::of_value(Some(all));
        let Some(number) = accounts::number(asked, &all) else {
            let node = part(identity, "node");
            let what = if name == "owner" { "user" } else { "group" };
            let detail = format!("There is no {what} of this name on host `{node}`.");
            let problem = Problem::error(codes::ACCOUNT, "Unknown account", Path::of(name), detail);
            return Err(problem.with_help("Create it first, or give its number."));
        };
        let differs = seen.text(name) != accounts::name(number, &all);
        Ok(Self { name, given, now, differs })
    }
}

/// Whether a part is to be changed: what is not known yet is, what stays as it is is not.
fn differs(given: &Value, as_now: impl FnOnce(&str) -> bool) -> bool {
    let (exposed, _) = given.exposed();
    match exposed {
        Value::Null => false,
        Value::String(text) => !as_now(&text),
        _ => true,
    }
}

fn view(
    identity: &Identity,
    content: Value,
    mode: Value,
    accounts: &[(&'static str, Value)],
) -> Value {
    let place = ["node", "path"].map(|name| (name, part(identity, name).into()));
    let parts = [("content", content), ("mode", mode)];
    Value::map(place.into_iter().chain(parts).chain(accounts.iter().cloned()))
}

fn with(view: &Value, name: &str, value: Value) -> Value {
    let mut map = view.as_map().cloned().unwrap_or_default();
    map.insert(name.into(), value);
    Value::map(map)
}

fn masked(value: Value, hidden: bool) -> Value {
    if hidden { value.into_sensitive() } else { value }
}

/// What is there, no more visible than what is asked for.
fn masked_like(now: &str, given: &Value) -> Value {
    masked(now.into(), given.has_sensitive())
}

fn disruption(identity: &Identity) -> Disruption {
    if part(identity, "path").starts_with(MANIFESTS) {
        return Disruption::Restart;
    }
    Disruption::Quiet
}

fn op(ty: &TypeName, identity: &Identity, name: &str, args: Value, guard: Value) -> Op {
    Op {
        ty: ty.clone(),
        name: name.to_owned(),
        identity: identity.clone(),
        args,
        guard,
        text: format!("{name} {} on {}", part(identity, "path"), part(identity, "node")),
    }
}
