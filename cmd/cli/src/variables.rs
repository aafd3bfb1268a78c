//! Values of variables from outside, the last one wins: environment, `terraform.tfvars`,
//! `terraform.tfvars.json`, `*.auto.tfvars` and `*.auto.tfvars.json` in order of name, then `-var` and `-var-file` in the order given.

use crate::args::VariableArgs;
use crate::environment::Environment;
use crate::files;
use diags::{Code, Diagnostic, Diagnostics, SourceMap};
use lang::{Given, GivenValue, Inputs};
use schemas::plan::Snapshot;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const BAD_VAR: Code = Code("E0918");
const BAD_VAR_FILE: Code = Code("E0919");
const MISSING_SECRET: Code = Code("E0940");

/// Everything that was given from outside.
pub(crate) fn inputs(
    args: &VariableArgs,
    env: &Environment,
    map: &mut SourceMap,
) -> (Inputs, Diagnostics) {
    let mut given = BTreeMap::new();
    let mut problems = Diagnostics::new();
    for (name, text) in &env.variables {
        let origin = format!("CLINCH_VAR_{name}");
        let value = GivenValue::Raw(text.clone());
        given.insert(name.clone(), Given { value, origin, span: None });
    }
    for name in &env.unreadable {
        let detail = format!("The value of `{name}` is not UTF-8.");
        problems.push(Diagnostic::error(BAD_VAR, "Invalid value of a variable", detail));
    }
    let found = automatic().unwrap_or_else(|why| {
        let detail = format!("The files of variables in this directory cannot be listed: {why}.");
        problems.push(Diagnostic::error(BAD_VAR_FILE, "Cannot read variables", detail));
        Vec::new()
    });
    for file in found {
        from_file(&file, map, &mut given, &mut problems);
    }
    for item in in_order(args) {
        match item {
            Item::File(path) => from_file(path, map, &mut given, &mut problems),
            Item::Assignment(text) => from_flag(text, &mut given, &mut problems),
        }
    }
    let cwd = std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default();
    (Inputs { given, cwd }, problems)
}

enum Item<'a> {
    File(&'a Path),
    Assignment(&'a str),
}

/// Flags in the order in which they stand on the command line.
fn in_order(args: &VariableArgs) -> Vec<Item<'_>> {
    // Which of two kinds came first is not kept by the parser of flags; the command line is.
    let mut vars = args.var.iter();
    let mut var_files = args.var_file.iter();
    let mut out = Vec::new();
    for word in std::env::args_os().skip(1) {
        let Some(word) = word.to_str() else { continue };
        let name = word.trim_start_matches('-').split('=').next().unwrap_or_default();
        if !word.starts_with('-') {
            continue;
        }
        match name {
            "var" => out.extend(vars.next().map(|v| Item::Assignment(v))),
            "var-file" => out.extend(var_files.next().map(|f| Item::File(f))),
            _ => {}
        }
    }
    out.extend(var_files.map(|f| Item::File(f)));
    out.extend(vars.map(|v| Item::Assignment(v)));
    out
}

/// Files that are read without being named. What is there and cannot be read is told later; a
/// file that is silently left out would give a plan with other values.
fn automatic() -> Result<Vec<PathBuf>, String> {
    let usual = ["terraform.tfvars", "terraform.tfvars.json"].map(PathBuf::from).into_iter();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(".").map_err(|e| files::plain(&e))? {
        let name = entry.map_err(|e| files::plain(&e))?.file_name();
        let shown = name.to_string_lossy();
        let plain = shown.strip_suffix(".json").unwrap_or(&shown);
        if plain.ends_with(".auto.tfvars") && !shown.starts_with('.') {
            names.push(PathBuf::from(&name));
        }
    }
    names.sort();
    // Also a link that leads nowhere is there.
    let usual = usual.filter(|usual| usual.symlink_metadata().is_ok());
    Ok(usual.chain(names).collect())
}

fn from_file(
    path: &Path,
    map: &mut SourceMap,
    given: &mut BTreeMap<String, Given>,
    problems: &mut Diagnostics,
) {
    let shown = path.display().to_string();
    let text = files::read(path)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
    let text = match text {
        Ok(text) => text,
        Err(why) => {
            let detail = format!("`{shown}`: {why}.");
            problems.push(Diagnostic::error(BAD_VAR_FILE, "Cannot read variables", detail));
            return;
        }
    };
    let (values, more) = config::parse_variables(map, &shown, &text);
    problems.extend(more);
    for (name, expr) in values {
        let span = Some(expr.span);
        let value = GivenValue::Expr(expr);
        given.insert(name.to_string(), Given { value, origin: shown.clone(), span });
    }
}

fn from_flag(text: &str, given: &mut BTreeMap<String, Given>, problems: &mut Diagnostics) {
    let Some((name, value)) = text.split_once('=') else {
        let detail = format!("`-var {text}` has no `=`.");
        let help = "Write -var 'NAME=VALUE'.";
        let problem = Diagnostic::error(BAD_VAR, "Invalid value of a variable", detail);
        problems.push(problem.with_help(help));
        return;
    };
    let value = GivenValue::Raw(value.to_owned());
    let origin = format!("-var {}", name.trim());
    given.insert(name.trim().to_owned(), Given { value, origin, span: None });
}

/// The variables of a saved plan. Sensitive ones were saved as a mark only, so they are taken
/// from outside again; without one the plan would do something else than it says.
pub(crate) fn of_snapshot(snapshot: &Snapshot, outside: Inputs) -> Result<Inputs, Diagnostics> {
    let (mut given, mut missing) = (BTreeMap::new(), Vec::new());
    for (name, value) in &snapshot.variables {
        let secret = value.has_sensitive() || !value.is_known();
        if !secret {
            let value = GivenValue::Value(value.clone());
            let origin = "the saved plan".to_owned();
            given.insert(name.clone(), Given { value, origin, span: None });
        } else if let Some(again) = outside.given.get(name) {
            given.insert(name.clone(), again.clone());
        } else {
            missing.push(name.as_str());
        }
    }
    match missing.as_slice() {
        [] => Ok(Inputs { given, cwd: outside.cwd }),
        [first, ..] => {
            let detail = format!(
                "The plan was made with {} given from outside: `{}`. Sensitive values are in no \
                 file of a plan.",
                if missing.len() == 1 { "a sensitive value" } else { "sensitive values" },
                missing.join("`, `")
            );
            let help = format!(
                "Give the same again, with `-var` or `-var-file` or as CLINCH_VAR_{first} in the \
                 environment."
            );
            let summary = "Plan needs its sensitive values again";
            Err(Diagnostic::error(MISSING_SECRET, summary, detail).with_help(help).into())
        }
    }
}
