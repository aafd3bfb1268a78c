//! Writing CRI-O's files, having it take them, and putting the old ones back when it does not.
//!
//! Source of what is said when settings cannot be taken: `startReloadWatcher` in
//! `server/server.go` of `cri-o/cri-o`; a reload itself never fails, its journal tells.

use super::look::RUNNING;
use super::settings;
use crate::codes;
use crate::container_runtime::record::SHELF;
use crate::container_runtime::{file_of, text};
use crate::host_type::{Became, Site, expected_by, refused, strange};
use crate::look::Looked;
use crate::service::{COMES_UP, Service, Why, went_back};
use crate::settings::{exchange, kept};
use access::{Ask, Command, Expected, FileOnHost, HostError};
use plans::{Op, Problem};
use provider::StepError;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;
use values::{Path, Value};

pub(crate) const CRIO: Service = Service {
    unit: "crio",
    comes_up: COMES_UP,
    // It says when it is up; one that ends is at rest for 10 seconds.
    stays_up: Duration::from_secs(3),
    last_words: &["level=fatal", "level=error", "crio: "],
};
/// What it writes when it goes on with the settings from before.
const NOT_RELOADED: &str = "nable to reload configuration";
/// What it writes when it has the new ones; from version 1.31 on, and unless it logs errors alone.
const RELOADED: &str = "Configuration reload completed";
/// How long it may take to say so.
const RELOADS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// So much of what a program complains of is told.
const LONGEST_WORDS: usize = 400;

/// What CRI-O must do to take its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Nothing,
    Reload,
    Restart,
}

/// What is done, read from the operation.
struct Work<'a> {
    op: &'a Op,
    /// Our files; `None` for one that is to be away.
    files: BTreeMap<String, Option<String>>,
    act: Act,
    /// Who is to make control groups, where CRI-O can be asked.
    driver: Option<&'a str>,
    /// With what it is to run, where it told with what it did.
    runs_with: &'a Value,
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Result<Self, StepError> {
        let read = || -> Option<Self> {
            let files = op.args.get("files")?.as_map()?.iter().map(|(path, text)| match text {
                Value::Null => Some(((**path).to_owned(), None)),
                text => Some(((**path).to_owned(), Some(text.as_str()?.to_owned()))),
            });
            let act = match op.args.get("act")?.as_str()? {
                "nothing" => Act::Nothing,
                "reload" => Act::Reload,
                "restart" => Act::Restart,
                _ => return None,
            };
            let driver = op.args.get("driver").and_then(Value::as_str);
            let runs_with = op.args.get("runs_with")?;
            Some(Self { op, files: files.collect::<Option<_>>()?, act, driver, runs_with })
        };
        let known = ["configure_crio", "give_back_crio"].contains(&op.name.as_str());
        read().filter(|_| known).ok_or_else(|| strange(op))
    }

    fn guard_of(&self, path: &str) -> Expected<'_> {
        let guard = self.op.guard.get("files").and_then(|files| files.get(path));
        guard.map_or(Expected::Absent, expected_by)
    }
}

/// Our files and what is kept of those before, read together.
struct Now {
    files: BTreeMap<String, Option<FileOnHost>>,
    kept: BTreeMap<String, Option<FileOnHost>>,
}

impl Now {
    async fn read(site: Site<'_>, work: &Work<'_>) -> Result<Self, StepError> {
        let asks =
            work.files.keys().flat_map(|path| [Ask::file(path), Ask::file(SHELF.kept(path))]);
        let looked = Looked::at(site.host, asks).await.map_err(refused)?;
        let (mut files, mut kept) = (BTreeMap::new(), BTreeMap::new());
        for path in work.files.keys() {
            files.insert(path.clone(), looked.file(path).map_err(refused)?.cloned());
            let place = SHELF.kept(path);
            kept.insert(path.clone(), looked.file(&place).map_err(refused)?.cloned());
        }
        Ok(Self { files, kept })
    }

    fn file(&self, path: &str) -> Option<&FileOnHost> {
        self.files.get(path).and_then(Option::as_ref)
    }

    fn is_kept(&self, path: &str) -> bool {
        self.kept.get(path).is_some_and(Option::is_some)
    }

    fn is_open(&self) -> bool {
        self.kept.values().any(Option::is_some)
    }

    /// Whether a file is as it is to be.
    fn is(&self, path: &str, wanted: Option<&str>) -> bool {
        self.file(path).map(|file| file.content.as_slice()) == wanted.map(str::as_bytes)
    }

    /// What changed since the plan.
    fn changed(&self, work: &Work<'_>) -> Option<String> {
        let (path, _) = work.files.iter().find(|(path, wanted)| {
            !self.is(path, wanted.as_deref()) && !work.guard_of(path).is_met_by(self.file(path))
        })?;
        Some(format!("`{path}` on `{}` changed since the plan.", file_of(&work.op.identity).0))
    }
}

/// # Interruption
///
/// Of each file that changes the old one is kept first, then the files are written, then CRI-O
/// takes them and is looked after, and only then nothing is kept any more. After a crash anywhere
/// each file is as it was or as it is to be, and doing it again goes on from there.
pub(in super::super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let work = Work::of(op)?;
    let now = Now::read(site, &work).await?;
    if let Some(changed) = now.changed(&work) {
        return Err(StepError::Stale(changed));
    }
    if let Err(error) = put(site, &work, &now).await {
        return Err(undone(site, &work, error).await);
    }
    let act = work.act;
    if act != Act::Nothing
        && let Err(why) = reads(site).await
    {
        // It goes on with what it has read before.
        return Err(roll_back(site, &work, Act::Nothing, &why).await);
    }
    if let Err(why) = taken(site, act, work.driver).await {
        return Err(roll_back(site, &work, act, &why).await);
    }
    forget(site, &work).await.map_err(|error| StepError::InDoubt(error.to_string()))
}

/// Keeps the old files, and then writes the new ones.
async fn put(site: Site<'_>, work: &Work<'_>, now: &Now) -> Result<(), HostError> {
    let differing = || work.files.iter().filter(|(path, text)| !now.is(path, text.as_deref()));
    // One from a change that was not seen to its end is of a runtime that ran.
    for (path, _) in differing().filter(|(path, _)| !now.is_kept(path)) {
        kept::keep(site, SHELF, path, now.file(path)).await?;
    }
    for (path, wanted) in differing() {
        let guard = work.guard_of(path);
        match wanted {
            Some(text) => exchange::write(site, path, text.as_bytes(), 0o644, guard).await?,
            None => site.host.remove(path, guard).await?,
        }
    }
    Ok(())
}

/// A file that could not be written, with those put back that could.
async fn undone(site: Site<'_>, work: &Work<'_>, error: HostError) -> StepError {
    if error.is_in_doubt() {
        return refused(error);
    }
    match back(site, work, Act::Nothing).await {
        Ok(()) => refused(error),
        Err(why) => StepError::InDoubt(format!("{error} Putting the old files back failed: {why}")),
    }
}

pub(in super::super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let work = Work::of(op)?;
    let now = Now::read(site, &work).await?;
    let is_there = work.files.iter().all(|(path, wanted)| now.is(path, wanted.as_deref()));
    if is_there && !now.is_open() && runs_with(site, &work).await? {
        return Ok(Became::Done);
    }
    Ok(if now.changed(&work).is_none() { Became::NotDone } else { Became::Changed })
}

/// Whether it runs as it is to, as far as it tells.
async fn runs_with(site: Site<'_>, work: &Work<'_>) -> Result<bool, StepError> {
    if work.act == Act::Nothing || work.runs_with.is_null() {
        return Ok(true);
    }
    match site.host.run(Command::new(&RUNNING)).await {
        Ok(output) if output.succeeded() => {
            let running = text::read(&output.text());
            Ok(running.is_ok_and(|running| settings::are(work.runs_with, &running)))
        }
        Ok(_) => Ok(false),
        Err(HostError::NoCommands { .. } | HostError::NoTool { .. }) => Ok(true),
        Err(error) => Err(refused(error)),
    }
}

/// Nothing is kept of the files from before.
async fn forget(site: Site<'_>, work: &Work<'_>) -> Result<(), HostError> {
    for path in work.files.keys() {
        kept::forget(site, SHELF, path).await?;
    }
    Ok(())
}

/// Has CRI-O take the files as they are; why it does not, as sentences.
async fn taken(site: Site<'_>, act: Act, driver: Option<&str>) -> Result<(), String> {
    // A node that is not ready for another reason does not become so by this.
    let was_ready = match site.cluster {
        Some(cluster) if act != Act::Nothing => {
            cluster.is_node_ready(site.host.name()).await.unwrap_or(false)
        }
        Some(_) | None => false,
    };
    match act {
        Act::Nothing => Ok(()),
        Act::Reload => reloaded(site, driver, was_ready).await,
        Act::Restart => {
            CRIO.restarted(site.host, &|_| Box::pin(is_well(site, driver, was_ready))).await
        }
    }
}

/// Whether the program itself can read all files together. It runs nothing.
async fn reads(site: Site<'_>) -> Result<(), String> {
    let words = ["crio", "config"];
    let output = match site.host.run(Command::new(&words)).await {
        Ok(output) => output,
        // A host that is a folder has nobody to ask.
        Err(HostError::NoCommands { .. } | HostError::NoTool { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    if output.succeeded() {
        return Ok(());
    }
    let why: String = output.complaint().chars().take(LONGEST_WORDS).collect();
    Err(format!("It cannot read its files: {}", access::text::sentence(&why)))
}

/// Has it read its files again, and watches what it says of that.
async fn reloaded(site: Site<'_>, driver: Option<&str>, ready: bool) -> Result<(), String> {
    let seen = cursor(site).await;
    let words = ["systemctl", "reload", CRIO.unit];
    match site.host.run(Command::new(&words)).await {
        Ok(output) if output.succeeded() => {}
        Ok(output) => {
            let said = access::text::sentence(&output.complaint());
            return Err(format!("It could not be reloaded: {said}"));
        }
        Err(HostError::NoCommands { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    }
    for _ in 0..RELOADS {
        sleep(PAUSE).await;
        let Some(seen) = &seen else { continue };
        let said = since(site, seen).await;
        if let Some(line) = said.lines().find(|line| line.contains(NOT_RELOADED)) {
            let line: String = access::text::clean(line).chars().take(LONGEST_WORDS).collect();
            return Err(format!("It wrote: \"{line}\"."));
        }
        if said.contains(RELOADED) {
            break;
        }
    }
    match is_well(site, driver, ready).await {
        Ok(()) if CRIO.runs(site.host, &|_| Box::pin(is_well(site, driver, ready))).await => Ok(()),
        Ok(()) => Err("It does not run any more.".to_owned()),
        Err(Why::NotYet(why) | Why::Ended(why)) => Err(why),
    }
}

/// The end of its journal; `None` where nobody keeps one.
async fn cursor(site: Site<'_>) -> Option<String> {
    let unit = format!("--unit={}", CRIO.unit);
    let words = ["journalctl", &unit, "--lines=1", "--output=cat", "--no-pager", "--show-cursor"];
    let output = site.host.run(Command::new(&words)).await.ok()?;
    let text = output.text();
    let last = text.lines().rev().find_map(|line| line.strip_prefix("-- cursor: "))?;
    Some(last.trim().to_owned())
}

async fn since(site: Site<'_>, cursor: &str) -> String {
    let (unit, after) = (format!("--unit={}", CRIO.unit), format!("--after-cursor={cursor}"));
    let words = ["journalctl", &unit, &after, "--output=cat", "--no-pager"];
    let said = site.host.run(Command::new(&words)).await;
    said.map(|output| output.text()).unwrap_or_default()
}

/// Whether it says that it makes control groups as it should, and the node is ready.
pub(crate) async fn is_well(site: Site<'_>, driver: Option<&str>, ready: bool) -> Result<(), Why> {
    if let Some(driver) = driver {
        let words = ["crio", "status", "info"];
        match site.host.run(Command::new(&words)).await {
            Ok(output) if output.succeeded() => has_driver(&output.text(), driver)?,
            Ok(output) => return Err(Why::NotYet(access::text::sentence(&output.complaint()))),
            Err(HostError::NoCommands { .. } | HostError::NoTool { .. }) => {}
            Err(error) => return Err(Why::NotYet(error.to_string())),
        }
    }
    let Some(cluster) = site.cluster.filter(|_| ready) else { return Ok(()) };
    match cluster.is_node_ready(site.host.name()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Why::NotYet("Its node is not ready any more.".to_owned())),
        Err(error) => Err(Why::NotYet(error.to_problem().detail)),
    }
}

/// Reads what `crio status info` says.
fn has_driver(said: &str, wanted: &str) -> Result<(), Why> {
    let line = said.lines().find_map(|line| line.strip_prefix("cgroup driver: "));
    match line.map(str::trim) {
        Some(driver) if driver == wanted => Ok(()),
        Some(driver) => Err(Why::Ended(format!(
            "It runs with the cgroup driver `{}`, and its files say `{wanted}`: a flag of its unit \
             may win over them.",
            access::text::clean(driver)
        ))),
        None => Err(Why::NotYet("It does not say its cgroup driver.".to_owned())),
    }
}

/// Puts the old files back and has CRI-O take them.
async fn roll_back(site: Site<'_>, work: &Work<'_>, act: Act, why: &str) -> StepError {
    let node = site.host.name();
    let detail = format!("CRI-O on `{node}` does not take the new settings. {why}");
    went_back(&detail, back(site, work, act).await, |detail| {
        let summary = "Runtime does not take the settings";
        let problem = Problem::error(codes::RUNTIME_REFUSES, summary, Path::root(), detail);
        problem.with_help(format!(
            "Change the settings. Its own words: `journalctl -u crio` on `{node}`."
        ))
    })
}

async fn back(site: Site<'_>, work: &Work<'_>, act: Act) -> Result<(), String> {
    for path in work.files.keys() {
        kept::put_back(site, SHELF, path).await?;
    }
    // Whatever it was before, it must run again; who makes control groups then is not known here.
    taken(site, act, None).await?;
    forget(site, work).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_what_crio_says_it_is() {
        let info = "cgroup driver: cgroupfs\nstorage driver: overlay\n";
        assert!(has_driver(info, "cgroupfs").is_ok());
        let Err(Why::Ended(why)) = has_driver(info, "systemd") else { panic!() };
        assert!(why.contains("runs with the cgroup driver `cgroupfs`"), "{why}");
        assert!(matches!(has_driver("", "systemd"), Err(Why::NotYet(_))));
    }
}
