//! A service that reads its file when it starts: restarted, watched, and quoted when it ends.

use access::{Command, Host, HostError};
use provider::BoxFuture;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a restart may take: the unit's own limit is a minute and a half.
/// Source: `DefaultTimeoutStartSec` in `systemd-system.conf(5)`.
const RESTART: Duration = Duration::from_secs(100);
/// How long a service may take until it runs as it should.
const COMES_UP: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_secs(1);
/// So much of its last words is told.
const LONGEST_WORDS: usize = 400;

/// A service, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Service {
    /// Its unit of systemd.
    pub(crate) unit: &'static str,
    /// How long it must stay up: longer than it takes systemd to start it again.
    pub(crate) stays_up: Duration,
    /// What is in a line in which it says why it ends.
    pub(crate) last_words: &'static [&'static str],
}

/// Whether a service that is up does what it should.
pub(crate) type Check<'a> = &'a (dyn Fn() -> BoxFuture<'a, Result<(), Why>> + Sync);

/// What systemd says of a unit.
struct Unit {
    active: String,
    sub: String,
    restarts: String,
}

/// Why a service does not run as it should, as sentences.
#[derive(Debug)]
pub(crate) enum Why {
    /// It may still.
    NotYet(String),
    /// It ended, or will never do what it should.
    Ended(String),
}

impl Service {
    /// Restarts it and waits until it runs as it should; why it does not, as sentences.
    pub(crate) async fn restarted(&self, host: &dyn Host, check: Check<'_>) -> Result<(), String> {
        let words = ["systemctl", "restart", self.unit];
        match host.run(Command::new(&words).within(RESTART)).await {
            Ok(output) if output.succeeded() => {}
            Ok(output) => {
                let said = access::text::sentence(&output.complaint());
                let words = self.last_words(host).await;
                return Err(format!("It could not be restarted: {said}{words}"));
            }
            // A host that is a folder has no services.
            Err(HostError::NoCommands { .. }) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
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
                Err(Why::NotYet(why)) if began.elapsed() > COMES_UP => return Err(why),
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
        check().await
    }

    async fn state(&self, host: &dyn Host) -> Result<Unit, HostError> {
        let words = ["systemctl", "show", "--property=ActiveState,SubState,NRestarts", self.unit];
        let output = host.run(Command::new(&words)).await?.text();
        let says = |name: &str| {
            let line = output.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default().to_owned()
        };
        let (active, sub) = (says("ActiveState"), says("SubState"));
        Ok(Unit { active, sub, restarts: says("NRestarts") })
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
