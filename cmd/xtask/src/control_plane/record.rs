//! What is written down about a running control plane, so that a later command finds it.

use super::process::Process;
use crate::trouble::{Doing, Trouble};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const FILE: &str = "control-plane.json";
const FORMAT: u64 = 1;

/// What the file at `path` holds, or `None` when there is no such file.
pub(crate) fn read<T>(
    path: &Path,
    understand: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, Trouble> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing(|| format!("reading {}", path.display())),
    };
    let value = serde_json::from_str(&text).doing(|| format!("reading {}", path.display()))?;
    let unreadable = || Trouble::new(format!("{} is not of this format", path.display()));
    understand(&value).map(Some).ok_or_else(unreadable)
}

/// Replaces a file in one step.
pub(crate) fn write(path: &Path, value: &Value) -> Result<(), Trouble> {
    let new = path.with_extension("new");
    fs::write(&new, format!("{value:#}\n"))
        .and_then(|()| fs::rename(&new, path))
        .doing(|| format!("writing {}", path.display()))
}

/// A control plane: where it answers, how to log in, and its processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) server: String,
    pub(crate) kubeconfig: PathBuf,
    /// Of a user who may read a few kinds and write nothing.
    pub(crate) kubeconfig_readonly: PathBuf,
    pub(crate) kubectl: PathBuf,
    pub(crate) kubectl_older: Option<PathBuf>,
    pub(crate) processes: Vec<Process>,
    /// False until the start is complete.
    pub(crate) ready: bool,
}

impl Record {
    /// The record of the run in `folder`, or `None` when there is no such run.
    pub(crate) fn load(folder: &Path) -> Result<Option<Self>, Trouble> {
        read(&folder.join(FILE), Self::from_json)
    }

    /// Replaces the record in `folder` in one step.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Trouble> {
        write(&folder.join(FILE), &self.to_json())
    }

    /// Whether the start was completed and every process still runs.
    pub(crate) fn is_running(&self) -> bool {
        self.ready && self.processes.iter().all(Process::is_alive)
    }

    /// What a shell or a test needs to know.
    pub(crate) fn exports(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        let older = self.kubectl_older.iter();
        let exports = [
            ("KUBECONFIG", text(&self.kubeconfig)),
            ("CLINCH_TEST_KUBECONFIG", text(&self.kubeconfig)),
            ("CLINCH_TEST_KUBECONFIG_READONLY", text(&self.kubeconfig_readonly)),
            ("CLINCH_TEST_KUBECTL", text(&self.kubectl)),
        ];
        exports
            .into_iter()
            .chain(older.map(|path| ("CLINCH_TEST_KUBECTL_OLDER", text(path))))
            .collect()
    }

    fn to_json(&self) -> Value {
        let processes: Vec<Value> = self.processes.iter().map(Process::to_json).collect();
        json!({
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "server": self.server,
            "kubeconfig": self.kubeconfig,
            "kubeconfig_readonly": self.kubeconfig_readonly,
            "kubectl": self.kubectl,
            "kubectl_older": self.kubectl_older,
            "processes": processes,
            "ready": self.ready,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        if value["format"].as_u64() != Some(FORMAT) {
            return None;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            name: text(&value["name"])?,
            version: text(&value["version"])?,
            server: text(&value["server"])?,
            kubeconfig: text(&value["kubeconfig"])?.into(),
            kubeconfig_readonly: text(&value["kubeconfig_readonly"])?.into(),
            kubectl: text(&value["kubectl"])?.into(),
            kubectl_older: text(&value["kubectl_older"]).map(Into::into),
            processes: value["processes"]
                .as_array()?
                .iter()
                .map(Process::from_json)
                .collect::<Option<_>>()?,
            ready: value["ready"].as_bool()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let process =
            Process { role: "etcd".to_owned(), pid: 42, started: 7, log: "/run/etcd.log".into() };
        Record {
            name: "default".to_owned(),
            version: "v1.37.2".to_owned(),
            server: "https://127.0.0.1:20000".to_owned(),
            kubeconfig: "/run/admin.kubeconfig".into(),
            kubeconfig_readonly: "/run/viewer.kubeconfig".into(),
            kubectl: "/bin/kubectl".into(),
            kubectl_older: Some("/bin/older/kubectl".into()),
            processes: vec![process],
            ready: true,
        }
    }

    #[test]
    fn record_survives_writing() {
        assert_eq!(Record::from_json(&record().to_json()), Some(record()));
    }

    #[test]
    fn record_of_another_format_or_with_a_process_cut_short_is_not_read() {
        let mut newer = record().to_json();
        newer["format"] = json!(FORMAT + 1);
        assert_eq!(Record::from_json(&newer), None);
        let mut cut = record().to_json();
        cut["processes"][0]["started"] = Value::Null;
        assert_eq!(Record::from_json(&cut), None);
    }
}
