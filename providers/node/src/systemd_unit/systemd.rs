//! What systemd is asked and told.

use crate::codes;
use crate::host_type::{Site, refused, strange, text};
use crate::place::part;
use access::{Command, FileOnHost, Output};
use plans::{Op, Problem};
use provider::StepError;
use std::time::Duration;
use values::{Path, Value};

/// How long a unit may take to start or to stop: a little more than systemd itself waits.
/// Source: `DefaultTimeoutStartSec` in `systemd-system.conf(5)`, 90 seconds.
const PATIENCE: Duration = Duration::from_secs(100);

/// Asks how a unit is.
pub(super) fn show(unit: &str) -> [&str; 5] {
    let properties = "--property=ActiveState,UnitFileState,NeedDaemonReload,FragmentPath";
    ["systemctl", "show", properties, "--", unit]
}

/// How a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    /// Whether it runs, or is about to.
    pub(super) active: bool,
    /// Whether it is started when the host boots.
    pub(super) enabled: bool,
    /// Whether systemd has read the file as it is on disk.
    pub(super) loaded: bool,
    /// Where the unit's own file is; empty when there is none.
    pub(super) file: String,
}

impl Unit {
    /// From what [`show`] prints; `None` when that is something else.
    pub(super) fn parse(output: &Output) -> Option<Self> {
        let text = output.succeeded().then(|| output.text())?;
        let property =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        Some(Self {
            active: matches!(property("ActiveState")?, "active" | "activating" | "reloading"),
            enabled: matches!(property("UnitFileState")?, "enabled"),
            loaded: property("NeedDaemonReload")? == "no",
            file: property("FragmentPath").unwrap_or_default().to_owned(),
        })
    }
}

/// A host on which systemd does not answer.
pub(super) fn silent(node: &str) -> Problem {
    let detail = format!("Host `{node}` has no systemd that answers.");
    Problem::error(codes::UNIT, "No systemd on this host", Path::of("node"), detail)
        .with_help("Use a host that systemd runs on.")
}

/// What an operation asks for.
struct Asked {
    unit: String,
    enabled: Option<bool>,
    active: Option<bool>,
    restart: bool,
    /// How the unit was when the plan was made.
    was_enabled: bool,
    was_active: bool,
}

impl Asked {
    fn of(op: &Op) -> Result<Self, StepError> {
        let (effect, _) = op.args.get("effect").ok_or_else(|| strange(op))?.exposed();
        let flag = |name: &str| effect.get(name).and_then(Value::as_bool);
        let was = |name: &str| op.guard.get(name).and_then(Value::as_bool) == Some(true);
        Ok(Self {
            unit: effect.get("unit").and_then(Value::as_str).ok_or_else(|| strange(op))?.to_owned(),
            enabled: flag("enabled"),
            active: flag("active"),
            restart: flag("restart").unwrap_or(true),
            was_enabled: was("enabled"),
            was_active: was("active"),
        })
    }

    /// Whether it is to run in the end.
    fn runs(&self) -> bool {
        self.active.unwrap_or(self.was_active)
    }

    fn is_done(&self, now: &Unit) -> bool {
        now.loaded
            && now.active == self.runs()
            && self.enabled.is_none_or(|enabled| enabled == now.enabled)
    }
}

async fn look(site: Site<'_>, unit: &str) -> Result<Unit, StepError> {
    let output = site.host.run(Command::new(&show(unit))).await.map_err(refused)?;
    Unit::parse(&output).ok_or_else(|| StepError::Refused(silent(site.host.name())))
}

/// Runs a program that should succeed; what it complained of if it does not.
async fn run(site: Site<'_>, words: &[&str]) -> Result<Result<(), String>, StepError> {
    let output = site.host.run(Command::new(words).within(PATIENCE)).await.map_err(refused)?;
    let said = || match output.complaint() {
        silent if silent.is_empty() => format!("`{}` failed.", words.join(" ")),
        said => access::text::sentence(&said),
    };
    Ok(if output.succeeded() { Ok(()) } else { Err(said()) })
}

/// A unit that was found at rest costs nothing to change. Once it runs it does.
pub(super) async fn is_stale(site: Site<'_>, op: &Op) -> Result<Option<String>, StepError> {
    let asked = Asked::of(op)?;
    let runs_by_now = !asked.was_active && look(site, &asked.unit).await?.active;
    let why = || {
        format!(
            "`{}` on host `{}` runs by now, and did not when the plan was made.",
            asked.unit,
            site.host.name()
        )
    };
    Ok(runs_by_now.then(why))
}

/// # Interruption
///
/// Each command can be given again. What is not done is seen in how the unit is.
pub(super) async fn heed(
    site: Site<'_>,
    op: &Op,
    before: Option<&FileOnHost>,
) -> Result<(), StepError> {
    let asked = Asked::of(op)?;
    let unit = asked.unit.as_str();
    let now = look(site, unit).await?;
    if op.name == "write" {
        verify(site, op, &now).await?;
    }
    let content = text(op, "content");
    let changed =
        before.map(|file| file.content.as_slice()) != content.as_deref().map(str::as_bytes);
    let stop = now.active && (!asked.runs() || (asked.restart && (changed || !now.loaded)));
    if stop && let Err(why) = run(site, &["systemctl", "stop", "--", unit]).await? {
        return Err(failed(site, op, "Unit could not be stopped", &why));
    }
    if let Err(why) = run(site, &["systemctl", "daemon-reload"]).await? {
        return Err(failed(site, op, "systemd could not read its files", &why));
    }
    if asked.runs()
        && (stop || !now.active)
        && let Err(why) = run(site, &["systemctl", "start", "--", unit]).await?
    {
        let why = format!("{why} {}", last_words(site, unit).await?);
        return Err(failed(site, op, "Unit could not be started", &why));
    }
    let unit_now = look(site, unit).await?;
    if asked.runs() != unit_now.active {
        let what = if unit_now.active { "It still runs." } else { "It ended right away." };
        let why = format!("{what} {}", last_words(site, unit).await?);
        return Err(failed(site, op, "Unit could not be started or stopped", &why));
    }
    // Last, so that a unit that does not start leaves no links behind.
    let enabling = match asked.enabled {
        Some(true) if !unit_now.enabled => Some("enable"),
        Some(false) if unit_now.enabled => Some("disable"),
        Some(_) | None => None,
    };
    if let Some(verb) = enabling
        && let Err(why) = run(site, &["systemctl", verb, "--", unit]).await?
    {
        return Err(failed(site, op, "Unit could not be enabled or disabled", &why));
    }
    if asked.is_done(&look(site, unit).await?) {
        return Ok(());
    }
    let why = match asked.enabled {
        Some(true) => "It cannot be enabled: it has no `[Install]` section, or is masked.",
        Some(false) | None => "systemd does not heed it as it is on disk.",
    };
    Err(failed(site, op, "Unit is not as asked for", why))
}

/// systemd's own check of the file. It judges what is on disk, which nothing heeds before
/// systemd reads it again.
async fn verify(site: Site<'_>, op: &Op, now: &Unit) -> Result<(), StepError> {
    let path = part(&op.identity, "path");
    let is_drop_in = !part(&op.identity, "drop_in").is_empty();
    let file = if is_drop_in { now.file.as_str() } else { path };
    if file.is_empty() {
        let why = "There is no unit of this name that the file could add to.";
        return Err(failed(site, op, "Drop-in without a unit", why));
    }
    // A template means nothing before it has an instance.
    if file.contains("@.") {
        return Ok(());
    }
    let words = ["systemd-analyze", "verify", "--man=no", file];
    let output = site.host.run(Command::new(&words).within(PATIENCE)).await.map_err(refused)?;
    // A misspelt setting is only ignored, and no error to it, but it names the file and the line.
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let place = format!("{path}:");
    let ours: Vec<&str> = said.lines().filter(|line| line.starts_with(&place)).collect();
    let why = match (output.succeeded(), ours.as_slice()) {
        (true, []) => return Ok(()),
        (false, []) => output.complaint(),
        (_, lines) => access::text::clean(&lines.join(" ")),
    };
    Err(failed(site, op, "Unit file was refused", &access::text::sentence(&why)))
}

/// While the file of the whole unit is still there: what runs is stopped, and links are removed.
pub(super) async fn before_removal(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let asked = Asked::of(op)?;
    let unit = asked.unit.as_str();
    let now = look(site, unit).await?;
    let stop = (asked.active == Some(false) && now.active).then_some("stop");
    let disable = (asked.enabled == Some(false) && now.enabled).then_some("disable");
    for verb in stop.into_iter().chain(disable) {
        if let Err(why) = run(site, &["systemctl", verb, "--", unit]).await? {
            return Err(failed(site, op, "Unit could not be stopped or disabled", &why));
        }
    }
    Ok(())
}

/// The unit as it was before, with the file from before.
pub(super) async fn heed_back(site: Site<'_>, op: &Op) -> Result<(), StepError> {
    let asked = Asked::of(op)?;
    let unit = asked.unit.as_str();
    let now = look(site, unit).await?;
    let unit_is = |verb| vec!["systemctl", verb, "--", unit];
    let mut commands = Vec::new();
    if now.active && !asked.was_active {
        commands.push(unit_is("stop"));
    }
    commands.push(vec!["systemctl", "daemon-reload"]);
    if asked.enabled.is_some() && now.enabled != asked.was_enabled {
        commands.push(unit_is(if asked.was_enabled { "enable" } else { "disable" }));
    }
    if asked.was_active && !now.active {
        commands.push(unit_is("start"));
    }
    for words in commands {
        let done = run(site, &words).await?;
        done.map_err(|why| StepError::InDoubt(format!("`{}`: {why}", words.join(" "))))?;
    }
    Ok(())
}

pub(super) async fn is_heeded(site: Site<'_>, op: &Op) -> Result<bool, StepError> {
    let asked = Asked::of(op)?;
    Ok(asked.is_done(&look(site, &asked.unit).await?))
}

/// The last lines that the unit wrote, on one line.
async fn last_words(site: Site<'_>, unit: &str) -> Result<String, StepError> {
    let words = ["journalctl", "--no-pager", "--lines=5", "--output=cat", "--unit", unit];
    let output = site.host.run(Command::new(&words)).await.map_err(refused)?;
    let said = access::text::clean(&output.text());
    let cut: String = said.chars().take(500).collect();
    Ok(if cut.is_empty() { String::new() } else { format!("Its journal ends in: {cut}") })
}

fn failed(site: Site<'_>, op: &Op, summary: &'static str, why: &str) -> StepError {
    let shown = &op.identity.shown;
    // Whoever complains of a line repeats it.
    let why = if op.args.has_sensitive() {
        "What systemd says is not repeated, since the file holds a secret."
    } else {
        why
    };
    let detail = format!("{shown}: {why} The file and the unit are as they were.");
    let problem = Problem::error(codes::UNIT, summary, Path::of("content"), detail);
    let help =
        format!("Look at `systemctl status` and the journal on host `{}`.", site.host.name());
    StepError::Refused(problem.with_help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_a_unit_is_read_and_anything_else_is_no_state() {
        let says = |text: &str| {
            Unit::parse(&Output { status: Some(0), stdout: text.into(), stderr: Vec::new() })
        };
        let runs = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\nFragmentPath=/x\n";
        let unit = |active, enabled, loaded, file: &str| {
            Some(Unit { active, enabled, loaded, file: file.to_owned() })
        };
        assert_eq!(says(runs), unit(true, true, true, "/x"));
        let none =
            "LoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\n";
        assert_eq!(says(none), unit(false, false, true, ""));
        let edited = runs.replace("Reload=no", "Reload=yes").replace("=active", "=failed");
        assert_eq!(says(&edited), unit(false, true, false, "/x"));
        assert_eq!(says("System has not been booted with systemd"), None);
        assert_eq!(Unit::parse(&Output { status: Some(1), ..Output::default() }), None);
    }
}
