//! What of a kubelet's settings is ours, and what was there before: a record on the host.
//!
//! It is one line of JSON in `/var/lib/clinch/kubelet`, named after the digest of the
//! configuration's path and readable for root alone:
//!
//! ```json
//! {"earlier":[[["maxPods"],110]],"made":[],"path":"/var/lib/kubelet/config.yaml","project":"shop","version":1}
//! ```
//!
//! `earlier` has every setting that is ours with what stood there before, null for nothing;
//! `made` are the maps that were not there before.
//!
//! **Invariant:** the record is there before the first change of the file, and until the file is
//! as it was before.

use super::ways::{self, Way};
use std::collections::BTreeMap;
use std::sync::Arc;
use values::Value;

/// The folder of the records.
pub(super) const FOLDER: &str = "/var/lib/clinch/kubelet";
const KEPT: &str = "/var/lib/clinch/kubelet-before";
const VERSION: i64 = 1;
/// Permission bits of records.
pub(super) const MODE: u32 = 0o600;

/// Where the record of a configuration is.
pub(super) fn place(path: &str) -> String {
    format!("{FOLDER}/{}", name(path))
}

/// Where the file is kept that a change takes the place of, until the kubelet runs.
pub(super) fn kept(path: &str) -> String {
    format!("{KEPT}/{}", name(path))
}

fn name(path: &str) -> String {
    access::digest(path.as_bytes()).chars().take(32).collect()
}

/// Which settings are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) project: String,
    pub(super) path: String,
    /// What stood there before; `None` for nothing.
    pub(super) earlier: BTreeMap<Way, Option<Value>>,
    pub(super) made: Vec<Way>,
}

impl Record {
    /// Reads it strictly; the error is the end of a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let damaged = || "is damaged".to_owned();
        let value = access::json::Reader::default().read(text).map_err(|_| damaged())?;
        match value.get("version").and_then(Value::as_number).and_then(values::Number::as_i64) {
            Some(VERSION) => Self::of(&value).ok_or_else(damaged),
            Some(version) if version > VERSION => {
                Err("was written by a newer version of clinch".to_owned())
            }
            Some(_) | None => Err(damaged()),
        }
    }

    fn of(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        let earlier = value.get("earlier")?.as_list()?.iter().map(|pair| {
            let [way, before] = pair.as_list()? else { return None };
            Some((self::way(way)?, Some(before.clone()).filter(|before| !before.is_null())))
        });
        let made = value.get("made")?.as_list()?.iter().map(way);
        Some(Self {
            project: text("project")?,
            path: text("path")?,
            earlier: earlier.collect::<Option<_>>()?,
            made: made.collect::<Option<_>>()?,
        })
    }

    /// The text of the record; `None` when a setting is not known yet.
    pub(super) fn text(&self) -> Option<String> {
        let way = |way: &Way| Value::list(way.iter().map(|key| Value::String(key.clone())));
        let pair = |(w, before): (&Way, &Option<Value>)| {
            Value::list([way(w), before.clone().unwrap_or(Value::Null)])
        };
        let value = Value::map([
            ("version", VERSION.into()),
            ("project", self.project.as_str().into()),
            ("path", self.path.as_str().into()),
            ("earlier", Value::list(self.earlier.iter().map(pair))),
            ("made", Value::list(self.made.iter().map(way))),
        ]);
        access::json::to_json_exposing_sensitive(&value).ok().map(|json| format!("{json}\n"))
    }

    /// The record once exactly these settings are ours.
    pub(super) fn with(&self, live: &Value, settings: &[(Way, Value)]) -> Self {
        let before = |way: &Way| match self.earlier.get(way) {
            Some(known) => known.clone(),
            None => ways::get(live, way).cloned(),
        };
        let mut made = self.made.clone();
        let new = ways::missing_maps(live, settings);
        made.extend(new.into_iter().filter(|way| !self.made.contains(way)));
        made.retain(|map| settings.iter().any(|(way, _)| way.starts_with(map)));
        let earlier = settings.iter().map(|(way, _)| (way.clone(), before(way))).collect();
        Self { earlier, made, ..self.clone() }
    }

    /// The configuration with these settings, and with what stood before where one is ours no
    /// longer.
    pub(super) fn wanted(&self, live: &Value, settings: &[(Way, Value)]) -> Value {
        let kept = |way: &Way| settings.iter().any(|(kept, _)| kept == way);
        let gone = self.earlier.iter().filter(|(way, _)| !kept(way));
        let without = gone
            .fold(live.clone(), |value, (way, before)| ways::with(&value, way, before.as_ref()));
        let set = settings
            .iter()
            .fold(without, |value, (way, setting)| ways::with(&value, way, Some(setting)));
        ways::without_empty(set, &self.made)
    }
}

fn way(value: &Value) -> Option<Way> {
    let keys = value.as_list()?.iter().map(|key| key.as_str().map(Arc::from));
    keys.collect::<Option<Way>>().filter(|way| !way.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Record {
        let (project, path) = ("shop".to_owned(), "/etc/k".to_owned());
        Record { project, path, earlier: BTreeMap::new(), made: Vec::new() }
    }

    fn settings(value: Value) -> Vec<(Way, Value)> {
        ways::leaves(&value)
    }

    #[test]
    fn record_reads_back_what_it_prints() {
        let live = Value::map([("maxPods", 110_i64.into())]);
        let eviction = Value::map([("memory.available", "1Gi".into())]);
        let both = Value::map([("maxPods", 5_i64.into()), ("evictionHard", eviction)]);
        let record = none().with(&live, &settings(both));
        let text = record.text().unwrap();
        let wanted = "{\"earlier\":[[[\"evictionHard\",\"memory.available\"],null],\
                      [[\"maxPods\"],110]],\"made\":[[\"evictionHard\"]],\"path\":\"/etc/k\",\
                      \"project\":\"shop\",\"version\":1}\n";
        assert_eq!(text, wanted);
        assert_eq!(Record::parse(&text), Ok(record));
    }

    #[test]
    fn damage_and_newer_versions_are_told_apart() {
        for text in ["", "{}", "{\"version\":1}", "{\"version\":0}"] {
            assert_eq!(Record::parse(text), Err("is damaged".to_owned()), "{text}");
        }
        let newer = Record::parse("{\"version\":2}").unwrap_err();
        assert_eq!(newer, "was written by a newer version of clinch");
    }

    #[test]
    fn giving_settings_back_restores_what_was_there() {
        let live = Value::map([("maxPods", 110_i64.into()), ("kind", "K".into())]);
        let eviction = Value::map([("memory.available", "1Gi".into())]);
        let ours = settings(Value::map([("maxPods", 5_i64.into()), ("evictionHard", eviction)]));
        let record = none().with(&live, &ours);
        let set = none().wanted(&live, &ours);
        assert_eq!(set.get("maxPods"), Some(&5_i64.into()));
        assert_eq!(record.wanted(&set, &[]), live);
        // One of two is given back; the other stays ours, with what was there before all.
        let one = settings(Value::map([("maxPods", 7_i64.into())]));
        let fewer = record.with(&set, &one);
        assert_eq!(fewer.earlier.get(&one[0].0), Some(&Some(110_i64.into())));
        assert!(fewer.made.is_empty());
        let now = record.wanted(&set, &one);
        assert_eq!(now, ways::with(&live, &one[0].0, Some(&7_i64.into())));
    }
}
