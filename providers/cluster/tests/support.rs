//! Small tools for all tests.

use cluster::json;
use std::io::Read as _;
use std::path::PathBuf;
use values::Value;

/// A file of the shared corpora; `None`, loudly, where they are not.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    match std::env::var_os("CLINCH_CORPORA") {
        Some(folder) => Some(PathBuf::from(folder).join(name)),
        None => {
            println!("SKIPPED {name}: CLINCH_CORPORA is not set");
            None
        }
    }
}

/// The lines of a packed file, each a JSON document.
pub(crate) fn packed_lines(name: &str) -> Option<Vec<Value>> {
    let file = std::fs::File::open(corpus(name)?).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    Some(text.lines().map(|line| json::parse(line).unwrap()).collect())
}
