//! The whole program on real hosts: those of a kubeadm cluster, with systemd, containerd, sshd
//! and kubelets (`cargo xtask cluster up`).
//!
//! A test has one worker for itself; the others wait. Texts of tests say `worker-1`, whichever it is.

#![expect(clippy::print_stdout, reason = "says what was left out")]

use crate::support::{Desk, Said};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread::sleep;
use std::time::{Duration, Instant};

static TURNS: [Mutex<()>; 4] = [const { Mutex::new(()) }; 4];
const WORKERS: [&str; 4] = ["worker-1", "worker-2", "worker-3", "worker-4"];
const KUBELET: &str = "/var/lib/kubelet/config.yaml";
const RUNTIME: &str = "/etc/containerd/config.toml";

/// A configuration, and the hosts that it is about.
pub(crate) struct Machines {
    pub(crate) desk: Desk,
    ssh_config: String,
    kubectl: String,
    kubeconfig: String,
    pub(crate) worker: &'static str,
    _turns: Vec<MutexGuard<'static, ()>>,
}

/// How many desks there were.
static DESKS: AtomicU32 = AtomicU32::new(0);

/// The control plane's node: whoever works on it leaves the API server alone.
static CONTROL_PLANE: Mutex<()> = Mutex::new(());

fn turn(of: &'static Mutex<()>) -> MutexGuard<'static, ()> {
    of.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A worker of these that nobody works on; waits for one. The first ones last: some tests need just
/// those.
fn free_worker(there: &str) -> (&'static str, MutexGuard<'static, ()>) {
    let is_there = |worker: &str| there.split_whitespace().any(|name| name == worker);
    loop {
        let here = TURNS.iter().zip(WORKERS).rev().filter(|(_, worker)| is_there(worker));
        for (turn, worker) in here {
            match turn.try_lock() {
                Ok(turn) => return (worker, turn),
                Err(TryLockError::Poisoned(turn)) => return (worker, turn.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        sleep(Duration::from_millis(100));
    }
}

impl Machines {
    /// A worker. `None` where there are no hosts, and says so.
    pub(crate) fn of(test: &str) -> Option<Self> {
        Self::reached(test, |workers| {
            let (worker, turn) = free_worker(workers);
            (worker, vec![turn])
        })
    }

    /// The control plane's node.
    pub(crate) fn control_plane(test: &str) -> Option<Self> {
        Self::reached(test, |_| ("control-plane-1", vec![turn(&CONTROL_PLANE)]))
    }

    /// The first two workers.
    pub(crate) fn pair(test: &str) -> Option<Self> {
        Self::reached(test, |_| (WORKERS[0], TURNS[..2].iter().map(turn).collect()))
    }

    /// The control plane's node while nobody else works on any.
    pub(crate) fn all(test: &str) -> Option<Self> {
        Self::reached(test, |_| {
            // Workers last: those that are held here do nothing meanwhile.
            let all = [&CONTROL_PLANE].into_iter().chain(&TURNS).map(turn);
            ("control-plane-1", all.collect())
        })
    }

    fn reached(
        test: &str,
        take: impl FnOnce(&str) -> (&'static str, Vec<MutexGuard<'static, ()>>),
    ) -> Option<Self> {
        let from = |name: &str| {
            let found = std::env::var(name).ok().filter(|value| !value.is_empty());
            if found.is_none() {
                println!("SKIPPED {test} on real hosts: {name} is not set");
            }
            found
        };
        let ssh_config = from("CLINCH_TEST_CLUSTER_SSH_CONFIG")?;
        let kubeconfig = from("CLINCH_TEST_CLUSTER_KUBECONFIG")?;
        let kubectl = from("CLINCH_TEST_CLUSTER_KUBECTL")?;
        let workers = from("CLINCH_TEST_CLUSTER_WORKERS")?;
        // What a run holds says of which project: those of other tests are others.
        let desk = Desk::of(&format!("machines-{}", DESKS.fetch_add(1, Ordering::Relaxed)));
        desk.write(
            "cluster.hcl",
            format!(
                "cluster \"real\" {{\n  kubeconfig = \"{kubeconfig}\"\n  hosts {{\n    ssh {{\n      \
                 sudo        = true\n      config_file = \"{ssh_config}\"\n    }}\n  }}\n}}\n"
            ),
        );
        let (worker, turns) = take(&workers);
        Some(Self { desk, ssh_config, kubectl, kubeconfig, worker, _turns: turns })
    }

    /// The desk of somebody else, who manages the same cluster.
    pub(crate) fn elsewhere(&self) -> Desk {
        let desk = Desk::of(&self.desk.project);
        let cluster = std::fs::read_to_string(self.desk.dir().join("cluster.hcl")).unwrap();
        desk.write("cluster.hcl", cluster);
        desk
    }

    pub(crate) fn write(&self, hcl: &str) {
        self.desk.write("main.hcl", hcl.replace(WORKERS[0], self.worker));
    }

    /// What a command prints on the worker, as root.
    pub(crate) fn on_worker(&self, command: &str) -> String {
        self.on(self.worker, command)
    }

    /// What a command prints on this host, as root.
    pub(crate) fn on(&self, host: &str, command: &str) -> String {
        let output = Command::new("ssh")
            .args(["-F", &self.ssh_config, host, "sudo", "-n", "sh", "-c"])
            .arg(shlex::try_quote(command).unwrap().as_ref())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}{complained}");
        said
    }

    /// What is noted on the worker, but for the run that was there last, which stays noted.
    pub(crate) fn left(&self) -> String {
        self.on_worker("find /var/lib/clinch -type f ! -path '*/fences/*' 2>/dev/null || true")
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let output = Command::new(&self.kubectl)
            .args(["--kubeconfig", &self.kubeconfig])
            .args(args)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn answers(&self) -> bool {
        let options = ["-F", &self.ssh_config, "-o", "ConnectTimeout=2", self.worker];
        let output =
            Command::new("ssh").args(options).args(["systemctl", "is-system-running"]).output();
        // Booted, with or without a unit that failed.
        let said = String::from_utf8_lossy(&output.unwrap().stdout).trim().to_owned();
        ["running", "degraded"].contains(&said.as_str())
    }

    /// Boots the worker again; it goes down with the next breath.
    pub(crate) fn reboot(&self) {
        let options = ["-F", &self.ssh_config, self.worker, "sudo", "-n", "systemctl", "reboot"];
        // The connection may break before it says anything.
        let _said = Command::new("ssh").args(options).output().unwrap();
    }

    /// Waits until the worker has booted.
    pub(crate) fn is_up(&self) {
        let began = Instant::now();
        while !self.answers() {
            assert!(began.elapsed() < Duration::from_mins(2), "{} does not boot", self.worker);
            sleep(Duration::from_millis(300));
        }
    }

    /// Ready, which a node says some seconds after its kubelet has started.
    pub(crate) fn is_ready(&self) {
        let began = Instant::now();
        let ready = ["get", "node", self.worker, "-o"];
        let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
        while self.kubectl(&[&ready[..], &[path]].concat()) != "True" {
            assert!(began.elapsed() < Duration::from_mins(1), "{} is not ready", self.worker);
            sleep(Duration::from_secs(1));
        }
    }

    pub(crate) fn running(&self, setting: &str) -> serde_json::Value {
        let path = format!("/api/v1/nodes/{}/proxy/configz", self.worker);
        let answer = self.kubectl(&["get", "--raw", &path]);
        // While it starts, it does not answer.
        let answer = serde_json::from_str(&answer).unwrap_or(serde_json::Value::Null);
        answer["kubeletconfig"][setting].clone()
    }

    pub(crate) fn well(&self, args: &[&str]) -> Said {
        let said = self.desk.run(args);
        assert_eq!(said.code, 0, "{args:?}: {}", said.all());
        said
    }

    pub(crate) fn is_converged(&self) {
        let said = self.desk.run(&["plan", "-detailed-exitcode"]);
        assert_eq!(said.code, 0, "{}", said.all());
    }
}

/// Applied, planned again with nothing to do, edited by hand, found, put right, and gone without
/// a trace. `trace` prints all that there is to see of it.
fn lives(machines: &Machines, hcl: &str, trace: &str, edit: &str, found: &[&str]) {
    machines.write(hcl);
    let before = machines.on_worker(trace);
    machines.well(&["apply", "-auto-approve"]);
    machines.is_converged();
    let applied = machines.on_worker(trace);
    assert_ne!(applied, before, "{hcl}");
    machines.on_worker(edit);
    let said = machines.desk.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    for words in found {
        let words = words.replace(WORKERS[0], machines.worker);
        assert!(said.out.contains(&words), "no `{words}` in {}", said.all());
    }
    machines.well(&["apply", "-auto-approve"]);
    machines.is_converged();
    assert_eq!(machines.on_worker(trace), applied);
    machines.well(&["destroy", "-auto-approve"]);
    assert_eq!(machines.on_worker(trace), before, "{hcl}");
    let left = machines.left();
    assert_eq!(left, "", "{hcl}");
}

#[test]
fn every_type_lives_on_a_real_host() {
    let Some(machines) = Machines::of("every type") else { return };
    lives(
        &machines,
        "resource \"kernel_module_blacklist\" \"a\" {\n  node    = \"worker-1\"\n  \
         modules = [\"dccp\", \"sctp\"]\n}\n",
        "cat /etc/modprobe.d/90-clinch-* 2>/dev/null || true",
        "sed -i /sctp/d /etc/modprobe.d/90-clinch-modules.conf",
        &["changed outside: modules +\"sctp\""],
    );
    machines.on_worker("printf 'Rack 7\\n' > /etc/motd; chmod 640 /etc/motd");
    lives(
        &machines,
        "resource \"host_file\" \"a\" {\n  node    = \"worker-1\"\n  path    = \"/etc/motd\"\n  \
         content = \"Managed\\n\"\n}\n",
        "cat /etc/motd; stat -c '%a %U %G' /etc/motd",
        "printf 'By hand\\n' > /etc/motd",
        &["By hand", "Managed"],
    );
    lives(
        &machines,
        "resource \"sysctl\" \"a\" {\n  node     = \"worker-1\"\n  settings = {\n    \
         \"net.ipv4.ip_local_port_range\" = \"20000 50000\"\n  }\n}\n",
        "cat /proc/sys/net/ipv4/ip_local_port_range; ls /etc/sysctl.d",
        "sysctl -q -w net.ipv4.ip_local_port_range='30000 40000'",
        &["30000 40000", "20000 50000", "declared in main.hcl line"],
    );
    lives(
        &machines,
        "resource \"systemd_unit\" \"a\" {\n  node    = \"worker-1\"\n  unit    = \
         \"sleeper.service\"\n  enabled = true\n  active  = true\n  content = \
         \"[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n\"\n}\n",
        "systemctl is-active sleeper; systemctl is-enabled sleeper 2>&1 || true",
        "systemctl stop sleeper",
        &["active", "declared in main.hcl line 5"],
    );
    lives(
        &machines,
        // Other nodes are others' meanwhile, and may be down.
        &include_str!("../../../examples/trusted-ca/main.hcl")
            .replace("toset(data.nodes.all.names)", "toset([\"worker-1\"])"),
        "grep -c BEGIN /etc/ssl/certs/ca-certificates.crt; ls /usr/local/share/ca-certificates",
        ": > /etc/ssl/certs/ca-certificates.crt",
        &["trusted_ca.example[\"worker-1\"]", "declared in main.hcl line"],
    );
}

#[test]
fn settings_of_a_real_kubelet_are_in_its_file_and_in_what_runs() {
    let Some(machines) = Machines::of("settings of a kubelet") else { return };
    lives(
        &machines,
        "resource \"kubelet_config\" \"a\" {\n  node = \"worker-1\"\n  settings = {\n    maxPods    \
         = 61\n    syncFrequency = \"90s\"\n  }\n}\n",
        &format!("cat {KUBELET}"),
        &format!("sed -i 's/^maxPods: .*/maxPods: 17/' {KUBELET}"),
        &["settings.maxPods 17 -> 61"],
    );
    machines.is_ready();
    assert_eq!(machines.running("maxPods"), 110);
}

#[test]
fn a_kubelet_that_runs_with_something_else_than_its_file_says_is_seen_and_restarted() {
    let Some(machines) = Machines::of("a kubelet and its file") else { return };
    let hcl = "resource \"kubelet_config\" \"a\" {\n  node     = \"worker-1\"\n  settings = { maxPods = 62 }\n}\n";
    machines.write(hcl);
    machines.well(&["apply", "-auto-approve"]);
    assert_eq!(machines.running("maxPods"), 62);
    let set = |pods: u32| format!("sed -i 's/^maxPods: .*/maxPods: {pods}/' {KUBELET}");
    machines.on_worker(&format!("{}; systemctl restart kubelet", set(18)));
    let began = Instant::now();
    while machines.running("maxPods") != 18 && began.elapsed() < Duration::from_secs(30) {
        sleep(Duration::from_secs(1));
    }
    machines.on_worker(&set(62));
    let said = machines.desk.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.out.contains("running.maxPods 18 -> 62"), "{}", said.all());
    assert!(said.out.contains("the file says so already"), "{}", said.all());
    machines.well(&["apply", "-auto-approve"]);
    assert_eq!(machines.running("maxPods"), 62);
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
}

#[test]
fn a_kubelet_that_is_down_because_of_its_file_is_mended() {
    let Some(machines) = Machines::of("a kubelet that is down") else { return };
    let hcl = "resource \"kubelet_config\" \"a\" {\n  node     = \"worker-1\"\n  \
               settings = { maxPods = 63 }\n}\n";
    machines.write(hcl);
    machines.well(&["apply", "-auto-approve"]);
    let broken = format!("sed -i 's/^maxPods: .*/maxPods: [1]/' {KUBELET}");
    machines.on_worker(&format!("{broken}; systemctl restart kubelet; sleep 3"));
    let said = machines.desk.run(&["drift"]);
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.out.contains("could not be asked"), "{}", said.all());
    machines.well(&["apply", "-auto-approve"]);
    assert_eq!(machines.running("maxPods"), 63);
    machines.is_converged();
    machines.well(&["destroy", "-auto-approve"]);
    machines.is_ready();
}

#[test]
fn a_misspelt_setting_is_refused_in_the_plan_and_a_kubelet_that_does_not_start_is_put_back() {
    let Some(machines) = Machines::of("refused settings of a kubelet") else { return };
    let before = machines.on_worker(&format!("cat {KUBELET}"));
    let hcl = |settings: &str| {
        format!(
            "resource \"kubelet_config\" \"a\" {{\n  node     = \"worker-1\"\n  settings = {settings}\n}}\n"
        )
    };
    machines.write(&hcl("{ maxPodz = 60 }"));
    let said = machines.desk.run(&["plan"]);
    assert_eq!(said.code, 1);
    let words = format!("{}: the kubelet 1.37 has no field `maxPodz`.", machines.worker);
    assert!(said.err.contains(&words) && said.err.contains("main.hcl line 3"), "{}", said.all());
    // What only the kubelet itself knows: nobody else has a list of its gates.
    machines.write(&hcl("{ featureGates = { NoSuchGate = true } }"));
    let said = machines.desk.run(&["apply", "-auto-approve"]);
    assert_eq!(said.code, 1, "{}", said.all());
    for words in ["The old settings are back, and it runs with them.", "NoSuchGate"] {
        assert!(said.err.contains(words), "no `{words}` in {}", said.all());
    }
    assert_eq!(machines.on_worker(&format!("cat {KUBELET}")), before);
    let left = machines.left();
    assert_eq!(left, "");
    machines.is_ready();
}

/// The settings that containerd says it has with its file, and whether the plugin that the kubelet
/// talks to is well.
const RUNTIME_NOW: &str = "containerd config dump | grep -E 'sandbox_image|  config_path'; \
                           ctr plugins ls | grep -w cri; systemctl is-active containerd";

#[test]
fn a_mirror_and_the_file_of_a_real_containerd_agree_with_what_runs() {
    let Some(machines) = Machines::of("settings of containerd") else { return };
    machines
        .on_worker("ctr -n k8s.io images tag --force registry.k8s.io/pause:3.10.2 pause.test/p:1");
    let started = "systemctl show -p ActiveEnterTimestampMonotonic containerd";
    let before = machines.on_worker(started);
    lives(
        &machines,
        "resource \"container_runtime\" \"a\" {\n  node          = \"worker-1\"\n  cgroup_driver = \
         \"systemd\"\n  sandbox_image = \"pause.test/p:1\"\n  mirrors = {\n    \"docker.io\" = {\n      \
         endpoints = [{ url = \"https://mirror.example.org\" }]\n    }\n  }\n}\n",
        &format!(
            "cat {RUNTIME}; find /etc/containerd -name hosts.toml | xargs -r cat; {RUNTIME_NOW}"
        ),
        &format!("sed -i 's|pause.test/p:1|by.hand/p:2|' {RUNTIME}; systemctl restart containerd"),
        &["sandbox_image \"by.hand/p:2\" -> \"pause.test/p:1\"", "declared in main.hcl line 4"],
    );
    assert_ne!(machines.on_worker(started), before);
    machines.is_ready();
}

#[test]
fn a_mirror_alone_restarts_nothing_and_a_containerd_that_does_not_start_is_put_back() {
    let Some(machines) = Machines::of("a containerd that does not start") else { return };
    let hcl = |image: &str, mirror: &str| {
        format!(
            "resource \"container_runtime\" \"a\" {{\n  node          = \"worker-1\"\n  \
             sandbox_image = \"{image}\"\n  mirrors = {{\n    \"docker.io\" = {{ endpoints = [{{ url = \
             \"https://{mirror}\" }}] }}\n  }}\n}}\n"
        )
    };
    let file = machines.on_worker(&format!("cat {RUNTIME}"));
    let image = "registry.k8s.io/pause:3.10.2";
    machines.write(&hcl(image, "a.example.org"));
    machines.well(&["apply", "-auto-approve"]);
    let all = format!("cat {RUNTIME} /etc/containerd/certs.d/docker.io/hosts.toml; {RUNTIME_NOW}");
    let pid = machines.on_worker("systemctl show -p MainPID containerd");
    machines.write(&hcl(image, "b.example.org"));
    machines.well(&["apply", "-auto-approve"]);
    assert_eq!(machines.on_worker("systemctl show -p MainPID containerd"), pid);
    let applied = machines.on_worker(&all);
    assert!(
        applied.contains("https://b.example.org") && applied.contains("# Nothing is ever pulled")
    );
    // No value of these settings keeps containerd from starting, so the host does.
    let folder = "/etc/systemd/system/containerd.service.d";
    machines.on_worker(&format!(
        "mkdir {folder}; printf '[Service]\nExecStartPre=/bin/sh -c \"if grep -q bad.test {RUNTIME}; \
         then echo containerd: no such image; exit 1; fi\"\n' > {folder}/test.conf; systemctl daemon-reload"
    ));
    machines.write(&hcl("bad.test/p:1", "c.example.org"));
    let said = machines.desk.run(&["apply", "-auto-approve"]);
    machines.on_worker(&format!("rm -r {folder}; systemctl daemon-reload"));
    assert_eq!(said.code, 1, "{}", said.all());
    for words in [
        "The old settings are back, and it runs with them.",
        "It wrote: \"containerd: no such image\".",
    ] {
        assert!(said.err.contains(words), "no `{words}` in {}", said.all());
    }
    assert_eq!(machines.on_worker(&all), applied);
    machines.is_ready();
    machines.write(&hcl(image, "b.example.org"));
    machines.well(&["destroy", "-auto-approve"]);
    assert_eq!(machines.on_worker(&format!("cat {RUNTIME}")), file);
}
