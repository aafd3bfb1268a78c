//! Types that keep one file of their own in a folder of drop-ins: what they have in common.
//!
//! The file is `FOLDER/90-clinch-NAME.conf`, and its first line says whose it is (`owned`).
//! Start reading at [`MarkedFile`], what such a type says of itself; [`Marked`] makes a resource
//! type of it.
//!
//! **Invariant:** only a file that carries the mark of this project is replaced or removed.

use crate::codes;
use crate::host_type::{Became, HostType, Site, mode, refused, strange, text};
use crate::look::Looked;
use crate::owned::{self, Seen};
use crate::place::{self, part};
use access::{Ask, Expected, FileOnHost, HostError, WriteFile};
use addrs::{Scope, TypeName};
use plans::{Action, Basis, Identity, Note, ObjectKey, Op, Problem};
use provider::{BoxFuture, Decision, Observation, PlanRequest, Planned, ResourceKind, StepError};
use std::marker::PhantomData;
use values::{Attr, Path, Role, Schema, Type, Value};

/// What a type says of the one file that each of its objects is.
pub(crate) trait MarkedFile: Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// The folder of its files.
    const FOLDER: &'static str;
    /// The file's own part of its name when the configuration gives none.
    const DEFAULT_NAME: &'static str;
    /// The argument that says what is in the file.
    const MAIN: &'static str;

    /// Its reference page.
    fn page() -> &'static str;

    /// Its arguments, beside those that say which file is meant.
    fn attrs() -> Vec<Attr>;

    /// What is wrong with them.
    fn check(args: &Value) -> Vec<Problem>;

    /// The lines below the head; `None` while a part of them is not known.
    fn body(args: &Value) -> Option<String>;

    /// Lines between head and body: what the file keeps of the host that nobody asked for.
    fn keeps(_args: &Value, _seen: &Value) -> String {
        String::new()
    }

    /// The arguments as a file says them.
    fn read(content: &str) -> Vec<(&'static str, Value)>;

    /// The arguments as far as they are known, in the same form.
    fn asked(args: &Value) -> Vec<(&'static str, Value)>;

    /// What of the arguments says what is looked at.
    fn looks_for(_args: &Value) -> Vec<(&'static str, Value)> {
        Vec::new()
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

    /// What a reviewer should know when the file goes.
    fn notes_of_removal(_content: &str) -> Vec<Note> {
        Vec::new()
    }

    /// What the step needs to know to make the host heed the file.
    fn effect(_args: &Value) -> Value {
        Value::Null
    }

    /// Makes the host heed the file as it is now; `before` is the file that was there.
    fn heed<'a>(
        _site: Site<'a>,
        _op: &'a Op,
        _before: Option<&'a FileOnHost>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
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
        let own = Attr::new(
            "name",
            Type::String,
            Role::IdentityOr(T::DEFAULT_NAME.into()),
            "The file's own part of its name: lower case letters, digits and `-`. Only needed \
             for several files on one node.",
        );
        let path =
            Attr::new("path", Type::String, Role::Computed, "Where the file is on the host.");
        let attrs = [place::node_attr(), own].into_iter().chain(T::attrs()).chain([path]);
        Self { name, schema: Schema::new(attrs.collect()), ty: PhantomData }
    }

    fn identity(node: &str, name: &str, more: Vec<(&'static str, Value)>) -> Identity {
        let path = format!("{}/90-clinch-{name}.conf", T::FOLDER);
        place::file(node, &path, [vec![("name", name.into())], more].concat())
    }
}

/// The file's own part of a name in the folder; `None` for files that no block can mean.
fn name_of(file: &str) -> Option<&str> {
    file.strip_prefix("90-clinch-")?.strip_suffix(".conf").filter(|name| is_name(name))
}

fn is_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(inside) && !name.starts_with('-')
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
        let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or("");
        let (node, name) = (text("node"), text("name"));
        let name = if name.is_empty() { T::DEFAULT_NAME } else { name };
        let mut problems: Vec<Problem> = place::check_node(node).into_iter().collect();
        if !is_name(name) {
            let detail = format!(
                "`{}` cannot be part of the file's name: at most 63 lower case letters, digits \
                 and `-`.",
                name.escape_debug()
            );
            let path = Path::of("name");
            problems.push(Problem::error(codes::IDENTITY, "Invalid name", path, detail));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self::identity(node, name, T::looks_for(args)))
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
        if let Some(content) = seen.content
            && let Some(problem) = owned::not_ours(request.identity, content, request.project)
        {
            return Planned::Failed(vec![problem]);
        }
        let decided = match request.desired {
            Some(args) => Asked::<T>::of(request, args, present).decide(&self.name, &seen),
            None => Ok(unwanted::<T>(&self.name, request, &seen)),
        };
        match decided {
            Ok(decision) => Planned::Decided(Box::new(decision)),
            Err(problem) => Planned::Failed(vec![problem]),
        }
    }
}

fn unwanted<T: MarkedFile>(ty: &TypeName, request: &PlanRequest<'_>, seen: &Seen<'_>) -> Decision {
    let Some(content) = seen.content else { return Decision::plain(Action::Forget) };
    Decision {
        before: Some(shown::<T>(request.identity, content, seen.mode)),
        notes: T::notes_of_removal(content),
        ops: vec![owned::remove(ty, request.identity, seen)],
        ..Decision::plain(Action::Delete)
    }
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
        let whole =
            |body: &String| owned::head(request.project) + &T::keeps(&exposed, present) + body;
        let content = body.as_ref().map(whole);
        Self { request, args, exposed, hidden, present, body, content, ty: PhantomData }
    }

    fn decide(&self, ty: &TypeName, seen: &Seen<'_>) -> Result<Decision, Problem> {
        let beside = T::beside(self.request, &self.exposed, self.present)?;
        let identity = self.request.identity;
        let ignored = self.request.ignore.iter().any(|path| *path == Path::of(T::MAIN));
        let as_asked =
            self.content.is_some() && seen.content == self.content.as_deref() && seen.is_usual();
        let action = match seen.content {
            None => Action::Create,
            Some(_) if ignored || (as_asked && beside.before == beside.after) => Action::NoOp,
            Some(_) => Action::Update,
        };
        let before = seen.content.map(|content| shown::<T>(identity, content, seen.mode));
        let after = match (&self.content, action) {
            (_, Action::NoOp) => before.clone(),
            (Some(content), _) => Some(shown::<T>(identity, content, owned::MODE)),
            (None, _) => Some(view(identity, T::asked(&self.exposed), owned::MODE)),
        };
        let (before, after) = match action {
            // What a new file brings is in the file.
            Action::NoOp | Action::Create => (before, after),
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
                let effect = self.masked(T::effect(&self.exposed));
                vec![owned::write(ty, identity, written, effect, seen)]
            }
        };
        let mut exported = self.args.as_map().cloned().unwrap_or_default();
        exported.insert("path".into(), part(identity, "path").into());
        Ok(Decision {
            before: before.map(|shown| self.masked(shown)),
            after: after.map(|shown| self.masked(shown)),
            exported: Value::map(exported),
            basis,
            ops,
            digest: self.digest(),
            notes: if self.hidden { Vec::new() } else { T::notes(&self.exposed, self.present) },
            ..Decision::plain(action)
        })
    }

    fn masked(&self, shown: Value) -> Value {
        if self.hidden { shown.into_sensitive() } else { shown }
    }

    fn digest(&self) -> String {
        let text = match &self.body {
            Some(body) if !self.hidden => body,
            Some(_) => "*",
            None => "?",
        };
        let text = format!("clinch/v1\n{}\n{text}", self.request.project);
        format!("sha256:{}", access::digest(text.as_bytes()))
    }
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
        [Ask::file(part(identity, "path"))].into_iter().chain(T::asks(identity)).collect()
    }

    fn seen(&self, identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
        let file = looked.file(part(identity, "path")).map_err(|error| error.to_problem())?;
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

    fn find<'a>(&'a self, site: Site<'a>) -> BoxFuture<'a, Result<Vec<Identity>, HostError>> {
        Box::pin(async move {
            let listed = Looked::at(site.host, [Ask::folder(T::FOLDER)]).await?;
            let names = listed.files_in(T::FOLDER)?.into_iter().filter_map(name_of);
            let candidates: Vec<Identity> =
                names.map(|name| Self::identity(site.host.name(), name, Vec::new())).collect();
            let path = |identity: &Identity| part(identity, "path").to_owned();
            let looked = Looked::at(site.host, candidates.iter().map(path).map(Ask::File)).await?;
            let mut found = Vec::new();
            for identity in candidates {
                let file = looked.file(part(&identity, "path"))?;
                if file.is_some_and(|file| owned::is_of(file, site.project)) {
                    found.push(identity);
                }
            }
            Ok(found)
        })
    }
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
    if !wanted.is(now.as_ref()) {
        let digest = op.guard.get("digest").and_then(Value::as_str);
        wanted.put(site, path, digest.map_or(Expected::Absent, Expected::Digest)).await?;
    }
    let heeded = T::heed(site, op, now.as_ref()).await;
    let Err(StepError::Refused(problem)) = heeded else { return heeded };
    // Old or new, and not half of each.
    let old = now.as_ref().map(|file| (file.content.clone(), file.mode));
    let back = Wanted(old).put(site, path, Expected::Anything).await;
    back.and(Err(StepError::Refused(problem)))
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
                let file = WriteFile { path, content, mode, uid: None, gid: None, expected };
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
    let before = op.guard.get("digest").and_then(Value::as_str);
    let digest = now.as_ref().map(FileOnHost::digest);
    Ok(if digest.as_deref() == before { Became::NotDone } else { Became::Changed })
}
