//! One host: its tree of files, and booting it.
//!
//! A host's tree is an overlay of three layers: what it writes itself, the layer of this cluster
//! (the files of `testdata/cluster/host`, the programs and images), and the Debian of
//! [`super::tree`], which is never written to.

use super::place::{Node, Place, sources};
use super::{groups, image::Image, network, ssh};
use crate::control_plane::process::{self, Process};
use crate::program;
use crate::trouble::{Doing, Trouble};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Programs that every host has beside those of Debian.
const PROGRAMS: [&str; 3] = ["kubelet", "kubeadm", "kubectl"];

/// Units of ours that start with the host.
const UNITS: [&str; 2] = ["cluster-host.service", "kubelet.service"];

/// Where a host has the archives of images.
pub(super) const IMAGES: &str = "usr/share/cluster/images";

/// Enters the groups before `--`, then boots the host, again and again while it asks for that:
/// `systemd-nspawn --keep-unit` ends with 133 when the host is rebooted.
///
/// A boot begins with empty groups, as on a machine: a kubelet looks for seconds at each group of a
/// pod that an earlier boot left.
const SUPERVISE: &str = r#"
groups=
while [ "$1" != -- ]; do
  echo $$ >"$1/cgroup.procs" || exit
  groups="$groups$1
"
  shift
done
shift
while :; do
  printf %s "$groups" | while read -r group; do
    find "$group" -mindepth 1 -depth -type d -exec rmdir {} +
  done
  "$@"
  status=$?
  [ $status -eq 133 ] || exit $status
done
"#;

/// Makes the layer that all hosts of a cluster share.
pub(super) fn make_layer(
    place: &Place,
    programs: &Path,
    images: &[Image],
    pause: &str,
) -> Result<PathBuf, Trouble> {
    let layer = place.folder.join("layer");
    copy(&sources().join("host"), &layer)?;
    let runtime = layer.join("etc/containerd/config.toml");
    fs::read_to_string(&runtime)
        .and_then(|text| fs::write(&runtime, text.replace("@PAUSE@", pause)))
        .doing(|| format!("writing {}", runtime.display()))?;
    let wants = layer.join("etc/systemd/system/multi-user.target.wants");
    let (bin, archives) = (layer.join("usr/bin"), layer.join(IMAGES));
    for folder in [&wants, &bin, &archives] {
        fs::create_dir_all(folder).doing(|| format!("creating {}", folder.display()))?;
    }
    for unit in UNITS {
        symlink(format!("/etc/systemd/system/{unit}"), wants.join(unit))
            .doing(|| format!("enabling {unit}"))?;
    }
    // The person's own mask of modes is for the person's files.
    program::run(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(&layer))?;
    let programs = PROGRAMS.iter().map(|name| (programs.join(name), bin.join(name)));
    let archives = images
        .iter()
        .map(|one| (one.archive.clone(), archives.join(format!("{}.tar", one.program))));
    for (from, to) in programs.chain(archives) {
        // A second name for the file in the cache: hosts write to their own layer only.
        fs::hard_link(&from, &to).doing(|| format!("linking {}", from.display()))?;
    }
    Ok(layer)
}

/// Copies a folder with all below it.
fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    let doing = || format!("copying {}", from.display());
    fs::create_dir_all(to).doing(doing)?;
    for entry in fs::read_dir(from).doing(doing)? {
        let entry = entry.doing(doing)?;
        let target = to.join(entry.file_name());
        if entry.file_type().doing(doing)?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).doing(doing)?;
        }
    }
    Ok(())
}

/// Where a host's own things lie.
fn folder(place: &Place, node: &Node) -> PathBuf {
    place.folder.join(&node.name)
}

/// The host's tree as it sees it.
pub(super) fn root(place: &Place, node: &Node) -> PathBuf {
    folder(place, node).join("root")
}

/// Mounts a host's tree and writes what is its own; returns its public key.
pub(super) fn prepare(
    place: &Place,
    nodes: &[Node],
    node: &Node,
    layers: &[&Path],
) -> Result<String, Trouble> {
    let own = folder(place, node);
    for name in ["upper", "work", "root", "containerd", "kubelet"] {
        let folder = own.join(name);
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    }
    readable(&own.join("upper"))?;
    let layers: Vec<String> = layers.iter().map(|path| path.display().to_string()).collect();
    let (upper, work) = (own.join("upper"), own.join("work"));
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        layers.join(":"),
        upper.display(),
        work.display()
    );
    let root = root(place, node);
    program::run(
        Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(&root),
    )?;
    let login = ssh::public(&place.folder.join("id_ed25519"))?;
    for (path, text) in files(&place.id, nodes, node, login) {
        let path = root.join(path);
        let parent = path.parent().unwrap_or(&root);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .doing(|| format!("writing {}", path.display()))?;
        readable(&path)?;
    }
    let key = root.join("etc/ssh/ssh_host_ed25519_key");
    ssh::make_key(&key, &node.name)?;
    ssh::public(&key)
}

/// Lets every user of a host read a file or enter a folder.
fn readable(path: &Path) -> Result<(), Trouble> {
    program::run(Command::new("chmod").arg("u=rwX,go=rX").arg(path))
}

/// The files in which hosts differ.
fn files(id: &str, nodes: &[Node], node: &Node, login: String) -> Vec<(&'static str, String)> {
    let others = || nodes.iter().filter(|one| one.number != node.number);
    let route = |one: &Node| format!("route {} {}\n", network::pods(one.number), one.address);
    let line = |one: &Node| format!("{} {}\n", one.address, one.name);
    let names: String = nodes.iter().map(line).collect();
    let routes: String = others().map(route).collect();
    let machine =
        crate::control_plane::cache::short_digest(format!("{id}-{}", node.number).as_bytes());
    let pods = serde_json::json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": true,
                "ipam": {
                    "type": "host-local",
                    "ranges": [[{ "subnet": network::pods(node.number) }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    });
    vec![
        ("etc/hostname", format!("{}\n", node.name)),
        ("etc/hosts", format!("127.0.0.1 localhost\n{names}")),
        // Twice, since it has 32 digits.
        ("etc/machine-id", format!("{machine}{machine}\n")),
        ("etc/cluster-host", format!("address {}/24\n{routes}", node.address)),
        ("etc/default/kubelet", format!("KUBELET_EXTRA_ARGS=--node-ip={}\n", node.address)),
        ("etc/cni/net.d/10-bridge.conflist", format!("{pods:#}\n")),
        ("etc/ssh/authorized_keys", login),
    ]
}

/// Boots a host; it is up when it answers.
pub(super) fn boot(place: &Place, node: &Node) -> Result<Process, Trouble> {
    let (own, root) = (folder(place, node), root(place, node));
    let machine = format!("{}-{}", place.id, node.number);
    let text = |path: &Path| path.display().to_string();
    let bind = |from: &str, to: &str| format!("--bind={}:{to}", own.join(from).display());
    let mut arguments = vec!["-c".to_owned(), SUPERVISE.to_owned(), "supervise".to_owned()];
    arguments.extend(groups::make(&machine)?.iter().map(|group| text(group)));
    arguments.extend([
        "--".to_owned(),
        "env".to_owned(),
        // What kubelets and tests change below /proc/sys/net is the host's own.
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes".to_owned(),
        "systemd-nspawn".to_owned(),
        "--quiet".to_owned(),
        "--boot".to_owned(),
        // This machine may have no systemd to be told.
        "--register=no".to_owned(),
        "--keep-unit".to_owned(),
        "--console=read-only".to_owned(),
        "--resolv-conf=off".to_owned(),
        "--timezone=off".to_owned(),
        "--capability=all".to_owned(),
        // A container runtime asks for these.
        "--system-call-filter=add_key keyctl request_key bpf".to_owned(),
        "--bind=/dev/kmsg".to_owned(),
        // Containers have overlays of their own, which cannot lie on another overlay.
        bind("containerd", "/var/lib/containerd"),
        bind("kubelet", "/var/lib/kubelet"),
        format!("--network-bridge={}", place.id),
        format!("--machine={machine}"),
        format!("--directory={}", text(&root)),
    ]);
    process::start(&node.name, Path::new("sh"), &arguments, &place.folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_has_routes_to_the_pods_of_all_others() {
        let nodes: Vec<Node> = (0..3)
            .map(|number| Node {
                name: format!("n{number}"),
                number,
                address: format!("10.231.7.1{number}"),
            })
            .collect();
        let files = files("cl123456", &nodes, &nodes[1], String::new());
        let text = |path: &str| files.iter().find(|(name, _)| *name == path).unwrap().1.as_str();
        assert_eq!(
            text("etc/cluster-host"),
            "address 10.231.7.11/24\n\
             route 10.244.0.0/24 10.231.7.10\n\
             route 10.244.2.0/24 10.231.7.12\n"
        );
        assert!(text("etc/hosts").contains("10.231.7.12 n2\n"));
        assert!(text("etc/cni/net.d/10-bridge.conflist").contains("10.244.1.0/24"));
        assert_eq!(text("etc/machine-id").trim().len(), 32);
    }
}
