//! What a machine must have before hosts can be booted on it.

use crate::program;
use crate::trouble::{Trouble, say};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// Debian packages, each with a file that tells that it is there.
const PACKAGES: [(&str, &str); 8] = [
    ("systemd-container", "/usr/bin/systemd-nspawn"),
    ("debootstrap", "/usr/sbin/debootstrap"),
    ("debian-archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg"),
    ("openssh-client", "/usr/bin/ssh-keygen"),
    ("iproute2", "/usr/share/doc/iproute2"),
    ("mount", "/usr/bin/mount"),
    ("util-linux", "/usr/bin/unshare"),
    ("procps", "/usr/bin/ps"),
];

/// Installs what is missing, or tells in one sentence why hosts cannot be booted here.
pub(super) fn met() -> Result<(), Trouble> {
    let no = |why: String| Err(Trouble::new(format!("hosts cannot be booted here: {why}")));
    // The owner of this file is the user that this process acts as.
    if fs::metadata("/proc/self").map_or(1, |it| it.uid()) != 0 {
        return no("only root can".to_owned());
    }
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !filesystems.split_whitespace().any(|name| name == "overlay") {
        return no("the kernel has no overlay file system".to_owned());
    }
    if !Path::new("/dev/kmsg").exists() {
        return no("there is no /dev/kmsg, which a kubelet reads".to_owned());
    }
    if !Path::new("/sys/fs/cgroup/memory").is_dir() {
        return no("control groups of version 1 are not mounted, and nothing else was ever tried"
            .to_owned());
    }
    let missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(_, file)| !Path::new(file).exists())
        .map(|(package, _)| *package)
        .collect();
    if !missing.is_empty()
        && let Err(trouble) = install(&missing)
    {
        return no(format!("{} not installed, and {trouble}", missing.join(", ")));
    }
    let namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "true"];
    if let Err(trouble) = program::run(Command::new("unshare").args(namespaces)) {
        return no(format!("this root may not make namespaces: {trouble}"));
    }
    Ok(())
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
