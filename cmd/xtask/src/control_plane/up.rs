//! Starting a control plane and waiting until it is one.
//!
//! # Interruption
//!
//! The record is written after every start, so whatever ends this program, `down` finds every
//! process that was started before.

use super::pki::{self, Pki};
use super::process::{self, Process};
use super::record::Record;
use super::tools::{Controllers, Tools};
use super::{build, cache, down, kubeconfig, ports, tools};
use crate::trouble::{Doing, Trouble, say};
use std::fs::{self, DirBuilder};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long each stage of the start may take. Generous: other builds may use the machine.
const DEADLINE: Duration = Duration::from_mins(2);

/// Starts the control plane of that name, or returns the one that runs already.
pub(crate) fn up(name: &str) -> Result<Record, Trouble> {
    up_with(name, tools::find)
}

/// The same without whatever makes objects move.
pub(super) fn up_alone(name: &str) -> Result<Record, Trouble> {
    up_with(name, || Ok(Tools { controllers: None, ..tools::find()? }))
}

fn up_with(name: &str, tools: impl Fn() -> Result<Tools, Trouble>) -> Result<Record, Trouble> {
    let folder = cache::run_folder(name)?;
    let parent = folder.parent().ok_or_else(|| Trouble::new("the run folder has no parent"))?;
    // One start at a time; no name has a dot, so this is no control plane's folder.
    let _lock = cache::lock(parent, "start.lock")?;
    if let Some(record) = Record::load(&folder)? {
        if record.is_running() {
            say(format_args!("control plane `{name}`: runs already at {}", record.server));
            return Ok(record);
        }
        say(format_args!("control plane `{name}`: clearing away what an earlier run left"));
    }
    let tools = tools()?;
    down::clear(&folder)?;
    DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .doing(|| format!("creating {}", folder.display()))?;
    let begun = Instant::now();
    let mut start = Start::prepare(name, folder, &tools)?;
    match start.everything(&tools) {
        Ok(()) => {
            let took = begun.elapsed().as_secs_f32();
            say(format_args!("control plane `{name}`: ready after {took:.1}s"));
            Ok(start.record)
        }
        Err(trouble) => {
            process::end(&start.record.processes);
            let kept = start.folder.display();
            Err(Trouble::new(format!(
                "{trouble}\nThe logs are kept in {kept} until the next start."
            )))
        }
    }
}

/// A start in progress.
struct Start {
    folder: PathBuf,
    pki: Pki,
    record: Record,
    ports: Ports,
}

struct Ports {
    etcd: u16,
    peer: u16,
    apiserver: u16,
    manager: u16,
    scheduler: u16,
}

impl Start {
    fn prepare(name: &str, folder: PathBuf, tools: &Tools) -> Result<Self, Trouble> {
        let [etcd, peer, apiserver, manager, scheduler] = ports::free()?;
        let ports = Ports { etcd, peer, apiserver, manager, scheduler };
        let pki = Pki::make(folder.join("pki"))?;
        let server = format!("https://127.0.0.1:{apiserver}");
        for (user, _) in pki::CLIENTS {
            kubeconfig::write(&folder, &pki, &server, user)?;
        }
        let record = Record {
            name: name.to_owned(),
            version: build::pinned("kubernetes", "k8s.io/kubernetes")?,
            server,
            kubeconfig: folder.join("admin.kubeconfig"),
            kubeconfig_readonly: folder.join("viewer.kubeconfig"),
            kubectl: tools.kubectl.clone(),
            kubectl_older: tools.kubectl_older.clone(),
            processes: Vec::new(),
            ready: false,
        };
        record.save(&folder)?;
        Ok(Self { folder, pki, record, ports })
    }

    fn everything(&mut self, tools: &Tools) -> Result<(), Trouble> {
        self.start("etcd", &tools.etcd, self.etcd_arguments())?;
        self.start("kube-apiserver", &tools.apiserver, self.apiserver_arguments())?;
        let port = self.ports.apiserver;
        self.wait("the API server's port", || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        self.wait("the API server", || self.kubectl_ok(&["get", "--raw", "/readyz"]))?;
        self.record.version = self.server_version()?;
        if let Some(controllers) = &tools.controllers {
            self.start("kube-controller-manager", &controllers.manager, self.manager_arguments())?;
            self.start("kube-scheduler", &controllers.scheduler, self.scheduler_arguments())?;
            self.start("kwok", &controllers.kwok, self.kwok_arguments(controllers))?;
        }
        self.kubectl(&["create", "-f", &manifests()])?;
        if tools.controllers.is_some() {
            self.wait("service accounts", || {
                self.kubectl_ok(&["get", "serviceaccount/default", "configmap/kube-root-ca.crt"])
            })?;
            let scheduler = format!("https://127.0.0.1:{}", self.ports.scheduler);
            self.wait("the scheduler", || {
                self.kubectl_ok(&["get", "--raw", "/readyz", "--server", &scheduler])
            })?;
            self.wait("ready nodes", || self.nodes_are_ready())?;
        }
        self.record.ready = true;
        self.record.save(&self.folder)
    }

    fn start(&mut self, role: &str, program: &Path, arguments: Vec<String>) -> Result<(), Trouble> {
        let process = process::start(role, program, &arguments, &self.folder)?;
        self.record.processes.push(process);
        self.record.save(&self.folder)
    }

    /// Asks again and again, and stops asking when a process has ended.
    fn wait(&self, what: &str, ready: impl Fn() -> bool) -> Result<(), Trouble> {
        let begun = Instant::now();
        while !ready() {
            if let Some(gone) = self.record.processes.iter().find(|one| !one.is_alive()) {
                return Err(failed(gone, &format!("{} ended", gone.role)));
            }
            if begun.elapsed() > DEADLINE {
                let seconds = DEADLINE.as_secs();
                let why = format!("{what}: not ready after {seconds}s");
                return Err(self
                    .record
                    .processes
                    .last()
                    .map_or_else(|| Trouble::new(&why), |last| failed(last, &why)));
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String, Trouble> {
        kubeconfig::kubectl(&self.record.kubectl, &self.record.kubeconfig, arguments)
    }

    fn kubectl_ok(&self, arguments: &[&str]) -> bool {
        self.kubectl(arguments).is_ok()
    }

    fn server_version(&self) -> Result<String, Trouble> {
        let text = self.kubectl(&["get", "--raw", "/version"])?;
        let answer: serde_json::Value =
            serde_json::from_str(&text).doing(|| "reading /version".to_owned())?;
        let version = answer["gitVersion"].as_str().unwrap_or("unknown version");
        Ok(version.to_owned())
    }

    fn nodes_are_ready(&self) -> bool {
        self.kubectl(&["get", "nodes", "-o", "json"]).is_ok_and(|text| nodes_are_ready(&text))
    }
}

/// Ready by kwok, and the taints that new nodes carry removed by the controller manager.
pub(crate) fn nodes_are_ready(list: &str) -> bool {
    let list: serde_json::Value = serde_json::from_str(list).unwrap_or_default();
    let ready = |node: &serde_json::Value| {
        let conditions = node["status"]["conditions"].as_array();
        let is_ready = |one: &serde_json::Value| one["type"] == "Ready" && one["status"] == "True";
        let is_new = |taint: &serde_json::Value| {
            taint["key"].as_str().is_some_and(|key| key.starts_with("node.kubernetes.io/"))
        };
        !node["spec"]["taints"].as_array().is_some_and(|taints| taints.iter().any(is_new))
            && conditions.is_some_and(|conditions| conditions.iter().any(is_ready))
    };
    list["items"].as_array().is_some_and(|nodes| !nodes.is_empty() && nodes.iter().all(ready))
}

/// Nodes, and what the read-only user may do.
fn manifests() -> String {
    cache::sources().join("manifests").display().to_string()
}

fn failed(process: &Process, why: &str) -> Trouble {
    let log = fs::read(&process.log).unwrap_or_default();
    let tail = build::tail(&String::from_utf8_lossy(&log), 30);
    Trouble::new(format!("{why}. The end of {}:\n{tail}", process.log.display()))
}

/// Command lines.
impl Start {
    fn etcd_arguments(&self) -> Vec<String> {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd);
        let peer = format!("http://127.0.0.1:{}", self.ports.peer);
        vec![
            format!("--data-dir={}", self.folder.join("etcd").display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            // The data is thrown away, so it need not survive a power cut.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ]
    }

    fn apiserver_arguments(&self) -> Vec<String> {
        let pki = &self.pki;
        vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd),
            "--bind-address=127.0.0.1".to_owned(),
            // Nobody is told to go there, but with an address of this machine alone the server
            // would keep no endpoint of its own service (RFC 5737: for documentation).
            "--advertise-address=192.0.2.1".to_owned(),
            // A loopback address may not stand in an Endpoints object.
            format!("--secure-port={}", self.ports.apiserver),
            format!("--cert-dir={}", self.folder.display()),
            format!("--tls-cert-file={}", pki.path("server.crt")),
            format!("--tls-private-key-file={}", pki.path("server.key")),
            format!("--client-ca-file={}", pki.path("ca.crt")),
            format!("--requestheader-client-ca-file={}", pki.path("front-proxy-ca.crt")),
            "--requestheader-allowed-names=front-proxy-client".to_owned(),
            "--requestheader-username-headers=X-Remote-User".to_owned(),
            "--requestheader-group-headers=X-Remote-Group".to_owned(),
            "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
            format!("--proxy-client-cert-file={}", pki.path("front-proxy-client.crt")),
            format!("--proxy-client-key-file={}", pki.path("front-proxy-client.key")),
            "--authorization-mode=Node,RBAC".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
            format!("--service-account-key-file={}", pki.path("sa.pub")),
            format!("--service-account-signing-key-file={}", pki.path("sa.key")),
            "--profiling=false".to_owned(),
        ]
    }

    /// What controller manager and scheduler have in common.
    fn shared_arguments(&self, role: &str, port: u16) -> Vec<String> {
        let kubeconfig = self.folder.join(format!("{role}.kubeconfig"));
        let kubeconfig = kubeconfig.display();
        vec![
            format!("--kubeconfig={kubeconfig}"),
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={}", self.pki.path("server.crt")),
            format!("--tls-private-key-file={}", self.pki.path("server.key")),
            "--leader-elect=false".to_owned(),
            "--profiling=false".to_owned(),
            // One machine, no neighbours: the usual client limits only slow tests down.
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ]
    }

    fn manager_arguments(&self) -> Vec<String> {
        let mut all = self.shared_arguments("kube-controller-manager", self.ports.manager);
        all.extend([
            "--use-service-account-credentials=true".to_owned(),
            format!("--root-ca-file={}", self.pki.path("ca.crt")),
            format!("--cluster-signing-cert-file={}", self.pki.path("ca.crt")),
            format!("--cluster-signing-key-file={}", self.pki.path("ca.key")),
            format!("--service-account-private-key-file={}", self.pki.path("sa.key")),
        ]);
        all
    }

    fn scheduler_arguments(&self) -> Vec<String> {
        self.shared_arguments("kube-scheduler", self.ports.scheduler)
    }

    fn kwok_arguments(&self, controllers: &Controllers) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", self.folder.join("kwok.kubeconfig").display()),
            format!("--config={}", controllers.stages.display()),
            format!("--config={}", cache::sources().join("stages.yaml").display()),
            // Nodes without the annotation stay as a test made them.
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".to_owned(),
            "--node-lease-duration-seconds=40".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_ready_with_the_condition_and_without_the_taints_of_new_ones() {
        let node = |taints: &str, status: &str| {
            format!(
                r#"{{"spec":{{{taints}}},"status":{{"conditions":[{{"type":"Ready","status":"{status}"}}]}}}}"#
            )
        };
        let list = |nodes: &[String]| format!(r#"{{"items":[{}]}}"#, nodes.join(","));
        let tainted = node(r#""taints":[{"key":"node.kubernetes.io/not-ready"}]"#, "True");
        let own = node(r#""taints":[{"key":"node-role.kubernetes.io/control-plane"}]"#, "True");
        assert!(nodes_are_ready(&list(&[node("", "True"), own])));
        assert!(!nodes_are_ready(&list(&[node("", "True"), tainted])));
        assert!(!nodes_are_ready(&list(&[node("", "False")])));
        assert!(!nodes_are_ready(&list(&[])));
        assert!(!nodes_are_ready("not json"));
    }
}
