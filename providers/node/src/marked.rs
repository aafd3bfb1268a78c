//! Types that keep one file of their own: what they have in common.
//!
//! The first line of the file says whose it is (`owned`). Most types keep it in a folder of
//! drop-ins (`drop_in`). Start reading at [`MarkedFile`], what such a type says of itself;
//! [`Marked`] makes a resource type of it.
//!
//! **Invariant:** only a file that carries the mark of this project is replaced or removed.

use crate::host_type::{Became, HostType, Marks, Site, guarded_by, mode, refused, strange, text};
use crate::look::Looked;
use crate::owned::{self, Seen};
use crate::place::{self, part};
use access::{Ask, Expected, FileOnHost, Host, HostError, WriteFile};
use addrs::{Scope, TypeName};
use plans::{Action, Basis, Identity, Note, ObjectKey, Op, Problem};
use provider::{BoxFuture, Decision, Observation, PlanRequest, Planned, ResourceKind, StepError};
use std::marker::PhantomData;
use values::{Attr, Disruption, Path, Role, Schema, Type, Value};

/// What a type says of the one file that each of its objects is.
pub(crate) trait MarkedFile: Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// The argument that says what is in the file.
    const MAIN: &'static str;

    /// Its reference page.
    fn page() -> &'static str;

    /// Its arguments, beside the node. Those first that say which file is meant.
    fn attrs() -> Vec<Attr>;

    /// Which file is meant: where it is, and what else is needed to look at it.
    fn locate(args: &Value) -> Result<Located, Vec<Problem>>;

    /// Where files of this type may be on a host.
    fn candidates(host: &dyn Host) -> BoxFuture<'_, Result<Vec<Located>, HostError>>;

    /// What is wrong with them.
    fn check(args: &Value) -> Vec<Problem>;

    /// The lines below the head; `None` while a part of them is not known.
    fn body(args: &Value) -> Option<String>;

    /// What else is asked for that is not in the file, for the digest of it all.
    fn asks_for(_args: &Value) -> String {
        String::new()
    }

    /// Lines between head and body: what the file keeps of the host that nobody asked for.
    fn keeps(_args: &Value, _seen: &Value) -> String {
        String::new()
    }

    /// The arguments as a file says them.
    fn read(content: &str) -> Vec<(&'static str, Value)>;

    /// The arguments as far as they are known, in the same form.
    fn asked(args: &Value) -> Vec<(&'static str, Value)>;

    /// Where the file may be, when only a look at the host says.
    fn paths(identity: &Identity) -> Vec<String> {
        vec![part(identity, "path").to_owned()]
    }

    /// The identity with the place of the file on this host.
    fn resolve(identity: &Identity, _present: &Value) -> Result<Identity, Problem> {
        Ok(identity.clone())
    }

    /// What is looked at beside the file.
    fn asks(identity: &Identity) -> Vec<Ask>;

    /// What was seen of it.
    fn seen(identity: &Identity, looked: &Looked) -> Result<Vec<(&'static str, Value)>, Problem>;

    /// What differs beside the file: parts of the picture before and after, which are equal, or
    /// none, where nothing does.
    fn beside(_request: &PlanRequest<'_>, _args: &Value, _seen: &Value) -> Result<Beside, Problem> {
        Ok(Beside::default())
    }

    /// What a reviewer should know.
    fn notes(args: &Value, seen: &Value) -> Vec<Note>;

    /// What is worth a warning.
    fn warnings(_args: &Value, _seen: &Value) -> Vec<Problem> {
        Vec::new()
    }

    /// What a reviewer should know when the file goes.
    fn notes_of_removal(_content: &str) -> Vec<Note> {
        Vec::new()
    }

    /// What the step needs to know to make the host heed the file; without arguments, that it
    /// is gone.
    fn effect(_identity: &Identity, _args: Option<&Value>, _seen: &Value) -> Value {
        Value::Null
    }

    /// What a change costs; without arguments, a removal.
    fn disruption(_identity: &Identity, _args: Option<&Value>, _seen: &Value) -> Disruption {
        Disruption::Quiet
    }

    /// What must still be so right before a step, beside the file.
    fn guard(_seen: &Value) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Why the host is not as the guard says, beside the file, as a sentence. Asked while the
    /// file is not yet as it is to be.
    fn is_stale<'a>(
        _site: Site<'a>,
        _op: &'a Op,
    ) -> BoxFuture<'a, Result<Option<String>, StepError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// What must be done while the file is still there that is to go.
    fn before_removal<'a>(_site: Site<'a>, _op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Makes the host heed the file as it is now; `before` is the file that was there.
    fn heed<'a>(
        _site: Site<'a>,
        _op: &'a Op,
        _before: Option<&'a FileOnHost>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Makes the host heed the file that was there before, which is back because `heed` failed.
    fn heed_back<'a>(_site: Site<'a>, _op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Whether the host heeds it.
    fn is_heeded<'a>(_site: Site<'a>, _op: &'a Op) -> BoxFuture<'a, Result<bool, StepError>> {
        Box::pin(std::future::ready(Ok(true)))
    }
}

/// What differs beside the file.
#[derive(Default)]
pub(crate) struct Beside {
    pub(crate) before: Vec<(&'static str, Value)>,
    pub(crate) after: Vec<(&'static str, Value)>,
}

/// Where a file is.
pub(crate) struct Located {
    pub(crate) path: String,
    /// What else the identity has.
    pub(crate) more: Vec<(&'static str, Value)>,
}

impl Located {
    fn identity(self, node: &str) -> Identity {
        place::file(node, &self.path, self.more)
    }
}

/// A resource type of such files.
pub(crate) struct Marked<T> {
    name: TypeName,
    schema: Schema,
    ty: PhantomData<T>,
}

impl<T: MarkedFile> Marked<T> {
    /// Ready for the catalog.
    pub(crate) fn new() -> Self {
        let name = T::NAME.parse().expect("a constant that is an identifier");
        let path =
            Attr::new("path", Type::String, Role::Computed, "Where the file is on the host.");
        let attrs = [place::node_attr()].into_iter().chain(T::attrs()).chain([path]);
        Self { name, schema: Schema::new(attrs.collect()), ty: PhantomData }
    }
}

impl<T: MarkedFile> ResourceKind for Marked<T> {
    fn name(&self) -> &TypeName {
        &self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn page(&self) -> &'static str {
        T::page()
    }

    fn identify(&self, args: &Value) -> Result<Identity, Vec<Problem>> {
        let node = args.get("node").and_then(Value::as_str).unwrap_or("");
        let mut problems: Vec<Problem> = place::check_node(node).into_iter().collect();
        match T::locate(args) {
            Ok(located) if problems.is_empty() => return Ok(located.identity(node)),
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        Err(problems)
    }

    fn scope(&self, identity: &Identity) -> Scope {
        place::scope(identity)
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        T::check(args)
    }

    fn needs(&self, _identity: &Identity, _args: &Value) -> Vec<ObjectKey> {
        Vec::new()
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        let present = match request.observed {
            Observation::Unknown(problem) => return Planned::Failed(vec![problem.clone()]),
            Observation::Absent => &Value::Null,
            Observation::Present(present) => present,
        };
        let seen = Seen::read(present);
        if seen.content.is_none() && request.desired.is_none() {
            return Planned::Decided(Box::new(Decision::plain(Action::Forget)));
        }
        let identity = match T::resolve(request.identity, present) {
            Ok(identity) => identity,
            Err(problem) => return Planned::Failed(vec![problem]),
        };
        let request = &PlanRequest { identity: &identity, ..*request };
        if let Some(content) = seen.content
            && let Some(problem) = owned::not_ours(&identity, content, request.project)
        {
            return Planned::Failed(vec![problem]);
        }
        let decided = match request.desired {
            Some(args) => Asked::<T>::of(request, args, present).decide(&self.name, &seen),
            None => Ok(unwanted::<T>(&self.name, &identity, &seen, present)),
        };
        match decided {
            Ok(decision) => place::decided(request.observed, decision),
            Err(problem) => Planned::Failed(vec![problem]),
        }
    }
}

fn unwanted<T: MarkedFile>(
    ty: &TypeName,
    identity: &Identity,
    seen: &Seen<'_>,
    present: &Value,
) -> Decision {
    let content = seen.content.unwrap_or_default();
    let op = owned::remove(ty, identity, T::effect(identity, None, present), seen);
    Decision {
        before: Some(masked(shown::<T>(identity, content, seen.mode), seen.is_secret())),
        notes: if seen.is_secret() { Vec::new() } else { T::notes_of_removal(content) },
        disruption: T::disruption(identity, None, present),
        ops: vec![guarded::<T>(op, present)],
        ..Decision::plain(Action::Delete)
    }
}

/// With what else must still be so.
fn guarded<T: MarkedFile>(op: Op, present: &Value) -> Op {
    let guard = op.guard.as_map().cloned().unwrap_or_default();
    let more = T::guard(present).into_iter().map(|(name, value)| (name.into(), value));
    Op { guard: Value::map(guard.into_iter().chain(more)), ..op }
}

/// What the configuration asks for.
struct Asked<'a, T> {
    request: &'a PlanRequest<'a>,
    args: &'a Value,
    /// The arguments without marks.
    exposed: Value,
    /// Whether any of it is sensitive; then nothing of the file is shown.
    hidden: bool,
    /// What was seen.
    present: &'a Value,
    /// What is asked of the file; `None` while a part of it is not known.
    body: Option<String>,
    /// The whole file.
    content: Option<String>,
    ty: PhantomData<T>,
}

impl<'a, T: MarkedFile> Asked<'a, T> {
    fn of(request: &'a PlanRequest<'a>, args: &'a Value, present: &'a Value) -> Self {
        let (exposed, hidden) = args.exposed();
        let body = T::body(&exposed);
        let whole = |body: &String| {
            owned::head(request.project, hidden) + &T::keeps(&exposed, present) + body
        };
        let content = body.as_ref().map(whole);
        Self { request, args, exposed, hidden, present, body, content, ty: PhantomData }
    }

    fn decide(&self, ty: &TypeName, seen: &Seen<'_>) -> Result<Decision, Problem> {
        let beside = T::beside(self.request, &self.exposed, self.present)?;
        let identity = self.request.identity;
        let ignored = self.request.ignore.iter().any(|path| *path == Path::of(T::MAIN));
        let as_asked = self.content.is_some()
            && seen.content == self.content.as_deref()
            && seen.mode == owned::mode(self.hidden);
        let action = match seen.content {
            None => Action::Create,
            Some(_) if ignored || (as_asked && beside.before == beside.after) => Action::NoOp,
            Some(_) => Action::Update,
        };
        let before = seen.content.map(|content| shown::<T>(identity, content, seen.mode));
        let after = match (&self.content, action) {
            (_, Action::NoOp) => before.clone(),
            (Some(content), _) => Some(shown::<T>(identity, content, owned::mode(self.hidden))),
            (None, _) => Some(view(identity, T::asked(&self.exposed), owned::mode(self.hidden))),
        };
        let (before, after) = match action {
            Action::NoOp => (before, after),
            _ => (with(before, beside.before), with(after, beside.after)),
        };
        let (before, after) = telling(before, after, seen.content, self.content.as_deref());
        let basis = match self.content {
            Some(_) => Basis::Local,
            None => Basis::Unverified("values known after apply".to_owned()),
        };
        let written = match &self.content {
            Some(content) => self.masked(content.as_str().into()),
            None => Value::Unknown(Type::String),
        };
        let ops = match action {
            Action::NoOp => Vec::new(),
            _ => {
                let effect = self.masked(T::effect(identity, Some(&self.exposed), self.present));
                let op = owned::write(ty, identity, written, effect, seen);
                vec![guarded::<T>(op, self.present)]
            }
        };
        let disruption = match action {
            Action::NoOp => Disruption::Quiet,
            _ => T::disruption(identity, Some(&self.exposed), self.present),
        };
        let mut exported = self.args.as_map().cloned().unwrap_or_default();
        exported.insert("path".into(), part(identity, "path").into());
        Ok(Decision {
            before: before.map(|shown| masked(shown, self.hidden || seen.is_secret())),
            after: after.map(|shown| self.masked(shown)),
            exported: Value::map(exported),
            basis,
            disruption,
            ops,
            digest: self.digest(),
            warnings: if self.hidden {
                Vec::new()
            } else {
                T::warnings(&self.exposed, self.present)
            },
            notes: if self.hidden || seen.is_secret() {
                Vec::new()
            } else {
                T::notes(&self.exposed, self.present)
            },
            ..Decision::plain(action)
        })
    }

    fn masked(&self, shown: Value) -> Value {
        masked(shown, self.hidden)
    }

    fn digest(&self) -> String {
        let text = match &self.body {
            Some(body) if !self.hidden => body.clone() + &T::asks_for(&self.exposed),
            Some(_) => "*".to_owned(),
            None => "?".to_owned(),
        };
        let text = format!("clinch/v1\n{}\n{text}", self.request.project);
        format!("sha256:{}", access::digest(text.as_bytes()))
    }
}

/// Nothing at all is no secret.
fn masked(shown: Value, hidden: bool) -> Value {
    if hidden && !shown.is_null() { shown.into_sensitive() } else { shown }
}

/// The file as people see it.
fn shown<T: MarkedFile>(identity: &Identity, content: &str, mode: &str) -> Value {
    view(identity, T::read(content), mode)
}

fn view(identity: &Identity, says: Vec<(&'static str, Value)>, mode: &str) -> Value {
    let place = ["node", "path"].map(|name| (name, part(identity, name).into()));
    Value::map(place.into_iter().chain([("mode", mode.into())]).chain(says))
}

fn with(shown: Option<Value>, more: Vec<(&'static str, Value)>) -> Option<Value> {
    let map = shown?.as_map().cloned().unwrap_or_default();
    Some(Value::map(map.into_iter().chain(more.into_iter().map(|(name, v)| (name.into(), v)))))
}

/// Two pictures that differ wherever the files do: comments and order are no rules, and are
/// shown as text only when nothing else differs.
fn telling(
    before: Option<Value>,
    after: Option<Value>,
    old: Option<&str>,
    new: Option<&str>,
) -> (Option<Value>, Option<Value>) {
    let (Some(Value::Map(first)), Some(Value::Map(second)), Some(old), Some(new)) =
        (&before, &after, old, new)
    else {
        return (before, after);
    };
    if first != second || old == new {
        return (before, after);
    }
    let with = |map: &values::Map, content: &str| {
        let mut map = map.clone();
        map.insert("content".into(), content.into());
        Some(Value::map(map))
    };
    (with(first, old), with(second, new))
}

impl<T: MarkedFile> HostType for Marked<T> {
    fn asks(&self, identity: &Identity) -> Vec<Ask> {
        T::paths(identity).into_iter().map(Ask::File).chain(T::asks(identity)).collect()
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        let file = first_file::<T>(identity, looked).map_err(|error| error.to_problem())?;
        Ok(Value::map(owned::observed(file).into_iter().chain(T::seen(identity, looked)?)))
    }

    fn perform<'a>(&'a self, site: Site<'a>, op: &'a Op) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(perform::<T>(site, op))
    }

    fn settle<'a>(
        &'a self,
        site: Site<'a>,
        op: &'a Op,
    ) -> BoxFuture<'a, Result<Became, StepError>> {
        Box::pin(settle::<T>(site, op))
    }

    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Marks, HostError>> {
        Box::pin(async move {
            let located = T::candidates(site.host).await?;
            let node = site.host.name();
            let candidates: Vec<Identity> =
                located.into_iter().map(|located| located.identity(node)).collect();
            let paths = candidates.iter().flat_map(T::paths);
            let looked = Looked::at(site.host, paths.map(Ask::File)).await?;
            let mut found = Vec::new();
            for identity in candidates {
                let file = first_file::<T>(&identity, &looked)?;
                if file.is_some_and(|file| owned::is_of(file, site.project)) {
                    found.push(identity);
                }
            }
            Ok(found.into())
        })
    }
}

/// The file, wherever it is.
fn first_file<'l, T: MarkedFile>(
    identity: &Identity,
    looked: &'l Looked,
) -> Result<Option<&'l FileOnHost>, HostError> {
    for path in T::paths(identity) {
        if let Some(file) = looked.file(&path)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// # Interruption
///
/// The file is replaced whole or not at all, and what heeds it is told after. Both can be done
/// again; `settle` finds out how far it came.
async fn perform<T: MarkedFile>(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let path = part(&op.identity, "path");
    let wanted = Wanted::of(op)?;
    let now = site.host.read(path).await.map_err(refused)?;
    if now.as_ref().is_some_and(|file| !owned::is_of(file, site.project)) {
        return Err(StepError::Stale(format!(
            "{} does not carry the mark of project `{}`.",
            op.identity.shown, site.project
        )));
    }
    let expected = guarded_by(op);
    if !wanted.is(now.as_ref()) {
        if !expected.is_met_by(now.as_ref()) {
            let (host, path) = (site.host.name().to_owned(), path.to_owned());
            return Err(refused(HostError::Changed { host, path }));
        }
        if let Some(why) = T::is_stale(site, op).await? {
            return Err(StepError::Stale(why));
        }
    }
    let begun = async {
        if wanted.is(now.as_ref()) {
            return Ok(());
        }
        if wanted.0.is_none() {
            T::before_removal(site, op).await?;
        }
        wanted.put(site, path, expected).await
    };
    let problem = match begun.await {
        Ok(()) => match T::heed(site, op, now.as_ref()).await {
            Err(StepError::Refused(problem)) => problem,
            done => return done,
        },
        // Nothing was done yet.
        Err(StepError::Refused(problem)) if wanted.0.is_none() => problem,
        Err(error) => return Err(error),
    };
    // Old or new, and not half of each.
    let back = async {
        let old = now.as_ref().map(|file| (file.content.clone(), file.mode));
        let there = site.host.read(path).await.map_err(refused)?;
        let old = Wanted(old);
        if !old.is(there.as_ref()) {
            old.put(site, path, Expected::Anything).await?;
        }
        T::heed_back(site, op).await
    };
    match back.await {
        Ok(()) => Err(StepError::Refused(problem)),
        Err(error) => Err(StepError::InDoubt(format!(
            "{} What was before could not be put back: {}",
            problem.detail,
            error.message()
        ))),
    }
}

/// A file as it is to be: what is in it, and its mode.
struct Wanted(Option<(Vec<u8>, u32)>);

impl Wanted {
    fn of(op: &Op) -> Result<Self, StepError> {
        match (op.name.as_str(), text(op, "content"), mode(op)) {
            ("write", Some(content), Some(mode)) => Ok(Self(Some((content.into_bytes(), mode)))),
            ("remove", _, _) => Ok(Self(None)),
            _ => Err(strange(op)),
        }
    }

    fn is(&self, file: Option<&FileOnHost>) -> bool {
        self.0.as_ref().map(|(content, mode)| (content, *mode))
            == file.map(|file| (&file.content, file.mode))
    }

    async fn put(
        &self,
        site: Site<'_>,
        path: &str,
        expected: Expected<'_>,
    ) -> Result<(), StepError> {
        let put = match &self.0 {
            Some((content, mode)) => {
                let (content, mode) = (content.as_slice(), *mode);
                let file = WriteFile::new(path, content, mode, expected);
                site.host.write(file).await
            }
            None => site.host.remove(path, expected).await,
        };
        put.map_err(refused)
    }
}

async fn settle<T: MarkedFile>(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let wanted = Wanted::of(op)?;
    let now = site.host.read(part(&op.identity, "path")).await.map_err(refused)?;
    if wanted.is(now.as_ref()) {
        let heeded = T::is_heeded(site, op).await?;
        return Ok(if heeded { Became::Done } else { Became::NotDone });
    }
    let as_planned = guarded_by(op).is_met_by(now.as_ref());
    Ok(if as_planned { Became::NotDone } else { Became::Changed })
}
