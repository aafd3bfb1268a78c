//! Identities and operations, in the terms that the I/O half reads.

use super::ObjectRef;
use crate::ownership::MANAGER;
use crate::{noop, shown};
use addrs::TypeName;
use plans::{Identity, Op};
use std::sync::{Arc, LazyLock};
use values::Value;

/// The identity of an object.
pub(crate) fn identity_of(object: &ObjectRef) -> Identity {
    /// Held once for all identities, since there are as many as objects.
    static NAMES: LazyLock<[Arc<str>; 4]> =
        LazyLock::new(|| ["api_version", "kind", "name", "namespace"].map(Arc::from));
    let [api_version, kind, name, namespace] = NAMES.clone();
    let inside = object.namespace.as_deref().map_or(Value::Null, Value::from);
    let args = Value::map([
        (api_version, object.api_version.as_str().into()),
        (kind, object.kind.as_str().into()),
        (name, object.name.as_str().into()),
        (namespace, inside),
    ]);
    Identity { key: object.key(), args, shown: object.shown() }
}

/// A text of an identity's arguments; empty when there is none.
pub(crate) fn identity_text<'a>(identity: &'a Identity, name: &str) -> &'a str {
    identity.args.get(name).and_then(Value::as_str).unwrap_or("")
}

/// Applies an object that does not exist. `verify` asks for a dry-run right before, because
/// none could be made when the plan was.
pub(crate) fn create(ty: &TypeName, identity: &Identity, object: Value, verify: bool) -> Op {
    apply(ty, identity, object, Value::Null, true, verify)
}

/// Applies an object over the one that was read. Fields in `taken` are taken over from the
/// managers named there.
pub(crate) fn update(
    ty: &TypeName,
    identity: &Identity,
    object: Value,
    live: &Value,
    taken: &Value,
) -> Op {
    // What is hidden must not come to light in the guard; without this part the object is
    // simply not touched when anything moved.
    let hidden = object.has_sensitive() || shown::view(live).has_sensitive();
    let owned = if hidden { Value::Null } else { noop::projection(live, MANAGER) };
    let text = |name: &str| shown::metadata(live, name).map_or(Value::Null, Value::from);
    let guard = Value::map([
        ("uid", text("uid")),
        ("resource_version", text("resourceVersion")),
        ("owned", owned),
    ]);
    let verify = !object.is_known();
    let mut op = apply(ty, identity, object, guard, false, verify);
    if !taken.is_null() {
        let mut args = op.args.as_map().cloned().unwrap_or_default();
        args.insert("force".into(), true.into());
        args.insert("taken".into(), taken.clone());
        op.args = Value::map(args);
    }
    op
}

fn apply(
    ty: &TypeName,
    identity: &Identity,
    object: Value,
    guard: Value,
    create: bool,
    verify: bool,
) -> Op {
    let args = Value::map([
        ("object", object),
        ("force", false.into()),
        ("create", create.into()),
        ("verify", verify.into()),
    ]);
    let verb = if create { "create" } else { "apply" };
    let text = format!("{verb} {}", identity.shown);
    Op { ty: ty.clone(), name: "apply".into(), identity: identity.clone(), args, guard, text }
}

/// Applies nothing over the object that was read, which gives back all that is ours of it.
pub(crate) fn release(ty: &TypeName, identity: &Identity, live: &Value) -> Op {
    let text = |name: &str| Value::from(identity_text(identity, name));
    let mut metadata = vec![("name", text("name"))];
    if !identity_text(identity, "namespace").is_empty() {
        metadata.push(("namespace", text("namespace")));
    }
    let nothing = Value::map([
        ("apiVersion", text("api_version")),
        ("kind", text("kind")),
        ("metadata", Value::map(metadata)),
    ]);
    let op = update(ty, identity, nothing, live, &Value::Null);
    Op { name: "release".into(), text: format!("release {}", identity.shown), ..op }
}

/// Deletes exactly the object that was read.
pub(crate) fn delete(ty: &TypeName, identity: &Identity, live: &Value) -> Op {
    let uid = shown::uid(live).map_or(Value::Null, Value::from);
    Op {
        ty: ty.clone(),
        name: "delete".into(),
        identity: identity.clone(),
        args: Value::map([("propagation", "Background".into())]),
        guard: Value::map([("uid", uid)]),
        text: format!("delete {}", identity.shown),
    }
}
