//! Containers of pods that docker runs, and the units of both runtimes.
//!
//! Sources: `docker-ps(1)`, `docker-stop(1)`; the labels that the dockershim and cri-dockerd put on
//! containers, `KubernetesPodUIDLabel` in `pkg/kubelet/types/labels.go`; `systemctl(1)`.

use crate::host_type::Site;
use access::{Command, HostError, Output};
use std::collections::BTreeMap;
use std::time::Duration;
use values::Value;

/// Units through which a kubelet reaches docker, in the order in which operations have them. docker's
/// socket would start its service again.
const UNITS: [&str; 4] = ["cri-docker.service", "cri-docker.socket", DOCKER, "docker.socket"];
const DOCKER: &str = "docker.service";
const CONTAINERD: &str = "containerd.service";
/// Asks for all units in one call; one that is not there is a block, too.
pub(super) const SHOW: [&str; 8] = [
    "systemctl",
    "show",
    "--property=Id,LoadState,ActiveState,UnitFileState",
    UNITS[0],
    UNITS[1],
    UNITS[2],
    UNITS[3],
    CONTAINERD,
];
pub(super) const VERSION: [&str; 2] = ["docker", "--version"];
/// Containers of pods alone: what docker runs for others is none of a kubelet's business.
const LIST: [&str; 6] =
    ["docker", "ps", "--quiet", "--no-trunc", "--filter", "label=io.kubernetes.pod.uid"];
/// How long a container may take to end, in seconds: as long as pods get that say nothing of it.
const GRACE: &str = "30";
/// How long all of them may take, and a unit.
const WITHIN: Duration = Duration::from_mins(2);

/// How a unit is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) active: bool,
    /// What systemd says of its file: `enabled`, `disabled`, `masked`; empty when there is none.
    pub(super) file: String,
}

/// All of them, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Units(BTreeMap<String, Unit>);

impl Units {
    /// From what `systemctl show` prints: a block for each.
    pub(super) fn of(said: &str) -> Self {
        let block = |block: &str| {
            let says = |name: &str| {
                let line =
                    |line: &str| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned());
                block.lines().find_map(line).unwrap_or_default()
            };
            let unit = Unit {
                active: ["active", "activating", "reloading"].contains(&&*says("ActiveState")),
                file: says("UnitFileState"),
            };
            (says("LoadState") != "not-found").then(|| (says("Id"), unit))
        };
        Self(said.split("\n\n").filter_map(block).collect())
    }

    /// Whether docker's program may be asked for its containers.
    pub(super) fn docker_runs(&self) -> bool {
        self.0.get(DOCKER).is_some_and(|unit| unit.active)
    }

    /// Those of docker that run, or will when the host boots.
    pub(super) fn of_docker(&self) -> Vec<(&'static str, &Unit)> {
        let known = UNITS.into_iter().filter_map(|name| Some((name, self.0.get(name)?)));
        known.filter(|(_, unit)| unit.active || unit.file == "enabled").collect()
    }

    pub(super) fn containerd(&self) -> Option<&Unit> {
        self.0.get(CONTAINERD)
    }

    /// What of docker is there, in words.
    pub(super) fn docker_shown(&self) -> String {
        let of = self.of_docker();
        let all = of.iter().map(|(name, unit)| format!("{name} {}", unit.shown()));
        if of.is_empty() { "off".to_owned() } else { all.collect::<Vec<_>>().join("; ") }
    }
}

impl Unit {
    fn shown(&self) -> String {
        let file = if self.file.is_empty() { "without a file" } else { &self.file };
        format!("{}, {file}", if self.active { "active" } else { "inactive" })
    }

    /// In an operation.
    pub(super) fn to_value(&self) -> Value {
        Value::list([self.active.into(), self.file.as_str().into()])
    }

    fn of_value(value: &Value) -> Option<Self> {
        let [active, file] = value.as_list()? else { return None };
        Some(Self { active: active.as_bool()?, file: file.as_str()?.to_owned() })
    }
}

/// What becomes of the units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// These of docker are stopped and disabled; how each was.
    pub(super) off: Vec<(String, Unit)>,
    /// containerd is started when the host boots, which it was not.
    pub(super) enable: bool,
}

impl Change {
    pub(super) fn of(units: &Units, disable_docker: bool) -> Self {
        let off = units.of_docker().into_iter().filter(|_| disable_docker);
        Self {
            off: off.map(|(name, unit)| (name.to_owned(), unit.clone())).collect(),
            enable: units.containerd().is_some_and(|unit| unit.file == "disabled"),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.off.is_empty() && !self.enable
    }

    pub(super) fn to_value(&self) -> Value {
        let off = self.off.iter().map(|(name, unit)| (name.as_str(), unit.to_value()));
        Value::map([("off", Value::map(off)), ("enable", self.enable.into())])
    }

    pub(super) fn of_value(value: &Value) -> Option<Self> {
        let off = value.get("off")?.as_map()?.iter();
        let off = off.map(|(name, unit)| Some((name.to_string(), Unit::of_value(unit)?)));
        Some(Self { off: off.collect::<Option<_>>()?, enable: value.get("enable")?.as_bool()? })
    }

    /// Does it; doing it again changes nothing. The error is a sentence.
    pub(super) async fn made(&self, site: Site<'_>) -> Result<(), String> {
        if !self.off.is_empty() {
            let names = self.off.iter().map(|(name, _)| name.as_str());
            let words: Vec<&str> =
                ["systemctl", "disable", "--now"].into_iter().chain(names).collect();
            said(site, &words).await?;
        }
        if self.enable {
            said(site, &["systemctl", "enable", CONTAINERD]).await?;
        }
        Ok(())
    }

    /// docker as it was. containerd stays enabled: docker needs it, too.
    pub(super) async fn undone(&self, site: Site<'_>) -> Result<(), String> {
        for (name, unit) in self.off.iter().rev() {
            if unit.file == "enabled" {
                said(site, &["systemctl", "enable", name]).await?;
            }
            if unit.active {
                said(site, &["systemctl", "start", name]).await?;
            }
        }
        Ok(())
    }

    /// Whether it is so.
    pub(super) async fn is_made(&self, site: Site<'_>) -> Result<bool, String> {
        if self.is_none() {
            return Ok(true);
        }
        let Some(text) = said(site, &SHOW).await? else { return Ok(true) };
        let units = Units::of(&text);
        let off = |(name, _): &(String, Unit)| units.of_docker().iter().all(|(on, _)| on != name);
        let enabled = units.containerd().is_some_and(|unit| unit.file != "disabled");
        Ok(self.off.iter().all(off) && (!self.enable || enabled))
    }
}

/// Ends the containers of pods; why not, as sentences. A docker that does not run runs none.
pub(super) async fn ended(site: Site<'_>) -> Result<(), String> {
    let Some(text) = said(site, &SHOW).await? else { return Ok(()) };
    if !Units::of(&text).docker_runs() {
        return Ok(());
    }
    // What does not heed the first is ended by docker itself after the time; what docker did not
    // manage then, it may when it is asked to kill.
    for words in [&["docker", "stop", "-t", GRACE][..], &["docker", "kill"]] {
        let ids = containers(site).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let all: Vec<&str> = words.iter().copied().chain(ids.iter().map(String::as_str)).collect();
        // One that ended by itself meanwhile is not there any more.
        said(site, &all).await.ok();
    }
    let left = containers(site).await?;
    if left.is_empty() {
        return Ok(());
    }
    Err(format!("These containers of docker do not end: {}.", left.join(", ")))
}

async fn containers(site: Site<'_>) -> Result<Vec<String>, String> {
    let text = said(site, &LIST).await?.unwrap_or_default();
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// What a program says; `None` on a host that is a folder. The error is what it complains of.
async fn said(site: Site<'_>, words: &[&str]) -> Result<Option<String>, String> {
    let succeeded = |output: &Output| output.succeeded();
    match site.host.run(Command::new(words).within(WITHIN)).await {
        Ok(output) if succeeded(&output) => Ok(Some(output.text())),
        Ok(output) => Err(access::text::sentence(&output.complaint())),
        Err(HostError::NoCommands { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Id=cri-docker.socket\nLoadState=not-found\nActiveState=inactive\n\
                        UnitFileState=\n\nId=docker.socket\nLoadState=loaded\nActiveState=active\n\
                        UnitFileState=enabled\n\nId=docker.service\nLoadState=loaded\n\
                        ActiveState=active\nUnitFileState=disabled\n\nId=containerd.service\n\
                        LoadState=loaded\nActiveState=active\nUnitFileState=disabled\n";

    #[test]
    fn units_that_are_not_there_are_none_and_those_that_run_or_will_are_told() {
        let units = Units::of(SAID);
        assert_eq!(
            units.docker_shown(),
            "docker.service active, disabled; docker.socket active, enabled"
        );
        assert!(units.docker_runs());
        let off = SAID.replace("=active", "=inactive").replace("=enabled", "=disabled");
        assert_eq!(Units::of(&off).docker_shown(), "off");
        assert_eq!(Units::of("").docker_shown(), "off");
    }

    #[test]
    fn a_change_of_units_reads_back_what_it_writes() {
        let change = Change::of(&Units::of(SAID), true);
        assert_eq!((change.off.len(), change.enable), (2, true));
        assert_eq!(Change::of_value(&change.to_value()), Some(change));
        assert!(Change::of(&Units::of(""), true).is_none());
        assert!(!Change::of(&Units::of(SAID), false).is_none());
    }
}
