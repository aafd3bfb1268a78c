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

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::store::{Event, EventKind, Key, Table};

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
pub(crate) type Read = (Log, u64, Vec<(Table, Value)>);

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
    Ok((log, version, tables.into_iter().map(|((table, _), object)| (table, object)).collect()))
}

type Tables = BTreeMap<(Table, Key), Value>;

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
    let mut snapshot: Value = serde_json::from_str(body).map_err(|_| damaged("is not JSON"))?;
    if snapshot["format"].as_u64() != Some(FORMAT) {
        return Err(damaged("has a format of another version"));
    }
    for entry in items(&mut snapshot, "objects") {
        put(tables, entry);
    }
    Ok(snapshot["version"].as_u64().unwrap_or(0))
}

/// Applies the log's lines; returns how many bytes of it are good.
fn replay(bytes: &[u8], version: &mut u64, tables: &mut Tables) -> Result<u64, ReadError> {
    let mut good = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(mut entry) = parse_line(line) else {
            if good + line.len() as u64 == bytes.len() as u64 {
                // The last line: a crash came in between, and nobody was answered.
                break;
            }
            return Err(ReadError::Damaged(format!("log.jsonl is unreadable after byte {good}")));
        };
        let written = entry["version"].as_u64().unwrap_or(0);
        if written > *version {
            for change in items(&mut entry, "changes") {
                if change["deleted"] == true {
                    tables.remove(&key_of(change));
                } else {
                    put(tables, change);
                }
            }
            *version = written;
        }
        good += line.len() as u64;
    }
    Ok(good)
}

fn parse_line(line: &[u8]) -> Option<Value> {
    let line = line.strip_suffix(b"\n")?;
    let (digest, body) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    if digest != digest_of(body.as_bytes()) {
        return None;
    }
    serde_json::from_str(body).ok()
}

fn key_of(entry: &Value) -> (Table, Key) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &entry["object"]["metadata"];
    (text(&entry["table"]), (text(&metadata["namespace"]), text(&metadata["name"])))
}

fn items<'a>(entry: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    entry.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Moves the entry's object, since a copy of every object is what opening would mostly cost.
fn put(tables: &mut Tables, entry: &mut Value) {
    let key = key_of(entry);
    tables.insert(key, entry.get_mut("object").map(Value::take).unwrap_or_default());
}

impl Log {
    /// Makes one transaction durable.
    pub(crate) fn append(&mut self, version: u64, events: &[Event]) -> Result<(), PersistError> {
        let changes: Vec<Value> = events
            .iter()
            .map(|event| match event.kind {
                EventKind::Deleted => json!({
                    "table": event.table,
                    "deleted": true,
                    "object": {"metadata": {
                        "name": event.object["metadata"]["name"],
                        "namespace": event.object["metadata"]["namespace"],
                    }},
                }),
                _ => json!({"table": event.table, "object": *event.object}),
            })
            .collect();
        let body = json!({"version": version, "changes": changes}).to_string();
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
        tables: &BTreeMap<Table, BTreeMap<Key, Arc<Value>>>,
    ) -> Result<(), PersistError> {
        if self.length < LONG_LOG.max(self.snapshot) {
            return Ok(());
        }
        let objects: Vec<Value> = tables
            .iter()
            .flat_map(|(table, objects)| objects.values().map(move |object| (table, object)))
            .map(|(table, object)| json!({"table": table, "object": **object}))
            .collect();
        let body = json!({"format": FORMAT, "version": version, "objects": objects}).to_string();
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
