//! What a whole process costs: CPU seconds, wall seconds, peak memory.
//!
//! The kernel adds up what *all* children of a process used, and tells the peak of the largest.
//! So every process that is measured gets a parent of its own: this program once more, which
//! starts it, waits, and writes what the kernel says into a file. A small parent also keeps the
//! peak honest, since a process begins with the memory of whoever started it.

use crate::trouble::{Doing, Trouble};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What one process, or the median of several, used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// User and system time of all threads.
    pub(super) cpu: f64,
    pub(super) wall: f64,
    /// Peak of resident memory in MB (10^6 bytes).
    pub(super) memory: f64,
}

/// A process to measure.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    pub(super) folder: PathBuf,
    pub(super) environment: Vec<(&'static str, OsString)>,
    /// What its output has to contain; a plan that says something else is no measurement.
    pub(super) says: String,
}

impl Run {
    /// Runs it once, with its output in a file of `folder`.
    pub(super) fn measure(&self) -> Result<Cost, Trouble> {
        let said = self.folder.join("said.txt");
        let result = self.folder.join("cost.json");
        let out = File::create(&said).doing(|| format!("creating {}", said.display()))?;
        let err = out.try_clone().doing(|| format!("opening {}", said.display()))?;
        let own = std::env::current_exe().doing(|| "finding this program".to_owned())?;
        let mut command = Command::new(own);
        command.args(["bench", "--measure"]).arg(&result).arg("--").arg(&self.program);
        command.args(&self.arguments).current_dir(&self.folder);
        for (name, _) in std::env::vars_os() {
            let foreign = ["TF_", "CLINCH_", "KUBE"].iter();
            if name.to_str().is_some_and(|name| foreign.clone().any(|one| name.starts_with(one))) {
                command.env_remove(name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let status = command.status().doing(|| "starting a process to measure".to_owned())?;
        let said = fs::read(&said).doing(|| format!("reading {}", said.display()))?;
        let said = String::from_utf8_lossy(&said);
        if !status.success() || !said.contains(&self.says) {
            return Err(self.unexpected(&said));
        }
        let text = fs::read_to_string(&result).doing(|| format!("reading {}", result.display()))?;
        let cost: Value = serde_json::from_str(&text).doing(|| "reading a cost".to_owned())?;
        let number = |name: &str| {
            cost[name].as_f64().ok_or_else(|| Trouble::new(format!("a cost without {name}")))
        };
        Ok(Cost { cpu: number("cpu")?, wall: number("wall")?, memory: number("memory")? })
    }

    fn unexpected(&self, said: &str) -> Trouble {
        let lines: Vec<&str> = said.lines().collect();
        let end = lines[lines.len().saturating_sub(15)..].join("\n  ");
        Trouble::new(format!(
            "`{}` in {} did not say \"{}\". It said at its end:\n  {end}",
            self.program.display(),
            self.folder.display(),
            self.says
        ))
    }
}

/// The parent of a measured process. Ends as that process ends.
pub(super) fn parent(result: &Path, command: &[OsString]) -> Result<(), Trouble> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Trouble::new("nothing to measure"));
    };
    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .status()
        .doing(|| format!("starting {}", program.display()))?;
    let wall = start.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).doing(|| "asking what it used".to_owned())?;
    // A day of CPU has 10^11 microseconds, far below what a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "small enough to be exact")]
    let cpu = (usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
        as f64
        / 1e6;
    // Linux counts in KiB, macOS in bytes.
    let unit = if cfg!(target_os = "macos") { 1.0 } else { 1024.0 };
    #[expect(clippy::cast_precision_loss, reason = "small enough to be exact")]
    let memory = usage.max_rss() as f64 * unit / 1e6;
    let cost = json!({ "cpu": cpu, "wall": wall, "memory": memory });
    fs::write(result, cost.to_string()).doing(|| format!("writing {}", result.display()))?;
    if status.success() {
        return Ok(());
    }
    Err(Trouble::new(format!("{} ended with {status}", program.display())))
}

/// The middle of each figure by itself.
pub(super) fn median(costs: &[Cost]) -> Option<Cost> {
    let middle = |figure: fn(&Cost) -> f64| {
        let mut all: Vec<f64> = costs.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        let upper = *all.get(all.len() / 2)?;
        let lower = *all.get((all.len() - 1) / 2)?;
        Some(f64::midpoint(lower, upper))
    };
    if costs.is_empty() {
        return None;
    }
    Some(Cost {
        cpu: middle(|one| one.cpu)?,
        wall: middle(|one| one.wall)?,
        memory: middle(|one| one.memory)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_takes_each_figure_by_itself() {
        let cost = |cpu, wall, memory| Cost { cpu, wall, memory };
        let all = [cost(3.0, 1.0, 20.0), cost(1.0, 2.0, 30.0), cost(2.0, 9.0, 10.0)];
        assert_eq!(median(&all), Some(cost(2.0, 2.0, 20.0)));
        assert_eq!(median(&all[..2]), Some(cost(2.0, 1.5, 25.0)));
        assert_eq!(median(&[]), None);
    }
}
