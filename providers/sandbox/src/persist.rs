//! A sandbox in a folder: a snapshot and a log of what came after it.
//!
//! | file | what |
//! | --- | --- |
//! | `lock` | held as long as the sandbox is open; a second opener waits, then fails |
//! | `snapshot.json` | every object at one version; replaced whole |
//! | `log.jsonl` | one line per transaction since the snapshot |
//!
//! **Crash safety:** a line is written and synced before the request is answered. A
//! line that a crash cut short has no newline or a wrong digest and is dropped; it was
//! never answered. The snapshot is written beside, synced and renamed, and only then is
//! the log begun anew; lines that are older than the snapshot are skipped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::store::{EventKind, Pending, Tables};
use crate::stored::Stored;

/// The format that this version writes.
const FORMAT: u64 = 1;
/// A log longer than this, and longer than the snapshot, is put into the snapshot, so
/// that rewriting costs no more than the writes that led to it.
const LONG_LOG: u64 = 4 * 1024 * 1024;

/// A write that did not become durable.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox could not write its log: {0}")]
pub(crate) struct PersistError(#[from] io::Error);

/// Why a folder could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    InUse,
    Io(io::Error),
    Damaged(String),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The open folder.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    file: File,
    length: u64,
    snapshot: u64,
    /// Held, and so locked, until the sandbox is closed.
    _lock: File,
}

/// What a folder held: its log, the version, and the objects.
pub(crate) type Read = (Log, u64, Tables);

/// What every version says of itself.
#[derive(Deserialize)]
struct Format {
    format: u64,
}

/// Every object at one version.
#[derive(Serialize, Deserialize)]
struct Snapshot<'a> {
    format: u64,
    version: u64,
    #[serde(borrow)]
    objects: Vec<Entry<'a>>,
}

/// One transaction.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    version: u64,
    #[serde(borrow)]
    changes: Vec<Entry<'a>>,
}

/// One object of a table; a deleted one as it was last.
#[derive(Serialize, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    table: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl<'a> Entry<'a> {
    fn new(table: &'a str, object: &'a Stored) -> Result<Self, PersistError> {
        // The text of an object is JSON, so this reads it and finds nothing.
        let object = serde_json::from_str(object.text()).map_err(io::Error::from)?;
        Ok(Self { table: Cow::Borrowed(table), deleted: false, object })
    }

    fn put(self, tables: &mut Tables) {
        let object = Stored::read(self.object.get());
        let key = object.key();
        let table = tables.entry(self.table.into_owned()).or_default();
        if self.deleted {
            table.remove(&key);
        } else {
            table.insert(key, Arc::new(object));
        }
    }
}

/// Opens a folder, waiting for another holder of its lock at most this long.
pub(crate) fn open(folder: &Path, patience: Duration) -> Result<Read, ReadError> {
    fs::create_dir_all(folder)?;
    let lock = acquire(folder, patience)?;
    let mut tables = BTreeMap::new();
    let mut version = read_snapshot(folder, &mut tables)?;
    let path = folder.join("log.jsonl");
    let good = match fs::read(&path) {
        Ok(bytes) => replay(&bytes, &mut version, &mut tables)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error.into()),
    };
    let mut file =
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
    // What a crash cut short is cut off, so that the next line begins on its own.
    file.set_len(good)?;
    file.seek(io::SeekFrom::End(0))?;
    sync_folder(folder)?;
    let snapshot = fs::metadata(folder.join("snapshot.json")).map_or(0, |found| found.len());
    let log = Log { folder: folder.to_owned(), file, length: good, snapshot, _lock: lock };
    Ok((log, version, tables))
}

fn acquire(folder: &Path, patience: Duration) -> Result<File, ReadError> {
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    let begun = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(fs::TryLockError::WouldBlock) if begun.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(fs::TryLockError::WouldBlock) => return Err(ReadError::InUse),
            Err(fs::TryLockError::Error(error)) => return Err(error.into()),
        }
    }
}

fn read_snapshot(folder: &Path, tables: &mut Tables) -> Result<u64, ReadError> {
    let text = match fs::read_to_string(folder.join("snapshot.json")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let damaged = |why: &str| ReadError::Damaged(format!("snapshot.json {why}"));
    let (digest, body) = text.split_once('\n').ok_or_else(|| damaged("is cut short"))?;
    if digest != digest_of(body.as_bytes()) {
        return Err(damaged("does not match its digest"));
    }
    let format: Format = serde_json::from_str(body).map_err(|_| damaged("is not JSON"))?;
    if format.format != FORMAT {
        return Err(damaged("has a format of another version"));
    }
    let snapshot: Snapshot<'_> =
        serde_json::from_str(body).map_err(|_| damaged("is no snapshot"))?;
    snapshot.objects.into_iter().for_each(|entry| entry.put(tables));
    Ok(snapshot.version)
}

/// Applies the log's lines; returns how many bytes of it are good.
fn replay(bytes: &[u8], version: &mut u64, tables: &mut Tables) -> Result<u64, ReadError> {
    let mut good = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(entry) = parse_line(line) else {
            if good + line.len() as u64 == bytes.len() as u64 {
                // The last line: a crash came in between, and nobody was answered.
                break;
            }
            return Err(ReadError::Damaged(format!("log.jsonl is unreadable after byte {good}")));
        };
        if entry.version > *version {
            *version = entry.version;
            entry.changes.into_iter().for_each(|change| change.put(tables));
        }
        good += line.len() as u64;
    }
    Ok(good)
}

fn parse_line(line: &[u8]) -> Option<Line<'_>> {
    let line = line.strip_suffix(b"\n")?;
    let (digest, body) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    if digest != digest_of(body.as_bytes()) {
        return None;
    }
    serde_json::from_str(body).ok()
}

impl Log {
    /// Makes one transaction durable.
    pub(crate) fn append(
        &mut self,
        version: u64,
        writes: &[(Stored, Pending)],
    ) -> Result<(), PersistError> {
        fn change((object, write): &(Stored, Pending)) -> Result<Entry<'_>, PersistError> {
            let entry = Entry::new(&write.table, object)?;
            Ok(Entry { deleted: write.kind == EventKind::Deleted, ..entry })
        }
        let changes = writes.iter().map(change).collect::<Result<_, _>>()?;
        let body = serde_json::to_string(&Line { version, changes }).map_err(io::Error::from)?;
        let line = format!("{} {body}\n", digest_of(body.as_bytes()));
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line must not stand before the next one.
            self.file.set_len(self.length)?;
            self.file.seek(io::SeekFrom::End(0))?;
            return Err(error.into());
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// Puts a long log into the snapshot and begins anew.
    pub(crate) fn compact_if_long(
        &mut self,
        version: u64,
        tables: &Tables,
    ) -> Result<(), PersistError> {
        if self.length < LONG_LOG.max(self.snapshot) {
            return Ok(());
        }
        let objects = tables.iter().flat_map(|(table, objects)| {
            objects.values().map(move |object| Entry::new(table, object))
        });
        let objects = objects.collect::<Result<_, _>>()?;
        let snapshot = Snapshot { format: FORMAT, version, objects };
        let body = serde_json::to_string(&snapshot).map_err(io::Error::from)?;
        let beside = self.folder.join("snapshot.json.new");
        let mut file = File::create(&beside)?;
        file.write_all(digest_of(body.as_bytes()).as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(body.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, self.folder.join("snapshot.json"))?;
        sync_folder(&self.folder)?;
        self.file.set_len(0)?;
        self.file.seek(io::SeekFrom::Start(0))?;
        self.file.sync_all()?;
        self.length = 0;
        self.snapshot = body.len() as u64;
        Ok(())
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn digest_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
