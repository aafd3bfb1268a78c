//! A service that reads its file when it starts: restarted, watched, and quoted when it ends.
//!
//! What several types do around it has its parts here and in `settings`: files are put in place
//! (`settings::exchange`, `settings::kept`), the service is told to take them and looked after
//! ([`Service`]), and when it does not run with them the old files are put back and it is started
//! with those ([`went_back`] says how that ended).

use access::{Command, Host, HostError};
use plans::Problem;
use provider::{BoxFuture, StepError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a service may take to start or to stop: the unit's own limit is a minute and a half.
/// Source: `DefaultTimeoutStartSec` in `systemd-system.conf(5)`.
const TELL: Duration = Duration::from_secs(100);
/// How long most services may take until they run as they should.
pub(crate) const COMES_UP: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_secs(1);
/// So much of its last words is told.
const LONGEST_WORDS: usize = 400;

/// A service, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// Its unit of systemd.
    pub(crate) unit: &'static str,
    /// How long it may take until it runs as it should.
    pub(crate) comes_up: Duration,
    /// How long it must stay up: longer than it takes systemd to start it again.
    pub(crate) stays_up: Duration,
    /// What is in a line in which it says why it ends.
    pub(crate) last_words: &'static [&'static str],
}

/// Whether a service that is up does what it should.
pub(crate) type Check<'a> = &'a (dyn Fn(Process) -> BoxFuture<'a, Result<(), Why>> + Sync);

/// The main process of a service: its number, as text.
pub(crate) type Process = String;

/// What systemd says of a unit.
struct Unit {
    active: String,
    sub: String,
    restarts: String,
    process: Process,
}

/// Why a service does not run as it should, as sentences.
#[derive(Debug)]
pub(crate) enum Why {
    /// It may still.
    NotYet(String),
    /// It ended, or will never do what it should.
    Ended(String),
}

/// What a service is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Start,
    Stop,
    Restart,
}

impl Told {
    fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "stopped",
            Self::Restart => "restarted",
        }
    }
}

/// The end of a step that did not succeed and went `back`: refused with `detail` as what was
/// wrong, or in doubt where going back failed, too.
pub(crate) fn went_back(
    detail: &str,
    back: Result<(), String>,
    problem: impl FnOnce(String) -> Problem,
) -> StepError {
    match back {
        Ok(()) => StepError::Refused(problem(format!(
            "{detail} The old settings are back, and it runs with them."
        ))),
        // Whoever was overtaken hears it once.
        Err(error) if detail.ends_with(&error) => StepError::InDoubt(detail.to_owned()),
        // Which of the files are there, nobody knows for sure.
        Err(error) => StepError::InDoubt(format!(
            "{detail} Putting the old settings back failed, too: {error}"
        )),
    }
}

impl Service {
    /// Restarts it and waits until it runs as it should; why it does not, as sentences.
    pub(crate) async fn restarted(&self, host: &dyn Host, check: Check<'_>) -> Result<(), String> {
        if self.is_told(host, Told::Restart).await? {
            self.comes_up(host, check).await?;
        }
        Ok(())
    }

    /// Whether there is such a service, which then was told this: a host that is a folder has none.
    pub(crate) async fn is_told(&self, host: &dyn Host, what: Told) -> Result<bool, String> {
        let words = ["systemctl", what.verb(), self.unit];
        match host.run(Command::new(&words).within(TELL)).await {
            Ok(output) if output.succeeded() => Ok(true),
            Ok(output) => {
                let said = access::text::sentence(&output.complaint());
                let words = self.last_words(host).await;
                Err(format!("It could not be {}: {said}{words}", what.done()))
            }
            Err(HostError::NoCommands { .. }) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Waits until it runs as it should and stays so; why it does not, as sentences.
    pub(crate) async fn comes_up(&self, host: &dyn Host, check: Check<'_>) -> Result<(), String> {
        // How often it was started again before is not this restart's concern.
        let starts = self.state(host).await.map(|unit| unit.restarts).ok();
        let began = Instant::now();
        let mut up_since = None;
        loop {
            match self.is_as_it_should(host, starts.as_deref(), check).await {
                Ok(()) => {
                    let since = *up_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= self.stays_up {
                        return Ok(());
                    }
                }
                Err(Why::Ended(why)) => {
                    return Err(format!("{why}{}", self.last_words(host).await));
                }
                Err(Why::NotYet(why)) if began.elapsed() > self.comes_up => return Err(why),
                Err(Why::NotYet(_)) => up_since = None,
            }
            sleep(PAUSE).await;
        }
    }

    /// Whether it runs as it should.
    pub(crate) async fn runs(&self, host: &dyn Host, check: Check<'_>) -> bool {
        self.is_as_it_should(host, None, check).await.is_ok()
    }

    /// The same, and was not started again since it had been so many times.
    async fn is_as_it_should(
        &self,
        host: &dyn Host,
        starts: Option<&str>,
        check: Check<'_>,
    ) -> Result<(), Why> {
        let unit = match self.state(host).await {
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
        check(unit.process).await
    }

    async fn state(&self, host: &dyn Host) -> Result<Unit, HostError> {
        let properties = "--property=ActiveState,SubState,NRestarts,MainPID";
        let words = ["systemctl", "show", properties, self.unit];
        let output = host.run(Command::new(&words)).await?.text();
        let says = |name: &str| {
            let line = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        let (active, sub) = (says("ActiveState"), says("SubState"));
        Ok(Unit { active, sub, restarts: says("NRestarts"), process: says("MainPID") })
    }

    /// What it said last before it ended, fit to be shown.
    async fn last_words(&self, host: &dyn Host) -> String {
        let unit = format!("--unit={}", self.unit);
        let words = ["journalctl", &unit, "--lines=60", "--output=cat", "--no-pager"];
        let Ok(output) = host.run(Command::new(&words)).await else { return String::new() };
        let text = output.text();
        let is_last = |line: &&str| self.last_words.iter().any(|words| line.contains(words));
        let Some(line) = text.lines().rev().find(is_last) else { return String::new() };
        let clean = access::text::clean(line);
        let short: String = clean.chars().take(LONGEST_WORDS).collect();
        let dots = if short.len() < clean.len() { "..." } else { "" };
        format!(" It wrote: \"{short}{dots}\".")
    }
}
