//! `schema`, `completion`, `version`: what this program knows about itself.

use crate::args::{Cli, CompletionArgs, OutputStyleArgs, SchemaArgs, VersionArgs};
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use clap::CommandFactory;
use diags::{Code, Diagnostic};
use provider::Catalog;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use wiring::Types;

pub(super) const CANNOT_WRITE: Code = Code("E0917");

pub(crate) fn run(args: &SchemaArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let types = Types::new(None);
    let Some(dir) = &args.out else {
        for name in types.resource_types() {
            console.data(&format!("resource {name}\n"));
        }
        for name in types.data_types() {
            console.data(&format!("data {name}\n"));
        }
        return exit::DONE;
    };
    for (path, text) in files(&types) {
        let path = dir.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            let detail = format!("{}: {}.", path.display(), crate::files::plain(&error));
            console.diagnostic(Diagnostic::error(CANNOT_WRITE, "Cannot write", detail));
            return exit::FAILED;
        }
    }
    exit::DONE
}

/// Every generated file: reference pages, schemas of types, JSON Schemas of formats.
fn files(types: &Types) -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    for name in types.resource_types() {
        if let Some(kind) = types.resource(name) {
            out.extend(pair(name, kind.page(), kind.schema(), "resource"));
        }
    }
    for name in types.data_types() {
        if let Some(kind) = types.data(name) {
            out.extend(pair(&format!("data-{name}"), kind.page(), kind.schema(), "data"));
        }
    }
    out.push((Path::new("functions").join("functions.md"), functions()));
    for (name, text) in schemas::json_schemas() {
        out.push((Path::new("json").join(name), text));
    }
    out
}

/// The page of all functions of the language.
fn functions() -> String {
    let mut out = String::from("# Functions\n\nOf the language, made from their definitions.\n");
    for f in lang::functions() {
        // Writing to a text cannot fail, here and below.
        let _ = writeln!(out, "\n## `{}`\n\n{}", f.signature(), f.doc);
        let (example, value) = f.shown_example();
        let value = value.map(|value| view::human::value(&value) + "\n").unwrap_or_default();
        let _ = write!(out, "\n```text\n> {example}\n{value}```\n");
        let types: Vec<String> =
            f.parameters.iter().map(|p| format!("`{}` is `{}`", p.name, p.kind)).collect();
        let _ = writeln!(out, "\n{}; gives `{}`.", types.join(", "), f.gives);
    }
    out.push_str(
        "\n# Not here\n\nFunctions that Terraform has or its sibling, and why they are not here.\n",
    );
    for (name, why) in lang::left_out() {
        let _ = write!(out, "\n- `{name}`: {why}");
    }
    out.push('\n');
    out
}

fn pair(name: &str, page: &str, schema: &values::Schema, mode: &str) -> [(PathBuf, String); 2] {
    let base = Path::new("resources");
    [
        (base.join(format!("{name}.md")), schemas::reference::page(name, page, schema, mode)),
        (base.join(format!("{name}.json")), schemas::reference::json(name, schema, mode)),
    ]
}

pub(crate) fn completion(args: &CompletionArgs, env: &Environment) -> u8 {
    let console = Console::new(&OutputStyleArgs::default(), env);
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "clinch", &mut text);
    console.data(&String::from_utf8_lossy(&text));
    exit::DONE
}

pub(crate) fn version(args: &VersionArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let version = env!("CARGO_PKG_VERSION");
    if console.json {
        console.data(&format!("{{\"clinch_version\":\"{version}\"}}\n"));
    } else {
        console.data(&format!("clinch v{version}\n"));
    }
    exit::DONE
}
