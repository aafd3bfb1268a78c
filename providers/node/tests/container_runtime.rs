//! Container runtimes: what is decided, and what becomes of their files and of what runs.

mod machine;

use crate::support::{answer, request, told};
use access::{FolderHost, Host, Hosts, MemoryHost};
pub(crate) use machine::Machine;
use machine::{complained, said};
use node::NodeProvider;
use plans::{Identity, Op};
use provider::{PlanRequest, Planned, ResourceKind, Settled, StepError, Wanted};
use std::sync::Arc;
use values::{Disruption, Path, Value};

pub(crate) const PATH: &str = "/etc/containerd/config.toml";
pub(crate) const HUB: &str = "/etc/containerd/certs.d/docker.io/hosts.toml";
const FILE: &str = r#"# By hand.
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"  # kubeadm's

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true
"#;
const PAUSE: &str = "registry.k8s.io/pause:3.10.2";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "container_runtime").unwrap()
}

/// Arguments as they come after conforming.
pub(crate) fn args(given: &[(&'static str, Value)]) -> Value {
    let usual = [("node", "w1".into()), ("engine", "containerd".into()), ("path", PATH.into())];
    Value::map(usual.into_iter().chain(given.iter().cloned()))
}

/// A mirror of the hub.
pub(crate) fn hub(url: &str) -> Value {
    let pull = Value::list(["pull".into(), "resolve".into()]);
    let endpoint = Value::map([("url", url.into()), ("capabilities", pull)]);
    let mirror = [("server", "https://registry-1.docker.io".into())];
    let endpoints = ("endpoints", Value::list([endpoint]));
    Value::map([("docker.io", Value::map(mirror.into_iter().chain([endpoints])))])
}

fn provider(host: impl Host + 'static) -> NodeProvider {
    NodeProvider::new(Hosts::of([Arc::new(host) as Arc<dyn Host>]), "shop")
}

fn identity() -> Identity {
    kind().identify(&args(&[])).unwrap()
}

async fn plan(provider: &NodeProvider, args: Option<&Value>, ignore: &[Path]) -> Planned {
    let (kind, identity) = (kind(), identity());
    let wanted = Wanted { ty: kind.name().clone(), identity: identity.clone() };
    let observed = provider.observe(vec![wanted]).await.remove(0);
    kind.plan(&PlanRequest { ignore, ..request(&identity, args, &observed) })
}

fn only_op(planned: Planned) -> Op {
    match planned {
        Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
        other => panic!("{}", answer(&other)),
    }
}

async fn apply(provider: &NodeProvider, args: Option<&Value>) -> Result<(), StepError> {
    let op = only_op(plan(provider, args, &[]).await);
    assert_eq!(provider.settle(&op).await, Ok(Settled::NotDone), "{}", op.text);
    provider.perform(&op, &|_| ()).await?;
    assert!(matches!(provider.settle(&op).await, Ok(Settled::Done(_))), "{}", op.text);
    Ok(())
}

fn disruption(planned: &Planned) -> Disruption {
    let Planned::Decided(decision) = planned else { panic!("{}", answer(planned)) };
    decision.disruption
}

fn problems(given: &[(&'static str, Value)]) -> String {
    told(&kind().check(&args(given)))
}

#[tokio::test(start_paused = true)]
async fn settings_and_mirrors_come_and_go_and_what_was_there_is_back() {
    let machine = Machine::new();
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://mirror.example.org"))];
    let first = machine.plan(&asked).await;
    assert_eq!(disruption(&first), Disruption::Restart);
    assert!(answer(&first).contains("is not on the host yet"), "{}", answer(&first));
    machine.apply(&asked).await.unwrap();
    assert_eq!(machine.ran(), ["systemctl restart containerd"]);
    let section = "\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  \
                   config_path = \"/etc/containerd/certs.d\"\n";
    assert_eq!(machine.file(PATH).unwrap(), FILE.replace("3.9", "3.10.2") + section);
    assert_eq!(
        machine.file(HUB).unwrap(),
        "# Managed by clinch (project shop)\n# Changes made here are overwritten.\n\
         server = \"https://registry-1.docker.io\"\n\n[host.\"https://mirror.example.org\"]\n  \
         capabilities = [\"pull\", \"resolve\"]\n"
    );
    let again = answer(&machine.plan(&asked).await);
    assert!(again.starts_with("NoOp"), "{again}");

    // A mirror alone disturbs nothing.
    let other = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://other.example.org"))];
    assert_eq!(disruption(&machine.plan(&other).await), Disruption::Quiet);
    machine.apply(&other).await.unwrap();
    assert_eq!(machine.ran(), [""; 0]);

    apply(&machine.provider(), None).await.unwrap();
    assert_eq!(machine.ran(), ["systemctl restart containerd"]);
    assert_eq!(machine.host.dump().into_iter().collect::<Vec<_>>(), [(PATH.into(), FILE.into())]);
    assert!(answer(&plan(&machine.provider(), None, &[]).await).starts_with("Forget"));
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_out_of_the_block_is_given_back_and_the_rest_stays() {
    let by_hand = "server = \"https://by.hand\" # mine\n";
    let machine = Machine::new().with_file(HUB, by_hand);
    let mirrors = hub("https://mirror.example.org");
    let both = [("sandbox_image", PAUSE.into()), ("mirrors", mirrors)];
    let first = answer(&machine.plan(&both).await);
    assert!(first.contains("is there already; it comes back when this goes"), "{first}");
    machine.apply(&both).await.unwrap();
    machine.apply(&[("sandbox_image", PAUSE.into())]).await.unwrap();
    assert_eq!(machine.file(HUB).unwrap(), by_hand);
    assert_eq!(machine.file(PATH).unwrap(), FILE.replace("3.9", "3.10.2"));
    machine.apply(&[("mirrors", hub("https://mirror.example.org"))]).await.unwrap();
    assert!(machine.file(PATH).unwrap().contains("pause:3.9\"  # kubeadm's"));
    apply(&machine.provider(), None).await.unwrap();
    assert_eq!(machine.file(HUB).unwrap(), by_hand);
    assert_eq!(machine.file(PATH).unwrap(), FILE);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_does_not_run_with_it_has_the_old_file_back() {
    for (image, why) in [
        ("broken", "It could not be restarted: Job for containerd.service failed."),
        ("broken", "It wrote: \"containerd: cannot go on: [1mbecause\"."),
        ("unwell", "Its plugin `io.containerd.grpc.v1.cri` is in error."),
        ("unreadable", "cannot read the new file: containerd: no [31m. Nothing was changed."),
    ] {
        let machine = Machine::new();
        let asked = [("sandbox_image", image.into()), ("mirrors", hub("https://a.example"))];
        let refused = machine.apply(&asked).await.unwrap_err();
        assert!(matches!(refused, StepError::Refused(_)), "{}", refused.message());
        assert!(refused.message().contains(why), "{image}: {}", refused.message());
        assert_eq!(
            machine.host.dump().into_iter().collect::<Vec<_>>(),
            [(PATH.into(), FILE.into())]
        );
        let restarts = if image == "unreadable" { 0 } else { 2 };
        assert_eq!(machine.ran().len(), restarts, "{image}");
        let next = answer(&machine.plan(&asked).await);
        assert!(!next.contains("running="), "{next}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changed_after_the_start_is_seen_though_it_says_what_is_asked_for() {
    let machine = Machine::new();
    let asked = [("sandbox_image", PAUSE.into())];
    machine.apply(&asked).await.unwrap();
    let text = machine.file(PATH).unwrap();
    let machine = machine.with_file(PATH, &format!("{text}# touched\n"));
    let found = machine.plan(&asked).await;
    let shown = answer(&found);
    assert!(shown.contains("running=\"since before the file was last changed\""), "{shown}");
    assert_eq!(disruption(&found), Disruption::Restart);
    machine.apply(&asked).await.unwrap();
    assert!(answer(&machine.plan(&asked).await).starts_with("NoOp"));
}

#[tokio::test]
async fn another_cgroup_driver_costs_a_drain_and_the_same_nothing_but_a_record() {
    let machine = Machine::new();
    let asked = |driver: &str| [("cgroup_driver", Value::from(driver))];
    let same = machine.plan(&asked("systemd")).await;
    assert_eq!(disruption(&same), Disruption::Quiet, "{}", answer(&same));
    let other = machine.plan(&asked("cgroupfs")).await;
    assert_eq!(disruption(&other), Disruption::Drain);
    assert!(answer(&other).contains("cgroup_driver=\"systemd\""), "{}", answer(&other));
    // A runtime that nobody described is described.
    let bare = Machine::of(MemoryHost::new("w1").with_file(PATH, "version = 3\n"), "2.1.0");
    let op = only_op(bare.plan(&asked("systemd")).await);
    let settings = format!("{:?}", op.args.get("settings").unwrap());
    let runtime = "\"io.containerd.cri.v1.runtime\", \"containerd\", \"runtimes\", \"runc\"";
    assert!(settings.contains(&format!("{runtime}, \"options\", \"SystemdCgroup\"], true")));
    assert!(settings.contains(&format!("{runtime}, \"runtime_type\"]")), "{settings}");
}

/// What is decided later may not cost more than what was planned.
#[tokio::test(start_paused = true)]
async fn p25_a_driver_beside_something_that_is_not_known_yet_costs_its_drain() {
    let machine = Machine::new();
    let late = ("sandbox_image", crate::support::unknown());
    let cost = async |given: &[(&'static str, Value)]| disruption(&machine.plan(given).await);
    let driver = |name: &str| ("cgroup_driver", Value::from(name));
    assert_eq!(cost(&[late.clone(), driver("cgroupfs")]).await, Disruption::Drain);
    assert_eq!(cost(&[late.clone(), driver("systemd")]).await, Disruption::Restart);
    // Mirrors cost nothing once the runtime knows where they are.
    let mirrors = [("mirrors", crate::support::unknown())];
    assert_eq!(cost(&mirrors).await, Disruption::Restart);
    machine.apply(&[("mirrors", hub("https://a.example"))]).await.unwrap();
    assert_eq!(cost(&mirrors).await, Disruption::Quiet);
}

#[tokio::test]
async fn a_kubelet_with_another_driver_is_a_warning_unless_it_asks_the_runtime() {
    let kubelet = "kind: KubeletConfiguration\ncgroupDriver: cgroupfs\n";
    for (version, warnings) in [("1.7.27", 1), ("v2.1.0", 0)] {
        let files = MemoryHost::new("w1")
            .with_file(PATH, FILE)
            .with_file("/var/lib/kubelet/config.yaml", kubelet);
        let planned =
            Machine::of(files, version).plan(&[("cgroup_driver", "systemd".into())]).await;
        let Planned::Decided(decision) = planned else { panic!() };
        assert_eq!(decision.warnings.len(), warnings, "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_was_disabled_is_enabled_in_a_file_that_says_no_schema() {
    let docker = "# by a package\ndisabled_plugins = [\"cri\"]\n#root = \"/var/lib/containerd\"\n";
    let machine = Machine::of(MemoryHost::new("w1").with_file(PATH, docker), "1.7.27");
    let asked = [("sandbox_image", PAUSE.into())];
    let first = answer(&machine.plan(&asked).await);
    assert!(first.contains("gets `version = 2`"), "{first}");
    machine.apply(&asked).await.unwrap();
    assert_eq!(
        machine.file(PATH).unwrap(),
        format!(
            "# by a package\ndisabled_plugins = []\nversion = 2\n#root = \"/var/lib/containerd\"\n\n\
             [plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = \"{PAUSE}\"\n"
        )
    );
    assert!(answer(&machine.plan(&asked).await).starts_with("NoOp"));
    apply(&machine.provider(), None).await.unwrap();
    assert_eq!(machine.file(PATH).unwrap(), docker);
}

#[tokio::test]
async fn a_file_in_an_unknown_schema_is_left_alone() {
    for (file, why) in [
        ("version = 4\n", "has `version = 4`, a schema that clinch does not know"),
        ("[plugins.cri]\n", "has no `version`"),
        ("version = [\n", "is no TOML: line 1"),
    ] {
        let machine = Machine::of(MemoryHost::new("w1").with_file(PATH, file), "2.3.0");
        let refused = answer(&machine.plan(&[("sandbox_image", PAUSE.into())]).await);
        assert!(refused.starts_with("E0821 at `path`") && refused.contains(why), "{refused}");
    }
}

#[tokio::test]
async fn a_file_that_is_imported_and_wins_is_named() {
    let file = format!("imports = [\"conf.d/*.toml\", \"/opt/*/x.toml\"]\n{FILE}");
    let import = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  enable_cdi = true\n";
    let files = |content: &str| {
        MemoryHost::new("w1")
            .with_file(PATH, file.as_str())
            .with_file("/etc/containerd/conf.d/10-cdi.toml", content)
            .with_file("/etc/containerd/conf.d/README", "no TOML")
    };
    let asked = [("sandbox_image", PAUSE.into())];
    let refused = answer(&Machine::of(files(import), "1.7.27").plan(&asked).await);
    assert!(
        refused.starts_with(
            "E0824 at `sandbox_image`: w1: `/etc/containerd/conf.d/10-cdi.toml`, which \
             /etc/containerd/config.toml imports, wins over it"
        ),
        "{refused}"
    );
    let merged = answer(&Machine::of(files(import), "v2.1.0").plan(&asked).await);
    assert!(merged.starts_with("Create"), "{merged}");
    assert!(merged.contains("what is in `/opt/*/x.toml`, which the file imports, is not known"));
    let same = format!("{import}  sandbox_image = \"other\"\n");
    let refused = answer(&Machine::of(files(&same), "v2.1.0").plan(&asked).await);
    assert!(refused.starts_with("E0824"), "{refused}");
}

#[tokio::test]
async fn registries_in_the_file_itself_and_mirrors_exclude_each_other() {
    let section = "[plugins.\"io.containerd.grpc.v1.cri\".registry.mirrors.\"docker.io\"]\n  \
                   endpoint = [\"https://a.example\"]\n";
    let files = MemoryHost::new("w1").with_file(PATH, format!("{FILE}{section}"));
    let machine = Machine::of(files, "1.6.20");
    let refused = answer(&machine.plan(&[("mirrors", hub("https://a.example"))]).await);
    assert!(refused.starts_with("E0824 at `mirrors`"), "{refused}");
    let fine = answer(&machine.plan(&[("sandbox_image", PAUSE.into())]).await);
    assert!(fine.starts_with("Create"), "{fine}");
}

#[tokio::test]
async fn what_was_edited_since_the_plan_stops_the_step() {
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://a.example"))];
    for path in [PATH, HUB] {
        let machine = Machine::new();
        let op = only_op(machine.plan(&asked).await);
        let machine = machine.with_file(path, "version = 2\n# by hand\n");
        let stale = machine.provider().perform(&op, &|_| ()).await;
        assert!(matches!(stale, Err(StepError::Stale(_))), "{path}: {stale:?}");
        let settled = machine.provider().settle(&op).await;
        assert!(matches!(settled, Ok(Settled::Changed(_))), "{path}: {settled:?}");
        assert_eq!(machine.file(path).unwrap(), "version = 2\n# by hand\n");
    }
}

/// A header of a registry, a password in the runtime's file.
#[tokio::test(start_paused = true)]
async fn no_secret_of_a_file_is_in_an_operation_or_its_guard() {
    let secret = "hunter2";
    let auth = format!(
        "{FILE}\n[plugins.\"io.containerd.grpc.v1.cri\".registry.configs.\"a\".auth]\n  \
         password = \"{secret}\"\n"
    );
    let header = format!("[host.\"https://a\"]\n[host.\"https://a\".header]\nx = \"{secret}\"\n");
    let files = MemoryHost::new("w1").with_file(PATH, auth.clone()).with_file(HUB, header.clone());
    let machine = Machine::of(files, "1.7.27");
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://a.example"))];
    let Planned::Decided(decision) = machine.plan(&asked).await else { panic!() };
    let shown = format!("{decision:?}");
    assert!(!shown.contains(secret), "{shown}");
    for text in [&auth, &header] {
        assert!(!shown.contains(&access::digest(text.as_bytes())), "{shown}");
    }
    machine.apply(&asked).await.unwrap();
    let Planned::Decided(decision) = plan(&machine.provider(), None, &[]).await else { panic!() };
    assert!(!format!("{decision:?}").contains(secret));
    apply(&machine.provider(), None).await.unwrap();
    assert_eq!(machine.file(HUB), Some(header));
    // The header of the section stays: others have settings below it.
    let left = "\n[plugins.\"io.containerd.grpc.v1.cri\".registry]\n";
    assert_eq!(machine.file(PATH), Some(format!("{auth}{left}")));
}

#[tokio::test(start_paused = true)]
async fn ignored_arguments_stay_as_the_host_has_them() {
    let machine = Machine::new();
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://a.example"))];
    machine.apply(&asked).await.unwrap();
    let machine = machine.with_file(HUB, "server = \"https://b.example\"\n");
    let other = args(&[("sandbox_image", "other".into()), ("mirrors", hub("https://c.example"))]);
    let ignore = ["sandbox_image", "mirrors"].map(Path::of);
    let planned = answer(&plan(&machine.provider(), Some(&other), &ignore).await);
    assert!(planned.starts_with("NoOp"), "{planned}");
    let planned = answer(&plan(&machine.provider(), Some(&other), &ignore[..1]).await);
    assert!(planned.starts_with("Update") && !planned.contains("other"), "{planned}");
}

#[tokio::test]
async fn a_host_that_is_a_folder_has_the_files_and_nothing_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("w1");
    std::fs::create_dir(&root).unwrap();
    let provider = provider(FolderHost::new("w1", &root));
    let asked = args(&[("mirrors", hub("https://a.example")), ("sandbox_image", PAUSE.into())]);
    apply(&provider, Some(&asked)).await.unwrap();
    assert!(answer(&plan(&provider, Some(&asked), &[]).await).starts_with("NoOp"));
    let text = std::fs::read_to_string(root.join(&PATH[1..])).unwrap();
    assert!(text.starts_with("version = 2\n"), "{text}");
    let found = provider.find("shop").await.unwrap().found;
    assert_eq!(found.iter().map(|f| &f.identity.key).collect::<Vec<_>>(), [&identity().key]);
    assert_eq!(provider.find("other").await.unwrap().found, []);
    apply(&provider, None).await.unwrap();
    assert!(!root.join(&PATH[1..]).exists() && !root.join(&HUB[1..]).exists());
    let left = std::fs::read_dir(root.join("var/lib/clinch/runtime")).unwrap().count();
    assert_eq!(left, 0);
}

/// containerd looks no further for a registry whose folder is there, empty or not.
#[tokio::test]
async fn folder_that_was_made_for_a_mirror_goes_with_it_and_any_other_stays() {
    enum Before {
        Nothing,
        Folder,
        Certificate,
        CertificateLater,
    }
    for (before, is_left) in [
        (Before::Nothing, false),
        (Before::Folder, true),
        (Before::Certificate, true),
        (Before::CertificateLater, true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("w1");
        let hub_folder = root.join("etc/containerd/certs.d/docker.io");
        std::fs::create_dir(&root).unwrap();
        if !matches!(before, Before::Nothing | Before::CertificateLater) {
            std::fs::create_dir_all(&hub_folder).unwrap();
        }
        let certificate = || std::fs::write(hub_folder.join("ca.crt"), "a").unwrap();
        if matches!(before, Before::Certificate) {
            certificate();
        }
        let provider = provider(FolderHost::new("w1", &root));
        let image = ("sandbox_image", PAUSE.into());
        let asked = args(&[("mirrors", hub("https://a.example")), image.clone()]);
        apply(&provider, Some(&asked)).await.unwrap();
        assert!(answer(&plan(&provider, Some(&asked), &[]).await).starts_with("NoOp"));
        if matches!(before, Before::CertificateLater) {
            certificate();
        }
        apply(&provider, Some(&args(std::slice::from_ref(&image)))).await.unwrap();
        assert_eq!(hub_folder.exists(), is_left);
        assert!(answer(&plan(&provider, Some(&args(&[image])), &[]).await).starts_with("NoOp"));
        apply(&provider, None).await.unwrap();
        assert_eq!(hub_folder.exists(), is_left);
        assert!(root.join("etc/containerd/certs.d").exists(), "only the one that was made for it");
    }
}

#[tokio::test]
async fn a_host_that_says_nothing_of_a_runtime_has_not_none() {
    let silent = MemoryHost::new("w1").with_program(|_, _| complained("no such program"));
    let asked = [("sandbox_image", PAUSE.into())];
    let refused = answer(&plan(&provider(silent), Some(&args(&asked)), &[]).await);
    assert!(refused.starts_with("E0822 at `engine`"), "{refused}");
}

#[test]
fn what_is_asked_for_is_judged_before_anything_is_read() {
    assert_eq!(
        problems(&[]),
        "E0820 at ``: None of `cgroup_driver`, `sandbox_image`, `mirrors` is given."
    );
    assert_eq!(
        problems(&[("cgroup_driver", "systemdd".into())]),
        "E0820 at `cgroup_driver`: `systemdd` must be one of: systemd, cgroupfs."
    );
    assert_eq!(
        problems(&[("sandbox_image", Value::from("a").into_sensitive())]),
        "E0820 at `sandbox_image`: It is shown in plans and kept in them, so it cannot be sensitive."
    );
    let endpoint = Value::map([
        ("url", "mirror.example.org".into()),
        ("capabilities", Value::list(["pul".into()])),
        ("ca", "mirror.pem".into()),
    ]);
    let mirrors = Value::map([
        ("../etc", Value::map([("endpoints", Value::list([endpoint]))])),
        ("quay.io", Value::map([("server", Value::Null)])),
    ]);
    assert_eq!(
        problems(&[("mirrors", mirrors)]),
        "E0825 at `mirrors[\"../etc\"]`: `../etc` has a `/`: a mirror is for a whole registry.\n\
         E0825 at `mirrors[\"../etc\"].endpoints[0].url`: It must begin with `https://` or `http://`.\n\
         E0825 at `mirrors[\"../etc\"].endpoints[0].capabilities[0]`: `pul` must be one of: pull, resolve, push.\n\
         E0795 at `mirrors[\"../etc\"].endpoints[0].ca`: The path `mirror.pem` is not absolute.\n\
         E0825 at `mirrors[\"quay.io\"]`: It has neither `endpoints` nor a `server`."
    );
    let wrong = kind().identify(&Value::map([
        ("node", "w1".into()),
        ("engine", "docker".into()),
        ("path", "/etc/../x".into()),
    ]));
    assert!(told(&wrong.unwrap_err()).contains("`docker` is not a runtime that clinch keeps."));
}

#[tokio::test]
async fn a_pattern_that_matches_the_file_itself_imports_nothing() {
    let file = format!("imports = [\"*.toml\"]\n{FILE}");
    let machine = Machine::of(MemoryHost::new("w1").with_file(PATH, file), "1.7.27");
    let planned = answer(&machine.plan(&[("sandbox_image", PAUSE.into())]).await);
    assert!(planned.starts_with("Create"), "{planned}");
}

#[tokio::test]
async fn p25_a_runtime_of_an_imported_file_with_another_driver_is_named() {
    let file = format!("imports = [\"/etc/containerd/conf.d/*.toml\"]\n{FILE}");
    let gpu = "version = 3\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.gpu]\n  \
               runtime_type = 'io.containerd.runc.v2'\n";
    let files = MemoryHost::new("w1")
        .with_file(PATH, file)
        .with_file("/etc/containerd/conf.d/99-gpu.toml", gpu);
    let machine = Machine::of(files, "v2.1.0");
    let refused = answer(&machine.plan(&[("cgroup_driver", "systemd".into())]).await);
    assert_eq!(
        refused,
        "E0824 at `cgroup_driver`: w1: `/etc/containerd/conf.d/99-gpu.toml` describes `gpu` with \
         another cgroup driver than `systemd`."
    );
    let right = format!("{gpu}  options.SystemdCgroup = true\n");
    let machine = machine.with_file("/etc/containerd/conf.d/99-gpu.toml", &right);
    let planned = answer(&machine.plan(&[("cgroup_driver", "systemd".into())]).await);
    assert!(planned.starts_with("Create"), "{planned}");
}

/// kubernetes#87918: a value in quotes within quotes is another value.
#[tokio::test]
async fn p25_a_driver_in_quotes_is_none() {
    let kubelet = "/var/lib/kubelet/config.yaml";
    let said = async |file: &str, driver: &str| {
        let files = MemoryHost::new("w1").with_file(PATH, file).with_file(kubelet, driver);
        let planned = Machine::of(files, "1.7.27").plan(&[("sandbox_image", PAUSE.into())]).await;
        let Planned::Decided(decision) = planned else { panic!("{}", answer(&planned)) };
        told(&decision.warnings)
    };
    assert_eq!(said(FILE, "cgroupDriver: systemd\n").await, "");
    assert_eq!(said(FILE, "cgroupDriver: 'systemd'\n").await, "");
    let found = said(FILE, "cgroupDriver: \"'systemd'\"\n").await;
    assert!(found.contains("has the cgroup driver `\\'systemd\\'`"), "{found}");
    let quoted = FILE.replace("SystemdCgroup = true", "SystemdCgroup = \"true\"");
    let found = said(&quoted, "cgroupDriver: systemd\n").await;
    assert!(found.contains("and containerd has `cgroupfs`"), "{found}");
    let machine = Machine::of(MemoryHost::new("w1").with_file(PATH, quoted), "1.7.27");
    let planned = machine.plan(&[("cgroup_driver", "systemd".into())]).await;
    assert_eq!(disruption(&planned), Disruption::Drain);
    let settings = only_op(planned).args.get("settings").map(|settings| format!("{settings:?}"));
    assert!(settings.unwrap().contains("\"SystemdCgroup\"], true]"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_is_empty_again_and_one_that_was_not_there_is_gone() {
    for file in [Some(""), Some("\n"), Some("# nothing\r\n"), None] {
        let host = MemoryHost::new("w1");
        let host = match file {
            Some(text) => host.with_file(PATH, text),
            None => host,
        };
        let machine = Machine::of(host, "1.7.27");
        machine.apply(&[("sandbox_image", PAUSE.into())]).await.unwrap();
        assert!(machine.file(PATH).unwrap().contains("version = 2"));
        apply(&machine.provider(), None).await.unwrap();
        assert_eq!(machine.file(PATH).as_deref(), file);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_damaged_or_of_another_project_is_left_alone() {
    let machine = Machine::new();
    let asked = [("sandbox_image", PAUSE.into())];
    machine.apply(&asked).await.unwrap();
    let place = machine.host.dump().into_keys().find(|path| path.contains("/runtime/")).unwrap();
    let record = machine.file(&place).unwrap();
    for (text, code) in [
        (record[..20].to_owned(), "E0771"),
        (record.replace("\"new\":false", "\"new\":0"), "E0771"),
        (record.replace("shop", "other"), "E0763"),
    ] {
        let machine = machine.clone().with_file(&place, &text);
        for args in [Some(args(&asked)), None] {
            let refused = answer(&plan(&machine.provider(), args.as_ref(), &[]).await);
            assert!(refused.starts_with(code), "{text}: {refused}");
        }
    }
}

#[tokio::test]
async fn a_node_with_the_other_runtime_is_an_error_at_the_engine() {
    let crio = MemoryHost::new("w1").with_program(|words, _| match words {
        ["systemctl", "is-active", "crio"] => said("active\n"),
        _ => complained("no such program\n"),
    });
    let asked = args(&[("sandbox_image", PAUSE.into())]);
    let found = answer(&plan(&provider(crio), Some(&asked), &[]).await);
    assert_eq!(
        found,
        "E0826 at `engine`: The block is about containerd, and on `w1` CRI-O runs, and containerd \
         does not."
    );
    // Both are there, and the kubelet says which one it talks to.
    let flags =
        "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=/run/containerd/containerd.sock\"\n";
    let machine = Machine::new().with_file("/var/lib/kubelet/kubeadm-flags.env", flags);
    assert!(answer(&machine.plan(&[("sandbox_image", PAUSE.into())]).await).starts_with("Create"));
}
