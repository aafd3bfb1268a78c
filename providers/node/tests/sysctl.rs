//! Kernel settings: the file, and what the kernel has.

use crate::support::{answer, request, told};
use access::{Expected, FolderHost, Host, Hosts, MemoryHost, Output, WriteFile};
use futures::FutureExt as _;
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{Observation, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::{Arc, Mutex};
use values::{Type, Value};

const PATH: &str = "/etc/sysctl.d/90-clinch-settings.conf";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "sysctl").unwrap()
}

/// Arguments as they come after conforming.
pub(crate) fn args(settings: &[(&str, &str)], load: bool) -> Value {
    Value::map([
        ("node", "w1".into()),
        ("name", "settings".into()),
        ("settings", Value::map(settings.iter().map(|(k, v)| (*k, Value::from(*v))))),
        ("load", load.into()),
    ])
}

/// A host with a kernel that forwards nothing, takes numbers only, and knows two settings.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) host: MemoryHost,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let kernel = MemoryHost::new("w1")
            .with_file("/proc/sys/kernel/ostype", "Linux\n")
            .with_file("/proc/sys/net/ipv4/ip_forward", "0\n")
            .with_file("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
        let ran = Arc::new(Mutex::new(Vec::new()));
        let (shared, log) = (kernel.clone(), ran.clone());
        let host = kernel.with_program(move |words, _| {
            log.lock().unwrap().push(words.join(" "));
            let assigned =
                words.strip_prefix(&["sysctl", "-q", "-w"]).and_then(|rest| rest.first());
            let (name, value) = assigned.and_then(|a| a.split_once('=')).unwrap();
            if !value.bytes().all(|b| b.is_ascii_digit() || b == b' ') {
                let stderr = format!("sysctl: setting key \"{name}\": Invalid argument\x1b[31m\n");
                return Output { status: Some(255), stdout: Vec::new(), stderr: stderr.into() };
            }
            let (path, content) =
                (format!("/proc/sys/{name}"), format!("{}\n", value.replace(' ', "\t")));
            let file = WriteFile::new(&path, content.as_bytes(), 0o644, Expected::Anything);
            shared.write(file).now_or_never().unwrap().unwrap();
            Output { status: Some(0), ..Output::default() }
        });
        Self { host, ran }
    }

    fn provider(&self) -> NodeProvider {
        NodeProvider::new(Hosts::of([Arc::new(self.host.clone()) as Arc<dyn Host>]), "shop")
    }

    async fn planned(&self, args: Option<&Value>) -> Planned {
        planned(&self.provider(), args).await
    }

    pub(crate) async fn apply(&self, args: Option<&Value>) -> Result<(), StepError> {
        let op = only_op(self.planned(args).await);
        let provider = self.provider();
        assert_eq!(provider.settle(&op).await, Ok(Settled::NotDone), "{}", op.text);
        provider.perform(&op, &|_| ()).await?;
        assert!(matches!(provider.settle(&op).await, Ok(Settled::Done(_))), "{}", op.text);
        // Doing it again changes nothing.
        provider.perform(&op, &|_| ()).await.map(|_| ())
    }

    async fn set(&self, path: &str, content: &str) {
        let (content, expected) = (content.as_bytes(), Expected::Anything);
        let file = WriteFile::new(path, content, 0o644, expected);
        self.host.write(file).await.unwrap();
    }

    fn kernel(&self, path: &str) -> String {
        self.host.dump()[&format!("/proc/sys/{path}")].trim_end().to_owned()
    }

    /// The programs that ran since the last time.
    fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.ran.lock().unwrap())
    }
}

fn identity(args: &Value) -> Identity {
    kind().identify(args).unwrap()
}

async fn planned(provider: &NodeProvider, args: Option<&Value>) -> Planned {
    let identity = identity(args.unwrap_or(&self::args(&[], true)));
    let wanted = Wanted { ty: kind().name().clone(), identity: identity.clone() };
    let observed = provider.observe(vec![wanted]).await.remove(0);
    plan(&identity, args, &observed)
}

fn plan(identity: &Identity, args: Option<&Value>, observed: &Observation) -> Planned {
    kind().plan(&request(identity, args, observed))
}

fn only_op(planned: Planned) -> Op {
    match planned {
        Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
        other => panic!("{other:?}"),
    }
}

pub(crate) const FORWARD: (&str, &str) = ("net.ipv4.ip_forward", "1");
pub(crate) const PORTS: (&str, &str) = ("net/ipv4/ip_local_port_range", "10000 60999");

#[tokio::test]
async fn file_and_kernel_are_set_together_and_both_get_back_what_they_had() {
    let machine = Machine::new();
    let asked = args(&[FORWARD, PORTS], true);
    assert_eq!(
        answer(&machine.planned(Some(&asked)).await),
        "Create (Local)
after: mode=\"0644\" settings={\"net.ipv4.ip_forward\": \"1\", \"net/ipv4/ip_local_port_range\": \"10000 60999\"}
op: write /etc/sysctl.d/90-clinch-settings.conf on w1
note at `settings[\"net.ipv4.ip_forward\"]`: the kernel has `0` now
note at `settings[\"net/ipv4/ip_local_port_range\"]`: the kernel has `32768 60999` now"
    );
    machine.apply(Some(&asked)).await.unwrap();
    assert_eq!(
        machine.host.dump()[PATH],
        "# Managed by clinch (project shop)
# Changes made here are overwritten.
# earlier net.ipv4.ip_forward = 0
# earlier net/ipv4/ip_local_port_range = 32768 60999
net.ipv4.ip_forward = 1
net/ipv4/ip_local_port_range = 10000 60999
"
    );
    assert_eq!(machine.kernel("net/ipv4/ip_local_port_range"), "10000\t60999");
    assert_eq!(
        machine.ran(),
        [
            "sysctl -q -w net/ipv4/ip_forward=1",
            "sysctl -q -w net/ipv4/ip_local_port_range=10000 60999"
        ]
    );
    let again = answer(&machine.planned(Some(&asked)).await);
    assert!(again.starts_with("NoOp"), "{again}");

    // One of the two leaves the configuration.
    let less = args(&[PORTS], true);
    machine.apply(Some(&less)).await.unwrap();
    assert_eq!(machine.kernel("net/ipv4/ip_forward"), "0");
    assert!(!machine.host.dump()[PATH].contains("forward"));

    assert_eq!(
        answer(&machine.planned(None).await),
        "Delete (Local)
before: mode=\"0644\" settings={\"net/ipv4/ip_local_port_range\": \"10000 60999\"}
op: remove /etc/sysctl.d/90-clinch-settings.conf on w1 (guarded)
note at ``: the kernel gets `32768 60999` back for `net/ipv4/ip_local_port_range`"
    );
    machine.apply(None).await.unwrap();
    assert_eq!(machine.kernel("net/ipv4/ip_local_port_range"), "32768\t60999");
    assert!(!machine.host.dump().contains_key(PATH));
}

/// A value that somebody sets by hand is in no file.
#[tokio::test]
async fn kernel_that_has_something_else_than_the_file_says_is_drift() {
    let machine = Machine::new();
    let asked = args(&[FORWARD], true);
    machine.apply(Some(&asked)).await.unwrap();
    machine.set("/proc/sys/net/ipv4/ip_forward", "2\n").await;
    assert_eq!(
        answer(&machine.planned(Some(&asked)).await),
        "Update (Local)
before: mode=\"0644\" running={\"net.ipv4.ip_forward\": \"2\"} settings={\"net.ipv4.ip_forward\": \"1\"}
after: mode=\"0644\" running={\"net.ipv4.ip_forward\": \"1\"} settings={\"net.ipv4.ip_forward\": \"1\"}
op: write /etc/sysctl.d/90-clinch-settings.conf on w1 (guarded)
note at `settings[\"net.ipv4.ip_forward\"]`: the file says `1`, the kernel has `2`"
    );
    machine.ran();
    machine.apply(Some(&asked)).await.unwrap();
    assert_eq!(machine.ran(), ["sysctl -q -w net/ipv4/ip_forward=1"]);
    // What it had before clinch stays noted.
    assert!(machine.host.dump()[PATH].contains("# earlier net.ipv4.ip_forward = 0\n"));
}

#[tokio::test]
async fn hand_edit_of_the_file_is_shown_with_both_values() {
    let machine = Machine::new();
    let asked = args(&[FORWARD], true);
    machine.apply(Some(&asked)).await.unwrap();
    let edited = machine.host.dump()[PATH].replace("forward = 1", "forward = 7");
    machine.set(PATH, &edited).await;
    let text = answer(&machine.planned(Some(&asked)).await);
    assert!(
        text.contains("before: mode=\"0644\" settings={\"net.ipv4.ip_forward\": \"7\"}"),
        "{text}"
    );
    assert!(
        text.contains("after: mode=\"0644\" settings={\"net.ipv4.ip_forward\": \"1\"}"),
        "{text}"
    );
}

#[tokio::test]
async fn value_that_the_kernel_refuses_leaves_file_and_kernel_as_they_were() {
    let machine = Machine::new();
    let bad = args(&[FORWARD, ("net/ipv4/ip_local_port_range", "many")], true);
    let Err(StepError::Refused(problem)) = machine.apply(Some(&bad)).await else { panic!() };
    assert_eq!(
        problem.detail,
        "The kernel of host `w1` refuses a value for `net/ipv4/ip_local_port_range`: sysctl: \
         setting key \"net/ipv4/ip_local_port_range\": Invalid argument [31m. File and kernel are as they were."
    );
    assert_eq!(machine.kernel("net/ipv4/ip_forward"), "0");
    assert!(!machine.host.dump().contains_key(PATH));
    // The same where there was a file.
    machine.apply(Some(&args(&[FORWARD], true))).await.unwrap();
    let file = machine.host.dump()[PATH].clone();
    assert!(machine.apply(Some(&bad)).await.is_err());
    assert_eq!(
        (machine.kernel("net/ipv4/ip_forward"), &machine.host.dump()[PATH]),
        ("1".to_owned(), &file)
    );
}

/// Between the file and the kernel a step can stop anywhere.
#[tokio::test]
async fn step_that_stopped_after_the_file_is_done_again_to_the_same_end() {
    let machine = Machine::new();
    let asked = args(&[FORWARD, PORTS], true);
    let write = only_op(machine.planned(Some(&asked)).await);
    machine.apply(Some(&asked)).await.unwrap();
    let end = machine.host.dump();
    for (forward, ports) in [("0\n", "32768\t60999\n"), ("1\n", "32768\t60999\n")] {
        machine.set("/proc/sys/net/ipv4/ip_forward", forward).await;
        machine.set("/proc/sys/net/ipv4/ip_local_port_range", ports).await;
        let provider = machine.provider();
        assert_eq!(provider.settle(&write).await, Ok(Settled::NotDone));
        provider.perform(&write, &|_| ()).await.unwrap();
        assert_eq!(machine.host.dump(), end);
    }
}

#[tokio::test]
async fn setting_that_the_kernel_does_not_have_is_refused_in_the_plan() {
    let misspelt = args(&[("net.ipv4.ip_foward", "1")], true);
    assert_eq!(
        answer(&Machine::new().planned(Some(&misspelt)).await),
        "E0772 at `settings[\"net.ipv4.ip_foward\"]`: The kernel of host `w1` has no setting `net.ipv4.ip_foward`."
    );
}

/// Nothing is left out in silence: a folder has no kernel, and the file alone is asked for by
/// name.
#[tokio::test]
async fn host_without_a_kernel_keeps_only_the_file_and_only_when_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let host: Arc<dyn Host> = Arc::new(FolderHost::new("w1", folder.path()));
    let provider = NodeProvider::new(Hosts::of([host]), "shop");
    assert_eq!(
        answer(&planned(&provider, Some(&args(&[FORWARD], true))).await),
        "E0773 at `node`: On host `w1` no kernel runs whose settings could be set."
    );
    let file_only = args(&[FORWARD], false);
    let write = only_op(planned(&provider, Some(&file_only)).await);
    provider.perform(&write, &|_| ()).await.unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join(&PATH[1..])).unwrap(),
        "# Managed by clinch (project shop)\n# Changes made here are overwritten.\nnet.ipv4.ip_forward = 1\n"
    );
    assert!(answer(&planned(&provider, Some(&file_only)).await).starts_with("NoOp"));
    let removal = planned(&provider, None).await;
    assert!(
        answer(&removal).ends_with(
            "the kernel keeps its value of `net.ipv4.ip_forward` until the node reboots"
        )
    );
    provider.perform(&only_op(removal), &|_| ()).await.unwrap();
}

#[tokio::test]
async fn value_known_after_apply_is_written_late_and_then_set() {
    let machine = Machine::new();
    let mut late = args(&[], true).as_map().unwrap().clone();
    late.insert("settings".into(), Value::map([(FORWARD.0, Value::Unknown(Type::String))]));
    let text = answer(&machine.planned(Some(&Value::map(late))).await);
    assert_eq!(
        text,
        "Create (values known after apply)
after: mode=\"0644\" settings={\"net.ipv4.ip_forward\": (known after apply)}
op: write /etc/sysctl.d/90-clinch-settings.conf on w1"
    );
    // As late values are decided: without a look at the host.
    let asked = args(&[FORWARD], true);
    let op = only_op(plan(&identity(&asked), Some(&asked), &Observation::Absent));
    machine.provider().perform(&op, &|_| ()).await.unwrap();
    assert_eq!(machine.kernel("net/ipv4/ip_forward"), "1");
}

#[tokio::test]
async fn sensitive_value_is_in_no_debug_text() {
    let machine = Machine::new();
    let mut hidden = args(&[], true).as_map().unwrap().clone();
    let secret = Value::from("31337").into_sensitive();
    hidden.insert("settings".into(), Value::map([(FORWARD.0, secret)]));
    let hidden = Value::map(hidden);
    for _ in 0..2 {
        let planned = machine.planned(Some(&hidden)).await;
        assert!(!format!("{planned:?}").contains("31337"), "{planned:?}");
        machine.set("/proc/sys/net/ipv4/ip_forward", "31337\n").await;
    }
}

#[test]
fn names_and_values_that_are_none_are_refused_at_the_line() {
    let check = |name: &str, value: &str| told(&kind().check(&args(&[(name, value)], true)));
    for name in
        ["", "kernel", "../etc", "net.ipv4.*.x", "net/../../x", "-net.x", "net.x=1", "a.b\nc"]
    {
        let shown = name.escape_debug();
        assert!(
            check(name, "1")
                .ends_with(&format!("`{shown}` cannot be the name of a kernel setting.")),
            "{name:?}: {}",
            check(name, "1")
        );
    }
    for value in ["", " ", "1\nkernel.x = 2", "1\u{1b}"] {
        let told = check("net.ipv4.ip_forward", value);
        assert!(told.ends_with("is empty or has more than one line."), "{value:?}: {told}");
    }
    let twice = args(&[("net.ipv4.ip_forward", "1"), ("net/ipv4/ip_forward", "0")], true);
    assert_eq!(
        told(&kind().check(&twice)),
        "E0772 at `settings[\"net/ipv4/ip_forward\"]`: `net/ipv4/ip_forward` is the same setting as `net.ipv4.ip_forward`."
    );
}

#[test]
fn the_page_has_an_example_risks_and_a_source() {
    let kind = kind();
    for part in ["```hcl\nresource \"sysctl\"", "\n# Risks\n", "\n# See also\n"] {
        assert!(kind.page().contains(part), "{part}");
    }
    for attr in &kind.schema().attrs {
        assert!(attr.doc.ends_with('.'), "{}", attr.name);
    }
    assert_eq!(kind.schema().attr("settings").unwrap().ty, Type::map(Type::String));
}
