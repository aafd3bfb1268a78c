//! What a plan of many objects costs on a real API server, beside a client that only pages
//! through the same lists, and beside `kubectl diff`.
//!
//! Wall time counts here: most of it is the server's. Requests are counted from the log of one
//! more run, since logging costs time.

use super::machine;
use super::measure::{Cost, Run, median};
use crate::trouble::{Doing, Trouble, print, say};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAMESPACE: &str = "clinch-bench";
/// How many of the objects are changed for the third figure.
const CHANGED: usize = 100;
/// The size at which `kubectl diff` is asked; it sends requests one after another.
const DIFFED: usize = 1_000;
/// The lists that a plan reads: `ConfigMap`s, and four kinds with a twentieth as many objects each.
const LISTS: [&str; 5] = [
    "/api/v1/configmaps",
    "/api/v1/serviceaccounts",
    "/api/v1/limitranges",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/networking.k8s.io/v1/networkpolicies",
];

/// What to measure with.
pub(super) struct Tools<'a> {
    pub(super) clinch: &'a Path,
    pub(super) kubeconfig: &'a Path,
    pub(super) folder: &'a Path,
    /// How many `ConfigMap`s; a fifth as many other objects come with them.
    pub(super) objects: usize,
    pub(super) runs: usize,
}

pub(super) fn run(tools: &Tools<'_>, machine: &[String]) -> Result<String, Trouble> {
    let figures = tools.figures()?;
    let text = figures.report(tools.objects, machine);
    print(&text)?;
    Ok(text)
}

/// All that was measured.
struct Figures {
    apply: Cost,
    /// A plan with nothing to change, and its requests.
    plan: Cost,
    quiet: BTreeMap<String, usize>,
    /// The same lists, read and decoded by a client that does nothing else, in the same way.
    bare: Cost,
    /// And as `kubectl` reads them.
    in_turn: Cost,
    /// A plan with some to change, and its requests.
    changed: Cost,
    busy: BTreeMap<String, usize>,
    /// A plan of fewer objects, and `kubectl diff` of them.
    small: Cost,
    diff: Cost,
}

impl Figures {
    fn report(&self, maps: usize, machine: &[String]) -> String {
        let mut text = String::from(
            "# Benchmarks on a real API server\n\nWritten by `cargo xtask bench --server KUBECONFIG`.\n\n",
        );
        for line in machine {
            let _ = writeln!(text, "- {line}");
        }
        let objects = maps + 4 * (maps / 20) + 1;
        let _ = writeln!(
            text,
            "- {objects} objects in one namespace, {maps} of them ConfigMaps\n\
             - bare lists: `kube`'s client reads and decodes the lists that a plan reads, all at\n  \
             once, in pages of as many objects, and keeps nothing; *in turn* it reads one list\n  \
             after another in pages of 500, as `kubectl` does\n\
             - server, clinch and bare client share the machine\n"
        );
        self.promises(maps, &mut text);
        text.push_str("\n| task | CPU s | wall s | peak MB |\n|---|---|---|---|\n");
        for (task, cost) in [
            ("apply", &self.apply),
            ("plan, no changes", &self.plan),
            ("bare lists", &self.bare),
            ("bare lists, in turn", &self.in_turn),
            ("plan, some changed", &self.changed),
            ("plan of fewer", &self.small),
            ("kubectl diff of these", &self.diff),
        ] {
            let Cost { cpu, wall, memory } = cost;
            let _ = writeln!(text, "| {task} | {cpu:.2} | {wall:.2} | {memory:.0} |");
        }
        text.push_str("\n## Requests of a plan with nothing to change\n\n");
        for (request, count) in &self.quiet {
            let _ = writeln!(text, "- {count} x `{request}`");
        }
        text
    }

    fn promises(&self, maps: usize, text: &mut String) {
        text.push_str("| promise | figure | must | |\n|---|---|---|---|\n");
        let verdict = |kept: Option<bool>| match kept {
            Some(true) => "kept",
            Some(false) => "**NOT KEPT**",
            None => "",
        };
        let mut promise = |name: &str, figure: String, must: &str, kept: Option<bool>| {
            let _ = writeln!(text, "| {name} | {figure} | {must} | {} |", verdict(kept));
        };
        let (plan, bare) = (&self.plan, &self.bare);
        let sent: usize = self.quiet.values().sum();
        promise("plan, no changes: requests", sent.to_string(), "at most 30", Some(sent <= 30));
        let ratio = plan.wall / bare.wall;
        promise(
            "plan, no changes: wall time against bare lists",
            format!("{:.2} s / {:.2} s = {ratio:.2}", plan.wall, bare.wall),
            "at most 1.5",
            Some(ratio <= 1.5),
        );
        let in_turn = self.in_turn.wall;
        let ratio = plan.wall / in_turn;
        promise(
            "plan, no changes: wall time against bare lists in turn",
            format!("{:.2} s / {in_turn:.2} s = {ratio:.2}", plan.wall),
            "-",
            None,
        );
        let memory = format!("{:.0} MB", plan.memory);
        promise(
            "plan, no changes: peak memory",
            memory,
            "at most 400 MB",
            Some(plan.memory <= 400.0),
        );
        let more = |what: &str| {
            let count = |requests: &BTreeMap<String, usize>| -> usize {
                requests.iter().filter(|(name, _)| name.starts_with(what)).map(|(_, n)| n).sum()
            };
            count(&self.busy).saturating_sub(count(&self.quiet))
        };
        promise(
            &format!("{CHANGED} changed: dry-runs more"),
            format!("{}, and {} other requests", more("PATCH"), more("") - more("PATCH")),
            &format!("at most {CHANGED}"),
            Some(more("PATCH") <= CHANGED),
        );
        let faster = self.diff.wall / self.small.wall;
        let fewer = DIFFED.min(maps);
        promise(
            &format!("plan of {fewer} against kubectl diff --server-side"),
            format!("{:.2} s / {:.2} s = 1/{faster:.0}", self.small.wall, self.diff.wall),
            "at most 1/10",
            Some(faster >= 10.0),
        );
    }
}

impl Tools<'_> {
    fn figures(&self) -> Result<Figures, Trouble> {
        let lists = machine::build("lists")?;
        let all = self.project("server", self.objects, 0)?;
        let clinch = |says: &str, arguments: &[&str]| self.clinch(&all, says, arguments);
        say("server: applying");
        let apply = clinch("Apply complete!", &["apply", "-auto-approve"]).measure()?;
        let plan = self.median("plan, no changes", || clinch("No changes.", &["plan"]))?;
        let paths = LISTS.iter().map(OsString::from);
        let read = |way: &str| Run {
            program: lists.clone(),
            arguments: [self.kubeconfig.into(), way.into()]
                .into_iter()
                .chain(paths.clone())
                .collect(),
            folder: all.clone(),
            environment: Vec::new(),
            says: "pages".to_owned(),
        };
        let bare = self.median("bare lists", || read("at-once"))?;
        let in_turn = self.median("bare lists, in turn", || read("in-turn"))?;
        let quiet = Self::requests(&clinch("No changes.", &["plan"]))?;
        self.project("server", self.objects, CHANGED)?;
        let says = format!("{CHANGED} to change");
        let changed = self.median("plan, some changed", || clinch(&says, &["plan"]))?;
        let busy = Self::requests(&clinch(&says, &["plan"]))?;
        self.project("server", self.objects, 0)?;

        let some = self.project("diff", DIFFED.min(self.objects), 0)?;
        let few = |says: &str, arguments: &[&str]| self.clinch(&some, says, arguments);
        few("Apply complete!", &["apply", "-auto-approve"]).measure()?;
        let small = self.median("plan of fewer", || few("No changes.", &["plan"]))?;
        let diff = self.kubectl_diff(&some)?;
        for (folder, says) in [(&some, "Destroy complete!"), (&all, "Destroy complete!")] {
            let arguments = ["destroy", "-auto-approve", "-allow=destroy", "-max-destroy=1000000"];
            self.clinch(folder, says, &arguments).measure()?;
        }
        Ok(Figures { apply, plan, quiet, bare, in_turn, changed, busy, small, diff })
    }

    /// Writes a configuration of this many `ConfigMap`s and what comes with them.
    fn project(&self, name: &str, objects: usize, changed: usize) -> Result<PathBuf, Trouble> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        let space = format!("{NAMESPACE}{}", if name == "server" { "" } else { "-diff" });
        let mut text = format!("resource \"namespace\" \"n\" {{\n  name = \"{space}\"\n}}\n");
        let head = "  namespace = namespace.n.name\n  name      =";
        for i in 0..objects {
            let colour = if i < changed { "red" } else { "blue" };
            let _ = writeln!(
                text,
                "resource \"config_map\" \"c{i}\" {{\n{head} \"c{i}\"\n  data      = {{ colour = \"{colour}\", size = \"{i}\" }}\n}}"
            );
        }
        for i in 0..objects / 20 {
            let _ = writeln!(
                text,
                "resource \"service_account\" \"s{i}\" {{\n{head} \"s{i}\"\n}}\n\
                 resource \"role\" \"r{i}\" {{\n{head} \"r{i}\"\n  rule {{\n    api_groups = [\"\"]\n    resources  = [\"pods\"]\n    verbs      = [\"get\"]\n  }}\n}}\n\
                 resource \"limit_range\" \"l{i}\" {{\n{head} \"l{i}\"\n  limit {{\n    type    = \"Container\"\n    default = {{ memory = \"{}Mi\" }}\n  }}\n}}\n\
                 resource \"network_policy\" \"p{i}\" {{\n{head} \"p{i}\"\n  policy_types = [\"Ingress\"]\n}}",
                i + 1
            );
        }
        fs::write(folder.join("main.hcl"), text).doing(|| "writing a configuration".to_owned())?;
        Ok(folder)
    }

    fn clinch(&self, folder: &Path, says: &str, arguments: &[&str]) -> Run {
        let mut all: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        all.extend(["-kubeconfig".into(), self.kubeconfig.into()]);
        Run {
            program: self.clinch.to_owned(),
            arguments: all,
            folder: folder.to_owned(),
            environment: Vec::new(),
            says: says.to_owned(),
        }
    }

    fn median(&self, task: &str, run: impl Fn() -> Run) -> Result<Cost, Trouble> {
        say(format_args!("server: {task}"));
        let costs = (0..self.runs).map(|_| run().measure()).collect::<Result<Vec<_>, _>>()?;
        median(&costs).ok_or_else(|| Trouble::new("nothing was measured"))
    }

    /// How often each request is sent: method and path, without what differs from page to page.
    fn requests(run: &Run) -> Result<BTreeMap<String, usize>, Trouble> {
        let output = Command::new(&run.program)
            .args(&run.arguments)
            .current_dir(&run.folder)
            .env("CLINCH_LOG", "kube_client=debug")
            .env("NO_COLOR", "1")
            .output()
            .doing(|| "starting clinch".to_owned())?;
        let log = String::from_utf8_lossy(&output.stderr);
        let mut found = BTreeMap::new();
        for line in log.lines().filter(|line| line.ends_with("requesting")) {
            let word = |name: &str| {
                let rest = line.split_once(name).map(|(_, rest)| rest).unwrap_or_default();
                rest.split([' ', '}']).next().unwrap_or_default().to_owned()
            };
            let url = word("http.url=");
            let path = url.splitn(4, '/').nth(3).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            *found.entry(format!("{} /{path}", word("http.method="))).or_insert(0) += 1;
        }
        if found.is_empty() {
            return Err(Trouble::new("the log of clinch names no request"));
        }
        Ok(found)
    }

    /// The same objects as `kubectl` has them, compared by `kubectl diff --server-side`.
    fn kubectl_diff(&self, folder: &Path) -> Result<Cost, Trouble> {
        let mut text = String::new();
        for i in 0..DIFFED.min(self.objects) {
            let _ = writeln!(
                text,
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{i}\n  namespace: {NAMESPACE}-diff\ndata:\n  colour: blue\n  size: \"{i}\"\n---"
            );
        }
        fs::write(folder.join("all.yaml"), text).doing(|| "writing manifests".to_owned())?;
        let kubectl = std::env::var_os("CLINCH_TEST_KUBECTL").unwrap_or_else(|| "kubectl".into());
        say("server: kubectl diff --server-side");
        let arguments =
            ["diff", "--server-side", "--field-manager=kubectl", "-f", "all.yaml", "--kubeconfig"];
        Run {
            program: kubectl.into(),
            arguments: arguments
                .iter()
                .map(OsString::from)
                .chain([self.kubeconfig.into()])
                .collect(),
            folder: folder.to_owned(),
            environment: Vec::new(),
            says: String::new(),
        }
        .measure()
    }
}
