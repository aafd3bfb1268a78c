//! What a plan of many hosts costs: hosts that are folders, and one over SSH beside `ssh`.
//!
//! Wall time counts here: most of a plan of hosts is waiting for them. What clinch does with a host
//! over SSH is the plan with one file there less the plan without any; what the probe itself takes
//! there is what more files add to that.

use super::measure::{Cost, Run, median};
use crate::trouble::{Doing, Trouble, print, say};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// How many hosts are folders, and how many resources each has.
const FOLDERS: usize = 200;
const EACH: usize = 20;
/// As `cargo xtask cluster env` names them.
const KUBECONFIG: &str = "CLINCH_TEST_CLUSTER_KUBECONFIG";
const SSH_CONFIG: &str = "CLINCH_TEST_CLUSTER_SSH_CONFIG";
const HOST: &str = "worker-1";

/// What to measure with.
pub(super) struct Tools<'a> {
    pub(super) clinch: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) runs: usize,
}

/// A host over SSH.
struct Remote {
    /// A plan of a configuration with many files on the host, with one, and without any.
    many: Cost,
    one: Cost,
    without: Cost,
    /// `ssh HOST true`, with a connection of its own.
    ssh: Cost,
}

pub(super) fn run(tools: &Tools<'_>, machine: &[String]) -> Result<String, Trouble> {
    let folders = tools.folders()?;
    let remote = tools.remote()?;
    let text = report(&folders, remote.as_ref(), machine);
    print(&text)?;
    Ok(text)
}

fn report(folders: &Cost, remote: Option<&Remote>, machine: &[String]) -> String {
    let mut text =
        String::from("# Benchmarks of hosts\n\nWritten by `cargo xtask bench --hosts`.\n\n");
    for line in machine {
        let _ = writeln!(text, "- {line}");
    }
    text.push_str("\n| promise | figure | must | |\n|---|---|---|---|\n");
    let mut promise = |name: &str, figure: String, must: &str, kept: bool| {
        let verdict = if kept { "kept" } else { "**NOT KEPT**" };
        let _ = writeln!(text, "| {name} | {figure} | {must} | {verdict} |");
    };
    let all = format!("plan, no changes: {FOLDERS} folders with {EACH} files each");
    promise(
        &format!("{all}, wall time"),
        format!("{:.2} s", folders.wall),
        "under 3 s",
        folders.wall < 3.0,
    );
    promise(
        &format!("{all}, peak memory"),
        format!("{:.0} MB", folders.memory),
        "under 300 MB",
        folders.memory < 300.0,
    );
    match remote {
        None => text.push_str("\n**NO HOST OVER SSH WAS MEASURED**: nothing names one.\n"),
        Some(Remote { many, one, without, ssh }) => {
            let ratio = (one.wall - without.wall) / ssh.wall;
            promise(
                "plan, no changes: one host over SSH, against `ssh HOST true`",
                format!(
                    "({:.3} - {:.3}) s / {:.3} s = {ratio:.2}",
                    one.wall, without.wall, ssh.wall
                ),
                "at most 1.3, without what the probe takes",
                ratio <= 1.3,
            );
            let probe = many.wall - one.wall;
            let _ = writeln!(
                text,
                "\nThe probe takes {probe:.3} s more for {EACH} files than for one."
            );
        }
    }
    text
}

impl Tools<'_> {
    fn folders(&self) -> Result<Cost, Trouble> {
        let folder = self.fresh("hosts")?;
        for host in 0..FOLDERS {
            let host = folder.join(".clinch/sandbox/hosts").join(format!("n{host}"));
            fs::create_dir_all(&host).doing(|| format!("creating {}", host.display()))?;
        }
        let nodes: Vec<String> = (0..FOLDERS).map(|host| format!("\"n{host}\"")).collect();
        let nodes = format!("[{}]", nodes.join(", "));
        write(
            &folder,
            &format!("clinch {{\n  name = \"hosts\"\n}}\n\n{}", files(&nodes, "/etc", EACH)),
        )?;
        say("hosts: folders");
        self.clinch(&folder, "Apply complete!", &["apply", "-auto-approve"]).measure()?;
        let costs = (0..self.runs)
            .map(|_| self.clinch(&folder, "No changes.", &["plan"]).measure())
            .collect::<Result<Vec<_>, _>>()?;
        middle(&costs)
    }

    fn remote(&self) -> Result<Option<Remote>, Trouble> {
        let from = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (Some(kubeconfig), Some(ssh_config)) = (from(KUBECONFIG), from(SSH_CONFIG)) else {
            say(format_args!("NO HOST OVER SSH: {KUBECONFIG} or {SSH_CONFIG} is not set"));
            return Ok(None);
        };
        let cluster = format!(
            "clinch {{\n  name = \"bench\"\n}}\n\ncluster \"bench\" {{\n  kubeconfig = \
             \"{kubeconfig}\"\n  hosts {{\n    ssh {{\n      sudo        = true\n      \
             config_file = \"{ssh_config}\"\n    }}\n  }}\n}}\n\nresource \"namespace\" \"n\" {{\n  \
             name = \"clinch-bench-NAME\"\n}}\n\n"
        );
        let cluster = |name: &str| cluster.replace("NAME", name);
        let folder = |name: &str, number: usize| {
            let folder = self.fresh(name)?;
            let below = format!("/var/tmp/clinch-bench/{name}");
            let files = files(&format!("[\"{HOST}\"]"), &below, number);
            write(&folder, &format!("{}{files}", cluster(name)))?;
            self.clinch(&folder, "Apply complete!", &["apply", "-auto-approve"]).measure()?;
            Ok::<PathBuf, Trouble>(folder)
        };
        let folders = [folder("many", EACH)?, folder("one", 1)?, folder("without", 0)?];
        let [many, one, without] = &folders;
        let ssh = Run {
            program: "ssh".into(),
            arguments: ["-F", &ssh_config, "-o", "ControlPath=none", HOST, "true"]
                .map(OsString::from)
                .into(),
            folder: without.clone(),
            environment: Vec::new(),
            says: String::new(),
        };
        say("hosts: one over SSH");
        let mut costs: [Vec<Cost>; 4] = Default::default();
        for _ in 0..self.runs {
            let plans = [many, one, without].map(|at| self.clinch(at, "No changes.", &["plan"]));
            for (costs, run) in costs.iter_mut().zip(plans.iter().chain([&ssh])) {
                costs.push(run.measure()?);
            }
        }
        for folder in &folders {
            let arguments = ["destroy", "-auto-approve", "-allow=destroy", "-max-destroy=1000"];
            self.clinch(folder, "Destroy complete!", &arguments).measure()?;
        }
        let [many, one, without, ssh] = costs;
        let remote = Remote {
            many: middle(&many)?,
            one: middle(&one)?,
            without: middle(&without)?,
            ssh: middle(&ssh)?,
        };
        Ok(Some(remote))
    }

    /// A folder with nothing in it.
    fn fresh(&self, name: &str) -> Result<PathBuf, Trouble> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).doing(|| format!("removing {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        Ok(folder)
    }

    fn clinch(&self, folder: &Path, says: &str, arguments: &[&str]) -> Run {
        Run {
            program: self.clinch.to_owned(),
            arguments: arguments.iter().map(OsString::from).collect(),
            folder: folder.to_owned(),
            environment: Vec::new(),
            says: says.to_owned(),
        }
    }
}

fn middle(costs: &[Cost]) -> Result<Cost, Trouble> {
    median(costs).ok_or_else(|| Trouble::new("nothing was measured"))
}

fn write(folder: &Path, text: &str) -> Result<(), Trouble> {
    fs::write(folder.join("main.hcl"), text).doing(|| "writing a configuration".to_owned())
}

/// So many files on each of these nodes.
fn files(nodes: &str, below: &str, number: usize) -> String {
    format!(
        "locals {{\n  files = {{\n    for pair in setproduct({nodes}, range({number})) : \
         \"${{pair[0]}}-${{pair[1]}}\" => pair\n  }}\n}}\n\nresource \"host_file\" \"f\" {{\n  \
         for_each = local.files\n  node     = each.value[0]\n  path     = \
         \"{below}/bench-${{each.value[1]}}.conf\"\n  content  = \"number = ${{each.value[1]}}\\n\"\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(wall: f64, memory: f64) -> Cost {
        Cost { cpu: 1.0, wall, memory }
    }

    #[test]
    fn promises_are_kept_below_their_limits_and_not_above() {
        let remote = |one| Remote {
            many: cost(9.0, 1.0),
            one: cost(one, 1.0),
            without: cost(0.5, 1.0),
            ssh: cost(1.0, 1.0),
        };
        let verdicts = |text: &str| text.matches("| kept |").count();
        assert_eq!(verdicts(&report(&cost(2.9, 299.0), Some(&remote(1.8)), &[])), 3);
        assert_eq!(verdicts(&report(&cost(3.0, 300.0), Some(&remote(1.81)), &[])), 0);
    }

    #[test]
    fn a_host_that_was_not_measured_is_said_loudly() {
        assert!(report(&cost(1.0, 1.0), None, &[]).contains("NO HOST OVER SSH WAS MEASURED"));
    }
}
