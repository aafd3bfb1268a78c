//! `graph`: what needs what, and `console`: what an expression gives.

use super::work;
use crate::args::{ConsoleArgs, GraphArgs, GraphFormat};
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use addrs::ResourceAddr;
use std::io::{self, BufRead, IsTerminal};

pub(crate) fn run(args: &GraphArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let configured = match work::configure(&args.variables, env, &console) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let references = &configured.loaded.references;
    let order = references.order().iter();
    let nodes: Vec<ResourceAddr> = order.map(|number| references.addr(*number).clone()).collect();
    let edges = references.edges();
    let format = if console.json { GraphFormat::Json } else { args.format };
    console.data(&match format {
        GraphFormat::Dot => view::graph::dot(&nodes, edges),
        GraphFormat::Mermaid => view::graph::mermaid(&nodes, edges),
        GraphFormat::Json => view::graph::json(&nodes, edges),
        GraphFormat::Svg => view::graph::svg(&nodes, edges),
    });
    exit::DONE
}

/// Reads expressions of the root module, one a line, and prints what each gives. What only a
/// cluster decides is not known here.
pub(crate) fn console(args: &ConsoleArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let mut configured = match work::configure(&args.variables, env, &console) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let asks = io::stdin().is_terminal();
    let mut code = exit::DONE;
    if asks {
        console.talk("> ");
    }
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return exit::FAILED };
        let text = line.trim();
        if matches!(text, "exit" | "quit") {
            break;
        }
        if !text.is_empty() && !answer(text, &mut configured, &console) {
            code = exit::FAILED;
        }
        if asks {
            console.talk("> ");
        }
    }
    // A person who made a mistake has seen it; a script has to be told.
    if asks { exit::DONE } else { code }
}

/// Prints what an expression gives, or what is wrong with it.
fn answer(text: &str, configured: &mut work::Configured, console: &Console) -> bool {
    let sources = &mut configured.sources;
    let (value, told) = match config::parse_expression(sources, "console", text) {
        Err(problems) => (None, problems),
        Ok(expr) => {
            let (value, told) = configured.loaded.evaluate(&expr);
            (Some(value), told)
        }
    };
    console.diagnostics(&told, sources);
    match value.filter(|_| !told.has_errors()) {
        Some(value) => console.data(&format!("{}\n", view::human::value(&value))),
        None => return false,
    }
    true
}
