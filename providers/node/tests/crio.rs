//! CRI-O: what is decided, and what becomes of its files and of what runs. No CRI-O runs here: a
//! machine answers as its manual pages say.

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

pub(crate) const PATH: &str = "/etc/crio/crio.conf.d/99-clinch.conf";
pub(crate) const REGISTRIES: &str = "/etc/containers/registries.conf.d/99-clinch.conf";
/// As packages bring it.
const PACKAGED: &str = "/etc/crio/crio.conf.d/10-crio.conf";
const PACKAGED_TEXT: &str = "# by a package\n[crio.image]\nsignature_policy = \"/etc/crio/policy.json\"\n\
                             [crio.runtime]\ndefault_runtime = \"crun\"\n";
const HEAD: &str = "# Managed by clinch (project shop)\n# Changes made here are overwritten.\n";
const PAUSE: &str = "registry.k8s.io/pause:3.10.2";

fn kind() -> Box<dyn ResourceKind> {
    node::kinds().into_iter().find(|kind| kind.name().as_str() == "container_runtime").unwrap()
}

/// Arguments as they come after conforming.
pub(crate) fn args(given: &[(&'static str, Value)]) -> Value {
    let usual = [("node", "w1".into()), ("engine", "crio".into()), ("path", "".into())];
    Value::map(usual.into_iter().chain(given.iter().cloned()))
}

/// A mirror of the hub.
pub(crate) fn hub(url: &str) -> Value {
    let endpoint = Value::map([("url", url.into())]);
    Value::map([("docker.io", Value::map([("endpoints", Value::list([endpoint]))]))])
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
async fn image_and_mirrors_come_with_a_reload_and_go_without_a_trace() {
    let machine = Machine::new();
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://mirror.example.org"))];
    let first = machine.plan(&asked).await;
    assert_eq!(disruption(&first), Disruption::Reload, "{}", answer(&first));
    machine.apply(&asked).await.unwrap();
    assert_eq!(machine.ran(), ["systemctl reload crio"]);
    assert_eq!(
        machine.file(PATH).unwrap(),
        format!("{HEAD}[crio.image]\npause_image = \"{PAUSE}\"\n")
    );
    assert_eq!(
        machine.file(REGISTRIES).unwrap(),
        format!(
            "{HEAD}\n[[registry]]\nprefix = \"docker.io\"\nlocation = \"docker.io\"\n\n\
             [[registry.mirror]]\nlocation = \"mirror.example.org\"\n"
        )
    );
    let again = answer(&machine.plan(&asked).await);
    assert!(again.starts_with("NoOp"), "{again}");

    let fewer = [("sandbox_image", PAUSE.into())];
    assert_eq!(disruption(&machine.plan(&fewer).await), Disruption::Reload);
    machine.apply(&fewer).await.unwrap();
    assert_eq!(machine.files(), [PACKAGED, PATH]);
    machine.ran();

    machine.destroy().await.unwrap();
    assert_eq!(machine.ran(), ["systemctl reload crio"]);
    assert_eq!(machine.files(), [PACKAGED]);
    assert_eq!(machine.file(PACKAGED).unwrap(), PACKAGED_TEXT);
    assert!(answer(&plan(&machine.provider(), None, &[]).await).starts_with("Forget"));
}

#[tokio::test(start_paused = true)]
async fn another_cgroup_driver_costs_a_drain_and_brings_what_the_monitor_needs() {
    let machine = Machine::new();
    let asked = |driver: &str| [("cgroup_driver", Value::from(driver))];
    let same = machine.plan(&asked("systemd")).await;
    assert_eq!(disruption(&same), Disruption::Quiet, "{}", answer(&same));
    let other = machine.plan(&asked("cgroupfs")).await;
    assert_eq!(disruption(&other), Disruption::Drain);
    let shown = answer(&other);
    assert!(shown.contains("before: cgroup_driver=\"systemd\""), "{shown}");
    // What a drain surrounds is done all the same when it is allowed.
    machine.apply(&asked("cgroupfs")).await.unwrap();
    assert_eq!(machine.ran(), ["systemctl restart crio"]);
    assert_eq!(
        machine.file(PATH).unwrap(),
        format!("{HEAD}[crio.runtime]\ncgroup_manager = \"cgroupfs\"\nconmon_cgroup = \"pod\"\n")
    );
    let gone = plan(&machine.provider(), None, &[]).await;
    assert_eq!(disruption(&gone), Disruption::Drain);
    assert!(answer(&gone).contains("CRI-O has `systemd` without"), "{}", answer(&gone));
}

#[tokio::test(start_paused = true)]
async fn a_crio_that_does_not_take_it_has_the_old_files_back() {
    let restart = ["systemctl restart crio", "systemctl restart crio"];
    let reload = ["systemctl reload crio", "systemctl reload crio"];
    for (image, url, why, ran) in [
        (
            "unreadable.example/a",
            "https://a.example",
            "It cannot read its files: level=fatal",
            &[][..],
        ),
        ("unloadable.example/a", "https://a.example", "It wrote: \"level=error msg=", &reload[..]),
        (PAUSE, "https://unloadable.example", "Unable to reload configuration: no", &reload[..]),
    ] {
        let machine = Machine::new();
        let asked = [("sandbox_image", image.into()), ("mirrors", hub(url))];
        let refused = machine.apply(&asked).await.unwrap_err();
        assert!(matches!(refused, StepError::Refused(_)), "{}", refused.message());
        assert!(refused.message().contains(why), "{image}: {}", refused.message());
        assert!(refused.message().contains("The old settings are back"), "{}", refused.message());
        assert_eq!(machine.files(), [PACKAGED], "{image}");
        assert_eq!(machine.ran(), ran, "{image}");
    }
    let machine = Machine::new();
    let asked =
        [("sandbox_image", "broken.example/a".into()), ("cgroup_driver", "cgroupfs".into())];
    let refused = machine.apply(&asked).await.unwrap_err().message();
    assert!(
        refused.contains("It could not be restarted: Job for crio.service failed."),
        "{refused}"
    );
    assert!(refused.contains("It wrote: \"level=fatal msg=\"cannot go on\"\""), "{refused}");
    assert_eq!(machine.files(), [PACKAGED]);
    assert_eq!(machine.ran(), restart);
}

/// The quotes, too, are a part of what a flag says.
#[tokio::test(start_paused = true)]
async fn p25_a_flag_that_wins_over_the_driver_is_found_when_it_is_read_back() {
    let files = MemoryHost::new("w1").with_file(PACKAGED, PACKAGED_TEXT);
    let machine = Machine::with_flags(files, "1.36.0", Some("'systemd'"));
    let asked = [("cgroup_driver", "systemd".into())];
    let planned = machine.plan(&asked).await;
    assert_eq!(disruption(&planned), Disruption::Drain, "{}", answer(&planned));
    let refused = machine.apply(&asked).await.unwrap_err().message();
    assert!(refused.contains("It runs with the cgroup driver `'systemd'`"), "{refused}");
    assert!(refused.contains("a flag of its unit may win"), "{refused}");
    assert_eq!(machine.files(), [PACKAGED]);
}

#[tokio::test]
async fn p25_a_kubelet_with_another_driver_is_said_with_where_that_comes_from() {
    let config = "/var/lib/kubelet/config.yaml";
    let flags = "/var/lib/kubelet/kubeadm-flags.env";
    let said = async |version, files: MemoryHost| {
        let machine = Machine::of(files.with_file(PACKAGED, PACKAGED_TEXT), version);
        let Planned::Decided(decision) = machine.plan(&[("sandbox_image", PAUSE.into())]).await
        else {
            panic!()
        };
        told(&decision.warnings)
    };
    let host = || MemoryHost::new("w1");
    let quoted = "cgroupDriver: \"'systemd'\"\n";
    let found = said("1.27.0", host().with_file(config, quoted)).await;
    assert_eq!(
        found,
        "E0820 at ``: The kubelet of `w1` has the cgroup driver `\\'systemd\\'` (`cgroupDriver` in \
         `/var/lib/kubelet/config.yaml`), and CRI-O has `systemd`: pods do not \
         start so, or run outside of the control groups that the kubelet watches."
    );
    let flag = "KUBELET_KUBEADM_ARGS=\"--cgroup-driver=cgroupfs\"\n";
    let both = host().with_file(config, "cgroupDriver: systemd\n").with_file(flags, flag);
    let found = said("1.27.0", both).await;
    assert!(
        found.contains(
            "`cgroupfs` (the flag `--cgroup-driver` in `/var/lib/kubelet/kubeadm-flags.env`)"
        ),
        "{found}"
    );
    assert_eq!(said("1.27.0", host().with_file(config, "cgroupDriver: systemd\n")).await, "");
    // From 1.28 on it tells the kubelet.
    assert_eq!(said("1.28.0", host().with_file(config, "cgroupDriver: cgroupfs\n")).await, "");
}

#[tokio::test]
async fn a_later_drop_in_that_says_otherwise_is_named() {
    let later = "[crio.runtime]\ncgroup_manager = \"cgroupfs\"\n";
    let asked = [("cgroup_driver", "systemd".into())];
    for path in ["/etc/crio/crio.conf.d/99-gpu.conf", "/etc/crio/crio.conf.d/zz/1"] {
        let refused = answer(&Machine::new().with_file(path, later).plan(&asked).await);
        assert_eq!(
            refused,
            format!(
                "E0824 at `cgroup_driver`: w1: `{path}` wins over `{PATH}`, with what it says of \
                 `cgroup_manager` (\"cgroupfs\"): the host would not have what is asked for."
            )
        );
    }
    let earlier = Machine::new().with_file("/etc/crio/crio.conf", later);
    let earlier = answer(&earlier.plan(&asked).await);
    assert!(earlier.starts_with("Create") && earlier.contains("\"cgroupfs\""), "{earlier}");
    let same = later.replace("cgroupfs", "systemd");
    let same = Machine::new().with_file("/etc/crio/crio.conf.d/zz.conf", &same);
    assert!(answer(&same.plan(&asked).await).starts_with("Create"));
    let broken = Machine::new().with_file("/etc/crio/crio.conf.d/.zz.conf.swp", "\u{1}b0VIM");
    let broken = answer(&broken.plan(&asked).await);
    assert!(
        broken.starts_with("E0821 at `path`: w1: `/etc/crio/crio.conf.d/.zz.conf.swp` is no TOML"),
        "{broken}"
    );
}

#[tokio::test]
async fn tables_of_other_files_that_win_or_are_won_over_are_named() {
    let table = "[[registry]]\nlocation = \"docker.io\"\nblocked = true\n";
    let asked = [("mirrors", hub("https://a.example"))];
    let at = |name: &str| format!("/etc/containers/{name}");
    let said = async |path: &str, text: &str| {
        answer(&Machine::new().with_file(path, text).plan(&asked).await)
    };
    let found = said(&at("registries.conf"), table).await;
    assert!(found.contains("`/etc/containers/registries.conf` blocks it, and that"), "{found}");
    let part = table.replace("docker.io", "docker.io/library");
    let found = said(&at("registries.conf.d/50.conf"), &part).await;
    assert!(found.contains("images below `docker.io/library` are pulled as"), "{found}");
    for (path, text) in [
        (at("registries.conf.d/zz.conf"), table),
        ("/root/.config/containers/registries.conf.d/1.conf".to_owned(), table),
    ] {
        let found = said(&path, text).await;
        assert!(found.starts_with("E0824 at `mirrors[\"docker.io\"]`: w1: `"), "{found}");
        assert!(found.contains(&path), "{found}");
    }
    let found = said(&at("registries.conf.d/zz.txt"), table).await;
    assert!(found.starts_with("Create"), "{found}");
    let found = said("/root/.config/containers/registries.conf", "").await;
    assert!(found.starts_with("E0824 at `mirrors`"), "{found}");
    let found = said(&at("registries.conf.d/zz.conf"), "[[registry]\n").await;
    assert!(found.starts_with("E0821") && found.contains("is no TOML: line 1"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_hand_edit_is_taken_back_and_a_file_of_others_is_left_alone() {
    let machine = Machine::new();
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://a.example"))];
    machine.apply(&asked).await.unwrap();
    let by_hand = machine.file(PATH).unwrap().replace("3.10.2", "3.9");
    let machine = machine.with_file(PATH, &by_hand);
    let found = machine.plan(&asked).await;
    let shown = answer(&found);
    assert!(
        shown.contains("before:") && shown.contains("sandbox_image=\"registry.k8s.io/pause:3.9\"")
    );
    assert!(!shown.contains("running_sandbox_image"), "{shown}");
    machine.apply(&asked).await.unwrap();
    // A comment changes nothing that runs.
    let text = machine.file(REGISTRIES).unwrap();
    let machine = machine.with_file(REGISTRIES, &format!("{text}# by hand\n"));
    machine.ran();
    let found = machine.plan(&asked).await;
    assert_eq!(disruption(&found), Disruption::Quiet, "{}", answer(&found));
    assert!(answer(&found).contains("\"other_lines\": true"), "{}", answer(&found));
    machine.apply(&asked).await.unwrap();
    assert_eq!(machine.ran(), [""; 0]);
    assert_eq!(machine.file(REGISTRIES).unwrap(), text);

    for (path, text, code) in [
        (PATH, "# mine\n", "E0762"),
        (REGISTRIES, "# Managed by clinch (project other)\n", "E0763"),
    ] {
        let machine = Machine::new().with_file(path, text);
        let refused = answer(&machine.plan(&asked).await);
        assert!(refused.starts_with(code) && refused.contains(path), "{refused}");
        assert!(answer(&plan(&machine.provider(), None, &[]).await).starts_with("Forget"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_runs_with_something_else_than_its_files_say_is_seen() {
    let drop_in = format!("{HEAD}[crio.image]\npause_image = \"{PAUSE}\"\n");
    let machine = Machine::new().with_file(PATH, &drop_in);
    let asked = [("sandbox_image", PAUSE.into())];
    let found = machine.plan(&asked).await;
    let shown = answer(&found);
    assert!(
        shown.contains("before: running_sandbox_image=\"registry.k8s.io/pause:3.10\""),
        "{shown}"
    );
    assert_eq!(disruption(&found), Disruption::Reload);
    machine.apply(&asked).await.unwrap_or_else(|error| panic!("{}", error.message()));
    assert!(answer(&machine.plan(&asked).await).starts_with("NoOp"));
    // Before 1.28 nobody can ask.
    let old = Machine::of(MemoryHost::new("w1").with_file(PATH, drop_in.as_str()), "1.27.0");
    assert!(answer(&old.plan(&asked).await).starts_with("NoOp"));
    let other = answer(&old.plan(&[("sandbox_image", "registry.k8s.io/pause:3.11".into())]).await);
    assert!(other.contains("CRI-O does not tell how it runs"), "{other}");
}

#[tokio::test]
async fn a_node_with_the_other_runtime_is_an_error_at_the_engine() {
    let asked = [("sandbox_image", PAUSE.into())];
    let flags = "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/containerd/containerd.sock\"\n";
    let machine = Machine::new().with_file("/var/lib/kubelet/kubeadm-flags.env", flags);
    assert_eq!(
        answer(&machine.plan(&asked).await),
        "E0826 at `engine`: The block is about CRI-O, and the kubelet of `w1` talks to \
         `unix:///run/containerd/containerd.sock`, by the flag `--container-runtime-endpoint` in \
         `/var/lib/kubelet/kubeadm-flags.env`: that is containerd."
    );
    let containerd = MemoryHost::new("w1").with_program(|words, _| match words {
        ["systemctl", "is-active", "containerd"] => said("active\n"),
        _ => complained("no such program\n"),
    });
    let found = answer(&plan(&provider(containerd), Some(&args(&asked)), &[]).await);
    assert_eq!(
        found,
        "E0826 at `engine`: The block is about CRI-O, and on `w1` containerd runs, and CRI-O does \
         not."
    );
    let silent = MemoryHost::new("w1").with_program(|_, _| complained("no such program\n"));
    let found = answer(&plan(&provider(silent), Some(&args(&asked)), &[]).await);
    assert!(found.starts_with("E0822 at `engine`: `crio --version` says nothing"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn what_was_edited_since_the_plan_stops_the_step() {
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://a.example"))];
    for path in [PATH, REGISTRIES] {
        let machine = Machine::new();
        let op = only_op(machine.plan(&asked).await);
        let machine = machine.with_file(path, "# by hand\n");
        let stale = machine.provider().perform(&op, &|_| ()).await;
        assert!(matches!(stale, Err(StepError::Stale(_))), "{path}: {stale:?}");
        let settled = machine.provider().settle(&op).await;
        assert!(matches!(settled, Ok(Settled::Changed(_))), "{path}: {settled:?}");
        assert_eq!(machine.file(path).unwrap(), "# by hand\n");
    }
}

#[tokio::test(start_paused = true)]
async fn ignored_arguments_stay_as_the_host_has_them() {
    let machine = Machine::new();
    let asked = [("sandbox_image", PAUSE.into()), ("mirrors", hub("https://a.example"))];
    machine.apply(&asked).await.unwrap();
    let other = args(&[
        ("sandbox_image", "registry.k8s.io/pause:3.9".into()),
        ("mirrors", hub("https://c.example")),
    ]);
    let ignore = ["sandbox_image", "mirrors"].map(Path::of);
    let planned = answer(&plan(&machine.provider(), Some(&other), &ignore).await);
    assert!(planned.starts_with("NoOp"), "{planned}");
    let planned = answer(&plan(&machine.provider(), Some(&other), &ignore[..1]).await);
    assert!(planned.starts_with("Update") && !planned.contains("pause:3.9"), "{planned}");
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
    let found = provider.find("shop").await.unwrap().found;
    assert_eq!(found.iter().map(|f| &f.identity.key).collect::<Vec<_>>(), [&identity().key]);
    assert_eq!(provider.find("other").await.unwrap().found, []);
    apply(&provider, None).await.unwrap();
    assert!(!root.join(&PATH[1..]).exists() && !root.join(&REGISTRIES[1..]).exists());
    let left = std::fs::read_dir(root.join("var/lib/clinch/runtime-before")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn what_is_asked_for_is_judged_before_anything_is_read() {
    assert_eq!(
        problems(&[("sandbox_image", "pause:3.10".into())]),
        "E0820 at `sandbox_image`: `pause:3.10` does not begin with the name of a registry, and \
         CRI-O would take another one for it."
    );
    let any =
        Value::map([("_default", Value::map([("server", Value::from("https://a.example"))]))]);
    assert_eq!(
        problems(&[("mirrors", any)]),
        "E0825 at `mirrors._default`: CRI-O has no mirror of all registries."
    );
    for (engine, path, why) in [
        ("crio", "/etc/crio/crio.conf", "is not one of a drop-in of CRI-O"),
        ("crio", "/etc/crio/crio.conf.d/.a.conf", "is not one of a drop-in of CRI-O"),
        ("crio", "/etc/crio/crio.conf.d/a", "is not one of a drop-in of CRI-O"),
        ("containerd", "/etc/crio/crio.conf.d/a.conf", "is that of a drop-in of CRI-O"),
        ("docker", "", "`docker` is not a runtime that clinch keeps"),
    ] {
        let args = [("node", "w1".into()), ("engine", engine.into()), ("path", path.into())];
        let wrong = kind().identify(&Value::map(args));
        let wrong = told(&wrong.unwrap_err());
        assert!(wrong.contains(why), "{engine} {path}: {wrong}");
    }
    let mine = [("node", "w1".into()), ("engine", "crio".into())];
    let mine = mine.into_iter().chain([("path", "/etc/crio/crio.conf.d/50-a.conf".into())]);
    assert!(kind().identify(&Value::map(mine)).is_ok());
}

#[tokio::test]
async fn files_go_without_a_crio_that_runs() {
    let drop_in = format!("{HEAD}[crio.runtime]\ncgroup_manager = \"cgroupfs\"\n");
    let gone = MemoryHost::new("w1")
        .with_file(PATH, drop_in.as_str())
        .with_program(|_, _| complained("no such program\n"));
    let planned = plan(&provider(gone.clone()), None, &[]).await;
    assert_eq!(disruption(&planned), Disruption::Quiet, "{}", answer(&planned));
    apply(&provider(gone.clone()), None).await.unwrap();
    assert_eq!(gone.dump().into_keys().collect::<Vec<_>>(), [""; 0]);
}

/// What is decided later may not cost more than what was planned.
#[tokio::test]
async fn what_is_not_known_yet_is_planned_with_the_most_that_it_may_cost() {
    let machine = Machine::new();
    let cost = async |given: &[(&'static str, Value)]| {
        let planned = machine.plan(given).await;
        assert!(answer(&planned).contains("values known after apply"), "{}", answer(&planned));
        disruption(&planned)
    };
    let (image, late) = (("sandbox_image", PAUSE.into()), crate::support::unknown());
    assert_eq!(cost(&[("sandbox_image", late.clone())]).await, Disruption::Restart);
    assert_eq!(cost(&[image.clone(), ("mirrors", late.clone())]).await, Disruption::Restart);
    assert_eq!(cost(&[image, ("cgroup_driver", late.clone())]).await, Disruption::Drain);
    let driver = |name: &str| ("cgroup_driver", Value::from(name));
    assert_eq!(cost(&[("mirrors", late.clone()), driver("cgroupfs")]).await, Disruption::Drain);
    assert_eq!(cost(&[("mirrors", late), driver("systemd")]).await, Disruption::Restart);
}

#[tokio::test]
async fn a_link_among_drop_ins_is_said_and_one_of_the_kubelets_is_no_matter() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("w1");
    for (path, to) in [
        ("etc/crio/crio.conf.d/50-link.conf", "/usr/share/crio.conf"),
        ("etc/default/kubelet", "/etc/kubelet"),
        ("var/lib/kubelet/config.yaml", "/etc/kubelet.yaml"),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, path).unwrap();
    }
    let provider = provider(FolderHost::new("w1", &root));
    let asked = args(&[("sandbox_image", PAUSE.into())]);
    let planned = answer(&plan(&provider, Some(&asked), &[]).await);
    assert!(planned.starts_with("Create"), "{planned}");
    assert!(planned.contains("`/etc/crio/crio.conf.d/50-link.conf` is a link"), "{planned}");
}
