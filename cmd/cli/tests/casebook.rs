//! Runs the casebook: every scenario of `testdata/cases/*.md`, in a folder of its own. Here each
//! is played in the sandbox; `real::casebook` plays them on a real server.
//!
//! A scenario is a heading, a sentence that says why, and fenced blocks that are done in
//! order. `UPDATE_EXPECT=1` writes what was printed into the blocks.
//!
//! | block | does |
//! | --- | --- |
//! | `hcl` | writes a file: `main.hcl`, or the one that a first line `# file: NAME` names |
//! | `world` | writes objects as somebody else, with kubectl, would; `deleted: true` deletes |
//! | `host` | writes a file on a node's host as somebody by hand would: `# NODE:PATH`, then the content |
//! | `plan` | `clinch plan`: the plan, without its first line and the legend |
//! | `drift` | `clinch drift`, as `plan` |
//! | `apply` | `clinch apply -auto-approve -allow=destroy`: what follows the plan |
//! | `events` | what the last apply did, in order |
//! | `diagnostics` | what the last command complained about; plans when none ran |
//! | `commands` | lines that begin with `$ clinch`, each with what it prints |

use crate::support::{Desk, Said};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A file of the casebook, in pieces that joined are the file again.
pub(crate) struct Chapter {
    path: PathBuf,
    pieces: Vec<Piece>,
    pub(crate) scenarios: Vec<Scenario>,
}

enum Piece {
    Text(String),
    /// The body of a block, by its scenario and its place there.
    Block(usize, usize),
}

pub(crate) struct Scenario {
    /// The file and the heading: `create.md: A second plan is empty`.
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

pub(crate) struct Block {
    pub(crate) kind: String,
    pub(crate) body: String,
}

/// All files of the casebook, in the order of their names.
pub(crate) fn chapters() -> Vec<Chapter> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    files.into_iter().map(Chapter::read).collect()
}

#[test]
fn every_scenario_prints_what_the_casebook_says() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let (mut scenarios, mut wrong) = (0, Vec::new());
    for chapter in chapters() {
        let played: Vec<Vec<String>> =
            chapter.scenarios.iter().map(|scenario| scenario.play(Desk::new())).collect();
        for (scenario, now) in chapter.scenarios.iter().zip(&played) {
            for (Block { kind, body }, now) in scenario.blocks.iter().zip(now) {
                if now != body {
                    wrong.push(format!(
                        "---- {}: {kind}\n---- expected\n{body}---- printed\n{now}",
                        scenario.name
                    ));
                }
            }
        }
        scenarios += played.len();
        if update {
            chapter.rewrite(&played);
        }
    }
    println!("{scenarios} scenarios");
    assert!(scenarios >= 20, "the casebook is nearly empty: {scenarios} scenarios");
    assert!(
        update || wrong.is_empty(),
        "{} blocks differ; UPDATE_EXPECT=1 rewrites them\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

impl Chapter {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let (mut pieces, mut scenarios) = (Vec::new(), Vec::<Scenario>::new());
        let (mut outside, mut heading) = (String::new(), None);
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            writeln!(outside, "{line}").unwrap();
            if let Some(title) = line.strip_prefix("## ") {
                heading = Some(format!("{file}: {title}"));
            }
            let Some(kind) = line.strip_prefix("```").filter(|b| !b.is_empty()) else { continue };
            let body: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            let body: String = body.iter().flat_map(|l| [*l, "\n"]).collect();
            if let Some(name) = heading.take() {
                scenarios.push(Scenario { name, blocks: Vec::new() });
            }
            let at = scenarios.len().checked_sub(1).expect("a heading before the first block");
            pieces.push(Piece::Text(std::mem::replace(&mut outside, "```\n".to_owned())));
            pieces.push(Piece::Block(at, scenarios[at].blocks.len()));
            scenarios[at].blocks.push(Block { kind: kind.to_owned(), body });
        }
        pieces.push(Piece::Text(outside));
        assert!(!scenarios.is_empty(), "{file} has no scenario with a block");
        Self { path, pieces, scenarios }
    }

    /// Writes the file with other bodies in its blocks.
    fn rewrite(&self, played: &[Vec<String>]) {
        let text: String = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Block(scenario, block) => &played[*scenario][*block],
            })
            .collect();
        if text != std::fs::read_to_string(&self.path).unwrap() {
            std::fs::write(&self.path, text).unwrap();
        }
    }
}

impl Scenario {
    /// All that is said and expected in it.
    pub(crate) fn text(&self) -> String {
        self.blocks.iter().map(|block| block.body.as_str()).collect()
    }

    /// Does what the blocks say; returns them as they should be.
    pub(crate) fn play(&self, desk: Desk) -> Vec<String> {
        let mut play = Play { desk, last: None };
        self.blocks.iter().map(|block| play.block(&block.kind, &block.body)).collect()
    }
}

/// A scenario as it goes on.
struct Play {
    desk: Desk,
    last: Option<Said>,
}

impl Play {
    /// Does what a block says; returns the block as it should be.
    fn block(&mut self, block: &str, body: &str) -> String {
        match block {
            "hcl" => {
                let named = body.strip_prefix("# file: ").and_then(|b| b.split_once('\n'));
                let (name, text) = named.unwrap_or(("main.hcl", body));
                if text.lines().any(|line| line.starts_with("cluster ")) {
                    self.desk.forget_cluster();
                }
                self.desk.write(name, text);
                self.last = None;
                body.to_owned()
            }
            "world" => {
                self.desk.somebody_writes(body);
                self.last = None;
                body.to_owned()
            }
            "host" => {
                self.desk.somebody_edits(body);
                self.last = None;
                body.to_owned()
            }
            "plan" => self.said(&["plan"], |said| shown(&said.out)),
            "drift" => self.said(&["drift"], |said| shown(&said.out)),
            "apply" => self
                .said(&["apply", "-auto-approve", "-allow=destroy", "-parallelism=1"], |said| {
                    after_plan(&said.out)
                }),
            "events" => talk(&self.last.as_ref().expect("an apply before events").err, false),
            "diagnostics" => {
                if self.last.is_none() {
                    self.last = Some(self.desk.run(&["plan"]));
                }
                talk(&self.last.as_ref().expect("just set").err, true)
            }
            "commands" => self.commands(body),
            other => panic!("there is no block `{other}`"),
        }
    }

    fn said(&mut self, args: &[&str], show: impl Fn(&Said) -> String) -> String {
        let said = self.desk.run(args);
        let text = show(&said);
        self.last = Some(said);
        text
    }

    fn commands(&mut self, body: &str) -> String {
        let mut out = String::new();
        for line in body.lines().filter_map(|l| l.strip_prefix("$ ")) {
            let said = self.desk.line(line);
            writeln!(out, "$ {line}").unwrap();
            out.push_str(&shown(&said.out));
            out.push_str(&talk(&said.err, true));
            if said.code != 0 {
                writeln!(out, "[exit code {}]", said.code).unwrap();
            }
            self.last = Some(said);
        }
        out
    }
}

/// A plan without what is the same in every plan.
fn shown(out: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    let mut in_legend = false;
    for line in out.lines() {
        in_legend |= line.starts_with("Resource actions are indicated");
        let skip = in_legend || is_target(line);
        in_legend &= !line.is_empty();
        if !skip && (!line.is_empty() || lines.last().is_some_and(|l| !l.is_empty())) {
            lines.push(line);
        }
    }
    joined(&lines)
}

/// The first line of a plan: `Cluster prod v1.37.2 at https://... (uid ...), project web`.
fn is_target(line: &str) -> bool {
    line.starts_with("Cluster ") && line.contains(" at ") && line.contains(", project ")
}

/// What an apply prints after its plan.
fn after_plan(out: &str) -> String {
    let rest = out.rfind("\nPlan: ").map_or(out, |at| {
        let rest = &out[at + 1..];
        rest.split_once('\n').map_or("", |(_, rest)| rest)
    });
    shown(rest)
}

/// What is told: what is done, or what is wrong.
fn talk(err: &str, complaints: bool) -> String {
    // What is told only when it takes a while depends on the machine.
    let told = |line: &str| {
        let slow = ["Look", "Asking the server"];
        slow.iter().any(|s| line.starts_with(s)) || line.contains(": Still ")
    };
    let did = |line: &str| {
        let verbs = ["Creating", "Creation", "Modif", "Destr", "Delet", "Replac", "Forg", "Mov"];
        // A resource of several steps tells of each.
        let is_step = |r: &str| r.starts_with("step ") || r.ends_with("...");
        let is = |r: &str| verbs.iter().any(|v| r.starts_with(v)) || is_step(r);
        // What surrounds changes of a node is of no resource.
        let of_node = line.starts_with("Step ");
        !of_node
            && !line.starts_with([' ', '│', '╷', '╵'])
            && line.split_once(": ").is_some_and(|(_, r)| is(r))
    };
    let lines: Vec<&str> = err.lines().filter(|l| !told(l) && did(l) != complaints).collect();
    joined(&lines)
}

fn joined(lines: &[&str]) -> String {
    let text = lines.join("\n");
    let text = text.trim_matches('\n');
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}
