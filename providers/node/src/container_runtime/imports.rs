//! Other files that containerd reads together with its own, and that win over it.
//!
//! Source: `LoadConfig`, `resolveImports` and `mergeConfig` in `cmd/containerd/server/config` of
//! `containerd/containerd`: containerd 1 takes a plugin's whole section from the last file that
//! has it, containerd 2 merges sections key by key.

use super::layout::Layout;
use super::text;
use crate::look::Looked;
use crate::settings::ways::{self, Way};
use access::Ask;
use values::Value;

/// What a file imports.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// The file that imports them.
    own: String,
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
        let mut found = Self { own: path.to_owned(), ..Self::default() };
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
        // Files may import each other in a circle, and a pattern may match the file that it is in.
        if path == self.own || self.files.iter().any(|(known, _)| known == path) {
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

/// Whether an import says something else of a setting that is to be `wanted`. It may be in another
/// schema than the file that imports it.
pub(super) fn wins(import: &str, layout: Layout, way: &Way, wanted: &Value, merges: bool) -> bool {
    let Ok(import) = text::read(import) else { return false };
    // A schema that is not known is that of the file.
    let other = Layout::of(&import).unwrap_or(layout);
    let way = layout.translated(way, other);
    match ways::get(&import, &way) {
        Some(found) => found != wanted,
        None => !merges && way.len() > 2 && ways::get(&import, &way[..2]).is_some(),
    }
}

/// The runtimes that only an import describes, and whose driver is another one.
pub(super) fn other_runtimes(
    import: &str,
    layout: Layout,
    file: &Value,
    driver: &str,
) -> Vec<String> {
    let Ok(import) = text::read(import) else { return Vec::new() };
    let other = Layout::of(&import).unwrap_or(layout);
    let known = layout.runc_runtimes(file);
    let mut described = other.described_runtimes(&import);
    described.retain(|(name, systemd)| !known.contains(name) && *systemd != (driver == "systemd"));
    described.into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let wins = |file: &str, way: &Way, wanted: &Value, merges: bool| {
            wins(file, Layout::Two, way, wanted, merges)
        };
        let file = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\n  enable_cdi = true\n";
        assert!(wins(file, &way, &"a".into(), false));
        assert!(!wins(file, &way, &"a".into(), true));
        let same = format!("{file}  sandbox_image = \"a\"\n");
        assert!(!wins(&same, &way, &"a".into(), false));
        assert!(wins(&same, &way, &"b".into(), true));
        assert!(!wins("version = 2\nroot = \"/data\"\n", &way, &"a".into(), false));
    }

    #[test]
    fn an_import_in_another_schema_wins_all_the_same() {
        let [two, three] = [Layout::Two, Layout::Three];
        let import = "version = 3\n[plugins.'io.containerd.cri.v1.images'.pinned_images]\n  \
                      sandbox = \"a\"\n";
        let says =
            |of: Layout, wanted: &str| wins(import, of, &of.sandbox_image(), &wanted.into(), true);
        assert!(says(two, "b") && says(three, "b"));
        assert!(!says(two, "a") && !says(three, "a"));
        let import = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.runc\
                      .options]\n  SystemdCgroup = false\n";
        assert!(wins(import, three, &three.systemd_cgroup("runc"), &true.into(), true));
        assert!(!wins(import, three, &three.systemd_cgroup("gpu"), &true.into(), true));
    }

    #[test]
    fn runtimes_that_only_an_import_describes_are_found() {
        let import = "version = 2\n[plugins.'io.containerd.grpc.v1.cri'.containerd.runtimes.gpu]\n  \
                      runtime_type = 'io.containerd.runc.v2'\n  options.BinaryName = '/gpu'\n";
        let file = text::read("version = 3").unwrap();
        let found = |driver: &str| other_runtimes(import, Layout::Three, &file, driver);
        assert_eq!(found("systemd"), ["gpu"]);
        assert_eq!(found("cgroupfs"), [""; 0]);
        let kata = import.replace("runc.v2", "kata.v2");
        assert_eq!(other_runtimes(&kata, Layout::Three, &file, "systemd"), [""; 0]);
    }
}
