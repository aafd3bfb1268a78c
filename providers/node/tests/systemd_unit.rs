//! Units of systemd: the file, and whether it is heeded.

use crate::support::{answer, request, told};
use access::{Expected, FolderHost, Host, Hosts, MemoryHost, Output, WriteFile};
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{Observation, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::{Arc, Mutex};
use values::{Disruption, Type, Value};

pub(crate) const PATH: &str = "/etc/systemd/system/probe.service";
pub(crate) const GOOD: &str =
    "[Service]\nExecStart=/bin/probe\n[Install]\nWantedBy=multi-user.target\n";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "systemd_unit").unwrap()
}

pub(crate) fn args(content: &str, flags: &[(&str, bool)]) -> Value {
    of_unit("probe.service", "", content, flags)
}

fn of_unit(unit: &str, drop_in: &str, content: &str, flags: &[(&str, bool)]) -> Value {
    let texts = [("node", "w1"), ("unit", unit), ("drop_in", drop_in), ("content", content)];
    let texts = texts.into_iter().map(|(name, text)| (name, Value::from(text)));
    let flags = [("restart", true)].into_iter().chain(flags.iter().copied());
    Value::map(texts.chain(flags.map(|(name, flag)| (name, Value::from(flag)))))
}

/// A host whose systemd knows one unit. What its file says decides what becomes of it: `wrong`
/// fails the check, `crash` fails the start, `exit` ends at once.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) host: MemoryHost,
    systemd: Arc<Mutex<Systemd>>,
}

#[derive(Default)]
struct Systemd {
    active: bool,
    enabled: bool,
    /// The file as it was last read.
    loaded: Option<String>,
    ran: Vec<String>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let disk = MemoryHost::new("w1");
        let systemd = Arc::new(Mutex::new(Systemd::default()));
        let (files, shared) = (disk.clone(), systemd.clone());
        let host = disk.with_program(move |words, _| {
            let file = files.dump().get(PATH).cloned();
            shared.lock().unwrap().run(words, file)
        });
        Self { host, systemd }
    }

    /// With the unit as somebody applied it before.
    async fn with(content: &str, flags: &[(&str, bool)]) -> Self {
        let machine = Self::new();
        machine.apply(Some(&args(content, flags))).await.unwrap();
        machine.ran();
        machine
    }

    fn provider(&self) -> NodeProvider {
        provider(self.host.clone())
    }

    async fn planned(&self, args: Option<&Value>) -> Planned {
        planned(&self.provider(), args).await
    }

    async fn apply(&self, args: Option<&Value>) -> Result<(), StepError> {
        let op = only_op(self.planned(args).await);
        let provider = self.provider();
        assert_eq!(provider.settle(&op).await, Ok(Settled::NotDone), "{}", op.text);
        provider.perform(&op, &|_| ()).await?;
        assert!(matches!(provider.settle(&op).await, Ok(Settled::Done(_))), "{}", op.text);
        provider.perform(&op, &|_| ()).await.map(|_| ())
    }

    pub(crate) fn is(&self) -> (bool, bool) {
        let systemd = self.systemd.lock().unwrap();
        (systemd.active, systemd.enabled)
    }

    fn file(&self) -> Option<String> {
        self.host.dump().get(PATH).cloned()
    }

    async fn edit(&self, content: &str) {
        let (content, expected) = (content.as_bytes(), Expected::Anything);
        let file = WriteFile::new(PATH, content, 0o644, expected);
        self.host.write(file).await.unwrap();
    }

    /// What was told to systemd since the last time, without what only looks.
    fn ran(&self) -> String {
        let ran = std::mem::take(&mut self.systemd.lock().unwrap().ran);
        ran.join(", ")
    }
}

impl Systemd {
    fn run(&mut self, words: &[&str], file: Option<String>) -> Output {
        let said = |status, text: &str| Output {
            status: Some(status),
            stdout: text.into(),
            stderr: if status == 0 { Vec::new() } else { text.into() },
        };
        let says =
            |file: &Option<String>, what: &str| file.as_ref().is_some_and(|f| f.contains(what));
        if words[1] == "show" {
            let yes = |is| if is { "yes" } else { "no" };
            let path = if self.loaded.is_some() { PATH } else { "" };
            return said(
                0,
                &format!(
                    "ActiveState={}\nUnitFileState={}\nNeedDaemonReload={}\nFragmentPath={path}\n",
                    if self.active { "active" } else { "inactive" },
                    match (&self.loaded, self.enabled) {
                        (None, _) => "",
                        (Some(_), true) => "enabled",
                        (Some(_), false) => "disabled",
                    },
                    yes(self.loaded.is_some() && self.loaded != file),
                ),
            );
        }
        if words[0] == "journalctl" {
            return said(0, "probe[7]: cannot bind\x1b[31m\nprobe.service: Failed\n");
        }
        let told: Vec<&str> = words.iter().copied().filter(|w| !w.starts_with("--")).collect();
        self.ran.push(told[1..].join(" "));
        match words[1] {
            "verify" if says(&file, "wrong") => {
                return said(1, "probe.service:2: Unknown section 'Servcie'.\n");
            }
            "verify" if says(&file, "misspelt") => {
                let why =
                    format!("other.service:1: no\n{PATH}:4: Unknown key 'misspelt', ignoring.\n");
                return Output { stderr: why.into(), ..said(0, "") };
            }
            "verify" => {}
            "daemon-reload" => self.loaded = file,
            "stop" => self.active = false,
            "start" if says(&self.loaded, "crash") => {
                return said(1, "Job for probe.service failed.\n");
            }
            "start" => self.active = !says(&self.loaded, "exit"),
            "enable" | "disable" if self.loaded.is_none() => return said(1, "No such unit.\n"),
            "enable" => self.enabled = says(&self.loaded, "[Install]"),
            "disable" => self.enabled = false,
            other => panic!("{other}"),
        }
        said(0, "")
    }
}

fn provider(host: impl Host + 'static) -> NodeProvider {
    NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop")
}

fn identity(args: &Value) -> Identity {
    kind().identify(args).unwrap()
}

async fn planned(provider: &NodeProvider, args: Option<&Value>) -> Planned {
    let identity = identity(args.unwrap_or(&self::args("", &[])));
    let wanted = Wanted { ty: kind().name().clone(), identity: identity.clone() };
    let observed: Observation = provider.observe(vec![wanted]).await.remove(0);
    kind().plan(&request(&identity, args, &observed))
}

fn only_op(planned: Planned) -> Op {
    match planned {
        Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
        other => panic!("{other:?}"),
    }
}

fn cost(planned: &Planned) -> Disruption {
    match planned {
        Planned::Decided(decision) => decision.disruption,
        other => panic!("{other:?}"),
    }
}

pub(crate) const RUNS: [(&str, bool); 2] = [("enabled", true), ("active", true)];

#[tokio::test]
async fn unit_is_checked_read_started_and_enabled_and_goes_without_a_trace() {
    let machine = Machine::new();
    let asked = args(GOOD, &RUNS);
    let plan = machine.planned(Some(&asked)).await;
    assert_eq!(cost(&plan), Disruption::Quiet);
    assert_eq!(
        answer(&plan),
        "Create (Local)
after: active=true content=\"[Service]\\nExecStart=/bin/probe\\n[Install]\\nWantedBy=multi-user.target\\n\" enabled=true mode=\"0644\"
op: write /etc/systemd/system/probe.service on w1 (guarded)"
    );
    machine.apply(Some(&asked)).await.unwrap();
    assert_eq!(
        machine.ran(),
        "verify /etc/systemd/system/probe.service, daemon-reload, start probe.service, enable \
         probe.service, verify /etc/systemd/system/probe.service, daemon-reload"
    );
    assert!(answer(&machine.planned(Some(&asked)).await).starts_with("NoOp"));
    assert_eq!(machine.is(), (true, true));

    let removal = machine.planned(None).await;
    assert_eq!(cost(&removal), Disruption::Restart);
    machine.apply(None).await.unwrap();
    assert_eq!(
        machine.ran(),
        "stop probe.service, disable probe.service, daemon-reload, daemon-reload"
    );
    assert_eq!((machine.is(), machine.file()), ((false, false), None));
}

#[tokio::test]
async fn changed_file_of_a_running_unit_stops_and_starts_it() {
    let machine = Machine::with(GOOD, &RUNS).await;
    let changed = args(&GOOD.replace("/bin/probe", "/bin/probe -v"), &RUNS);
    let plan = machine.planned(Some(&changed)).await;
    assert_eq!(cost(&plan), Disruption::Restart);
    machine.apply(Some(&changed)).await.unwrap();
    let ran = machine.ran();
    assert!(
        ran.starts_with("verify /etc/systemd/system/probe.service, stop probe.service, daemon-reload, start probe.service"),
        "{ran}"
    );
    let quiet = args(GOOD, &[RUNS[0], RUNS[1], ("restart", false)]);
    let plan = machine.planned(Some(&quiet)).await;
    assert_eq!(cost(&plan), Disruption::Quiet);
    assert!(answer(&plan).ends_with("the unit runs, and heeds the file when it is next started"));
    machine.apply(Some(&quiet)).await.unwrap();
    assert!(!machine.ran().contains("stop"));
}

#[tokio::test]
async fn unit_that_was_stopped_or_disabled_by_hand_is_drift() {
    let machine = Machine::with(GOOD, &RUNS).await;
    machine.systemd.lock().unwrap().active = false;
    machine.systemd.lock().unwrap().enabled = false;
    let text = answer(&machine.planned(Some(&args(GOOD, &RUNS))).await);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0] == "Update (Local)" && lines[1].contains("active=false"), "{text}");
    assert!(lines[1].contains("enabled=false") && lines[2].contains("enabled=true"), "{text}");
    machine.apply(Some(&args(GOOD, &RUNS))).await.unwrap();
    assert_eq!(machine.is(), (true, true));
}

#[tokio::test]
async fn edited_file_that_systemd_was_not_told_of_is_shown_and_read() {
    let machine = Machine::with(GOOD, &[]).await;
    let edited = machine.file().unwrap();
    machine.edit(&format!("{edited}# by hand\n")).await;
    let text = answer(&machine.planned(Some(&args(GOOD, &[]))).await);
    assert!(text.contains("loaded=false") && text.contains("# by hand"), "{text}");
    machine.apply(Some(&args(GOOD, &[]))).await.unwrap();
    assert_eq!(machine.file().unwrap(), edited);
}

/// In every case the file and the unit end as they were.
#[tokio::test]
async fn unit_that_is_refused_or_does_not_start_is_rolled_back_and_says_why() {
    for (content, why) in [
        ("[Service]\nwrong\n", "probe.service:2: Unknown section 'Servcie'."),
        // systemd ignores it, and clinch does not.
        (
            "[Service]\nmisspelt=1\n",
            ": /etc/systemd/system/probe.service:4: Unknown key 'misspelt', ignoring. The file",
        ),
        (
            "[Service]\ncrash\n",
            "Job for probe.service failed. Its journal ends in: probe[7]: cannot bind [31m probe.service: Failed",
        ),
        (
            "[Service]\nexit\n[Install]\n",
            "It ended right away. Its journal ends in: probe[7]: cannot bind [31m probe.service: Failed",
        ),
        (
            "[Service]\nnothing to install\n",
            "It cannot be enabled: it has no `[Install]` section, or is masked.",
        ),
    ] {
        let fresh = Machine::new();
        let Err(StepError::Refused(problem)) = fresh.apply(Some(&args(content, &RUNS))).await
        else {
            panic!("{content}")
        };
        assert!(problem.detail.contains(why), "{}", problem.detail);
        assert!(problem.detail.ends_with("The file and the unit are as they were."));
        assert_eq!((fresh.is().0, fresh.file()), (false, None), "{content}");

        // A unit that is enabled stays so without the section.
        if content.contains("nothing to install") {
            continue;
        }
        let running = Machine::with(GOOD, &RUNS).await;
        let file = running.file();
        assert!(running.apply(Some(&args(content, &RUNS))).await.is_err());
        assert_eq!((running.is(), running.file()), ((true, true), file), "{content}");
        // What is refused by the check is not even stopped.
        assert_eq!(
            running.ran().contains("stop"),
            !content.contains("wrong") && !content.contains("misspelt")
        );
    }
}

/// Each state between two commands is made by hand.
#[tokio::test]
async fn step_that_stopped_anywhere_is_done_again_to_the_same_end() {
    let changed = args(&GOOD.replace("/bin/probe", "/bin/probe -v"), &RUNS);
    let machine = Machine::with(GOOD, &RUNS).await;
    let old = machine.file();
    let write = only_op(machine.planned(Some(&changed)).await);
    machine.apply(Some(&changed)).await.unwrap();
    let new = machine.file();
    for (active, loaded) in [(true, &old), (false, &old), (false, &new)] {
        machine.systemd.lock().unwrap().active = active;
        machine.systemd.lock().unwrap().loaded.clone_from(loaded);
        let provider = machine.provider();
        assert_eq!(provider.settle(&write).await, Ok(Settled::NotDone));
        provider.perform(&write, &|_| ()).await.unwrap();
        assert!(matches!(provider.settle(&write).await, Ok(Settled::Done(_))));
        assert_eq!((machine.is(), machine.file()), ((true, true), new.clone()));
    }
}

/// A planned cost never rises.
#[tokio::test]
async fn unit_that_was_started_since_the_plan_stops_the_step() {
    let machine = Machine::with(GOOD, &[]).await;
    let changed = args(&GOOD.replace("/bin/probe", "/bin/probe -v"), &[]);
    let plan = machine.planned(Some(&changed)).await;
    assert_eq!(cost(&plan), Disruption::Quiet);
    machine.systemd.lock().unwrap().active = true;
    let done = machine.provider().perform(&only_op(plan), &|_| ()).await;
    let Err(StepError::Stale(why)) = done else { panic!("{done:?}") };
    assert_eq!(
        why,
        "`probe.service` on host `w1` runs by now, and did not when the plan was made."
    );
    assert_eq!(machine.ran(), "");
}

#[tokio::test]
async fn running_runtime_of_containers_costs_a_drain() {
    for (unit, want) in [
        ("containerd.service", Disruption::Drain),
        ("kubelet.service", Disruption::Restart),
        ("chrony.service", Disruption::Restart),
    ] {
        let machine = Machine::new();
        machine.systemd.lock().unwrap().active = true;
        let asked = of_unit(unit, "limits", "[Service]\nLimitNOFILE=65536\n", &[]);
        assert_eq!(cost(&machine.planned(Some(&asked)).await), want, "{unit}");
        machine.systemd.lock().unwrap().active = false;
        assert_eq!(cost(&machine.planned(Some(&asked)).await), Disruption::Quiet, "{unit}");
    }
}

#[tokio::test]
async fn drop_in_is_checked_with_its_unit_and_needs_one() {
    let machine = Machine::new();
    let asked = of_unit("probe.service", "limits", "[Service]\nLimitNOFILE=65536\n", &[]);
    let op = only_op(machine.planned(Some(&asked)).await);
    let done = machine.provider().perform(&op, &|_| ()).await;
    let Err(StepError::Refused(problem)) = done else { panic!("{done:?}") };
    assert!(problem.detail.contains("There is no unit of this name"), "{}", problem.detail);
    let machine = Machine::with(GOOD, &RUNS).await;
    let op = only_op(machine.planned(Some(&asked)).await);
    machine.provider().perform(&op, &|_| ()).await.unwrap();
    assert!(machine.ran().starts_with("verify /etc/systemd/system/probe.service"));
    let drop_in = "/etc/systemd/system/probe.service.d/90-clinch-limits.conf";
    assert!(machine.host.dump()[drop_in].ends_with("\n[Service]\nLimitNOFILE=65536\n"));
    let found = machine.provider().find("shop").await.unwrap().found;
    let found: Vec<_> = found.into_iter().map(|found| found.identity.shown).collect();
    assert_eq!(found, [format!("w1:{PATH}"), format!("w1:{drop_in}")]);
}

#[tokio::test]
async fn host_that_runs_no_systemd_is_an_error_on_the_resource() {
    let folder = tempfile::tempdir().unwrap();
    let provider = provider(FolderHost::new("w1", folder.path()));
    assert_eq!(
        answer(&planned(&provider, Some(&args(GOOD, &RUNS))).await),
        "E0710 at ``: Host `w1` is a folder; `systemctl` cannot be run there."
    );
    let container = MemoryHost::new("w1").with_program(|_, _| Output {
        status: Some(1),
        stdout: Vec::new(),
        stderr: "System has not been booted with systemd".into(),
    });
    assert_eq!(
        answer(&planned(&self::provider(container), Some(&args(GOOD, &RUNS))).await),
        "E0774 at `node`: Host `w1` has no systemd that answers."
    );
}

#[tokio::test]
async fn unit_of_others_is_neither_replaced_nor_removed() {
    let machine = Machine::new();
    machine.edit(GOOD).await;
    let text = answer(&machine.planned(Some(&args(GOOD, &RUNS))).await);
    assert!(text.ends_with("exists already and was not written by clinch."), "{text}");
    assert!(answer(&machine.planned(None).await).starts_with("E0762"));
}

#[tokio::test]
async fn sensitive_content_is_in_no_debug_text() {
    let machine = Machine::new();
    let mut hidden = args(GOOD, &RUNS).as_map().unwrap().clone();
    let content = "[Service]\nEnvironment=TOKEN=canary\n[Install]\n";
    hidden.insert("content".into(), Value::from(content).into_sensitive());
    let hidden = Value::map(hidden);
    let first = machine.planned(Some(&hidden)).await;
    machine.apply(Some(&hidden)).await.unwrap();
    let file = machine.file().unwrap();
    assert!(file.contains("# It holds a secret") && file.ends_with(content), "{file}");
    let changed = machine.planned(Some(&args(GOOD, &RUNS))).await;
    // Nobody is left who would say that it is one, but the file itself.
    let removal = machine.planned(None).await;
    for planned in [first, changed, removal] {
        let text = format!("{planned:?}");
        assert!(
            !text.contains("canary") && !text.contains(&access::digest(file.as_bytes())),
            "{text}"
        );
    }
    let there = machine.host.read(PATH).await.unwrap().unwrap();
    assert_eq!(there.mode, 0o600);
    machine.apply(None).await.unwrap();
    assert_eq!(machine.file(), None);
    // Programs that complain repeat what they read.
    let mut crashing = hidden.as_map().unwrap().clone();
    crashing.insert("content".into(), Value::from("[Service]\ncrash\n").into_sensitive());
    let error = machine.apply(Some(&Value::map(crashing))).await.unwrap_err();
    assert!(error.message().contains("is not repeated"), "{}", error.message());
    assert!(!error.message().contains("cannot bind"), "{}", error.message());
}

#[test]
fn names_and_contents_that_are_none_are_refused_at_the_line() {
    let kind = kind();
    for unit in [
        "",
        "probe",
        "probe.conf",
        "../x.service",
        "-x.service",
        "a b.service",
        ".service",
        "x/y.service",
    ] {
        let problems = kind.identify(&of_unit(unit, "", GOOD, &[])).unwrap_err();
        assert_eq!(
            told(&problems),
            format!("E0760 at `unit`: `{unit}` is not the name of a unit.")
        );
    }
    for drop_in in ["../x", "X", "-x", "a.conf"] {
        assert!(kind.identify(&of_unit("x.service", drop_in, GOOD, &[])).is_err(), "{drop_in}");
    }
    for fine in ["x.service", "a@b.service", "dev-disk.swap", "my_unit.timer"] {
        assert!(kind.identify(&of_unit(fine, "", GOOD, &[])).is_ok(), "{fine}");
    }
    for content in ["", "ExecStart=/bin/x\n", "# only\n"] {
        assert_eq!(
            told(&kind.check(&args(content, &[]))),
            "E0774 at `content`: A unit file begins with a section, such as `[Service]`."
        );
    }
    assert_eq!(told(&kind.check(&args("# a comment\n\n[Unit]\n", &[]))), "");
}

#[test]
fn the_page_has_an_example_risks_and_a_source() {
    let kind = kind();
    for part in ["```hcl\nresource \"systemd_unit\"", "\n# Risks\n", "\n# See also\n"] {
        assert!(kind.page().contains(part), "{part}");
    }
    for attr in &kind.schema().attrs {
        assert!(attr.doc.ends_with('.'), "{}", attr.name);
    }
    assert_eq!(kind.schema().attr("enabled").unwrap().ty, Type::Bool);
}
