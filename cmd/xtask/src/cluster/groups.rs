//! The control groups of a host: one in every hierarchy, below the one that this process is in.
//!
//! systemd and the kubelet of a host take what they find at the top of each hierarchy for their
//! own, and clear away the groups of pods that they do not know. So every host gets a top of its
//! own; `systemd-nspawn` makes a namespace of it. The groups also tell which processes belong to
//! the host, whatever those processes did to their ids and sessions.

use crate::control_plane::process::{self, Process};
use crate::trouble::{Doing, Trouble};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Where all hierarchies are mounted.
const ROOT: &str = "/sys/fs/cgroup";

/// How long the kernel may take to let go of a group whose processes have ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a group called `name` in every hierarchy.
pub(super) fn make(name: &str) -> Result<Vec<PathBuf>, Trouble> {
    let text = fs::read_to_string("/proc/self/cgroup").doing(|| "reading own groups".to_owned())?;
    let mut made = Vec::new();
    for (hierarchy, own) in own_groups(&text) {
        let parent = Path::new(ROOT).join(hierarchy).join(own);
        if !parent.is_dir() {
            continue; // A hierarchy that nobody mounted here.
        }
        let group = parent.join(name);
        fs::create_dir_all(&group).doing(|| format!("creating {}", group.display()))?;
        // A new group may use no processor and no memory until somebody says which.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if let Ok(text) = fs::read_to_string(parent.join(file)) {
                fs::write(group.join(file), text.trim_end())
                    .doing(|| format!("writing {file} of {}", group.display()))?;
            }
        }
        made.push(group);
    }
    Ok(made)
}

/// Folder of each hierarchy below [`ROOT`], and the group in it (`cgroups(7)`).
fn own_groups(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let folder = match controllers {
            "" => "unified",
            named => named.strip_prefix("name=").unwrap_or(named),
        };
        Some((folder, path.trim_start_matches('/')))
    })
}

/// Ends every process in the groups whose names begin with `prefix`, and removes the groups.
pub(super) fn clear(prefix: &str) -> Result<(), Trouble> {
    let groups = find(Path::new(ROOT), prefix);
    let begun = Instant::now();
    let too_long = |what: &str| {
        (begun.elapsed() > PATIENCE).then(|| Trouble::new(format!("{what} cannot be ended")))
    };
    loop {
        let left = processes(&groups);
        if left.is_empty() {
            break;
        }
        // Some may have been started while others were ended, so the question is asked again.
        process::end(&left);
        if let Some(trouble) = too_long(&format!("processes in {prefix}*")) {
            return Err(trouble);
        }
    }
    for group in groups {
        while let Err(error) = remove(&group) {
            if let Some(trouble) = too_long(&format!("{}: {error}: it", group.display())) {
                return Err(trouble);
            }
            sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

/// The groups whose names begin with `prefix`, wherever they are.
fn find(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in folders(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(prefix) {
            found.push(path);
        } else {
            found.extend(find(&path, prefix));
        }
    }
    found
}

fn processes(groups: &[PathBuf]) -> Vec<Process> {
    let mut pids: Vec<u32> = groups.iter().flat_map(|group| pids(group)).collect();
    pids.sort_unstable();
    pids.dedup();
    pids.into_iter().filter_map(process::stranger).filter(Process::is_alive).collect()
}

fn pids(group: &Path) -> Vec<u32> {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    let own = text.lines().filter_map(|line| line.parse().ok());
    own.chain(folders(group).iter().flat_map(|below| pids(below))).collect()
}

/// Removes a group and all below it, which only works once their processes have gone.
fn remove(group: &Path) -> Result<(), std::io::Error> {
    for below in folders(group) {
        remove(&below)?;
    }
    match fs::remove_dir(group) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The folders in a folder; none where it has gone meanwhile. Links are not followed, since one
/// hierarchy may stand there under two names.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_folder).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_group_is_known_for_numbered_named_and_unified_hierarchies() {
        let text = "9:name=systemd:/\n4:memory:/jobs/a:b\n1:cpu,cpuacct:/jobs\n0::/init.scope\n";
        let groups: Vec<_> = own_groups(text).collect();
        assert_eq!(
            groups,
            [
                ("systemd", ""),
                ("memory", "jobs/a:b"),
                ("cpu,cpuacct", "jobs"),
                ("unified", "init.scope")
            ]
        );
    }
}
