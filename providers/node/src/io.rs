//! Reading and writing the files on the hosts.

use crate::kernel_module_blacklist::{
    DEFAULT_NAME, KernelModuleBlacklist, folder, identity, name_of,
};
use crate::{codes, owned};
use access::{Command, Expected, FileOnHost, Host, HostError, Hosts, WriteFile};
use futures::future::join_all;
use plans::{Identity, Op, Problem};
use provider::{
    Found, Observation, Performed, Progress, ResourceKind as _, Settled, StepError, Wanted,
};
use std::sync::Arc;
use values::{Path, Value};

/// Access to the hosts of all nodes, for every resource type of this crate. The methods have
/// the shapes of [`provider::Providers`].
#[derive(Clone)]
pub struct NodeProvider {
    hosts: Hosts,
    project: String,
}

impl NodeProvider {
    /// Through these hosts, for this project alone.
    pub fn new(hosts: Hosts, project: impl Into<String>) -> Self {
        Self { hosts, project: project.into() }
    }

    /// Looks at all these files at once; answers in the same order.
    pub async fn observe(&self, wanted: Vec<Wanted>) -> Vec<Observation> {
        join_all(wanted.iter().map(|wanted| self.observe_one(&wanted.identity))).await
    }

    async fn observe_one(&self, identity: &Identity) -> Observation {
        let place = match self.place(identity) {
            Ok(place) => place,
            Err(problem) => return Observation::Unknown(problem),
        };
        match place.host.read(&place.path).await {
            Err(error) => Observation::Unknown(error.to_problem()),
            Ok(file) => Observation::Present(observed(file.as_ref(), loaded(&**place.host).await)),
        }
    }

    /// Does it. Checks first that the file is the one that was read, and ours.
    ///
    /// # Interruption
    ///
    /// A file is replaced whole or not at all; `settle` finds out which after a crash.
    pub async fn perform(&self, op: &Op, progress: Progress<'_>) -> Result<Performed, StepError> {
        let place = self.place(&op.identity).map_err(StepError::Refused)?;
        progress(format!("host {}", place.host.name()));
        let now = place.host.read(&place.path).await.map_err(refused)?;
        if now.as_ref().is_some_and(|file| !self.is_ours(file)) {
            return Err(StepError::Stale(format!(
                "{} does not carry the mark of project `{}`.",
                op.identity.shown, self.project
            )));
        }
        let digest = op.guard.get("digest").and_then(Value::as_str);
        let expected = digest.map_or(Expected::Absent, Expected::Digest);
        match (op.name.as_str(), content(op)) {
            ("write", Some(content)) => {
                let mode = mode(op).ok_or_else(|| StepError::Refused(strange(op)))?;
                let content = content.as_bytes();
                let file =
                    WriteFile { path: &place.path, content, mode, uid: None, gid: None, expected };
                place.host.write(file).await.map_err(refused)?;
            }
            ("remove", _) => place.host.remove(&place.path, expected).await.map_err(refused)?,
            _ => return Err(StepError::Refused(strange(op))),
        }
        Ok(performed(&place.path))
    }

    /// Looks what became of an operation that was begun and not seen to end.
    pub async fn settle(&self, op: &Op) -> Result<Settled, StepError> {
        let place = self.place(&op.identity).map_err(StepError::Refused)?;
        let now = place.host.read(&place.path).await.map_err(refused)?;
        let digest = now.as_ref().map(FileOnHost::digest);
        let wanted = match op.name.as_str() {
            "write" => {
                let content = content(op).ok_or_else(|| StepError::Refused(strange(op)))?;
                Some(access::digest(content.as_bytes()))
            }
            "remove" => None,
            _ => return Err(StepError::Refused(strange(op))),
        };
        let same_mode = now.as_ref().is_none_or(|file| Some(file.mode) == mode(op));
        if digest == wanted && (same_mode || op.name == "remove") {
            return Ok(Settled::Done(performed(&place.path)));
        }
        if digest.as_deref() == op.guard.get("digest").and_then(Value::as_str) {
            return Ok(Settled::NotDone);
        }
        Ok(Settled::Changed(format!(
            "{} is neither as it was nor as it was to be.",
            op.identity.shown
        )))
    }

    /// Finds every file that carries the project's mark. On a host that can run nothing only
    /// the file with the name that is given to all is looked at.
    pub async fn find(&self, project: &str) -> Result<Vec<Found>, Problem> {
        let ty = KernelModuleBlacklist::new();
        let mut found = Vec::new();
        for node in self.hosts.names() {
            let host = self.hosts.get(node).map_err(|error| error.to_problem())?;
            for name in names(&**host).await? {
                let identity = identity(node, &name);
                let path = text(&identity, "path").to_owned();
                let file = host.read(&path).await.map_err(|error| error.to_problem())?;
                let of = |file: &FileOnHost| {
                    let content = String::from_utf8_lossy(&file.content).into_owned();
                    owned::project_of(&content).map(str::to_owned)
                };
                if file.as_ref().and_then(of).as_deref() == Some(project) {
                    let ty = ty.name().clone();
                    found.push(Found { ty, identity, uid: None, protected: false });
                }
            }
        }
        Ok(found)
    }

    fn place(&self, identity: &Identity) -> Result<Place<'_>, Problem> {
        let host = self.hosts.get(text(identity, "node"));
        let host =
            host.map_err(|error| Problem { path: Path::of("node"), ..error.to_problem() })?;
        Ok(Place { host, path: text(identity, "path").to_owned() })
    }

    fn is_ours(&self, file: &FileOnHost) -> bool {
        let content = String::from_utf8_lossy(&file.content);
        owned::project_of(&content) == Some(self.project.as_str())
    }
}

struct Place<'a> {
    host: &'a Arc<dyn Host>,
    path: String,
}

fn text<'a>(identity: &'a Identity, name: &str) -> &'a str {
    identity.args.get(name).and_then(Value::as_str).unwrap_or("")
}

/// What was read, in the terms of the pure half.
fn observed(file: Option<&FileOnHost>, loaded: Value) -> Value {
    let content = |file: &FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
    Value::map([
        ("content", file.map_or(Value::Null, |file| content(file).into())),
        ("digest", file.map_or(Value::Null, |file| file.digest().into())),
        ("mode", file.map_or(Value::Null, |file| format!("{:04o}", file.mode).into())),
        ("loaded", loaded),
    ])
}

/// The modules that are loaded; null where the host does not tell, which decides nothing.
async fn loaded(host: &dyn Host) -> Value {
    match host.read("/proc/modules").await {
        Ok(Some(file)) => {
            let content = String::from_utf8_lossy(&file.content).into_owned();
            let names = content.lines().filter_map(|line| line.split_whitespace().next());
            Value::list(names.map(Value::from))
        }
        Ok(None) | Err(_) => Value::Null,
    }
}

/// The own parts of the names of all files that may be ours.
async fn names(host: &dyn Host) -> Result<Vec<String>, Problem> {
    let words = ["ls", "-1", "--", folder()];
    let listed = match host.run(Command::new(&words)).await {
        Ok(output) if output.status == Some(0) => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        // No such folder, or a host that is a folder itself.
        Ok(_) | Err(HostError::NoCommands { .. }) => return Ok(vec![DEFAULT_NAME.to_owned()]),
        Err(error) => return Err(error.to_problem()),
    };
    Ok(listed.lines().filter_map(name_of).map(str::to_owned).collect())
}

/// The new content; the file is where a sensitive part of it belongs.
fn content(op: &Op) -> Option<String> {
    let (content, _) = op.args.get("content")?.exposed();
    content.as_str().map(str::to_owned)
}

fn mode(op: &Op) -> Option<u32> {
    u32::from_str_radix(op.args.get("mode").and_then(Value::as_str)?, 8).ok()
}

fn performed(path: &str) -> Performed {
    Performed { exported: Value::map([("path", path.into())]), uid: None }
}

fn refused(error: HostError) -> StepError {
    if error.is_changed() {
        return StepError::Stale(error.to_string());
    }
    StepError::Refused(error.to_problem())
}

fn strange(op: &Op) -> Problem {
    let detail = format!("`{}` is not an operation that can be done on a host.", op.text);
    Problem::error(codes::STRANGE, "An operation is not understood", Path::root(), detail)
        .with_help("Make a new plan with this version of the program.")
}
