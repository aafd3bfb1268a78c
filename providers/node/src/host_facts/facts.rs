//! What is asked, and what the answers mean.

use crate::look::Looked;
use access::{Ask, FileOnHost, HostError, Output};
use std::collections::BTreeSet;
use values::Value;

const OS_RELEASE: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];
const KERNEL: &str = "/proc/sys/kernel/osrelease";
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
const MEMORY: &str = "/proc/meminfo";
const SWAP: &str = "/proc/swaps";
const MODULES: &str = "/proc/modules";
const CPUS: &str = "/sys/devices/system/cpu/online";
const CGROUPS: &str = "/sys/fs/cgroup";
const CONTROLLERS: &str = "/sys/fs/cgroup/cgroup.controllers";
const FLAGS: &str = "/var/lib/kubelet/kubeadm-flags.env";
const CONFIGS: [&str; 2] =
    ["/var/lib/kubelet/config.yaml", "/var/lib/kubelet/instance-config.yaml"];
const DAEMON: &str = "/etc/docker/daemon.json";
const SOCKETS: [&str; 3] = ["cri-dockerd.sock", "docker.sock", "dockershim.sock"];
const ARCHITECTURE: [&str; 2] = ["uname", "-m"];

/// Programs, and how they are asked for their version.
const PROGRAMS: [(&str, &str); 6] = [
    ("kubelet", "kubelet"),
    ("containerd", "containerd"),
    ("crio", "crio"),
    ("docker", "docker"),
    ("runc", "runc"),
    ("systemd", "systemctl"),
];

/// Units of container runtimes, and how they are asked for; one line for each is said.
const RUNTIMES: [&str; 3] = ["containerd", "crio", "docker"];
const ACTIVE: [&str; 5] = ["systemctl", "is-active", RUNTIMES[0], RUNTIMES[1], RUNTIMES[2]];

/// Names the files with the word; says nothing of folders that are not there.
const MENTIONS: [&str; 14] = [
    "grep",
    "-r",
    "-l",
    "-s",
    "-w",
    "-e",
    "docker",
    "/etc/systemd/system",
    "/etc/crontab",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/cron.weekly",
    "/var/spool/cron",
];

pub(super) fn asks() -> Vec<Ask> {
    let files = [KERNEL, HOSTNAME, MEMORY, SWAP, MODULES, CPUS, CONTROLLERS, FLAGS, DAEMON];
    let files = files.into_iter().chain(OS_RELEASE).chain(CONFIGS).map(Ask::file);
    let folders = [CGROUPS, "/run", "/var/lib"].map(Ask::folder);
    let versions = PROGRAMS.map(|(_, program)| Ask::command([program, "--version"]));
    let commands = [Ask::command(ARCHITECTURE), Ask::command(MENTIONS), Ask::command(ACTIVE)];
    files.chain(folders).chain(versions).chain(commands).collect()
}

pub(super) fn read(looked: &Looked) -> Result<Vec<(&'static str, Value)>, HostError> {
    let line = |path| Ok(text(looked, path)?.map(|text| text.trim().to_owned()));
    let lines = |path, skipped| Ok(text(looked, path)?.map(|text| first_words(&text, skipped)));
    let strings = |found: Option<Vec<String>>| {
        found.map_or(Value::Null, |all| Value::list(all.into_iter().map(Value::from)))
    };
    let or_null = |found: Option<String>| found.map_or(Value::Null, Value::from);
    let number = |found: Option<i64>| found.map_or(Value::Null, Value::from);
    Ok(vec![
        ("os", os(looked)?),
        ("kernel", or_null(line(KERNEL)?)),
        ("hostname", or_null(line(HOSTNAME)?)),
        ("architecture", architecture(looked)?),
        ("cgroups", cgroups(looked)?.map_or(Value::Null, Value::from)),
        ("memory", number(text(looked, MEMORY)?.as_deref().and_then(memory))),
        ("cpus", number(text(looked, CPUS)?.as_deref().and_then(cpus))),
        ("swap", strings(lines(SWAP, 1)?)),
        ("modules", strings(lines(MODULES, 0)?)),
        ("versions", versions(looked)?),
        ("runtimes", runtimes(looked)?),
        ("runtime_endpoint", or_null(endpoint(looked)?)),
        ("docker", docker(looked)?),
    ])
}

/// A file as text. A link in its place says nothing; `/etc/os-release` often is one.
fn text(looked: &Looked, path: &str) -> Result<Option<String>, HostError> {
    match looked.file(path) {
        Ok(file) => {
            Ok(file.map(|file: &FileOnHost| String::from_utf8_lossy(&file.content).into_owned()))
        }
        Err(HostError::NotAFile { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a program says, whatever its exit status; `None` when there is none. On a host that runs
/// no programs nothing is known of them.
fn said(looked: &Looked, words: &[&str]) -> Result<Answer, HostError> {
    match looked.ran(words) {
        Ok(Some(output)) => Ok(Answer::Said(output.clone())),
        Ok(None) => Ok(Answer::NoProgram),
        Err(HostError::NoCommands { .. }) => Ok(Answer::NobodyToAsk),
        Err(error) => Err(error),
    }
}

enum Answer {
    Said(Output),
    NoProgram,
    NobodyToAsk,
}

fn versions(looked: &Looked) -> Result<Value, HostError> {
    let mut found = Vec::new();
    for (name, program) in PROGRAMS {
        match said(looked, &[program, "--version"])? {
            Answer::Said(output) if output.succeeded() => {
                found.extend(version(&output.text()).map(|version| (name, version.into())));
            }
            Answer::Said(_) | Answer::NoProgram => {}
            Answer::NobodyToAsk => return Ok(Value::Null),
        }
    }
    Ok(Value::map(found))
}

/// Those whose unit is active. That one is not is an exit status of its own.
fn runtimes(looked: &Looked) -> Result<Value, HostError> {
    let said = match said(looked, &ACTIVE)? {
        Answer::Said(output) => output.text(),
        Answer::NoProgram | Answer::NobodyToAsk => return Ok(Value::Null),
    };
    let each: Vec<&str> = said.lines().map(str::trim).collect();
    if each.len() != RUNTIMES.len() {
        return Ok(Value::Null);
    }
    let active = RUNTIMES.into_iter().zip(each).filter(|(_, state)| *state == "active");
    Ok(Value::list(active.map(|(name, _)| Value::from(name))))
}

fn architecture(looked: &Looked) -> Result<Value, HostError> {
    Ok(match said(looked, &ARCHITECTURE)? {
        Answer::Said(output) if output.succeeded() => output.text().trim().into(),
        Answer::Said(_) | Answer::NoProgram | Answer::NobodyToAsk => Value::Null,
    })
}

fn os(looked: &Looked) -> Result<Value, HostError> {
    let [etc, lib] = OS_RELEASE;
    let Some(release) = text(looked, etc)?.or(text(looked, lib)?) else { return Ok(Value::Null) };
    let field = |name| assigned(&release, name);
    let or_null = |name| field(name).map_or(Value::Null, Value::from);
    let like = field("ID_LIKE").unwrap_or_default();
    Ok(Value::map([
        ("id", or_null("ID")),
        ("version", or_null("VERSION_ID")),
        ("name", or_null("PRETTY_NAME")),
        ("like", Value::list(like.split_whitespace().map(Value::from))),
    ]))
}

/// The value of a line `NAME=value`, in quotes or not.
fn assigned(text: &str, name: &str) -> Option<String> {
    let value = |line: &str| {
        let value = line.strip_prefix(name)?.strip_prefix('=')?.trim();
        Some(value.trim_matches(['"', '\'']).to_owned())
    };
    text.lines().filter_map(|line| value(line.trim())).next_back()
}

/// Source: <https://kubernetes.io/docs/concepts/architecture/cgroups/>, "Identify the cgroup
/// version on Linux Nodes"; the file of controllers is at the root of version 2 alone.
fn cgroups(looked: &Looked) -> Result<Option<&'static str>, HostError> {
    if text(looked, CONTROLLERS)?.is_some() {
        return Ok(Some("v2"));
    }
    let folders = looked.folders_in(CGROUPS)?;
    Ok((!folders.is_empty()).then_some("v1"))
}

/// Source: `proc_meminfo(5)`; the unit is 1024 bytes, whatever it is called.
fn memory(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<i64>().ok()?.checked_mul(1024)
}

/// How many there are in `0-3,8`.
fn cpus(text: &str) -> Option<i64> {
    let mut count = 0;
    for part in text.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.parse::<u32>().ok()?, to.parse::<u32>().ok()?);
        count += i64::from(to.checked_sub(from)?) + 1;
    }
    Some(count)
}

/// The first words of the lines after some, sorted.
fn first_words(text: &str, skipped: usize) -> Vec<String> {
    let words = text.lines().skip(skipped).filter_map(|line| line.split_whitespace().next());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort();
    words
}

/// The first word that begins with a digit, maybe after a `v`: `Kubernetes v1.36.2`,
/// `containerd github.com/containerd/containerd 1.6.20 1234`, `Docker version 24.0.5, build 1`.
fn version(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().map(|word| word.trim_end_matches(','));
    let number =
        |word: &&str| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit());
    words.find(number).map(|word| word.trim_start_matches('v').to_owned())
}

fn endpoint(looked: &Looked) -> Result<Option<String>, HostError> {
    if let Some(flags) = text(looked, FLAGS)? {
        let flag = "--container-runtime-endpoint=";
        let words = flags.split(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let given = words.filter_map(|word| word.strip_prefix(flag)).next_back();
        if given.is_some() {
            return Ok(given.map(str::to_owned));
        }
    }
    for config in CONFIGS {
        let Some(text) = text(looked, config)? else { continue };
        let documents = yaml::documents(&text).unwrap_or_default();
        let field =
            |node: &yaml::Node| node.get("containerRuntimeEndpoint")?.as_text().map(str::to_owned);
        if let Some(given) = documents.first().and_then(field).filter(|given| !given.is_empty()) {
            return Ok(Some(given));
        }
    }
    Ok(None)
}

fn docker(looked: &Looked) -> Result<Value, HostError> {
    let there = looked.others_in("/run")?;
    let sockets = SOCKETS.into_iter().filter(|socket| there.contains(socket));
    let sockets = sockets.map(|socket| Value::from(format!("/run/{socket}")));
    let data = looked.folders_in("/var/lib")?.contains(&"docker");
    // JSON is YAML. Values may hold what only a proxy should know.
    let daemon = text(looked, DAEMON)?.unwrap_or_default();
    let daemon = yaml::documents(&daemon).unwrap_or_default();
    let settings = daemon.first().map_or(Value::Null, yaml::Node::to_value);
    let names: Vec<Value> = settings
        .as_map()
        .into_iter()
        .flat_map(values::Map::keys)
        .map(|name| (&**name).into())
        .collect();
    Ok(Value::map([
        ("sockets", Value::list(sockets)),
        ("data", data.into()),
        ("settings", Value::list(names)),
        ("mentioned_in", mentions(looked)?),
    ]))
}

/// The files that `grep` found. It also fails, with 2, when one of the folders is not there, and
/// has told of the others all the same.
fn mentions(looked: &Looked) -> Result<Value, HostError> {
    Ok(match said(looked, &MENTIONS)? {
        Answer::Said(output) => {
            let text = output.text();
            let files: BTreeSet<&str> = text.lines().collect();
            Value::list(files.into_iter().map(Value::from))
        }
        Answer::NoProgram | Answer::NobodyToAsk => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::MemoryHost;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        for (said, wanted) in [
            ("Kubernetes v1.36.2\n", "1.36.2"),
            (
                "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+b1",
                "1.6.20~ds1",
            ),
            ("containerd containerd.io v2.1.4 75cb2b7193e4e490e9fbdc236c0e811ccaba3376", "2.1.4"),
            ("Docker version 24.0.5, build ced0996", "24.0.5"),
            ("runc version 1.1.5+ds1\ncommit: 1.1.5", "1.1.5+ds1"),
            ("systemd 252 (252.39-1~deb12u1)\n+PAM +AUDIT", "252"),
            ("crio version 1.36.0\nVersion: 1.36.0", "1.36.0"),
        ] {
            assert_eq!(version(said).as_deref(), Some(wanted), "{said}");
        }
        assert_eq!(version("no number here"), None);
    }

    #[test]
    fn processors_are_counted_in_ranges() {
        for (text, wanted) in [("0\n", Some(1)), ("0-3,8\n", Some(5)), ("", None), ("3-0", None)] {
            assert_eq!(cpus(text), wanted, "{text}");
        }
    }

    #[test]
    fn last_assignment_counts_and_loses_its_quotes() {
        let text = "ID=debian\nVERSION_ID=\"12\"\nVERSION_ID='13'\nVERSION_ID_X=1\n";
        assert_eq!(assigned(text, "ID").as_deref(), Some("debian"));
        assert_eq!(assigned(text, "VERSION_ID").as_deref(), Some("13"));
        assert_eq!(assigned(text, "NAME"), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(memory("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16_777_216));
        assert_eq!(memory("MemTotal: much\n"), None);
    }

    fn told(host: &MemoryHost) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let looked = runtime.block_on(Looked::at(host, asks())).unwrap();
        let line = |(name, value): (&str, Value)| format!("{name}: {value:?}\n");
        read(&looked).unwrap().into_iter().map(line).collect()
    }

    #[test]
    fn host_tells_what_it_is_and_what_of_docker_is_there() {
        let host = MemoryHost::new("w1")
            .with_file(OS_RELEASE[1], "PRETTY_NAME=\"Debian 12\"\nID=debian\nVERSION_ID=\"12\"\n")
            .with_file(KERNEL, "6.1.0-17-amd64\n")
            .with_file(HOSTNAME, "w1\n")
            .with_file(MEMORY, "MemTotal: 1024 kB\n")
            .with_file(SWAP, "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n")
            .with_file(MODULES, "overlay 1 2 - Live 0x0\nbr_netfilter 3 0 - Live 0x0\n")
            .with_file(CPUS, "0-3\n")
            .with_file(CONTROLLERS, "cpu memory pids\n")
            .with_file(FLAGS, "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/cri-dockerd.sock\"\n")
            .with_file(DAEMON, "{\"proxies\": {\"http-proxy\": \"http://user:hunter2@proxy\"}, \"debug\": true}")
            .with_file("/var/lib/docker/engine-id", "1")
            .with_program(|words, _| Output {
                status: Some(0),
                stdout: match words {
                    ["uname", ..] => "x86_64\n",
                    ["grep", ..] => "/etc/systemd/system/prune.service\n/etc/cron.d/prune\n",
                    ["kubelet", ..] => "Kubernetes v1.36.2\n",
                    ["systemctl", "is-active", ..] => "inactive\nactive\nfailed\n",
                    _ => "",
                }
                .into(),
                stderr: Vec::new(),
            });
        assert_eq!(
            told(&host),
            r#"os: {"id": "debian", "like": [], "name": "Debian 12", "version": "12"}
kernel: "6.1.0-17-amd64"
hostname: "w1"
architecture: "x86_64"
cgroups: "v2"
memory: 1048576
cpus: 4
swap: ["/dev/sda2"]
modules: ["br_netfilter", "overlay"]
versions: {"kubelet": "1.36.2"}
runtimes: ["crio"]
runtime_endpoint: "unix:///run/cri-dockerd.sock"
docker: {"data": true, "mentioned_in": ["/etc/cron.d/prune", "/etc/systemd/system/prune.service"], "settings": ["debug", "proxies"], "sockets": []}
"#
        );
    }

    #[test]
    fn host_that_tells_nothing_is_null_and_not_an_error() {
        assert_eq!(
            told(&MemoryHost::new("w1")),
            r#"os: null
kernel: null
hostname: null
architecture: null
cgroups: null
memory: null
cpus: null
swap: null
modules: null
versions: null
runtimes: null
runtime_endpoint: null
docker: {"data": false, "mentioned_in": null, "settings": [], "sockets": []}
"#
        );
    }

    #[test]
    fn flag_wins_over_the_file_and_the_file_over_the_instance() {
        let host = MemoryHost::new("w1")
            .with_file(CONFIGS[1], "containerRuntimeEndpoint: unix:///run/crio/crio.sock\n");
        assert!(told(&host).contains("runtime_endpoint: \"unix:///run/crio/crio.sock\""));
        let host = host.with_file(CONFIGS[0], "containerRuntimeEndpoint: \"\"\n");
        assert!(told(&host).contains("runtime_endpoint: \"unix:///run/crio/crio.sock\""));
        let host = host.with_file(CONFIGS[0], "containerRuntimeEndpoint: unix:///a.sock\n");
        assert!(told(&host).contains("runtime_endpoint: \"unix:///a.sock\""));
    }
}
