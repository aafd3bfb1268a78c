//! What the language costs: parsing, the graph, mistakes, hostile texts, growth. clinch alone.
//!
//! CPU seconds of whole processes, start included; memory is the peak. The growth of a plan is a
//! ratio of two figures of one run, taken one after the other.

use super::machine;
use super::measure::{Cost, Run, median};
use super::shapes::{CLINCH, Shape};
use crate::trouble::{Doing, Trouble, print, say};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What to measure with.
pub(super) struct Tools<'a> {
    pub(super) clinch: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) runs: usize,
}

/// A promise and what was measured.
struct Row {
    name: String,
    figure: String,
    must: &'static str,
    /// Nothing where nothing is promised.
    kept: Option<bool>,
}

/// Blocks of the file that is parsed (P9), and how many are broken (P11).
const BLOCKS: usize = 22_079;
const BROKEN: usize = 100;
/// Nodes of the graph (P10), keys of the repeated block (P4), and both ends of the growth (P6).
const NODES: usize = 100_000;
const KEYS: usize = 5_000;
const GROWTH: (usize, usize) = (1_000, 10_000);

pub(super) fn run(tools: &Tools<'_>, machine: &[String]) -> Result<String, Trouble> {
    let mut rows = vec![tools.keys()?];
    rows.extend(tools.growth()?);
    rows.extend(tools.parse()?);
    rows.push(tools.graph()?);
    rows.extend(tools.broken()?);
    rows.extend(tools.hostile()?);
    let text = report(&rows, machine);
    print(&text)?;
    Ok(text)
}

fn report(rows: &[Row], machine: &[String]) -> String {
    let mut text = String::from(
        "# Benchmarks of the language\n\nWritten by `cargo xtask bench --language`.\n\n",
    );
    // Writing to a text cannot fail, here and below.
    for line in machine {
        let _ = writeln!(text, "- {line}");
    }
    text.push_str("\n| promise | figure | must | |\n|---|---|---|---|\n");
    for Row { name, figure, must, kept } in rows {
        let verdict = match kept {
            Some(true) => "kept",
            Some(false) => "**NOT KEPT**",
            None => "for information",
        };
        let _ = writeln!(text, "| {name} | {figure} | {must} | {verdict} |");
    }
    text
}

/// Megabytes, as disks count them.
#[expect(clippy::cast_precision_loss, reason = "small enough to be exact")]
fn megabytes(text: &str) -> f64 {
    text.len() as f64 / 1e6
}

impl Tools<'_> {
    /// P4: nothing changes, and the keys come from a file.
    fn keys(&self) -> Result<Row, Trouble> {
        let folder = self.fresh("keys")?;
        repeated(&folder, KEYS)?;
        self.clinch(&folder, "Apply complete!", "apply -auto-approve >said.log; cat said.log")
            .measure()?;
        let cost = self.middle(&self.clinch(&folder, "No changes.", "plan"))?;
        Ok(Row {
            name: format!("P4: plan without changes of one block with {KEYS} keys"),
            figure: format!("{:.2} s CPU", cost.cpu),
            // 99.8 s of Terraform 1.15.5 on two processors, of which a hundredth is asked for.
            must: "under 1.00 s",
            kept: Some(cost.cpu < 1.0),
        })
    }

    /// P6: ten times as many objects, first plan.
    fn growth(&self) -> Result<Vec<Row>, Trouble> {
        let shapes = [("indep", Some(Shape::Independent)), ("dag3", Some(Shape::Layered))];
        let mut rows = Vec::new();
        for (name, shape) in shapes.into_iter().chain([("foreach", None)]) {
            let mut costs = Vec::new();
            for size in [GROWTH.0, GROWTH.1] {
                let folder = self.fresh("growth")?;
                match shape {
                    Some(shape) => write(&folder, "main.hcl", &shape.text(CLINCH, size))?,
                    None => repeated(&folder, size)?,
                }
                let says = format!("Plan: {size} to add");
                costs.push(self.middle(&self.clinch(&folder, &says, "plan"))?.cpu);
            }
            let ratio = costs[1] / costs[0];
            rows.push(Row {
                name: format!(
                    "P6: first plan of {name}, from {} to {} objects",
                    GROWTH.0, GROWTH.1
                ),
                figure: format!("{:.2} s to {:.2} s CPU: x {ratio:.1}", costs[0], costs[1]),
                must: "at most x 16",
                kept: Some(ratio <= 16.0),
            });
        }
        Ok(rows)
    }

    /// P9: a large file until it is blocks; beside it, what a whole `validate` of it costs.
    fn parse(&self) -> Result<Vec<Row>, Trouble> {
        let folder = self.fresh("parse")?;
        let text = mixed(BLOCKS);
        write(&folder, "main.hcl", &text)?;
        let empty = self.fresh("empty")?;
        write(&empty, "main.hcl", "locals {}\n")?;
        let parsed = machine::example("parsed")?;
        let size = megabytes(&text);
        // Megabytes in a second of CPU, and its memory as a multiple of the text.
        let figures = |whole: Cost, start: Cost| {
            let speed = size / (whole.cpu - start.cpu).max(0.001);
            (speed, (whole.memory - start.memory) / size)
        };
        let shown = |(speed, memory): (f64, f64)| {
            format!("{speed:.1} MB/s, {memory:.1} times its size of memory")
        };
        let says = format!("{BLOCKS} resources, 0 problems");
        let read = |folder: &Path, says: &str| {
            self.middle(&Self::shell(&parsed, folder, says, "<main.hcl"))
        };
        let parsing = figures(read(&folder, &says)?, read(&empty, "0 resources, 0 problems")?);
        let whole = |folder: &Path| self.middle(&self.clinch(folder, "Success!", "validate"));
        let validating = figures(whole(&folder)?, whole(&empty)?);
        Ok(vec![
            Row {
                name: format!("P9: parse {size:.1} MB into {BLOCKS} blocks, without the start"),
                figure: shown(parsing),
                must: "at least 15 MB/s, at most 8 times",
                kept: Some(parsing.0 >= 15.0 && parsing.1 <= 8.0),
            },
            Row {
                name: "the same file through a whole `validate`".to_owned(),
                figure: shown(validating),
                must: "-",
                kept: None,
            },
        ])
    }

    /// P10: a whole process that draws a graph, less one that only checks the same names.
    fn graph(&self) -> Result<Row, Trouble> {
        let folder = self.fresh("graph")?;
        write(&folder, "main.hcl", &small(NODES))?;
        let drawn = self.middle(&self.clinch(&folder, "digraph", "graph"))?;
        Ok(Row {
            name: format!("P10: graph of {NODES} nodes with 3 references each, parsed and drawn"),
            figure: format!("{:.2} s CPU, {:.0} MB", drawn.cpu, drawn.memory),
            must: "under 10 s; 60 ms are for the graph alone, which no process shows",
            kept: Some(drawn.cpu < 10.0),
        })
    }

    /// P11: as many messages as mistakes, in one file and in many.
    fn broken(&self) -> Result<Vec<Row>, Trouble> {
        let good = self.fresh("good")?;
        let bad = self.fresh("bad")?;
        let many = self.fresh("many")?;
        let block = |i: usize, end: &str| format!("locals {{\n  v{i} = [1, 2, 3{end}\n}}\n\n");
        let filler = mixed(2_000);
        let all = |end: &str| (0..BROKEN).map(|i| block(i, end)).collect::<Vec<_>>().concat();
        write(&good, "main.hcl", &format!("{filler}{}", all("]")))?;
        write(&bad, "main.hcl", &format!("{filler}{}", all(")")))?;
        write(&many, "main.hcl", &filler)?;
        for i in 0..BROKEN {
            write(&many, &format!("f{i}.hcl"), &block(i, ")"))?;
        }
        let best = self.middle(&self.clinch(&good, "Success!", "validate"))?;
        let mut rows = Vec::new();
        for (name, folder) in [("one file", &bad), ("100 files", &many)] {
            let says = format!("\"error_count\": {BROKEN},");
            let cost = self.middle(&self.clinch(folder, &says, "validate -json"))?;
            let ratio = cost.cpu / best.cpu;
            rows.push(Row {
                name: format!("P11: {BROKEN} broken blocks in {name}, each told"),
                figure: format!("{:.2} s CPU, x {ratio:.2} of the same without mistakes", cost.cpu),
                must: "at most x 1.20",
                kept: Some(ratio <= 1.2),
            });
        }
        Ok(rows)
    }

    /// P12: texts that are made to hurt.
    fn hostile(&self) -> Result<Vec<Row>, Trouble> {
        let mut rows = Vec::new();
        for (name, text) in hostile() {
            let folder = self.fresh("hostile")?;
            write(&folder, "main.hcl", &text)?;
            let cost = self.clinch(&folder, "", "validate").measure()?;
            let said = fs::read_to_string(folder.join("said.txt")).unwrap_or_default();
            // The longest message; a frame begins with this corner.
            let longest = said.split('╷').map(str::len).max().unwrap_or(0);
            let seconds = (megabytes(&text) / 10.0).max(1.0);
            rows.push(Row {
                name: format!("P12: {name}, {:.1} MB", megabytes(&text)),
                figure: format!("{:.2} s CPU, longest message {longest} bytes", cost.cpu),
                must: "1 s for each 10 MB, messages of at most 1 KB",
                kept: Some(cost.cpu <= seconds && longest <= 1024),
            });
        }
        Ok(rows)
    }

    fn middle(&self, run: &Run) -> Result<Cost, Trouble> {
        say(format_args!("language: {}", run.folder.display()));
        let costs = (0..self.runs).map(|_| run.measure()).collect::<Result<Vec<_>, _>>()?;
        median(&costs).ok_or_else(|| Trouble::new("nothing was measured"))
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

    /// A command of which also a failure is measured; what it has to say is checked.
    fn clinch(&self, folder: &Path, says: &str, command: &str) -> Run {
        Self::shell(self.clinch, folder, says, command)
    }

    /// A program with what a shell makes of the words after it.
    fn shell(program: &Path, folder: &Path, says: &str, words: &str) -> Run {
        Run {
            program: "sh".into(),
            arguments: ["-c".into(), format!("\"$0\" {words}; true").into()]
                .into_iter()
                .chain([program.as_os_str().to_owned()])
                .collect(),
            folder: folder.to_owned(),
            environment: Vec::new(),
            says: says.to_owned(),
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Trouble> {
    let path = folder.join(name);
    fs::write(&path, text).doing(|| format!("writing {}", path.display()))
}

/// One block whose keys come from a file, as from any other tool.
fn repeated(folder: &Path, keys: usize) -> Result<(), Trouble> {
    let names: Vec<String> = (0..keys).map(|i| format!("\"o{i:06}\"")).collect();
    write(folder, "keys.json", &format!("[{}]", names.join(",")))?;
    let text = "resource \"config_map\" \"o\" {\n  for_each  = toset(jsondecode(file(\"keys.json\")))\n  \
                namespace = \"default\"\n  name      = each.key\n  data      = { key = each.key }\n}\n";
    write(folder, "main.hcl", text)
}

/// Blocks of several kinds, about 450 bytes each.
fn mixed(blocks: usize) -> String {
    let mut text = String::with_capacity(blocks * 460);
    for i in 0..blocks {
        let _ = write!(
            text,
            "resource \"config_map\" \"o{i}\" {{\n  namespace = \"default\"\n  name      = \"o{i}\"\n  \
             # What the team is told.\n  data = {{\n    \"a.b\" = \"text of {i}\"\n    size  = {i} + 2 * 3\n    \
             list  = join(\",\", [for n in range(3) : \"n-${{n}}\"])\n    long  = \"requests below the limits \
             of the namespace, as agreed\"\n  }}\n  labels = {{\n    team  = upper(\"team-{i}\")\n    \
             cheap = {i} > 10 ? \"yes\" : \"no\"\n  }}\n  annotations = {{\n    note = <<-EOT\n      first of {i}\n      \
             second\n    EOT\n  }}\n}}\n\n"
        );
    }
    text
}

/// Small blocks, each with three references to earlier ones.
fn small(nodes: usize) -> String {
    let mut text = String::with_capacity(nodes * 200);
    for i in 0..nodes {
        let needs: Vec<String> = [1, 7, 100]
            .iter()
            .filter_map(|back| Some(format!("config_map.o{}", i.checked_sub(*back)?)))
            .collect();
        let _ = write!(
            text,
            "resource \"config_map\" \"o{i}\" {{\n  namespace = \"default\"\n  name = \"o{i}\"\n  \
             depends_on = [{}]\n}}\n",
            needs.join(", ")
        );
    }
    text
}

/// Texts, each with its name.
fn hostile() -> Vec<(&'static str, String)> {
    let keys: Vec<String> = (0..30_000).map(|i| format!("    k{i} = {i}\n")).collect();
    let keys = keys.concat();
    vec![
        ("an object with 30,000 keys", format!("locals {{\n  o = {{\n{keys}  }}\n}}\n")),
        ("10,000 nested brackets", format!("locals {{\n  a = {}\n}}\n", "[".repeat(10_000))),
        ("200,000 nested parentheses", format!("locals {{\n  a = {}\n}}\n", "(".repeat(200_000))),
        ("a line of 10 MB", format!("locals {{\n  a = \"{}\"\n}}\n", "x".repeat(10_000_000))),
        (
            "a list of 2 million numbers",
            format!("locals {{\n  a = [{}]\n}}\n", "1, ".repeat(2_000_000)),
        ),
        (
            "a chain of 10,000 operators",
            format!("locals {{\n  a = 1{}\n}}\n", " + 1".repeat(10_000)),
        ),
        ("a path of 10,000 names", format!("locals {{\n  a = b{}\n}}\n", ".b".repeat(10_000))),
        ("100,000 open quotes", "locals {\n  a = \"x\n}\n".repeat(100_000)),
        (
            "a text that is never closed",
            format!("locals {{\n  a = <<EOT\n{}", "x\n".repeat(1_000_000)),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_the_size_that_the_promises_speak_of() {
        assert!((9.0..12.0).contains(&megabytes(&mixed(BLOCKS))), "{}", megabytes(&mixed(BLOCKS)));
        assert_eq!(small(200).matches("config_map.o").count(), 199 + 193 + 100);
        assert!(hostile().iter().all(|(_, text)| text.len() > 10_000));
    }

    #[test]
    fn a_broken_promise_is_said_loudly() {
        let row = |kept| Row { name: "P0".into(), figure: "1".into(), must: "2", kept };
        let text = report(&[row(Some(true)), row(Some(false)), row(None)], &["a machine".into()]);
        assert!(text.contains("| P0 | 1 | 2 | kept |") && text.contains("**NOT KEPT**"), "{text}");
        assert!(text.contains("| P0 | 1 | 2 | for information |"), "{text}");
    }
}
