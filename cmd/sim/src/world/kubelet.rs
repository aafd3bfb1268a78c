//! A kubelet as far as somebody sees it who changes its settings: it reads its file when it starts,
//! refuses what a kubelet refuses, and is started again and again when it does.
//!
//! Sources: `pkg/kubelet/apis/config/validation` and `pkg/kubelet/cm` of `kubernetes/kubernetes`
//! v1.37; `Restart=` and `RestartSec=` of kubeadm's unit; `systemd.unit(5)`.

use access::Output;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;
use values::Value;

pub(crate) const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const CPU_NOTES: &str = "/var/lib/kubelet/cpu_manager_state";
const MEMORY_NOTES: &str = "/var/lib/kubelet/memory_manager_state";
/// How long systemd waits before it starts one again that ended.
const AGAIN: Duration = Duration::from_secs(10);
/// How long a start takes until the API server can ask it.
const ANSWERS: Duration = Duration::from_secs(2);

/// Words that a kubelet knows, by setting.
const WORDS: [(&str, &[&str]); 5] = [
    ("cgroupDriver", &["cgroupfs", "systemd"]),
    ("cpuManagerPolicy", &["none", "static"]),
    ("memoryManagerPolicy", &["None", "Static"]),
    ("topologyManagerPolicy", &["none", "best-effort", "restricted", "single-numa-node"]),
    ("topologyManagerScope", &["container", "pod"]),
];

/// A kubelet and its unit.
#[derive(Debug, Clone)]
pub(crate) struct Kubelet {
    unit: Unit,
    /// How often it was started by a person or a program.
    pub(crate) starts: u32,
    /// Whatever it is given, it ends when its settings say this; a fault of this one kubelet.
    pub(crate) dislikes: Option<String>,
    journal: String,
}

#[derive(Debug, Clone)]
enum Unit {
    Up { since: Duration, config: Json, text: String },
    Ends { since: Duration },
    Stopped,
}

impl Kubelet {
    /// One that does not run yet.
    pub(crate) fn new() -> Self {
        Self { unit: Unit::Stopped, starts: 0, dislikes: None, journal: String::new() }
    }

    /// Starts it with what is on its host; what it writes there.
    pub(crate) fn start(
        &mut self,
        files: &BTreeMap<String, String>,
        now: Duration,
    ) -> Vec<(&'static str, String)> {
        self.starts += 1;
        let text = files.get(CONFIG).cloned().unwrap_or_default();
        match self.reads(&text).and_then(|config| heeds(&config, files).map(|()| config)) {
            Ok(config) => {
                let policy =
                    |name: &str, usual: &str| config[name].as_str().unwrap_or(usual).to_owned();
                let notes = [
                    (CPU_NOTES, policy("cpuManagerPolicy", "none")),
                    (MEMORY_NOTES, policy("memoryManagerPolicy", "None")),
                ];
                self.unit = Unit::Up { since: now, config, text };
                let note = |policy: String| json!({"policyName": policy}).to_string();
                notes.into_iter().map(|(path, policy)| (path, note(policy))).collect()
            }
            Err(why) => {
                self.journal = format!("E1123 run.go:72] \"command failed\" err=\"{why}\"");
                self.unit = Unit::Ends { since: now };
                Vec::new()
            }
        }
    }

    pub(crate) fn stop(&mut self) {
        self.unit = Unit::Stopped;
    }

    /// Whether it runs.
    pub(crate) fn is_up(&self) -> bool {
        matches!(self.unit, Unit::Up { .. })
    }

    /// The text of the file that it runs with.
    pub(crate) fn runs_with(&self) -> Option<&str> {
        match &self.unit {
            Unit::Up { text, .. } => Some(text),
            Unit::Ends { .. } | Unit::Stopped => None,
        }
    }

    /// What it says of itself when the API server asks.
    pub(crate) fn configz(&self, now: Duration) -> Option<Json> {
        match &self.unit {
            Unit::Up { since, config, .. } if now >= *since + ANSWERS => {
                Some(json!({ "kubeletconfig": config }))
            }
            Unit::Up { .. } | Unit::Ends { .. } | Unit::Stopped => None,
        }
    }

    /// What `systemctl show` says.
    pub(crate) fn shown(&self, now: Duration) -> Output {
        let (active, sub, restarts, pid) = match &self.unit {
            Unit::Up { .. } => ("active", "running", 0, 1000 + self.starts),
            Unit::Stopped => ("inactive", "dead", 0, 0),
            Unit::Ends { since } => {
                let times = now.saturating_sub(*since).as_secs() / AGAIN.as_secs();
                ("activating", "auto-restart", times, 0)
            }
        };
        let text =
            format!("ActiveState={active}\nSubState={sub}\nNRestarts={restarts}\nMainPID={pid}\n");
        said(text)
    }

    /// What `journalctl` says.
    pub(crate) fn last_words(&self) -> Output {
        said(format!("{}\n", self.journal))
    }

    fn reads(&self, text: &str) -> Result<Json, String> {
        let mut documents =
            yaml::documents(text).map_err(|mistake| format!("failed to load: {}", mistake.why))?;
        let root = documents.pop().filter(|_| documents.is_empty());
        let value = root.map_or(Value::Null, |root| root.to_value());
        if value.get("kind").and_then(Value::as_str) != Some("KubeletConfiguration") {
            return Err("failed to load: no kind KubeletConfiguration".to_owned());
        }
        if self.dislikes.as_ref().is_some_and(|part| text.contains(part.as_str())) {
            return Err("failed to run Kubelet: the machine does not allow it".to_owned());
        }
        let mut config = access::json::to_json(&value).map_err(|_| "failed to load".to_owned())?;
        let known = |name: &str, words: &[&str]| match config[name].as_str() {
            Some(word) if !words.contains(&word) => {
                Err(format!("failed to validate: {name} {word:?} is not supported"))
            }
            _ => Ok(()),
        };
        for (name, words) in WORDS {
            known(name, words)?;
        }
        if config["maxPods"].as_i64().is_some_and(|pods| pods < 0) {
            return Err("failed to validate: maxPods must not be negative".to_owned());
        }
        let reserves = |name: &str| !config[name]["cpu"].is_null();
        let some = reserves("kubeReserved")
            || reserves("systemReserved")
            || !config["reservedSystemCPUs"].is_null();
        if config["cpuManagerPolicy"] == "static" && !some {
            return Err("failed to run Kubelet: static policy needs reserved CPUs".to_owned());
        }
        for (name, usual) in [
            ("cpuManagerPolicy", json!("none")),
            ("maxPods", json!(110)),
            ("memoryManagerPolicy", json!("None")),
            ("topologyManagerPolicy", json!("none")),
            ("topologyManagerScope", json!("container")),
        ] {
            if config[name].is_null() {
                config[name] = usual;
            }
        }
        Ok(config)
    }
}

/// Notes of another policy are not gone on with.
fn heeds(config: &Json, files: &BTreeMap<String, String>) -> Result<(), String> {
    for (path, name) in [(CPU_NOTES, "cpuManagerPolicy"), (MEMORY_NOTES, "memoryManagerPolicy")] {
        let Some(noted) = files.get(path) else { continue };
        let noted: Json = serde_json::from_str(noted).unwrap_or_default();
        if noted["policyName"] != config[name] {
            return Err(format!(
                "failed to run Kubelet: {name} {} differs from state checkpoint policy {}",
                config[name], noted["policyName"]
            ));
        }
    }
    Ok(())
}

/// A program that did what it was asked for and said this.
pub(crate) fn said(text: impl Into<String>) -> Output {
    Output { status: Some(0), stdout: text.into().into_bytes(), stderr: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(config: &str, more: &[(&str, &str)]) -> String {
        let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
        let mut files = BTreeMap::from([(CONFIG.to_owned(), format!("{head}{config}"))]);
        files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
        let mut kubelet = Kubelet::new();
        kubelet.start(&files, Duration::ZERO);
        if kubelet.is_up() { "up".to_owned() } else { kubelet.journal }
    }

    #[test]
    fn kubelet_refuses_what_a_kubelet_refuses() {
        assert_eq!(started("maxPods: 110\n", &[]), "up");
        for (config, why) in [
            ("maxPods: [\n", "failed to load"),
            ("maxPods: -1\n", "must not be negative"),
            ("topologyManagerPolicy: numa\n", "not supported"),
            ("cpuManagerPolicy: static\n", "reserved CPUs"),
        ] {
            assert!(started(config, &[]).contains(why), "{config}");
        }
    }

    #[test]
    fn p24_kubelet_does_not_start_with_notes_of_another_policy() {
        let config = "cpuManagerPolicy: static\nreservedSystemCPUs: \"0\"\n";
        assert_eq!(started(config, &[]), "up");
        let noted = [(CPU_NOTES, r#"{"policyName":"none"}"#)];
        assert!(started(config, &noted).contains("differs from state checkpoint"));
    }

    #[test]
    fn one_that_ends_is_counted_as_started_again_every_ten_seconds() {
        let mut kubelet = Kubelet::new();
        kubelet.start(&BTreeMap::new(), Duration::ZERO);
        let said = kubelet.shown(Duration::from_secs(25)).text();
        assert!(said.contains("auto-restart\nNRestarts=2"), "{said}");
    }
}
