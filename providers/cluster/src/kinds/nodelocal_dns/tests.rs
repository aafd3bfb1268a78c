use super::{NodeLocalDns, PARTS, identity};
use plans::{Action, Problem};
use provider::{Decision, Observation, PlanRequest, Planned, Preview, ResourceKind, contract};
use values::{Map, Path, Value};

/// A cluster in which nothing of the set is there yet.
struct World {
    kube_proxy: Option<&'static str>,
    kube_dns: Option<&'static str>,
    kubelet_config: Option<&'static str>,
    /// What kubelets give to pods; `None` for one that does not answer.
    kubelets: &'static [(&'static str, Option<&'static str>)],
    objects: Value,
}

const IPTABLES: World = World {
    kube_proxy: Some("kind: KubeProxyConfiguration\nmode: \"\"\n"),
    kube_dns: Some("10.96.0.10"),
    kubelet_config: None,
    kubelets: &[],
    objects: Value::Null,
};
const IPVS: World = World { kube_proxy: Some("mode: ipvs\n"), ..IPTABLES };

impl World {
    fn seen(&self) -> Observation {
        let data = |key: &str, text: Option<&str>| match text {
            Some(text) => Value::map([("data", Value::map([(key, text.into())]))]),
            None => Value::Null,
        };
        let service = |ip: &str| Value::map([("spec", Value::map([("clusterIP", ip.into())]))]);
        Observation::Present(Value::map([
            ("objects", self.objects.clone()),
            (
                "seen",
                Value::map([
                    ("kube_dns", self.kube_dns.map_or(Value::Null, service)),
                    ("kube_proxy", data("config.conf", self.kube_proxy)),
                    ("kubelet_config", data("kubelet", self.kubelet_config)),
                ]),
            ),
            ("unseen", Value::empty_map()),
        ]))
    }

    /// A server that takes what it is asked as it is, and these kubelets.
    fn answer(&self, question: &plans::Op) -> Preview {
        let ops = crate::api::several::asked(question).expect("a question");
        let would = |op: &plans::Op| match op.args.get("object") {
            Some(object) => Preview::Would(object.clone()),
            None => Preview::Would(Value::Null),
        };
        let given = |(node, given): &(&'static str, Option<&'static str>)| {
            Some((*node, Value::list([(*given)?.into()])))
        };
        let unseen = self.kubelets.iter().filter(|(_, given)| given.is_none());
        let kubelets = Value::map([
            ("nodes", Value::map(self.kubelets.iter().filter_map(given))),
            ("unseen", Value::list(unseen.map(|(node, _)| Value::from(*node)))),
        ]);
        crate::api::several::answered(ops.iter().map(would).collect(), kubelets)
    }

    fn plan(&self, args: Option<&Value>) -> Planned {
        let (kind, identity, observed) = (NodeLocalDns::new(), identity(), self.seen());
        let request = contract::request(&identity, args, &observed);
        let mut planned = kind.plan(&request);
        for _ in 0..3 {
            let Planned::NeedsPreview(question) = &planned else { break };
            let answer = self.answer(question);
            let again = PlanRequest { preview: Some(&answer), asked: Some(question), ..request };
            planned = kind.plan(&again);
        }
        planned
    }

    fn decided(&self, args: &Value) -> Decision {
        match self.plan(Some(args)) {
            Planned::Decided(decision) => *decision,
            other => panic!("{other:?}"),
        }
    }

    fn problems(&self, args: Option<&Value>) -> String {
        match self.plan(args) {
            Planned::Failed(problems) => told(&problems),
            other => panic!("{other:?}"),
        }
    }

    /// The same after everything was applied.
    fn applied(self, args: &Value) -> Self {
        let ops = self.decided(args).ops;
        let live = |op: &plans::Op| {
            let mut object: Map = op.args.get("object")?.as_map()?.clone();
            let mut metadata = object.get("metadata")?.as_map()?.clone();
            metadata.insert("uid".into(), format!("uid of {}", op.identity.shown).into());
            let entry = Value::map([
                ("manager", "clinch".into()),
                ("operation", "Apply".into()),
                ("apiVersion", object.get("apiVersion")?.clone()),
                ("fieldsV1", owned(op.args.get("object")?)),
            ]);
            metadata.insert("managedFields".into(), Value::list([entry]));
            object.insert("metadata".into(), Value::map(metadata));
            Some(Value::map(object))
        };
        let objects = PARTS.iter().map(|part| part.name).zip(ops.iter().filter_map(live));
        Self { objects: Value::map(objects), ..self }
    }
}

/// What an apply owns; lists are taken as replaced whole, except those whose items have names.
fn owned(value: &Value) -> Value {
    let named = |item: &Value| Some(format!("k:{{\"name\":\"{}\"}}", item.get("name")?.as_str()?));
    let head = ["apiVersion", "kind", "name", "namespace"];
    match value {
        Value::Map(map) if !map.is_empty() => {
            let fields = map.iter().filter(|(name, _)| !head.contains(&&***name));
            Value::map(fields.map(|(name, value)| (format!("f:{name}"), owned(value))))
        }
        Value::List(items)
            if items.len() == 1 && items.iter().all(|item| named(item).is_some()) =>
        {
            Value::map(items.iter().filter_map(|item| {
                let fields = owned(item).as_map().cloned().unwrap_or_default();
                let own = [(".".into(), Value::empty_map()), ("f:name".into(), Value::empty_map())];
                Some((named(item)?, Value::map(fields.into_iter().chain(own))))
            }))
        }
        _ => Value::empty_map(),
    }
}

fn told(problems: &[Problem]) -> String {
    let line = |p: &Problem| {
        let help = p.help.as_deref().map(|help| format!("\n  {help}")).unwrap_or_default();
        format!("{} `{}`: {}{help}\n", p.code, p.path, p.detail)
    };
    problems.iter().map(line).collect()
}

fn args(given: &[(&str, Value)]) -> Value {
    let page = "```hcl\nresource \"nodelocal_dns\" \"cache\" {}\n```";
    let example = contract::examples(page, "nodelocal_dns").expect("an example").remove(0);
    let args = contract::arguments(NodeLocalDns::new().schema(), &example, &[]);
    let mut args = args.expect("arguments").as_map().cloned().unwrap_or_default();
    args.extend(given.iter().map(|(name, value)| ((*name).into(), value.clone())));
    Value::map(args)
}

fn steps(decision: &Decision) -> String {
    decision.ops.iter().flat_map(|op| [op.text.as_str(), "\n"]).collect()
}

fn notes(decision: &Decision) -> String {
    decision.notes.iter().flat_map(|note| [note.text.as_str(), "\n"]).collect()
}

fn part<'a>(decision: &'a Decision, name: &str) -> &'a Value {
    decision.after.as_ref().and_then(|after| after.get(name)).expect("a part of the set")
}

#[test]
fn upstream_service_comes_before_the_daemon_set_and_goes_after_it() {
    let world = IPTABLES;
    let created = world.decided(&args(&[]));
    assert_eq!(created.action, Action::Create);
    insta::assert_snapshot!(steps(&created), @r"
    create ServiceAccount kube-system/node-local-dns
    create Service kube-system/kube-dns-upstream
    create ConfigMap kube-system/node-local-dns
    create Service kube-system/node-local-dns
    create DaemonSet kube-system/node-local-dns
    ");
    let Planned::Decided(gone) = world.applied(&args(&[])).plan(None) else {
        panic!("no decision")
    };
    insta::assert_snapshot!(steps(&gone), @r"
    delete DaemonSet kube-system/node-local-dns
    delete Service kube-system/node-local-dns
    delete ConfigMap kube-system/node-local-dns
    delete Service kube-system/kube-dns-upstream
    delete ServiceAccount kube-system/node-local-dns
    ");
    // With its pods, which take their interface and their rules along.
    assert_eq!(gone.ops[0].args.get("propagation"), Some(&"Foreground".into()));
}

#[test]
fn mode_follows_from_the_configuration_of_kube_proxy() {
    #[track_caller]
    fn check(config: &'static str, mode: &str, listens: &str, kubelets: &str) {
        let decision = World { kube_proxy: Some(config), ..IPTABLES }.decided(&args(&[]));
        let args = part(&decision, "daemon_set").get("spec").and_then(|spec| {
            spec.get("template")?.get("spec")?.get("containers")?.as_list()?[0].get("args")
        });
        assert_eq!(args.and_then(Value::as_list).map(|args| args[1].clone()), Some(listens.into()));
        assert_eq!(decision.exported.get("mode"), Some(&mode.into()), "{config}");
        let given = decision.exported.get("kubelet_cluster_dns");
        assert_eq!(given, Some(&Value::list([kubelets.into()])), "{config}");
    }
    check("mode: \"\"\n", "iptables", "169.254.20.10,10.96.0.10", "10.96.0.10");
    check("bindAddress: 0.0.0.0\n", "iptables", "169.254.20.10,10.96.0.10", "10.96.0.10");
    check("mode: iptables\n", "iptables", "169.254.20.10,10.96.0.10", "10.96.0.10");
    check("mode: ipvs\n", "ipvs", "169.254.20.10", "169.254.20.10");
    check("mode: nftables\n", "nftables", "169.254.20.10", "169.254.20.10");
}

#[test]
fn mode_that_cannot_be_known_must_be_given() {
    let world = World { kube_proxy: None, ..IPTABLES };
    insta::assert_snapshot!(world.problems(Some(&args(&[]))), @r"
    E0951 `proxy_mode`: How kube-proxy works is not known. The ConfigMap kube-system/kube-proxy, which would say it, does not exist: kube-proxy is set up in another way, or something else does its work.
      Set `proxy_mode`. `ipvs` fits any other data plane too, since it needs no rules at the address of the cluster's DNS; Cilium has a redirection of its own for this.
    ");
    let windows = World { kube_proxy: Some("mode: kernelspace\n"), ..IPTABLES };
    assert!(
        windows
            .problems(Some(&args(&[])))
            .contains("says `kernelspace`, which is no mode on Linux")
    );
    let broken = World { kube_proxy: Some("mode: [\n"), ..IPTABLES };
    assert!(broken.problems(Some(&args(&[]))).contains("kube-proxy cannot be read"));
    let given = world.decided(&args(&[("proxy_mode", "ipvs".into())]));
    assert_eq!(given.exported.get("mode"), Some(&"ipvs".into()));
}

#[test]
fn mode_that_kube_proxy_does_not_have_is_a_warning() {
    let decision = IPVS.decided(&args(&[("proxy_mode", "iptables".into())]));
    insta::assert_snapshot!(told(&decision.warnings), @r"
    E0955 `proxy_mode`: `proxy_mode` is `iptables`, and the ConfigMap kube-system/kube-proxy says `ipvs`.
      Ask a node which is right: `curl http://127.0.0.1:10249/proxyMode`. Leave `proxy_mode` out to follow the ConfigMap.
    ");
}

#[test]
fn address_of_the_clusters_dns_that_cannot_be_known_must_be_given() {
    let world = World { kube_dns: None, ..IPTABLES };
    insta::assert_snapshot!(world.problems(Some(&args(&[]))), @r"
    E0952 `cluster_dns_ip`: The address of the cluster's DNS is not known. It is that of the Service kube-system/kube-dns, which does not exist.
      Set `cluster_dns_ip` to the address that kubelets give to pods (`clusterDNS`).
    ");
    let headless = World { kube_dns: Some("None"), ..IPTABLES };
    assert!(headless.problems(Some(&args(&[]))).contains("`clusterIP` is `None`"));
    let given = world.decided(&args(&[("cluster_dns_ip", "10.43.0.10".into())]));
    assert!(notes(&given).contains("in the place of the cluster's DNS, at 10.43.0.10"));
}

#[test]
fn domain_of_another_cluster_is_an_error() {
    let world = World { kubelet_config: Some("clusterDomain: cluster.example\n"), ..IPTABLES };
    insta::assert_snapshot!(world.problems(Some(&args(&[]))), @r#"
    E0950 `cluster_domain`: `cluster.local` is not the domain of this cluster: kubelets have `cluster.example`, by the ConfigMap kube-system/kubelet-config. Names in `cluster.example` would be asked of servers outside.
      Set `cluster_domain = "cluster.example"`.
    "#);
    world.decided(&args(&[("cluster_domain", "cluster.example".into())]));
}

#[test]
fn address_fits_the_clusters_dns_or_is_refused() {
    let world = World { kube_dns: Some("fd00:96::a"), ..IPTABLES };
    insta::assert_snapshot!(world.problems(Some(&args(&[]))), @r"
    E0950 `local_ip`: `169.254.20.10` and the address of the cluster's DNS, `fd00:96::a`, are of different families.
      Choose an address in `fd00::/8`.
    ");
    world.decided(&args(&[("local_ip", "fd00::a".into())]));
}

#[test]
fn kubelets_that_must_change_are_named() {
    let kubelets = &[
        ("control-plane-1", Some("10.96.0.10")),
        ("worker-1", Some("169.254.20.10")),
        ("worker-2", None),
    ];
    let kubelet_config = Some("clusterDNS: [10.96.0.10]\nclusterDomain: cluster.local\n");
    let decision = World { kubelet_config, kubelets, ..IPVS }.decided(&args(&[]));
    insta::assert_snapshot!(notes(&decision), @r#"
    kube-proxy works with ipvs: the cache answers at 169.254.20.10 alone
    kubelets do not give 169.254.20.10 to pods yet, so these ask the cluster's DNS as before: `control-plane-1`; set `clusterDNS = ["169.254.20.10"]` in their `kubelet_config`, which comes after this
    what kubelets give to pods could not be seen for `worker-2`; it must be `clusterDNS = ["169.254.20.10"]`
    kubelets of nodes that join will not give 169.254.20.10 to pods, by the ConfigMap kube-system/kubelet-config; a `kubelet_base_config` changes that
    "#);
    // With iptables nobody has to be asked.
    let decision = World { kubelets, ..IPTABLES }.decided(&args(&[]));
    insta::assert_snapshot!(notes(&decision), @"kube-proxy works with iptables: the cache answers at 169.254.20.10 and, in the place of the cluster's DNS, at 10.96.0.10; kubelets stay as they are");
}

#[test]
fn p37_cache_that_kubelets_give_to_pods_is_not_removed() {
    let world = IPVS.applied(&args(&[]));
    let used =
        World { kubelets: &[("worker-1", Some("169.254.20.10")), ("worker-2", None)], ..world };
    insta::assert_snapshot!(used.problems(None), @r"
    E0954 ``: 169.254.20.10 is still given to pods as their DNS server, by the kubelets of `worker-1`. Without the cache these pods would have no DNS.
      Put `clusterDNS` back first and apply that: remove the setting, or its `kubelet_config` and `kubelet_base_config` blocks (`clinch destroy -target=ADDRESS`). Then recreate the pods that were started before, and plan again.
    ");
    let joining = World {
        kubelets: &[("worker-1", Some("10.96.0.10"))],
        kubelet_config: Some("clusterDNS: [169.254.20.10]\n"),
        ..used
    };
    assert!(
        joining
            .problems(None)
            .contains("by the ConfigMap kube-system/kubelet-config for nodes that join")
    );
    let unseen = World { kubelets: &[("worker-2", None)], kubelet_config: None, ..joining };
    let Planned::Decided(gone) = unseen.plan(None) else { panic!("no decision") };
    insta::assert_snapshot!(told(&gone.warnings), @r"
    E0955 ``: Pods that have 169.254.20.10 as their DNS server lose it with the cache. Whether kubelets still give it to them could not be seen for `worker-2`.
      Look yourself:
      kubectl get --raw /api/v1/nodes/NODE/proxy/configz
    ");
    insta::assert_snapshot!(notes(&gone), @"pods that were started with 169.254.20.10 as their DNS server have none until they are recreated");
}

#[test]
fn address_that_kubelets_give_to_pods_is_not_changed() {
    let world = IPVS.applied(&args(&[]));
    let moved = args(&[("local_ip", "169.254.25.10".into())]);
    let used = World { kubelets: &[("worker-1", Some("169.254.20.10"))], ..world };
    insta::assert_snapshot!(used.problems(Some(&moved)), @r"
    E0954 `local_ip`: 169.254.20.10 is given to pods as their DNS server, by the kubelets of `worker-1`. A cache that answers at 169.254.25.10 instead would leave these pods without DNS.
      Let kubelets give the address of the cluster's DNS, apply that and recreate the pods; then change `local_ip`. Or keep `169.254.20.10`.
    ");
    let free = World { kubelets: &[("worker-1", Some("10.96.0.10"))], ..used };
    assert_eq!(free.decided(&moved).action, Action::Update);
}

#[test]
fn only_what_differs_is_applied() {
    let world = IPTABLES.applied(&args(&[]));
    let same = world.decided(&args(&[]));
    assert_eq!((same.action, same.ops.len()), (Action::NoOp, 0), "{same:?}");
    let servers = Value::list(["10.0.0.53".into()]);
    let other = world.decided(&args(&[("upstream_servers", servers)]));
    insta::assert_snapshot!(steps(&other), @"apply ConfigMap kube-system/node-local-dns");
    insta::assert_snapshot!(notes(&other), @"the cache reads its Corefile within two minutes; no pod restarts");
    let image = world.decided(&args(&[("image", "registry.example/node-cache:1".into())]));
    insta::assert_snapshot!(steps(&image), @"apply DaemonSet kube-system/node-local-dns");
    insta::assert_snapshot!(notes(&image), @"the cache restarts on a tenth of the nodes at a time; pods there ask the cluster's DNS meanwhile");
}

#[test]
fn pods_start_anew_when_the_service_whose_address_they_know_is_made_anew() {
    let without = |world: World| {
        let mut objects: Map = world.objects.as_map().expect("objects").clone();
        objects.remove("upstream_service");
        World { objects: Value::map(objects), ..world }
    };
    let lost = without(IPTABLES.applied(&args(&[])));
    let decision = lost.decided(&args(&[]));
    insta::assert_snapshot!(steps(&decision), @r"
    create Service kube-system/kube-dns-upstream
    apply DaemonSet kube-system/node-local-dns
    ");
    insta::assert_snapshot!(notes(&decision), @r"
    the upstream Service gets another address, which pods of the cache learn when they start: until then they cannot ask the cluster's DNS
    the cache restarts on a tenth of the nodes at a time; pods there ask the cluster's DNS meanwhile
    ");
    // Once it is back, they are left alone.
    let mut objects: Map = lost.objects.as_map().expect("objects").clone();
    for op in &decision.ops {
        let kind = op.identity.args.get("kind").and_then(Value::as_str);
        let part = if kind == Some("Service") { "upstream_service" } else { "daemon_set" };
        objects.insert(part.into(), op.args.get("object").expect("an object").clone());
    }
    let again = World { objects: Value::map(objects), ..lost }.decided(&args(&[]));
    assert_eq!(again.action, Action::NoOp, "{}", steps(&again));
    // With IPVS they ask the cluster's DNS at its own address.
    let decision = without(IPVS.applied(&args(&[]))).decided(&args(&[]));
    assert_eq!(steps(&decision), "create Service kube-system/kube-dns-upstream\n");
}

#[test]
fn whoever_asks_for_it_anew_is_told_how_its_pods_start_anew() {
    let (kind, identity) = (NodeLocalDns::new(), identity());
    let args = args(&[]);
    let request = contract::request(&identity, Some(&args), &Observation::Absent);
    let Planned::Failed(problems) = kind.plan(&request) else { panic!("it was planned") };
    insta::assert_snapshot!(told(&problems), @r"
    E0950 ``: The DNS cache is several objects, and is not deleted and created anew in one go.
      To start its pods anew: `kubectl -n kube-system rollout restart daemonset node-local-dns`.
    ");
}

#[test]
fn what_only_the_daemon_set_has_can_be_left_as_it_is() {
    let world = IPTABLES.applied(&args(&[]));
    let other = args(&[("image", "registry.example/node-cache:1".into())]);
    let plan = |ignored: &str| {
        let (kind, identity, observed) = (NodeLocalDns::new(), identity(), world.seen());
        let ignore = [Path::of(ignored)];
        let request = contract::request(&identity, Some(&other), &observed);
        let request = PlanRequest { ignore: &ignore, ..request };
        match kind.plan(&request) {
            Planned::NeedsPreview(question) => {
                let answer = world.answer(&question);
                let again =
                    PlanRequest { preview: Some(&answer), asked: Some(&question), ..request };
                kind.plan(&again)
            }
            planned => planned,
        }
    };
    let Planned::Decided(decision) = plan("image") else { panic!("no decision") };
    assert_eq!(steps(&decision), "");
    let Planned::Failed(problems) = plan("local_ip") else { panic!("it was planned") };
    insta::assert_snapshot!(told(&problems), @r"
    E0950 `local_ip`: `local_ip` cannot be left as it is: several objects follow from it.
      `ignore_changes` may name `image`, `resources`, `tolerations`, `node_selector`.
    ");
}

#[test]
fn object_of_somebody_else_is_not_taken_over() {
    let mut world = IPTABLES;
    let metadata = Value::map([("name", "node-local-dns".into()), ("uid", "u1".into())]);
    let live = Value::map([
        ("apiVersion", "apps/v1".into()),
        ("kind", "DaemonSet".into()),
        ("metadata", metadata),
    ]);
    world.objects = Value::map([("daemon_set", live)]);
    insta::assert_snapshot!(world.problems(Some(&args(&[]))), @r"
    E0721 ``: DaemonSet kube-system/node-local-dns exists already and was not created by this configuration.
      Take it over with `import { to = ADDRESS }`, remove the block to leave the object as it is, or delete the object first to have it created anew.
    ");
}

#[test]
fn limit_of_memory_is_a_warning_where_the_cache_answers_for_the_clusters_dns() {
    let limits = Value::map([("limits", Value::map([("memory", "30Mi".into())]))]);
    let given = args(&[("resources", limits)]);
    insta::assert_snapshot!(told(&IPTABLES.decided(&given).warnings), @r"
    E0955 `resources.limits.memory`: A cache that needs more than 30Mi is killed at once. Its interface and its rules stay, and until it is back nothing on the node has DNS.
      Leave the limit out, or well above what the cache ever used.
    ");
    assert_eq!(told(&IPVS.decided(&given).warnings), "");
}

#[test]
fn what_is_not_known_or_hidden_is_refused_at_its_argument() {
    let unknown = Value::Unknown(values::Type::String);
    let secret = Value::from("registry.example/x").into_sensitive();
    let given = args(&[("cluster_dns_ip", unknown), ("image", secret)]);
    insta::assert_snapshot!(IPTABLES.problems(Some(&given)), @r"
    E0953 `cluster_dns_ip`: `cluster_dns_ip` is known after apply, and the objects follow from it.
      Apply first what it comes from, with `-target`.
    E0953 `image`: `image` is sensitive, and would stand readable in the objects.
    ");
}

#[test]
fn mistakes_in_the_arguments_are_quoted() {
    #[track_caller]
    fn check(name: &str, value: impl Into<Value>, want: &str) {
        let said = told(&NodeLocalDns::new().check(&args(&[(name, value.into())])));
        assert_eq!(said.lines().next().unwrap_or_default(), want);
    }
    let list = |text: &str| Value::list([text.into()]);
    check("local_ip", "169.254.25.10", "");
    check("local_ip", "fd12:3456::1", "");
    check("local_ip", "localhost", "E0950 `local_ip`: `localhost` is not an IP address.");
    check(
        "local_ip",
        "10.0.0.1",
        "E0950 `local_ip`: `10.0.0.1` is not in `169.254.0.0/16`. Another address may be somebody's.",
    );
    check(
        "local_ip",
        "169.254.169.254",
        "E0950 `local_ip`: Clouds answer at `169.254.169.254`'s network with what belongs to a \
         machine: its metadata and its rights. Pods could not reach that any more.",
    );
    check("cluster_dns_ip", "None", "E0950 `cluster_dns_ip`: `None` is not an IP address.");
    check("proxy_mode", "IPVS", "E0950 `proxy_mode`: kube-proxy has no mode `IPVS` on Linux.");
    check("image", "a b", "E0950 `image`: `a b` is not the name of an image.");
    check("upstream_servers", list("[fd00::53]:53"), "");
    check(
        "upstream_servers",
        list("dns.example"),
        "E0950 `upstream_servers[0]`: `dns.example` is not an address, with or without a port.",
    );
    check(
        "upstream_servers",
        list("169.254.20.10:53"),
        "E0950 `upstream_servers[0]`: `169.254.20.10:53` is `local_ip`: the cache would ask itself.",
    );
    check(
        "upstream_servers",
        Value::list((0..16).map(|i| format!("10.0.0.{i}").into())),
        "E0950 `upstream_servers`: These are 16 servers, and 15 are allowed.",
    );
    check(
        "tolerations",
        Value::list([Value::map([("efect", "NoSchedule".into())])]),
        "E0950 `tolerations[0].efect`: A toleration has no field `efect`.",
    );
}
