//! Starting a cluster and waiting until it is one.
//!
//! # Interruption
//!
//! Whatever ends this program, `down` finds all that was started: see [`super::down`].

use super::image::Image;
use super::parts::{self, Parts};
use super::place::{self, Node, Place, sources};
use super::record::Record;
use super::{down, host, needs, network, ssh};
use crate::control_plane::{build, cache, kubeconfig, nodes_are_ready, process::Process};
use crate::program;
use crate::trouble::{Doing, Trouble, say};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// How long each stage of the start may take. Generous: other builds may use the machine.
const DEADLINE: Duration = Duration::from_mins(4);

/// Starts the cluster of that name, or returns the one that runs already.
pub(crate) fn up(name: &str, workers: u8) -> Result<Record, Trouble> {
    needs::met()?;
    let place = Place::of(name)?;
    let folder = place.folder.clone();
    let parent = folder.parent().ok_or_else(|| Trouble::new("the folder has no parent"))?;
    // One start at a time; no name has a dot, so this is no cluster's folder.
    let _lock = cache::lock(parent, "start.lock")?;
    if let Some(record) = Record::load(&place)? {
        if record.is_running() {
            let runs = record.nodes.len() - 1;
            say(format_args!("cluster `{name}`: runs already, with {runs} workers"));
            return Ok(record);
        }
        say(format_args!("cluster `{name}`: clearing away what an earlier run left"));
    }
    let parts = parts::find()?;
    down::clear(&place)?;
    DirBuilder::new()
        .mode(0o700)
        .create(&place.folder)
        .doing(|| format!("creating {}", place.folder.display()))?;
    let begun = Instant::now();
    let start = Start::prepare(place, workers, parts)?;
    start.everything(begun).map_err(|trouble| {
        Trouble::new(format!(
            "{trouble}\n\
             The hosts are left as they are, for you to look at; their consoles are in {}/*.log.\n\
             Clean up with: cargo xtask cluster down --name {name}",
            folder.display()
        ))
    })
}

/// A start in progress.
struct Start {
    place: Place,
    parts: Parts,
    range: network::Range,
    record: Record,
}

impl Start {
    fn prepare(place: Place, workers: u8, parts: Parts) -> Result<Self, Trouble> {
        let range = network::Range::free(place.lot)?;
        let record = Record {
            version: parts.version.clone(),
            kubeconfig: place.kubeconfig(),
            ssh_config: place.ssh_config(),
            kubectl: parts.programs.join("kubectl"),
            image: parts.pause.clone(),
            nodes: place::nodes(workers, range),
            processes: Vec::new(),
            ready: false,
        };
        record.save(&place)?;
        Ok(Self { place, parts, range, record })
    }

    fn everything(mut self, begun: Instant) -> Result<Record, Trouble> {
        let name = self.place.name.clone();
        let stage = |what: &str| {
            let seconds = begun.elapsed().as_secs_f32();
            say(format_args!("cluster `{name}`: {seconds:5.1}s  {what}"));
        };
        self.boot()?;
        let nodes = self.record.nodes.clone();
        let (first, workers) =
            nodes.split_first().ok_or_else(|| Trouble::new("a cluster has no nodes"))?;
        self.each(&nodes, |start, node| {
            start.wait(&format!("ssh to {}", node.name), || start.root(node, "true").is_ok())
        })?;
        stage("hosts answer");
        self.each(&nodes, Self::import)?;
        stage("images imported");
        self.root(first, &logged("kubeadm init --config /etc/kubernetes/kubeadm.yaml"))
            .doing(|| format!("kubeadm init on {}", first.name))?;
        self.write_kubeconfig(first)?;
        stage("kubeadm init done");
        let join = self.root(first, "kubeadm token create --print-join-command")?;
        let join = logged(&format!("{} --ignore-preflight-errors=all", join.trim()));
        self.each(workers, |start, node| {
            let joined = start.root(node, &join);
            joined.map(drop).doing(|| format!("kubeadm join on {}", node.name))
        })?;
        stage("workers joined");
        self.wait("ready nodes", || self.all_nodes_are_ready())?;
        let all = ["wait", "pod", "--all", "-n", "kube-system", "--for=condition=Ready"];
        self.wait("ready pods in kube-system", || {
            self.kubectl(&[&all[..], &["--timeout=10s"]].concat()).is_ok()
        })?;
        self.wait("the service account of pods", || {
            self.kubectl(&["get", "serviceaccount/default", "configmap/kube-root-ca.crt"]).is_ok()
        })?;
        self.record.ready = true;
        self.record.save(&self.place)?;
        stage(&format!("ready: {} nodes of Kubernetes {}", nodes.len(), self.record.version));
        Ok(self.record)
    }

    /// Sets up the network and the hosts, and boots them.
    fn boot(&mut self) -> Result<(), Trouble> {
        let place = &self.place;
        network::make(&place.id, self.range)?;
        ssh::make_key(&place.folder.join("id_ed25519"), "clinch tests")?;
        let parts = &self.parts;
        let layer = host::make_layer(place, &parts.programs, &parts.images, &parts.pause)?;
        let nodes = self.record.nodes.clone();
        let mut keys = Vec::new();
        for node in &nodes {
            let key = host::prepare(place, &nodes, node, &[&layer, &parts.tree])?;
            keys.push((node, key));
            if node.number == 0 {
                self.write_kubeadm_config(node)?;
            }
        }
        ssh::write_config(place, &keys)?;
        for node in &nodes {
            let process = host::boot(&self.place, node)?;
            self.record.processes.push(process);
            self.record.save(&self.place)?;
        }
        Ok(())
    }

    fn write_kubeadm_config(&self, node: &Node) -> Result<(), Trouble> {
        let from = sources().join("kubeadm.yaml");
        let to = host::root(&self.place, node).join("etc/kubernetes/kubeadm.yaml");
        let text = fs::read_to_string(&from).doing(|| format!("reading {}", from.display()))?;
        let text = text
            .replace("@ADDRESS@", &node.address)
            .replace("@NAME@", &self.place.name)
            .replace("@VERSION@", &self.parts.version);
        fs::write(&to, text).doing(|| format!("writing {}", to.display()))
    }

    /// Every host needs the image of pods, the first one also those of the control plane.
    fn import(&self, node: &Node) -> Result<(), Trouble> {
        let wanted = |image: &&Image| node.number == 0 || image.program == "pause";
        for image in self.parts.images.iter().filter(wanted) {
            let archive = format!("/{}/{}.tar", host::IMAGES, image.program);
            // The runtime may still be starting; a second import changes nothing.
            self.wait(&format!("{} on {}", image.name, node.name), || {
                self.root(node, &format!("ctr -n k8s.io images import {archive}")).is_ok()
            })?;
        }
        Ok(())
    }

    fn write_kubeconfig(&self, node: &Node) -> Result<(), Trouble> {
        let text = self.root(node, "cat /etc/kubernetes/admin.conf")?;
        let path = self.place.kubeconfig();
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .doing(|| format!("writing {}", path.display()))
    }

    /// Does the same on several hosts at once; the first trouble counts.
    fn each(
        &self,
        nodes: &[Node],
        what: impl Fn(&Self, &Node) -> Result<(), Trouble> + Sync,
    ) -> Result<(), Trouble> {
        let what = &what;
        thread::scope(|scope| {
            let all: Vec<_> =
                nodes.iter().map(|node| scope.spawn(move || what(self, node))).collect();
            all.into_iter().try_for_each(|one| {
                one.join().unwrap_or_else(|_| Err(Trouble::new("a thread of the start panicked")))
            })
        })
    }

    /// What root of a host gets told by a command.
    fn root(&self, node: &Node, command: &str) -> Result<String, Trouble> {
        program::output(&mut ssh::root(&self.place, node, command))
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String, Trouble> {
        kubeconfig::kubectl(&self.record.kubectl, &self.record.kubeconfig, arguments)
    }

    fn all_nodes_are_ready(&self) -> bool {
        self.kubectl(&["get", "nodes", "-o", "json"]).is_ok_and(|text| nodes_are_ready(&text))
    }

    /// Asks again and again, and stops asking when a host has ended.
    fn wait(&self, what: &str, ready: impl Fn() -> bool) -> Result<(), Trouble> {
        let begun = Instant::now();
        while !ready() {
            if let Some(gone) = self.record.processes.iter().find(|one| !one.is_alive()) {
                return Err(ended(gone));
            }
            if begun.elapsed() > DEADLINE {
                return Err(Trouble::new(format!(
                    "{what}: not there after {}s",
                    DEADLINE.as_secs()
                )));
            }
            sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

/// The end of what a command said is its error; all of it stays on the host.
fn logged(command: &str) -> String {
    let log = "/var/log/kubeadm.log";
    format!("{command} >{log} 2>&1 || {{ tail -n 30 {log} >&2; exit 1; }}")
}

fn ended(host: &Process) -> Trouble {
    let log = fs::read(&host.log).unwrap_or_default();
    let tail = build::tail(&String::from_utf8_lossy(&log), 20);
    Trouble::new(format!("{} ended. The end of {}:\n{tail}", host.role, host.log.display()))
}
