//! Ending a cluster: its processes, mounts, bridge and folder.
//!
//! Everything is found by names that follow from the cluster's own, so that a start that was
//! interrupted anywhere is cleaned up as well. What is not there is no trouble.

use super::place::Place;
use super::{groups, host, network, record::Record};
use crate::control_plane::cache;
use crate::trouble::{Doing, Trouble, say};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

/// Where `systemd-nspawn` keeps what it would remove if it were not killed.
const NSPAWN: &str = "/run/systemd/nspawn";

/// Ends the cluster of that name.
pub(crate) fn down(name: &str) -> Result<(), Trouble> {
    let place = Place::of(name)?;
    let begun = Instant::now();
    if !place.folder.exists() && !network::exists(&place.id)? {
        say(format_args!("cluster `{name}`: nothing to end"));
        return Ok(());
    }
    clear(&place)?;
    let took = begun.elapsed().as_secs_f32();
    say(format_args!("cluster `{name}`: ended, nothing is left of it, after {took:.1}s"));
    Ok(())
}

/// Ends what there is of a cluster, complete or not.
pub(super) fn clear(place: &Place) -> Result<(), Trouble> {
    let own = format!("{}-", place.id);
    groups::clear(&own)?;
    // An unreadable record hides at most locks, which hinder nobody.
    let nodes = Record::load(place).ok().flatten().map_or_else(Vec::new, |record| record.nodes);
    for node in nodes {
        if let Ok(root) = fs::metadata(host::root(place, &node)) {
            let lock = format!("{NSPAWN}/locks/inode-{}:{}", root.dev(), root.ino());
            gone(fs::remove_file(&lock)).doing(|| format!("removing {lock}"))?;
        }
    }
    let propagate = Path::new(NSPAWN).join("propagate");
    for entry in fs::read_dir(&propagate).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&own) {
            let path = entry.path();
            gone(fs::remove_dir(&path)).doing(|| format!("removing {}", path.display()))?;
        }
    }
    network::clear(&place.id)?;
    cache::remove(&place.folder)
}

fn gone(done: std::io::Result<()>) -> std::io::Result<()> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
