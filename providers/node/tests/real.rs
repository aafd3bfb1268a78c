//! Every type that needs no kubelet on a real host: applied, planned again with nothing to do,
//! changed by hand, put right, removed.
//!
//! `cargo xtask cluster up` boots such hosts and prints where they are.

#![expect(clippy::print_stdout, reason = "says what was left out, and what was seen")]

use crate::support::{answer, request};
use access::{Command, Host, Hosts, ShellHost, SshGate, SshSettings};
use node::NodeProvider;
use plans::Identity;
use provider::{PlanRequest, Planned, ResourceKind, Settled, Wanted};
use std::sync::Arc;
use values::Value;

const UNIT: &str =
    "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";

/// The first host of the cluster for tests; none when there is no cluster.
#[expect(clippy::disallowed_methods, reason = "a test is told where its hosts are")]
fn real_host() -> Option<Arc<dyn Host>> {
    let told = |name: &str| std::env::var(name).ok();
    let (config, nodes) =
        (told("CLINCH_TEST_CLUSTER_SSH_CONFIG"), told("CLINCH_TEST_CLUSTER_NODES"));
    let (Some(config), Some(nodes)) = (config, nodes) else {
        println!("SKIPPED types on a real host: CLINCH_TEST_CLUSTER_SSH_CONFIG is not set");
        return None;
    };
    let node = nodes.split_whitespace().next().unwrap().to_owned();
    let config_file = Some(config.into());
    let settings = SshSettings { config_file, sudo: true, ..SshSettings::new(&node) };
    Some(Arc::new(ShellHost::ssh(node, settings, &SshGate::new())))
}

/// A host and one type there.
struct Bench {
    host: Arc<dyn Host>,
    project: String,
    provider: NodeProvider,
    kind: Box<dyn ResourceKind>,
}

impl Bench {
    fn new(host: &Arc<dyn Host>, ty: &str) -> Self {
        // Tests on one host do not find what is of another.
        let project = format!("real-{ty}");
        let provider = NodeProvider::new(Hosts::of([host.clone()]), &project);
        let kind = node::kinds().into_iter().find(|kind| kind.name().as_str() == ty).unwrap();
        Self { host: host.clone(), project, provider, kind }
    }

    fn args(&self, args: &[(&'static str, Value)]) -> Value {
        let node = ("node", Value::from(self.host.name()));
        Value::map([node].into_iter().chain(args.iter().cloned()))
    }

    async fn plan(&self, identity: &Identity, args: Option<&Value>) -> Planned {
        let wanted = Wanted { ty: self.kind.name().clone(), identity: identity.clone() };
        let observed = self.provider.observe(vec![wanted]).await.remove(0);
        self.kind
            .plan(&PlanRequest { project: &self.project, ..request(identity, args, &observed) })
    }

    async fn apply(&self, identity: &Identity, args: Option<&Value>) {
        let op = match self.plan(identity, args).await {
            Planned::Decided(mut decision) if decision.ops.len() == 1 => decision.ops.remove(0),
            other => panic!("{other:?}"),
        };
        assert_eq!(self.provider.settle(&op).await, Ok(Settled::NotDone), "{}", op.text);
        self.provider.perform(&op, &|_| ()).await.unwrap_or_else(|e| panic!("{}", e.message()));
        assert!(matches!(self.provider.settle(&op).await, Ok(Settled::Done(_))), "{}", op.text);
    }

    /// What a shell on the host says.
    async fn shell(&self, script: &str) -> String {
        let output = self.host.run(Command::new(&["sh", "-c", script])).await.unwrap();
        output.text().trim().to_owned()
    }

    /// The whole life of an object; `by_hand` changes it, and `before` tells how the host was.
    async fn plays(&self, args: &[(&'static str, Value)], look: &str, by_hand: &str) {
        let args = self.args(args);
        let identity = self.kind.identify(&args).unwrap();
        let before = self.shell(look).await;
        let first = answer(&self.plan(&identity, Some(&args)).await);
        self.apply(&identity, Some(&args)).await;
        let applied = self.shell(look).await;
        assert_ne!(applied, before, "{first}");
        let second = answer(&self.plan(&identity, Some(&args)).await);
        assert!(second.starts_with("NoOp"), "{second}");
        self.shell(by_hand).await;
        let drift = answer(&self.plan(&identity, Some(&args)).await);
        assert!(drift.starts_with("Update"), "{drift}");
        self.apply(&identity, Some(&args)).await;
        assert_eq!(self.shell(look).await, applied);
        let found = self.provider.find(&self.project).await.unwrap().found;
        assert_eq!(found.iter().map(|f| &f.identity.key).collect::<Vec<_>>(), [&identity.key]);
        self.apply(&identity, None).await;
        assert_eq!(self.shell(look).await, before);
        let name = self.kind.name();
        println!("{name} on {}:\n{first}\n-- changed by hand:\n{drift}\n", self.host.name());
    }
}

#[tokio::test]
async fn every_type_lives_its_whole_life_on_a_real_host() {
    let Some(host) = real_host() else { return };
    let bench = Bench::new(&host, "host_file");
    bench.shell("printf 'from before\\n' >/etc/clinch-test; chown 0:33 /etc/clinch-test; chmod 640 /etc/clinch-test").await;
    let path = ("path", "/etc/clinch-test".into());
    bench
        .plays(
            &[
                path,
                ("content", "it's $HOME; \"new\"\n".into()),
                ("mode", "0600".into()),
                ("owner", "root".into()),
            ],
            "cat /etc/clinch-test; stat -c '%a %u %g' /etc/clinch-test",
            "echo edited >>/etc/clinch-test",
        )
        .await;
    bench.shell("rm /etc/clinch-test").await;

    let settings = Value::map([("net.ipv4.ip_local_port_range", Value::from("20000 50000"))]);
    Bench::new(&host, "sysctl")
        .plays(
            &[("name", "clinch-test".into()), ("settings", settings), ("load", true.into())],
            "cat /proc/sys/net/ipv4/ip_local_port_range; ls /etc/sysctl.d",
            "sysctl -w net.ipv4.ip_local_port_range='30000 40000'",
        )
        .await;

    Bench::new(&host, "kernel_module_blacklist")
        .plays(
            &[("name", "clinch-test".into()), ("modules", Value::list(["dccp".into()]))],
            "cat /etc/modprobe.d/*clinch-test.conf",
            "sed -i /install/d /etc/modprobe.d/90-clinch-clinch-test.conf",
        )
        .await;

    let unit = [("unit", "clinch-test.service".into()), ("drop_in", "".into())];
    let runs = [("enabled", true.into()), ("active", true.into()), ("restart", true.into())];
    let args = [unit.as_slice(), &[("content", UNIT.into())], &runs].concat();
    let bench = Bench::new(&host, "systemd_unit");
    bench
        .plays(
            &args,
            "systemctl is-active clinch-test; systemctl is-enabled clinch-test 2>/dev/null",
            "systemctl disable --now clinch-test",
        )
        .await;

    Bench::new(&host, "trusted_ca")
        .plays(
            &[
                ("name", "clinch-test".into()),
                ("certificate", crate::trusted_ca::ONE.into()),
                ("update", true.into()),
            ],
            "grep -c BEGIN /etc/ssl/certs/ca-certificates.crt; ls /usr/local/share/ca-certificates",
            ": >/etc/ssl/certs/ca-certificates.crt",
        )
        .await;
}

/// What systemd refuses, and what does not start, leaves nothing behind.
#[tokio::test]
async fn unit_that_is_wrong_is_rolled_back_on_a_real_host() {
    let Some(host) = real_host() else { return };
    let mut bench = Bench::new(&host, "systemd_unit");
    bench.project.push_str("-wrong");
    bench.provider = NodeProvider::new(Hosts::of([host]), bench.project.as_str());
    for (content, why) in [
        ("[Service]\nExecStrt=/bin/true\nExecStart=/bin/sleep 1\n", "Unknown key"),
        ("[Service]\nExecStart=/nonexistent\n", "not executable"),
        ("[Service]\nExecStart=/bin/false\n", "ended right away"),
        (
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo because of this; exit 3'\n",
            "because of this",
        ),
    ] {
        let args = bench.args(&[
            ("unit", "clinch-wrong.service".into()),
            ("drop_in", "".into()),
            ("content", content.into()),
            ("active", true.into()),
            ("restart", true.into()),
        ]);
        let identity = bench.kind.identify(&args).unwrap();
        let Planned::Decided(decision) = bench.plan(&identity, Some(&args)).await else { panic!() };
        let refused = bench.provider.perform(&decision.ops[0], &|_| ()).await.unwrap_err();
        assert!(refused.message().contains(why), "{}", refused.message());
        assert_eq!(bench.shell("ls /etc/systemd/system | grep clinch-wrong").await, "");
        println!("{}", refused.message());
    }
}
