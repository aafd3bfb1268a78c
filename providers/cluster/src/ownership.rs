//! Whose object this is, as written on the object itself.
//!
//! Every object that clinch applies carries two labels: `app.kubernetes.io/managed-by` says
//! that it is clinch's, `applyset.kubernetes.io/part-of` says of which project, in the form
//! of an `ApplySet`. So a lost state file can be rebuilt from the cluster, and two projects
//! never take each other's objects.

use crate::noop;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::sync::Arc;
use values::{Map, Value};

/// The one field manager of this program; a second name would abandon what the first owns.
pub const MANAGER: &str = "clinch";
/// The label that says which program manages an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label that says to which set an object belongs.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";

/// The annotation of an object that was applied with `prevent_destroy`. It outlives the block
/// and the state, and goes only by an apply that shows it.
pub const PROTECTED: &str = "clinch.dev/prevent-destroy";
/// The annotation of an object that was applied with `delete = "release"`. It says what becomes
/// of the object when the block and the state are gone.
pub const ON_DELETE: &str = "clinch.dev/on-delete";
/// Annotations by which other tools are told to keep an object, with the word for it.
///
/// Sources: [Tell Helm not to uninstall a
/// resource](https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource),
/// [cli-utils, lifecycle directives](https://pkg.go.dev/sigs.k8s.io/cli-utils/pkg/common).
pub const KEEP: &[(&str, &str)] =
    &[("helm.sh/resource-policy", "keep"), ("cli-utils.sigs.k8s.io/on-remove", "keep")];

/// The name of the set of all objects of a project, as [`PART_OF`] holds it.
///
/// It is derived as for an `ApplySet` whose parent is the Secret `clinch-PROJECT` in
/// `kube-system`: name, namespace, kind and group, joined by dots.
pub fn set_id(project: &str) -> Arc<str> {
    thread_local! {
        /// The last answer: a process asks about one project, some times for each object.
        static LAST: RefCell<Option<(String, Arc<str>)>> = const { RefCell::new(None) };
    }
    LAST.with_borrow_mut(|last| {
        if let Some((_, set)) = last.as_ref().filter(|(of, _)| of == project) {
            return set.clone();
        }
        let parent = format!("clinch-{project}.kube-system.Secret.");
        let set = format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(Sha256::digest(parent)));
        last.insert((project.to_owned(), set.into())).1.clone()
    })
}

/// The intent with the labels of ownership, and with the annotations of what is to become of
/// the object where something else than usual is wanted.
#[must_use]
pub fn mark(intent: &Value, project: &str, guarded: bool, released: bool) -> Value {
    let mut object = intent.as_map().cloned().unwrap_or_default();
    let mut metadata = map_of(object.get("metadata"));
    let labels = match metadata.get("labels") {
        // Labels that are all known after apply stay so; they are marked once they are known.
        Some(unknown @ Value::Unknown(_)) => unknown.clone(),
        given => Value::map(with_marks(map_of(given), project)),
    };
    metadata.insert("labels".into(), labels);
    let wanted = [(guarded, PROTECTED, "true"), (released, ON_DELETE, "release")];
    for (_, name, word) in wanted.into_iter().filter(|(wanted, ..)| *wanted) {
        let annotations = match metadata.get("annotations") {
            Some(unknown @ Value::Unknown(_)) => unknown.clone(),
            given => {
                let mut annotations = map_of(given);
                annotations.insert(name.into(), word.into());
                Value::map(annotations)
            }
        };
        metadata.insert("annotations".into(), annotations);
    }
    object.insert("metadata".into(), Value::map(metadata));
    Value::map(object)
}

fn with_marks(mut labels: Map, project: &str) -> Map {
    labels.insert(MANAGED_BY.into(), MANAGER.into());
    labels.insert(PART_OF.into(), Value::String(set_id(project)));
    labels
}

/// The entries; each hidden when the whole was.
fn map_of(value: Option<&Value>) -> Map {
    match value {
        Some(Value::Map(map)) => Map::clone(map),
        Some(Value::Sensitive(hidden)) => {
            let entries = map_of(Some(hidden.expose()));
            entries.into_iter().map(|(k, v)| (k, v.into_sensitive())).collect()
        }
        _ => Map::new(),
    }
}

/// Whether the object says that it belongs to the project: by its label, or, where someone
/// took the label off, by the fields that we own.
pub fn is_ours(live: &Value, project: &str) -> bool {
    match part_of(live) {
        Some(set) => *set == *set_id(project),
        None => noop::has_apply_entry(live, MANAGER),
    }
}

/// Whether the object says that it stays when nothing declares it any more.
pub fn is_released(live: &Value) -> bool {
    annotation(live, ON_DELETE) == Some("release")
}

/// Whether the object says that it is protected from deletion.
pub fn is_protected(live: &Value) -> bool {
    annotation(live, PROTECTED) == Some("true")
}

/// The annotation by which an object wants to be kept, with what it says.
pub fn keep(live: &Value) -> Option<(&'static str, &'static str)> {
    KEEP.iter().copied().find(|(name, word)| annotation(live, name) == Some(word))
}

fn annotation<'a>(live: &'a Value, name: &str) -> Option<&'a str> {
    live.get("metadata")?.get("annotations")?.get(name)?.as_str()
}

/// Other programs that apply fields of the object, as we do. Who has a person behind it is not
/// one of them: what was changed by hand is drift.
pub fn other_appliers(live: &Value) -> Vec<String> {
    let entries = live.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    let entries = entries.and_then(Value::as_list).unwrap_or(&[]);
    let text =
        |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let applies = |entry: &&Value| {
        text(entry, "operation") == "Apply" && text(entry, "subresource").is_empty()
    };
    let mut names: Vec<String> =
        entries.iter().filter(applies).map(|entry| text(entry, "manager")).collect();
    names.retain(|name| name != MANAGER && !by_hand(name));
    names.sort();
    names.dedup();
    names
}

/// The object that this one belongs to, as its owner references say: `Deployment web`.
pub fn owner(live: &Value) -> Option<String> {
    let owners = live.get("metadata")?.get("ownerReferences")?.as_list()?;
    let owner = owners.first()?;
    let text = |name: &str| owner.get(name).and_then(Value::as_str).unwrap_or("?");
    Some(format!("{} {}", text("kind"), text("name")))
}

/// The other set that the object says it belongs to.
pub fn owned_by_other_project<'a>(live: &'a Value, project: &str) -> Option<&'a str> {
    part_of(live).filter(|set| **set != *set_id(project))
}

fn part_of(live: &Value) -> Option<&str> {
    live.get("metadata")?.get("labels")?.get(PART_OF)?.as_str()
}

/// Managers behind which a person sits. What such a person changed by hand is drift, and is
/// taken back in the open; what a controller owns is never taken.
const BY_HAND: &[&str] = &["kubectl", "k9s", "rancher"];

/// Whether a person sits behind this manager.
pub fn by_hand(manager: &str) -> bool {
    BY_HAND.iter().any(|name| {
        manager.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// Which managers own a field, as the object says: the names on the way to it from the top.
pub fn managers(live: &Value, subresource: &str, field: &[&str]) -> Vec<String> {
    let entries = live.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    let text =
        |of: &Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let owns = |entry: &&Value| {
        let mut here = entry.get("fieldsV1");
        for name in field {
            here = here.and_then(|fields| fields.get(&format!("f:{name}")));
        }
        here.is_some() && text(entry, "subresource") == subresource
    };
    let entries = entries.and_then(Value::as_list).unwrap_or(&[]);
    let mut found: Vec<String> = entries.iter().filter(owns).map(|e| text(e, "manager")).collect();
    found.sort();
    found.dedup();
    found
}
