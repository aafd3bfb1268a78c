//! Where binaries and runs are kept: outside the checkout, keyed by what they are built from.

use crate::trouble::{Doing, Trouble};
use crate::{checkout, mounts};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The Go modules of a control plane, each a folder of `testdata/controlplane` with its `go.mod`.
pub(super) const MODULES: [&str; 4] = ["kubernetes", "etcd", "kwok", "pause"];

/// The Go module of a kubectl that is a few releases older than the servers.
pub(super) const OLDER_KUBECTL: &str = "kubectl-older";

/// Change when the way of building changes, so that older binaries are not taken for new ones.
const RECIPE: &str = "3";

/// `testdata/controlplane` of the checkout.
pub(super) fn sources() -> PathBuf {
    checkout::root().join("testdata/controlplane")
}

/// The folder that holds everything: `CLINCH_CONTROLPLANE_CACHE`, or the user's cache folder.
pub(crate) fn base() -> Result<PathBuf, Trouble> {
    let set = |key: &str| env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let found = set("CLINCH_CONTROLPLANE_CACHE")
        .or_else(|| Some(user()?.join("clinch/controlplane")))
        .ok_or_else(|| Trouble::new("neither CLINCH_CONTROLPLANE_CACHE nor HOME is set"))?;
    std::path::absolute(&found).doing(|| format!("finding {}", found.display()))
}

/// Where the binaries belong that the go.mod and go.sum files of these modules describe.
pub(super) fn binaries_folder(modules: &[&str]) -> Result<PathBuf, Trouble> {
    Ok(base()?.join(digest(&sources(), modules, &build_target())?))
}

/// Where the control plane called `name` keeps its certificates, logs and data.
pub(super) fn run_folder(name: &str) -> Result<PathBuf, Trouble> {
    Ok(base()?.join("run").join(name))
}

/// Waits for the lock called `name` in a folder, and holds it until it is dropped.
pub(crate) fn lock(folder: &Path, name: &str) -> Result<File, Trouble> {
    fs::create_dir_all(folder).doing(|| format!("creating {}", folder.display()))?;
    let path = folder.join(name);
    let file = File::create(&path).doing(|| format!("creating {}", path.display()))?;
    file.lock().doing(|| format!("locking {}", path.display()))?;
    Ok(file)
}

/// The folder, which `make` fills unless it is there.
///
/// # Interruption
///
/// Everything is made in a folder of its own that is renamed when it is complete, so what was ended
/// midway leaves nothing that could be taken for the whole.
pub(crate) fn once(
    folder: PathBuf,
    lock_name: &str,
    make: impl FnOnce(&Path) -> Result<(), Trouble>,
) -> Result<PathBuf, Trouble> {
    if folder.is_dir() {
        return Ok(folder);
    }
    let parent = folder.parent().ok_or_else(|| Trouble::new("the cache folder has no parent"))?;
    // Two at once would each take twice as long; the second one waits and finds the result.
    let _lock = lock(parent, lock_name)?;
    if folder.is_dir() {
        return Ok(folder);
    }
    let partial = folder.with_extension("partial");
    remove(&partial)?; // What an interrupted attempt left.
    fs::create_dir_all(&partial).doing(|| format!("creating {}", partial.display()))?;
    make(&partial)?;
    fs::rename(&partial, &folder).doing(|| format!("naming {}", folder.display()))?;
    Ok(folder)
}

/// Removes a folder, but nothing of what is mounted in it.
pub(crate) fn remove(folder: &Path) -> Result<(), Trouble> {
    mounts::unmount_below(folder)?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The Go release decides about the binaries as well, so it is part of the key.
fn build_target() -> String {
    let go = std::process::Command::new("go").args(["env", "GOVERSION", "GOOS", "GOARCH"]).output();
    go.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default()
}

fn digest(sources: &Path, modules: &[&str], target: &str) -> Result<String, Trouble> {
    let mut text = format!("{RECIPE}\n{target}\n").into_bytes();
    for module in modules {
        let folder = sources.join(module);
        let doing = || format!("reading {}", folder.display());
        let mut files = fs::read_dir(&folder)
            .and_then(|entries| {
                entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>()
            })
            .doing(doing)?;
        files.sort();
        for path in files {
            let file = fs::read(&path).doing(|| format!("reading {}", path.display()))?;
            // The length keeps two files from passing for one.
            let name = path.strip_prefix(sources).unwrap_or(&path).display();
            text.extend(format!("{name} {}\n", file.len()).into_bytes());
            text.extend(file);
        }
    }
    Ok(short_digest(&text))
}

/// A name for a text: the first sixteen digits of its digest.
pub(crate) fn short_digest(text: &[u8]) -> String {
    let mut name = String::new();
    for byte in Sha256::digest(text).iter().take(8) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_changes_with_any_module_file_and_with_the_go_release() {
        let folder = env::temp_dir().join(format!("xtask-digest-{}", std::process::id()));
        for module in MODULES {
            fs::create_dir_all(folder.join(module)).unwrap();
            fs::write(folder.join(module).join("go.mod"), "module x").unwrap();
            fs::write(folder.join(module).join("go.sum"), "").unwrap();
        }
        let first = digest(&folder, &MODULES, "go1").unwrap();
        assert_eq!(first, digest(&folder, &MODULES, "go1").unwrap());
        assert_ne!(first, digest(&folder, &MODULES, "go2").unwrap());
        fs::write(folder.join("kwok/go.sum"), "a").unwrap();
        assert_ne!(first, digest(&folder, &MODULES, "go1").unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }
}
