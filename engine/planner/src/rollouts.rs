//! What the configuration says about how nodes take turns.

use crate::roster::{Roster, Selected};
use crate::{Planning, codes, declare};
use config::RolloutBlock;
use diags::{Diagnostic, Diagnostics, Span};
use plans::{Mode, Rollout, Window};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use values::{Number, Value};

/// One `rollout` block, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The rules for its nodes.
    pub(crate) rules: Rollout,
    /// How many nodes are begun before the ones after them; `None` for all.
    pub(crate) batch: Option<usize>,
    /// How many nodes come before all others.
    pub(crate) canary: usize,
    /// How long a drain may take, if it is said.
    pub(crate) drain: Option<Duration>,
    /// Its nodes in the order of their turns.
    pub(crate) nodes: Vec<String>,
    /// The same as a value.
    pub(crate) listed: Value,
}

/// The rollouts of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wishes {
    /// In the order in which they are written.
    pub(crate) all: Vec<Wish>,
    /// By node: which rollout, and its place there.
    places: BTreeMap<String, (usize, usize)>,
}

impl Wishes {
    /// Reads them. What is wrong with one is told, and the plan is not complete then; so is a name
    /// that is nobody's, for which the `roster` is looked at.
    pub(crate) fn of(roster: &Roster<'_, '_>, planning: &mut Planning) -> Self {
        let (mut wishes, input) = (Self::default(), roster.input);
        let root = input.config.modules.get(&Vec::new());
        // What has drifted is told, and nothing is done about it.
        if input.options.mode == Mode::Drift || root.is_none_or(|m| m.rollouts.is_empty()) {
            return wishes;
        }
        let mut evaluator = declare::evaluator(input);
        for (addr, exported) in &planning.exports {
            evaluator.set(addr.clone(), exported.clone());
        }
        let (blocks, problems) = evaluator.rollouts();
        let failed = problems.has_errors();
        planning.diagnostics.extend(problems);
        if failed {
            return wishes;
        }
        let mut selected: BTreeMap<String, &RolloutBlock> = BTreeMap::new();
        let mut given = Vec::new();
        for (block, value) in blocks {
            let mut reader =
                Reader { block, value: &value, given: Vec::new(), told: Diagnostics::new() };
            let wish = reader.wish();
            for node in &wish.nodes {
                if let Some(first) = selected.insert(node.clone(), block) {
                    reader.told.push(selected_twice(node, first, block));
                }
                let place = (wishes.all.len(), wishes.places.len());
                wishes.places.insert(node.clone(), place);
            }
            if !reader.told.has_errors() {
                given.push(Selected { block, nodes: reader.given });
            }
            planning.diagnostics.extend(reader.told);
            wishes.all.push(wish);
        }
        roster.check(&given, &evaluator, planning);
        wishes
    }

    /// Which rollout a node belongs to, and its place among all.
    pub(crate) fn place(&self, node: &str) -> Option<(usize, usize)> {
        self.places.get(node).copied()
    }

    /// The rollout of a node.
    pub(crate) fn of_node(&self, node: &str) -> Option<&Wish> {
        self.all.get(self.place(node)?.0)
    }
}

fn selected_twice(node: &str, first: &RolloutBlock, second: &RolloutBlock) -> Diagnostic {
    Diagnostic::error(
        codes::SELECTED_TWICE,
        "Node of two rollouts",
        format!(
            "The node `{node}` is selected by `rollout.{}` and by `rollout.{}`, so nobody can say \
             which rules hold for it.",
            first.name, second.name
        ),
    )
    .at(argument(second, "nodes"), "again here")
    .at(argument(first, "nodes"), "first here")
    .with_help("Take it out of one of the two.")
}

fn argument(block: &RolloutBlock, name: &str) -> Span {
    block.body.arguments.get(name).map_or(block.span, |argument| argument.value.span)
}

struct Reader<'r> {
    block: &'r RolloutBlock,
    value: &'r Value,
    /// Its nodes as they are written.
    given: Vec<String>,
    told: Diagnostics,
}

impl Reader<'_> {
    fn wish(&mut self) -> Wish {
        let mut nodes = self.nodes();
        let count = nodes.len();
        match self.text("order_by", "\"given\" or \"name\"").as_deref() {
            None | Some("given") => {}
            Some("name") => nodes.sort(),
            Some(other) => {
                let detail = format!("Nodes cannot be put in order by `{other}`.");
                let help = "Write \"given\", for the order of `nodes`, or \"name\".";
                self.wrong("order_by", &detail, help);
            }
        }
        let max_unavailable = self.share("max_unavailable", count, 1).unwrap_or(1);
        let pause = self.duration("pause_between", 0);
        let batch = self.share("batch", count, 1);
        // Without batches there is nothing to pause between.
        let batch = batch.or(pause.map(|_| max_unavailable));
        Wish {
            rules: Rollout {
                name: Some(self.block.name.to_string()),
                last: false,
                max_unavailable: u32::try_from(max_unavailable).unwrap_or(u32::MAX),
                max_failures: self
                    .share("max_failures", count, 0)
                    .map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX)),
                pause: pause.unwrap_or_default(),
                window: self.window(),
            },
            batch,
            canary: self.share("canary", count, 0).unwrap_or(0),
            drain: self.duration("drain_timeout", 1),
            listed: Value::list(nodes.iter().map(|node| node.as_str().into())),
            nodes,
        }
    }

    fn nodes(&mut self) -> Vec<String> {
        const HELP: &str = "Write names of nodes, `[\"worker-1\", \"worker-2\"]`, or take them from a \
                            data source.";
        let Some(value) = self.known("nodes") else { return Vec::new() };
        let Some(list) = value.as_list() else {
            self.wrong("nodes", "`nodes` is a list of names.", HELP);
            return Vec::new();
        };
        let mut nodes: Vec<String> = Vec::with_capacity(list.len());
        let mut twice = BTreeSet::new();
        for item in list {
            match item.as_str() {
                Some("") | None => self.wrong("nodes", "`nodes` is a list of names.", HELP),
                Some(node) if !twice.insert(node) => {
                    let detail = format!("The node `{node}` is in the list twice.");
                    self.wrong("nodes", &detail, "Take one of the two out.");
                }
                Some(node) => nodes.push(node.to_owned()),
            }
        }
        self.given.clone_from(&nodes);
        nodes
    }

    /// A number of nodes, or a share of them, rounded down, and at least `least`.
    fn share(&mut self, name: &str, count: usize, least: usize) -> Option<usize> {
        let help = format!("Write a whole number from {least} on, or a share such as \"10%\".");
        let value = self.known(name)?;
        let found = match &value {
            Value::Number(number) => whole(number).filter(|n| *n >= least),
            Value::String(text) => text
                .strip_suffix('%')
                .and_then(|share| share.parse::<usize>().ok())
                .filter(|share| *share <= 100 && (*share > 0 || least == 0))
                .map(|share| (count * share / 100).max(least)),
            _ => None,
        };
        if found.is_none() {
            self.wrong(name, &format!("`{name}` is not a number of nodes."), &help);
        }
        found
    }

    fn duration(&mut self, name: &str, least: u64) -> Option<Duration> {
        let text = self.text(name, "\"90s\", \"10m\" or \"1h\"")?;
        let found = lang::seconds(&text).filter(|seconds| *seconds >= least);
        if found.is_none() {
            let detail = format!("`{text}` is not a time from {least}s to 24h.");
            self.wrong(name, &detail, "Write \"90s\", \"10m\" or \"1h\".");
        }
        found.map(Duration::from_secs)
    }

    fn window(&mut self) -> Option<Window> {
        const EXAMPLE: &str = "\"Sat,Sun 22:00-04:00 UTC\"";
        let text = self.text("window", EXAMPLE)?;
        match text.parse() {
            Ok(window) => Some(window),
            Err(why) => {
                let help =
                    format!("Write days (all, when there are none), times and a zone: {EXAMPLE}.");
                self.wrong("window", &why, &help);
                None
            }
        }
    }

    fn text(&mut self, name: &str, example: &str) -> Option<String> {
        let value = self.known(name)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            let help = format!("Write {example}.");
            self.wrong(name, &format!("`{name}` is a string."), &help);
        }
        text
    }

    /// The value of an argument that is given and not null.
    fn known(&mut self, name: &str) -> Option<Value> {
        let value = self.value.get(name)?;
        if value.has_sensitive() {
            let detail = format!("`{name}` is sensitive, and a plan shows it.");
            self.wrong(name, &detail, "Use a value that is not.");
            return None;
        }
        if !value.is_known() {
            let detail = format!(
                "`{name}` is known only after apply, and the order of the steps is a part of the plan."
            );
            self.wrong(name, &detail, "Use variables, locals and data sources.");
            return None;
        }
        (*value != Value::Null).then(|| value.clone())
    }

    fn wrong(&mut self, name: &str, detail: &str, help: &str) {
        let diagnostic = Diagnostic::error(codes::BAD_ROLLOUT, "Invalid rollout", detail);
        let diagnostic = diagnostic.at(argument(self.block, name), "").with_help(help);
        self.told.push(diagnostic);
    }
}

fn whole(number: &Number) -> Option<usize> {
    number.to_string().parse().ok()
}
