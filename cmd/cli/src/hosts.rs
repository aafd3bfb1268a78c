//! How the hosts of nodes are reached: the `hosts` block of a `cluster` block.
//!
//! ```hcl
//! cluster "prod" {
//!   hosts {
//!     ssh {
//!       user = "admin"
//!       sudo = true
//!     }
//!     host "worker-1" {
//!       address = "10.0.0.7"
//!       port    = 2222
//!     }
//!   }
//! }
//! ```
//!
//! Every node of the cluster has a host, at the address that the node itself reports; `ssh` says
//! how all are reached and `host` what is different for one. A host that is not a node yet may be
//! named too. No connection is made before something of a plan needs it.

use access::{Cluster, FolderHost, Host, HostKeys, Hosts, ShellHost, SshGate, SshSettings};
use plans::Problem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use values::{Map, Path as Place, Value};

/// What a `hosts` block has.
const HOSTS: [&str; 2] = ["ssh", "host"];
/// What an `ssh` block has, and a `host` block too.
const SSH: [&str; 9] = [
    "user",
    "port",
    "sudo",
    "identity_file",
    "config_file",
    "known_hosts_file",
    "host_keys",
    "jump",
    "connect_timeout",
];
/// What only an `ssh` block has.
const OF_ALL: [&str; 1] = ["address_type"];
/// What only a `host` block has.
const OF_ONE: [&str; 3] = ["address", "connection", "folder"];
/// The addresses that a node may report, and its name.
const ADDRESS_TYPES: [&str; 6] =
    ["InternalIP", "ExternalIP", "Hostname", "InternalDNS", "ExternalDNS", "Name"];

/// How the hosts of nodes are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inventory {
    ssh: Ssh,
    address_type: String,
    hosts: BTreeMap<String, One>,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq)]
struct One {
    way: Way,
    address: Option<String>,
    ssh: Ssh,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Way {
    Ssh,
    Local,
    Folder(PathBuf),
}

/// What is said about SSH; `None` is left to the others, and in the end to `ssh` itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Ssh {
    user: Option<String>,
    port: Option<u16>,
    sudo: Option<bool>,
    identity_file: Option<PathBuf>,
    config_file: Option<PathBuf>,
    known_hosts_file: Option<PathBuf>,
    host_keys: Option<HostKeys>,
    jump: Option<Vec<String>>,
    connect_timeout: Option<Duration>,
}

impl Ssh {
    /// This, and where it says nothing the other.
    fn or(&self, other: &Self) -> Self {
        Self {
            user: self.user.clone().or_else(|| other.user.clone()),
            port: self.port.or(other.port),
            sudo: self.sudo.or(other.sudo),
            identity_file: self.identity_file.clone().or_else(|| other.identity_file.clone()),
            config_file: self.config_file.clone().or_else(|| other.config_file.clone()),
            known_hosts_file: self
                .known_hosts_file
                .clone()
                .or_else(|| other.known_hosts_file.clone()),
            host_keys: self.host_keys.or(other.host_keys),
            jump: self.jump.clone().or_else(|| other.jump.clone()),
            connect_timeout: self.connect_timeout.or(other.connect_timeout),
        }
    }

    fn settings(&self, address: String) -> SshSettings {
        let plain = SshSettings::new(address);
        SshSettings {
            user: self.user.clone(),
            port: self.port,
            sudo: self.sudo.unwrap_or(false),
            identity_file: self.identity_file.clone(),
            config_file: self.config_file.clone(),
            known_hosts_file: self.known_hosts_file.clone(),
            host_keys: self.host_keys.unwrap_or_default(),
            jump: self.jump.clone().unwrap_or_default(),
            connect_timeout: self.connect_timeout.unwrap_or(plain.connect_timeout),
            ..plain
        }
    }
}

impl Inventory {
    /// From the block at this place; what is wrong there, in sentences.
    pub(crate) fn read(
        block: &Value,
        at: Place,
        home: Option<&Path>,
    ) -> Result<Self, Vec<(Place, String)>> {
        let mut reader = Reader { home, at, wrong: Vec::new() };
        let inventory = reader.inventory(block);
        if reader.wrong.is_empty() { Ok(inventory) } else { Err(reader.wrong) }
    }

    /// The hosts of all nodes, and those that are only named. Asks the cluster for its nodes.
    pub(crate) async fn hosts(&self, cluster: &Cluster) -> Result<Hosts, Problem> {
        let mut reported = nodes(cluster).await?;
        for name in self.hosts.keys() {
            reported.entry(name.clone()).or_default();
        }
        let gate = SshGate::new();
        let host = |(name, reported): (String, Vec<(String, String)>)| -> Arc<dyn Host> {
            let one = self.hosts.get(&name);
            match one.map_or(&Way::Ssh, |one| &one.way) {
                Way::Folder(folder) => Arc::new(FolderHost::new(name, folder)),
                Way::Local => {
                    let sudo = one.and_then(|one| one.ssh.sudo).or(self.ssh.sudo);
                    Arc::new(ShellHost::local(name, sudo.unwrap_or(false)))
                }
                Way::Ssh => {
                    let ssh = one.map_or(self.ssh.clone(), |one| one.ssh.or(&self.ssh));
                    let given = one.and_then(|one| one.address.clone());
                    let address = given.unwrap_or_else(|| self.address(&name, &reported));
                    Arc::new(ShellHost::ssh(name, ssh.settings(address), &gate))
                }
            }
        };
        Ok(Hosts::of(reported.into_iter().map(host)))
    }

    /// Where a node is, by what it reports of itself; its name when it does not say.
    fn address(&self, name: &str, reported: &[(String, String)]) -> String {
        let of = |ty: &str| reported.iter().find(|(t, _)| t == ty).map(|(_, a)| a.clone());
        let found = of(&self.address_type).or_else(|| match self.address_type.as_str() {
            "Name" => None,
            _ => of("InternalIP").or_else(|| of("Hostname")),
        });
        found.unwrap_or_else(|| name.to_owned())
    }
}

/// All nodes with the addresses that they report, each with its type.
async fn nodes(cluster: &Cluster) -> Result<BTreeMap<String, Vec<(String, String)>>, Problem> {
    let Some(resource) = cluster.resolve("v1", "Node").await.map_err(|e| e.to_problem())? else {
        return Ok(BTreeMap::new());
    };
    let listed = cluster.list(&resource, access::Query::default(), |node| {
        let name = node.pointer("/metadata/name")?.as_str()?.to_owned();
        let mut addresses = Vec::new();
        let reported = node.pointer("/status/addresses").and_then(|a| a.as_array());
        for address in reported.into_iter().flatten() {
            let text = |name: &str| address.get(name)?.as_str().map(str::to_owned);
            addresses.extend(text("type").zip(text("address")));
        }
        Some((name, addresses))
    });
    Ok(listed.await.map_err(|e| e.to_problem())?.items.into_iter().collect())
}

/// Reads blocks, and keeps what is wrong with them.
struct Reader<'a> {
    home: Option<&'a Path>,
    /// The block that is read.
    at: Place,
    wrong: Vec<(Place, String)>,
}

impl Reader<'_> {
    fn inventory(&mut self, block: &Value) -> Inventory {
        let empty = Map::default();
        let map = block.as_map().unwrap_or(&empty);
        self.known("A `hosts` block", map, &[&HOSTS]);
        let blocks = |name: &str| map.get(name).and_then(Value::as_list).unwrap_or(&[]);
        for name in HOSTS {
            if map.get(name).is_some_and(|value| value.as_list().is_none()) {
                self.tell(name, format!("`{name}` is a block: write `{name} {{ ... }}`."));
            }
        }
        let outer = self.at.clone();
        let block = |name: &str, index: usize| outer.clone().attr(name).index(index);
        if map.contains_key("") {
            self.wrong.push((outer.clone(), "Only a `host` block has a label.".to_owned()));
        }
        if blocks("ssh").len() > 1 {
            let wrong = "There is one `ssh` block, for all hosts.".to_owned();
            self.wrong.push((block("ssh", 1), wrong));
        }
        let all = blocks("ssh").first().and_then(Value::as_map).unwrap_or(&empty);
        self.at = block("ssh", 0);
        if all.contains_key("") {
            self.wrong.push((self.at.clone(), "Only a `host` block has a label.".to_owned()));
        }
        self.known("An `ssh` block", all, &[&SSH, &OF_ALL]);
        let address_type = self.one_of(all, "address_type", &ADDRESS_TYPES);
        let ssh = self.ssh(all);
        let mut hosts = BTreeMap::new();
        for (index, host) in blocks("host").iter().enumerate() {
            self.at = block("host", index);
            let Some(host) = host.as_map() else { continue };
            let labels = host.get("").and_then(Value::as_list).unwrap_or(&[]);
            let [Value::String(name)] = labels else {
                let wrong = "A `host` block has one label, the name of the node: \
                             `host \"worker-1\" { ... }`.";
                self.wrong.push((self.at.clone(), wrong.to_owned()));
                continue;
            };
            let one = self.one(host);
            if hosts.insert(name.to_string(), one).is_some() {
                let wrong = format!("There are two blocks for the host `{name}`.");
                self.wrong.push((self.at.clone(), wrong));
            }
        }
        let address_type = address_type.unwrap_or_else(|| ADDRESS_TYPES[0].to_owned());
        Inventory { ssh, address_type, hosts }
    }

    fn one(&mut self, map: &Map) -> One {
        self.known("A `host` block", map, &[&SSH, &OF_ONE]);
        let connection = self.one_of(map, "connection", &["ssh", "local"]);
        let way = match (self.file(map, "folder"), connection.as_deref()) {
            (Some(folder), None) => Way::Folder(folder),
            (Some(_), Some(_)) => {
                self.tell(
                    "connection",
                    "A host is in a `folder` or has a `connection`.".to_owned(),
                );
                Way::Ssh
            }
            (None, Some("local")) => Way::Local,
            (None, _) => Way::Ssh,
        };
        One { way, address: self.name(map, "address"), ssh: self.ssh(map) }
    }

    fn ssh(&mut self, map: &Map) -> Ssh {
        let keys = self.one_of(map, "host_keys", &["strict", "accept-new"]);
        let jump = match map.get("jump") {
            None | Some(Value::Null) => None,
            Some(Value::List(list)) if list.iter().all(|v| v.as_str().is_some_and(is_name)) => {
                Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Some(other) => {
                let wrong = format!(
                    "`jump` is a list of jump hosts such as `\"admin@bastion:2222\"`, and this is \
                     {}.",
                    other.kind()
                );
                self.tell("jump", wrong);
                None
            }
        };
        Ssh {
            user: self.name(map, "user"),
            port: self.port(map),
            sudo: self.flag(map, "sudo"),
            identity_file: self.file(map, "identity_file"),
            config_file: self.file(map, "config_file"),
            known_hosts_file: self.file(map, "known_hosts_file"),
            host_keys: keys.map(|keys| match keys.as_str() {
                "accept-new" => HostKeys::AcceptNew,
                _ => HostKeys::Strict,
            }),
            jump,
            connect_timeout: self.duration(map, "connect_timeout"),
        }
    }

    /// Tells of arguments that are not known, each with what may be meant.
    fn known(&mut self, what: &str, map: &Map, known: &[&[&'static str]]) {
        for name in map.keys().filter(|name| !name.is_empty()) {
            let known = known.iter().copied().flatten().copied();
            if known.clone().any(|known| known == &**name) {
                continue;
            }
            let mut wrong = format!("{what} has no argument `{name}`.");
            if let Some(meant) = diags::did_you_mean(name, known) {
                wrong = format!("{wrong} Did you mean `{meant}`?");
            }
            self.tell(name, wrong);
        }
    }

    /// What is wrong with an argument of the block that is read.
    fn tell(&mut self, argument: &str, wrong: String) {
        self.wrong.push((self.at.clone().attr(argument), wrong));
    }

    fn text(&mut self, map: &Map, name: &str) -> Option<String> {
        match map.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if !text.is_empty() => Some(text.to_string()),
            Some(Value::String(_)) => {
                self.tell(name, format!("`{name}` is empty."));
                None
            }
            Some(other) => {
                self.tell(name, format!("`{name}` is a string, and this is {}.", other.kind()));
                None
            }
        }
    }

    /// What becomes a word of `ssh`, and must not look like an option.
    fn name(&mut self, map: &Map, name: &str) -> Option<String> {
        let text = self.text(map, name)?;
        if !is_name(&text) {
            let shown = text.escape_debug();
            self.tell(name, format!("`{shown}` cannot be the `{name}` of a host."));
            return None;
        }
        Some(text)
    }

    /// A shell expands `~` in a flag; nobody does in a configuration.
    fn file(&mut self, map: &Map, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.text(map, name)?);
        match (path.strip_prefix("~"), self.home) {
            (Ok(rest), Some(home)) => Some(home.join(rest)),
            (Ok(_), None) | (Err(_), _) => Some(path),
        }
    }

    fn one_of(&mut self, map: &Map, name: &str, allowed: &[&'static str]) -> Option<String> {
        let text = self.text(map, name)?;
        if allowed.contains(&text.as_str()) {
            return Some(text);
        }
        let list: Vec<String> = allowed.iter().map(|one| format!("`{one}`")).collect();
        let mut wrong = format!("`{name}` is one of {}, and this is `{text}`.", list.join(", "));
        if let Some(meant) = diags::did_you_mean(&text, allowed.iter().copied()) {
            wrong = format!("{wrong} Did you mean `{meant}`?");
        }
        self.tell(name, wrong);
        None
    }

    fn flag(&mut self, map: &Map, name: &str) -> Option<bool> {
        let value = map.get(name).filter(|value| !value.is_null())?;
        if value.as_bool().is_none() {
            let wrong = format!("`{name}` is true or false, and this is {}.", value.kind());
            self.tell(name, wrong);
        }
        value.as_bool()
    }

    fn port(&mut self, map: &Map) -> Option<u16> {
        let value = map.get("port").filter(|value| !value.is_null())?;
        let number = value.as_number().map(ToString::to_string);
        let port = number.and_then(|n| n.parse::<u16>().ok()).filter(|port| *port > 0);
        if port.is_none() {
            self.tell("port", "`port` is a whole number from 1 to 65535.".to_owned());
        }
        port
    }

    fn duration(&mut self, map: &Map, name: &str) -> Option<Duration> {
        let text = self.text(map, name)?;
        let parsed: Option<jiff::SignedDuration> = text.parse().ok();
        let duration = parsed.and_then(|d| Duration::try_from(d).ok()).filter(|d| !d.is_zero());
        if duration.is_none() {
            self.tell(name, format!("`{name}` is a duration such as `10s`, and this is `{text}`."));
        }
        duration
    }
}

fn is_name(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == ',';
    !text.is_empty() && !text.starts_with('-') && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block with the text that it is in.
    fn block(hcl: &str) -> (session::ClusterSettings, String) {
        let text = format!("cluster \"c\" {{ {hcl} }}");
        let mut files: config::InMemory = [("main.hcl", text.as_str())].into_iter().collect();
        let mut map = diags::SourceMap::default();
        let catalog: Arc<dyn provider::Catalog> = Arc::new(wiring::Types::new(None));
        let inputs = lang::Inputs::default();
        let (loaded, problems) = session::load(".", "x", &mut files, &mut map, &inputs, &catalog);
        assert!(!problems.has_errors(), "{problems:?}");
        (loaded.cluster.expect("a cluster block"), text)
    }

    /// What is read, or what is wrong and what that points at.
    fn read(hcl: &str) -> Result<Inventory, Vec<String>> {
        let (block, text) = block(hcl);
        let hosts = &block.args.get("hosts").and_then(Value::as_list).expect("a hosts block")[0];
        let told = |(at, wrong): (Place, String)| {
            let span = block.place(&at);
            format!("{}: {wrong}", &text[span.start as usize..span.end as usize])
        };
        let at = Place::of("hosts").index(0);
        let inventory = Inventory::read(hosts, at, Some(Path::new("/home/ann")));
        inventory.map_err(|wrong| wrong.into_iter().map(told).collect())
    }

    #[test]
    fn what_is_wrong_with_a_hosts_block_is_said_in_one_go() {
        let hcl = r#"
            hosts {
              sssh {}
              ssh {
                usr      = "ann"
                port     = 70000
                sudo     = "yes"
                jump     = "bastion"
                address_type = "InternalIp"
                host_keys    = "no"
                connect_timeout = "soon"
              }
              host "w1" {
                address    = "-oProxyCommand=x"
                connection = "locl"
              }
              host "w1" {}
              host {}
            }
        "#;
        let expected = [
            "sssh: A `hosts` block has no argument `sssh`. Did you mean `ssh`?",
            "\"ann\": An `ssh` block has no argument `usr`. Did you mean `user`?",
            "\"InternalIp\": `address_type` is one of `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS`, `ExternalDNS`, `Name`, and this is `InternalIp`. Did you mean `InternalIP`?",
            "\"no\": `host_keys` is one of `strict`, `accept-new`, and this is `no`.",
            "\"bastion\": `jump` is a list of jump hosts such as `\"admin@bastion:2222\"`, and this is string.",
            "70000: `port` is a whole number from 1 to 65535.",
            "\"yes\": `sudo` is true or false, and this is string.",
            "\"soon\": `connect_timeout` is a duration such as `10s`, and this is `soon`.",
            "\"locl\": `connection` is one of `ssh`, `local`, and this is `locl`. Did you mean `local`?",
            "\"-oProxyCommand=x\": `-oProxyCommand=x` cannot be the `address` of a host.",
            "host \"w1\": There are two blocks for the host `w1`.",
            "host: A `host` block has one label, the name of the node: `host \"worker-1\" { ... }`.",
        ];
        assert_eq!(read(hcl).expect_err("much is wrong"), expected);
    }

    #[test]
    fn a_host_is_reached_as_all_are_but_for_what_it_says_itself() {
        let hcl = r#"
            hosts {
              ssh {
                user          = "ann"
                sudo          = true
                identity_file = "~/.ssh/nodes"
                address_type  = "Hostname"
              }
              host "w1" {
                address = "10.0.0.7"
                port    = 2222
                user    = "root"
                sudo    = false
              }
              host "here" { connection = "local" }
            }
        "#;
        let inventory = read(hcl).expect("right");
        let one = inventory.hosts["w1"].ssh.or(&inventory.ssh);
        let settings = one.settings("10.0.0.7".to_owned());
        assert_eq!((settings.user.as_deref(), settings.port), (Some("root"), Some(2222)));
        assert_eq!(settings.identity_file, Some("/home/ann/.ssh/nodes".into()));
        assert!(!settings.sudo && settings.host_keys == HostKeys::Strict);
        assert_eq!(inventory.hosts["here"].way, Way::Local);

        let reported = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(t, a)| ((*t).to_owned(), (*a).to_owned())).collect()
        };
        let both = reported(&[("InternalIP", "10.0.0.8"), ("Hostname", "worker-2")]);
        assert_eq!(inventory.address("w2", &both), "worker-2");
        assert_eq!(inventory.address("w2", &reported(&[("InternalIP", "10.0.0.8")])), "10.0.0.8");
        assert_eq!(inventory.address("w2", &[]), "w2");
    }
}
