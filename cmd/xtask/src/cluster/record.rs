//! What is written down about a cluster, so that a later command finds it.

use super::place::{Node, Place};
use crate::control_plane::process::Process;
use crate::control_plane::record;
use crate::trouble::Trouble;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const FILE: &str = "cluster.json";
const FORMAT: u64 = 1;

/// A cluster: where it answers, how to log in, and its hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(super) version: String,
    pub(super) kubeconfig: PathBuf,
    pub(super) ssh_config: PathBuf,
    pub(super) kubectl: PathBuf,
    /// The image that every test pod runs.
    pub(super) image: String,
    pub(super) nodes: Vec<Node>,
    /// What boots each host, and boots it again when it asks for that.
    pub(super) processes: Vec<Process>,
    /// False until the start is complete.
    pub(super) ready: bool,
}

impl Record {
    pub(super) fn load(place: &Place) -> Result<Option<Self>, Trouble> {
        record::read(&place.folder.join(FILE), Self::from_json)
    }

    pub(super) fn save(&self, place: &Place) -> Result<(), Trouble> {
        record::write(&place.folder.join(FILE), &self.to_json())
    }

    /// Whether the start was completed and every host is up.
    pub(super) fn is_running(&self) -> bool {
        self.ready && self.processes.iter().all(Process::is_alive)
    }

    /// What a shell or a test needs to know.
    ///
    /// `KUBECONFIG` is not among it: whoever runs a control plane beside it keeps that one.
    pub(crate) fn exports(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.display().to_string();
        let names = |wanted: fn(&Node) -> bool| {
            let names: Vec<&str> =
                self.nodes.iter().filter(|one| wanted(one)).map(|one| one.name.as_str()).collect();
            names.join(" ")
        };
        vec![
            ("CLINCH_TEST_CLUSTER_KUBECONFIG", text(&self.kubeconfig)),
            ("CLINCH_TEST_CLUSTER_KUBECTL", text(&self.kubectl)),
            ("CLINCH_TEST_CLUSTER_SSH_CONFIG", text(&self.ssh_config)),
            ("CLINCH_TEST_CLUSTER_NODES", names(|_| true)),
            ("CLINCH_TEST_CLUSTER_CONTROL_PLANE", names(|one| one.number == 0)),
            ("CLINCH_TEST_CLUSTER_WORKERS", names(|one| one.number > 0)),
            ("CLINCH_TEST_CLUSTER_IMAGE", self.image.clone()),
        ]
    }

    fn to_json(&self) -> Value {
        let processes: Vec<Value> = self.processes.iter().map(Process::to_json).collect();
        let node =
            |one: &Node| json!({ "name": one.name, "number": one.number, "address": one.address });
        let nodes: Vec<Value> = self.nodes.iter().map(node).collect();
        json!({
            "format": FORMAT,
            "version": self.version,
            "kubeconfig": self.kubeconfig,
            "ssh_config": self.ssh_config,
            "kubectl": self.kubectl,
            "image": self.image,
            "nodes": nodes,
            "processes": processes,
            "ready": self.ready,
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        if value["format"].as_u64() != Some(FORMAT) {
            return None;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let node = |one: &Value| {
            Some(Node {
                name: text(&one["name"])?,
                number: u8::try_from(one["number"].as_u64()?).ok()?,
                address: text(&one["address"])?,
            })
        };
        let processes = value["processes"].as_array()?.iter();
        Some(Self {
            version: text(&value["version"])?,
            kubeconfig: text(&value["kubeconfig"])?.into(),
            ssh_config: text(&value["ssh_config"])?.into(),
            kubectl: text(&value["kubectl"])?.into(),
            image: text(&value["image"])?,
            nodes: value["nodes"].as_array()?.iter().map(node).collect::<Option<_>>()?,
            processes: processes.map(Process::from_json).collect::<Option<_>>()?,
            ready: value["ready"].as_bool()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let node = |name: &str, number| Node {
            name: name.to_owned(),
            number,
            address: format!("10.231.0.{number}"),
        };
        Record {
            version: "v1.37.2".to_owned(),
            kubeconfig: "/run/admin.kubeconfig".into(),
            ssh_config: "/run/ssh_config".into(),
            kubectl: "/bin/kubectl".into(),
            image: "registry.k8s.io/pause:3".to_owned(),
            nodes: vec![node("control-plane-1", 0), node("worker-1", 1), node("worker-2", 2)],
            processes: vec![Process {
                role: "worker-1".to_owned(),
                pid: 42,
                started: 7,
                log: "/run/worker-1.log".into(),
            }],
            ready: true,
        }
    }

    #[test]
    fn record_survives_writing() {
        assert_eq!(Record::from_json(&record().to_json()), Some(record()));
    }

    #[test]
    fn record_of_another_format_is_not_read() {
        let mut newer = record().to_json();
        newer["format"] = json!(FORMAT + 1);
        assert_eq!(Record::from_json(&newer), None);
    }

    #[test]
    fn exports_name_all_nodes_and_tell_workers_from_the_control_plane() {
        let exports = record().exports();
        let value = |key: &str| exports.iter().find(|(name, _)| *name == key).unwrap().1.clone();
        assert_eq!(value("CLINCH_TEST_CLUSTER_NODES"), "control-plane-1 worker-1 worker-2");
        assert_eq!(value("CLINCH_TEST_CLUSTER_CONTROL_PLANE"), "control-plane-1");
        assert_eq!(value("CLINCH_TEST_CLUSTER_WORKERS"), "worker-1 worker-2");
        assert!(!exports.iter().any(|(name, _)| *name == "KUBECONFIG"));
    }
}
