//! What of a file's settings is ours, and what was there before: a record on the host.
//!
//! It is one line of JSON in a folder for each type, named after the digest of the file's path
//! and readable for root alone. In `/var/lib/clinch/kubelet`:
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
use crate::host_type::{Marks, Site};
use crate::look::Looked;
use crate::place::part;
use crate::{codes, records};
use access::{Ask, HostError};
use plans::{Identity, Problem};
use provider::PlanRequest;
use std::collections::{BTreeMap, BTreeSet};
use values::{Path, Value};

const VERSION: i64 = 1;

/// Where a type keeps its records: the name of their folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shelf(pub(crate) &'static str);

impl Shelf {
    fn folder(self) -> String {
        format!("{}/{}", records::OURS, self.0)
    }

    /// Where the record of a file is.
    pub(crate) fn place(self, path: &str) -> String {
        format!("{}/{}", self.folder(), records::name(path))
    }

    /// Where the file is kept that a change takes the place of, until what reads it runs.
    pub(crate) fn kept(self, path: &str) -> String {
        format!("{}-before/{}", self.folder(), records::name(path))
    }

    /// The files of which a project has a record.
    pub(crate) async fn find(
        self,
        site: Site<'_>,
        identity: impl Fn(&str) -> Identity,
    ) -> Result<Marks, HostError> {
        let folder = self.folder();
        let listed = Looked::at(site.host, [Ask::folder(folder.as_str())]).await?;
        let names = listed.files_in(&folder)?;
        let paths: Vec<String> = names.iter().map(|name| format!("{folder}/{name}")).collect();
        let looked = Looked::at(site.host, paths.iter().map(Ask::file)).await?;
        let mut marks = Marks::default();
        for path in paths {
            let Some(file) = looked.file(&path)? else { continue };
            match Record::parse(&String::from_utf8_lossy(&file.content)) {
                Ok(record) if record.project == site.project => {
                    marks.found.push(identity(&record.path));
                }
                Ok(_) => {}
                Err(why) => marks.unread.push(format!("the record {path}, which {why}")),
            }
        }
        Ok(marks)
    }

    /// One object with several files, each of which has a record.
    pub(crate) async fn find_one(
        self,
        site: Site<'_>,
        identity: Identity,
    ) -> Result<Marks, HostError> {
        let mut marks = self.find(site, |_| identity.clone()).await?;
        marks.found.truncate(1);
        Ok(marks)
    }

    /// What is ours of the file that is asked about, from the text of its record; nothing when
    /// there is no record.
    pub(crate) fn record(
        self,
        request: &PlanRequest<'_>,
        text: Option<&str>,
    ) -> Result<Record, Problem> {
        let path = part(request.identity, "path");
        Record::of_request(request, path, text, &self.told(path))
    }

    /// Where the record of a file is, for people.
    fn told(self, path: &str) -> String {
        format!("the file {} on the host", self.place(path))
    }

    /// That the record of a file says nothing that can be relied on.
    pub(crate) fn unreadable(self, shown: &str, path: &str, why: &str) -> Problem {
        unreadable(shown, &self.told(path), why)
    }
}

/// That a record says nothing that can be relied on.
fn unreadable(shown: &str, place: &str, why: &str) -> Problem {
    let detail = format!("The record of what is ours of {shown} {why}.");
    let summary = "Record of settings cannot be read";
    Problem::error(codes::RECORD, summary, Path::root(), detail).with_help(format!(
        "It is {place}. Without it, the settings stay as they are and nothing is known of what was \
         there before."
    ))
}

/// Which settings are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) project: String,
    pub(crate) path: String,
    /// What stood there before; `None` for nothing.
    pub(crate) earlier: BTreeMap<Way, Option<Value>>,
    pub(crate) made: Vec<Way>,
}

impl Record {
    /// What is ours at `path`, from the text of the record that is kept at `place`; nothing when
    /// there is no record.
    pub(crate) fn of_request(
        request: &PlanRequest<'_>,
        path: &str,
        text: Option<&str>,
        place: &str,
    ) -> Result<Self, Problem> {
        let (project, shown) = (request.project.to_owned(), &request.identity.shown);
        let Some(text) = text else {
            let (earlier, made) = (BTreeMap::new(), Vec::new());
            return Ok(Self { project, path: path.to_owned(), earlier, made });
        };
        let record = Self::parse(text).map_err(|why| unreadable(shown, place, &why))?;
        if record.project == project {
            return Ok(record);
        }
        let detail = format!("Settings of {shown} belong to project `{}`.", record.project);
        let summary = "Settings belong to another project";
        Err(Problem::error(codes::OTHER_PROJECT, summary, Path::root(), detail)
            .with_help("Manage the settings of one file in one project only."))
    }

    /// Reads it strictly; the error is the end of a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
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
            Some((ways::of_value(way)?, Some(before.clone()).filter(|before| !before.is_null())))
        });
        let made = value.get("made")?.as_list()?.iter().map(ways::of_value);
        Some(Self {
            project: text("project")?,
            path: text("path")?,
            earlier: earlier.collect::<Option<_>>()?,
            made: made.collect::<Option<_>>()?,
        })
    }

    /// The text of the record; `None` when a setting is not known yet.
    pub(crate) fn text(&self) -> Option<String> {
        self.text_with([])
    }

    /// The same for a type that notes more.
    pub(crate) fn text_with(
        &self,
        more: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Option<String> {
        let pair = |(w, before): (&Way, &Option<Value>)| {
            Value::list([ways::to_value(w), before.clone().unwrap_or(Value::Null)])
        };
        let parts = [
            ("version", VERSION.into()),
            ("project", self.project.as_str().into()),
            ("path", self.path.as_str().into()),
            ("earlier", Value::list(self.earlier.iter().map(pair))),
            ("made", Value::list(self.made.iter().map(ways::to_value))),
        ];
        let value = Value::map(parts.into_iter().chain(more));
        access::json::to_json_exposing_sensitive(&value).ok().map(|json| format!("{json}\n"))
    }

    /// The record once exactly these settings are ours.
    pub(crate) fn with(&self, live: &Value, settings: &[(Way, Value)]) -> Self {
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
    pub(crate) fn wanted(&self, live: &Value, settings: &[(Way, Value)]) -> Value {
        let kept = |way: &Way| settings.iter().any(|(kept, _)| kept == way);
        let gone = self.earlier.iter().filter(|(way, _)| !kept(way));
        let without = gone
            .fold(live.clone(), |value, (way, before)| ways::with(&value, way, before.as_ref()));
        let set = settings
            .iter()
            .fold(without, |value, (way, setting)| ways::with(&value, way, Some(setting)));
        ways::without_empty(set, &self.made)
    }

    /// The part of a configuration that is or was ours, or is among these.
    pub(crate) fn ours(&self, of: &Value, settings: &[(Way, Value)]) -> Value {
        let ways = self.earlier.keys().chain(settings.iter().map(|(way, _)| way));
        let ways: BTreeSet<&Way> = ways.collect();
        ways.into_iter().fold(Value::empty_map(), |all, way| match ways::get(of, way) {
            Some(value) => ways::with(&all, way, Some(value)),
            None => all,
        })
    }
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
