//! A command line that cannot be understood, told like everything else that is wrong: in the
//! frame, or as JSON when that was asked for.

use crate::args::OutputStyleArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::preset::CommandLine;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use diags::{Code, Diagnostic, Diagnostics, SourceMap};
use std::error::Error as _;
use std::fmt::Write as _;

const BAD_FLAG: Code = Code("E0924");
const BAD_COMMAND: Code = Code("E0925");
const BAD_VALUE: Code = Code("E0926");
const CONFLICT: Code = Code("E0927");
const MISSING: Code = Code("E0928");
const BAD_LINE: Code = Code("E0929");

/// Commands whose JSON is a stream, which begins with its version.
const STREAMS: [&str; 4] = ["plan", "apply", "destroy", "drift"];

/// Says what is wrong with the command line, in the form that it asks for.
pub(crate) fn tell(problem: Diagnostic, line: &CommandLine) {
    let env = Environment::read();
    let style = OutputStyleArgs { no_color: line.has("--no-color"), json: line.has("--json") };
    let console = Console::new(&style, &env);
    if STREAMS.contains(&line.command.as_str()) {
        console.begin_stream();
    }
    let problems = Diagnostics::from(problem);
    if line.command == "validate" && console.json {
        console.data(&view::json::validation(&problems, &SourceMap::default()));
    } else {
        console.diagnostics(&problems, &SourceMap::default());
    }
}

/// What clap found, in our words.
pub(crate) fn explain(error: &clap::Error, line: &CommandLine) -> Diagnostic {
    let command = format!("clinch {}", line.command);
    let command = command.trim_end();
    let arg = one(error, ContextKind::InvalidArg);
    let value = one(error, ContextKind::InvalidValue);
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    let mut problem = match error.kind() {
        ErrorKind::UnknownArgument if arg.starts_with('-') => Diagnostic::error(
            BAD_FLAG,
            "Unknown flag",
            format!("`{command}` has no flag `{}`.", typed(&arg)),
        ),
        ErrorKind::UnknownArgument => Diagnostic::error(
            BAD_FLAG,
            "Unexpected argument",
            format!("`{command}` does not know what to do with `{arg}`."),
        ),
        ErrorKind::InvalidSubcommand => {
            let name = one(error, ContextKind::InvalidSubcommand);
            let text = format!("There is no command `{name}`.");
            Diagnostic::error(BAD_COMMAND, "Unknown command", text)
        }
        ErrorKind::InvalidValue if value.is_empty() => Diagnostic::error(
            BAD_VALUE,
            "Flag without a value",
            format!("`{}` needs a value.", typed(&arg)),
        ),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let valid = all(error, ContextKind::ValidValue).join(", ");
            let mut text = format!("`{}` cannot be `{value}`", typed(&arg));
            let _never_fails = match (valid.is_empty(), source.is_empty()) {
                (false, _) => write!(text, "; it is one of: {valid}."),
                (true, false) => write!(text, ": {}.", source.trim_end_matches('.')),
                (true, true) => write!(text, "."),
            };
            Diagnostic::error(BAD_VALUE, "Invalid value of a flag", text)
        }
        ErrorKind::ArgumentConflict => {
            let others = all(error, ContextKind::PriorArg);
            let others: Vec<_> = others.iter().map(|o| format!("`{}`", typed(o))).collect();
            let text = format!("`{}` cannot be used with {}.", typed(&arg), others.join(", "));
            Diagnostic::error(CONFLICT, "Arguments exclude each other", text)
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = all(error, ContextKind::InvalidArg);
            let missing: Vec<_> = missing.iter().map(|m| format!("`{}`", typed(m))).collect();
            let text = format!("`{command}` needs {}.", missing.join(", "));
            Diagnostic::error(MISSING, "Argument is missing", text)
        }
        _ => {
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let first = text.split("\n\n").next().unwrap_or_default().trim();
            Diagnostic::error(BAD_LINE, "Command line cannot be understood", first)
        }
    };
    if let Some(name) = line.origin(&arg) {
        let _never_fails = write!(problem.detail, " It comes from the environment, `{name}`.");
    }
    problem.with_help(help(error, line))
}

fn help(error: &clap::Error, line: &CommandLine) -> String {
    let kinds =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    // They come in the order of how near they are, the nearest last.
    if let Some(near) = kinds.iter().find_map(|k| all(error, *k).pop()) {
        return format!("Did you mean `{}`?", typed(&near));
    }
    match error.kind() {
        ErrorKind::InvalidSubcommand => match line.command.rsplit_once(' ') {
            Some((above, _)) => format!("See its commands with:\n  clinch {above} -help"),
            None => "See all commands with:\n  clinch -help".to_owned(),
        },
        _ if line.command.is_empty() => "See what there is with:\n  clinch -help".to_owned(),
        _ => format!("See what it takes with:\n  clinch {} -help", line.command),
    }
}

/// A flag as people type it, without the name of its value: `-out`, not `--out <FILE>`.
fn typed(arg: &str) -> String {
    let name = arg.split([' ', '=']).next().unwrap_or_default();
    let name = name.strip_suffix("...").unwrap_or(name).trim_matches(['<', '>', '[', ']']);
    match name.strip_prefix("--") {
        Some(long) => format!("-{long}"),
        None => name.to_owned(),
    }
}

fn all(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::StyledStr(text)) => vec![text.to_string()],
        Some(ContextValue::Number(number)) => vec![number.to_string()],
        // Nothing that would have words.
        Some(_) | None => Vec::new(),
    }
}

fn one(error: &clap::Error, kind: ContextKind) -> String {
    all(error, kind).into_iter().next().unwrap_or_default()
}
