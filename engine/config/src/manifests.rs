//! Objects in files of YAML, as `manifests("apps/*.yaml")` names them.

use crate::codes;
use crate::load::{SourceFile, Sources};
use crate::text::{add_file, brief};
use crate::tree::{Config, Manifest, Manifests};
use diags::{Diagnostic, Diagnostics, SourceId, SourceMap, Span};
use globset::{Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};
use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;
use values::Path;
use yaml::{Kind, Node, Place};

/// Names of files with `*`, `?`, `[a-z]`, `{a,b}`, and `**` for any folders.
#[derive(Debug, Clone)]
pub struct Pattern {
    folder: String,
    whole: String,
    matcher: GlobMatcher,
    /// Of the folders on the way.
    folders: GlobSet,
}

impl Pattern {
    /// From its text; else why it is none, as the end of a sentence.
    pub fn new(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').filter(|p| !matches!(*p, "" | ".")).collect();
        if text.starts_with('/') || text.contains('\\') {
            return Err("it is a path relative to the root module, with `/`".to_owned());
        }
        let Some((_, folders)) = parts.split_last() else {
            return Err("it names no file".to_owned());
        };
        if let Some(i) = parts.iter().rposition(|part| *part == "..")
            && parts[..i].iter().any(|part| *part != "..")
        {
            return Err("`..` stands only at its begin".to_owned());
        }
        let whole = parts.join("/");
        let matcher = glob(&whole).map_err(|error| error.kind().to_string())?.compile_matcher();
        let on_the_way = on_the_way(folders).map_err(|error| error.kind().to_string())?;
        let plain = |part: &&&str| !part.contains(['*', '?', '[', '{']);
        let folder = folders.iter().take_while(plain).copied().collect::<Vec<_>>().join("/");
        Ok(Self { folder, whole, matcher, folders: on_the_way })
    }

    /// The folder below which all files are; `.` for the one of the configuration.
    pub fn folder(&self) -> &str {
        if self.folder.is_empty() { "." } else { &self.folder }
    }

    /// Whether a file of this name, as the user would type it, is meant. Files and folders
    /// whose names begin with `.` are not, as in a shell. A name need not be UTF-8 for that.
    pub fn is_match(&self, name: impl AsRef<FilePath>) -> bool {
        let name = name.as_ref();
        self.matcher.is_match(name) && !self.is_hidden(name)
    }

    /// Whether a file that is meant may be in this folder or deeper.
    pub fn enters(&self, folder: impl AsRef<FilePath>) -> bool {
        let folder = folder.as_ref();
        self.folders.is_match(folder) && !self.is_hidden(folder)
    }

    fn is_hidden(&self, name: &FilePath) -> bool {
        let inner = name.strip_prefix(&self.folder).unwrap_or(name);
        inner.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
    }

    /// Whether its files are below one of these folders, or below the root.
    fn is_within(&self, folders: &[&str]) -> bool {
        let below = |dir: &&str| {
            self.folder == **dir
                || self.folder.strip_prefix(*dir).is_some_and(|r| r.starts_with('/'))
        };
        !self.whole.starts_with("..") || folders.iter().any(below)
    }
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build()
}

/// The folders that a file may be in, and those above them.
fn on_the_way(folders: &[&str]) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for (i, part) in folders.iter().enumerate() {
        match glob(&folders[..=i].join("/")) {
            Ok(glob) if !part.contains("**") => set.add(glob),
            // Any folder from here on; also where a pair of brackets holds a `/`.
            Ok(_) | Err(_) => {
                let any = folders[..i].iter().copied().chain(["**"]).collect::<Vec<_>>().join("/");
                set.add(glob(&any)?);
                break;
            }
        };
    }
    set.build()
}

/// Reads the files that a pattern names. What cannot be read is told and leaves the result
/// incomplete.
pub fn read_manifests(
    config: &Config,
    pattern: &str,
    at: Span,
    sources: &mut dyn Sources,
    map: &mut SourceMap,
) -> (Manifests, Diagnostics) {
    let mut reading = Reading::default();
    let refuse = |why: &str| {
        let detail = format!("`{}` cannot be read: {why}.", brief(pattern));
        Diagnostic::error(codes::UNREADABLE, "Files cannot be read", detail).at(at, "")
    };
    let dirs: Vec<&str> = config.modules.values().map(|module| module.dir.as_str()).collect();
    let files = match Pattern::new(pattern) {
        Err(why) => Err(refuse(&why)),
        Ok(wanted) if !wanted.is_within(&dirs) => Err(refuse(
            "a configuration reads no files outside of its own folder and those of its modules",
        )),
        Ok(wanted) => sources.matching(&wanted).map_err(|why| refuse(&why)),
    };
    match files {
        Err(diagnostic) => reading.told.push(diagnostic),
        // Nothing would mean to delete all that was there.
        Ok(files) if files.is_empty() => {
            let help = "Names are relative to the root module; in a module write \
                        `${path.module}/...`.";
            reading.told.push(refuse("no file has such a name").with_help(help));
        }
        Ok(files) => {
            for file in files {
                reading.file(file, at, map);
            }
        }
    }
    let complete = !reading.told.has_errors();
    let Reading { objects, sources, told } = reading;
    (Manifests { objects, sources, complete }, told)
}

#[derive(Default)]
struct Reading {
    sources: Vec<SourceId>,
    objects: BTreeMap<Arc<str>, Manifest>,
    told: Diagnostics,
}

impl Reading {
    fn file(&mut self, file: SourceFile, at: Span, map: &mut SourceMap) {
        let bytes = match file.bytes {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.told.push(reason.diagnostic(&file.name).at(at, "named here"));
                return;
            }
        };
        let source = match add_file(map, &file.name, bytes) {
            Ok(source) => source,
            Err(diagnostic) => {
                self.told.push(*diagnostic);
                return;
            }
        };
        self.sources.push(source);
        let text = map.get(source).map(|s| s.text.clone()).unwrap_or_default();
        match yaml::documents(&text) {
            Ok(documents) => {
                for document in documents {
                    self.document(source, document);
                }
            }
            Err(mistake) => {
                let d = Diagnostic::error(codes::BAD_YAML, "File is not valid YAML", mistake.why);
                let d = d.at(span(source, mistake.place), "");
                self.told.push(match mistake.also {
                    Some(also) => d.at(span(source, also), "the first"),
                    None => d,
                });
            }
        }
    }

    fn document(&mut self, source: SourceId, node: Node) {
        if node.kind == Kind::Null {
            return;
        }
        let kind = node.get("kind").and_then(Node::as_text).unwrap_or_default();
        if let Some(Kind::List(items)) = node.get("items").map(|items| &items.kind)
            && kind.ends_with("List")
        {
            for item in items.iter() {
                self.document(source, item.clone());
            }
            return;
        }
        let metadata = node.get("metadata");
        let text = |of: Option<&Node>, name: &str| {
            of.and_then(|of| of.get(name)).and_then(Node::as_text).unwrap_or_default().to_owned()
        };
        let (version, name) = (text(Some(&node), "apiVersion"), text(metadata, "name"));
        let parts = [("apiVersion", &*version), ("kind", kind), ("metadata.name", &*name)];
        if let Some((missing, _)) = parts.into_iter().find(|(_, text)| text.is_empty()) {
            let there = node.at(&Path::of(missing));
            let detail = match there.map(|there| &there.kind) {
                Some(Kind::Bool(_) | Kind::Number(_)) => format!(
                    "`{missing}` is no text here: Kubernetes reads a plain word such as `y`, \
                     `no` or `1.10` as something else. Put it in quotes."
                ),
                _ => format!(
                    "Each document of such a file is an object of Kubernetes, and this one has \
                     no `{missing}`."
                ),
            };
            let d = Diagnostic::error(codes::BAD_YAML, "Document is no object", detail);
            let at = there.map_or_else(|| first_line(&node), |there| there.place);
            self.told.push(d.at(span(source, at), ""));
            return;
        }
        let namespace = text(metadata, "namespace");
        let key: Arc<str> = match namespace.as_str() {
            "" => format!("{kind}/{name}").into(),
            namespace => format!("{kind}/{namespace}/{name}").into(),
        };
        if let Some(first) = self.objects.get(&key) {
            let detail = format!("`{key}` stands in these files twice.");
            let d = Diagnostic::error(codes::DUPLICATE, "Object given twice", detail)
                .at(span(source, first_line(&node)), "")
                .at(span(first.source, first_line(&first.node)), "the first");
            self.told.push(d);
            return;
        }
        let value = node.to_value();
        self.objects.insert(key, Manifest { source, node, value });
    }
}

/// The place of a document's first key: the whole may have a hundred lines.
fn first_line(node: &Node) -> Place {
    match &node.kind {
        Kind::Map(entries) => entries.first().map_or(node.place, |entry| entry.place),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => node.place,
    }
}

fn span(source: SourceId, place: Place) -> Span {
    Span { source, start: place.start, end: place.end }
}

impl Manifest {
    /// The deepest place that the steps lead to.
    pub fn place_of(&self, steps: &[values::Step]) -> Span {
        match steps {
            [] => span(self.source, first_line(&self.node)),
            steps => span(self.source, self.node.place_of(steps)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).unwrap().is_match(name)
    }

    #[test]
    fn patterns_mean_what_a_shell_makes_of_them() {
        assert!(matches("apps/*.yaml", "apps/web.yaml"));
        assert!(matches("./apps//*.yaml", "apps/web.yaml"));
        assert!(!matches("apps/*.yaml", "apps/web/a.yaml"));
        assert!(!matches("apps/*.yaml", "apps/.web.yaml"));
        assert!(matches("apps/**/*.{yaml,yml}", "apps/a/b/c.yml"));
        assert!(matches("apps/**/*.yaml", "apps/c.yaml"));
        assert!(!matches("**/*.yaml", ".git/c.yaml"));
        assert!(matches("../shared/*.yaml", "../shared/a.yaml"));
    }

    #[test]
    fn name_that_is_not_utf_8_is_meant_like_any_other() {
        let name = |bytes: &'static [u8]| {
            <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)
        };
        let pattern = Pattern::new("apps/*.yaml").unwrap();
        assert!(pattern.is_match(name(b"apps/t\xe4m.yaml")));
        assert!(!pattern.is_match(name(b"apps/t\xe4m.txt")));
        assert!(!pattern.is_match(name(b"apps/.\xe4.yaml")));
        assert!(Pattern::new("*/*.yaml").unwrap().enters(name(b"t\xe4m")));
    }

    #[test]
    fn patterns_say_which_folders_their_files_are_in() {
        #[track_caller]
        fn check(pattern: &str, folder: &str, entered: &[&str], left_out: &[&str]) {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.folder(), folder);
            for (names, wanted) in [(entered, true), (left_out, false)] {
                for name in names {
                    assert_eq!(pattern.enters(name), wanted, "{name}");
                }
            }
        }
        check("a.yaml", ".", &[], &["apps"]);
        check("*.yaml", ".", &[], &["apps"]);
        check("apps/*/x.yaml", "apps", &["apps/web"], &["more/web", "apps/web/a", "apps/.web"]);
        check("apps/{web,db}-?/*.yaml", "apps", &["apps/db-1"], &["apps/new", "apps/db-10"]);
        check("apps/**/x.yaml", "apps", &["apps/web", "apps/web/a"], &["more", "apps/a/.b"]);
        check("a*/**/b/x.yaml", ".", &["apps", "apps/c", "apps/c/b/d"], &["more"]);
        check("**/x.yaml", ".", &["apps", "apps/web"], &[".git", "apps/.git"]);
        check("**.yaml", ".", &[], &["apps"]);
        check("../shared/*/x.yaml", "../shared", &["../shared/a"], &["../other/a"]);
        // Brackets that hold a `/` are not taken apart.
        check("apps/{a/b,c}/x.yaml", "apps", &["apps/a", "apps/a/b", "apps/c"], &["more"]);
    }

    #[test]
    fn patterns_that_lead_elsewhere_are_refused() {
        let why = |pattern: &str| Pattern::new(pattern).unwrap_err();
        assert_eq!(why("/etc/*.yaml"), "it is a path relative to the root module, with `/`");
        assert_eq!(why("apps/../../x.yaml"), "`..` stands only at its begin");
        assert_eq!(why(""), "it names no file");
        assert!(why("a[.yaml").contains("unclosed"));
    }
}
