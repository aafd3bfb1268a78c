//! What a kubelet keeps must outlast a reboot: its certificates, above all.
//!
//! A kubelet whose client certificate is gone asks for a new one by its bootstrap token, which has
//! expired by then: the node never comes back. So a folder in memory, or one that is emptied at
//! every boot, is refused for what a kubelet is known by.

use crate::codes;
use crate::look::Looked;
use access::{Ask, HostError};
use plans::Problem;
use values::{Path, Value};

/// Not `/proc/mounts`, which is a symbolic link.
const MOUNTS: &str = "/proc/1/mounts";
/// File systems that have no disk.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];
/// Emptied at every boot, whatever they are mounted from.
///
/// Source: `file-hierarchy(7)`; `tmpfiles.d/tmp.conf` and `tmpfiles.d/legacy.conf` of systemd.
const EMPTIED: [&str; 4] = ["/dev", "/run", "/tmp", "/var/run"];
/// Mounts of pods are not where a kubelet keeps anything of its own, and there are many.
const OF_PODS: &str = "/var/lib/kubelet/pods";
/// Arguments that name a file or a folder of certificates.
const KEPT: [(&str, &str); 3] =
    [("flags", "cert-dir"), ("settings", "tlsCertFile"), ("settings", "tlsPrivateKeyFile")];

pub(super) fn asks() -> [Ask; 1] {
    [Ask::file(MOUNTS)]
}

/// Where file systems in memory are mounted.
pub(super) fn seen(looked: &Looked) -> Result<Value, HostError> {
    let mounts = looked.file(MOUNTS)?;
    let text = mounts.map(|file| String::from_utf8_lossy(&file.content).into_owned());
    Ok(Value::list(in_memory(&text.unwrap_or_default()).into_iter().map(Value::from)))
}

/// A line is `DEVICE PLACE TYPE OPTIONS 0 0`, with blanks in the place as `\040`.
///
/// Source: `proc_mounts(5)`, `getmntent(3)`.
fn in_memory(mounts: &str) -> Vec<String> {
    let place = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (place, ty) = (words.next()?, words.next()?);
        let wanted = IN_MEMORY.contains(&ty) && !is_below(place, OF_PODS);
        wanted.then(|| place.replace("\\040", " "))
    };
    mounts.lines().filter_map(place).collect()
}

/// What would be gone after a reboot. Without mounts it is judged by names alone.
pub(super) fn problems(args: &Value, mounts: Option<&Value>) -> Vec<Problem> {
    let mounts = mounts.and_then(Value::as_list).unwrap_or(&[]);
    let mounts: Vec<&str> = mounts.iter().filter_map(Value::as_str).collect();
    let gone = |(part, name): (&str, &str)| {
        let path = args.get(part)?.get(name)?.as_str()?;
        let why = match EMPTIED.into_iter().find(|folder| is_below(path, folder)) {
            Some(folder) => format!("`{folder}` is emptied when the host boots"),
            None => {
                let place = mounts.iter().find(|place| is_below(path, place))?;
                format!("the host has `{}` in memory", place.escape_debug())
            }
        };
        let detail = format!(
            "`{}` would be gone after a reboot: {why}. Without its certificates a kubelet cannot \
             come back to its cluster.",
            path.escape_debug()
        );
        let at = Path::of(part).attr(name);
        let summary = "Certificates that do not outlast a reboot";
        let problem = Problem::error(codes::KUBELET_FORGETS, summary, at, detail);
        Some(problem.with_help("Use a folder on disk, such as `/var/lib/kubelet/pki`."))
    };
    KEPT.into_iter().filter_map(gone).collect()
}

fn is_below(path: &str, folder: &str) -> bool {
    plain(path).starts_with(&plain(folder))
}

/// The parts of a path, which may say the same in more letters.
fn plain(path: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(out.pop()),
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "/dev/sda1 / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n\
                        none /srv/fast\\040pki tmpfs rw 0 0\n\
                        tmpfs /var/lib/kubelet/pods/1/volumes/x tmpfs rw 0 0\n";

    fn said(part: &'static str, name: &'static str, path: &str) -> Vec<String> {
        let args = Value::map([(part, Value::map([(name, Value::from(path))]))]);
        let mounts = Value::list(in_memory(HOST).into_iter().map(Value::from));
        let told = problems(&args, Some(&mounts)).into_iter();
        told.map(|p| format!("{} at `{}`: {}", p.code, p.path, p.detail)).collect()
    }

    #[test]
    fn certificates_of_a_kubelet_are_not_kept_where_a_reboot_takes_them() {
        assert_eq!(
            said("flags", "cert-dir", "/srv/fast pki/kubelet"),
            [
                "E0844 at `flags.cert-dir`: `/srv/fast pki/kubelet` would be gone after a reboot: the \
              host has `/srv/fast pki` in memory. Without its certificates a kubelet cannot come \
              back to its cluster."
            ]
        );
        for path in [
            "/run",
            "/run/kubelet",
            "/var/run/pki",
            "//tmp/./pki",
            "/var/../run/pki",
            "/dev/shm/pki",
        ] {
            assert!(said("flags", "cert-dir", path)[0].contains("emptied when"), "{path}");
        }
        assert_eq!(said("settings", "tlsPrivateKeyFile", "/run/k.key").len(), 1);
        for path in ["/var/lib/kubelet/pki", "/runner/pki", "/srv/fast", "/var/lib/runpki", ""] {
            assert_eq!(said("flags", "cert-dir", path), [""; 0], "{path}");
        }
        assert_eq!(said("flags", "node-ip", "/run"), [""; 0]);
    }
}
