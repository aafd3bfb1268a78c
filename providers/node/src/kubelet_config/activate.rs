//! Writing a kubelet's file, restarting it, and putting the old file back when it does not run.

use super::{SHELF, env, running, text as kubelet_text};
use crate::codes;
use crate::host_type::{Became, Site, mode, refused, strange, text};
use crate::place::part;
use crate::service::{COMES_UP, Process, Service, Told, Why, went_back};
use crate::settings::exchange::{Exchange, Found, Turn};
use crate::settings::ways;
use access::{Command, Expected, FileOnHost, HostError};
use apimachinery::versions::Minor;
use plans::{Op, Problem};
use provider::{BoxFuture, StepError};
use std::time::Duration;
use values::{Path, Value};

/// The kubelet of a host.
pub(crate) const KUBELET: Service = Service {
    unit: "kubelet",
    comes_up: COMES_UP,
    // One that cannot start is started again every 10 seconds.
    stays_up: Duration::from_secs(12),
    last_words: &["command failed", "failed to run Kubelet", "failed to validate", "panic: "],
};

/// What is done, read from the operation.
struct Work<'a> {
    path: &'a str,
    content: String,
    mode: u32,
    /// The new record; `None` when nothing is ours afterwards.
    record: Option<String>,
    settings: Value,
    restart: bool,
    /// Notes of the kubelet's with which it would not start.
    forgets: Vec<&'a str>,
    /// Digest of the file as it was planned over.
    planned_over: String,
    flags: Option<Flags<'a>>,
}

/// What is done to the file of flags.
struct Flags<'a> {
    content: String,
    mode: u32,
    record: Option<String>,
    planned_over: &'a str,
    /// Digest of its record as it was planned over.
    record_over: Option<&'a str>,
    /// By name; null for one that is to be away.
    asked: Value,
}

impl<'a> Flags<'a> {
    fn of(op: &'a Op) -> Option<Self> {
        let (args, guard) = (op.args.get("flags")?, op.guard.get("flags")?);
        let text = |name: &str| args.get(name).and_then(Value::as_str);
        Some(Self {
            content: text("content")?.to_owned(),
            mode: u32::from_str_radix(text("mode")?, 8).ok()?,
            record: text("record").map(str::to_owned),
            planned_over: guard.get("digest")?.as_str()?,
            record_over: guard.get("record").and_then(Value::as_str),
            asked: args.get("asked")?.clone(),
        })
    }

    fn exchange(&self) -> Exchange<'_> {
        let (content, record) = (self.content.as_bytes(), self.record.as_deref());
        Exchange { shelf: env::SHELF, path: env::PATH, content, mode: self.mode, record }
    }
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
            forgets: op
                .args
                .get("forget")
                .and_then(Value::as_list)
                .map(|files| files.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default(),
            planned_over: op
                .guard
                .get("digest")
                .and_then(Value::as_str)
                .ok_or_else(|| strange(op))?
                .to_owned(),
            flags: match op.args.get("flags") {
                None => None,
                Some(_) => Some(Flags::of(op).ok_or_else(|| strange(op))?),
            },
        })
    }

    /// Where nothing but the cgroup driver changed since the plan, which is another type's, the new
    /// file has what is there of it now.
    fn beside(&mut self, op: &Op, file: Option<&FileOnHost>) {
        let apart = op.guard.get("apart").and_then(Value::as_str);
        let (Some(apart), Some(file)) = (apart, file) else { return };
        let now = file.digest();
        if now == self.planned_over || file.content == self.content.as_bytes() {
            return;
        }
        let read = |text: &str| kubelet_text::read(text).ok();
        let live = str::from_utf8(&file.content).ok().and_then(read);
        let (Some(live), Some(wanted)) = (live, read(&self.content)) else { return };
        let is_old = kubelet_text::apart(&live) == apart;
        if is_old || kubelet_text::apart(&live) == kubelet_text::apart(&wanted) {
            let wanted =
                ways::with(&wanted, &[kubelet_text::DRIVER.into()], live.get(kubelet_text::DRIVER));
            self.content = kubelet_text::edited(&self.content, &wanted);
            self.planned_over = now;
        }
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
    let mut work = Work::of(op)?;
    let found = Found::read(site, SHELF, work.path).await?;
    work.beside(op, found.file.as_ref());
    let exchange = work.exchange();
    exchange.check_record(op, &found)?;
    let turn = turn(op, &exchange, &found, &work.planned_over)?;
    let mut of_flags = None;
    if let Some(flags) = &work.flags {
        let exchange = flags.exchange();
        let found = exchange.found(site).await?;
        exchange.check_record_over(op, &found, flags.record_over)?;
        let turn = self::turn(op, &exchange, &found, flags.planned_over)?;
        of_flags = Some((exchange, found, turn));
    }
    let mut put = exchange.put(site, &found, turn).await;
    if let (Ok(()), Some((exchange, found, turn))) = (&put, &of_flags) {
        put = exchange.put(site, found, *turn).await;
    }
    let before = Before {
        record: found.record.as_ref(),
        of_flags: of_flags.as_ref().map(|(exchange, found, _)| (exchange, found.record.as_ref())),
    };
    if let Err(error) = put {
        return Err(undone(site, &exchange, &before, error).await);
    }
    if work.restart
        && let Err(why) = started(site, &work).await
    {
        return Err(roll_back(site, op, &work, before, &why).await);
    }
    if let Some((exchange, _, _)) = &of_flags {
        exchange.done(site).await.map_err(unfinished)?;
    }
    exchange.done(site).await.map_err(unfinished)
}

/// Nothing was started yet: what was written already is put back, so that no file is left alone
/// that belongs to another.
async fn undone(
    site: Site<'_>,
    exchange: &Exchange<'_>,
    before: &Before<'_>,
    error: StepError,
) -> StepError {
    if matches!(error, StepError::InDoubt(_)) {
        return error;
    }
    match files_back(site, exchange, before).await {
        Ok(()) => error,
        Err(why) => StepError::InDoubt(format!(
            "{} Putting back what was written already failed, too: {why}",
            error.message()
        )),
    }
}

/// It took effect, and something of it is left to be tidied.
fn unfinished(error: StepError) -> StepError {
    match error {
        StepError::Refused(_) => StepError::InDoubt(error.message()),
        other => other,
    }
}

/// How far the exchange of a file is that was planned over this digest.
fn turn<'a>(
    op: &Op,
    exchange: &Exchange<'_>,
    found: &Found,
    planned_over: &'a str,
) -> Result<Turn<'a>, StepError> {
    let new = access::digest(exchange.content);
    let now = found.file.as_ref().ok_or_else(|| gone(op, exchange.path))?.digest();
    if planned_over == new && now == new {
        Ok(Turn::Same)
    } else if now == planned_over {
        Ok(Turn::Over(Expected::Digest(planned_over)))
    } else if now == new {
        Ok(Turn::Written)
    } else {
        let node = part(&op.identity, "node");
        Err(StepError::Stale(format!("{node}:{} changed since the plan.", exchange.path)))
    }
}

pub(super) async fn settle(site: Site<'_>, op: &Op) -> Result<Became, StepError> {
    let mut work = Work::of(op)?;
    let found = Found::read(site, SHELF, work.path).await?;
    work.beside(op, found.file.as_ref());
    let (mut written, mut open) = far(site, &work.exchange(), &work.planned_over).await?;
    if let Some(flags) = &work.flags {
        let (of_flags, or_as_planned) = far(site, &flags.exchange(), flags.planned_over).await?;
        (written, open) = (written && of_flags, open && or_as_planned);
    }
    if written && (!work.restart || runs(site, &work).await) {
        // What was to go back to, should it not run, is of no use any more.
        if let Some(flags) = &work.flags {
            flags.exchange().forget_copy(site).await.map_err(refused)?;
        }
        work.exchange().forget_copy(site).await.map_err(refused)?;
        return Ok(Became::Done);
    }
    // What was written and not started yet is done again from there.
    Ok(if open { Became::NotDone } else { Became::Changed })
}

async fn runs(site: Site<'_>, work: &Work<'_>) -> bool {
    KUBELET.runs(site.host, &|process| Box::pin(runs_with(site, work, process))).await
}

/// Whether a file and its record are as they were to be, and whether the file is that or as it was.
async fn far(
    site: Site<'_>,
    exchange: &Exchange<'_>,
    planned_over: &str,
) -> Result<(bool, bool), StepError> {
    let found = exchange.found(site).await?;
    let digest = found.file.map(|file| file.digest());
    let written = digest.as_deref() == Some(access::digest(exchange.content).as_str());
    let text = |file: FileOnHost| String::from_utf8_lossy(&file.content).into_owned();
    let recorded = found.record.map(text).as_deref() == exchange.record;
    Ok((written && recorded, written || digest.as_deref() == Some(planned_over)))
}

/// Restarts the kubelet and waits until it runs with the settings; why not, as sentences.
async fn started(site: Site<'_>, work: &Work<'_>) -> Result<(), String> {
    let (host, check) = (site.host, |process| -> BoxFuture<'_, Result<(), Why>> {
        Box::pin(runs_with(site, work, process))
    });
    if work.forgets.is_empty() {
        return KUBELET.restarted(host, &check).await;
    }
    // It writes its notes when it ends, too.
    KUBELET.is_told(host, Told::Stop).await?;
    for file in &work.forgets {
        let removed = host.remove(file, Expected::Anything).await;
        removed.map_err(|error| error.to_string())?;
    }
    if KUBELET.is_told(host, Told::Start).await? {
        KUBELET.comes_up(host, &check).await?;
    }
    Ok(())
}

/// Whether it runs with the settings and flags that are asked for.
async fn runs_with(site: Site<'_>, work: &Work<'_>, process: Process) -> Result<(), Why> {
    if site.cluster.is_none() {
        return Ok(());
    }
    has_settings(site, &work.settings).await?;
    flags_run(site, work, &process).await
}

/// Whether the kubelet that runs says that it has these settings. Without a cluster nobody asks.
pub(crate) async fn has_settings(site: Site<'_>, settings: &Value) -> Result<(), Why> {
    let Some(cluster) = site.cluster else { return Ok(()) };
    let running = match cluster.configz(site.host.name()).await {
        Ok(answer) => access::json::from_json(&answer["kubeletconfig"]),
        Err(error) => return Err(Why::NotYet(error.to_problem().detail)),
    };
    let differing = running::differing(&ways::leaves(settings), &running, Minor::newest());
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

/// Whether its command line has the flags that are asked for.
async fn flags_run(site: Site<'_>, work: &Work<'_>, process: &str) -> Result<(), Why> {
    let Some(flags) = &work.flags else { return Ok(()) };
    let file = format!("/proc/{process}/cmdline");
    let said = site.host.run(Command::new(&["cat", &file])).await;
    let said = said.map_err(|error| Why::NotYet(error.to_string()))?;
    let line = String::from_utf8_lossy(&said.stdout).into_owned();
    let runs: Vec<&str> = line.split('\0').collect();
    let fits = |(name, value): (&std::sync::Arc<str>, &Value)| match value.as_str() {
        Some(value) => runs.contains(&format!("--{name}={value}").as_str()),
        None => {
            let with_value = format!("--{name}=");
            !runs.iter().any(|word| {
                word.starts_with(&with_value) || **word == with_value[..with_value.len() - 1]
            })
        }
    };
    let asked = flags.asked.as_map().into_iter().flat_map(values::Map::iter);
    let differing: Vec<String> =
        asked.filter(|flag| !fits(*flag)).map(|(name, _)| format!("`{name}`")).collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(Why::NotYet(format!(
        "Its command line has other flags {}: its unit does not take them from {}, or another file \
         sets them.",
        differing.join(", "),
        env::PATH
    )))
}

/// What is put back besides the old files.
struct Before<'a> {
    record: Option<&'a FileOnHost>,
    of_flags: Option<(&'a Exchange<'a>, Option<&'a FileOnHost>)>,
}

/// Puts the old files and records back and restarts the kubelet with them.
async fn roll_back(
    site: Site<'_>,
    op: &Op,
    work: &Work<'_>,
    before: Before<'_>,
    why: &str,
) -> StepError {
    let node = part(&op.identity, "node");
    let detail = format!("The kubelet of `{node}` does not run with the new settings. {why}");
    went_back(&detail, back(site, work, &before).await, |detail| {
        let summary = "Kubelet does not take the settings";
        let problem = Problem::error(codes::KUBELET_REFUSES, summary, Path::of("settings"), detail);
        problem.with_help(format!(
            "Change the settings. The kubelet's own words: `journalctl -u kubelet` on `{node}`."
        ))
    })
}

/// Puts back both files and records.
async fn puts_back(
    site: Site<'_>,
    exchange: &Exchange<'_>,
    before: &Before<'_>,
) -> Result<(), HostError> {
    if let Some((exchange, record)) = before.of_flags {
        exchange.back(site, record).await?;
    }
    exchange.back(site, before.record).await
}

/// The same, and nothing is kept of them then.
async fn files_back(
    site: Site<'_>,
    exchange: &Exchange<'_>,
    before: &Before<'_>,
) -> Result<(), HostError> {
    puts_back(site, exchange, before).await?;
    if let Some((exchange, _)) = before.of_flags {
        exchange.forget_copy(site).await?;
    }
    exchange.forget_copy(site).await
}

async fn back(site: Site<'_>, work: &Work<'_>, before: &Before<'_>) -> Result<(), String> {
    let said = |error: HostError| error.to_string();
    let exchange = work.exchange();
    puts_back(site, &exchange, before).await.map_err(said)?;
    let anything = Work {
        path: work.path,
        content: String::new(),
        mode: work.mode,
        record: None,
        settings: Value::Null,
        restart: true,
        forgets: work.forgets.clone(),
        planned_over: work.planned_over.clone(),
        flags: None,
    };
    started(site, &anything).await?;
    if let Some((exchange, _)) = before.of_flags {
        exchange.forget_copy(site).await.map_err(said)?;
    }
    exchange.forget_copy(site).await.map_err(said)
}

fn gone(op: &Op, path: &str) -> StepError {
    let node = part(&op.identity, "node");
    StepError::Stale(format!("{node}:{path} is not there any more."))
}
