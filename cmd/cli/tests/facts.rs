//! What a real host tells of itself.

use crate::machines::Machines;
use serde_json::{Value as Json, json};

#[test]
fn a_real_host_tells_its_system_its_runtime_and_who_calls_docker() {
    let Some(machines) = Machines::of("facts of a host") else { return };
    machines.write(
        "data \"host_facts\" \"w\" {\n  node = \"worker-1\"\n}\noutput \"facts\" {\n  value = \
         data.host_facts.w\n}\n",
    );
    let unit = "/etc/systemd/system/prune.service";
    machines.on_worker(&format!(
        "printf '[Service]\\nExecStart=/usr/bin/docker system prune\\n' > {unit}"
    ));
    machines.well(&["apply", "-auto-approve"]);
    machines.on_worker(&format!("rm {unit}"));
    let said = machines.well(&["output", "-json", "facts"]);
    let facts: Json = serde_json::from_str(&said.out).unwrap();
    let line = |command: &str| Json::from(machines.on_worker(command).trim());
    for (fact, command) in [
        (&facts["kernel"], "uname -r"),
        (&facts["hostname"], "hostname"),
        (&facts["architecture"], "uname -m"),
        (&facts["os"]["id"], ". /etc/os-release; echo $ID"),
        (&facts["versions"]["kubelet"], "kubelet --version | tr -d 'a-zA-Z '"),
        (&facts["versions"]["containerd"], "containerd --version | cut -d' ' -f3"),
        (
            &facts["versions"]["systemd"],
            "systemctl --version | sed -n '1s/systemd \\([0-9]*\\).*/\\1/p'",
        ),
    ] {
        assert_eq!(*fact, line(command), "{command}: {facts:#}");
    }
    assert_eq!(facts["cpus"].to_string(), machines.on_worker("nproc --all").trim());
    let v2 = machines.on_worker("test -e /sys/fs/cgroup/cgroup.controllers && echo v2 || echo v1");
    assert_eq!(facts["cgroups"], v2.trim());
    let nothing_else = json!({
        "sockets": [], "data": false, "settings": [], "mentioned_in": [unit],
    });
    assert_eq!(facts["docker"], nothing_else);
}
