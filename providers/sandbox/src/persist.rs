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

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::store::{EventKind, Pending, Tables};
use crate::stored::{Members, Stored, members, string};

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

/// One object of a table, as the files hold it; a deleted one as it was last.
fn entry(table: &str, object: &Stored, deleted: bool) -> String {
    let deleted = if deleted { ",\"deleted\":true" } else { "" };
    format!("{{\"table\":{},\"object\":{}{deleted}}}", Value::from(table), object.text())
}

/// Puts the entries of a list into the tables; `None` when it is no such list.
fn put_all(from: &Members<'_>, list: &str, tables: &mut Tables) -> Option<()> {
    let entries: Vec<&RawValue> = serde_json::from_str(from.get(list)?.get()).ok()?;
    for entry in entries {
        let entry = members(entry.get())?;
        let table = tables.entry(string(&entry, "table")?).or_default();
        let object = Stored::read(entry.get("object")?.get());
        if entry.get("deleted").is_some_and(|deleted| deleted.get() == "true") {
            table.remove(&object.key());
        } else {
            table.insert(object.key(), Arc::new(object));
        }
    }
    Some(())
}

fn number(members: &Members<'_>, name: &str) -> Option<u64> {
    members.get(name)?.get().parse().ok()
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
    let snapshot = members(body).ok_or_else(|| damaged("is not JSON"))?;
    if number(&snapshot, "format") != Some(FORMAT) {
        return Err(damaged("has a format of another version"));
    }
    put_all(&snapshot, "objects", tables).ok_or_else(|| damaged("holds what is no object"))?;
    Ok(number(&snapshot, "version").unwrap_or(0))
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
            return Err(unreadable(good));
        };
        let written = number(&entry, "version").unwrap_or(0);
        if written > *version {
            put_all(&entry, "changes", tables).ok_or_else(|| unreadable(good))?;
            *version = written;
        }
        good += line.len() as u64;
    }
    Ok(good)
}

fn unreadable(good: u64) -> ReadError {
    ReadError::Damaged(format!("log.jsonl is unreadable after byte {good}"))
}

fn parse_line(line: &[u8]) -> Option<Members<'_>> {
    let line = line.strip_suffix(b"\n")?;
    let (digest, body) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    if digest != digest_of(body.as_bytes()) {
        return None;
    }
    members(body)
}

impl Log {
    /// Makes one transaction durable.
    pub(crate) fn append(
        &mut self,
        version: u64,
        writes: &[(Stored, Pending)],
    ) -> Result<(), PersistError> {
        let change = |(object, pending): &(Stored, Pending)| {
            entry(&pending.table, object, pending.kind == EventKind::Deleted)
        };
        let changes: Vec<String> = writes.iter().map(change).collect();
        let body = format!("{{\"version\":{version},\"changes\":[{}]}}", changes.join(","));
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
        let body = snapshot(version, tables);
        replace_snapshot(&self.folder, &body)?;
        self.file.set_len(0)?;
        self.file.seek(io::SeekFrom::Start(0))?;
        self.file.sync_all()?;
        self.length = 0;
        self.snapshot = body.len() as u64;
        Ok(())
    }
}

/// Every object at one version, as a text.
pub(crate) fn snapshot(version: u64, tables: &Tables) -> String {
    let objects = tables.iter().flat_map(|(table, objects)| {
        objects.values().map(move |object| entry(table, object, false))
    });
    // One object on a line, so that two snapshots can be compared.
    let objects: Vec<String> = objects.collect();
    let objects = objects.join(",\n");
    format!("{{\"format\":{FORMAT},\"version\":{version},\"objects\":[\n{objects}\n]}}")
}

/// What a snapshot holds; or why it holds nothing.
pub(crate) fn read(text: &str) -> Result<(u64, Tables), String> {
    let snapshot = members(text).ok_or("it is not JSON, or cut short")?;
    match number(&snapshot, "format") {
        Some(FORMAT) => {}
        Some(newer) if newer > FORMAT => {
            return Err(format!(
                "it has format {newer}, and this version of the program knows formats up to {FORMAT}"
            ));
        }
        Some(_) | None => return Err("it does not say that it is a snapshot".to_owned()),
    }
    let mut tables = BTreeMap::new();
    put_all(&snapshot, "objects", &mut tables).ok_or("it holds what is no object")?;
    Ok((number(&snapshot, "version").unwrap_or(0), tables))
}

/// Makes a folder hold these objects and nothing else.
///
/// # Interruption
///
/// The folder holds the old objects or the new ones: the new snapshot has a version that no line
/// of the log comes after.
pub(crate) fn restore(
    folder: &Path,
    patience: Duration,
    tables: &Tables,
    version: u64,
) -> Result<(), ReadError> {
    let (log, before, _) = open(folder, patience)?;
    // Counted on, so that nobody takes a version for one that they have seen.
    replace_snapshot(folder, &snapshot(before.max(version) + 1, tables))?;
    log.file.set_len(0)?;
    log.file.sync_all()?;
    Ok(())
}

fn replace_snapshot(folder: &Path, body: &str) -> io::Result<()> {
    let beside = folder.join("snapshot.json.new");
    let mut file = File::create(&beside)?;
    file.write_all(digest_of(body.as_bytes()).as_bytes())?;
    file.write_all(b"\n")?;
    file.write_all(body.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, folder.join("snapshot.json"))?;
    sync_folder(folder)
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
