//! Files that expressions read: `file`, `templatefile`, `fileset` and their like.
//!
//! A configuration reads no file outside of its own folder and those of its modules: whoever
//! plans the configuration of somebody else must not give files away by it.

use crate::codes;
use crate::load::{Sources, resolve};
use crate::lower::Lower;
use crate::manifests::Pattern;
use crate::syntax::Sink;
use crate::text::{add_file, add_text, brief};
use crate::tree::{Config, Expr, TextFile};
use crate::words::Words;
use diags::{Diagnostic, Diagnostics, SourceId, SourceMap, Span};

const OUTSIDE: &str =
    "a configuration reads no files outside of its own folder and those of its modules";

/// The name of a file relative to the root, from a path as it is written.
///
/// # Errors
///
/// The end of a sentence, when the path leads out of the configuration or nowhere.
pub fn file_name(config: &Config, path: &str) -> Result<String, String> {
    if path.starts_with(['/', '~']) || path.contains(['\\', '\0']) {
        return Err("only paths relative to the root module are read, with `/`".to_owned());
    }
    let name = resolve(".", path);
    if name == "." || path.ends_with('/') {
        return Err("it names no file".to_owned());
    }
    let below = |dir: &str| name.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    let mut dirs = config.modules.values().map(|module| module.dir.as_str());
    if name.starts_with("..") && !dirs.any(below) {
        return Err(OUTSIDE.to_owned());
    }
    Ok(name)
}

/// The pattern of files below a folder, and what to take off their names.
///
/// # Errors
///
/// The end of a sentence, when the folder or the pattern is none.
pub fn file_pattern(
    config: &Config,
    folder: &str,
    pattern: &str,
) -> Result<(String, String), String> {
    let inner = match resolve(".", folder).as_str() {
        "." => String::new(),
        folder => format!("{}/", file_name(config, folder)?),
    };
    if pattern.split('/').any(|part| part == "..") {
        return Err("a pattern means files below its folder, without `..`".to_owned());
    }
    // A folder may have a name with signs that mean something in a pattern.
    let plain: String = inner
        .chars()
        .map(|c| if "*?[]{}!".contains(c) { format!("[{c}]") } else { c.to_string() })
        .collect();
    let whole = format!("{plain}{pattern}");
    Pattern::new(&whole)?;
    Ok((whole, inner))
}

/// Reads a file that an expression at `at` names. What cannot be read is told.
pub fn read_text(
    name: &str,
    at: Span,
    sources: &mut dyn Sources,
    map: &mut SourceMap,
) -> (TextFile, Diagnostics) {
    let Some(file) = sources.file(name) else { return (TextFile::Absent, Diagnostics::new()) };
    let added = match file.bytes {
        Ok(bytes) => add_file(map, name, bytes).map_err(|diagnostic| *diagnostic),
        Err(why) => Err(why.diagnostic(name)),
    };
    match added {
        Ok(source) => {
            let text = map.get(source).map(|s| s.text.clone()).unwrap_or_default();
            (TextFile::Text(source, text), Diagnostics::new())
        }
        Err(diagnostic) => (TextFile::Unreadable, diagnostic.at(at, "read here").into()),
    }
}

/// Reads the files that a pattern means into the configuration; their names, in order.
pub fn read_set(
    config: &mut Config,
    pattern: &str,
    at: Span,
    sources: &mut dyn Sources,
    map: &mut SourceMap,
) -> Diagnostics {
    let refused = |why: &str| {
        let detail = format!("`{}` cannot be looked for: {why}.", brief(pattern));
        Diagnostic::error(codes::UNREADABLE, "Files cannot be read", detail).at(at, "")
    };
    let files = match Pattern::new(pattern).and_then(|p| sources.matching(&p)) {
        Ok(files) => files,
        Err(why) => {
            config.file_sets.insert(pattern.to_owned(), None);
            return refused(&why).into();
        }
    };
    let mut told = Diagnostics::new();
    let mut names = Vec::new();
    for file in files {
        // Its text goes into a saved plan, so that the same set is found again.
        if !config.files.contains_key(&file.name) {
            let (text, problems) = read_text(&file.name, at, sources, map);
            told.extend(problems);
            config.files.insert(file.name.clone(), text);
        }
        names.push(file.name);
    }
    names.sort();
    let found = (!told.has_errors()).then_some(names);
    config.file_sets.insert(pattern.to_owned(), found);
    told
}

/// Reads a text that is in the map as a template.
pub fn read_template(source: SourceId, text: &str) -> (Option<Expr>, Diagnostics) {
    let mut sink = Sink::default();
    let expr = Lower::new(source, text, &mut sink, &mut Words::default()).template();
    let fine = sink.count() == 0;
    (fine.then_some(expr), sink.finish())
}

/// Reads a text that stands in no file as a template.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse_template(map: &mut SourceMap, name: &str, text: &str) -> Result<Expr, Diagnostics> {
    let source = add_text(map, name, text);
    let (expr, told) = read_template(source, text);
    expr.ok_or(told)
}
