//! Other files that containerd reads together with its own, and that win over it.
//!
//! Source: `LoadConfig`, `resolveImports` and `mergeConfig` in `cmd/containerd/server/config` of
//! `containerd/containerd`: containerd 1 takes a plugin's whole section from the last file that
//! has it, containerd 2 merges sections key by key.

use super::text;
use crate::look::Looked;
use crate::settings::ways::{self, Way};
use access::Ask;
use values::Value;

/// What a file imports.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// The files, in the order in which they are read, with what they hold.
    pub(super) files: Vec<(String, String)>,
    /// What was asked for that cannot be followed, by file or pattern.
    pub(super) unread: Vec<String>,
    /// What is to be looked at to know more.
    pub(super) asks: Vec<Ask>,
}

impl Imports {
    /// Of a file, as far as it was looked at.
    pub(super) fn of(path: &str, content: &str, looked: &Looked) -> Self {
        let mut found = Self::default();
        found.follow(path, content, looked);
        found
    }

    fn follow(&mut self, path: &str, content: &str, looked: &Looked) {
        let live = text::read(content).unwrap_or(Value::Null);
        let patterns = live.get("imports").and_then(Value::as_list).unwrap_or(&[]);
        for pattern in patterns.iter().filter_map(Value::as_str) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let pattern = if pattern.starts_with('/') {
                pattern.to_owned()
            } else {
                format!("{folder}/{pattern}")
            };
            let Some((folder, name)) = pattern.rsplit_once('/') else { continue };
            if folder.contains(['*', '?', '[']) || name.contains('[') {
                self.unread.push(pattern);
            } else if name.contains('*') {
                let ask = Ask::folder(folder);
                if !looked.has(&ask) {
                    self.asks.push(ask);
                    continue;
                }
                match looked.files_in(folder) {
                    Ok(names) => {
                        for found in names.into_iter().filter(|found| matches(name, found)) {
                            self.one(&format!("{folder}/{found}"), looked);
                        }
                    }
                    Err(_) => self.unread.push(pattern),
                }
            } else {
                self.one(&pattern, looked);
            }
        }
    }

    fn one(&mut self, path: &str, looked: &Looked) {
        // Files may import each other in a circle.
        if self.files.iter().any(|(known, _)| known == path) {
            return;
        }
        let ask = Ask::file(path);
        if !looked.has(&ask) {
            self.asks.push(ask);
            return;
        }
        match looked.file(path) {
            Ok(Some(file)) => {
                let content = String::from_utf8_lossy(&file.content).into_owned();
                self.files.push((path.to_owned(), content.clone()));
                self.follow(path, &content, looked);
            }
            Ok(None) => {}
            Err(_) => self.unread.push(path.to_owned()),
        }
    }
}

/// Whether a name matches a pattern of `*` and `?`.
fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.chars().next(), name.chars().next()) {
        (None, None) => true,
        (Some('*'), _) => {
            matches(&pattern[1..], name)
                || name.chars().next().is_some_and(|c| matches(pattern, &name[c.len_utf8()..]))
        }
        (Some('?'), Some(c)) => matches(&pattern[1..], &name[c.len_utf8()..]),
        (Some(a), Some(b)) if a == b => matches(&pattern[a.len_utf8()..], &name[b.len_utf8()..]),
        (None | Some(_), _) => false,
    }
}

/// What an import says of a setting that is to be `wanted`, when it wins with something else.
pub(super) fn wins(import: &str, way: &Way, wanted: &Value, merges: bool) -> bool {
    let Ok(import) = text::read(import) else { return false };
    match ways::get(&import, way) {
        Some(found) => found != wanted,
        None => !merges && way.len() > 2 && ways::get(&import, &way[..2]).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container_runtime::layout::Layout;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, is) in [
            ("*.toml", "10-a.toml", true),
            ("*.toml", ".toml", true),
            ("*.toml", "a.tom", false),
            ("a?c*", "abc", true),
            ("a?c", "ac", false),
            ("*é*", "café.toml", true),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }

    #[test]
    fn a_section_elsewhere_wins_as_a_whole_before_containerd_2() {
        let way = Layout::Two.sandbox_image();
        let file = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  enable_cdi = true\n";
        assert!(wins(file, &way, &"a".into(), false));
        assert!(!wins(file, &way, &"a".into(), true));
        let same = format!("{file}  sandbox_image = \"a\"\n");
        assert!(!wins(&same, &way, &"a".into(), false));
        assert!(wins(&same, &way, &"b".into(), true));
        assert!(!wins("version = 2\nroot = \"/data\"\n", &way, &"a".into(), false));
    }
}
