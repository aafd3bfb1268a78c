//! How the hosts are reached: a key pair of this run, and files for `ssh -F`.

use super::place::{Node, Place};
use crate::program;
use crate::trouble::{Doing, Trouble};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes a key pair without a passphrase at `path` and `path.pub`.
pub(super) fn make_key(path: &Path, comment: &str) -> Result<(), Trouble> {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(path);
    program::run(&mut keygen)
}

/// The public half of a key pair.
pub(super) fn public(path: &Path) -> Result<String, Trouble> {
    let path = path.with_extension("pub");
    fs::read_to_string(&path).doing(|| format!("reading {}", path.display()))
}

/// Writes `ssh_config` and the file of known hosts, given each host's public key.
pub(super) fn write_config(place: &Place, hosts: &[(&Node, String)]) -> Result<(), Trouble> {
    let known: String = hosts.iter().map(|(node, key)| known_host(node, key)).collect();
    let nodes: Vec<&Node> = hosts.iter().map(|(node, _)| *node).collect();
    for (file, text) in [("known_hosts", known), ("ssh_config", config(&place.folder, &nodes))] {
        let path = place.folder.join(file);
        fs::write(&path, text).doing(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

fn known_host(node: &Node, key: &str) -> String {
    // The comment behind the key is of no use here.
    let key: Vec<&str> = key.split_whitespace().take(2).collect();
    format!("{},{} {}\n", node.name, node.address, key.join(" "))
}

fn config(folder: &Path, nodes: &[&Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        let _ = writeln!(text, "Host {}\n  HostName {}\n", node.name, node.address);
    }
    let quoted = |file: &str| format!("\"{}\"", folder.join(file).display());
    let (key, known) = (quoted("id_ed25519"), quoted("known_hosts"));
    let _ = write!(
        text,
        "Host *
  User admin
  IdentityFile {key}
  IdentitiesOnly yes
  UserKnownHostsFile {known}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"
    );
    text
}

/// A command for root of a host.
pub(super) fn root(place: &Place, node: &Node, command: &str) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(place.ssh_config());
    // A host is on the same machine: what does not answer at once is not up yet.
    ssh.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=2", "-l", "root", &node.name, command]);
    ssh
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Node {
        Node { name: "worker-1".to_owned(), number: 1, address: "10.231.7.11".to_owned() }
    }

    #[test]
    fn host_is_known_by_name_and_by_address() {
        assert_eq!(
            known_host(&node(), "ssh-ed25519 AAAA root@worker-1\n"),
            "worker-1,10.231.7.11 ssh-ed25519 AAAA\n"
        );
    }

    #[test]
    fn config_leads_to_the_node_and_trusts_nobody_else() {
        assert_eq!(
            config(Path::new("/a b"), &[&node()]),
            "\
Host worker-1
  HostName 10.231.7.11

Host *
  User admin
  IdentityFile \"/a b/id_ed25519\"
  IdentitiesOnly yes
  UserKnownHostsFile \"/a b/known_hosts\"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"
        );
    }
}
