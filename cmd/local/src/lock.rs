//! One process at a time.

use crate::codes::{LOCKED, NO_LOCK};
use crate::{Folder, Holder, disk};
use diags::{Diagnostic, Diagnostics};
use jiff::Timestamp;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(10);

/// Waited for in any case: whoever asks for the holder holds the lock for a moment.
const GRACE: Duration = Duration::from_millis(50);

/// The lock of a folder, until it is dropped.
///
/// The kernel holds it for the process, so that it is free as soon as the process is gone,
/// however that went. Who holds it stands in a file beside it, which is only ever shown.
#[derive(Debug)]
pub struct Lock {
    /// Where the holder is written down, and the open file that is locked.
    held: Option<(PathBuf, File)>,
}

impl Lock {
    /// No lock at all, for `-lock=false`. If somebody else writes at the same time, what both
    /// leave behind is noticed (the chain of the journal breaks, the state is not replaced by an
    /// older one) and has to be rebuilt.
    pub fn none() -> Self {
        Self { held: None }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((info, file)) = self.held.take() {
            // First the name, then the lock: it must not be the next holder's name that goes.
            // If this fails the name is stale, which hurts nobody.
            let _ = disk::remove(&info);
            let _ = file.unlock();
        }
    }
}

impl Folder {
    /// Takes the lock, and waits for it as long as `timeout`.
    pub fn lock(&self, holder: &Holder, timeout: Duration) -> Result<Lock, Diagnostics> {
        self.prepare()?;
        let (path, info) = (self.path("lock"), self.path("lock.json"));
        let file = disk::open_private(&path, false).map_err(|error| cannot(&path, &error))?;
        let (began, patience) = (Instant::now(), timeout.max(GRACE));
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < patience => {
                    std::thread::sleep(POLL);
                }
                Err(TryLockError::WouldBlock) => return Err(self.held_by_other(timeout).into()),
                Err(TryLockError::Error(error)) => return Err(cannot(&path, &error).into()),
            }
        }
        let lock = Lock { held: Some((info.clone(), file)) };
        self.sweep()?;
        let text = schemas::holder::write(holder);
        disk::replace(&info, text.as_bytes()).map_err(|error| cannot(&info, &error))?;
        Ok(lock)
    }

    /// Who holds the lock now, in words; `None` when nobody does. A [`Lock`] of this very
    /// process counts too.
    pub fn holder(&self) -> Option<String> {
        let file = File::open(self.path("lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(self.written_holder()),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    fn written_holder(&self) -> String {
        let bytes = disk::read(&self.path("lock.json")).ok().flatten();
        match bytes.and_then(|bytes| schemas::holder::read(&bytes)) {
            Some(holder) => shown(&holder),
            None => "another process".to_owned(),
        }
    }

    fn held_by_other(&self, timeout: Duration) -> Diagnostic {
        let waited = match timeout.as_secs() {
            0 => String::new(),
            seconds => format!(" It was not released within {seconds} s."),
        };
        let detail = format!("`{}` is in use by {}.{waited}", self.shown(), self.written_holder());
        Diagnostic::error(LOCKED, "State is locked", detail)
            .with_help("Wait until it has ended, or give `-lock-timeout=60s` to wait for it.")
    }
}

fn shown(holder: &Holder) -> String {
    let Holder { pid, host, user, operation, since } = holder;
    let since = match Timestamp::from_second(*since) {
        Ok(time) => format!(", since {}", time.strftime("%Y-%m-%d %H:%M:%S UTC")),
        Err(_) => String::new(),
    };
    format!("`clinch {operation}` of {user}@{host} (process {pid}{since})")
}

fn cannot(path: &std::path::Path, error: &std::io::Error) -> Diagnostic {
    let detail = format!("`{}` cannot be locked: {error}.", path.display());
    Diagnostic::error(NO_LOCK, "State cannot be locked", detail).with_help(
        "Choose a file system that knows locks, or make sure that nobody else works here and \
         give `-lock=false`.",
    )
}
