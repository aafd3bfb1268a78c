//! What is looked at on a host to know how its CRI-O is.

use super::settings::{self, MAIN, Walk};
use super::{FOLDER, REGISTRIES, is_conf, registries, registries_of};
use crate::codes;
use crate::container_runtime::driver::CRIO_PATH;
use crate::container_runtime::engine::Engine;
use crate::container_runtime::record::SHELF;
use crate::container_runtime::{kubelet, text};
use crate::host_type::Site;
use crate::look::Looked;
use crate::owned;
use crate::place::part;
use access::{Ask, FileOnHost, HostError};
use plans::{Identity, Problem};
use std::collections::BTreeSet;
use values::{Path, Value};

const VERSION: [&str; 2] = ["crio", "--version"];
/// With what it runs, as TOML; from version 1.28 on. Source: `crio(8)`.
pub(super) const RUNNING: [&str; 3] = ["crio", "status", "config"];
/// Read before the drop-ins about registries.
const REGISTRIES_MAIN: &str = "/etc/containers/registries.conf";
/// Read instead of all of them, when it is there: CRI-O runs as root.
const OF_ROOT: &str = "/root/.config/containers/registries.conf";
/// Read after all of them.
const OF_ROOT_FOLDER: &str = "/root/.config/containers/registries.conf.d";

pub(in super::super) fn asks(identity: &Identity) -> Vec<Ask> {
    let path = part(identity, "path");
    let registries = registries_of(path);
    let ours = [path, &registries].map(Ask::file);
    let kept = [path, &registries].map(|path| Ask::file(SHELF.kept(path)));
    let files = [MAIN, REGISTRIES_MAIN, OF_ROOT].map(Ask::file);
    let folders = [FOLDER, REGISTRIES, OF_ROOT_FOLDER].map(Ask::folder);
    let commands = [Ask::command(VERSION), Ask::command(RUNNING)];
    let all = ours.into_iter().chain(kept).chain(files).chain(folders).chain(commands);
    all.chain(kubelet::asks()).chain(Engine::Crio.asks()).collect()
}

/// What the folders lead to.
pub(in super::super) fn asks_next(_identity: &Identity, looked: &Looked) -> Vec<Ask> {
    let walk = Walk::of_drop_ins(looked);
    let drop_ins = walk.files.into_iter().map(Ask::file);
    let tables = [REGISTRIES, OF_ROOT_FOLDER].into_iter().flat_map(|folder| {
        // What could not be read is told by `seen`.
        confs(looked, folder).unwrap_or_default().into_iter().map(Ask::file)
    });
    walk.asks.into_iter().chain(drop_ins).chain(tables).collect()
}

/// The files of a folder that are read for registries, in that order.
fn confs(looked: &Looked, folder: &str) -> Result<Vec<String>, HostError> {
    let mut names = looked.files_in(folder)?;
    names.retain(|name| is_conf(name));
    names.sort_unstable();
    Ok(names.into_iter().map(|name| format!("{folder}/{name}")).collect())
}

/// Other files in the order in which they are read, and where ours is among them.
struct Others {
    before: Vec<Value>,
    after: Vec<Value>,
    /// What cannot be read as it should, with why.
    broken: Vec<Value>,
}

impl Others {
    /// Of the files in this order, what they say that is of interest.
    fn of(
        files: &[String],
        ours: &str,
        looked: &Looked,
        read: impl Fn(&str) -> Result<Value, String>,
    ) -> Result<Self, HostError> {
        let mut found = Self { before: Vec::new(), after: Vec::new(), broken: Vec::new() };
        let at = files.iter().position(|path| path == ours);
        // Where it is not there yet, it will be at the place of its name.
        let is_after = |i: usize, path: &str| at.map_or(path > ours, |at| i > at);
        for (i, path) in files.iter().enumerate().filter(|(_, path)| *path != ours) {
            let Some(file) = looked.file(path)? else { continue };
            match read(&shown(file)) {
                Err(why) => found.broken.push(pair(path, why.into())),
                Ok(said) if is_after(i, path) => found.after.push(pair(path, said)),
                Ok(said) => found.before.push(pair(path, said)),
            }
        }
        Ok(found)
    }
}

fn pair(path: &str, said: Value) -> Value {
    Value::list([path.into(), said])
}

fn shown(file: &FileOnHost) -> String {
    String::from_utf8_lossy(&file.content).into_owned()
}

pub(in super::super) fn seen(identity: &Identity, looked: &Looked) -> Result<Value, Problem> {
    let failed = |error: HostError| error.to_problem();
    let path = part(identity, "path");
    let of_registries = registries_of(path);
    let walk = Walk::of_drop_ins(looked);
    for folder in [FOLDER, REGISTRIES, OF_ROOT_FOLDER] {
        looked.files_in(folder).map_err(failed)?;
    }
    let drop_ins: Vec<String> = [MAIN.to_owned()].into_iter().chain(walk.files).collect();
    let interest = |text: &str| text::read(text).map(|file| settings::of_interest(&file));
    let files = Others::of(&drop_ins, path, looked, interest).map_err(failed)?;
    let mut confs_in_order = vec![REGISTRIES_MAIN.to_owned()];
    for folder in [REGISTRIES, OF_ROOT_FOLDER] {
        confs_in_order.extend(confs(looked, folder).map_err(failed)?);
    }
    let tables =
        Others::of(&confs_in_order, &of_registries, looked, registries::read).map_err(failed)?;
    let read = |path: &str| looked.file(path).map_err(failed);
    let file = |path: &str| -> Result<Value, Problem> {
        Ok(read(path)?.map_or(Value::Null, |file| Value::map(owned::observed(Some(file)))))
    };
    let is_kept = |path: &str| Ok(read(&SHELF.kept(path))?.is_some());
    let parts = [
        ("settings", file(path)?),
        ("registries", file(&of_registries)?),
        ("open", (is_kept(path)? || is_kept(&of_registries)?).into()),
        ("before", Value::list(files.before)),
        ("after", Value::list(files.after)),
        ("broken", Value::list(files.broken.into_iter().chain(tables.broken))),
        ("unread", Value::list(walk.unread.into_iter().map(Value::from))),
        ("tables_before", Value::list(tables.before)),
        ("tables_after", Value::list(tables.after)),
        ("of_root", read(OF_ROOT)?.map_or(Value::Null, |_| OF_ROOT.into())),
        ("kubelet", kubelet::seen(looked).map_err(failed)?),
        Engine::Crio.seen_other(looked).map_err(failed)?,
    ];
    let runs = running(looked).map_err(failed)?;
    Ok(Value::map(parts.into_iter().chain(runs)))
}

/// Which CRI-O runs, and with what. Nothing on a host that is a folder.
fn running(looked: &Looked) -> Result<Vec<(&'static str, Value)>, HostError> {
    let version = match looked.ran(&VERSION) {
        Ok(Some(output)) if output.succeeded() => {
            output.text().lines().next().unwrap_or_default().trim().to_owned()
        }
        // That it is not found is not that there is none.
        Ok(Some(_) | None) => String::new(),
        Err(HostError::NoCommands { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let said = looked.ran(&RUNNING)?.filter(|output| output.succeeded());
    let config = said.and_then(|output| text::read(&output.text()).ok());
    let with = config.map_or(Value::Null, |config| settings::of_interest(&config));
    let runs = Engine::Crio.runs(looked)?.map_or(Value::Null, Value::from);
    Ok(vec![("version", version.into()), ("runs", runs), ("runs_with", with)])
}

/// The program that says which runtime it is does not answer.
pub(super) fn no_runtime(identity: &Identity) -> Problem {
    let node = part(identity, "node");
    let detail = format!("`crio --version` says nothing on host `{node}`.");
    let summary = "Container runtime does not say its version";
    Problem::error(codes::RUNTIME_RUNNING, summary, Path::of("engine"), detail)
        .with_help("Install it, or put a link to it where `command -v crio` finds it.")
}

/// The drop-ins of a project.
pub(in super::super) async fn find(
    site: Site<'_>,
    identity: impl Fn(&str) -> Identity,
) -> Result<Vec<Identity>, HostError> {
    let listed = Looked::at(site.host, [FOLDER, REGISTRIES].map(Ask::folder)).await?;
    let mut paths = BTreeSet::new();
    for folder in [FOLDER, REGISTRIES] {
        paths.extend(confs(&listed, folder)?);
    }
    let looked = Looked::at(site.host, paths.iter().map(Ask::file)).await?;
    let mut found = BTreeSet::new();
    for path in &paths {
        // The drop-in of another type is no object of ours.
        let ours = path != CRIO_PATH
            && looked.file(path)?.is_some_and(|file| owned::is_of(file, site.project));
        let name = path.rsplit('/').next().filter(|_| ours);
        found.extend(name.map(|name| format!("{FOLDER}/{name}")));
    }
    Ok(found.iter().map(|path| identity(path)).collect())
}
