//! Values of a Secret that are not in the configuration: it says where they are, and they are
//! read only by the step that writes them.
//!
//! A plan thus cannot compare them. What it compares is written on the object: an annotation
//! that says for each key which source it was read from, as a digest of the source (never of
//! the value). A value is taken to be the one that was read when it is still ours by the
//! server's account of owners, and was read from the same source. Else it is read and written
//! anew; `version` in the source is how somebody asks for that.
//!
//! **Invariant:** what is planned holds no value of a source. Where the server wants one to
//! judge an apply, it is shown the value that it has, or a stand-in.

use crate::args::{entries, get, items};
use crate::noop;
use crate::ownership::MANAGER;
use access::SecretSource;
use plans::Note;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use values::{Map, Path, Value};

/// The annotation: one key and the digest of its source a line.
pub const SOURCES: &str = "clinch/secret-sources";

/// An empty JSON object in base64: what the server accepts for a key of every type of Secret.
const STAND_IN: &str = "e30=";

/// Hexadecimal digits of a digest; enough to tell two sources apart.
const DIGITS: usize = 16;

/// A key of `data` whose value is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced {
    /// The key.
    pub key: String,
    /// Where the value is.
    pub source: SecretSource,
    /// Whether one line break at its end is taken off.
    pub trim: bool,
    /// What somebody changes to have it read anew.
    pub version: Option<String>,
}

impl Sourced {
    /// From an argument; else what is wrong with it, as a sentence.
    pub(crate) fn of(key: &str, given: &Value) -> Result<Self, String> {
        let text = |name: &str| get(given, name).as_str().map(str::to_owned);
        let argv = || items(get(given, "command")).iter().filter_map(Value::as_str);
        let command = (!get(given, "command").is_null())
            .then(|| SecretSource::Command(argv().map(str::to_owned).collect()));
        let file = text("file").map(SecretSource::File);
        let env = text("env").map(SecretSource::Env);
        let mut all: Vec<SecretSource> = [file, env, command].into_iter().flatten().collect();
        let source = match (all.pop(), all.is_empty()) {
            (Some(source), true) => source,
            (Some(_), false) => return Err(format!("`{key}` has more than one source.")),
            (None, _) => return Err(format!("`{key}` says nowhere where its value is.")),
        };
        let empty = match &source {
            SecretSource::File(name) | SecretSource::Env(name) => name.is_empty(),
            SecretSource::Command(argv) => argv.first().is_none_or(String::is_empty),
        };
        if empty {
            return Err(format!("The source of `{key}` has no name."));
        }
        let trims = matches!(source, SecretSource::Command(_));
        let trim = get(given, "trim").as_bool().unwrap_or(trims);
        Ok(Self { key: key.to_owned(), source, trim, version: text("version") })
    }

    /// As an operation holds it, and as the argument gives it.
    fn to_value(&self) -> Value {
        let source = match &self.source {
            SecretSource::File(path) => ("file", path.as_str().into()),
            SecretSource::Env(name) => ("env", name.as_str().into()),
            SecretSource::Command(argv) => {
                ("command", Value::list(argv.iter().map(|word| word.as_str().into())))
            }
        };
        let version = self.version.as_deref().map_or(Value::Null, Value::from);
        Value::map([source, ("trim", self.trim.into()), ("version", version)])
    }

    /// What its digest is made of: the kind of source, whether a line break is taken off, `=` and
    /// the version if there is one, and the words of the source; each as a netstring, which is its
    /// length in bytes, `:`, itself and `,`. Two sources never have the same text.
    ///
    /// This is a stored format: the digest stands on objects. Another text would have every secret
    /// read anew.
    fn text(&self) -> String {
        let (kind, words) = match &self.source {
            SecretSource::File(path) => ("file", std::slice::from_ref(path)),
            SecretSource::Env(name) => ("env", std::slice::from_ref(name)),
            SecretSource::Command(argv) => ("command", argv.as_slice()),
        };
        let trim = if self.trim { "true" } else { "false" };
        let version = self.version.as_ref().map(|v| format!("={v}")).unwrap_or_default();
        let mut text = String::new();
        let words = words.iter().map(String::as_str);
        for part in [kind, trim, version.as_str()].into_iter().chain(words) {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}:{part},", part.len());
        }
        text
    }

    /// The first digits of the SHA-256 of its text.
    fn digest(&self) -> String {
        let mut hex = String::new();
        for byte in Sha256::digest(self.text()) {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
        hex.truncate(DIGITS);
        hex
    }

    /// What was read, as it is to be written.
    pub(crate) fn finished(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.trim && bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        bytes
    }
}

/// All of an argument; `None` when it is not known yet. What is wrong is left out.
pub(crate) fn of_argument(given: &Value) -> Option<Vec<Sourced>> {
    if !given.is_known() {
        return None;
    }
    Some(entries(given).filter_map(|(key, source)| Sourced::of(key, source).ok()).collect())
}

/// As an operation holds them; null when there are none.
pub(crate) fn to_args(sources: &[Sourced]) -> Value {
    if sources.is_empty() {
        return Value::Null;
    }
    Value::map(sources.iter().map(|s| (s.key.as_str(), s.to_value())))
}

/// Of an operation.
pub(crate) fn of_args(args: &Value) -> Result<Vec<Sourced>, String> {
    entries(args).map(|(key, source)| Sourced::of(key, source)).collect()
}

/// The intent with something in the place of each value, and the annotation; and what to say
/// of those that will be read.
pub(crate) fn filled(
    intent: &Value,
    sources: &[Sourced],
    live: Option<&Value>,
) -> (Value, Vec<Note>) {
    if sources.is_empty() {
        return (intent.clone(), Vec::new());
    }
    let read_before = live.map(Live::of);
    let mut object = intent.as_map().cloned().unwrap_or_default();
    let (mut notes, mut lines) = (Vec::new(), String::new());
    let mut values = Map::new();
    for sourced in sources {
        let value = read_before.as_ref().and_then(|live| live.value(sourced));
        if value.is_none() {
            let path = Path::of("data").attr(&sourced.key);
            notes.push(Note { path, text: format!("read from {} by the apply", sourced.source) });
        }
        let value = value.unwrap_or_else(|| STAND_IN.into()).into_sensitive();
        values.insert(sourced.key.as_str().into(), value);
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{} {}", sourced.key, sourced.digest());
    }
    let metadata = object.get("metadata").cloned().unwrap_or_else(Value::empty_map);
    let annotations = with(metadata.get("annotations"), [(SOURCES.into(), lines.into())]);
    object.insert("data".into(), with(object.get("data"), values));
    object.insert("metadata".into(), with(Some(&metadata), [("annotations".into(), annotations)]));
    (Value::map(object), notes)
}

/// A map with more entries; one that is not known yet stays so.
fn with(
    map: Option<&Value>,
    more: impl IntoIterator<Item = (std::sync::Arc<str>, Value)>,
) -> Value {
    match map {
        Some(Value::Map(map)) => Value::map(Map::clone(map).into_iter().chain(more)),
        None | Some(Value::Null) => Value::map(more),
        Some(other) => other.clone(),
    }
}

/// What the live object says of values that were read before.
struct Live<'a> {
    digests: BTreeMap<&'a str, &'a str>,
    data: &'a Value,
    owned: Value,
}

impl<'a> Live<'a> {
    fn of(live: &'a Value) -> Self {
        let annotations = live.get("metadata").and_then(|m| m.get("annotations"));
        let text = annotations.and_then(|a| a.get(SOURCES)).and_then(Value::as_str);
        let lines = text.unwrap_or_default().lines();
        Self {
            digests: lines.filter_map(|line| line.split_once(' ')).collect(),
            data: get(live, "data"),
            owned: get(&noop::projection(live, MANAGER), "data").clone(),
        }
    }

    /// The value that was read from this source and is still there.
    fn value(&self, sourced: &Sourced) -> Option<Value> {
        let same = self.digests.get(sourced.key.as_str()) == Some(&sourced.digest().as_str());
        let ours = self.owned.get(&sourced.key).is_some();
        self.data.get(&sourced.key).filter(|_| same && ours).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sourced(given: &[(&str, Value)]) -> Sourced {
        Sourced::of("key", &Value::map(given.iter().cloned())).unwrap()
    }

    fn argv(words: &[&str]) -> Value {
        Value::list(words.iter().map(|word| Value::from(*word)))
    }

    #[test]
    fn digest_of_a_source_is_the_same_in_every_version() {
        #[track_caller]
        fn check(given: &[(&str, Value)], text: &str, digest: &str) {
            let sourced = sourced(given);
            assert_eq!((sourced.text().as_str(), sourced.digest().as_str()), (text, digest));
        }
        check(
            &[("file", "/run/p\u{e4}ss".into())],
            "4:file,5:false,0:,10:/run/p\u{e4}ss,",
            "03899c7559d34d5e",
        );
        let given = [("env", "TOKEN".into()), ("trim", true.into()), ("version", "2".into())];
        check(&given, "3:env,4:true,2:=2,5:TOKEN,", "50cc1c586353fc01");
        let given = [("command", argv(&["vault", "read", "a b"]))];
        check(&given, "7:command,4:true,0:,5:vault,4:read,3:a b,", "9f1b78a66e0a5dc9");
    }

    #[test]
    fn sources_that_differ_have_digests_that_differ() {
        let all = [
            sourced(&[("file", "a".into())]),
            sourced(&[("env", "a".into())]),
            sourced(&[("file", "a".into()), ("trim", true.into())]),
            sourced(&[("file", "a".into()), ("version", "".into())]),
            sourced(&[("file", "a".into()), ("version", "1".into())]),
            sourced(&[("command", argv(&["a"]))]),
            sourced(&[("command", argv(&["a", "b"]))]),
            sourced(&[("command", argv(&["a", "b,1:c"]))]),
            sourced(&[("command", argv(&["a", "b", "c"]))]),
        ];
        let digests: std::collections::BTreeSet<String> = all.iter().map(Sourced::digest).collect();
        assert_eq!(digests.len(), all.len());
    }
}
