//! Ending a control plane: exactly the processes that were started, then their folder.

use super::record::Record;
use super::{cache, process};
use crate::trouble::{Trouble, say};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// Ends the control plane of that name. That there is none is no trouble.
pub(crate) fn down(name: &str) -> Result<(), Trouble> {
    let folder = cache::run_folder(name)?;
    if clear(&folder)? {
        say(format_args!("control plane `{name}`: ended, folder removed"));
    } else {
        say(format_args!("control plane `{name}`: nothing to end"));
    }
    Ok(())
}

/// Cleans up as soon as the process `owner` has gone, however it went.
///
/// A test run that is killed cannot clean up after itself; this one waits beside it and can.
pub(crate) fn down_after(name: &str, owner: u32) -> Result<(), Trouble> {
    let folder = cache::run_folder(name)?;
    after(owner);
    clear(&folder).map(drop)
}

/// Waits until the process with that id has gone.
pub(crate) fn after(owner: u32) {
    if let Some(owner) = process::stranger(owner) {
        while owner.is_alive() {
            sleep(Duration::from_millis(300));
        }
    }
}

/// Ends what `folder` records and removes it; tells whether there was anything.
pub(super) fn clear(folder: &Path) -> Result<bool, Trouble> {
    // Unreadable is not absent: without the record nobody knows what to end.
    let record = Record::load(folder)?;
    if let Some(record) = &record {
        let left = process::end(&record.processes);
        if let Some(one) = left.first() {
            let (role, pid) = (&one.role, one.pid);
            return Err(Trouble::new(format!("{role} (pid {pid}) cannot be ended")));
        }
    }
    let existed = folder.exists();
    cache::remove(folder)?;
    Ok(record.is_some() || existed)
}
