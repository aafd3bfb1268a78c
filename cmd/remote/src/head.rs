//! The one object that says what the state is.

use crate::codes::{DAMAGED, NEWER};
use crate::room::{NotWritten, Room, content, secrets, trouble};
use diags::{Diagnostic, Diagnostics};
use schemas::ReadError;
use schemas::head::Head;
use serde_json::Value as Json;

pub(crate) const STATE: &str = "state";

/// A head as it was read, and the version that it may be exchanged at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    version: String,
}

/// The head of a configuration of which nothing is stored yet.
pub(crate) fn new(project: &str) -> Head {
    Head {
        project: project.to_owned(),
        lineage: String::new(),
        serial: 0,
        state: None,
        journal: None,
        fence: 0,
        holder: String::new(),
    }
}

/// Reads the head; `None` when there is none.
pub(crate) async fn read(room: &Room) -> Result<Option<Seen>, Diagnostics> {
    let name = room.name(STATE);
    let Some(object) = room.get(&secrets(), &name).await.map_err(|e| trouble(&e))? else {
        return Ok(None);
    };
    let text = content(&object).ok_or_else(|| {
        let detail = format!("{} is not a state of clinch.", shown(room));
        Diagnostic::error(DAMAGED, "State cannot be trusted", detail).with_help(set_aside(room))
    })?;
    let head = schemas::head::read(&text).map_err(|why| bad(room, &why))?;
    let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    Ok(Some(Seen { head, version }))
}

/// Puts a head in the place of the one that was read, or where none was.
pub(crate) async fn exchange(
    room: &Room,
    before: Option<&Seen>,
    head: Head,
) -> Result<Seen, NotWritten> {
    let text = schemas::head::write(&head).expect("a head is short and flat");
    let mut object = room.secret(&room.name(STATE), "head", "head", text.as_bytes());
    let written = match before {
        None => room.create(&secrets(), &object).await,
        Some(seen) => {
            object["metadata"]["resourceVersion"] = seen.version.clone().into();
            room.replace(&secrets(), &object).await
        }
    };
    let written: Json = written?;
    let version = written["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
    Ok(Seen { head, version })
}

/// `Secret clinch-system/clinch-state-web`.
pub(crate) fn shown(room: &Room) -> String {
    format!("Secret `{}/{}`", room.namespace(), room.name(STATE))
}

/// What to do with a state that cannot be used.
pub(crate) fn set_aside(room: &Room) -> String {
    let (namespace, name) = (room.namespace(), room.name(STATE));
    format!(
        "Keep a copy, delete it, and let clinch find in the cluster what was applied:\n  kubectl \
         -n {namespace} get secret {name} -o yaml > {name}.yaml\n  kubectl -n {namespace} delete \
         secret {name}\n  clinch state rebuild"
    )
}

pub(crate) fn bad(room: &Room, why: &ReadError) -> Diagnostic {
    let detail = format!("{} cannot be used. {why}", shown(room));
    if let ReadError::Newer { .. } = why {
        return Diagnostic::error(NEWER, "State of a newer version", detail);
    }
    Diagnostic::error(DAMAGED, "State cannot be trusted", detail).with_help(set_aside(room))
}
