//! A node that leaves docker: what is decided, in which order it is done, and what becomes of the
//! node when its kubelet does not run with containerd.

mod machine;

use crate::cgroup_driver::Dying;
use crate::support::{answer, request, told};
use access::{Host, Hosts, MemoryHost, WriteFile};
use machine::{Machine, Setting, Trouble, cri_dockerd, dockershim};
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{Observation, PlanRequest, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::Arc;
use values::{Disruption, Value};

pub(crate) const CONFIG: &str = "/var/lib/kubelet/config.yaml";
const INSTANCE: &str = "/var/lib/kubelet/instance-config.yaml";
pub(crate) const ENV: &str = "/var/lib/kubelet/kubeadm-flags.env";
const RUNTIME: &str = "/etc/containerd/config.toml";
const SOCKET: &str = "unix:///run/containerd/containerd.sock";
const KUBELET_FILE: &str = "apiVersion: kubelet.config.k8s.io/v1beta1\ncgroupDriver: systemd\n\
                            kind: KubeletConfiguration\n";
const RUNTIME_FILE: &str = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.\
                            runc]\nruntime_type = \"io.containerd.runc.v2\"\n[plugins.\"io.containerd.\
                            grpc.v1.cri\".containerd.runtimes.runc.options]\nSystemdCgroup = true\n";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "runtime_migration").unwrap()
}

pub(crate) fn args(disable_docker: bool) -> Value {
    Value::map([("node", "w1".into()), ("disable_docker", disable_docker.into())])
}

/// Before anything was changed: cri-dockerd.
pub(crate) fn files() -> MemoryHost {
    let flags =
        "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/cri-dockerd.sock\"\n";
    cri_dockerd().with(ENV, flags).files
}

fn identity() -> Identity {
    kind().identify(&args(false)).unwrap()
}

fn provider(machine: &Machine, host: impl Host + 'static) -> NodeProvider {
    NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop")
        .asking(machine.server.cluster())
}

fn of(machine: &Machine) -> NodeProvider {
    provider(machine, machine.host.clone())
}

async fn observe(machine: &Machine) -> Observation {
    let wanted = Wanted { ty: kind().name().clone(), identity: identity() };
    of(machine).observe(vec![wanted]).await.remove(0)
}

async fn plan(machine: &Machine, disable_docker: Option<bool>) -> Planned {
    let (observed, desired) = (observe(machine).await, disable_docker.map(args));
    kind().plan(&request(&identity(), desired.as_ref(), &observed))
}

fn ops(planned: Planned) -> Vec<Op> {
    match planned {
        Planned::Decided(decision) => decision.ops,
        other => panic!("{}", answer(&other)),
    }
}

fn cost(planned: &Planned) -> Disruption {
    let Planned::Decided(decision) = planned else { panic!("{}", answer(planned)) };
    decision.disruption
}

async fn perform(machine: &Machine, ops: &[Op]) -> Result<(), StepError> {
    let provider = of(machine);
    for op in ops {
        assert_eq!(provider.settle(op).await, Ok(Settled::NotDone), "{}", op.text);
        provider.perform(op, &|_| ()).await?;
        assert!(matches!(provider.settle(op).await, Ok(Settled::Done(_))), "{}", op.text);
    }
    Ok(())
}

async fn apply(machine: &Machine, disable_docker: bool) -> Result<(), StepError> {
    perform(machine, &ops(plan(machine, Some(disable_docker)).await)).await
}

fn file(machine: &Machine, path: &str) -> String {
    machine.host.dump().get(path).unwrap().clone()
}

async fn edit(machine: &Machine, path: &str, old: &str, new: &str) {
    let text = file(machine, path);
    assert!(text.contains(old), "no `{old}` in {text}");
    let text = text.replace(old, new);
    let file = WriteFile::new(path, text.as_bytes(), 0o644, access::Expected::Anything);
    machine.host.write(file).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn p41_a_node_of_the_dockershim_is_moved_in_order_and_stays_so_when_the_block_goes() {
    let machine = Machine::new(&dockershim());
    assert_eq!(machine.talks_to().as_deref(), Some("docker"));
    let planned = plan(&machine, Some(true)).await;
    assert_eq!(cost(&planned), Disruption::Drain);
    assert_eq!(
        answer(&planned),
        "Create (Local)\nbefore: containerd_at_boot=false cri_socket=\"unix:///var/run/dockershim.sock\" \
         disable_docker=true docker=\"docker.service active, enabled; docker.socket active, enabled\" \
         flags={\"cni-bin-dir\": \"/opt/cni/bin\", \"container-runtime\": null, \
         \"container-runtime-endpoint\": null, \"network-plugin\": \"cni\"} runtime=\"docker, by the \
         dockershim (docker://20.10.7)\"\nafter: containerd_at_boot=true \
         cri_socket=\"unix:///run/containerd/containerd.sock\" disable_docker=true docker=\"off\" \
         flags={\"cni-bin-dir\": null, \"container-runtime\": \"remote\", \
         \"container-runtime-endpoint\": \"unix:///run/containerd/containerd.sock\", \
         \"network-plugin\": null} runtime=\"containerd\"\nop: move the kubelet of w1 to containerd: stop \
         kubelet, end containers of docker, stop and disable docker, write its files, enable \
         containerd, restart containerd, start kubelet, wait for the node and its daemon sets \
         (guarded)\nop: annotate node w1 with the socket of containerd (guarded)\nnote at `node`: \
         containerd does not have these images of pods that stay, and pulls them: \
         docker.io/library/agent:latest"
    );
    perform(&machine, &ops(planned)).await.unwrap();
    let order = [
        "stop kubelet",
        "docker stop -t 30 proxy static",
        "disable --now docker.service docker.socket",
        "enable containerd.service",
        "restart containerd",
        "start kubelet",
        "annotate",
    ];
    assert_eq!(machine.ran(), order);
    assert_eq!(
        file(&machine, ENV),
        "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.7 --container-runtime=remote \
         --container-runtime-endpoint=unix:///run/containerd/containerd.sock\"\n"
    );
    assert_eq!(machine.talks_to().as_deref(), Some("containerd"));
    assert_eq!(machine.annotation().as_deref(), Some(SOCKET));
    assert_eq!(machine.docker(), [""; 0]);
    assert!(answer(&plan(&machine, Some(true)).await).starts_with("NoOp"));
    let host: Arc<dyn Host> = Arc::new(machine.host.clone());
    let found = NodeProvider::new(Hosts::of([host]), "shop").find("shop").await.unwrap().found;
    assert_eq!(found.len(), 1);

    let forget = plan(&machine, None).await;
    assert_eq!(
        answer(&forget),
        "Delete (Local)\nbefore: runtime=\"containerd\"\nop: forget the container runtime of w1 (guarded)\n\
         note at ``: the node stays as it is: only what was noted there is removed"
    );
    assert_eq!(cost(&forget), Disruption::Quiet);
    perform(&machine, &ops(forget)).await.unwrap();
    assert_eq!(machine.ran(), [""; 0]);
    assert_eq!(machine.talks_to().as_deref(), Some("containerd"));
    assert!(!machine.host.dump().keys().any(|path| path.contains("/clinch/")));
    assert!(answer(&plan(&machine, None).await).starts_with("Forget"));
}

#[tokio::test(start_paused = true)]
async fn a_node_of_cri_dockerd_is_told_in_both_files_and_docker_goes_on_unless_asked() {
    let machine = Machine::new(&cri_dockerd());
    machine.annotated(None);
    let planned = plan(&machine, Some(false)).await;
    let text = answer(&planned);
    assert!(text.contains("runtime=\"docker, by cri-dockerd (docker://20.10.7)\""), "{text}");
    assert!(text.contains("pulls them: docker.io/library/agent:latest"), "{text}");
    perform(&machine, &ops(planned)).await.unwrap();
    for path in [CONFIG, INSTANCE] {
        let wanted = format!("containerRuntimeEndpoint: {SOCKET}\n");
        assert!(
            file(&machine, path).replace('"', "").contains(&wanted),
            "{}",
            file(&machine, path)
        );
    }
    assert_eq!(file(&machine, ENV), "KUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.7\"\n");
    assert_eq!(machine.docker(), ["docker.service", "docker.socket"]);
    // Where there is no annotation, none is made.
    assert_eq!(machine.annotation(), None);
    machine.ran();
    // docker alone disturbs no pod.
    let planned = plan(&machine, Some(true)).await;
    assert_eq!(cost(&planned), Disruption::Quiet);
    perform(&machine, &ops(planned)).await.unwrap();
    assert_eq!(machine.ran(), ["disable --now docker.service docker.socket"]);
    assert!(answer(&plan(&machine, Some(true)).await).starts_with("NoOp"));
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_does_not_run_with_containerd_goes_back_to_docker_with_all_that_was() {
    for (trouble, words) in [
        (
            Trouble::Refuses,
            "`kubelet`: It ended soon after its start. It wrote: \"E1123 failed to run",
        ),
        (
            Trouble::NeverBack,
            "`kubelet`: The pod of the daemon set kube-system/proxy is not ready.",
        ),
        (Trouble::Immortal, "These containers of docker do not end: proxy, static."),
    ] {
        let machine = Machine::new(&Setting { trouble, ..dockershim() });
        let before = machine.host.dump();
        let Err(StepError::Refused(problem)) = apply(&machine, true).await else {
            panic!("{trouble:?}")
        };
        let detail = problem.detail;
        let begin = format!("Node `w1` does not run with containerd. {words}");
        assert!(detail.starts_with(&begin), "{detail}");
        assert!(detail.ends_with("The old settings are back, and it runs with them."), "{detail}");
        assert_eq!(problem.code.0, "E0965");
        assert_eq!(machine.host.dump(), before, "{trouble:?}");
        assert_eq!(machine.talks_to().as_deref(), Some("docker"), "{trouble:?}");
        assert_eq!(machine.docker(), ["docker.service", "docker.socket"], "{trouble:?}");
        assert_eq!(machine.annotation().as_deref(), Some("unix:///var/run/dockershim.sock"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_commands_leads_on_to_containerd() {
    for setting in [dockershim(), cri_dockerd()] {
        let whole = Machine::new(&setting);
        let all = ops(plan(&whole, Some(true)).await);
        let op = &all[0];
        let counted = Dying::of(&whole.host, usize::MAX);
        provider(&whole, counted.clone()).perform(op, &|_| ()).await.unwrap();
        let steps = counted.calls();
        assert!(steps > 30, "{steps}");
        for at in 0..steps {
            let machine = Machine::new(&setting);
            let dying = Dying::of(&machine.host, at);
            let done = provider(&machine, dying).perform(op, &|_| ()).await;
            assert!(done.is_err(), "{at}");
            let place = format!("call {at}: {:?}", machine.ran());
            let provider = of(&machine);
            match provider.settle(op).await {
                Ok(Settled::Done(_)) => {}
                Ok(Settled::NotDone) => {
                    let done = provider.perform(op, &|_| ()).await;
                    done.unwrap_or_else(|e| panic!("{place}: {}", e.message()));
                }
                other => panic!("{place}: {other:?}"),
            }
            assert_eq!(machine.talks_to().as_deref(), Some("containerd"), "{place}");
            assert_eq!(machine.docker(), [""; 0], "{place}");
            assert_eq!(machine.host.dump(), whole.host.dump(), "{place}");
        }
    }
}

/// Who does not go on with the run, but plans anew, comes to the same end.
#[tokio::test(start_paused = true)]
async fn after_a_crash_a_new_plan_leads_on_to_containerd_too() {
    let mut planned_anew = 0;
    for at in 0.. {
        let machine = Machine::new(&dockershim());
        let op = ops(plan(&machine, Some(true)).await).remove(0);
        let dying = Dying::of(&machine.host, at);
        if provider(&machine, dying).perform(&op, &|_| ()).await.is_ok() {
            break;
        }
        for op in ops(plan(&machine, Some(true)).await) {
            let done = of(&machine).perform(&op, &|_| ()).await;
            done.unwrap_or_else(|e| panic!("{at}: {}", e.message()));
        }
        planned_anew += 1;
        assert_eq!(machine.talks_to().as_deref(), Some("containerd"), "{at}");
        assert!(answer(&plan(&machine, Some(true)).await).starts_with("NoOp"), "{at}");
    }
    assert!(planned_anew > 30, "{planned_anew}");
}

#[tokio::test(start_paused = true)]
async fn what_was_edited_by_hand_is_found_and_taken_back_at_its_cost() {
    let machine = Machine::new(&cri_dockerd());
    apply(&machine, true).await.unwrap();
    machine.ran();
    machine.annotated(Some("unix:///var/run/dockershim.sock"));
    let planned = plan(&machine, Some(true)).await;
    assert_eq!(cost(&planned), Disruption::Quiet);
    assert!(answer(&planned).contains("op: annotate node w1"), "{}", answer(&planned));
    perform(&machine, &ops(planned)).await.unwrap();
    assert_eq!(machine.ran(), ["annotate"]);
    // Somebody takes the node back to docker, in the file and not in what runs.
    let docker = "unix:///var/run/cri-dockerd.sock";
    edit(&machine, CONFIG, SOCKET, docker).await;
    let planned = plan(&machine, Some(true)).await;
    assert_eq!(cost(&planned), Disruption::Drain);
    perform(&machine, &ops(planned)).await.unwrap();
    assert!(file(&machine, CONFIG).contains(SOCKET));
    // A flag of the dockershim alone takes a restart.
    edit(&machine, ENV, "--node-ip", "--network-plugin=cni --node-ip").await;
    let planned = plan(&machine, Some(true)).await;
    assert_eq!(cost(&planned), Disruption::Restart);
    perform(&machine, &ops(planned)).await.unwrap();
    assert!(answer(&plan(&machine, Some(true)).await).starts_with("NoOp"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_edited_since_the_plan_stops_the_step_before_anything_is_stopped() {
    let machine = Machine::new(&cri_dockerd());
    let op = ops(plan(&machine, Some(true)).await).remove(0);
    edit(&machine, CONFIG, "cri-dockerd.sock", "other.sock").await;
    let edited = machine.host.dump();
    let Err(StepError::Stale(why)) = of(&machine).perform(&op, &|_| ()).await else { panic!() };
    assert!(why.contains("something else of `containerRuntimeEndpoint`"), "{why}");
    assert_eq!((machine.ran(), machine.host.dump()), (Vec::new(), edited));
    assert!(matches!(of(&machine).settle(&op).await, Ok(Settled::Changed(_))));
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_kubelet_from_starting_is_an_error_that_names_the_place() {
    let extra = "/etc/default/kubelet";
    let flag = |text: &str| format!("KUBELET_EXTRA_ARGS=\"{text}\"\n");
    let runtime =
        |old: &str, new: &str| cri_dockerd().with(RUNTIME, &RUNTIME_FILE.replace(old, new));
    let old = |setting: Setting| Setting { containerd: "1.7.27", ..setting };
    for (setting, words) in [
        (
            cri_dockerd().with(extra, &flag("--network-plugin=cni")),
            "E0962 at `node`: w1: the flag `--network-plugin=cni` stands in /etc/default/kubelet, and a \
             kubelet of this version does not start with it",
        ),
        (
            cri_dockerd().with(
                extra,
                &flag("--container-runtime-endpoint=unix:///var/run/cri-dockerd.sock"),
            ),
            "stands in /etc/default/kubelet, and it wins over what is written here",
        ),
        (
            cri_dockerd()
                .with(extra, &flag("--container-runtime-endpoint=unix:///var/run/crio/crio.sock")),
            "E0961 at `node`: The kubelet of `w1` talks to `unix:///var/run/crio/crio.sock`",
        ),
        (
            runtime("version = 2", "version = 2\ndisabled_plugins = [\"cri\"]"),
            "disables the plugin that a kubelet talks to",
        ),
        (
            old(runtime("SystemdCgroup = true", "SystemdCgroup = false")),
            "E0963 at `node`: The kubelet of `w1` has the cgroup driver `systemd` (`cgroupDriver` in \
             `/var/lib/kubelet/config.yaml`), and containerd has `cgroupfs`",
        ),
        (
            Setting { containerd: "1.5.9", ..cri_dockerd() },
            "A kubelet 1.36 and a containerd 1.5 have no version of the CRI in common",
        ),
        (
            Setting { kubelet: "v1.22.1", containerd: "2.0.0", ..dockershim() },
            "A kubelet 1.22 and a containerd 2.0 have no version of the CRI in common",
        ),
        (
            Setting { server: "v1.35.0", ..cri_dockerd() },
            "installed on host `w1` is 1.36, and the API server is 1.35",
        ),
        (
            Setting { has_docker: false, ..cri_dockerd() },
            "docker runs on host `w1` and its program `docker` is not found there",
        ),
    ] {
        let said = answer(&plan(&Machine::new(&setting), Some(true)).await);
        assert!(said.contains(words), "no `{words}` in {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_the_same_plan_configures_first_is_not_judged_by_its_old_file() {
    let text = RUNTIME_FILE.replace("version = 2", "version = 2\ndisabled_plugins = [\"cri\"]");
    let machine = Machine::new(&cri_dockerd().with(RUNTIME, &text));
    let runtime =
        node::kinds().into_iter().find(|kind| kind.name().as_str() == "container_runtime");
    let of_runtime = Value::map([("node", "w1".into())]);
    let key = runtime.unwrap().identify(&of_runtime).unwrap().key;
    assert!(kind().needs(&identity(), &args(true)).contains(&key));
    let (observed, desired, created) = (observe(&machine).await, args(true), [key].into());
    let identity = identity();
    let plain = request(&identity, Some(&desired), &observed);
    let planned = kind().plan(&PlanRequest { created: &created, ..plain });
    assert!(answer(&planned).starts_with("Create"), "{}", answer(&planned));
}

/// Whoever makes containerd ready for a kubelet needs no drain for it.
#[tokio::test(start_paused = true)]
async fn a_containerd_without_pods_gets_its_cgroup_driver_by_a_restart() {
    let text = RUNTIME_FILE.replace("true", "false");
    let runtime =
        node::kinds().into_iter().find(|kind| kind.name().as_str() == "container_runtime");
    let runtime = runtime.unwrap();
    let args = Value::map([("node", "w1".into()), ("cgroup_driver", "systemd".into())]);
    let identity = runtime.identify(&args).unwrap();
    let wanted = Wanted { ty: runtime.name().clone(), identity: identity.clone() };
    for (setting, wanted_cost) in [
        (cri_dockerd(), Disruption::Restart),
        (dockershim(), Disruption::Restart),
        (cri_dockerd().with(CONFIG, KUBELET_FILE).with(INSTANCE, KUBELET_FILE), Disruption::Drain),
    ] {
        let machine = Machine::new(&setting.with(RUNTIME, &text));
        let observed = of(&machine).observe(vec![wanted.clone()]).await.remove(0);
        let planned = runtime.plan(&request(&identity, Some(&args), &observed));
        assert_eq!(cost(&planned), wanted_cost, "{}", answer(&planned));
    }
}

#[tokio::test(start_paused = true)]
async fn workloads_that_use_docker_are_warned_of_with_their_owners() {
    let setting = Setting { mounts: "/var/run/docker.sock", ..cri_dockerd() };
    let Planned::Decided(decision) = plan(&Machine::new(&setting), Some(false)).await else {
        panic!()
    };
    assert_eq!(
        told(&decision.warnings),
        "E0966 at `node`: Pods on `w1` use docker, and find none of the node's containers there any \
         more: ci/Deployment/runner (container `ci` mounts /var/run/docker.sock, the socket of docker)."
    );
    let Planned::Decided(decision) = plan(&Machine::new(&cri_dockerd()), Some(false)).await else {
        panic!()
    };
    assert_eq!(decision.warnings, []);
}

/// What could not be read is neither there nor absent.
#[tokio::test(start_paused = true)]
async fn a_node_that_the_server_does_not_show_is_an_error() {
    let machine = Machine::new(&cri_dockerd());
    let gone = access::scripted::Server::new(|seen| match seen.path.as_str() {
        "/api/v1/nodes" => access::scripted::Reply::refusal(403, "Forbidden", "no"),
        other => access::scripted::Reply::not_found(other),
    });
    let provider = NodeProvider::new(Hosts::of([Arc::new(machine.host.clone()) as _]), "shop");
    let wanted = Wanted { ty: kind().name().clone(), identity: identity() };
    let observed = provider.asking(gone.cluster()).observe(vec![wanted]).await.remove(0);
    let said = answer(&kind().plan(&request(&identity(), Some(&args(true)), &observed)));
    assert!(said.starts_with("E0964 at `node`: What runs on `w1` could not be asked."), "{said}");
}
