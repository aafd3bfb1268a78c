//! One workload, run by both tools in turns.

use super::measure::{Cost, Run, median};
use super::shapes::{CLINCH, Shape, TERRAFORM};
use super::state;
use super::terraform::Terraform;
use crate::trouble::{Doing, Trouble, say};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const PLAN: [&str; 2] = ["plan", "-no-color"];
const APPLY: [&str; 3] = ["apply", "-auto-approve", "-no-color"];

/// A run of Terraform that takes longer than this, in wall seconds, is not repeated.
const SLOW: f64 = 15.0;

/// Who is measured, and where.
pub(super) struct Bench {
    pub(super) clinch: PathBuf,
    /// Whether it was not built here.
    pub(super) given: bool,
    pub(super) terraform: Option<Terraform>,
    pub(super) folder: PathBuf,
    pub(super) runs: usize,
}

/// What a workload is called; goals are found by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Plan with nothing there yet.
    FirstPlan,
    /// Create everything.
    Apply,
    /// Plan with everything there: the drift check of a cron job.
    SecondPlan,
}

impl Task {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FirstPlan => "first plan",
            Self::Apply => "apply",
            Self::SecondPlan => "plan, no changes",
        }
    }
}

/// Medians of one workload.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    pub(super) task: Task,
    pub(super) shape: Shape,
    pub(super) size: usize,
    pub(super) clinch: Cost,
    pub(super) clinch_runs: usize,
    pub(super) terraform: Option<Cost>,
    pub(super) terraform_runs: usize,
}

/// The folders of one shape and size.
pub(super) struct Workload {
    shape: Shape,
    size: usize,
    folder: PathBuf,
}

impl Bench {
    /// What starting the interpreter around Terraform's library costs. It is no part of
    /// Terraform, so it is taken off its time.
    pub(super) fn launcher(&self) -> Result<Option<Cost>, Trouble> {
        let Some(terraform) = &self.terraform else { return Ok(None) };
        let Some(arguments) = terraform.launcher_alone() else { return Ok(None) };
        let run = Run {
            program: terraform.program.clone(),
            arguments,
            folder: self.folder.clone(),
            environment: Terraform::environment(),
            says: String::new(),
        };
        let costs: Result<Vec<Cost>, Trouble> = (0..5).map(|_| run.measure()).collect();
        Ok(median(&costs?))
    }
}

impl Workload {
    /// Writes the configurations of both tools, and the state that Terraform would have.
    pub(super) fn write(bench: &Bench, shape: Shape, size: usize) -> Result<Self, Trouble> {
        say(format_args!("{size} objects, {}", shape.name()));
        let folder = bench.folder.join(format!("{}-{size}", shape.name()));
        let workload = Self { shape, size, folder };
        workload.remove()?;
        write(&workload.folder("clinch").join("main.hcl"), &shape.text(CLINCH, size))?;
        if let Some(terraform) = &bench.terraform {
            let text = shape.text(TERRAFORM, size);
            write(&workload.folder("first").join("main.tf"), &text)?;
            let second = workload.folder("second");
            write(&second.join("main.tf"), &text)?;
            let path = second.join("terraform.tfstate");
            let file = File::create(&path).doing(|| format!("creating {}", path.display()))?;
            let mut file = BufWriter::new(file);
            let state = state::settled(shape, size, &terraform.version);
            serde_json::to_writer(&mut file, &state)
                .doing(|| format!("writing {}", path.display()))?;
            file.flush().doing(|| format!("writing {}", path.display()))?;
        }
        Ok(workload)
    }

    pub(super) fn remove(&self) -> Result<(), Trouble> {
        gone(&self.folder, fs::remove_dir_all(&self.folder))
    }

    /// Removes what applies left, so that everything is to be created again.
    fn forget(&self) -> Result<(), Trouble> {
        let applied = self.folder("applied");
        gone(&applied, fs::remove_dir_all(&applied))?;
        let state = self.folder("first").join("terraform.tfstate");
        gone(&state, fs::remove_file(&state))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn first_plan(&self, bench: &Bench) -> Result<Figures, Trouble> {
        let says = format!("Plan: {} to add", self.size);
        let clinch = self.clinch(bench, &PLAN, "never-applied", &says);
        let terraform = self.terraform(bench, &PLAN, "first", &says);
        self.take_turns(bench, Task::FirstPlan, &clinch, terraform.as_ref())
    }

    pub(super) fn second_plan(&self, bench: &Bench) -> Result<Figures, Trouble> {
        let says = "No changes.";
        let clinch = self.clinch(bench, &PLAN, "applied", says);
        let terraform = self.terraform(bench, &PLAN, "second", says);
        self.take_turns(bench, Task::SecondPlan, &clinch, terraform.as_ref())
    }

    /// Creates the objects with both tools, each time from nothing.
    pub(super) fn apply_both(&self, bench: &Bench) -> Result<Figures, Trouble> {
        let clinch = self.clinch(bench, &APPLY, "applied", &self.applied());
        let terraform = self.terraform(bench, &APPLY, "first", &self.applied());
        self.take_turns(bench, Task::Apply, &clinch, terraform.as_ref())
    }

    /// Creates the objects on the sandbox, for good. Terraform's own apply is left out: its
    /// time grows with the square of the objects.
    pub(super) fn apply_alone(&self, bench: &Bench) -> Result<Figures, Trouble> {
        let clinch = self.clinch(bench, &APPLY, "applied", &self.applied()).measure()?;
        self.tell(Task::Apply, "clinch", &clinch);
        Ok(Figures {
            task: Task::Apply,
            shape: self.shape,
            size: self.size,
            clinch,
            clinch_runs: 1,
            terraform: None,
            terraform_runs: 0,
        })
    }

    /// What both tools say after they created everything.
    fn applied(&self) -> String {
        format!("Apply complete! Resources: {} added", self.size)
    }

    fn take_turns(
        &self,
        bench: &Bench,
        task: Task,
        clinch: &Run,
        terraform: Option<&Run>,
    ) -> Result<Figures, Trouble> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::<Cost>::new());
        for _ in 0..bench.runs {
            if task == Task::Apply {
                self.forget()?;
            }
            let cost = clinch.measure()?;
            self.tell(task, "clinch", &cost);
            ours.push(cost);
            if let Some(run) = terraform
                && theirs.last().is_none_or(|cost| cost.wall < SLOW)
            {
                let cost = run.measure()?;
                self.tell(task, "terraform", &cost);
                theirs.push(cost);
            }
        }
        let cost = median(&ours).ok_or_else(|| Trouble::new("no run"))?;
        Ok(Figures {
            task,
            shape: self.shape,
            size: self.size,
            clinch: cost,
            clinch_runs: ours.len(),
            terraform: median(&theirs),
            terraform_runs: theirs.len(),
        })
    }

    fn tell(&self, task: Task, tool: &str, cost: &Cost) {
        let Cost { cpu, wall, memory } = cost;
        let (size, shape, task) = (self.size, self.shape.name(), task.name());
        say(format_args!(
            "  {shape} {size}, {task}, {tool}: {cpu:.2} s CPU, {wall:.2} s wall, {memory:.0} MB"
        ));
    }

    fn clinch(&self, bench: &Bench, arguments: &[&str], data: &str, says: &str) -> Run {
        Run {
            program: bench.clinch.clone(),
            arguments: arguments.iter().map(OsString::from).collect(),
            folder: self.folder("clinch"),
            environment: vec![("CLINCH_DATA_DIR", self.folder(data).into())],
            says: says.to_owned(),
        }
    }

    fn terraform(
        &self,
        bench: &Bench,
        arguments: &[&str],
        folder: &str,
        says: &str,
    ) -> Option<Run> {
        let terraform = bench.terraform.as_ref()?;
        let arguments = [arguments, &["-input=false", "-lock=false"]].concat();
        Some(Run {
            program: terraform.program.clone(),
            arguments: terraform.arguments(&arguments),
            folder: self.folder(folder),
            environment: Terraform::environment(),
            says: says.to_owned(),
        })
    }
}

/// A removal, of which all that counts is that nothing is there any more.
fn gone(path: &Path, removal: io::Result<()>) -> Result<(), Trouble> {
    match removal {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).doing(|| format!("creating {}", folder.display()))?;
    }
    fs::write(path, text).doing(|| format!("writing {}", path.display()))
}
