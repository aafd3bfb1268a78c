//! Editing the kubelet's configuration file: only the lines of settings that change are other
//! lines afterwards, so that comments and the order of the rest stay.

use crate::settings::ways;
use std::fmt::Write as _;
use values::Value;
use yaml::{Kind, Node};

/// The setting that the kubelet's runtime must have, too.
pub(crate) const DRIVER: &str = "cgroupDriver";

/// What the kubelet reads from a text, or why it could not, as the end of a sentence.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let root = root(text)?;
    let value = root.to_value();
    let says = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match (says("apiVersion").as_str(), says("kind").as_str()) {
        ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration") => Ok(value),
        (version, kind) => Err(format!(
            "is no KubeletConfiguration of kubelet.config.k8s.io/v1beta1: it says `{}` and `{}`",
            version.escape_debug(),
            kind.escape_debug()
        )),
    }
}

/// The same of a text that may be only a part of a configuration, and need not say what it is.
pub(crate) fn read_part(text: &str) -> Result<Value, String> {
    root(text).map(|root| root.to_value())
}

/// Digest of a configuration without its cgroup driver.
pub(crate) fn apart(live: &Value) -> String {
    let without = ways::with(live, &[DRIVER.into()], None);
    let text = access::json::to_json(&without).map(|json| json.to_string()).unwrap_or_default();
    access::digest(text.as_bytes())
}

fn root(text: &str) -> Result<Node, String> {
    let documents = yaml::documents(text)
        .map_err(|mistake| format!("cannot be read: {}", mistake.why.trim_end_matches('.')))?;
    match <[Node; 1]>::try_from(documents) {
        Ok([root]) if matches!(root.kind, Kind::Map(_)) => Ok(root),
        Ok(_) => Err("is no mapping".to_owned()),
        Err(many) => Err(format!("has {} documents instead of one", many.len())),
    }
}

/// The text that says `wanted`. Where the lines cannot be changed one by one (a file in JSON, say)
/// it is written anew as a whole.
pub(crate) fn edited(text: &str, wanted: &Value) -> String {
    let by_lines = line_by_line(text, wanted);
    match by_lines.filter(|text| root(text).is_ok_and(|root| root.to_value() == *wanted)) {
        Some(text) => text,
        None => whole(wanted),
    }
}

fn whole(wanted: &Value) -> String {
    let entries = wanted.as_map().into_iter().flat_map(values::Map::iter);
    entries.map(|(key, value)| entry(key, value, 0)).collect()
}

fn line_by_line(text: &str, wanted: &Value) -> Option<String> {
    let root = root(text).ok()?;
    let Kind::Map(entries) = &root.kind else { return None };
    let at = |place: u32| usize::try_from(place).ok();
    let starts = entries.iter().map(|e| at(e.place.start)).collect::<Option<Vec<_>>>()?;
    let mut out = text.get(..*starts.first()?)?.to_owned();
    for (i, found) in entries.iter().enumerate() {
        let end = starts.get(i + 1).copied().unwrap_or(text.len());
        let lines = text.get(starts[i]..end)?;
        let (block, after) = lines.split_at(length_of_block(lines));
        match wanted.get(&found.key) {
            Some(value) if *value == found.value.to_value() => out.push_str(block),
            Some(value) => out.push_str(&entry(&found.key, value, 0)),
            None => {}
        }
        out.push_str(after);
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    let is_new = |key: &str| entries.iter().all(|e| *e.key != *key);
    for (key, value) in wanted.as_map()?.iter().filter(|(key, _)| is_new(key)) {
        out.push_str(&entry(key, value, 0));
    }
    Some(out)
}

/// Without comments and blank lines at the end: those belong to what comes next.
fn length_of_block(lines: &str) -> usize {
    let (mut end, mut length) = (0, 0);
    for line in lines.split_inclusive('\n') {
        end += line.len();
        let content = line.trim();
        if !content.is_empty() && !line.starts_with('#') && content != "..." && content != "---" {
            length = end;
        }
    }
    length
}

fn entry(key: &str, value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    format!("{indent}{}:{}", scalar(key), under(value, depth))
}

/// What stands behind a colon or a dash, to the end of the last line.
fn under(value: &Value, depth: usize) -> String {
    match value {
        Value::Map(map) if !map.is_empty() => {
            let inner: String = map.iter().map(|(k, v)| entry(k, v, depth + 1)).collect();
            format!("\n{inner}")
        }
        Value::List(items) if !items.is_empty() => {
            let indent = "  ".repeat(depth);
            items.iter().fold("\n".to_owned(), |mut out, item| {
                // Writing to a string cannot fail.
                let _ = write!(out, "{indent}-{}", item_under(item, depth));
                out
            })
        }
        Value::Map(_) => " {}\n".to_owned(),
        Value::List(_) => " []\n".to_owned(),
        Value::String(text) => format!(" {}\n", scalar(text)),
        Value::Bool(b) => format!(" {b}\n"),
        Value::Number(number) => format!(" {number}\n"),
        Value::Sensitive(hidden) => under(hidden.expose(), depth),
        Value::Null | Value::Unknown(_) => " null\n".to_owned(),
    }
}

/// An item's first entry stands behind the dash.
fn item_under(item: &Value, depth: usize) -> String {
    match item {
        Value::Map(map) if !map.is_empty() => {
            let inner: String = map.iter().map(|(k, v)| entry(k, v, depth + 1)).collect();
            format!(" {}", inner.trim_start())
        }
        other => under(other, depth + 1),
    }
}

/// A text as it is where YAML reads it as that text, else in quotes.
fn scalar(text: &str) -> String {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/-%".contains(&b))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/');
    let read = || yaml::documents(text).ok().filter(|found| found.len() == 1);
    if plain && read().is_some_and(|found| found[0].as_text() == Some(text)) {
        return text.to_owned();
    }
    access::json::to_json(&text.into())
        .map_or_else(|_| format!("{text:?}"), |json| json.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# Written by kubeadm, then by hand.
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false   # never

# DNS of this site
clusterDNS:
- 10.96.0.10
kind: KubeletConfiguration
maxPods: 110
";

    fn change(key: &str, value: Option<Value>) -> String {
        let mut map = read(FILE).unwrap().as_map().cloned().unwrap();
        match value {
            Some(value) => map.insert(key.into(), value),
            None => map.remove(key),
        };
        let wanted = Value::map(map);
        let text = edited(FILE, &wanted);
        assert_eq!(read(&text), Ok(wanted));
        text
    }

    #[test]
    fn only_the_lines_of_a_setting_change() {
        let text = change("maxPods", Some(200_i64.into()));
        assert_eq!(text, FILE.replace("110\n", "200\n"));
        let text = change("clusterDNS", None);
        assert_eq!(text, FILE.replace("clusterDNS:\n- 10.96.0.10\n", ""));
    }

    #[test]
    fn new_settings_come_last_and_texts_are_quoted_where_they_must_be() {
        let eviction = Value::map([("memory.available", "200Mi".into()), ("nodefs", "10%".into())]);
        let text = change("evictionHard", Some(eviction));
        let added = "evictionHard:\n  memory.available: 200Mi\n  nodefs: 10%\n";
        assert_eq!(text, format!("{FILE}{added}"));
        let texts = ["yes", "0644", "1_000", "", "a: b", "x #y", "10s", "{", "~", "\u{1b}[2J"];
        let list = Value::list(texts.map(Value::from));
        change("allowedUnsafeSysctls", Some(list));
        let memory = Value::map([
            ("limits", Value::map([("memory", "1Gi".into())])),
            ("numaNode", 0_i64.into()),
        ]);
        let text = change("reservedMemory", Some(Value::list([memory])));
        let added = "reservedMemory:\n- limits:\n    memory: 1Gi\n  numaNode: 0\n";
        assert_eq!(text, format!("{FILE}{added}"));
    }

    #[test]
    fn a_file_in_json_is_written_anew() {
        let json =
            r#"{"kind": "KubeletConfiguration", "apiVersion": "kubelet.config.k8s.io/v1beta1"}"#;
        let wanted = crate::settings::ways::with(
            &read(json).unwrap(),
            &["maxPods".into()],
            Some(&5_i64.into()),
        );
        let text =
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 5\n";
        assert_eq!(edited(json, &wanted), text);
    }

    #[test]
    fn what_no_kubelet_would_read_is_said() {
        let why = |text: &str| read(text).unwrap_err();
        assert_eq!(why("- a\n"), "is no mapping");
        assert_eq!(why(""), "has 0 documents instead of one");
        assert!(why("a: [").starts_with("cannot be read: "));
        assert!(why("kind: Pod\n").starts_with("is no KubeletConfiguration"));
    }
}
