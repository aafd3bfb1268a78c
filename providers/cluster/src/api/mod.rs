//! What every object of the Kubernetes API has in common.
//!
//! A resource type of this crate says only what is its own ([`ApiType`]): its arguments, which
//! object they mean, the object's intent, and the rules of its domain. [`Api`] turns that into
//! a [`ResourceKind`]: identity, needs, and above all the decision what to do, which is the
//! same for all (`decide.rs` for objects that are wanted, `remove.rs` for those that are not,
//! `refusal.rs` for what the server says no to).
//!
//! **Invariant:** nothing is predicted. What an apply makes of an object is what the server's
//! dry-run said, or marked as not verified; "no change" is proven or was answered.
//!
//! **Invariant:** an object that is not ours is never changed and never deleted.

mod decide;
mod escalation;
mod ops;
mod refusal;
mod remove;
pub(crate) mod several;

use crate::fields::Names;
use crate::sources::Sourced;
use crate::versions;
use addrs::{Scope, TypeName};
use apimachinery::versions::Minor;
use plans::{Identity, Note, ObjectKey, Problem};
use provider::{PlanRequest, Planned, ResourceKind};
use std::marker::PhantomData;
use values::{Path, Schema, Value};

pub(crate) use ops::identity_of;

/// Which object: enough to build its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// `v1`, `apps/v1`.
    pub api_version: String,
    /// `ConfigMap`.
    pub kind: String,
    /// The namespace, for kinds that live in one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// An object of the core group that lives in a namespace.
    pub fn namespaced(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        }
    }

    /// An object that lives in no namespace.
    pub fn cluster_wide(api_version: &str, kind: &str, name: &str) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
        }
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Its one name: the version is left out, since every version shows the same object.
    pub fn key(&self) -> ObjectKey {
        let slash = if self.group().is_empty() { "" } else { "/" };
        let namespace = self.namespace.as_deref().unwrap_or("");
        let (group, kind, name) = (self.group(), &self.kind, &self.name);
        ObjectKey(format!("{group}{slash}{kind}/{namespace}/{name}").into())
    }

    /// How people call it: `ConfigMap kube-system/coredns`.
    pub fn shown(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }
}

/// What the domain has to say about a planned object.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The arguments.
    pub args: &'a Value,
    /// The object as it is, if it is.
    pub live: Option<&'a Value>,
}

/// What a type of API objects has of its own. Everything is pure and static: a type has no
/// state.
pub trait ApiType: Send + Sync + 'static {
    /// Its name: `config_map`.
    const NAME: &'static str;

    /// What its arguments are called in the object, both ways.
    const NAMES: Names;

    /// Its arguments.
    fn schema() -> Schema;

    /// Its reference page in Markdown.
    fn page() -> &'static str;

    /// Which object is meant; identity arguments are known.
    fn object(args: &Value) -> Result<ObjectRef, Vec<Problem>>;

    /// The object as the configuration wants it: `apiVersion`, `kind`, `metadata` and what the
    /// arguments say. Parts may be unknown or sensitive.
    fn intent(args: &Value) -> Value;

    /// Values of the object's `data` that are read when it is written, and not before.
    fn sources(args: &Value) -> Vec<Sourced> {
        let _ = args;
        Vec::new()
    }

    /// What is wrong by the rules of the domain. What is not known yet is not judged.
    fn check(args: &Value) -> Vec<Problem>;

    /// What people should know about a planned change: notes, and warnings.
    fn notes(seen: &Seen<'_>) -> (Vec<Note>, Vec<Problem>) {
        let _ = seen;
        (Vec::new(), Vec::new())
    }
}

/// The [`ResourceKind`] of an [`ApiType`].
pub struct Api<T> {
    name: TypeName,
    schema: Schema,
    /// A version of Kubernetes that is not asked, and that objects must fit all the same.
    against: Option<Minor>,
    ty: PhantomData<fn() -> T>,
}

impl<T: ApiType> Api<T> {
    /// Ready for the catalog. With a version of Kubernetes, objects are checked against what
    /// that version has.
    pub fn new(against: Option<Minor>) -> Self {
        Self { name: crate::type_name(T::NAME), schema: T::schema(), against, ty: PhantomData }
    }

    /// What is wrong with the object for the version that it is checked against; without one,
    /// whether a newer server would not know its kind, as a warning.
    fn check_version(&self, args: &Value) -> Vec<Problem> {
        let Ok(object) = T::object(args) else { return Vec::new() };
        let problems = match self.against {
            Some(minor) => versions::check(&T::intent(args), &object, minor),
            None => versions::outdated(&object).into_iter().collect(),
        };
        let named = |p: Problem| Problem { path: T::NAMES.argument(&p.path), ..p };
        problems.into_iter().map(named).collect()
    }
}

impl<T: ApiType> ResourceKind for Api<T> {
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
        T::object(args).map(|object| identity_of(&object))
    }

    fn scope(&self, _identity: &Identity) -> Scope {
        Scope::cluster()
    }

    fn check(&self, args: &Value) -> Vec<Problem> {
        let mut problems = T::check(args);
        problems.extend(self.check_version(args));
        crate::shown::without_secrets(problems, args)
    }

    fn needs(&self, identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        crate::needs::needs(identity, || T::intent(args))
    }

    fn provides(&self, identity: &Identity, args: &Value) -> Vec<ObjectKey> {
        if ops::identity_text(identity, "kind") == "CustomResourceDefinition" {
            crate::definition::provides(&T::intent(args))
        } else {
            Vec::new()
        }
    }

    fn check_against(&self, identity: &Identity, args: &Value, provider: &Value) -> Vec<Problem> {
        let definition = crate::args::get(provider, "manifest");
        let problems = crate::definition::check(identity, &T::intent(args), definition);
        let named = |p: Problem| Problem { path: T::NAMES.argument(&p.path), ..p };
        problems.into_iter().map(named).collect()
    }

    fn fields(&self, argument: &Path) -> Vec<Path> {
        T::NAMES.fields(argument)
    }

    fn releases(&self) -> bool {
        true
    }

    fn plan(&self, request: &PlanRequest<'_>) -> Planned {
        plan_as::<T>(&self.name, request)
    }
}

/// What to do about one object, in the name of a type that may have more of them.
pub(crate) fn plan_as<T: ApiType>(ty: &TypeName, request: &PlanRequest<'_>) -> Planned {
    let answer = match request.desired {
        Some(args) => decide::wanted::<T>(ty, request, args),
        None => remove::unwanted(ty, request),
    };
    answer.unwrap_or_else(Planned::Failed)
}

/// What a decision function gives back: problems end the decision early.
pub(crate) type Answer = Result<Planned, Vec<Problem>>;
