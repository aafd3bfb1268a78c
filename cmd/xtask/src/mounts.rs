//! What is mounted below a folder, and its end.

use crate::program;
use crate::trouble::{Doing, Trouble};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A host that has just ended holds its tree until the kernel has taken its namespaces apart.
const PATIENCE: Duration = Duration::from_secs(20);

/// Unmounts everything at or below `folder`, the last mount first.
pub(crate) fn unmount_below(folder: &Path) -> Result<(), Trouble> {
    let begun = Instant::now();
    loop {
        let Some(last) = below(folder)?.pop() else { return Ok(()) };
        let Err(trouble) = program::run(Command::new("umount").arg(&last)) else { continue };
        if begun.elapsed() > PATIENCE {
            return Err(trouble);
        }
        sleep(Duration::from_millis(200));
    }
}

/// Where something is mounted at or below `folder`, in the order of mounting.
fn below(folder: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let path = "/proc/self/mountinfo";
    let text = fs::read_to_string(path).doing(|| format!("reading {path}"))?;
    Ok(points(&text).filter(|point| point.starts_with(folder)).collect())
}

/// The fifth field of each line is the mount point, with odd characters as octal numbers
/// (`proc_pid_mountinfo(5)`).
fn points(mountinfo: &str) -> impl Iterator<Item = PathBuf> {
    let plain = |text: &str| {
        [(r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", r"\")]
            .iter()
            .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
    };
    mountinfo.lines().filter_map(move |line| Some(plain(line.split(' ').nth(4)?).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_with_the_spaces_in_them() {
        let text = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    40 22 0:39 / /a\\040b/root rw,relatime - overlay overlay rw\n";
        let points: Vec<PathBuf> = points(text).collect();
        assert_eq!(points, [PathBuf::from("/"), PathBuf::from("/a b/root")]);
    }
}
