//! `output`: outputs of the last apply.

use super::place;
use crate::args::OutputArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use diags::{Code, Diagnostic, Diagnostics, SourceMap};
use session::Store as _;
use std::collections::BTreeMap;
use values::Value;

const NO_OUTPUT: Code = Code("E0911");
const NOT_TEXT: Code = Code("E0912");
const SECRET: Code = Code("E0921");

pub(crate) async fn run(args: &OutputArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let opened = match place::look(&args.cluster, &args.variables, env, &console).await {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let outputs = match opened.store.load().await {
        Ok(loaded) => loaded.state.map(|s| s.outputs).unwrap_or_default(),
        Err(problems) => {
            console.diagnostics(&problems, &SourceMap::default());
            return exit::FAILED;
        }
    };
    match print(args, &outputs, &console) {
        Ok(()) => exit::DONE,
        Err(problems) => {
            console.diagnostics(&problems, &SourceMap::default());
            exit::FAILED
        }
    }
}

fn print(
    args: &OutputArgs,
    outputs: &BTreeMap<String, Value>,
    console: &Console,
) -> Result<(), Diagnostics> {
    let all = outputs.iter().map(|(n, v)| (n.as_str(), v));
    let Some(name) = &args.name else {
        if console.json {
            console.data(&view::json::outputs(all));
        } else if outputs.is_empty() {
            console.talk("No outputs: the last apply had none.\n");
        } else {
            console.data(&view::human::outputs(all));
        }
        return Ok(());
    };
    let value = outputs.get(name).ok_or_else(|| unknown(name, outputs))?;
    if (console.json || args.raw) && value.has_sensitive() {
        return Err(secret(name).into());
    }
    if console.json {
        // Alone, as scripts want it: what it is called they know.
        let alone = schemas::show::state::Output::new(value).value;
        console.data(&schemas::show::document(&alone));
    } else if args.raw {
        let text = match value {
            Value::String(text) => text.to_string(),
            Value::Number(n) => n.to_string(),
            Value::Bool(b) => b.to_string(),
            other => return Err(not_text(name, other).into()),
        };
        console.data(&text);
    } else {
        console.data(&format!("{}\n", view::human::value(value)));
    }
    Ok(())
}

fn unknown(name: &str, outputs: &BTreeMap<String, Value>) -> Diagnostic {
    let detail = format!("The last apply had no output `{name}`.");
    let diagnostic = Diagnostic::error(NO_OUTPUT, "No such output", detail);
    match diags::did_you_mean(name, outputs.keys().map(String::as_str)) {
        Some(near) => diagnostic.with_help(format!("Did you mean `{near}`?")),
        None => diagnostic.with_help("See all of them with `clinch output`."),
    }
}

fn secret(name: &str) -> Diagnostic {
    let detail = format!("`{name}` holds a sensitive value, which is not remembered.");
    Diagnostic::error(SECRET, "Output is sensitive", detail)
        .with_help("Take the secret from where the configuration takes it.")
}

fn not_text(name: &str, value: &Value) -> Diagnostic {
    let kind = value.kind();
    let detail = format!("`{name}` is a {kind}, and -raw prints strings, numbers and bools.");
    Diagnostic::error(NOT_TEXT, "Output has no raw form", detail).with_help("Use -json.")
}
