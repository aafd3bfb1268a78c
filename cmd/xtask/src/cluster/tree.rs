//! The tree of files that every host starts from: a small Debian, made once.

use crate::control_plane::cache;
use crate::program;
use crate::trouble::{Doing, Trouble, say};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

const SUITE: &str = "bookworm";

/// Beside what `debootstrap` calls a minimal system.
const PACKAGES: [&str; 14] = [
    "ca-certificates",
    "containerd",
    "containernetworking-plugins",
    "dbus",
    "iproute2",
    "iptables",
    "iputils-ping",
    "kmod",
    "openssh-server",
    "procps",
    "runc",
    "sudo",
    "systemd",
    "systemd-sysv",
];

/// What is done to the tree afterwards, by its own shell.
const FINISH: &str = "set -eu
# Users for tests: one who may do everything with sudo (see sudoers.d), and one who may not.
useradd --create-home --shell /bin/bash admin
useradd --create-home --shell /bin/bash guest
# Every host gets its own.
rm -f /etc/ssh/ssh_host_* /etc/hostname /etc/machine-id
# The kernel is that of the machine: a host that boots must not set it up anew.
rm -f /usr/lib/sysctl.d/* /etc/sysctl.d/*.conf
mkdir -p /etc/kubernetes/manifests
# Nobody sits at a console, and nothing may begin by itself while a test runs.
systemctl mask getty.target console-getty.service apt-daily.timer apt-daily-upgrade.timer \\
  dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-timesyncd.service
apt-get clean
rm -rf /var/lib/apt/lists/*
";

/// The tree; made when the cache does not have it.
pub(super) fn base() -> Result<PathBuf, Trouble> {
    let recipe = format!("{SUITE}\n{}\n{FINISH}", PACKAGES.join(","));
    let parent = cache::base()?;
    let folder = parent.join(format!("tree-{}", cache::short_digest(recipe.as_bytes())));
    cache::once(folder, "tree.lock", |partial| {
        let start = Instant::now();
        say(format_args!("cluster: debootstrap {SUITE}"));
        let include = format!("--include={}", PACKAGES.join(","));
        program::run(
            Command::new("debootstrap")
                .args(["--variant=minbase", &include, SUITE])
                .arg(partial)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
        .doing(|| format!("making a tree (see {}/debootstrap)", partial.display()))?;
        program::run(Command::new("chroot").arg(partial).args(["sh", "-c", FINISH]))?;
        say(format_args!("cluster: made a tree in {}s", start.elapsed().as_secs()));
        Ok(())
    })
}
