//! What is wanted of a node laid over what it is.

use super::{evicts, plain_taint, told};
use crate::args::{entries, items};
use crate::codes;
use crate::digest::digest;
use crate::ownership::{self, MANAGER};
use crate::settings::{Record, taint_name};
use crate::shown;
use addrs::TypeName;
use plans::{Action, Basis, Note, Op, Problem};
use provider::{Decision, PlanRequest, Planned};
use std::collections::BTreeSet;
use values::{Map, Path, Type, Value};

/// What is wanted laid over what is there: what changes, and what is ours then.
pub(super) struct Merge<'a> {
    live: &'a Value,
    /// What was ours.
    old: Record,
    /// What will be.
    new: Record,
    pub(super) ignored: &'a [Path],
    /// What is changed, and what it is changed from, both in the form of the arguments.
    set: Map,
    from: Map,
    /// What people see: everything that is wanted or was ours.
    before: Map,
    after: Map,
    notes: Vec<Note>,
    warnings: Vec<Problem>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(live: &'a Value, old: Record) -> Self {
        let new = Record::new(&old.project);
        let (set, from, before, after) = (Map::new(), Map::new(), Map::new(), Map::new());
        let (notes, warnings, problems) = (Vec::new(), Vec::new(), Vec::new());
        Self { live, old, new, ignored: &[], set, from, before, after, notes, warnings, problems }
    }

    fn is_ignored(&self, path: &Path) -> bool {
        self.ignored.iter().any(|ignored| ignored.is_prefix_of(path))
    }

    fn note(&mut self, path: Path, text: String) {
        self.notes.push(Note { path, text });
    }

    /// Labels or annotations.
    pub(super) fn strings(&mut self, part: &'static str, wanted: &Value) {
        let live = self.live.get("metadata").and_then(|m| m.get(part)).cloned();
        let live = live.unwrap_or(Value::Null);
        let (wanted, hidden) = match wanted {
            Value::Sensitive(inner) => (inner.expose(), true),
            other => (other, false),
        };
        if let Value::Unknown(_) = wanted {
            self.set.insert(part.into(), wanted.clone());
            self.after.insert(part.into(), wanted.clone());
            return;
        }
        let mut sides = [Map::new(), Map::new(), Map::new(), Map::new()];
        let old = if part == "labels" { &self.old.labels } else { &self.old.annotations }.clone();
        let keys: BTreeSet<String> =
            entries(wanted).map(|(key, _)| key.to_owned()).chain(old.iter().cloned()).collect();
        for key in keys {
            let path = Path::of(part).attr(&key);
            let now = live.get(&key).cloned().unwrap_or(Value::Null);
            let want = wanted.get(&key).cloned().unwrap_or(Value::Null);
            let hide = |value: Value| {
                let hide = hidden || want.has_sensitive();
                if hide && !value.is_null() { value.into_sensitive() } else { value }
            };
            let (plain, _) = want.exposed();
            let ours = old.contains(&key);
            let keeps = plain == now || self.is_ignored(&path);
            let then = match (&plain, keeps) {
                (_, true) => now.clone(),
                (Value::Null, false) if self.is_anothers(part, &key) => {
                    self.note(path.clone(), "stays: someone else has set it since".to_owned());
                    now.clone()
                }
                _ => plain.clone(),
            };
            // What was there as wanted is not taken over.
            if !plain.is_null() && (ours || then != now) {
                match part {
                    "labels" => self.new.labels.insert(key.clone()),
                    _ => self.new.annotations.insert(key.clone()),
                };
            }
            if then != now {
                if !ours && !now.is_null() {
                    self.takes(part, &key, &path, &hide(now.clone()));
                }
                sides[0].insert(key.as_str().into(), hide(then.clone()));
                // A guard is stored with the plan, so what is hidden must not be in it.
                if !hidden && !want.has_sensitive() {
                    sides[1].insert(key.as_str().into(), now.clone());
                }
            }
            if !now.is_null() {
                sides[2].insert(key.as_str().into(), hide(now));
            }
            // What stays although it is not wanted any more is not ours to show.
            if !then.is_null() && !plain.is_null() {
                sides[3].insert(key.as_str().into(), hide(then));
            }
        }
        let maps = [&mut self.set, &mut self.from, &mut self.before, &mut self.after];
        for (map, side) in maps.into_iter().zip(sides).filter(|(_, side)| !side.is_empty()) {
            map.insert(part.into(), Value::map(side));
        }
    }

    /// Whether somebody else has written a field of ours since.
    fn is_anothers(&self, part: &str, key: &str) -> bool {
        let owners = ownership::managers(self.live, "", &["metadata", part, key]);
        !owners.is_empty() && !owners.iter().any(|owner| owner == MANAGER)
    }

    /// A value of somebody else is overwritten, or must not be.
    fn takes(&mut self, part: &str, key: &str, path: &Path, now: &Value) {
        let owners = ownership::managers(self.live, "", &["metadata", part, key]);
        let controller =
            owners.iter().find(|owner| !ownership::by_hand(owner) && *owner != MANAGER);
        match controller {
            Some(owner) => {
                let detail = format!(
                    "`{path}` of the node is {} and belongs to the field manager `{owner}`.",
                    told(now)
                );
                let problem = Problem::error(
                    codes::CONFLICT,
                    "Field of another manager",
                    path.clone(),
                    detail,
                );
                self.problems.push(problem.with_help(format!(
                    "Remove it to leave it to `{owner}`, or let `{owner}` give it up."
                )));
            }
            None => {
                let by = owners.first().map(|owner| format!(" by hand (`{owner}`)"));
                let by = by.unwrap_or_default();
                let text = format!("was {}, set{by}; an apply overwrites it", told(now));
                self.note(path.clone(), text);
            }
        }
    }

    /// What is shown to everybody who may see the node, and in its record, is no secret.
    fn refuses(&mut self, argument: &'static str, wanted: &Value) -> bool {
        if !wanted.has_sensitive() {
            return false;
        }
        let detail =
            format!("`{argument}` is sensitive, and it is shown in plans and on the node.");
        let path = Path::of(argument);
        let problem = Problem::error(codes::NODE, "Invalid node setting", path, detail);
        self.problems.push(problem.with_help("Use a value that may be seen."));
        true
    }

    pub(super) fn taints(&mut self, wanted: &Value) {
        if self.refuses("taint", wanted) {
            return;
        }
        let live = self.live.get("spec").and_then(|spec| spec.get("taints")).cloned();
        let live = live.unwrap_or(Value::Null);
        if !wanted.is_known() {
            self.set.insert("taints".into(), wanted.clone());
            self.after.insert("taint".into(), wanted.clone());
            return;
        }
        let find = |list: &Value, name: &str| {
            items(list).iter().find(|taint| taint_name(taint) == name).map(plain_taint)
        };
        let mut names: Vec<String> = items(wanted).iter().map(taint_name).collect();
        let gone = self.old.taints.iter().filter(|name| !names.contains(name));
        let gone: Vec<String> = gone.cloned().collect();
        names.extend(gone);
        let (mut set, mut from) = (Map::new(), Map::new());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for name in names {
            let place = items(wanted).iter().position(|taint| taint_name(taint) == name);
            let path = place.map_or(Path::of("taint"), |i| Path::of("taint").index(i));
            let (now, want) = (find(&live, &name), find(wanted, &name));
            let ours = self.old.taints.contains(&name);
            let keeps = now == want || self.is_ignored(&path);
            let then = if keeps { now.clone() } else { want.clone() };
            if want.is_some() && (ours || then != now) {
                self.new.taints.insert(name.clone());
            }
            if then != now {
                if now.is_some() && !ours {
                    let text = "has another value, set by someone else; an apply overwrites it";
                    self.note(path.clone().attr("value"), text.to_owned());
                }
                if want.is_some() && name.ends_with(":NoExecute") {
                    self.warnings.push(evicts(&path));
                }
                set.insert(name.as_str().into(), then.clone().unwrap_or(Value::Null));
                from.insert(name.as_str().into(), now.clone().unwrap_or(Value::Null));
            }
            before.extend(now);
            after.extend(then.filter(|_| want.is_some()));
        }
        for (map, side) in [(&mut self.set, set), (&mut self.from, from)] {
            if !side.is_empty() {
                map.insert("taints".into(), Value::map(side));
            }
        }
        for (map, side) in [(&mut self.before, before), (&mut self.after, after)] {
            if !side.is_empty() {
                map.insert("taint".into(), Value::list(side));
            }
        }
    }

    pub(super) fn schedulable(&mut self, wanted: &Value) {
        if self.refuses("unschedulable", wanted) {
            return;
        }
        let now = self.live.get("spec").and_then(|spec| spec.get("unschedulable"));
        let now = now.and_then(Value::as_bool).unwrap_or(false);
        let path = Path::of("unschedulable");
        if let Value::Unknown(_) = wanted {
            self.set.insert("unschedulable".into(), wanted.clone());
            self.after.insert("unschedulable".into(), wanted.clone());
            return;
        }
        let ours = self.old.unschedulable;
        let then = match wanted.as_bool() {
            _ if self.is_ignored(&path) => now,
            Some(wanted) => wanted,
            None if ours => false,
            None => return,
        };
        if wanted.as_bool() == Some(true) && (ours || !now) {
            self.new.unschedulable = true;
        }
        if then != now {
            if now && !ours {
                let owners = ownership::managers(self.live, "", &["spec", "unschedulable"]);
                let by = owners.first().map(|owner| format!(" by `{owner}`")).unwrap_or_default();
                self.note(path, format!("was cordoned{by}; an apply lets pods come again"));
            }
            self.set.insert("unschedulable".into(), then.into());
            self.from.insert("unschedulable".into(), now.into());
        }
        self.before.insert("unschedulable".into(), now.into());
        if !wanted.is_null() {
            self.after.insert("unschedulable".into(), then.into());
        }
    }

    pub(super) fn decided(
        mut self,
        ty: &TypeName,
        request: &PlanRequest<'_>,
        record: Option<&Record>,
    ) -> Planned {
        let uid = shown::uid(self.live).map(str::to_owned);
        let node = request.identity.args.get("name").cloned().unwrap_or(Value::Null);
        let wanted = request.desired;
        let record_now = record.map(Record::to_text);
        let record_then = (!self.new.is_empty()).then(|| self.new.to_text());
        let changes = !self.set.is_empty() || record_now != record_then;
        let action = match (wanted, changes) {
            (None, false) => return Planned::forgotten("nothing of the node was ours"),
            (None, true) => Action::Delete,
            (Some(_), false) => Action::NoOp,
            (Some(_), true) if record.is_none() => Action::Create,
            (Some(_), true) => Action::Update,
        };
        let side = |side: Map| {
            let head = [("node".into(), node.clone())];
            Value::map(head.into_iter().chain(side).collect::<Map>())
        };
        let known = wanted.is_none_or(Value::is_known);
        let text = |text: Option<String>| text.map_or(Value::Null, Value::from);
        self.from.insert("record".into(), text(record_now));
        self.from.insert("uid".into(), uid.as_deref().map_or(Value::Null, Value::from));
        // What comes to be ours depends on what is not known yet.
        let later = if known { text(record_then) } else { Value::Unknown(Type::String) };
        self.set.insert("record".into(), later);
        self.set.insert("release".into(), wanted.is_none().into());
        let verb = if wanted.is_none() { "release" } else { "set" };
        let op = Op {
            ty: ty.clone(),
            name: "set_node".to_owned(),
            identity: request.identity.clone(),
            args: Value::map(self.set),
            guard: Value::map(self.from),
            text: format!("{verb} {}", request.identity.shown),
        };
        let exported = |args: &Value| {
            let mut map = args.as_map().cloned().unwrap_or_default();
            map.insert("uid".into(), uid.as_deref().map_or(Value::Null, Value::from));
            Value::map(map)
        };
        let before = Some(side(self.before)).filter(|_| action != Action::Create);
        Planned::Decided(Box::new(Decision {
            before,
            after: wanted.map(|_| side(self.after)),
            exported: wanted.map_or(Value::Null, exported),
            basis: if known {
                Basis::Local
            } else {
                Basis::Unverified("values known after apply".to_owned())
            },
            ops: if action == Action::NoOp { Vec::new() } else { vec![op] },
            digest: wanted.map(|args| digest(request.project, args)).unwrap_or_default(),
            uid,
            notes: self.notes,
            warnings: self.warnings,
            ..Decision::plain(action)
        }))
    }
}
