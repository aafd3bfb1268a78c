//! Kubelet and runtime changed as one: what is decided, in which order it is done, and what becomes
//! of both when one of them does not run with it.

mod machine;

use crate::support::{answer, request};
use access::{Host, Hosts, MemoryHost, WriteFile};
pub(crate) use machine::files;
use machine::{Machine, Trouble};
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{Observation, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::Arc;
use values::{Disruption, Value};

pub(crate) const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const DROP_IN: &str = "/etc/crio/crio.conf.d/99-clinch-cgroup.conf";
pub(crate) const RUNTIME: &str = "/etc/containerd/config.toml";
const KUBELET_FILE: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\n\
                            cgroupDriver: cgroupfs # as it was\n\
                            kind: KubeletConfiguration\nmaxPods: 110\n";
const RUNTIME_FILE: &str = r#"# By hand.
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false # as it was
"#;

pub(crate) fn kind(ty: &str) -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == ty).unwrap()
}

pub(crate) fn args(driver: &str) -> Value {
    Value::map([("node", "w1".into()), ("driver", driver.into())])
}

fn provider(host: impl Host + 'static) -> NodeProvider {
    NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop")
}

async fn observe(host: &MemoryHost, ty: &str, identity: &Identity) -> Value {
    let wanted = Wanted { ty: kind(ty).name().clone(), identity: identity.clone() };
    match provider(host.clone()).observe(vec![wanted]).await.remove(0) {
        Observation::Present(value) => value,
        other => panic!("{other:?}"),
    }
}

fn with(value: &Value, name: &'static str, part: Value) -> Value {
    let mut map = value.as_map().unwrap().clone();
    map.insert(name.into(), part);
    Value::map(map)
}

/// With what the API server would be told by the kubelet.
async fn plan(machine: &Machine, driver: Option<&str>) -> Planned {
    let (kind, desired) = (kind("cgroup_driver"), driver.map(args));
    let identity = kind.identify(&args("systemd")).unwrap();
    let seen = observe(&machine.host, "cgroup_driver", &identity).await;
    let running = machine.running().map_or(Value::Null, Value::from);
    let observed = Observation::Present(with(&seen, "running", running));
    kind.plan(&request(&identity, desired.as_ref(), &observed))
}

fn only_op(planned: Planned) -> Op {
    match planned {
        Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
        other => panic!("{}", answer(&other)),
    }
}

fn cost(planned: &Planned) -> Disruption {
    let Planned::Decided(decision) = planned else { panic!("{}", answer(planned)) };
    decision.disruption
}

async fn perform(machine: &Machine, op: &Op) -> Result<(), StepError> {
    let provider = provider(machine.host.clone());
    assert_eq!(provider.settle(op).await, Ok(Settled::NotDone), "{}", op.text);
    provider.perform(op, &|_| ()).await?;
    assert!(matches!(provider.settle(op).await, Ok(Settled::Done(_))), "{}", op.text);
    Ok(())
}

async fn apply(machine: &Machine, driver: Option<&str>) -> Result<(), StepError> {
    perform(machine, &only_op(plan(machine, driver).await)).await
}

fn file(machine: &Machine, path: &str) -> String {
    machine.host.dump().get(path).unwrap().clone()
}

async fn edit(machine: &Machine, path: &str, old: &str, new: &str) {
    let text = file(machine, path);
    assert!(text.contains(old), "no `{old}` in {text}");
    let text = text.replace(old, new);
    let (content, expected) = (text.as_bytes(), access::Expected::Anything);
    let file = WriteFile::new(path, content, 0o644, expected);
    machine.host.write(file).await.unwrap();
}

const ORDER: [&str; 8] = [
    "stop kubelet",
    "SIGTERM daemon",
    "SIGTERM deaf",
    "SIGTERM static",
    // It did not heed the first one.
    "SIGKILL deaf",
    "stop containerd",
    "start containerd",
    "start kubelet",
];

#[tokio::test(start_paused = true)]
async fn both_are_switched_in_order_and_both_come_back_when_the_block_goes() {
    let machine = Machine::new();
    let first = plan(&machine, Some("systemd")).await;
    assert_eq!(cost(&first), Disruption::Drain);
    assert_eq!(
        answer(&first),
        "Create (Local)\nbefore: driver=\"cgroupfs\"\nafter: driver=\"systemd\"\n\
         op: switch kubelet and containerd of w1 to systemd: stop kubelet, end containers, stop \
         containerd, write both files, start containerd, start kubelet (guarded)\n\
         note at `driver`: containers that a drain leaves, of DaemonSets and static pods, are ended \
         and started anew"
    );
    let before = machine.host.dump();
    apply(&machine, Some("systemd")).await.unwrap();
    assert_eq!(machine.ran(), ORDER);
    assert!(machine.all_run_with("systemd"));
    let switched = |text: &str| text.replace("false # as", "true # as");
    assert_eq!(file(&machine, RUNTIME), switched(RUNTIME_FILE));
    assert!(file(&machine, CONFIG).contains("\ncgroupDriver: systemd\nkind"));
    let again = answer(&plan(&machine, Some("systemd")).await);
    assert!(again.starts_with("NoOp"), "{again}");

    let back = plan(&machine, None).await;
    assert_eq!(cost(&back), Disruption::Drain);
    assert!(answer(&back).contains("of w1 back to cgroupfs: stop kubelet"), "{}", answer(&back));
    apply(&machine, None).await.unwrap();
    assert_eq!(machine.ran(), ORDER);
    assert!(machine.all_run_with("cgroupfs"));
    let now = machine.host.dump();
    assert_eq!(now[RUNTIME], before[RUNTIME]);
    assert_eq!(now.len(), before.len(), "{now:?}");
    assert!(answer(&plan(&machine, None).await).starts_with("Forget"));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_has_the_driver_is_only_noted_and_not_drained() {
    let machine = Machine::new();
    let planned = plan(&machine, Some("cgroupfs")).await;
    assert_eq!(cost(&planned), Disruption::Quiet);
    perform(&machine, &only_op(planned)).await.unwrap();
    assert_eq!(machine.ran(), [""; 0]);
    assert_eq!(
        (file(&machine, CONFIG), file(&machine, RUNTIME)),
        (KUBELET_FILE.into(), RUNTIME_FILE.into())
    );
    assert!(answer(&plan(&machine, Some("cgroupfs")).await).starts_with("NoOp"));
    // Whoever changes it by hand is told, and it is taken back.
    edit(&machine, RUNTIME, "false #", "true #").await;
    let drift = plan(&machine, Some("cgroupfs")).await;
    assert_eq!(cost(&drift), Disruption::Drain);
    let apart =
        "before: driver=\"kubelet: cgroupfs; containerd: systemd\"\nafter: driver=\"cgroupfs\"";
    assert!(answer(&drift).contains(apart), "{}", answer(&drift));
}

#[tokio::test(start_paused = true)]
async fn p25_what_does_not_run_with_the_driver_has_both_old_files_back() {
    for unit in ["containerd", "kubelet"] {
        let machine = Machine::with(Trouble::Refuses(unit));
        let before = machine.host.dump();
        let Err(StepError::Refused(problem)) = apply(&machine, Some("systemd")).await else {
            panic!("{unit}")
        };
        let detail = problem.detail;
        let begin =
            format!("Node `w1` does not run with the cgroup driver `systemd`. `{unit}`: It ");
        assert!(detail.starts_with(&begin), "{detail}");
        assert!(detail.contains(&format!("level=fatal --unit={unit}\"")), "{detail}");
        assert!(detail.ends_with("The old settings are back, and it runs with them."), "{detail}");
        assert_eq!(machine.host.dump(), before);
        assert!(machine.all_run_with("cgroupfs"), "{unit}");
    }
}

#[tokio::test(start_paused = true)]
async fn containers_that_do_not_end_are_named_and_nothing_is_written() {
    let machine = Machine::with(Trouble::Immortal);
    let before = machine.host.dump();
    let Err(StepError::Refused(problem)) = apply(&machine, Some("systemd")).await else { panic!() };
    assert!(problem.detail.contains("containers do not end: daemon, deaf, static."), "{problem:?}");
    assert_eq!(machine.host.dump(), before);
    assert!(machine.all_run_with("cgroupfs"));
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_was_edited_since_the_plan_stops_the_step_before_anything_is_stopped() {
    for (path, old, new) in [
        (CONFIG, "cgroupDriver: cgroupfs", "cgroupDriver: other"),
        (RUNTIME, "SystemdCgroup = false", "SystemdCgroup = 7"),
    ] {
        let machine = Machine::new();
        let op = only_op(plan(&machine, Some("systemd")).await);
        edit(&machine, path, old, new).await;
        let edited = machine.host.dump();
        let provider = provider(machine.host.clone());
        let stale = provider.perform(&op, &|_| ()).await;
        let Err(StepError::Stale(why)) = stale else { panic!("{stale:?}") };
        assert!(why.contains(path) && why.contains("changed since the plan"), "{why}");
        assert_eq!(machine.ran(), [""; 0]);
        assert_eq!(machine.host.dump(), edited);
        assert!(matches!(provider.settle(&op).await, Ok(Settled::Changed(_))));
    }
}

/// Such a kubelet has what its runtime says, so its own file is kept in step without a drain.
#[tokio::test(start_paused = true)]
async fn a_file_that_a_kubelet_only_falls_back_to_is_kept_in_step_without_a_drain() {
    let runtime = RUNTIME_FILE.replace("false #", "true #");
    let machine = Machine::of_version(files().with_file(RUNTIME, runtime), Trouble::None, "2.2.1");
    assert_eq!(machine.running().as_deref(), Some("systemd"));
    let planned = plan(&machine, Some("systemd")).await;
    assert_eq!(cost(&planned), Disruption::Quiet);
    assert_eq!(
        answer(&planned),
        "Create (Local)\nbefore: driver=\"kubelet: systemd; kubelet's file: cgroupfs; containerd: \
         systemd\"\nafter: driver=\"systemd\"\nop: note the cgroup driver in the kubelet's file on \
         w1 (guarded)\nnote at `driver`: the kubelet asks containerd for its driver; its file is what \
         it falls back to, and is kept in step"
    );
    perform(&machine, &only_op(planned)).await.unwrap();
    assert_eq!(machine.ran(), [""; 0]);
    assert!(file(&machine, CONFIG).contains("\ncgroupDriver: systemd\n"));
    assert!(answer(&plan(&machine, Some("systemd")).await).starts_with("NoOp"));
}

#[tokio::test(start_paused = true)]
async fn crio_gets_a_drop_in_of_its_own_and_its_pods_are_stopped_by_crictl() {
    let (host, ran) = machine::crio();
    let (provider, kind) = (provider(host.clone()), kind("cgroup_driver"));
    let before = host.dump();
    for (driver, running, cost) in [
        (Some("cgroupfs"), "systemd", "switch kubelet and CRI-O of w1 to cgroupfs: stop kubelet"),
        (None, "cgroupfs", "switch kubelet and CRI-O of w1 back to systemd: stop kubelet"),
    ] {
        let desired = driver.map(args);
        let identity = kind.identify(&args("systemd")).unwrap();
        let seen = observe(&host, "cgroup_driver", &identity).await;
        let observed = Observation::Present(with(&seen, "running", running.into()));
        let op = only_op(kind.plan(&request(&identity, desired.as_ref(), &observed)));
        assert!(op.text.starts_with(cost), "{}", op.text);
        provider.perform(&op, &|_| ()).await.unwrap_or_else(|e| panic!("{}", e.message()));
        assert!(matches!(provider.settle(&op).await, Ok(Settled::Done(_))));
        let ran = std::mem::take(&mut *ran.lock().unwrap());
        let order = ["stop kubelet", "stopp 4f2a 77d0", "stop crio", "start crio", "start kubelet"];
        assert_eq!(ran, order);
        if driver.is_some() {
            assert_eq!(
                host.dump()[DROP_IN],
                "# Managed by clinch (project shop)\n# Changes made here are overwritten.\n\
                 [crio.runtime]\ncgroup_manager = \"cgroupfs\"\nconmon_cgroup = \"pod\"\n"
            );
            // It is no object of `container_runtime`.
            let found = provider.find("shop").await.unwrap().found;
            let found: Vec<_> = found.iter().map(|found| found.ty.as_str()).collect();
            assert_eq!(found, ["cgroup_driver"]);
        }
    }
    // The comment was about the line that changed.
    let bare = |text: &String| text.replace(" # as it was", "");
    let before: Vec<_> = before.values().map(bare).collect();
    assert_eq!(host.dump().into_values().collect::<Vec<_>>(), before);
}

/// Every other setting belongs to whoever keeps it, before and after.
#[tokio::test(start_paused = true)]
async fn other_settings_of_both_files_are_kept_beside_it_in_any_order_of_one_plan() {
    let of_kubelet = Value::map([
        ("node", "w1".into()),
        ("settings", Value::map([("podsPerCore", 7_i64.into())])),
    ]);
    let of_runtime = Value::map([
        ("node", "w1".into()),
        ("sandbox_image", "registry.k8s.io/pause:3.10.2".into()),
    ]);
    let others = [("kubelet_config", of_kubelet), ("container_runtime", of_runtime)];
    for first in [true, false] {
        // A host that is a folder: what runs is no matter here.
        let host = files();
        let provider = provider(host.clone());
        for wanted in [true, false] {
            let mut ops = Vec::new();
            let all = others.iter().map(|(ty, args)| (*ty, args.clone()));
            for (ty, args) in all.chain([("cgroup_driver", args("systemd"))]) {
                let identity = kind(ty).identify(&args).unwrap();
                let observed = Observation::Present(observe(&host, ty, &identity).await);
                let asked = request(&identity, wanted.then_some(&args), &observed);
                ops.push(only_op(kind(ty).plan(&asked)));
            }
            if first {
                ops.rotate_right(1);
            }
            for op in &ops {
                provider.perform(op, &|_| ()).await.unwrap_or_else(|e| panic!("{}", e.message()));
            }
            for op in &ops {
                let settled = provider.settle(op).await;
                assert!(matches!(settled, Ok(Settled::Done(_))), "{}: {settled:?}", op.text);
            }
            let text = |path: &str| host.dump()[path].clone();
            let has = |path: &str, words: &str| {
                assert_eq!(text(path).contains(words), wanted, "{words}: {}", text(path));
            };
            has(CONFIG, "podsPerCore: 7");
            has(CONFIG, "cgroupDriver: systemd");
            has(RUNTIME, "pause:3.10.2");
            has(RUNTIME, "SystemdCgroup = true");
        }
        assert_eq!(host.dump()[RUNTIME], RUNTIME_FILE);
        assert!(!host.dump().keys().any(|path| path.contains("/clinch/")), "{:?}", host.dump());
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_commands_leads_on_to_the_new_driver() {
    let whole = Machine::new();
    let op = only_op(plan(&whole, Some("systemd")).await);
    let steps = {
        let counted = Dying::of(&whole.host, usize::MAX);
        provider(counted.clone()).perform(&op, &|_| ()).await.unwrap();
        counted.calls()
    };
    assert!(steps > 40, "{steps}");
    for at in 0..steps {
        let machine = Machine::new();
        let dying = Dying::of(&machine.host, at);
        let done = provider(dying).perform(&op, &|_| ()).await;
        assert!(done.is_err(), "{at}");
        let place = format!("call {at}: {:?}", machine.ran());
        let provider = provider(machine.host.clone());
        match provider.settle(&op).await {
            Ok(Settled::Done(_)) => {}
            Ok(Settled::NotDone) => {
                provider
                    .perform(&op, &|_| ())
                    .await
                    .unwrap_or_else(|e| panic!("{place}: {}", e.message()));
            }
            other => panic!("{place}: {other:?}"),
        }
        assert!(machine.all_run_with("systemd"), "{place}");
        assert_eq!(machine.host.dump(), whole.host.dump(), "{place}");
    }
}

/// Who does not go on with the run, but plans anew, is told that somebody has to look.
#[tokio::test(start_paused = true)]
async fn after_a_crash_even_the_old_driver_is_a_change_that_starts_all_again() {
    let whole = Machine::new();
    let op = only_op(plan(&whole, Some("systemd")).await);
    let mut open = 0;
    for at in 0.. {
        let machine = Machine::new();
        let dying = Dying::of(&machine.host, at);
        if provider(dying).perform(&op, &|_| ()).await.is_ok() {
            break;
        }
        let planned = plan(&machine, Some("cgroupfs")).await;
        if machine.running().as_deref() == Some("cgroupfs") && cost(&planned) == Disruption::Quiet {
            continue;
        }
        open += 1;
        provider(machine.host.clone()).perform(&only_op(planned), &|_| ()).await.unwrap();
        assert!(machine.all_run_with("cgroupfs"), "{at}");
        assert!(answer(&plan(&machine, Some("cgroupfs")).await).starts_with("NoOp"), "{at}");
    }
    assert!(open > 30, "{open}");
}

#[tokio::test(start_paused = true)]
async fn what_would_win_or_never_run_is_an_error_that_names_the_place() {
    let flags = "/var/lib/kubelet/kubeadm-flags.env";
    let flag = |text: &str| format!("KUBELET_KUBEADM_ARGS=\"{text}\"\n");
    let check = async |host: MemoryHost, words: &str| {
        let machine = Machine::of(host, Trouble::None);
        let said = answer(&plan(&machine, Some("systemd")).await);
        assert!(said.contains(words), "no `{words}` in {said}");
    };
    check(
        files().with_file(flags, flag("--cgroup-driver=cgroupfs")),
        "E0942 at `driver`: w1: the flag `--cgroup-driver` in /var/lib/kubelet/kubeadm-flags.env \
         says `cgroupfs`, and wins over",
    )
    .await;
    check(
        files()
            .with_file(flags, flag("--config-dir=/etc/kubelet.d"))
            .with_file("/etc/kubelet.d/10-a.conf", "cgroupDriver: systemd\n")
            .with_file("/etc/kubelet.d/20/b.conf", "cgroupDriver: cgroupfs\n"),
        "E0942 at `driver`: w1: `/etc/kubelet.d/20/b.conf` says `cgroupfs`",
    )
    .await;
    check(files().with_file("/proc/1/comm", "openrc-init\n"), "E0943 at `driver`: Host `w1` was")
        .await;
    let runtime = RUNTIME_FILE.replace("version = 2", "");
    check(files().with_file(RUNTIME, runtime.replace("[plugins", "[x")), "has no `version`").await;
    let disabled = RUNTIME_FILE.replace("version = 2", "version = 2\ndisabled_plugins = [\"cri\"]");
    check(files().with_file(RUNTIME, disabled), "disables the plugin that a kubelet talks to")
        .await;
    let import = RUNTIME_FILE.replace("version = 2", "version = 2\nimports = [\"/etc/more.toml\"]");
    let other = RUNTIME_FILE.replace("false", "true").replace("true # as", "false # as");
    check(
        files().with_file(RUNTIME, import).with_file("/etc/more.toml", other),
        "E0824 at `driver`: w1: `/etc/more.toml`",
    )
    .await;
}

#[test]
fn both_types_that_keep_the_driver_are_named() {
    let of_kubelet = Value::map([
        ("node", "w1".into()),
        ("settings", Value::map([("cgroupDriver", "systemd".into())])),
    ]);
    let of_runtime = Value::map([("node", "w1".into()), ("cgroup_driver", "systemd".into())]);
    let (driver, mine) = (kind("cgroup_driver"), args("systemd"));
    let identity = driver.identify(&mine).unwrap();
    for (ty, other) in [("kubelet_config", of_kubelet), ("container_runtime", of_runtime)] {
        let kind = kind(ty);
        let claims = kind.provides(&kind.identify(&other).unwrap(), &other);
        assert!(driver.needs(&identity, &mine).contains(&claims[0]), "{ty}");
        let problems = driver.check_against(&identity, &mine, &other);
        assert!(problems[0].detail.contains(&format!("A `{ty}` of `w1` declares")), "{problems:?}");
        let without = Value::map([("node", "w1".into())]);
        assert_eq!(kind.provides(&kind.identify(&without).unwrap(), &without), []);
    }
}

#[test]
fn p25_a_driver_in_quotes_is_none() {
    let problems = kind("cgroup_driver").check(&args("'systemd'"));
    assert_eq!(problems[0].detail, "`'systemd'` must be one of: systemd, cgroupfs.");
}

/// A host whose connection breaks for good at one of the calls.
#[derive(Clone)]
pub(crate) struct Dying {
    host: MemoryHost,
    at: usize,
    calls: Arc<std::sync::atomic::AtomicUsize>,
}

impl Dying {
    pub(crate) fn of(host: &MemoryHost, at: usize) -> Self {
        Self { host: host.clone(), at, calls: Arc::default() }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn lives(&self) -> Result<(), access::HostError> {
        let call = self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if call < self.at {
            return Ok(());
        }
        let said = "Connection reset".to_owned();
        Err(access::HostError::Lost { host: self.host.name().to_owned(), said })
    }
}

impl Host for Dying {
    fn name(&self) -> &str {
        self.host.name()
    }

    fn look<'a>(
        &'a self,
        asks: &'a [access::Ask],
    ) -> provider::BoxFuture<'a, Result<Vec<access::Answer>, access::HostError>> {
        Box::pin(async move {
            self.lives()?;
            self.host.look(asks).await
        })
    }

    fn write<'a>(
        &'a self,
        file: WriteFile<'a>,
    ) -> provider::BoxFuture<'a, Result<(), access::HostError>> {
        Box::pin(async move {
            self.lives()?;
            self.host.write(file).await
        })
    }

    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: access::Expected<'a>,
    ) -> provider::BoxFuture<'a, Result<(), access::HostError>> {
        Box::pin(async move {
            self.lives()?;
            self.host.remove(path, expected).await
        })
    }

    fn remove_folder<'a>(
        &'a self,
        path: &'a str,
    ) -> provider::BoxFuture<'a, Result<(), access::HostError>> {
        Box::pin(async move {
            self.lives()?;
            self.host.remove_folder(path).await
        })
    }

    fn run<'a>(
        &'a self,
        command: access::Command<'a>,
    ) -> provider::BoxFuture<'a, Result<access::Output, access::HostError>> {
        Box::pin(async move {
            self.lives()?;
            self.host.run(command).await
        })
    }

    fn fenced(&self, fence: &access::Fence) -> Arc<dyn Host> {
        Arc::new(Self { host: self.host.for_run(fence), ..self.clone() })
    }

    fn claim(&self) -> provider::BoxFuture<'_, Result<(), access::HostError>> {
        self.host.claim()
    }
}
