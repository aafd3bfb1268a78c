//! Writing a manifest, waiting until the pod runs with it, and putting the old manifest back when
//! it does not.
//!
//! The API server may be the pod, or be gone with it: whether a container was started again is
//! therefore also seen on the host, by the log files that the kubelet has for each start.

use super::manifest::Manifest;
use super::rules::{self, Needs};
use super::running::{self, State};
use super::{SHELF, decide};
use crate::codes;
use crate::host_type::{Became, Site, refused, strange, text};
use crate::look::Looked;
use crate::place::{KERNEL, part};
use crate::settings::exchange::{Exchange, Found, Turn};
use access::{Answer, Ask, Command, Expected, FileOnHost, HostError, WriteFile};
use plans::{Op, Problem};
use provider::StepError;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use values::{Path, Value};

/// How long a pod may take until it is ready. kubeadm waits as long for its own.
///
/// Source: `ControlPlaneComponentHealthCheckTimeout` in `cmd/kubeadm/app/constants`.
const COMES_UP: Duration = Duration::from_mins(4);
/// How long one must stay up that nothing is asked of before it counts as ready.
const STAYS_UP: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);
/// Where a kubelet has the logs of containers, unless `podLogsDir` says otherwise.
const LOGS: &str = "/var/log/pods";
/// How a program says why it ends.
const LAST_WORDS: [&str; 5] = ["error:", "err=", "panic:", "fatal", "failed"];
/// So much of it is told.
const LONGEST_WORDS: usize = 400;

/// What is done, read from the operation.
struct Work<'a> {
    path: &'a str,
    node: &'a str,
    changes: BTreeMap<String, Option<String>>,
    record: Option<String>,
    restart: bool,
    stamp: &'a str,
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Result<Self, StepError> {
        let record = text(op, "record");
        if record.is_none() && op.name != "give_back" {
            return Err(strange(op));
        }
        let changes = op.args.get("flags").and_then(decide::changes).ok_or_else(|| strange(op))?;
        Ok(Self {
            path: part(&op.identity, "path"),
            node: part(&op.identity, "node"),
            changes,
            record,
            restart: op.args.get("restart").and_then(Value::as_bool).unwrap_or(true),
            stamp: op.guard.get("stamp").and_then(Value::as_str).ok_or_else(|| strange(op))?,
        })
    }

    fn exchange<'w>(&'w self, file: &FileOnHost, content: &'w str) -> Exchange<'w> {
        let (content, record) = (content.as_bytes(), self.record.as_deref());
        Exchange { shelf: SHELF, path: self.path, content, mode: file.mode, record }
    }

    /// The manifest as it is to be.
    fn edited(&self, op: &Op, now: &str) -> Result<String, StepError> {
        let edited = Manifest::read(now).and_then(|manifest| manifest.edited(&self.changes));
        edited.map_err(|why| StepError::Stale(format!("{} {why}.", op.identity.shown)))
    }

    /// How far an earlier run of this step has come.
    async fn turn(
        &self,
        site: Site<'_>,
        file: &FileOnHost,
        new: &str,
    ) -> Result<Option<Turn<'a>>, StepError> {
        let is_new = file.content == new.as_bytes();
        let kept = site.host.read(&SHELF.kept(self.path)).await.map_err(refused)?;
        // Put back after an attempt: then it has another stamp.
        let is_old = file.stamp == self.stamp || kept.is_some_and(|k| k.content == file.content);
        Ok(match (is_old, is_new) {
            (true, true) => Some(Turn::Same),
            (true, false) if file.stamp == self.stamp => {
                Some(Turn::Over(Expected::Stamp(self.stamp)))
            }
            (true, false) => Some(Turn::Over(Expected::Anything)),
            (false, true) => Some(Turn::Written),
            (false, false) => None,
        })
    }
}

/// # Interruption
///
/// As with any [`Exchange`], and then the kubelet takes the manifest up by itself. After a crash
/// `settle` finds the manifest as it was or as it was to be; then doing it again goes on from
/// there, waits for the pod, and still knows the old manifest from its copy.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let work = Work::of(op)?;
    let found = Found::read(site, SHELF, work.path).await?;
    let file = found.file.as_ref().ok_or_else(|| gone(op))?;
    let now = String::from_utf8_lossy(&file.content).into_owned();
    let new = work.edited(op, &now)?;
    let exchange = work.exchange(file, &new);
    exchange.check_record(op, &found)?;
    let Some(turn) = work.turn(site, file, &new).await? else {
        return Err(StepError::Stale(format!("{} changed since the plan.", op.identity.shown)));
    };
    let manifest = Manifest::read(&new).map_err(StepError::Stale)?;
    if !work.restart || !runs(site).await? {
        exchange.put(site, &found, turn).await?;
        return exchange.done(site).await;
    }
    if matches!(turn, Turn::Over(_)) {
        ready_for(site, &work, &manifest).await?;
    }
    let pod = Pod { site, manifest: &manifest, node: work.node };
    let before = pod.starts().await.map_err(refused)?;
    exchange.put(site, &found, turn).await?;
    if turn == Turn::Same {
        // The kubelet looks again at a file that is put in its place.
        let (content, expected) = (new.as_bytes(), Expected::Stamp(work.stamp));
        let same = WriteFile::new(work.path, content, file.mode, expected);
        site.host.write(same).await.map_err(refused)?;
    }
    match pod.comes_up(&before).await {
        Ok(()) => exchange.done(site).await,
        Err(why) => Err(roll_back(site, &work, &exchange, &found, &pod, &why).await),
    }
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let work = Work::of(op)?;
    let found = Found::read(site, SHELF, work.path).await?;
    let Some(file) = &found.file else { return Ok(Became::Changed) };
    let now = String::from_utf8_lossy(&file.content).into_owned();
    let Ok(new) = work.edited(op, &now) else { return Ok(Became::Changed) };
    let text = |file: &FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
    let recorded = found.record.as_ref().map(text) == work.record;
    if now == new && recorded {
        let Ok(manifest) = Manifest::read(&new) else { return Ok(Became::Changed) };
        let pod = Pod { site, manifest: &manifest, node: work.node };
        // A copy is there until the step has ended.
        let kept = site.host.read(&SHELF.kept(work.path)).await.map_err(refused)?;
        let is_up = !work.restart || !runs(site).await? || pod.state().await == State::Up;
        return Ok(if kept.is_none() && is_up { Became::Done } else { Became::NotDone });
    }
    let turn = work.turn(site, file, &new).await?;
    Ok(if turn.is_some() { Became::NotDone } else { Became::Changed })
}

/// Whether there is a kubelet: a host that is a folder has none.
async fn runs(site: Site<'_>) -> Result<bool, StepError> {
    Ok(site.host.read(KERNEL).await.map_err(refused)?.is_some())
}

/// That a restart would do no harm: what flags point at is there, and etcd can spare a member.
async fn ready_for(
    site: Site<'_>,
    work: &Work<'_>,
    manifest: &Manifest<'_>,
) -> Result<(), StepError> {
    let files = work.changes.iter().filter_map(|(name, value)| {
        match rules::needs(manifest, name, value.as_deref()?) {
            Needs::OfHost(path) => Some((name, path)),
            Needs::Nothing | Needs::Mount | Needs::Kept => None,
        }
    });
    for (name, path) in files {
        let answers = site.host.look(&[Ask::file(&path), Ask::folder(&path)]).await;
        if answers.map_err(refused)?.iter().all(|answer| *answer == Answer::Absent) {
            let detail = format!("There is no `{path}` on host `{}`.", site.host.name());
            let at = Path::of("flags").attr(name.as_str());
            let summary = "What a flag points at is missing";
            let problem = Problem::error(codes::STATIC_POD_FLAG, summary, at, detail);
            return Err(StepError::Refused(
                problem
                    .with_help("Declare it as a `host_file`, and let this resource refer to that."),
            ));
        }
    }
    let (Some(cluster), "etcd") = (site.cluster, manifest.program()) else { return Ok(()) };
    let down = match running::etcd_members_down(cluster, manifest, work.node).await {
        Ok(down) if down.is_empty() => return Ok(()),
        Ok(down) => format!("These members are not ready: {}.", down.join(", ")),
        Err(error) => error.to_problem().detail,
    };
    let detail = format!("etcd on `{}` cannot be spared. {down}", work.node);
    let summary = "etcd is not healthy";
    let problem = Problem::error(codes::STATIC_POD_DOWN, summary, Path::root(), detail);
    Err(StepError::Refused(problem.with_help("Put the other members in order first.")))
}

/// A static pod, and where it is.
struct Pod<'a> {
    site: Site<'a>,
    manifest: &'a Manifest<'a>,
    node: &'a str,
}

/// How often containers of a pod were started, by the folder of their logs: the number of the
/// last one.
type Starts = BTreeMap<String, u32>;

impl Pod<'_> {
    /// Waits until it is up; why it is not, as sentences.
    async fn comes_up(&self, before: &Starts) -> Result<(), String> {
        let began = Instant::now();
        let mut up_since = None;
        loop {
            // The host may be away for a moment, and the API server still tell.
            let now = self.starts().await.unwrap_or_default();
            if now.iter().any(|(folder, number)| *number > last_allowed(before, folder)) {
                return Err(format!("Its container ended.{}", self.last_words(before, &now).await));
            }
            match self.state().await {
                State::Up => {
                    let since = *up_since.get_or_insert_with(Instant::now);
                    if self.manifest.is_probed || since.elapsed() >= STAYS_UP {
                        return Ok(());
                    }
                }
                State::Failed(why) => {
                    return Err(format!("{why}{}", self.last_words(before, &now).await));
                }
                State::NotYet(why) if began.elapsed() > COMES_UP => {
                    let minutes = COMES_UP.as_secs() / 60;
                    let words = self.last_words(before, &now).await;
                    return Err(format!("It is not up after {minutes} minutes. {why}{words}"));
                }
                State::NotYet(_) => up_since = None,
            }
            sleep(PAUSE).await;
        }
    }

    async fn state(&self) -> State {
        // Without a cluster nobody can tell.
        let Some(cluster) = self.site.cluster else { return State::Up };
        let state = match running::mirror(cluster, self.manifest, self.node).await {
            Ok(pod) => running::state(pod.as_ref(), self.manifest, self.node),
            Err(error) => return State::NotYet(error.to_problem().detail),
        };
        if state != State::Up || self.manifest.program() != "kube-apiserver" {
            return state;
        }
        for path in ["/livez", "/readyz"] {
            if let Err(error) = cluster.answers(path).await {
                return State::NotYet(error.to_problem().detail);
            }
        }
        State::Up
    }

    /// The folders of its logs, as the kubelet names them: after namespace, pod and uid.
    ///
    /// Source: `BuildPodLogsDirectory` and `BuildContainerLogsDirectory` in `pkg/kubelet/kuberuntime`.
    async fn starts(&self) -> Result<Starts, HostError> {
        let Manifest { namespace, pod, container, .. } = self.manifest;
        let begin = format!("{namespace}_{pod}-{}_", self.node.to_lowercase());
        let listed = Looked::at(self.site.host, [Ask::folder(LOGS)]).await?;
        let folders = listed.folders_in(LOGS)?;
        let folders = folders.into_iter().filter(|name| name.starts_with(&begin));
        let folders: Vec<String> =
            folders.map(|name| format!("{LOGS}/{name}/{container}")).collect();
        let looked = Looked::at(self.site.host, folders.iter().map(Ask::folder)).await?;
        let number = |name: &str| name.strip_suffix(".log")?.parse::<u32>().ok();
        let mut starts = Starts::new();
        for folder in folders {
            let last = looked.files_in(&folder)?.into_iter().filter_map(number).max();
            starts.extend(last.map(|last| (folder, last)));
        }
        Ok(starts)
    }

    /// What the program said last before it ended, fit to be shown.
    async fn last_words(&self, before: &Starts, now: &Starts) -> String {
        let is_new = |folder: &str, number: u32| before.get(folder).is_none_or(|old| number > *old);
        for (folder, number) in now.iter().filter(|(folder, number)| is_new(folder, **number)) {
            // The last one may have been started just now.
            for number in [number.saturating_sub(1), *number] {
                let path = format!("{folder}/{number}.log");
                let words = ["tail", "-n", "40", &path];
                let run = self.site.host.run(Command::new(&words));
                let output = if is_new(folder, number) { run.await.ok() } else { None };
                if let Some(words) = output.and_then(|output| words_of(&output.text())) {
                    return format!(" It wrote: \"{words}\".");
                }
            }
        }
        String::new()
    }
}

/// The highest number of a container that was not started again. A pod that comes back, with the
/// manifest of an earlier time, goes on counting in its old folder.
///
/// Source: `calcRestartCountByLogDir` in `pkg/kubelet/kuberuntime`.
fn last_allowed(before: &Starts, folder: &str) -> u32 {
    before.get(folder).map_or(0, |number| number + 1)
}

/// The line of a container's log that says why it ended.
///
/// A line is `TIME STREAM TAG TEXT`. Source: the CRI logging format, `pkg/kubelet/kuberuntime/logs`
/// of `kubernetes/cri-client`.
fn words_of(log: &str) -> Option<String> {
    let text = |line: &str| {
        let text = line.splitn(4, ' ').nth(3).unwrap_or(line);
        access::text::clean(text)
    };
    let lines: Vec<String> = log.lines().map(text).filter(|line| !line.is_empty()).collect();
    let says_why = |line: &&String| {
        let line = line.to_lowercase();
        LAST_WORDS.iter().any(|words| line.contains(words))
    };
    let line = lines.iter().rev().find(says_why).or(lines.last())?;
    let short: String = line.chars().take(LONGEST_WORDS).collect();
    let dots = if short.len() < line.len() { "..." } else { "" };
    Some(format!("{short}{dots}"))
}

/// Puts the old manifest and record back, and waits for the pod.
async fn roll_back(
    site: Site<'_>,
    work: &Work<'_>,
    exchange: &Exchange<'_>,
    found: &Found,
    pod: &Pod<'_>,
    why: &str,
) -> StepError {
    let (node, name) = (work.node, &pod.manifest.pod);
    let detail = format!("`{name}` on `{node}` is not up with the new flags. {why}");
    let kept = SHELF.kept(work.path);
    let by_hand = format!(
        "On host `{}`: what was there before is in {kept}, and belongs in {}; `journalctl -u \
         kubelet` and the files below {LOGS} say what is wrong.",
        site.host.name(),
        work.path
    );
    let back = async {
        let said = |error: HostError| error.to_string();
        let old = site.host.read(&kept).await.map_err(said)?;
        let Some(old) = old else { return Ok(false) };
        let old = String::from_utf8_lossy(&old.content).into_owned();
        let manifest = Manifest::read(&old)?;
        let before = pod.starts().await.map_err(said)?;
        exchange.back(site, found.record.as_ref()).await.map_err(said)?;
        Pod { manifest: &manifest, ..*pod }.comes_up(&before).await?;
        exchange.forget_copy(site).await.map_err(said)?;
        Ok::<bool, String>(true)
    };
    let end = match back.await {
        Ok(true) => "The old manifest is back, and it runs with it.",
        // The manifest was not changed by this step, so there is nothing to go back to.
        Ok(false) => "The manifest said so before.",
        Err(error) => {
            let text = format!("{detail} Going back to the old manifest failed, too: {error}");
            return StepError::InDoubt(format!("{text} {by_hand}"));
        }
    };
    let summary = "Static pod does not come up";
    let detail = format!("{detail} {end}");
    let problem = Problem::error(codes::STATIC_POD_REFUSES, summary, Path::of("flags"), detail);
    StepError::Refused(problem.with_help(format!(
        "Change the flags. `journalctl -u kubelet` on `{node}`, and the logs below {LOGS} there, \
         say more."
    )))
}

fn gone(op: &Op) -> StepError {
    StepError::Stale(format!("{} is not there any more.", op.identity.shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_the_line_that_says_why() {
        let log = "2026-11-23T08:05:32.03Z stderr F Error: unknown flag: --nope\u{1b}[0m\n\
                   2026-11-23T08:05:32.04Z stderr F \n\
                   2026-11-23T08:05:32.04Z stderr F Usage: see --help\n";
        assert_eq!(words_of(log).as_deref(), Some("Error: unknown flag: --nope [0m"));
        assert_eq!(words_of("t stderr F bye\n").as_deref(), Some("bye"));
        assert_eq!(words_of("\n"), None);
    }
}
