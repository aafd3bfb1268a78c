//! What the plan of a rollout over many nodes costs, with what each drain would do to each pod.
//!
//! Nodes and pods are objects on a real API server that has no controllers, so no kubelet needs to
//! be played (kwok would do nothing but write what is written here); the nodes' hosts are folders.
//! Every node costs a drain. Wall time counts here, and the server shares the machine.

use super::machine;
use super::measure::{Cost, Run, median};
use crate::trouble::{Doing, Trouble, print, say};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const NODES: usize = 1_000;
const PODS: usize = 30_000;
/// What a plan of them must stay below.
const SECONDS: f64 = 10.0;
const MEGABYTES: f64 = 1_000.0;
const KUBELET: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

/// What to measure with.
pub(super) struct Tools<'a> {
    pub(super) clinch: &'a Path,
    /// Whether it was not built here.
    pub(super) given: bool,
    pub(super) kubeconfig: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) runs: usize,
}

/// All that was measured, and how large the plan is in a file.
struct Figures {
    rollout: Cost,
    careful: Cost,
    saved: Cost,
    bytes: u64,
}

pub(super) fn run(tools: &Tools<'_>, machine: &[String]) -> Result<String, Trouble> {
    let figures = tools.figures()?;
    let text = figures.report(machine);
    print(&text)?;
    Ok(text)
}

impl Figures {
    fn report(&self, machine: &[String]) -> String {
        let mut text = String::from(
            "# Benchmarks of rollouts\n\nWritten by `cargo xtask bench --rollouts KUBECONFIG`.\n\n",
        );
        for line in machine {
            let _ = writeln!(text, "- {line}");
        }
        let _ = writeln!(
            text,
            "- {NODES} nodes with {PODS} pods of 500 applications, each with a disruption budget; \
             pods of daemon\n  sets, jobs and nobody, and some with data\n- a real API server without \
             controllers, on the same machine: nodes and pods are objects\n  that nothing else \
             writes to, so that kwok is not needed; hosts are folders"
        );
        text.push_str("\n| promise | figure | must | |\n|---|---|---|---|\n");
        for (name, cost) in [("with a rollout", self.rollout), ("without", self.careful)] {
            let mut promise = |what: &str, figure: String, must: String, kept: bool| {
                let verdict = if kept { "kept" } else { "**NOT KEPT**" };
                let _ = writeln!(
                    text,
                    "| plan, a drain of every node, {name}: {what} | {figure} | {must} | {verdict} |"
                );
            };
            promise(
                "wall time",
                format!("{:.2} s", cost.wall),
                format!("under {SECONDS} s"),
                cost.wall < SECONDS,
            );
            promise(
                "peak memory",
                format!("{:.0} MB", cost.memory),
                format!("under {MEGABYTES} MB"),
                cost.memory < MEGABYTES,
            );
        }
        text.push_str("\n| task | CPU s | wall s | peak MB |\n|---|---|---|---|\n");
        for (task, Cost { cpu, wall, memory }) in [
            ("plan, with a rollout", self.rollout),
            ("plan, without", self.careful),
            ("plan into a file", self.saved),
        ] {
            let _ = writeln!(text, "| {task} | {cpu:.2} | {wall:.2} | {memory:.0} |");
        }
        let megabytes = self.bytes / 1_000_000;
        let _ = writeln!(text, "\nThe file has {megabytes} MB.");
        text
    }
}

impl Tools<'_> {
    fn figures(&self) -> Result<Figures, Trouble> {
        self.crowd()?;
        let hosts = self.hosts()?;
        let with = self.project("with", &hosts, true)?;
        let without = self.project("without", &hosts, false)?;
        let says = format!("Nodes: {NODES} to drain");
        let plan = |folder: &Path, more: &[&str]| Run {
            program: self.clinch.to_owned(),
            arguments: ["plan"].iter().chain(more).map(OsString::from).collect(),
            folder: folder.to_owned(),
            environment: Vec::new(),
            says: says.clone(),
        };
        let middle = |task: &str, run: &Run| {
            say(format_args!("rollouts: {task}"));
            let costs = (0..self.runs).map(|_| run.measure()).collect::<Result<Vec<_>, _>>()?;
            median(&costs).ok_or_else(|| Trouble::new("nothing was measured"))
        };
        let rollout = middle("plan with a rollout", &plan(&with, &[]))?;
        let careful = middle("plan without", &plan(&without, &[]))?;
        let saved = middle("plan into a file", &plan(&with, &["-out=tfplan"]))?;
        let file = with.join("tfplan");
        let bytes = fs::metadata(&file).doing(|| "looking at the plan".to_owned())?.len();
        Ok(Figures { rollout, careful, saved, bytes })
    }

    /// The nodes and the pods on them.
    fn crowd(&self) -> Result<(), Trouble> {
        // Whoever gives a binary has the other beside it.
        let crowd = match self.clinch.parent().filter(|_| self.given) {
            Some(folder) => folder.join("crowd"),
            None => machine::build("crowd")?,
        };
        fs::create_dir_all(self.folder).doing(|| format!("creating {}", self.folder.display()))?;
        say("rollouts: writing nodes and pods");
        let number = |number: usize| OsString::from(number.to_string());
        let run = Run {
            program: crowd,
            arguments: vec![self.kubeconfig.into(), number(NODES), number(PODS)],
            folder: self.folder.to_owned(),
            environment: Vec::new(),
            says: "objects".to_owned(),
        };
        run.measure().map(drop)
    }

    /// A folder for each node, with the file of its kubelet.
    fn hosts(&self) -> Result<PathBuf, Trouble> {
        let hosts = self.folder.join("hosts");
        for node in 0..NODES {
            let folder = hosts.join(format!("node-{node:04}")).join("var/lib/kubelet");
            fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
            fs::write(folder.join("config.yaml"), KUBELET).doing(|| "writing a host".to_owned())?;
        }
        Ok(hosts)
    }

    fn project(&self, name: &str, hosts: &Path, rollout: bool) -> Result<PathBuf, Trouble> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        let mut text = format!(
            "clinch {{\n  name = \"rollouts\"\n}}\n\ncluster \"bench\" {{\n  kubeconfig = \
             \"{}\"\n  hosts      = \"{}\"\n}}\n\ndata \"nodes\" \"all\" {{}}\n\nlocals \
             {{\n  nodes = [for name in data.nodes.all.names : name if startswith(name, \
             \"node-\")]\n}}\n\nresource \
             \"kubelet_config\" \"all\" {{\n  for_each = toset(local.nodes)\n  node     = \
             each.key\n  settings = {{ topologyManagerPolicy = \"best-effort\" }}\n}}\n",
            self.kubeconfig.display(),
            hosts.display()
        );
        if rollout {
            text.push_str(
                "\nrollout \"all\" {\n  nodes           = local.nodes\n  max_unavailable \
                 = \"5%\"\n  canary          = 1\n  batch           = \"10%\"\n}\n",
            );
        }
        fs::write(folder.join("main.hcl"), text).doing(|| "writing a configuration".to_owned())?;
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_kept_below_their_limits_and_not_above() {
        let verdicts = |wall, memory| {
            let cost = Cost { cpu: 1.0, wall, memory };
            let figures = Figures { rollout: cost, careful: cost, saved: cost, bytes: 1 };
            figures.report(&[]).matches("| kept |").count()
        };
        assert_eq!(verdicts(9.9, 999.0), 4);
        assert_eq!(verdicts(10.0, 999.0), 2);
        assert_eq!(verdicts(10.0, 1_000.0), 0);
    }
}
