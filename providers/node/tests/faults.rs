//! A host that fails at every call, before or after what was asked of it.

use crate::support::request;
use crate::{cgroup_driver, container_runtime, crio, runtime_migration, static_pod, sysctl};
use access::{
    Answer, Ask, Command, Expected, Fence, Host, HostError, Hosts, MemoryHost, Output, WriteFile,
};
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{BoxFuture, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use values::Value;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The disk is full, and nothing was done.
    Full,
    /// The connection broke before anything was done; nobody can tell.
    LostBefore,
    /// It was done, and then the connection broke.
    LostAfter,
}

/// A host on which one call fails. After a connection broke, all later ones fail as well.
struct Faulty {
    host: MemoryHost,
    fault: Fault,
    at: usize,
    calls: Arc<AtomicUsize>,
}

impl Faulty {
    /// Whether the call is to be done, and the error that it ends with.
    fn meets(&self) -> (bool, Option<HostError>) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let host = || self.host.name().to_owned();
        let lost = || HostError::Lost { host: host(), said: "Connection reset".to_owned() };
        let full = || {
            let (path, said) = ("/".to_owned(), "No space left on device".to_owned());
            HostError::Io { host: host(), path, said }
        };
        match self.fault {
            Fault::Full if call == self.at => (false, Some(full())),
            Fault::LostBefore if call == self.at => (false, Some(lost())),
            Fault::LostAfter if call == self.at => (true, Some(lost())),
            Fault::LostBefore | Fault::LostAfter if call > self.at => (false, Some(lost())),
            Fault::Full | Fault::LostBefore | Fault::LostAfter => (true, None),
        }
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce() -> BoxFuture<'a, Result<T, HostError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, HostError>> {
        Box::pin(async move {
            let (done, error) = self.meets();
            let result = if done { Some(call().await) } else { None };
            match (error, result) {
                (Some(error), _) => Err(error),
                (None, Some(result)) => result,
                (None, None) => panic!("neither done nor failed"),
            }
        })
    }
}

impl Host for Faulty {
    fn name(&self) -> &str {
        self.host.name()
    }

    fn look<'a>(&'a self, asks: &'a [Ask]) -> BoxFuture<'a, Result<Vec<Answer>, HostError>> {
        self.call(move || self.host.look(asks))
    }

    fn write<'a>(&'a self, file: WriteFile<'a>) -> BoxFuture<'a, Result<(), HostError>> {
        self.call(move || self.host.write(file))
    }

    fn remove<'a>(
        &'a self,
        path: &'a str,
        expected: Expected<'a>,
    ) -> BoxFuture<'a, Result<(), HostError>> {
        self.call(move || self.host.remove(path, expected))
    }

    fn remove_folder<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<(), HostError>> {
        self.call(move || self.host.remove_folder(path))
    }

    fn run<'a>(&'a self, command: Command<'a>) -> BoxFuture<'a, Result<Output, HostError>> {
        self.call(move || self.host.run(command))
    }

    fn fenced(&self, fence: &Fence) -> Arc<dyn Host> {
        let Self { host, fault, at, calls } = self;
        let (host, fault, at, calls) = (host.for_run(fence), *fault, *at, calls.clone());
        Arc::new(Self { host, fault, at, calls })
    }

    fn claim(&self) -> BoxFuture<'_, Result<(), HostError>> {
        self.host.claim()
    }
}

fn provider(host: impl Host + 'static) -> NodeProvider {
    NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop")
}

fn kind(ty: &str) -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == ty).unwrap()
}

async fn op(host: &MemoryHost, ty: &str, identity: &Identity, args: Option<&Value>) -> Op {
    let wanted = Wanted { ty: kind(ty).name().clone(), identity: identity.clone() };
    let observed = provider(host.clone()).observe(vec![wanted]).await.remove(0);
    let planned = kind(ty).plan(&request(identity, args, &observed));
    match planned {
        Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Plays an operation on copies of a host, each with a fault at another call. The file at `path`
/// must always be the old or the new one, and doing it again must end as without the fault.
async fn survives(host: impl Fn() -> MemoryHost, ty: &str, path: &str, op: &Op) -> usize {
    survives_from(async || host(), ty, path, op).await
}

/// As `survives`, for a host that something was done on before.
async fn survives_from(host: impl AsyncFn() -> MemoryHost, ty: &str, path: &str, op: &Op) -> usize {
    let whole = host().await;
    let old = whole.dump();
    provider(whole.clone()).perform(op, &|_| ()).await.unwrap();
    let new = whole.dump();
    let mut faults = 0;
    for fault in [Fault::Full, Fault::LostBefore, Fault::LostAfter] {
        for at in 0.. {
            let host = host().await;
            let calls = Arc::new(AtomicUsize::new(0));
            let broken = Faulty { host: host.clone(), fault, at, calls: calls.clone() };
            let done = provider(broken).perform(op, &|_| ()).await;
            let now = host.dump();
            let place = format!("{ty}, {fault:?} at call {at}: {done:?}");
            if done.is_ok() {
                assert_eq!(now, new, "{place}");
                // There were no more calls. Not every one that fails is the end of it.
                if calls.load(Ordering::Relaxed) <= at {
                    break;
                }
                continue;
            }
            faults += 1;
            assert!([old.get(path), new.get(path)].contains(&now.get(path)), "{place}");
            // Refused means that nothing was done.
            if fault == Fault::Full && matches!(done, Err(StepError::Refused(_))) {
                assert_eq!(now.get(path), old.get(path), "{place}");
            }
            let provider = provider(host.clone());
            match provider.settle(op).await {
                Ok(Settled::Done(_)) => {
                    assert_eq!(now.get(path), new.get(path), "{place}");
                    // Nothing is kept of a file for which there is no way back.
                    let left = host.dump().into_keys().find(|path| path.contains("-before/"));
                    assert_eq!(left, None, "{place}");
                }
                Ok(Settled::NotDone) => {
                    provider.perform(op, &|_| ()).await.unwrap();
                    assert_eq!(host.dump(), new, "{place}");
                }
                other => panic!("{place}: {other:?}"),
            }
        }
    }
    faults
}

/// A file with the content `new`: where, which object it is, and its arguments.
fn new_motd() -> (&'static str, Identity, Value) {
    let path = "/etc/motd";
    let args = Value::map([
        ("node", "w1".into()),
        ("path", path.into()),
        ("content", "new\n".into()),
        ("mode", "0644".into()),
    ]);
    (path, kind("host_file").identify(&args).unwrap(), args)
}

#[tokio::test]
async fn any_file_is_old_or_new_after_a_fault_at_every_call() {
    let (path, identity, args) = new_motd();
    let before = || MemoryHost::new("w1").with_file(path, "from before\n");
    let write = op(&before(), "host_file", &identity, Some(&args)).await;
    assert!(survives(before, "host_file", path, &write).await > 10);
    let nothing = || MemoryHost::new("w1");
    let create = op(&nothing(), "host_file", &identity, Some(&args)).await;
    survives(nothing, "host_file", path, &create).await;

    let applied = || {
        let host = before();
        let done = provider(host.clone());
        let write = write.clone();
        futures::FutureExt::now_or_never(async move { done.perform(&write, &|_| ()).await })
            .unwrap()
            .unwrap();
        host
    };
    let remove = op(&applied(), "host_file", &identity, None).await;
    assert!(survives(applied, "host_file", path, &remove).await > 10);
}

/// Whoever began the step only slept, and wakes up after somebody looked what became of it.
#[tokio::test]
async fn l3_what_was_settled_stays_so_for_the_run_that_was_overtaken() {
    let (path, identity, args) = new_motd();
    let host = MemoryHost::new("w1").with_file(path, "from before\n");
    let write = op(&host, "host_file", &identity, Some(&args)).await;
    let [earlier, later] = [7, 8].map(|number| {
        provider(host.clone()).fenced(&Fence::new("shop", "uid-1", number, "somebody"))
    });
    assert_eq!(later.settle(&write).await.unwrap(), Settled::NotDone);
    let woken = earlier.perform(&write, &|_| ()).await;
    let Err(StepError::Refused(problem)) = woken else { panic!("{woken:?}") };
    assert_eq!(problem.code.0, "E0827");
    assert_eq!(host.dump()[path], "from before\n");
    later.perform(&write, &|_| ()).await.unwrap();
    assert_eq!(host.dump()[path], "new\n");
}

#[tokio::test]
async fn file_of_our_own_is_old_or_new_after_a_fault_at_every_call() {
    let path = "/etc/modprobe.d/90-clinch-modules.conf";
    let args = |module: &str| {
        Value::map([
            ("node", "w1".into()),
            ("name", "modules".into()),
            ("modules", Value::list([module.into()])),
            ("strict", true.into()),
        ])
    };
    let ty = "kernel_module_blacklist";
    let identity = kind(ty).identify(&args("rds")).unwrap();
    let nothing = || MemoryHost::new("w1");
    let create = op(&nothing(), ty, &identity, Some(&args("rds"))).await;
    survives(nothing, ty, path, &create).await;
    let text = "# Managed by clinch (project shop)\nblacklist sctp\n";
    let before = || MemoryHost::new("w1").with_file(path, text);
    let write = op(&before(), ty, &identity, Some(&args("rds"))).await;
    survives(before, ty, path, &write).await;
    let remove = op(&before(), ty, &identity, None).await;
    survives(before, ty, path, &remove).await;
}

/// The kernel is a part of it: two settings, one after the other.
#[tokio::test]
async fn kernel_and_file_end_alike_after_a_fault_at_every_call() {
    let path = "/etc/sysctl.d/90-clinch-settings.conf";
    let asked = sysctl::args(&[sysctl::FORWARD, sysctl::PORTS], true);
    let identity = kind("sysctl").identify(&asked).unwrap();
    let fresh = || sysctl::Machine::new().host;
    let create = op(&fresh(), "sysctl", &identity, Some(&asked)).await;
    assert!(survives(fresh, "sysctl", path, &create).await > 9);

    let applied = || {
        let machine = sysctl::Machine::new();
        let asked = asked.clone();
        let host = machine.host.clone();
        let apply = async move { machine.apply(Some(&asked)).await };
        futures::FutureExt::now_or_never(apply).unwrap().unwrap();
        host
    };
    let remove = op(&applied(), "sysctl", &identity, None).await;
    assert!(survives(applied, "sysctl", path, &remove).await > 9);
}

/// Two files, which belong together.
#[tokio::test]
async fn settings_and_flags_of_a_kubelet_are_old_or_new_after_a_fault_at_every_call() {
    let (config, flags) = ("/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env");
    let text = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    let before = || {
        let env = "KUBELET_KUBEADM_ARGS=\"--max-pods=17\"\n";
        MemoryHost::new("w1").with_file(config, text).with_file(flags, env)
    };
    let args = Value::map([
        ("node", "w1".into()),
        ("settings", Value::map([("maxPods", 60_i64.into())])),
        ("flags", Value::map([("max-pods", Value::Null), ("node-ip", "10.0.0.7".into())])),
    ]);
    let identity = kind("kubelet_config").identify(&args).unwrap();
    let write = op(&before(), "kubelet_config", &identity, Some(&args)).await;
    for path in [config, flags] {
        assert!(survives(before, "kubelet_config", path, &write).await > 20);
    }
    let applied = || {
        let host = before();
        let done = provider(host.clone());
        let write = write.clone();
        futures::FutureExt::now_or_never(async move { done.perform(&write, &|_| ()).await })
            .unwrap()
            .unwrap();
        host
    };
    let give_back = op(&applied(), "kubelet_config", &identity, None).await;
    for path in [config, flags] {
        assert!(survives(applied, "kubelet_config", path, &give_back).await > 20);
    }
}

/// Two files, and what is kept of them while nobody knows whether the new ones work.
#[tokio::test(start_paused = true)]
async fn files_of_a_cgroup_driver_are_old_or_new_after_a_fault_at_every_call() {
    let ty = "cgroup_driver";
    let asked = cgroup_driver::args("systemd");
    let identity = kind(ty).identify(&asked).unwrap();
    let before = cgroup_driver::files;
    let write = op(&before(), ty, &identity, Some(&asked)).await;
    let applied = || {
        let (host, write) = (before(), write.clone());
        let done = provider(host.clone());
        futures::FutureExt::now_or_never(async move { done.perform(&write, &|_| ()).await })
            .unwrap()
            .unwrap();
        host
    };
    let give_back = op(&applied(), ty, &identity, None).await;
    for path in [cgroup_driver::CONFIG, cgroup_driver::RUNTIME] {
        assert!(survives(before, ty, path, &write).await > 30);
        assert!(survives(applied, ty, path, &give_back).await > 30);
    }
}

/// Three files, of which each says where the runtime is.
#[tokio::test(start_paused = true)]
async fn files_of_a_migration_are_old_or_new_after_a_fault_at_every_call() {
    let (ty, asked) = ("runtime_migration", runtime_migration::args(true));
    let identity = kind(ty).identify(&asked).unwrap();
    let before = runtime_migration::files;
    let write = op(&before(), ty, &identity, Some(&asked)).await;
    for path in [runtime_migration::CONFIG, runtime_migration::ENV] {
        assert!(survives(before, ty, path, &write).await > 40);
    }
}

#[tokio::test]
async fn manifest_of_a_static_pod_is_old_or_new_after_a_fault_at_every_call() {
    let (ty, path) = ("static_pod", static_pod::PATH);
    let args = static_pod::args("kube-scheduler", &[("v", "4".into()), ("profiling", Value::Null)]);
    let identity = kind(ty).identify(&args).unwrap();
    let before = || MemoryHost::new("w1").with_file(path, static_pod::MANIFEST);
    let write = op(&before(), ty, &identity, Some(&args)).await;
    assert!(survives(before, ty, path, &write).await > 15);

    let applied = || {
        let host = before();
        let done = provider(host.clone());
        let write = write.clone();
        futures::FutureExt::now_or_never(async move { done.perform(&write, &|_| ()).await })
            .unwrap()
            .unwrap();
        host
    };
    let give_back = op(&applied(), ty, &identity, None).await;
    assert!(survives(applied, ty, path, &give_back).await > 15);
}

/// A file that others have settings in, a runtime that restarts, and files of registries.
#[tokio::test(start_paused = true)]
async fn runtime_and_its_files_are_old_or_new_after_a_fault_at_every_call() {
    let (ty, path) = ("container_runtime", container_runtime::PATH);
    let asked = container_runtime::args(&[
        ("sandbox_image", "registry.k8s.io/pause:3.10.2".into()),
        ("mirrors", container_runtime::hub("https://mirror.example.org")),
    ]);
    let identity = kind(ty).identify(&asked).unwrap();
    let fresh = || {
        let by_hand = "server = \"https://by.hand\"\n";
        container_runtime::Machine::new().with_file(container_runtime::HUB, by_hand).host
    };
    let create = op(&fresh(), ty, &identity, Some(&asked)).await;
    assert!(survives(fresh, ty, path, &create).await > 25);

    let applied = async |host: MemoryHost, op: &Op| {
        provider(host.clone()).perform(op, &|_| ()).await.unwrap();
        host
    };
    let fewer = container_runtime::args(&[("sandbox_image", "other".into())]);
    let change = op(&applied(fresh(), &create).await, ty, &identity, Some(&fewer)).await;
    let remove = op(&applied(fresh(), &create).await, ty, &identity, None).await;
    for op in [change, remove] {
        let before = async || applied(fresh(), &create).await;
        assert!(survives_from(before, ty, path, &op).await > 20, "{}", op.text);
    }
}

/// Two files that CRI-O reads, reloaded for one change and restarted for another.
#[tokio::test(start_paused = true)]
async fn both_files_of_crio_are_old_or_new_after_a_fault_at_every_call() {
    let ty = "container_runtime";
    let asked = crio::args(&[
        ("sandbox_image", "registry.k8s.io/pause:3.10.2".into()),
        ("mirrors", crio::hub("https://mirror.example.org")),
    ]);
    let identity = kind(ty).identify(&asked).unwrap();
    let fresh = || crio::Machine::new().host;
    let create = op(&fresh(), ty, &identity, Some(&asked)).await;
    let applied = async |host: MemoryHost, op: &Op| {
        provider(host.clone()).perform(op, &|_| ()).await.unwrap();
        host
    };
    let other = crio::args(&[("cgroup_driver", "cgroupfs".into())]);
    let change = op(&applied(fresh(), &create).await, ty, &identity, Some(&other)).await;
    let remove = op(&applied(fresh(), &create).await, ty, &identity, None).await;
    for path in [crio::PATH, crio::REGISTRIES] {
        assert!(survives(fresh, ty, path, &create).await > 10);
        for op in [&change, &remove] {
            let before = async || applied(fresh(), &create).await;
            assert!(survives_from(before, ty, path, op).await > 10, "{}", op.text);
        }
    }
}
