//! Reading directories: the root and every local module it calls.

use crate::blocks::{declare, outside};
use crate::codes;
use crate::early::{self, Constants, EarlyTexts, constant_text};
use crate::json::{is_json, read_json, read_values};
use crate::manifests::Pattern;
use crate::overrides::{Overrides, is_override};
use crate::read::{read_expression, read_file};
use crate::syntax::Sink;
use crate::text::{add_file, add_text, brief};
use crate::tree::{Block, Config, Expr, Module, ModuleCall, Resource};
use addrs::{Ident, ModulePath};
use diags::{Code, Diagnostic, Diagnostics, SourceMap, Span};
use std::collections::{BTreeMap, BTreeSet};

/// Calls of calls unfold: two calls of a module that makes two calls are four modules.
const MAX_MODULES: usize = 10_000;
/// The longest chain of calls.
const MAX_CHAIN: usize = 64;

/// One file of a directory, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as the user would type it, with `/`: `modules/web/main.hcl`.
    pub name: String,
    /// Its bytes, or why they cannot be read.
    pub bytes: Result<Vec<u8>, Unreadable>,
}

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// As the end of a sentence: `permission denied`.
    pub why: String,
    /// What to do about it, as a sentence.
    pub help: String,
}

impl<S: Into<String>> From<S> for Unreadable {
    fn from(why: S) -> Self {
        Self { why: why.into(), help: "Check the permissions of the file.".to_owned() }
    }
}

impl Unreadable {
    pub(crate) fn diagnostic(self, name: &str) -> Diagnostic {
        let detail = format!("`{}` cannot be read: {}.", brief(name), brief(&self.why));
        Diagnostic::error(codes::UNREADABLE, "File cannot be read", detail).with_help(self.help)
    }
}

/// Where configuration comes from: a port, so that this crate reads no disk.
pub trait Sources {
    /// The files directly in a directory, or why it cannot be read.
    ///
    /// `dir` is the root as it was given to [`load`], or a path below it (`modules/web`) or
    /// beside it (`../shared`). Only files for which [`is_config_file`] holds are looked at;
    /// others may be left out. The order does not matter.
    fn list(&mut self, dir: &str) -> Result<Vec<SourceFile>, String>;

    /// The files that a pattern names, in the order of their names, or why they cannot be
    /// looked for. A link that leads out of the configuration is a file that cannot be read,
    /// and so is what could hide a file that is meant: a link to a folder that the pattern
    /// [enters](Pattern::enters), or a name that is not UTF-8.
    fn matching(&mut self, pattern: &Pattern) -> Result<Vec<SourceFile>, String>;

    /// The file of this name, or nothing when there is none. A link that leads out of the
    /// configuration is a file that cannot be read.
    fn file(&mut self, name: &str) -> Option<SourceFile>;
}

/// Files kept in memory, by path: `main.hcl`, `modules/web/main.hcl`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InMemory(pub BTreeMap<String, Vec<u8>>);

impl<N: Into<String>, B: Into<Vec<u8>>> FromIterator<(N, B)> for InMemory {
    fn from_iter<I: IntoIterator<Item = (N, B)>>(files: I) -> Self {
        Self(files.into_iter().map(|(name, bytes)| (name.into(), bytes.into())).collect())
    }
}

impl Sources for InMemory {
    fn list(&mut self, dir: &str) -> Result<Vec<SourceFile>, String> {
        let prefix = if dir == "." { String::new() } else { format!("{dir}/") };
        let below = |name: &str| name.starts_with(&prefix);
        if !self.0.keys().any(|name| below(name)) && dir != "." {
            return Err("no such directory".to_owned());
        }
        let files =
            self.0.iter().filter(|(name, _)| below(name) && !name[prefix.len()..].contains('/'));
        Ok(files
            .map(|(name, bytes)| SourceFile { name: name.clone(), bytes: Ok(bytes.clone()) })
            .collect())
    }

    fn matching(&mut self, pattern: &Pattern) -> Result<Vec<SourceFile>, String> {
        let files = self.0.iter().filter(|(name, _)| pattern.is_match(name));
        let file = |(name, bytes): (&String, &Vec<u8>)| SourceFile {
            name: name.clone(),
            bytes: Ok(bytes.clone()),
        };
        Ok(files.map(file).collect())
    }

    fn file(&mut self, name: &str) -> Option<SourceFile> {
        let bytes = self.0.get(name)?;
        Some(SourceFile { name: name.to_owned(), bytes: Ok(bytes.clone()) })
    }
}

/// Whether a file, by its name or path, holds configuration: `*.hcl` and `*.hcl.json`, without
/// files that are hidden or that an editor keeps while it works.
pub fn is_config_file(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    let hcl = base.strip_suffix(".json").unwrap_or(base);
    hcl.strip_suffix(".hcl").is_some_and(|stem| !stem.is_empty())
        && !base.starts_with(['.', '~', '#'])
}

/// Reads the root directory and every local module it calls, as deep as the calls go.
///
/// It never fails: the configuration has whatever could be read, the diagnostics say what
/// could not. Sources of modules must be constants; [`load_with`] knows more.
pub fn load(root: &str, sources: &mut dyn Sources, map: &mut SourceMap) -> (Config, Diagnostics) {
    load_with(root, sources, map, &mut Constants)
}

/// [`load`] with sources of modules that are evaluated.
pub fn load_with(
    root: &str,
    sources: &mut dyn Sources,
    map: &mut SourceMap,
    texts: &mut dyn EarlyTexts,
) -> (Config, Diagnostics) {
    let mut loader = Loader {
        sources,
        map,
        texts,
        read: BTreeMap::new(),
        config: Config::default(),
        diags: Diagnostics::new(),
        cycles: BTreeSet::new(),
        refused: BTreeSet::new(),
        full: false,
    };
    match loader.read_dir(root, true) {
        Ok(module) => loader.add(Vec::new(), module, &mut vec![root.to_owned()]),
        Err(why) => {
            let (code, summary, detail) = match why {
                NoModule::Unreadable(why) => (
                    codes::UNREADABLE,
                    "Directory cannot be read",
                    format!("`{}` cannot be read: {}.", brief(root), brief(&why)),
                ),
                NoModule::Empty => (
                    codes::EMPTY_DIR,
                    "No configuration here",
                    format!("`{}` holds no file whose name ends in `.hcl`.", brief(root)),
                ),
            };
            let diagnostic = Diagnostic::error(code, summary, detail).with_help(
                "Run clinch in a directory with configuration, or name one with `-chdir=DIR`.",
            );
            loader.diags.push(diagnostic);
            loader
                .config
                .modules
                .insert(Vec::new(), Module { dir: root.to_owned(), ..Module::default() });
        }
    }
    (loader.config, loader.diags)
}

/// Reads a file of variables: arguments alone, or an object of JSON when its name says so.
pub fn parse_variables(
    map: &mut SourceMap,
    name: &str,
    text: &str,
) -> (BTreeMap<Ident, Expr>, Diagnostics) {
    let mut sink = Sink::default();
    let source = add_text(map, name, text);
    let text = map.get(source).map(|s| s.text.clone()).unwrap_or_default();
    if is_json(name) {
        let values = read_values(source, &text, &mut sink).into_iter();
        return (values.map(|(name, a)| (name, a.value)).collect(), sink.finish());
    }
    let arguments = read_file(source, &text, &mut sink, |block, sink| {
        let shown = brief(block.name.as_str());
        sink.push(
            Diagnostic::error(
                codes::UNKNOWN_BLOCK,
                "Block in a file of variables",
                format!("`{shown}` is a block, and a file of variables has arguments alone."),
            )
            .at(block.span, "")
            .with_help(format!(
                "Write `{shown} = ...`, or move the block to a file that ends in `.hcl`."
            )),
        );
    });
    let values = arguments.into_iter().map(|(name, argument)| (name, argument.value));
    (values.collect(), sink.finish())
}

/// Reads one expression, from `-var 'NAME=EXPRESSION'` and the like.
pub fn parse_expression(map: &mut SourceMap, name: &str, text: &str) -> Result<Expr, Diagnostics> {
    let mut sink = Sink::default();
    let source = add_text(map, name, text);
    let text = map.get(source).map(|s| s.text.clone()).unwrap_or_default();
    let expr = read_expression(source, &text, &mut sink);
    if sink.count() == 0 { Ok(expr) } else { Err(sink.finish()) }
}

enum NoModule {
    Unreadable(String),
    Empty,
}

struct Loader<'l> {
    sources: &'l mut dyn Sources,
    map: &'l mut SourceMap,
    texts: &'l mut dyn EarlyTexts,
    /// Each directory is read once, however often it is called.
    read: BTreeMap<String, Option<Module>>,
    config: Config,
    diags: Diagnostics,
    /// Directories whose cycle was reported.
    cycles: BTreeSet<String>,
    /// What is wrong with sources, told once for all modules that are read from one directory.
    refused: BTreeSet<(Code, Option<Span>)>,
    full: bool,
}

impl Loader<'_> {
    fn read_dir(&mut self, dir: &str, is_root: bool) -> Result<Module, NoModule> {
        let mut files = self.sources.list(dir).map_err(NoModule::Unreadable)?;
        files.retain(|file| is_config_file(&file.name));
        if files.is_empty() {
            return Err(NoModule::Empty);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut module = Module { dir: dir.to_owned(), ..Module::default() };
        let mut overrides = Overrides::default();
        // What is laid over the others must be there when they are read.
        let (over, files): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| is_override(&file.name));
        for file in over {
            self.read_file(file, |block, sink| overrides.take(block, sink));
        }
        for file in files {
            self.read_file(file, |block, sink| {
                declare(&mut module, is_root, overrides.over(block), sink);
            });
        }
        let mut sink = Sink::default();
        overrides.finish(&mut sink);
        self.diags.extend(sink.finish());
        Ok(module)
    }

    fn read_file(&mut self, file: SourceFile, take: impl FnMut(Block, &mut Sink)) {
        let bytes = match file.bytes {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.diags.push(reason.diagnostic(&file.name));
                return;
            }
        };
        let source = match add_file(self.map, &file.name, bytes) {
            Ok(source) => source,
            Err(diagnostic) => {
                self.diags.push(*diagnostic);
                return;
            }
        };
        let text = self.map.get(source).map(|s| s.text.clone()).unwrap_or_default();
        let mut sink = Sink::default();
        if is_json(&file.name) {
            read_json(source, &text, &mut sink, take);
        } else {
            let arguments = read_file(source, &text, &mut sink, take);
            outside(&arguments, &mut sink);
        }
        self.diags.extend(sink.finish());
    }

    /// Adds a module and those it calls. `chain` holds the directories from the root to it.
    fn add(&mut self, path: ModulePath, module: Module, chain: &mut Vec<String>) {
        if self.config.modules.len() >= MAX_MODULES || chain.len() > MAX_CHAIN {
            self.too_many();
            return;
        }
        let dir = module.dir.clone();
        let calls: Vec<ModuleCall> = module.calls.values().cloned().collect();
        self.config.modules.insert(path.clone(), placed(module, &path));
        for call in calls {
            let Some(source) = self.source(&path, &call) else { continue };
            let target = resolve(&dir, &source);
            if let Some(at) = chain.iter().position(|dir| *dir == target) {
                self.cycle(&call, &chain[at..], &target);
                continue;
            }
            let Some(module) = self.module(&target, &call) else { continue };
            let mut path = path.clone();
            path.push(call.name.clone());
            chain.push(target);
            self.add(path, module, chain);
            chain.pop();
        }
    }

    /// The directory of a call as it was meant, or a complaint.
    fn source(&mut self, path: &ModulePath, call: &ModuleCall) -> Option<String> {
        let expr = &call.source;
        let text = match constant_text(expr) {
            Some(text) => Ok(text.to_owned()),
            None => self.texts.text(&self.config, path, expr, "source"),
        };
        let local = text.and_then(|text| match early::local(&text, expr, expr.span) {
            Ok(()) => Ok(text),
            Err(d) => Err(Diagnostics::from(*d)),
        });
        match local {
            Ok(text) => Some(text),
            Err(problems) => {
                let refused = &mut self.refused;
                let mut is_news = |d: &Diagnostic| {
                    refused.insert((d.code, d.labels.first().map(|label| label.span)))
                };
                self.diags.extend(problems.into_iter().filter(|d| is_news(d)));
                None
            }
        }
    }

    fn too_many(&mut self) {
        if std::mem::replace(&mut self.full, true) {
            return;
        }
        let detail = format!(
            "The calls of modules unfold to more than {MAX_MODULES} modules, or chains of more than {MAX_CHAIN}."
        );
        self.diags.push(
            Diagnostic::error(codes::TOO_MANY_MODULES, "Too many modules", detail)
                .with_help("Use `for_each` on one call instead of many calls."),
        );
    }

    fn cycle(&mut self, call: &ModuleCall, chain: &[String], target: &str) {
        if !self.cycles.insert(target.to_owned()) {
            return;
        }
        let hops: Vec<String> = chain.iter().map(|dir| format!("`{}`", brief(dir))).collect();
        let detail = match hops.as_slice() {
            [one] => format!("The module {one} calls itself."),
            _ => format!("The modules {} call each other in a circle.", shortened(&hops)),
        };
        self.diags.push(
            Diagnostic::error(codes::MODULE_CYCLE, "Module calls itself", detail)
                .at(call.source.span, "this call closes the circle")
                .with_help("Remove one of the calls."),
        );
    }

    /// The module of a directory, read now or before.
    fn module(&mut self, target: &str, call: &ModuleCall) -> Option<Module> {
        if let Some(read) = self.read.get(target) {
            return read.clone();
        }
        let module = match self.read_dir(target, false) {
            Ok(module) => Some(module),
            Err(why) => {
                let shown = brief(target);
                let (detail, help) = match why {
                    NoModule::Unreadable(why) => (
                        format!("`{shown}` cannot be read: {}.", brief(&why)),
                        "The path is relative to the directory of this file.",
                    ),
                    NoModule::Empty => (
                        format!("`{shown}` holds no file whose name ends in `.hcl`."),
                        "Add the files of the module, or correct the path.",
                    ),
                };
                self.diags.push(
                    Diagnostic::error(codes::NO_MODULE, "No module at this path", detail)
                        .at(call.source.span, "")
                        .with_help(help),
                );
                None
            }
        };
        self.read.insert(target.to_owned(), module.clone());
        module
    }
}

/// The first and last few of a list, for a message.
fn shortened(hops: &[String]) -> String {
    if hops.len() <= 6 {
        return hops.join(", ");
    }
    let last = hops.len() - 2;
    format!("{}, … {}", hops[..3].join(", "), hops[last..].join(", "))
}

/// The same module with its path in the addresses.
fn placed(mut module: Module, path: &ModulePath) -> Module {
    if path.is_empty() {
        return module;
    }
    module.resources = module
        .resources
        .into_iter()
        .map(|(mut addr, resource)| {
            addr.module.clone_from(path);
            (addr.clone(), Resource { addr, ..resource })
        })
        .collect();
    module
}

/// A path relative to a directory, without looking at the disk.
pub(crate) fn resolve(dir: &str, source: &str) -> String {
    let absolute = dir.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(source.split('/')) {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") | None => {
                    // Above the root directory there is only the root directory.
                    if !absolute {
                        parts.push("..");
                    }
                }
                Some(_) => {
                    parts.pop();
                }
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
