//! What of a container runtime's files is ours, and what was there before: a record on the host.
//!
//! It is one line of JSON in `/var/lib/clinch/runtime`, named after the digest of the path of the
//! runtime's own file and readable for root alone:
//!
//! ```json
//! {"earlier":[],"files":[["/etc/containerd/certs.d/docker.io/hosts.toml",null]],"folders":["/etc/containerd/certs.d/docker.io"],"made":[],"new":false,"path":"/etc/containerd/config.toml","project":"shop","version":1}
//! ```
//!
//! `earlier` and `made` are as in the record of a kubelet's settings; `new` is whether the file
//! itself was not there before. `files` are those that are ours as a whole, each with what was
//! there before: null for nothing, else mode, user, group and content in base64. `folders` are those
//! that were made for them; it may be missing, as in records of earlier versions.
//!
//! **Invariant:** the record is there before the first change of a file, and has all that is ours
//! until each file is as it was before.

use crate::settings::kept::Before;
use crate::settings::record::{self, Shelf};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::collections::{BTreeMap, BTreeSet};
use values::Value;

/// Where the records are.
pub(super) const SHELF: Shelf = Shelf("runtime");

/// Which settings and files are ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) ours: record::Record,
    /// Whether the runtime's own file was not there before.
    pub(super) new: bool,
    /// Files that are ours as a whole, with what was there before.
    pub(super) files: BTreeMap<String, Option<Before>>,
    /// Folders that were made for them.
    pub(super) folders: BTreeSet<String>,
}

/// A file that was there before, in a record.
fn before_to_value(before: &Before) -> Value {
    let number = |n: u32| Value::from(i64::from(n));
    let content = BASE64_STANDARD.encode(&before.content);
    Value::list([number(before.mode), number(before.uid), number(before.gid), content.into()])
}

fn before_of_value(value: &Value) -> Option<Before> {
    let [mode, uid, gid, content] = value.as_list()? else { return None };
    let number = |value: &Value| u32::try_from(value.as_number()?.as_i64()?).ok();
    let mode = number(mode).filter(|mode| *mode <= 0o7777)?;
    let content = BASE64_STANDARD.decode(content.as_str()?).ok()?;
    Some(Before { mode, uid: number(uid)?, gid: number(gid)?, content })
}

impl Record {
    /// Of a runtime of which nothing is ours yet.
    pub(super) fn none(project: &str, path: &str) -> Self {
        let (project, path) = (project.to_owned(), path.to_owned());
        let (earlier, made) = (BTreeMap::new(), Vec::new());
        let ours = record::Record { project, path, earlier, made };
        Self { ours, new: false, files: BTreeMap::new(), folders: BTreeSet::new() }
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.ours.earlier.is_empty() && self.files.is_empty() && !self.new
    }

    /// Reads it strictly; the error is the end of a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let ours = record::Record::parse(text)?;
        Self::more(text, ours).ok_or_else(|| "is damaged".to_owned())
    }

    fn more(text: &str, ours: record::Record) -> Option<Self> {
        let value = access::json::Reader::default().read(text).ok()?;
        let files = value.get("files")?.as_list()?.iter().map(|pair| {
            let [path, before] = pair.as_list()? else { return None };
            let before = match before {
                Value::Null => None,
                file => Some(before_of_value(file)?),
            };
            Some((path.as_str()?.to_owned(), before))
        });
        let files = files.collect::<Option<_>>()?;
        let folders = match value.get("folders") {
            Some(folders) => {
                let folders = folders.as_list()?.iter();
                folders.map(|folder| Some(folder.as_str()?.to_owned())).collect::<Option<_>>()?
            }
            None => BTreeSet::new(),
        };
        Some(Self { ours, new: value.get("new")?.as_bool()?, files, folders })
    }

    /// The text of the record.
    pub(super) fn text(&self) -> String {
        let file = |(path, before): (&String, &Option<Before>)| {
            let before = before.as_ref().map_or(Value::Null, before_to_value);
            Value::list([path.as_str().into(), before])
        };
        let files = Value::list(self.files.iter().map(file));
        // All of it is known: it was read, or is written with what is.
        let all = [("new", self.new.into()), ("files", files)];
        let folders = || Value::list(self.folders.iter().map(|folder| folder.as_str().into()));
        let folders = (!self.folders.is_empty()).then(|| ("folders", folders()));
        self.ours.text_with(all.into_iter().chain(folders)).unwrap_or_default()
    }

    /// The same without what files held: that may be a secret.
    #[must_use]
    pub(super) fn outline(&self) -> Self {
        let hollow = |before: &Before| Before { content: Vec::new(), ..before.clone() };
        let files = self.files.iter();
        let files = files.map(|(path, before)| (path.clone(), before.as_ref().map(hollow)));
        Self { files: files.collect(), ..self.clone() }
    }

    /// What must still be so right before a step.
    pub(super) fn proof(&self) -> String {
        access::digest(self.outline().text().as_bytes())
    }

    /// All that is ours in one of both; where both know what was there before, this one does.
    #[must_use]
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut all = other.clone();
        all.ours.earlier.extend(self.ours.earlier.clone());
        let more = self.ours.made.iter().filter(|way| !other.ours.made.contains(way));
        all.ours.made.extend(more.cloned());
        all.files.extend(self.files.clone());
        all.folders.extend(self.folders.clone());
        all.new |= self.new;
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ways;

    fn record() -> Record {
        let live = Value::map([("root", "/data".into())]);
        let settings = ways::leaves(&Value::map([("root", "/srv".into())]));
        let file = Before { mode: 0o640, uid: 0, gid: 42, content: b"a\xff\n".to_vec() };
        Record {
            ours: Record::none("shop", "/etc/c.toml").ours.with(&live, &settings),
            new: false,
            files: [("/a".to_owned(), None), ("/b".to_owned(), Some(file))].into(),
            folders: ["/c".to_owned()].into(),
        }
    }

    #[test]
    fn record_reads_back_what_it_prints() {
        let text = record().text();
        assert_eq!(
            text,
            "{\"earlier\":[[[\"root\"],\"/data\"]],\"files\":[[\"/a\",null],[\"/b\",[416,0,42,\"Yf8K\"]]],\
             \"folders\":[\"/c\"],\"made\":[],\"new\":false,\"path\":\"/etc/c.toml\",\
             \"project\":\"shop\",\"version\":1}\n"
        );
        assert_eq!(Record::parse(&text), Ok(record()));
        let earlier = Record { folders: BTreeSet::new(), ..record() };
        assert_eq!(Record::parse(&text.replace("\"folders\":[\"/c\"],", "")), Ok(earlier));
        assert!(!record().outline().text().contains("Yf8K"));
        assert!(!record().is_empty() && Record::none("shop", "/a").is_empty());
    }

    #[test]
    fn damage_and_newer_versions_are_told_apart() {
        let text = record().text();
        for cut in 0..text.len() - 1 {
            assert_eq!(Record::parse(&text[..cut]), Err("is damaged".to_owned()), "{cut}");
        }
        for (of, to) in [("416", "99999"), ("Yf8K", "Y"), ("null", "0"), ("false", "1")] {
            let text = text.replace(of, to);
            assert_eq!(Record::parse(&text), Err("is damaged".to_owned()), "{text}");
        }
        let newer = Record::parse("{\"version\":2}").unwrap_err();
        assert_eq!(newer, "was written by a newer version of clinch");
    }

    #[test]
    fn what_was_there_first_is_what_was_there_before() {
        let later = Record {
            files: [(
                "/a".to_owned(),
                Some(Before { mode: 0, uid: 0, gid: 0, content: Vec::new() }),
            )]
            .into(),
            ..Record::none("shop", "/etc/c.toml")
        };
        assert_eq!(record().and(&later), record());
    }
}
