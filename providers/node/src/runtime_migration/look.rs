//! What is looked at on a host that leaves docker.

use super::files::{KIND, PATHS, SHIMS};
use super::{SHELF, docker};
use crate::container_runtime::driver;
use crate::kubelet_config::flags;
use crate::look::Looked;
use crate::owned;
use access::{Ask, FileOnHost, HostError};
use plans::Problem;
use values::Value;

const VERSION: [&str; 2] = ["kubelet", "--version"];

pub(super) fn asks(node: &str) -> Vec<Ask> {
    let files = PATHS
        .into_iter()
        .flat_map(|path| [path.to_owned(), SHELF.place(path), SHELF.kept(path)].map(Ask::file));
    let commands =
        [Ask::command(VERSION), Ask::command(docker::SHOW), Ask::command(docker::VERSION)];
    files.chain(commands).chain(flags::asks()).chain(driver::containerd_asks(node)).collect()
}

pub(super) fn asks_next(node: &str, looked: &Looked) -> Vec<Ask> {
    driver::containerd_asks_next(node, looked)
}

pub(super) fn seen(node: &str, looked: &Looked) -> Result<Value, Problem> {
    let failed = |error: HostError| error.to_problem();
    // On a host that is a folder nobody answers; a program that is not there says nothing.
    let says = |words: &[&str]| -> Result<Value, Problem> {
        match looked.ran(words) {
            Ok(Some(output)) if output.succeeded() => Ok(output.text().trim().into()),
            Ok(Some(_) | None) => Ok("".into()),
            Err(HostError::NoCommands { .. }) => Ok(Value::Null),
            Err(error) => Err(failed(error)),
        }
    };
    let mut parts: Vec<(&str, Value)> = Vec::new();
    let mut open = false;
    for path in PATHS {
        let record = looked.file(&SHELF.place(path)).map_err(failed)?.map(shown);
        let record = ("record", record.map_or(Value::Null, Value::from));
        let file = owned::observed(looked.file(path).map_err(failed)?);
        parts.push((path, Value::map(file.into_iter().chain([record]))));
        open |= looked.file(&SHELF.kept(path)).map_err(failed)?.is_some();
    }
    // Of other flags nothing gets into a plan.
    let names: Vec<&str> = SHIMS.into_iter().chain([KIND, super::files::ENDPOINT]).collect();
    parts.extend([
        ("flags", flags::among(looked, &names).map_err(failed)?),
        ("version", says(&VERSION)?),
        ("docker", says(&docker::VERSION)?),
        ("units", says(&docker::SHOW)?),
        ("containerd", driver::containerd_seen(node, looked)?),
        ("open", open.into()),
    ]);
    Ok(Value::map(parts))
}

fn shown(file: &FileOnHost) -> String {
    String::from_utf8_lossy(&file.content).into_owned()
}
