//! Writing a runtime's files, restarting it, and putting the old file back when it does not run.

use super::layout::Layout;
use super::record::{Record, SHELF};
use super::{file_of, look, text};
use crate::host_type::{Became, Site, expected_by, guarded_by, mode, refused, strange};
use crate::look::Looked;
use crate::service::{COMES_UP, Service, Why, went_back};
use crate::settings::exchange;
use crate::settings::kept::{self, Before};
use crate::settings::ways::{self, Way};
use crate::{codes, owned, records};
use access::{Ask, Command, Expected, FileOnHost, HostError};
use plans::{Op, Problem};
use provider::StepError;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use values::{Path, Value};

pub(crate) const CONTAINERD: Service = Service {
    unit: "containerd",
    comes_up: COMES_UP,
    // It says when it is up; one that ends is at rest for 5 seconds.
    stays_up: Duration::from_secs(3),
    last_words: &["containerd: ", "level=fatal", "failed to load plugin"],
};
/// So much of what a program complains of is told.
const LONGEST_WORDS: usize = 400;

/// What is done, read from the operation.
struct Work<'a> {
    op: &'a Op,
    path: &'a str,
    mode: u32,
    settings: Vec<(Way, Value)>,
    /// Files of registries; `None` for one that gets back what was there before.
    files: BTreeMap<String, Option<String>>,
    restart: bool,
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Result<Self, StepError> {
        let read = || -> Option<Self> {
            let setting = |pair: &Value| {
                let [way, setting] = pair.as_list()? else { return None };
                Some((ways::of_value(way)?, setting.clone()))
            };
            let settings = op.args.get("settings")?.as_list()?.iter().map(setting);
            let files = op.args.get("files")?.as_map()?.iter().map(|(path, text)| {
                let text = match text {
                    Value::Null => None,
                    text => Some(text.as_str()?.to_owned()),
                };
                Some(((**path).to_owned(), text))
            });
            Some(Self {
                op,
                path: file_of(&op.identity).1,
                mode: mode(op)?,
                settings: settings.collect::<Option<_>>()?,
                files: files.collect::<Option<_>>()?,
                restart: op.args.get("restart")?.as_bool()?,
            })
        };
        let known = ["configure", "give_back"].contains(&op.name.as_str());
        read().filter(|_| known).ok_or_else(|| strange(op))
    }

    fn guard_of(&self, path: &str) -> Expected<'_> {
        let guard = self.op.guard.get("files").and_then(|files| files.get(path));
        guard.map_or(Expected::Absent, expected_by)
    }
}

/// All files that the operation is about, read together.
struct Now {
    main: Option<FileOnHost>,
    record: Option<Record>,
    /// The file from before a change that was not seen to its end.
    kept: Option<FileOnHost>,
    files: BTreeMap<String, Option<FileOnHost>>,
    /// Folders of these files that are not there.
    missing: BTreeSet<String>,
}

/// What the operation makes of what is there.
struct Goal {
    /// The runtime's own file; `None` when there is to be none.
    main: Option<String>,
    /// While it is done: all that was ours, or will be.
    during: Record,
    /// When it is done.
    after: Record,
}

impl Now {
    async fn read(site: Site<'_>, work: &Work<'_>) -> Result<Self, StepError> {
        let (record, kept) = (SHELF.place(work.path), SHELF.kept(work.path));
        let asks = [work.path, &record, &kept].into_iter().chain(work.files.keys().map(|p| &**p));
        let folders: BTreeSet<&str> = work.files.keys().map(|path| folder_of(path)).collect();
        let asks = asks.map(Ask::file).chain(folders.iter().copied().map(Ask::folder));
        let looked = Looked::at(site.host, asks).await.map_err(refused)?;
        let file =
            |path: &str| looked.file(path).map(Option::<&FileOnHost>::cloned).map_err(refused);
        let record = match file(&record)? {
            Some(file) => {
                let parsed = Record::parse(&String::from_utf8_lossy(&file.content));
                Some(parsed.map_err(|why| {
                    let shown = &work.op.identity.shown;
                    StepError::Stale(format!("The record of what is ours of {shown} {why}."))
                })?)
            }
            None => None,
        };
        let mut files = BTreeMap::new();
        for path in work.files.keys() {
            files.insert(path.clone(), file(path)?);
        }
        let mut missing = BTreeSet::new();
        for folder in folders {
            if !looked.has_folder(folder).map_err(refused)? {
                missing.insert(folder.to_owned());
            }
        }
        Ok(Self { main: file(work.path)?, record, kept: file(&kept)?, files, missing })
    }

    /// The same computation as the plan's, over what is there now.
    fn goal(&self, site: Site<'_>, work: &Work<'_>) -> Result<Goal, String> {
        let base = match &self.record {
            Some(record) => record.clone(),
            None => Record::none(site.project, work.path),
        };
        let content = match &self.main {
            Some(file) => str::from_utf8(&file.content).map_err(|_| "is no text".to_owned())?,
            None => "",
        };
        let live = text::read(content)?;
        let taken = work.files.iter().filter(|(_, wanted)| wanted.is_some()).map(|(path, _)| {
            let found = self.files.get(path).and_then(Option::as_ref);
            // One with our mark was not there before us.
            let found = found.filter(|file| !owned::is_of(file, site.project));
            let before = base.files.get(path).cloned();
            (path.clone(), before.unwrap_or_else(|| found.map(Before::of)))
        });
        let files: BTreeMap<String, Option<Before>> = taken.collect();
        let made = files.keys().map(|path| folder_of(path)).filter(|at| self.missing.contains(*at));
        let made: BTreeSet<String> = made.map(str::to_owned).collect();
        let is_kept = |path: &String| !work.files.contains_key(path);
        let untouched = base.files.iter().filter(|(path, _)| is_kept(path));
        let after = match work.op.name.as_str() {
            "give_back" => Record::none(site.project, work.path),
            _ => {
                let untouched = untouched.map(|(path, before)| (path.clone(), before.clone()));
                let files: BTreeMap<_, _> = files.into_iter().chain(untouched).collect();
                let in_use = |folder: &String| files.keys().any(|path| folder_of(path) == folder);
                let folders = base.folders.iter().chain(&made).filter(|at| in_use(at)).cloned();
                Record {
                    ours: base.ours.with(&live, &work.settings),
                    new: base.new || self.main.is_none(),
                    folders: folders.collect(),
                    files,
                }
            }
        };
        let during = base.and(&after);
        let wanted = during.ours.wanted(&live, &work.settings);
        let keys: Vec<&Way> = during.ours.earlier.keys().collect();
        let text = text::edited(content, &wanted, &keys)?;
        let is_gone = after.is_empty() && (during.new || self.main.is_none());
        let main = (!(is_gone && text.trim().is_empty())).then_some(text);
        Ok(Goal { main, during, after })
    }

    fn is_main(&self, goal: &Goal) -> bool {
        let found = self.main.as_ref().map(|file| file.content.as_slice());
        found == goal.main.as_deref().map(str::as_bytes)
    }

    /// Whether a file of a registry is as it is to be.
    fn is_file(&self, path: &str, wanted: Option<&str>, goal: &Goal) -> bool {
        let found = self.files.get(path).and_then(Option::as_ref);
        match (wanted, goal.during.files.get(path)) {
            (Some(wanted), _) => found.is_some_and(|file| file.content == wanted.as_bytes()),
            // It is ours no longer, so it was given back.
            (None, None) => true,
            (None, Some(None)) => found.is_none(),
            (None, Some(Some(before))) => found.is_some_and(|file| before.is(file)),
        }
    }

    /// Whether the file is as it was planned over, but for what `cgroup_driver` keeps of it.
    fn is_as_planned(&self, work: &Work<'_>) -> bool {
        if guarded_by(work.op).is_met_by(self.main.as_ref()) {
            return true;
        }
        let apart = work.op.guard.get("apart").and_then(Value::as_str);
        let (Some(apart), Some(file)) = (apart, &self.main) else { return false };
        let live = str::from_utf8(&file.content).ok().and_then(|text| text::read(text).ok());
        let found = live.and_then(|live| Some(Layout::of(&live).ok()?.apart(&live)));
        found.as_deref() == Some(apart)
    }

    /// What changed since the plan.
    fn changed(&self, work: &Work<'_>, goal: &Goal) -> Option<String> {
        let shown = &work.op.identity.shown;
        if !self.is_main(goal) && !self.is_as_planned(work) {
            return Some(format!("{shown} changed since the plan."));
        }
        let planned = work.op.guard.get("record").and_then(Value::as_str);
        let found = self.record.as_ref();
        let is_planned = found.map(Record::proof).as_deref() == planned;
        // As an earlier try left it.
        let is_begun = found.is_some_and(|found| *found == goal.during)
            || found.cloned().filter(|found| !found.is_empty())
                == Some(goal.after.clone()).filter(|after| !after.is_empty());
        if !is_planned && !is_begun {
            return Some(format!("The record of what is ours of {shown} changed since the plan."));
        }
        let other = work.files.iter().find(|(path, wanted)| {
            let found = self.files.get(*path).and_then(Option::as_ref);
            !self.is_file(path, wanted.as_deref(), goal) && !work.guard_of(path).is_met_by(found)
        });
        other.map(|(path, _)| {
            format!("`{path}` on `{}` changed since the plan.", file_of(&work.op.identity).0)
        })
    }
}

/// # Interruption
///
/// The record of all that was or will be ours is written first, then a copy of the old file, then
/// the file, then the runtime is restarted and looked after; then come the files of registries, and
/// last the record of what is ours from now on. After a crash anywhere each file is as it was or as
/// it is to be, and doing it again goes on from there.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let work = Work::of(op)?;
    let now = Now::read(site, &work).await?;
    let goal = now.goal(site, &work).map_err(|why| unreadable(op, &why))?;
    if let Some(changed) = now.changed(&work, &goal) {
        return Err(StepError::Stale(changed));
    }
    let place = SHELF.place(work.path);
    let anything = Expected::Anything;
    let is_written = now.is_main(&goal);
    if !is_written && let Some(text) = &goal.main {
        validate(site, &work, text).await?;
    }
    if now.record.as_ref() != Some(&goal.during) && !goal.during.is_empty() {
        write(site, &place, goal.during.text().as_bytes(), records::MODE, anything).await?;
    }
    if !is_written {
        // One from a change that was not seen to its end is of a runtime that ran.
        if now.kept.is_none() {
            kept::keep(site, SHELF, work.path, now.main.as_ref()).await.map_err(refused)?;
        }
        put_main(site, &work, &now, &goal).await?;
    }
    if (work.restart || now.kept.is_some())
        && let Err(why) = started(site).await
    {
        return Err(roll_back(site, &work, now.record.as_ref(), &why).await);
    }
    let finished = finish(site, &work, &now, &goal).await;
    // It runs with the new file by now: that nothing was done would not be true.
    if is_written { finished } else { finished.map_err(begun) }
}

/// What is left when the runtime runs with its file.
async fn finish(site: Site<'_>, work: &Work<'_>, now: &Now, goal: &Goal) -> Result<(), StepError> {
    let anything = Expected::Anything;
    if !now.is_main(goal) || now.kept.is_some() {
        kept::forget(site, SHELF, work.path).await.map_err(refused)?;
    }
    let mut is_first = true;
    for (path, wanted) in &work.files {
        if !now.is_file(path, wanted.as_deref(), goal) {
            let put = put_file(site, work, goal, path, wanted.as_deref()).await;
            put.map_err(|error| if is_first { error } else { begun(error) })?;
            is_first = false;
        }
    }
    for folder in goal.during.folders.difference(&goal.after.folders) {
        let gone = site.host.remove_folder(folder).await.map_err(refused);
        gone.map_err(|error| if is_first { error } else { begun(error) })?;
    }
    let place = SHELF.place(work.path);
    let noted = match goal.after.is_empty() {
        true => site.host.remove(&place, anything).await.map_err(refused),
        false if goal.after == goal.during => Ok(()),
        false => write(site, &place, goal.after.text().as_bytes(), records::MODE, anything).await,
    };
    if is_first { noted } else { noted.map_err(begun) }
}

/// Why a step stopped in its middle. What became of it is found out before it goes on.
fn begun(error: StepError) -> StepError {
    match error {
        StepError::Refused(problem) => StepError::InDoubt(problem.detail),
        StepError::Stale(why) | StepError::InDoubt(why) => StepError::InDoubt(why),
    }
}

async fn put_main(
    site: Site<'_>,
    work: &Work<'_>,
    now: &Now,
    goal: &Goal,
) -> Result<(), StepError> {
    let found = now.main.as_ref().map(FileOnHost::digest);
    let expected = match (guarded_by(work.op), &found) {
        // What another type wrote meanwhile was looked at.
        (guard, Some(found)) if !guard.is_met_by(now.main.as_ref()) => Expected::Digest(found),
        (guard, _) => guard,
    };
    match &goal.main {
        Some(text) => {
            let mode = now.main.as_ref().map_or(work.mode, |file| file.mode);
            write(site, work.path, text.as_bytes(), mode, expected).await
        }
        None => site.host.remove(work.path, expected).await.map_err(refused),
    }
}

async fn put_file(
    site: Site<'_>,
    work: &Work<'_>,
    goal: &Goal,
    path: &str,
    wanted: Option<&str>,
) -> Result<(), StepError> {
    let expected = work.guard_of(path);
    match (wanted, goal.during.files.get(path)) {
        (Some(text), _) => write(site, path, text.as_bytes(), 0o644, expected).await,
        (None, Some(Some(before))) => before.write(site, path, expected).await.map_err(refused),
        (None, _) => site.host.remove(path, expected).await.map_err(refused),
    }
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let work = Work::of(op)?;
    let now = Now::read(site, &work).await?;
    let Ok(goal) = now.goal(site, &work) else { return Ok(Became::Changed) };
    let files = work.files.iter().all(|(path, wanted)| now.is_file(path, wanted.as_deref(), &goal));
    let recorded = now.record.clone().filter(|record| !record.is_empty());
    let is_recorded = recorded == Some(goal.after.clone()).filter(|after| !after.is_empty());
    if now.is_main(&goal)
        && files
        && is_recorded
        && now.kept.is_none()
        && (!work.restart || runs_with_it(site, &work).await?)
    {
        return Ok(Became::Done);
    }
    Ok(if now.changed(&work, &goal).is_none() { Became::NotDone } else { Became::Changed })
}

/// Whether the runtime was started after its file was last changed.
async fn runs_with_it(site: Site<'_>, work: &Work<'_>) -> Result<bool, StepError> {
    let words = look::newer(work.path);
    match site.host.run(Command::new(&words)).await {
        Ok(output) if !output.text().trim().is_empty() => Ok(false),
        Ok(_) => Ok(CONTAINERD.runs(site.host, &|_| Box::pin(is_well(site, false))).await),
        Err(HostError::NoCommands { .. }) => Ok(true),
        Err(error) => Err(refused(error)),
    }
}

/// Restarts the runtime and waits until it is well; why it is not, as sentences.
async fn started(site: Site<'_>) -> Result<(), String> {
    // A node that is not ready for another reason does not become so by this.
    let was_ready = match site.cluster {
        Some(cluster) => cluster.is_node_ready(site.host.name()).await.unwrap_or(false),
        None => false,
    };
    CONTAINERD.restarted(site.host, &|_| Box::pin(is_well(site, was_ready))).await
}

/// Whether the plugin is well that a kubelet talks to, and the node ready.
pub(crate) async fn is_well(site: Site<'_>, must_be_ready: bool) -> Result<(), Why> {
    let words = ["ctr", "plugins", "ls"];
    match site.host.run(Command::new(&words)).await {
        Ok(output) if output.succeeded() => cri_is_well(&output.text())?,
        Ok(output) => return Err(Why::NotYet(access::text::sentence(&output.complaint()))),
        // The plan says that nobody can ask.
        Err(HostError::NoCommands { .. } | HostError::NoTool { .. }) => {}
        Err(error) => return Err(Why::NotYet(error.to_string())),
    }
    let Some(cluster) = site.cluster.filter(|_| must_be_ready) else { return Ok(()) };
    match cluster.is_node_ready(site.host.name()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Why::NotYet("Its node is not ready any more.".to_owned())),
        Err(error) => Err(Why::NotYet(error.to_problem().detail)),
    }
}

/// Reads the table of plugins: type, name, platforms, status.
fn cri_is_well(table: &str) -> Result<(), Why> {
    let mut is_there = false;
    for row in table.lines() {
        let words: Vec<&str> = row.split_whitespace().collect();
        let (Some(ty), Some(name), Some(status)) = (words.first(), words.get(1), words.last())
        else {
            continue;
        };
        let is_cri = *name == "cri" || ty.contains(".cri.");
        is_there |= is_cri;
        if is_cri && *status == "error" {
            return Err(Why::Ended(format!("Its plugin `{ty}.{name}` is in error.")));
        }
    }
    let none = "It has no CRI plugin, which a kubelet talks to.";
    if is_there { Ok(()) } else { Err(Why::Ended(none.to_owned())) }
}

/// Has the runtime itself read the new file before that takes the place of the old one. It is
/// written beside it, since what it imports may be found from there; nothing reads its name.
async fn validate(site: Site<'_>, work: &Work<'_>, text: &str) -> Result<(), StepError> {
    let (folder, name) = work.path.rsplit_once('/').unwrap_or(("", work.path));
    let beside = format!("{folder}/.{name}.clinch-check");
    let words = ["containerd", "--config", &beside, "config", "dump"];
    // A host that is a folder has nobody to ask.
    let version = ["containerd", "--version"];
    if let Err(HostError::NoCommands { .. }) = site.host.run(Command::new(&version)).await {
        return Ok(());
    }
    write(site, &beside, text.as_bytes(), records::MODE, Expected::Anything).await?;
    let said = site.host.run(Command::new(&words)).await;
    site.host.remove(&beside, Expected::Anything).await.map_err(refused)?;
    let output = said.map_err(refused)?;
    if output.succeeded() {
        return Ok(());
    }
    let why: String = output.complaint().chars().take(LONGEST_WORDS).collect();
    let detail = format!(
        "containerd on `{}` cannot read the new file: {} Nothing was changed.",
        site.host.name(),
        access::text::sentence(&why)
    );
    Err(StepError::Refused(not_taken(detail)))
}

/// Puts the old file and record back and restarts the runtime with it.
async fn roll_back(
    site: Site<'_>,
    work: &Work<'_>,
    record: Option<&Record>,
    why: &str,
) -> StepError {
    let node = site.host.name();
    let detail = format!("containerd on `{node}` does not run with the new settings. {why}");
    went_back(&detail, back(site, work, record).await, |detail| {
        not_taken(detail).with_help(format!(
            "Change the settings. Its own words: `journalctl -u containerd` on `{node}`."
        ))
    })
}

fn not_taken(detail: String) -> Problem {
    let summary = "Runtime does not take the settings";
    Problem::error(codes::RUNTIME_REFUSES, summary, Path::root(), detail)
}

async fn back(site: Site<'_>, work: &Work<'_>, record: Option<&Record>) -> Result<(), String> {
    let said = |error: HostError| error.to_string();
    let anything = Expected::Anything;
    kept::put_back(site, SHELF, work.path).await?;
    let place = SHELF.place(work.path);
    match record {
        Some(old) => {
            let done = write(site, &place, old.text().as_bytes(), records::MODE, anything).await;
            done.map_err(|error| error.message())?;
        }
        None => site.host.remove(&place, anything).await.map_err(said)?,
    }
    started(site).await?;
    kept::forget(site, SHELF, work.path).await.map_err(said)
}

async fn write(
    site: Site<'_>,
    path: &str,
    content: &[u8],
    mode: u32,
    expected: Expected<'_>,
) -> Result<(), StepError> {
    exchange::write(site, path, content, mode, expected).await.map_err(refused)
}

/// The folder that a file is in.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn unreadable(op: &Op, why: &str) -> StepError {
    StepError::Stale(format!("{} {why}.", op.identity.shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_judged_by_what_a_kubelet_needs() {
        let head = "TYPE ID PLATFORMS STATUS\nio.containerd.snapshotter.v1 zfs linux/amd64 error\n";
        let row = |row: &str| cri_is_well(&format!("{head}{row}\n"));
        assert!(row("io.containerd.grpc.v1           cri    linux/amd64    ok").is_ok());
        assert!(row("io.containerd.grpc.v1  cri  -  ok\nio.containerd.cri.v1 images - ok").is_ok());
        for (text, why) in [
            ("", "It has no CRI plugin"),
            (
                "io.containerd.grpc.v1 cri linux/amd64 error",
                "`io.containerd.grpc.v1.cri` is in error",
            ),
            ("io.containerd.cri.v1 images - error", "`io.containerd.cri.v1.images` is in error"),
        ] {
            let Err(Why::Ended(found)) = row(text) else { panic!("{text}") };
            assert!(found.contains(why), "{found}");
        }
    }
}
