//! What a machine must have before hosts can be booted on it.

use super::groups;
use crate::control_plane::cache;
use crate::program;
use crate::trouble::{Doing, Trouble, say};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Debian packages, each with a file that tells that it is there.
const PACKAGES: [(&str, &str); 7] = [
    ("systemd-container", "/usr/bin/systemd-nspawn"),
    ("debootstrap", "/usr/sbin/debootstrap"),
    ("debian-archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg"),
    ("openssh-client", "/usr/bin/ssh-keygen"),
    ("iproute2", "/bin/ip"),
    ("mount", "/bin/mount"),
    ("util-linux", "/usr/bin/unshare"),
];

/// Does on a small scale, in namespaces that go with it, what a start does: an overlay below the
/// folder `$1`, a bridge and a cable.
const REHEARSAL: &str = "set -eu
cd \"$1\"
mkdir lower upper work root
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root
ip link add bridge0 type bridge
ip link add end0 type veth peer name end1
";

/// Installs what is missing, or tells in one sentence why hosts cannot be booted here.
pub(super) fn met() -> Result<(), Trouble> {
    let no = |why: &str| Err(Trouble::new(format!("hosts cannot be booted here: {why}")));
    // The owner of this folder is the user that this process acts as.
    if fs::metadata("/proc/self").map_or(1, |it| it.uid()) != 0 {
        return no("only root can");
    }
    if !Path::new("/dev/kmsg").exists() {
        return no("there is no /dev/kmsg, which a kubelet reads");
    }
    if !Path::new("/sys/fs/cgroup/memory").is_dir() {
        return no("control groups of version 1 are not mounted, and nothing else was ever tried");
    }
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(_, file)| !Path::new(file).exists())
        .map(|(package, _)| *package)
        .collect();
    if !missing.is_empty()
        && let Err(trouble) = install(&missing)
    {
        return no(&format!("{} not installed, and {trouble}", missing.join(", ")));
    }
    rehearse().or_else(|trouble| no(&trouble.to_string()))
}

fn install(packages: &[&str]) -> Result<(), Trouble> {
    say(format_args!("cluster: installing {}", packages.join(", ")));
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        program::run(apt.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())
}

fn rehearse() -> Result<(), Trouble> {
    let name = format!("rehearsal-{}-", std::process::id());
    let folder = cache::base()?.join(&name);
    fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
    let namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork"];
    let mut script = Command::new("unshare");
    script.args(namespaces).args(["sh", "-c", REHEARSAL, "rehearsal"]).arg(&folder);
    // The script itself would only hide what it says.
    let went = program::run(&mut script).map_err(|trouble| {
        let text = trouble.to_string();
        let why = text.rsplit_once(" failed:\n").map_or(text.as_str(), |(_, why)| why);
        Trouble::new(format!("a rehearsal failed: {}", why.lines().next().unwrap_or_default()))
    });
    let went = went.and_then(|()| groups::make(&name).map(drop));
    let cleared = groups::clear(&name).and_then(|()| cache::remove(&folder));
    went.and(cleared)
}
