//! The sources of a saved plan, in place of the directory that they were read from.

use crate::Loaded;
use config::{InMemory, TextFile};
use diags::SourceMap;
use schemas::plan::{Snapshot, SourceText};
use std::collections::BTreeSet;

/// Everything that a plan was made from, for its file. Files of variables stay out: they may
/// hold secrets, and the values that are none are kept as values. Of a sensitive value only
/// that it was given is kept; one that was not given is a default and stands in the sources.
pub fn snapshot(loaded: &Loaded, map: &SourceMap) -> Snapshot {
    let named: BTreeSet<diags::SourceId> = loaded
        .config
        .files
        .values()
        .filter_map(|file| match file {
            TextFile::Text(source, _) => Some(*source),
            TextFile::Absent | TextFile::Unreadable => None,
        })
        .chain(loaded.config.manifests.values().flat_map(|m| m.sources.iter().copied()))
        .collect();
    let read = |id: &diags::SourceId| named.contains(id);
    let configuration =
        map.iter().filter(|(id, source)| config::is_config_file(&source.name) || read(id));
    let text = |(_, source): (_, &diags::Source)| SourceText {
        name: source.name.to_string(),
        text: source.text.to_string(),
    };
    let kept = |(name, value): &(&addrs::Ident, &values::Value)| {
        !value.has_sensitive() || loaded.given.contains(name.as_str())
    };
    let variables = loaded.variables.iter().filter(kept);
    let variables = variables.map(|(name, value)| (name.to_string(), value.clone()));
    Snapshot {
        dir: loaded.dir.clone(),
        sources: configuration.map(text).collect(),
        variables: variables.collect(),
    }
}

/// The sources of a snapshot, to be read like a directory.
pub fn snapshot_sources(snapshot: &Snapshot) -> InMemory {
    snapshot.sources.iter().map(|s| (s.name.clone(), s.text.clone().into_bytes())).collect()
}
