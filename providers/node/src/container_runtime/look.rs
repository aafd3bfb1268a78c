//! What is looked at on a host to know how its runtime is.

use super::engine::Engine;
use super::imports::Imports;
use super::layout::Layout;
use super::record::{Record, SHELF};
use super::{kubelet, mirrors, text};
use crate::codes;
use crate::look::Looked;
use crate::owned;
use crate::place::part;
use crate::settings::ways;
use access::{Ask, HostError};
use plans::{Identity, Problem};
use std::collections::BTreeSet;
use values::{Path, Value};

/// Made anew whenever containerd starts. Source: `[grpc] address` in `containerd-config.toml(5)`.
pub(super) const SOCKET: &str = "/run/containerd/containerd.sock";
const VERSION: [&str; 2] = ["containerd", "--version"];
/// What images there are for pods, one a line. By itself it waits 10 seconds for a containerd that
/// does not run.
const IMAGES: [&str; 8] =
    ["ctr", "--connect-timeout", "2s", "--namespace", "k8s.io", "images", "list", "--quiet"];
const ACTIVE: [&str; 3] = ["systemctl", "is-active", "containerd"];

/// Says its argument when that is newer than the socket.
pub(super) fn newer(path: &str) -> [&str; 4] {
    ["find", path, "-newer", SOCKET]
}

pub(super) fn asks(identity: &Identity) -> Vec<Ask> {
    let path = part(identity, "path");
    let own = [
        Ask::file(path),
        Ask::file(SHELF.place(path)),
        Ask::file(SHELF.kept(path)),
        Ask::folder(mirrors::FOLDER),
        Ask::command(VERSION),
        Ask::command(IMAGES),
        Ask::command(ACTIVE),
        Ask::command(newer(path)),
    ];
    own.into_iter().chain(kubelet::asks()).chain(Engine::Containerd.asks()).collect()
}

/// What the file and the record lead to: files that are imported, and folders of registries.
pub(super) fn asks_next(identity: &Identity, looked: &Looked) -> Vec<Ask> {
    let path = part(identity, "path");
    let content = content(looked, path);
    let mut asks = Imports::of(path, &content, looked).asks;
    asks.extend(registries(&content).into_iter().map(Ask::folder));
    asks.extend(files(path, &content, looked).into_iter().map(Ask::file));
    asks
}

fn content(looked: &Looked, path: &str) -> String {
    // What could not be read is told by `seen`.
    let file = looked.file(path).ok().flatten();
    file.map(|file| shown(&file.content)).unwrap_or_default()
}

fn shown(content: &[u8]) -> String {
    String::from_utf8_lossy(content).into_owned()
}

/// The folders in which files of registries may be.
fn registries(content: &str) -> Vec<String> {
    let live = text::read(content).unwrap_or(Value::Null);
    let layout = Layout::of(&live).unwrap_or(Layout::Two);
    let named = ways::get(&live, &layout.config_path()).and_then(Value::as_str);
    let named = named.unwrap_or_default().split(':').filter(|folder| folder.starts_with('/'));
    named.chain([mirrors::FOLDER]).map(|folder| folder.trim_end_matches('/').to_owned()).collect()
}

/// The files of registries that may be there, and those that are ours.
fn files(path: &str, content: &str, looked: &Looked) -> BTreeSet<String> {
    let below = |folder: String| -> Vec<String> {
        let names = looked.folders_in(&folder).unwrap_or_default();
        names.iter().map(|name| format!("{folder}/{name}/{}", mirrors::FILE)).collect()
    };
    let record = looked.file(&SHELF.place(path)).ok().flatten();
    let record = record.and_then(|record| Record::parse(&shown(&record.content)).ok());
    let ours = record.into_iter().flat_map(|record| record.files.into_keys());
    registries(content).into_iter().flat_map(below).chain(ours).collect()
}

pub(super) fn seen(identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
    let path = part(identity, "path");
    let failed = |error: HostError| error.to_problem();
    let read = |path: &str| looked.file(path).map_err(failed);
    let content = match read(path)? {
        None => String::new(),
        // What it says beyond its text would be lost.
        Some(file) => str::from_utf8(&file.content).map_err(|_| no_text(identity))?.to_owned(),
    };
    for folder in registries(&content) {
        looked.folders_in(&folder).map_err(failed)?;
    }
    let mut found = Vec::new();
    for file in files(path, &content, looked) {
        if let Some(there) = read(&file)? {
            found.push((file, Value::map(owned::observed(Some(there)))));
        }
    }
    let record = read(&SHELF.place(path))?.map(|file| shown(&file.content));
    // What files held before may be a secret.
    let record = record.map(|text| Record::parse(&text).map_or(text, |r| r.outline().text()));
    let imports = Imports::of(path, &content, looked);
    let pair = |(path, content): (String, String)| Value::list([path.into(), content.into()]);
    let runs = running(identity, looked)?;
    let parts = [
        ("record", record.map_or(Value::Null, Value::from)),
        ("open", read(&SHELF.kept(path))?.is_some().into()),
        ("files", Value::map(found)),
        ("imports", Value::list(imports.files.into_iter().map(pair))),
        ("unread", Value::list(imports.unread.into_iter().map(Value::from))),
        ("kubelet", kubelet::seen(looked).map_err(failed)?),
        Engine::Containerd.seen_other(looked).map_err(failed)?,
    ];
    Ok(Value::map(owned::observed(read(path)?).into_iter().chain(parts).chain(runs)))
}

/// Which runtime runs, and since when. Nothing on a host that is a folder.
fn running(identity: &Identity, looked: &Looked) -> Result<Vec<(&'static str, Value)>, Problem> {
    let failed = |error: HostError| error.to_problem();
    let version = match looked.ran(&VERSION) {
        Ok(Some(output)) if output.succeeded() => output.text().trim().to_owned(),
        // That it is not found is not that there is none.
        Ok(Some(_) | None) => {
            return Ok(vec![("version", "".into()), ("runs", false.into())]);
        }
        Err(HostError::NoCommands { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let says = |words: &[&str]| -> Result<String, Problem> {
        let output = looked.ran(words).map_err(failed)?;
        Ok(output.map(|output| output.text().trim().to_owned()).unwrap_or_default())
    };
    let path = part(identity, "path");
    let running = if says(&ACTIVE)? != "active" {
        "no"
    } else if says(&newer(path))?.is_empty() {
        "yes"
    } else {
        "since before"
    };
    let images = looked.ran(&IMAGES).map_err(failed)?;
    let listed = images.filter(|output| output.succeeded());
    let names = listed.map_or_else(Vec::new, |output| {
        output.text().lines().map(|name| Value::from(name.trim())).collect()
    });
    Ok(vec![
        ("version", version.into()),
        ("runs", (running != "no").into()),
        ("running", running.into()),
        ("client", images.is_some().into()),
        // None when nobody could list them.
        ("images", Value::list(names)),
    ])
}

fn no_text(identity: &Identity) -> Problem {
    let detail = format!("{} is no text.", identity.shown);
    let summary = "Runtime's file cannot be read";
    Problem::error(codes::RUNTIME_FILE, summary, Path::of("path"), detail)
        .with_help("Mend the file on the host.")
}

/// The program that says which runtime it is does not answer.
pub(super) fn no_runtime(identity: &Identity) -> Problem {
    let node = part(identity, "node");
    let detail = format!("`containerd --version` says nothing on host `{node}`.");
    let summary = "Container runtime does not say its version";
    Problem::error(codes::RUNTIME_RUNNING, summary, Path::of("engine"), detail)
        .with_help("Install it, or put a link to it where `command -v containerd` finds it.")
}
