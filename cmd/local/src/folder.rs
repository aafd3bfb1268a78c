//! The data directory.

use crate::codes::{
    DISK, JOURNAL_DAMAGED, JOURNAL_FOREIGN, JOURNAL_TORN, MOVING, OUTRUN, STATE_DAMAGED,
    STATE_NEWER, STATE_UNWRITABLE,
};
use crate::{JournalFile, disk, plan};
use diags::{Diagnostic, Diagnostics};
use schemas::ReadError;
use schemas::journal::Read;
use schemas::plan::SavedPlan;
use states::{Follows, JournalEntry, State, UnfinishedRun};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// The usual name of the data directory, beside the configuration.
pub const DATA_DIR: &str = ".clinch";

const STATE: &str = "state.json";
const BACKUP: &str = "state.json.backup";
const MOVED: &str = "state.json.moved";
const JOURNAL: &str = "journal.jsonl";
const RUNS: &str = "runs";

/// How many journals of earlier runs are kept.
const KEPT_RUNS: usize = 20;

/// The data directory. Nothing is created before something is written.
///
/// Whoever writes holds the [`Lock`](crate::Lock), unless a person switched it off; reading
/// needs none.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    /// The journal that is open, so that there is one writer at most.
    open: Mutex<Weak<JournalFile>>,
}

/// How often, and after which time, a look at files that change is repeated.
const RETRIES: usize = 10;
const PAUSE: Duration = Duration::from_millis(10);

enum Look {
    /// Nothing but the end of the journal changed.
    Steady(Box<Loaded>),
    /// Too much changed, or it does not fit together; what to say if it stays so.
    Moving(Diagnostics),
}

/// What is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The state after the journal; `None` when nothing was ever applied.
    pub state: Option<State>,
    /// The run that the journal does not finish.
    pub unfinished: Option<UnfinishedRun>,
    /// A run that the journal does finish; a crash came before the journal was put away.
    pub left: Option<String>,
    /// What a person should know about the files.
    pub warnings: Diagnostics,
}

impl Folder {
    /// A data directory, there or not.
    pub fn open(data_dir: impl Into<PathBuf>) -> Self {
        // `.clinch/` with its slash would be looked through when it is a link.
        let dir = data_dir.into().components().collect();
        Self { dir, open: Mutex::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn shown(&self) -> String {
        self.dir.display().to_string()
    }

    /// Makes the directory, private and unknown to git. Whatever writes here does so first.
    pub fn prepare(&self) -> Result<(), Diagnostics> {
        disk::private_dir(&self.dir).map_err(|error| io_error(&self.dir, &error))?;
        let ignore = self.path(".gitignore");
        if !ignore.exists() {
            let text = "# Written by clinch. State and journals belong to one machine.\n*\n";
            disk::replace(&ignore, text.as_bytes()).map_err(|error| io_error(&ignore, &error))?;
        }
        Ok(())
    }

    /// Removes what crashes left behind. The caller holds the lock.
    pub(crate) fn sweep(&self) -> Result<(), Diagnostics> {
        let names = [STATE, "lock.json"];
        disk::sweep(&self.dir, &names).map_err(|error| io_error(&self.dir, &error).into())
    }

    /// Reads the state and what the journal adds to it. Needs no lock: what a run changes in
    /// the meantime is seen as it was before or as it is after.
    pub fn load(&self) -> Result<Loaded, Diagnostics> {
        for _ in 0..RETRIES {
            match self.look()? {
                Look::Steady(loaded) if loaded.warnings.is_empty() => return Ok(*loaded),
                // Somebody is writing, or a crash tore the journal; the second stays.
                Look::Steady(_) | Look::Moving(_) => std::thread::sleep(PAUSE),
            }
        }
        match self.look()? {
            Look::Steady(loaded) => Ok(*loaded),
            Look::Moving(why) => Err(why),
        }
    }

    /// One look. The journal is read before and after the state: when it only grew, it holds
    /// everything that the state may already hold, and replaying that again changes nothing.
    fn look(&self) -> Result<Look, Diagnostics> {
        let before = self.journal_bytes()?;
        let state = self.read_state()?;
        let bytes = self.journal_bytes()?;
        if !bytes.starts_with(&before) {
            return Ok(Look::Moving(self.moving().into()));
        }
        let path = self.path(JOURNAL);
        let journal = schemas::journal::read(&bytes).map_err(|bad| bad_journal(&path, &bad))?;
        let mut warnings = Diagnostics::new();
        if journal.torn > 0 {
            warnings.push(self.torn(journal.torn));
        }
        if journal.entries.is_empty() {
            let loaded = Loaded { state, unfinished: None, left: None, warnings };
            return Ok(Look::Steady(Box::new(loaded)));
        }
        let state = state.unwrap_or_else(|| State::new("", ""));
        let last = last_run(&journal.entries);
        let loaded = match states::follows(&state, &journal.entries) {
            Ok(Follows::Continues) => {
                let states::Replayed { state, unfinished } =
                    states::replay(state, &journal.entries);
                let left = last.filter(|_| unfinished.is_none());
                Loaded { state: Some(state), unfinished, left, warnings }
            }
            Ok(Follows::Superseded) => {
                Loaded { state: Some(state), unfinished: None, left: last, warnings }
            }
            // One run may have ended and another begun between the two looks.
            Err(why) => return Ok(Look::Moving(self.foreign(&why).into())),
        };
        Ok(Look::Steady(Box::new(loaded)))
    }

    fn moving(&self) -> Diagnostic {
        let detail = format!("`{}` changes all the time; another run is at work.", self.shown());
        Diagnostic::error(MOVING, "State is changing", detail).with_help("Try again in a moment.")
    }

    fn read_state(&self) -> Result<Option<State>, Diagnostics> {
        let path = self.path(STATE);
        let bytes = disk::read(&path).map_err(|error| io_error(&path, &error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        schemas::state::read(&bytes).map(Some).map_err(|why| self.bad_state(&path, &why).into())
    }

    fn journal_bytes(&self) -> Result<Vec<u8>, Diagnostics> {
        let path = self.path(JOURNAL);
        let bytes = disk::read(&path).map_err(|error| io_error(&path, &error))?;
        Ok(bytes.unwrap_or_default())
    }

    fn read_journal(&self) -> Result<Read, Diagnostics> {
        let path = self.path(JOURNAL);
        let bytes = self.journal_bytes()?;
        schemas::journal::read(&bytes).map_err(|bad| bad_journal(&path, &bad).into())
    }

    /// Whether there is a state, or a journal of one, whatever can be made of it.
    pub fn is_used(&self) -> Result<bool, Diagnostics> {
        for name in [STATE, JOURNAL] {
            let path = self.path(name);
            let meta = match fs::metadata(&path) {
                Ok(meta) => meta,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(io_error(&path, &error).into()),
            };
            if meta.len() > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sets a state aside that was moved elsewhere, under another name.
    pub fn set_aside(&self) -> Result<PathBuf, Diagnostics> {
        let (path, aside) = (self.path(STATE), self.path(MOVED));
        disk::rename(&path, &aside).map_err(|error| io_error(&path, &error))?;
        Ok(aside)
    }

    /// Keeps the plan of a run that is about to begin.
    pub fn keep(&self, run: &str, saved: &SavedPlan) -> Result<(), Diagnostics> {
        self.prepare()?;
        let runs = self.path(RUNS);
        disk::private_dir(&runs).map_err(|error| io_error(&runs, &error))?;
        plan::write_plan(&self.of_run(run, "plan"), saved)
    }

    /// The plan of a run that did not finish.
    pub fn kept(&self, run: &str) -> Result<SavedPlan, Diagnostics> {
        plan::read_plan(&self.of_run(run, "plan"))
    }

    /// A file of a run. A name that could lead elsewhere is made harmless.
    fn of_run(&self, run: &str, extension: &str) -> PathBuf {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = run.chars().map(safe).collect();
        self.path(RUNS).join(format!("{name}.{extension}"))
    }

    /// The journal, open at its end. What a finished run left there is put away first, and
    /// what a crash tore is cut off.
    pub fn journal(&self) -> Result<Arc<JournalFile>, Diagnostics> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journal) = open.upgrade() {
            return Ok(journal);
        }
        self.prepare()?;
        let loaded = self.load()?;
        if let (Some(state), None) = (&loaded.state, &loaded.unfinished) {
            self.write_state(state)?;
            self.put_away()?;
        }
        let journal = self.read_journal()?;
        let path = self.path(JOURNAL);
        let started = start(&path, journal).map_err(|error| io_error(&path, &error))?;
        let started = Arc::new(started);
        *open = Arc::downgrade(&started);
        Ok(started)
    }

    /// Writes the state. When `finished`, nothing of the journal is needed any more: it is put
    /// away, and plans of runs are dropped. Else both stay for a resumption.
    pub fn commit(&self, state: &State, finished: bool) -> Result<(), Diagnostics> {
        self.prepare()?;
        self.write_state(state)?;
        if finished {
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Weak::new();
            self.put_away()?;
        }
        Ok(())
    }

    fn write_state(&self, state: &State) -> Result<(), Diagnostics> {
        let (path, backup) = (self.path(STATE), self.path(BACKUP));
        let text = schemas::state::write(state).map_err(|why| {
            let detail = format!("The state cannot be written. {why}");
            Diagnostic::error(STATE_UNWRITABLE, "State cannot be stored", detail)
        })?;
        let bytes = disk::read(&path).map_err(|error| io_error(&path, &error))?;
        if bytes.as_deref() == Some(text.as_bytes()) {
            return Ok(());
        }
        if let Some(bytes) = bytes {
            // What cannot be read is not replaced either: a person may still need it.
            let old = schemas::state::read(&bytes).map_err(|why| self.bad_state(&path, &why))?;
            if old.lineage != state.lineage || old.serial > state.serial {
                return Err(self.outrun(&old, state).into());
            }
            // One backup for a run: what was there before its first change.
            if old.serial != state.serial {
                disk::replace(&backup, &bytes).map_err(|error| io_error(&backup, &error))?;
            }
        }
        disk::replace(&path, text.as_bytes()).map_err(|error| io_error(&path, &error).into())
    }

    /// Somebody without the lock wrote in the meantime.
    fn outrun(&self, old: &State, new: &State) -> Diagnostic {
        let detail = format!(
            "`{}` (lineage {}, serial {}) would be replaced by an older one (lineage {}, serial \
             {}). Somebody changed it in the meantime, without the lock.",
            self.path(STATE).display(),
            old.lineage,
            old.serial,
            new.lineage,
            new.serial
        );
        Diagnostic::error(OUTRUN, "State was changed by somebody else", detail)
            .with_help("Run `clinch state rebuild`, which finds what both have applied.")
    }

    /// Puts the journal away under the name of its last run.
    fn put_away(&self) -> Result<(), Diagnostics> {
        let path = self.path(JOURNAL);
        let last = last_run(&self.read_journal()?.entries);
        let Some(run) = last else {
            return disk::remove(&path).map_err(|error| io_error(&path, &error).into());
        };
        let runs = self.path(RUNS);
        let moved = disk::private_dir(&runs)
            .and_then(|()| disk::rename(&path, &self.of_run(&run, "jsonl")))
            .and_then(|()| tidy(&runs));
        moved.map_err(|error| io_error(&runs, &error).into())
    }

    fn torn(&self, bytes: usize) -> Diagnostic {
        let detail = format!(
            "The last line of `{}` was not written to its end ({bytes} bytes). What it would \
             have said was not acted upon; it is left out.",
            self.path(JOURNAL).display()
        );
        Diagnostic::warning(JOURNAL_TORN, "A run was cut off while it wrote its journal", detail)
    }

    fn foreign(&self, why: &states::Mismatch) -> Diagnostic {
        let (state, journal) = (self.path(STATE), self.path(JOURNAL));
        let (state, journal) = (state.display(), journal.display());
        let detail = format!("`{journal}` cannot be applied to `{state}`. {why}");
        Diagnostic::error(JOURNAL_FOREIGN, "State and journal do not belong together", detail)
            .with_help(format!(
                "Put back the `{state}` that the journal belongs to. If it is lost, move \
                 `{journal}` away and run `clinch state rebuild`."
            ))
    }

    fn bad_state(&self, path: &Path, why: &ReadError) -> Diagnostic {
        let detail = format!("`{}` cannot be used. {why}", path.display());
        if let ReadError::Newer { .. } = why {
            return Diagnostic::error(STATE_NEWER, "State of a newer version", detail);
        }
        let backup = self.path(BACKUP);
        let whole = disk::read(&backup).ok().flatten().and_then(|b| schemas::state::read(&b).ok());
        let help = match whole {
            Some(old) => format!(
                "Copy the backup `{}` (serial {}, before the last run) over it and run `clinch \
                 state rebuild`, which finds what was applied since.",
                backup.display(),
                old.serial
            ),
            None => format!(
                "There is no backup. Move `{}` away and run `clinch state rebuild`, which finds \
                 in the cluster what was applied.",
                path.display()
            ),
        };
        Diagnostic::error(STATE_DAMAGED, "State cannot be trusted", detail).with_help(help)
    }
}

/// The name of the run that started last.
fn last_run(entries: &[JournalEntry]) -> Option<String> {
    entries.iter().rev().find_map(|entry| match entry {
        JournalEntry::RunStarted(start) => Some(start.run.clone()),
        JournalEntry::Begin { .. }
        | JournalEntry::End { .. }
        | JournalEntry::Records { .. }
        | JournalEntry::RunFinished { .. } => None,
    })
}

fn start(path: &Path, journal: Read) -> io::Result<JournalFile> {
    let file = disk::open_private(path, true)?;
    if journal.torn > 0 {
        file.set_len(journal.whole as u64)?;
        file.sync_all()?;
    }
    JournalFile::start(file, journal.chain)
}

/// Drops plans of runs, and the oldest journals.
fn tidy(runs: &Path) -> io::Result<()> {
    let mut journals = Vec::new();
    for entry in fs::read_dir(runs)? {
        let path = entry?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("plan") => disk::remove(&path)?,
            Some("jsonl") => {
                let age = path.metadata().and_then(|meta| meta.modified());
                journals.push((age.unwrap_or(SystemTime::UNIX_EPOCH), path));
            }
            Some(_) | None => {}
        }
    }
    journals.sort();
    let excess = journals.len().saturating_sub(KEPT_RUNS);
    journals.iter().take(excess).try_for_each(|(_, path)| disk::remove(path))
}

fn bad_journal(path: &Path, bad: &schemas::journal::BadLine) -> Diagnostic {
    let detail = format!("`{}` cannot be used. {bad}", path.display());
    if let ReadError::Newer { .. } = bad.why {
        return Diagnostic::error(STATE_NEWER, "State of a newer version", detail);
    }
    Diagnostic::error(JOURNAL_DAMAGED, "Journal cannot be trusted", detail).with_help(format!(
        "Move `{}` away and run `clinch state rebuild`, which finds in the cluster what was \
         applied.",
        path.display()
    ))
}

fn io_error(path: &Path, error: &io::Error) -> Diagnostic {
    let detail = format!("`{}`: {error}.", path.display());
    Diagnostic::error(DISK, "File cannot be used", detail)
}
