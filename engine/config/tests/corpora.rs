//! Test data of public projects, found by the variable `CLINCH_CORPORA`.

#![expect(clippy::disallowed_methods, reason = "oracles are files beside the project")]

use flate2::read::GzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The folder with the data; says so when there is none.
#[expect(clippy::print_stdout, reason = "a skipped oracle says so")]
pub(crate) fn folder(oracle: &str) -> Option<PathBuf> {
    match std::env::var_os("CLINCH_CORPORA") {
        Some(folder) => Some(folder.into()),
        None => {
            println!("SKIPPED {oracle}: CLINCH_CORPORA is not set");
            None
        }
    }
}

fn gunzip(path: &Path) -> Vec<u8> {
    let packed = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("a gzip file");
    bytes
}

/// The rows of a table of which one test was made.
pub(crate) fn rows(folder: &Path, table: &str, test: &str) -> Vec<serde_json::Value> {
    let bytes = gunzip(&folder.join("go-tables").join(format!("{table}.jsonl.gz")));
    let lines = String::from_utf8(bytes).expect("UTF-8");
    let row = |line: &str| serde_json::from_str(line).expect("a row");
    lines
        .lines()
        .map(row)
        .filter(|row: &serde_json::Value| row["test"] == test)
        .map(|row| row["f"].clone())
        .collect()
}

/// The files of a packed archive.
pub(crate) fn archive(path: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = gunzip(path);
    let mut files = Vec::new();
    let mut rest = bytes.as_slice();
    let text = |field: &[u8]| String::from_utf8_lossy(field).trim_matches('\0').to_owned();
    while rest.len() > 512 && rest[0] != 0 {
        let (header, after) = rest.split_at(512);
        let size = usize::from_str_radix(text(&header[124..136]).trim(), 8).expect("a size");
        let name = text(&header[..100]);
        let prefix = text(&header[345..500]);
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if header[156] == b'0' || header[156] == 0 {
            files.push((name, after[..size].to_vec()));
        }
        rest = &after[size.next_multiple_of(512)..];
    }
    files
}

/// Every file below a folder.
pub(crate) fn below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files.extend(below(&path));
        } else {
            files.push((path.clone(), std::fs::read(&path).expect("a file")));
        }
    }
    files
}
