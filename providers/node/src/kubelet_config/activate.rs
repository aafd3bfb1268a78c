//! Writing a kubelet's file, restarting it, and putting the old file back when it does not run.

use super::{SHELF, running};
use crate::codes;
use crate::host_type::{Became, Site, mode, strange, text};
use crate::place::part;
use crate::settings::exchange::{Exchange, Turn};
use crate::settings::ways;
use access::{Command, Expected, FileOnHost, HostError};
use apimachinery::versions::Minor;
use plans::{Op, Problem};
use provider::StepError;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use values::{Path, Value};

/// How long a restart may take: the unit's own limit is a minute and a half.
const RESTART: Duration = Duration::from_secs(100);
/// How long a kubelet may take until it runs with its settings.
const COMES_UP: Duration = Duration::from_secs(90);
/// How long it must stay up: one that cannot start is started again every 10 seconds.
const STAYS_UP: Duration = Duration::from_secs(12);
const PAUSE: Duration = Duration::from_secs(1);
/// How a kubelet says why it ends.
const LAST_WORDS: [&str; 4] =
    ["command failed", "failed to run Kubelet", "failed to validate", "panic: "];
/// So much of it is told.
const LONGEST_WORDS: usize = 400;

/// What is done, read from the operation.
struct Work<'a> {
    path: &'a str,
    content: String,
    mode: u32,
    /// The new record; `None` when nothing is ours afterwards.
    record: Option<String>,
    settings: Value,
    restart: bool,
    /// Digest of the file as it was planned over.
    planned_over: &'a str,
}

impl<'a> Work<'a> {
    fn of(op: &'a Op) -> Result<Self, StepError> {
        let record = text(op, "record");
        if record.is_none() && op.name != "give_back" {
            return Err(strange(op));
        }
        Ok(Self {
            path: part(&op.identity, "path"),
            content: text(op, "content").ok_or_else(|| strange(op))?,
            mode: mode(op).ok_or_else(|| strange(op))?,
            record,
            settings: op.args.get("settings").cloned().unwrap_or(Value::Null),
            restart: op.args.get("restart").and_then(Value::as_bool).unwrap_or(true),
            planned_over: op
                .guard
                .get("digest")
                .and_then(Value::as_str)
                .ok_or_else(|| strange(op))?,
        })
    }

    fn digest(&self) -> String {
        access::digest(self.content.as_bytes())
    }

    fn exchange(&self) -> Exchange<'_> {
        let (content, record) = (self.content.as_bytes(), self.record.as_deref());
        Exchange { shelf: SHELF, path: self.path, content, mode: self.mode, record }
    }
}

/// # Interruption
///
/// As with any [`Exchange`], and then the kubelet is restarted. After a crash `settle` finds the
/// file as it was (nothing happened) or as it was to be; then doing it again goes on from there,
/// and still knows the old file from its copy.
pub(super) async fn perform(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let work = Work::of(op)?;
    let exchange = work.exchange();
    let found = exchange.found(site).await?;
    let now = found.file.as_ref().ok_or_else(|| gone(op))?.digest();
    exchange.check_record(op, &found)?;
    let turn = if work.planned_over == work.digest() && now == work.digest() {
        Turn::Same
    } else if now == work.planned_over {
        Turn::Over(Expected::Digest(work.planned_over))
    } else if now == work.digest() {
        Turn::Written
    } else {
        return Err(StepError::Stale(format!("{} changed since the plan.", op.identity.shown)));
    };
    exchange.put(site, &found, turn).await?;
    if work.restart
        && let Err(why) = started(site, &work).await
    {
        return Err(roll_back(site, op, &work, found.record.as_ref(), &why).await);
    }
    exchange.done(site).await
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let work = Work::of(op)?;
    let found = work.exchange().found(site).await?;
    let digest = found.file.map(|file| file.digest());
    let written = digest.as_deref() == Some(&work.digest());
    let text = |file: FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
    let recorded = found.record.map(text) == work.record;
    if written && recorded && (!work.restart || runs(site, &work, None).await.is_ok()) {
        return Ok(Became::Done);
    }
    // What was written and not started yet is done again from there.
    let open = written || digest.as_deref() == Some(work.planned_over);
    Ok(if open { Became::NotDone } else { Became::Changed })
}

/// Restarts the kubelet and waits until it runs with the settings; why not, as sentences.
async fn started(site: Site<'_>, work: &Work<'_>) -> Result<(), String> {
    let words = ["systemctl", "restart", "kubelet"];
    match site.host.run(Command::new(&words).within(RESTART)).await {
        Ok(output) if output.succeeded() => {}
        Ok(output) => return Err(format!("It could not be restarted: {}.", output.complaint())),
        // A host that is a folder has no kubelet.
        Err(HostError::NoCommands { .. }) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    }
    // How often it was started again before is not this restart's concern.
    let starts = unit(site).await.map(|unit| unit.restarts).ok();
    let began = Instant::now();
    let mut up_since = None;
    loop {
        match runs(site, work, starts.as_deref()).await {
            Ok(()) => {
                let since = *up_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= STAYS_UP {
                    return Ok(());
                }
            }
            Err(Why::Ended(why)) => return Err(format!("{why}{}", journal(site).await)),
            Err(Why::NotYet(why)) if began.elapsed() > COMES_UP => return Err(why),
            Err(Why::NotYet(_)) => up_since = None,
        }
        sleep(PAUSE).await;
    }
}

/// Why a kubelet does not run as it should.
enum Why {
    /// It may still.
    NotYet(String),
    /// It ended, and was or will be started again.
    Ended(String),
}

/// What systemd says of the kubelet's unit.
struct Unit {
    active: String,
    sub: String,
    restarts: String,
}

async fn unit(site: Site<'_>) -> Result<Unit, HostError> {
    let words = ["systemctl", "show", "--property=ActiveState,SubState,NRestarts", "kubelet"];
    let output = site.host.run(Command::new(&words)).await?.text();
    let says = |name: &str| {
        let line = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().to_owned()
    };
    Ok(Unit { active: says("ActiveState"), sub: says("SubState"), restarts: says("NRestarts") })
}

/// Whether it runs with the settings, and was not started again since it had been so many times.
async fn runs(site: Site<'_>, work: &Work<'_>, starts: Option<&str>) -> Result<(), Why> {
    let unit = match unit(site).await {
        Ok(unit) => unit,
        Err(HostError::NoCommands { .. }) => return Ok(()),
        Err(error) => return Err(Why::NotYet(error.to_string())),
    };
    if unit.active == "failed" || starts.is_some_and(|starts| starts != unit.restarts) {
        return Err(Why::Ended("It ended soon after its start.".to_owned()));
    }
    if unit.active != "active" {
        return Err(Why::NotYet(format!("It is `{}`.", unit.sub)));
    }
    let Some(cluster) = site.cluster else { return Ok(()) };
    let running = match cluster.configz(site.host.name()).await {
        Ok(answer) => access::json::from_json(&answer["kubeletconfig"]),
        Err(error) => return Err(Why::NotYet(error.to_problem().detail)),
    };
    let settings = ways::leaves(&work.settings);
    let differing = running::differing(&settings, &running, Minor::newest());
    if differing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> =
        differing.iter().map(|(way, _)| format!("`{}`", way.join("."))).collect();
    Err(Why::NotYet(format!(
        "It runs with other values of {}: a flag of its command line may set them.",
        names.join(", ")
    )))
}

/// Puts the old file and record back and restarts the kubelet with it.
async fn roll_back(
    site: Site<'_>,
    op: &Op,
    work: &Work<'_>,
    record: Option<&FileOnHost>,
    why: &str,
) -> StepError {
    let node = part(&op.identity, "node");
    let detail = format!("The kubelet of `{node}` does not run with the new settings. {why}");
    if let Err(error) = back(site, work, record).await {
        // Which of the two files is there, nobody knows for sure.
        return StepError::InDoubt(format!(
            "{detail} Putting the old settings back failed, too: {error}"
        ));
    }
    let detail = format!("{detail} The old settings are back, and it runs with them.");
    let summary = "Kubelet does not take the settings";
    let problem = Problem::error(codes::KUBELET_REFUSES, summary, Path::of("settings"), detail);
    StepError::Refused(problem.with_help(format!(
        "Change the settings. The kubelet's own words: `journalctl -u kubelet` on `{node}`."
    )))
}

async fn back(site: Site<'_>, work: &Work<'_>, record: Option<&FileOnHost>) -> Result<(), String> {
    let said = |error: HostError| error.to_string();
    let exchange = work.exchange();
    exchange.back(site, record).await.map_err(said)?;
    let anything = Work {
        path: work.path,
        content: String::new(),
        mode: work.mode,
        record: None,
        settings: Value::Null,
        restart: true,
        planned_over: work.planned_over,
    };
    started(site, &anything).await?;
    exchange.forget_copy(site).await.map_err(said)
}

/// What the kubelet said last before it ended, fit to be shown.
async fn journal(site: Site<'_>) -> String {
    let words = ["journalctl", "--unit=kubelet", "--lines=60", "--output=cat", "--no-pager"];
    let Ok(output) = site.host.run(Command::new(&words)).await else { return String::new() };
    let text = output.text();
    let last = text.lines().rev().find(|line| LAST_WORDS.iter().any(|words| line.contains(words)));
    let Some(line) = last else { return String::new() };
    let clean = access::text::clean(line);
    let short: String = clean.chars().take(LONGEST_WORDS).collect();
    let dots = if short.len() < clean.len() { "..." } else { "" };
    format!(" It wrote: \"{short}{dots}\".")
}

fn gone(op: &Op) -> StepError {
    StepError::Stale(format!("{} is not there any more.", op.identity.shown))
}
