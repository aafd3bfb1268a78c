//! What happened so far, as far as an invariant wants to know it.

use crate::operator::Exit;
use crate::site::SECRET_FILE;
use crate::touch::{Request, Touch, tells};
use crate::world::{CONFIG, Machine};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use plans::{Plan, Step, StepId};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) trace: Vec<String>,
    /// A number that differs when anything of the trace did.
    pub(crate) digest: u64,
    /// How often everything was looked at.
    pub(crate) events: u64,
    /// Nodes that were named at the end of a process since clinch cordoned them.
    pub(crate) named: BTreeSet<String>,
    /// Nodes whose kubelets are not as they should be, which was said.
    pub(crate) unwell: BTreeSet<String>,
    /// Nodes that clinch had cordoned when the present process began.
    pub(crate) left: BTreeSet<String>,
    /// Nodes whose kubelets did not come up after a reboot, as nobody knows at first, and that clinch
    /// has not touched since.
    pub(crate) fell: BTreeSet<String>,
    /// Nodes that a person cordoned.
    pub(crate) foreign: BTreeSet<String>,
    /// Whether a person changed something that clinch looks after.
    pub(crate) meddled: bool,
    /// Nodes whose files a person wrote.
    pub(crate) edited: BTreeSet<String>,
    /// What files may hold, by node and path.
    pub(crate) contents: BTreeMap<(String, String), BTreeSet<String>>,
    /// Plans that were approved, by name.
    plans: BTreeMap<String, Arc<Plan>>,
    /// What the server holds of the journal.
    pub(crate) journal: Durable,
    /// What the present process said, as far as it is of use.
    pub(crate) said: Vec<String>,
    /// Where the secret was seen that must be nowhere.
    pub(crate) leaks: Vec<String>,
    /// Writes to the world of the present process; those to clinch's memory are none.
    pub(crate) writes: u64,
    /// The number of the last change of hands, by the head that the server holds.
    pub(crate) fence: u64,
    /// The process that changed hands last.
    pub(crate) owner: u32,
    /// What was written to the state by a process that had lost the lock.
    pub(crate) late_writes: Vec<String>,
    /// The greatest number under which somebody worked on a host, by its node.
    on_hosts: BTreeMap<String, u64>,
    /// What was done on a host under a smaller one.
    pub(crate) late_effects: Vec<String>,
    pub(crate) exits: Vec<Exit>,
}

/// What can be read in the journal that the server holds.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    /// Lines of each piece that were read.
    read: BTreeMap<String, usize>,
    /// The name of the plan.
    plan: String,
    /// Steps that were begun, and not seen to end.
    pub(crate) open: BTreeSet<StepId>,
    /// Whether the run is not finished.
    pub(crate) unfinished: bool,
}

impl History {
    pub(crate) fn new(machines: &BTreeMap<String, Machine>) -> Self {
        let mut history = Self::default();
        for (node, machine) in machines {
            history.allow(node, CONFIG, machine.file(CONFIG).unwrap_or_default());
        }
        history
    }

    /// One line of the trace.
    pub(crate) fn note(&mut self, now: Duration, text: &str) {
        let line = format!("{:>8.1}s {text}", now.as_secs_f64());
        for byte in line.bytes() {
            // FNV-1a.
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.trace.push(line);
    }

    /// A file may hold this from now on.
    pub(crate) fn allow(&mut self, node: &str, path: &str, text: impl Into<String>) {
        let place = (node.to_owned(), path.to_owned());
        self.contents.entry(place).or_default().insert(text.into());
    }

    /// A person wrote a file.
    pub(crate) fn somebody_wrote(&mut self, node: &str, path: &str, text: &str) {
        self.allow(node, path, text);
        self.edited.insert(node.to_owned());
        self.meddled = true;
    }

    /// A plan is about to be applied.
    pub(crate) fn approved(&mut self, plan: Arc<Plan>) {
        for step in &plan.steps {
            let text = |name: &str| {
                let value = step.op.args.get(name).map(|value| value.exposed().0);
                value.as_ref().and_then(|value| value.as_str().map(str::to_owned))
            };
            let of = |name: &str| step.op.identity.args.get(name).and_then(|v| v.as_str());
            if let (Some(node), Some(path), Some(content)) =
                (of("node"), of("path"), text("content"))
            {
                self.allow(node, path, content);
            }
        }
        self.plans.insert(plan.id.clone(), plan);
    }

    /// The plan that the journal is about.
    pub(crate) fn plan(&self) -> Option<&Arc<Plan>> {
        self.plans.get(&self.journal.plan)
    }

    /// Steps that are begun by the journal that the server holds.
    pub(crate) fn open_steps(&self) -> Vec<&Step> {
        let plan = self.plan();
        let open = self.journal.open.iter();
        open.filter_map(|id| plan?.steps.iter().find(|step| step.id == *id)).collect()
    }

    /// Something was done.
    pub(crate) fn done(&mut self, touch: &Touch, _now: Duration) {
        if !touch.is_of_state() {
            self.writes += 1;
        }
        match touch {
            Touch::Object(request) if request.tells => self.leaks.push("a request".to_owned()),
            Touch::Command { node, words } => {
                self.fell.remove(node);
                self.sees(&words.join(" "), "the words of a command");
            }
            Touch::File { path, content: Some(content), .. } if path != SECRET_FILE => {
                let text = String::from_utf8_lossy(content).into_owned();
                self.sees(&text, path);
            }
            Touch::Object(_) | Touch::File { .. } => {}
        }
    }

    /// Somebody did this on a host under this number.
    pub(crate) fn did_on(&mut self, node: &str, number: Option<u64>, what: &str) {
        let number = number.unwrap_or(0);
        let greatest = self.on_hosts.entry(node.to_owned()).or_default();
        if number < *greatest {
            self.late_effects.push(what.to_owned());
        }
        *greatest = number.max(*greatest);
    }

    /// What clinch remembers was written.
    pub(crate) fn remembered(&mut self, request: &Request) {
        let content = request.body["data"]["content"].as_str();
        let content = content.and_then(|text| BASE64_STANDARD.decode(text).ok());
        let content = content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match (request.part(), content) {
            ("journal", Some(text)) => {
                self.sees(&text, "the journal");
                self.journal.reads(&request.name, &text);
            }
            ("head", Some(text)) => {
                if let Ok(head) = schemas::head::read(text.as_bytes()) {
                    self.fence = head.fence;
                }
            }
            (_, _) => {}
        }
    }

    /// Something was said, or written down.
    pub(crate) fn say(&mut self, text: &str) {
        self.sees(text, "what was said");
        self.said.push(text.to_owned());
    }

    /// Looks for the secret in something.
    fn sees(&mut self, text: &str, place: &str) {
        if tells(text) {
            self.leaks.push(place.to_owned());
        }
    }

    /// A process begins, and finds these nodes cordoned by clinch.
    pub(crate) fn begins(&mut self, left: BTreeSet<String>) {
        self.left = left;
        self.said.clear();
        self.writes = 0;
    }
}

impl Durable {
    /// A piece of the journal as the server has it now.
    fn reads(&mut self, piece: &str, text: &str) {
        let known = self.read.get(piece).copied().unwrap_or(0);
        let lines: Vec<&str> = text.lines().collect();
        for line in lines.iter().skip(known) {
            let line: Json = serde_json::from_str(line).unwrap_or_default();
            self.entry(&line["entry"]);
        }
        self.read.insert(piece.to_owned(), lines.len());
    }

    fn entry(&mut self, entry: &Json) {
        let step = |of: &Json| {
            let number = of["step"].as_u64().and_then(|n| u32::try_from(n).ok());
            StepId(number.unwrap_or_default())
        };
        if let Some(plan) = entry["run_started"]["plan"].as_str()
            && plan != self.plan
        {
            plan.clone_into(&mut self.plan);
            self.open.clear();
        }
        if !entry["run_started"].is_null() {
            self.unfinished = true;
        }
        if !entry["run_finished"].is_null() {
            self.unfinished = false;
        }
        if !entry["begin"].is_null() {
            self.open.insert(step(&entry["begin"]));
        }
        if !entry["end"].is_null() {
            // One that is in doubt may still be looked after.
            if entry["end"]["ended"] != "in_doubt" {
                self.open.remove(&step(&entry["end"]));
            }
        }
    }
}
