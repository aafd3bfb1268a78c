//! Creating, replacing and patching.

use std::sync::Arc;

use apimachinery::FieldError;
use apimachinery::types;
use serde_json::{Value, json};

use super::{Answer, Ask, Env, Target, Written};
use crate::catalog::{self, Served};
use crate::codec::{self, DecodeError};
use crate::errors::ApiError;
use crate::faults::Webhook;
use crate::fields::FieldRequest;
use crate::request::{FieldValidation, WriteOptions};
use crate::store::Txn;
use crate::{admission, controllers, defaults, kinds, meta, patch, validate};

/// The ways to patch an object, by media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// `POST` on a collection.
pub(crate) fn create(txn: &mut Txn<'_>, ask: &Ask<'_>, body: &Value) -> Answer<Written> {
    let mut body = body.clone();
    ask.is_an_object(&body)?;
    let says_what_it_is = ask.check_kind(&mut body)?;
    let (mut object, warnings) =
        ask.decode(&body).map_err(|error| ask.cannot_be_handled(&error))?;
    ask.fix_namespace(&mut object)?;
    defaults::apply(&ask.target.served, &mut object);
    kinds::convert(&ask.target.served, &mut object);
    if says_what_it_is {
        ask.fields().update(None, &mut object);
    }
    let object = store_new(txn, ask, object)?;
    Ok(Written { object, created: true, warnings })
}

/// `PUT` on an object.
pub(crate) fn replace(txn: &mut Txn<'_>, ask: &Ask<'_>, body: &Value) -> Answer<Written> {
    let mut body = body.clone();
    ask.is_an_object(&body)?;
    ask.check_kind(&mut body)?;
    let (mut object, warnings) =
        ask.decode(&body).map_err(|error| ask.cannot_be_handled(&error))?;
    ask.fix_namespace(&mut object)?;
    ask.check_name(&mut object)?;
    let live = ask.live(txn).ok_or_else(|| ask.not_found())?;
    let (sent, kept) = (meta::text(&object, "uid"), meta::text(&live, "uid"));
    if !sent.is_empty() && sent != kept {
        let why =
            format!("Precondition failed: UID in precondition: {sent}, UID in object meta: {kept}");
        return Err(ApiError::conflict(&ask.target.served.resource, &ask.target.name, &why));
    }
    defaults::apply(&ask.target.served, &mut object);
    kinds::convert(&ask.target.served, &mut object);
    ask.fields().update(Some(&live), &mut object);
    let object = store_changed(txn, ask, object, &live)?;
    Ok(Written { object, created: false, warnings })
}

/// `PATCH` on an object.
pub(crate) fn patch(
    txn: &mut Txn<'_>,
    ask: &Ask<'_>,
    kind: PatchKind,
    body: &Value,
) -> Answer<Written> {
    if kind == PatchKind::Apply {
        return apply(txn, ask, body);
    }
    let live = ask.live(txn).ok_or_else(|| ask.not_found())?;
    let patched = match kind {
        PatchKind::Json => patch::json(&live, body)?,
        PatchKind::Strategic if ask.target.served.custom => {
            return Err(ApiError::unsupported_media_type(&[
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/apply-patch+yaml",
            ]));
        }
        PatchKind::Strategic => {
            patch::strategic(types::builtin(), ask.target.served.type_id, &live, body)?
        }
        PatchKind::Merge | PatchKind::Apply => patch::merge(&live, body)?,
    };
    let (mut object, warnings) = ask.decode(&patched).map_err(|error| {
        ApiError::invalid("", "", "", &[FieldError::invalid("patch", patched.to_string(), error.0)])
    })?;
    ask.fix_namespace(&mut object)?;
    ask.check_name(&mut object)?;
    defaults::apply(&ask.target.served, &mut object);
    kinds::convert(&ask.target.served, &mut object);
    ask.fields().update(Some(&live), &mut object);
    let object = store_changed(txn, ask, object, &live)?;
    Ok(Written { object, created: false, warnings })
}

/// A server-side apply: the one patch that may create.
fn apply(txn: &mut Txn<'_>, ask: &Ask<'_>, config: &Value) -> Answer<Written> {
    if !ask.options.manager_given {
        return Err(ApiError::invalid(
            "meta.k8s.io",
            "PatchOptions",
            "",
            &[FieldError::required("fieldManager", "is required for apply patch")],
        ));
    }
    ask.check_applied_kind(config)?;
    if !config["metadata"]["managedFields"].is_null() {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let live = ask.live(txn);
    if live.is_none() && !ask.target.subresource.is_empty() {
        return Err(ask.not_found());
    }
    let (merged, owners) = ask.fields().apply(live.as_deref(), config, ask.options.force)?;
    let base = merged.as_ref().or(live.as_deref()).unwrap_or(config);
    let (mut object, warnings) =
        ask.decode(base).map_err(|error| ask.cannot_be_converted(config, &error))?;
    meta::put(&mut object, "managedFields", owners);
    if merged.is_some() || live.is_none() {
        defaults::apply(&ask.target.served, &mut object);
    }
    ask.fix_namespace(&mut object)?;
    let Some(live) = live else {
        let uid = meta::text(&object, "uid").to_owned();
        if !uid.is_empty() {
            let why = format!(
                "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            );
            return Err(ApiError::conflict(&ask.target.served.resource, &ask.target.name, &why));
        }
        ask.check_name(&mut object)?;
        let object = store_new(txn, ask, object)?;
        return Ok(Written { object, created: true, warnings });
    };
    ask.check_name(&mut object)?;
    let object = store_changed(txn, ask, object, &live)?;
    Ok(Written { object, created: false, warnings })
}

/// Creates an object as one of the cluster's own programs does.
pub(crate) fn create_as(
    txn: &mut Txn<'_>,
    env: &Env<'_>,
    served: &Served,
    object: &Value,
    manager: &str,
) -> Answer<Arc<Value>> {
    let target = Target {
        served: served.clone(),
        namespace: meta::namespace(object).to_owned(),
        name: String::new(),
        subresource: String::new(),
    };
    let options = WriteOptions {
        dry_run: false,
        manager: manager.to_owned(),
        manager_given: true,
        force: false,
        validation: FieldValidation::Ignore,
    };
    let ask = Ask { env, target: &target, options: &options, webhooks: &[] };
    let (mut object, _) = ask.decode(object).map_err(|error| ask.cannot_be_handled(&error))?;
    defaults::apply(served, &mut object);
    kinds::convert(served, &mut object);
    ask.fields().update(None, &mut object);
    put_new(txn, &ask, object)
}

/// Stores a changed object on behalf of a subresource that stands for a part of it.
pub(crate) fn put_changed(
    txn: &mut Txn<'_>,
    ask: &Ask<'_>,
    object: &Value,
    live: &Value,
) -> Answer<Arc<Value>> {
    let (mut object, _) = ask.decode(object).map_err(|error| ask.cannot_be_handled(&error))?;
    ask.fields().update(Some(live), &mut object);
    store_changed(txn, ask, object, live)
}

/// Stores a new object and lets the controllers know.
fn store_new(txn: &mut Txn<'_>, ask: &Ask<'_>, object: Value) -> Answer<Arc<Value>> {
    let written = put_new(txn, ask, object)?;
    controllers::after_write(txn, ask.env, &ask.target.served, &written);
    Ok(written)
}

/// Stores a new object (normal form).
fn put_new(txn: &mut Txn<'_>, ask: &Ask<'_>, object: Value) -> Answer<Arc<Value>> {
    let mut object = object;
    let (served, env) = (&ask.target.served, ask.env);
    let generate = meta::text(&object, "generateName").to_owned();
    if meta::name(&object).is_empty() && !generate.is_empty() {
        let name = generated_name(txn, ask, &generate);
        meta::set(&mut object, "name", Value::from(name));
    }
    admission::admit_new(txn, env, served, &mut object)?;
    ask.let_webhooks_change(&mut object)?;
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink"]
    {
        meta::unset(&mut object, field);
    }
    meta::set(&mut object, "creationTimestamp", Value::from(env.now_text.as_str()));
    meta::set(&mut object, "uid", Value::from(env.identities.next_uid()));
    kinds::prepare_create(served, &mut object);
    refuse_invalid(ask, &object, validate::created(served, &object))?;
    admission::refused_by_webhook(ask.webhooks)?;
    admission::validate_new(txn, env, served, &object)?;
    controllers::allocate(txn, served, &mut object)?;
    let name = meta::name(&object);
    if txn.get(&served.table, meta::namespace(&object), name).is_some() {
        return Err(ApiError::already_exists(&served.resource, name));
    }
    let written = codec::encode_stored(types::builtin(), served.type_id, &object);
    Ok(txn.put(&served.table, written))
}

/// Stores a changed object (normal form), or finds that nothing changed.
fn store_changed(
    txn: &mut Txn<'_>,
    ask: &Ask<'_>,
    object: Value,
    live: &Value,
) -> Answer<Arc<Value>> {
    let mut object = object;
    let (served, env, subresource) = (&ask.target.served, ask.env, ask.target.subresource.as_str());
    let version = meta::text(&object, "resourceVersion");
    if !version.is_empty() && version != meta::text(live, "resourceVersion") {
        return Err(ApiError::stale(&served.resource, &ask.target.name));
    }
    let old = ask.decode(live).map_or_else(|_| live.clone(), |(old, _)| old);
    ask.let_webhooks_change(&mut object)?;
    keep_bookkeeping(&mut object, &old);
    kinds::prepare_update(served, subresource, &mut object, &old);
    refuse_invalid(ask, &object, validate::changed(served, subresource, &object, &old))?;
    keep_times_of_unchanged(&mut object, &old);
    admission::refused_by_webhook(ask.webhooks)?;
    admission::validate_changed(txn, env, served, subresource, &object, &old)?;
    controllers::allocate(txn, served, &mut object)?;
    meta::set(&mut object, "resourceVersion", live["metadata"]["resourceVersion"].clone());
    let written = codec::encode_stored(types::builtin(), served.type_id, &object);
    if written == *live {
        return Ok(Arc::new(written));
    }
    if ask.options.dry_run {
        // Nothing is stored, so the version stays what it is, and no controller hears of it.
        return Ok(Arc::new(written));
    }
    if meta::is_terminating(&written)
        && meta::finalizers(&written).is_empty()
        && !is_held(ask, &written)
    {
        // The last finalizer is gone, and so is the object.
        let last = txn.delete(&served.table, &written);
        controllers::after_delete(txn, env, served, &last);
        return Ok(last);
    }
    let written = txn.put(&served.table, written);
    controllers::after_write(txn, env, served, &written);
    Ok(written)
}

/// Whether something other than finalizers keeps a terminating object.
fn is_held(ask: &Ask<'_>, object: &Value) -> bool {
    let namespace_content =
        object["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
    ask.target.served.table == "namespaces" && namespace_content
}

/// What no request changes: when and as what the object came into being.
fn keep_bookkeeping(object: &mut Value, old: &Value) {
    for field in
        ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"]
    {
        let kept = old["metadata"].get(field).cloned();
        meta::put(object, field, kept);
    }
    if meta::text(object, "uid").is_empty() {
        meta::put(object, "uid", old["metadata"].get("uid").cloned());
    }
    meta::unset(object, "selfLink");
}

/// When nothing but the times of owners differs, the times stay as they were.
fn keep_times_of_unchanged(object: &mut Value, old: &Value) {
    if timeless_owners(object) == timeless_owners(old)
        && kinds::same(&without_owners(object), &without_owners(old))
    {
        let owners = old["metadata"].get("managedFields").cloned();
        meta::put(object, "managedFields", owners);
    }
}

fn timeless_owners(object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"].as_array();
    let timeless = entries.into_iter().flatten().map(|entry| {
        let mut entry = entry.clone();
        meta::as_map(&mut entry).remove("time");
        entry
    });
    timeless.collect()
}

fn without_owners(object: &Value) -> Value {
    let mut object = object.clone();
    meta::unset(&mut object, "resourceVersion");
    meta::unset(&mut object, "managedFields");
    object
}

fn refuse_invalid(ask: &Ask<'_>, object: &Value, errors: Vec<FieldError>) -> Answer<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let resource = &ask.target.served.resource;
    Err(ApiError::invalid(&resource.group, &resource.kind, meta::name(object), &errors))
}

/// A free name with five random letters, as the real server makes them.
fn generated_name(txn: &Txn<'_>, ask: &Ask<'_>, prefix: &str) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let prefix: String = prefix.chars().take(58).collect();
    loop {
        let uid = ask.env.identities.next_uid();
        let mut number = u64::from_str_radix(&uid.replace('-', "")[16..], 16).unwrap_or(0);
        let mut name = prefix.clone();
        for _ in 0..5 {
            let at = usize::try_from(number % LETTERS.len() as u64).unwrap_or(0);
            name.push(char::from(LETTERS[at]));
            number /= LETTERS.len() as u64;
        }
        if txn.get(&ask.target.served.table, &ask.target.namespace, &name).is_none() {
            return name;
        }
    }
}

impl Ask<'_> {
    fn fields(&self) -> FieldRequest<'_> {
        FieldRequest {
            served: &self.target.served,
            subresource: &self.target.subresource,
            manager: &self.options.manager,
            now: &self.env.now_text,
        }
    }

    /// What webhooks change belongs to nobody, and is defaulted like what was sent.
    fn let_webhooks_change(&self, object: &mut Value) -> Answer<()> {
        for webhook in self.webhooks {
            let Webhook::Mutates(change) = webhook else { continue };
            let changed = patch::merge(object, change)?;
            let (mut changed, _) =
                self.decode(&changed).map_err(|error| self.cannot_be_handled(&error))?;
            defaults::apply(&self.target.served, &mut changed);
            *object = changed;
        }
        Ok(())
    }

    fn live(&self, txn: &Txn<'_>) -> Option<Arc<Value>> {
        txn.get(&self.target.served.table, &self.target.namespace, &self.target.name)
    }

    fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.target.served.resource, &self.target.name)
    }

    /// The object in normal form, and warnings about unknown fields.
    fn decode(&self, sent: &Value) -> Result<(Value, Vec<String>), DecodeError> {
        let served = &self.target.served;
        let mut decoded =
            codec::decode(types::builtin(), served.type_id, &served.resource.kind, sent)?;
        if let Some(definition) = &served.definition {
            let dropped = definition.prune(&mut decoded.object);
            decoded.strict.extend(dropped.iter().map(|path| format!("unknown field {path:?}")));
        }
        match self.options.validation {
            FieldValidation::Strict if !decoded.strict.is_empty() => {
                Err(DecodeError(format!("strict decoding error: {}", decoded.strict.join(", "))))
            }
            FieldValidation::Ignore => Ok((decoded.object, Vec::new())),
            FieldValidation::Strict | FieldValidation::Warn => Ok((decoded.object, decoded.strict)),
        }
    }

    fn is_an_object(&self, body: &Value) -> Answer<()> {
        if body.is_object() {
            return Ok(());
        }
        Err(ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            self.target.served.resource.kind,
            patch::kind_of(body),
        )))
    }

    fn cannot_be_handled(&self, error: &DecodeError) -> ApiError {
        let resource = &self.target.served.resource;
        let (version, kind) = (resource.version.as_str(), resource.kind.as_str());
        ApiError::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {}",
            error.0
        ))
    }

    /// An apply whose values have the right types and cannot be read.
    fn cannot_be_converted(&self, config: &Value, error: &DecodeError) -> ApiError {
        let resource = &self.target.served.resource;
        let kind = format!("{}/{}, Kind={}", resource.group, resource.version, resource.kind);
        // Bytes go through the decoder of JSON on the way.
        let bytes = error.0.starts_with("illegal base64");
        let by = if bytes { "error decoding from json: " } else { "" };
        ApiError::internal(format!(
            "failed to convert new object ({}/{}; {kind}) to proper version: unable to convert unstructured object to {kind}: {by}{}",
            meta::namespace(config),
            meta::name(config),
            error.0,
        ))
    }

    /// The object says what it is, and the path says the same. An object that says
    /// nothing is taken for what the path says, and nobody owns its fields.
    fn check_kind(&self, object: &mut Value) -> Answer<bool> {
        let resource = &self.target.served.resource;
        let (version, kind) = said(object);
        if kind.is_empty() && version.is_empty() {
            let object = meta::as_map(object);
            object.insert("apiVersion".to_owned(), Value::from(resource.api_version()));
            object.insert("kind".to_owned(), Value::from(resource.kind.as_str()));
            return Ok(false);
        }
        if version == resource.api_version() && kind == resource.kind {
            return Ok(true);
        }
        let (_, bare) = apimachinery::discovery::split_api_version(&version);
        let known = catalog::built_in()
            .iter()
            .any(|served| served.resource.api_version() == version && served.resource.kind == kind);
        let why = if known {
            let inside = |group: &str| {
                group.split('.').next().filter(|name| !name.is_empty()).unwrap_or("core").to_owned()
            };
            format!(
                "converting ({bare}.{kind}) to ({}.{}): unknown conversion",
                inside(&resource.group),
                resource.kind
            )
        } else {
            format!(
                "no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:111\""
            )
        };
        Err(ApiError::bad_request(format!(
            "{kind} in version {bare:?} cannot be handled as a {}: {why}",
            resource.kind
        )))
    }

    /// What is applied has to say exactly what it is.
    fn check_applied_kind(&self, config: &Value) -> Answer<()> {
        let resource = &self.target.served.resource;
        let (version, kind) = said(config);
        if kind.is_empty() {
            return Err(ApiError::bad_request(
                "error decoding YAML: Object 'Kind' is missing in the body of the request",
            ));
        }
        if version == resource.api_version() && kind == resource.kind {
            return Ok(());
        }
        let (group, version) = apimachinery::discovery::split_api_version(&version);
        Err(ApiError::bad_request(format!("invalid object type: {group}/{version}, Kind={kind}")))
    }

    fn fix_namespace(&self, object: &mut Value) -> Answer<()> {
        if !self.target.served.resource.namespaced {
            if !meta::namespace(object).is_empty() {
                meta::unset(object, "namespace");
            }
            return Ok(());
        }
        let sent = meta::namespace(object);
        if !sent.is_empty() && sent != self.target.namespace {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        meta::set(object, "namespace", Value::from(self.target.namespace.as_str()));
        Ok(())
    }

    fn check_name(&self, object: &mut Value) -> Answer<()> {
        let sent = meta::name(object);
        if sent.is_empty() {
            meta::set(object, "name", Value::from(self.target.name.as_str()));
            return Ok(());
        }
        if sent == self.target.name {
            return Ok(());
        }
        Err(ApiError::bad_request(format!(
            "the name of the object ({sent}) does not match the name on the URL ({})",
            self.target.name
        )))
    }
}

/// Version and kind, as an object says them.
fn said(object: &Value) -> (String, String) {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    (text("apiVersion"), text("kind"))
}

/// `metav1.Status` for something that succeeded and leaves no object to show.
pub(crate) fn success(details: Value) -> Value {
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    })
}
