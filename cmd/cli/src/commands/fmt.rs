//! `fmt`: files in canonical layout.

use crate::args::FmtArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use crate::files::{plain, read};
use diags::{Code, Diagnostic, Diagnostics, SourceMap};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const CANNOT_FORMAT: Code = Code("E0990");

/// How many folders deep `-recursive` looks.
const DEEPEST: usize = 64;

pub(crate) fn run(args: &FmtArgs, env: &Environment) -> u8 {
    let mut work = Work {
        args,
        console: Console::new(&args.style, env),
        sources: SourceMap::default(),
        told: Diagnostics::new(),
        differs: false,
    };
    if args.targets.iter().any(|target| target.as_os_str() == "-") {
        work.standard_input();
    } else {
        let here = [PathBuf::from(".")];
        let targets = if args.targets.is_empty() { &here[..] } else { &args.targets };
        for target in targets {
            work.target(target);
        }
    }
    work.console.diagnostics(&work.told, &work.sources);
    match work.differs && args.check {
        _ if work.told.has_errors() => exit::FAILED,
        true => exit::NOT_FORMATTED,
        false => exit::DONE,
    }
}

struct Work<'a> {
    args: &'a FmtArgs,
    console: Console,
    sources: SourceMap,
    told: Diagnostics,
    /// Whether any file is not in canonical layout.
    differs: bool,
}

impl Work<'_> {
    fn failed(&mut self, name: &Path, why: &str) {
        let detail = format!("`{}`: {}.", name.display(), why);
        self.told.push(Diagnostic::error(CANNOT_FORMAT, "Cannot format a file", detail));
    }

    /// The text in canonical layout, unless something is wrong with it.
    fn laid_out(&mut self, name: &str, text: &str) -> Option<String> {
        match config::format(&mut self.sources, name, text) {
            Ok(new) => {
                self.differs |= new != text;
                Some(new)
            }
            Err(problems) => {
                self.told.extend(problems);
                None
            }
        }
    }

    fn standard_input(&mut self) {
        let mut text = String::new();
        if self.args.targets.len() > 1 {
            return self.failed(Path::new("-"), "the standard input stands alone");
        }
        if let Err(error) = io::stdin().read_to_string(&mut text) {
            return self.failed(Path::new("-"), &plain(&error));
        }
        let Some(new) = self.laid_out("-", &text) else { return };
        if self.args.diff {
            self.show(&text, &new, "-");
        } else if !self.args.check {
            self.console.data(&new);
        }
    }

    fn target(&mut self, target: &Path) {
        match fs::metadata(target) {
            Ok(about) if about.is_dir() => self.folder(target, 0),
            Ok(_) if is_ours(target) => self.file(target),
            Ok(_) => {
                self.failed(target, "only files that end in `.hcl` or `.tfvars` are formatted");
            }
            Err(error) => self.failed(target, &plain(&error)),
        }
    }

    fn folder(&mut self, dir: &Path, depth: usize) {
        if depth > DEEPEST {
            return self.failed(dir, "the folders are too many levels deep");
        }
        let entries = fs::read_dir(dir).and_then(|all| {
            all.map(|entry| entry.and_then(|e| Ok((e.path(), e.file_type()?)))).collect()
        });
        let mut entries: Vec<(PathBuf, fs::FileType)> = match entries {
            Ok(entries) => entries,
            Err(error) => return self.failed(dir, &plain(&error)),
        };
        // The order of a directory is not the same on two machines.
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        for (path, kind) in entries {
            let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
            let path = path.strip_prefix(".").map(Path::to_owned).unwrap_or(path);
            // Links to folders may lead in a circle.
            if kind.is_dir() && self.args.recursive && !hidden {
                self.folder(&path, depth + 1);
            } else if !kind.is_dir() && is_ours(&path) {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        let text = match read(path).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => return self.failed(path, "it is not UTF-8 text"),
            Err(why) => return self.failed(path, &why),
        };
        let name = path.to_string_lossy().into_owned();
        let Some(new) = self.laid_out(&name, &text) else { return };
        if new == text {
            return;
        }
        if self.args.list {
            self.console.data(&format!("{name}\n"));
        }
        if self.args.diff {
            self.show(&text, &new, &name);
        }
        if self.args.write
            && !self.args.check
            && let Err(why) = exchange(path, &new)
        {
            self.failed(path, &why);
        }
    }

    fn show(&self, old: &str, new: &str, name: &str) {
        self.console.data(&view::human::text_diff(old, new, name));
    }
}

/// Files of configuration and of variables.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let variables = name.strip_suffix(".tfvars").is_some_and(|stem| !stem.is_empty());
    let json = name.strip_suffix(".json").is_some();
    (config::is_config_file(&name) && !json) || (variables && !name.starts_with(['.', '~', '#']))
}

/// Writes a file beside the old one and puts it in its place: whoever is interrupted keeps one
/// of both whole. A link stays one, and the file keeps its mode.
fn exchange(path: &Path, text: &str) -> Result<(), String> {
    let real = fs::canonicalize(path).map_err(|e| plain(&e))?;
    let mut name = real.file_name().unwrap_or_default().to_owned();
    name.push(".clinch-fmt");
    let beside = real.with_file_name(name);
    let written = fs::metadata(&real)
        .and_then(|about| {
            fs::write(&beside, text)?;
            fs::set_permissions(&beside, about.permissions())?;
            fs::rename(&beside, &real)
        })
        .map_err(|e| plain(&e));
    if written.is_err() {
        // What is wrong is told; a file that cannot be taken away again adds nothing to it.
        let _ = fs::remove_file(&beside);
    }
    written
}
