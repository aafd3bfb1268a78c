//! Flags in the file that kubeadm writes for a kubelet, `kubeadm-flags.env`: one variable with all
//! of them.
//!
//! ```text
//! KUBELET_KUBEADM_ARGS="--node-ip=10.0.0.7 --pod-infra-container-image=registry.k8s.io/pause:3.10"
//! ```
//!
//! Only flags that are asked for change; the others keep their places and their spelling. A flag
//! that was taken away and is given back comes last.

use super::flags::{words, words_as_written};
use crate::settings::record::{Record, Shelf};
use crate::settings::ways::{self, Way};
use values::Value;

pub(crate) const PATH: &str = "/var/lib/kubelet/kubeadm-flags.env";
pub(crate) const SHELF: Shelf = Shelf("kubelet-flags");
const VARIABLE: &str = "KUBELET_KUBEADM_ARGS=";

/// What becomes of the file.
pub(super) struct Flagged {
    pub(super) text: String,
    /// The new record; `None` when no flag is ours afterwards.
    pub(super) record: Option<String>,
    /// Flags that change.
    pub(super) changed: Vec<String>,
    /// Flags that are or were ours, as they are and as they will be.
    pub(super) before: Value,
    pub(super) after: Value,
}

/// Each flag that is asked for, with its text; null for one that is to be away.
pub(super) fn asked(flags: &Value) -> Vec<(Way, Value)> {
    let text = |value: &Value| match value {
        Value::Number(number) => Value::from(number.to_string()),
        Value::Bool(is) => Value::from(is.to_string()),
        other => other.clone(),
    };
    let entries = flags.as_map().into_iter().flat_map(values::Map::iter);
    entries.map(|(name, value)| (vec![name.clone()], text(value))).collect()
}

/// The flags of a file, each with its text. The error is the end of a sentence.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    Ok(Line::of(text)?.flags())
}

/// The file with these flags as they are wanted. The error is the end of a sentence.
pub(crate) fn edited(text: &str, wanted: &Value, ours: &[&Way]) -> Result<String, String> {
    let line = Line::of(text)?;
    let now = line.flags();
    let mut changed = Vec::new();
    for name in ours.iter().filter_map(|way| way.first()) {
        line.once(name)?;
        let way: Way = vec![name.clone()];
        if ways::get(&now, &way) != ways::get(wanted, &way) {
            changed.push(name.to_string());
        }
    }
    Ok(if changed.is_empty() { text.to_owned() } else { line.with(&changed, wanted) })
}

/// The file with these flags, and with what stood before where one is ours no longer. The error is
/// the end of a sentence.
pub(super) fn flagged(
    text: &str,
    record: &Record,
    asked: &[(Way, Value)],
) -> Result<Flagged, String> {
    let line = Line::of(text)?;
    let now = line.flags();
    let names = asked.iter().map(|(way, _)| way).chain(record.earlier.keys());
    for name in names.filter_map(|way| way.first()) {
        line.once(name)?;
    }
    let wanted = record.wanted(&now, asked);
    let differs = |name: &&str| {
        let way: Way = vec![(*name).into()];
        ways::get(&now, &way) != ways::get(&wanted, &way)
    };
    let names = |of: &Value| -> Vec<String> {
        of.as_map().into_iter().flat_map(values::Map::keys).map(ToString::to_string).collect()
    };
    let mut all = [names(&now), names(&wanted)].concat();
    all.sort();
    all.dedup();
    let changed: Vec<String> = all.into_iter().filter(|name| differs(&name.as_str())).collect();
    let new = record.with(&now, asked);
    Ok(Flagged {
        text: if changed.is_empty() { text.to_owned() } else { line.with(&changed, &wanted) },
        record: if asked.is_empty() { None } else { new.text() },
        changed,
        before: record.ours(&now, asked),
        after: record.ours(&wanted, asked),
    })
}

/// A text with its line of flags.
struct Line<'a> {
    before: &'a str,
    entries: Vec<Entry>,
    after: &'a str,
}

/// A flag as it is written, with its value; or a word that is none.
struct Entry {
    name: String,
    value: String,
    written: String,
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Result<Self, String> {
        let start = if text.starts_with(VARIABLE) {
            Some(0)
        } else {
            text.find(&format!("\n{VARIABLE}")).map(|at| at + 1)
        };
        let Some(start) = start else {
            return Err(format!("has no line that begins with `{VARIABLE}`"));
        };
        let from = start + VARIABLE.len();
        let end = text[from..].find('\n').map_or(text.len(), |length| from + length);
        let value = text[from..end].trim();
        let inner = match value.strip_prefix('"').map(|rest| rest.strip_suffix('"')) {
            Some(Some(inner)) => unescaped(inner),
            None if !value.contains(['"', '\'', '\\']) => Some(value.to_owned()),
            Some(None) | None => None,
        };
        let Some(inner) = inner else {
            return Err("quotes its flags in another way than kubeadm does".to_owned());
        };
        let entries = entries(&words_as_written(&inner));
        Ok(Self { before: &text[..start], entries, after: &text[end..] })
    }

    /// That a flag is not there more than once.
    fn once(&self, name: &str) -> Result<(), String> {
        if self.entries.iter().filter(|entry| entry.name == name).count() > 1 {
            return Err(format!("has the flag `--{name}` more than once"));
        }
        Ok(())
    }

    fn flags(&self) -> Value {
        let flags = self.entries.iter().filter(|entry| !entry.name.is_empty());
        Value::map(flags.map(|entry| (entry.name.as_str(), entry.value.as_str().into())))
    }

    fn with(&self, changed: &[String], wanted: &Value) -> String {
        let will = |name: &str| ways::get(wanted, &[name.into()]).and_then(Value::as_str);
        let spelled = |name: &str| will(name).map(|value| format!("--{name}={value}"));
        let kept = self.entries.iter().filter_map(|entry| {
            if changed.contains(&entry.name) {
                spelled(&entry.name)
            } else {
                Some(entry.written.clone())
            }
        });
        let is_new = |name: &&String| self.entries.iter().all(|entry| entry.name != **name);
        let new = changed.iter().filter(is_new).filter_map(|name| spelled(name));
        let words: Vec<String> = kept.chain(new).collect();
        let inner = words.join(" ").replace('\\', "\\\\").replace('"', "\\\"");
        format!("{}{VARIABLE}\"{inner}\"{}", self.before, self.after)
    }
}

/// What stands between two double quotes; `None` where a quote ends it early.
fn unescaped(inner: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(letters.next()?),
            '"' => return None,
            other => out.push(other),
        }
    }
    Some(out)
}

fn entries(written: &[String]) -> Vec<Entry> {
    let mut out = Vec::new();
    let mut words_left = written.iter().peekable();
    while let Some(word) = words_left.next() {
        let mut entry = Entry { name: String::new(), value: String::new(), written: word.clone() };
        if let Some(flag) = word.strip_prefix("--") {
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            entry.name = name.replace('_', "-");
            entry.value = match value {
                Some(value) => words(&value).concat(),
                None => match words_left.next_if(|next| !next.starts_with('-')) {
                    Some(next) => {
                        entry.written = format!("{word} {next}");
                        words(next).concat()
                    }
                    None => "true".to_owned(),
                },
            };
        }
        out.push(entry);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const FILE: &str = "# by kubeadm\nKUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.7 --max-pods 17 \
                        --node-labels='a=b c' --v=2\"\n";

    fn none() -> Record {
        let (project, path) = ("shop".to_owned(), PATH.to_owned());
        Record { project, path, earlier: BTreeMap::new(), made: Vec::new() }
    }

    fn flags(list: &[(&'static str, Value)]) -> Vec<(Way, Value)> {
        asked(&Value::map(list.iter().cloned()))
    }

    #[test]
    fn flags_are_set_in_place_added_and_taken_away_and_come_back() {
        let ours = flags(&[("v", 4_i64.into()), ("max-pods", Value::Null), ("x", true.into())]);
        let new = flagged(FILE, &none(), &ours).unwrap();
        assert_eq!(new.changed, ["max-pods", "v", "x"]);
        assert_eq!(
            new.text,
            "# by kubeadm\nKUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.7 --node-labels='a=b c' --v=4 \
             --x=true\"\n"
        );
        let record = Record::parse(&new.record.unwrap()).unwrap();
        let again = flagged(&new.text, &record, &ours).unwrap();
        assert_eq!((again.changed, again.text), (Vec::<String>::new(), new.text.clone()));
        let back = flagged(&new.text, &record, &[]).unwrap();
        assert_eq!(
            back.text,
            "# by kubeadm\nKUBELET_KUBEADM_ARGS=\"--node-ip=10.0.0.7 --node-labels='a=b c' --v=2 \
             --max-pods=17\"\n"
        );
        assert_eq!(back.record, None);
    }

    #[test]
    fn an_empty_line_of_flags_is_as_it_was_when_all_is_given_back() {
        for file in ["KUBELET_KUBEADM_ARGS=\"\"\n", "KUBELET_KUBEADM_ARGS=\"\""] {
            let new = flagged(file, &none(), &flags(&[("node-ip", "10.0.0.8".into())])).unwrap();
            let wanted = file.replace("\"\"", "\"--node-ip=10.0.0.8\"");
            assert_eq!(new.text, wanted);
            let record = Record::parse(&new.record.unwrap()).unwrap();
            assert_eq!(flagged(&new.text, &record, &[]).unwrap().text, file);
        }
    }

    #[test]
    fn quotes_inside_stay_what_they_are() {
        let file = "KUBELET_KUBEADM_ARGS=\"--a=\\\"x y\\\" --b=1\"\n";
        let new = flagged(file, &none(), &flags(&[("b", "2".into())])).unwrap();
        assert_eq!(new.text, "KUBELET_KUBEADM_ARGS=\"--a=\\\"x y\\\" --b=2\"\n");
    }

    #[test]
    fn what_cannot_be_edited_safely_is_refused() {
        let why = |file: &str| flagged(file, &none(), &flags(&[("b", "2".into())])).err().unwrap();
        assert_eq!(why(""), "has no line that begins with `KUBELET_KUBEADM_ARGS=`");
        for file in ["'--b=1'", "\"--b=1", "\"--a\" \"--b\"", "--a=\"b\""] {
            let file = format!("KUBELET_KUBEADM_ARGS={file}\n");
            assert_eq!(why(&file), "quotes its flags in another way than kubeadm does", "{file}");
        }
        let twice = "KUBELET_KUBEADM_ARGS=\"--b=1 --b=2\"\n";
        assert_eq!(why(twice), "has the flag `--b` more than once");
    }
}
