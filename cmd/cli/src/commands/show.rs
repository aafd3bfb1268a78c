//! `show`: a saved plan, or what the state remembers.

use super::place;
use crate::args::ShowArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use diags::SourceMap;
use session::Store as _;
use view::Detail;

pub(crate) async fn run(args: &ShowArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let shown = match &args.plan {
        Some(path) => local::read_plan(path).map(|saved| {
            if console.json {
                console.data(&view::json::show_plan(&saved.plan));
            } else {
                console.data(&view::human::plan(&saved.plan, &console.out, Detail::Concise));
            }
        }),
        None => match place::look(&args.cluster, &args.variables, env, &console).await {
            Ok(opened) => opened.store.load().await,
            Err(code) => return code,
        }
        .map(|loaded| {
            let warnings = loaded.warnings;
            console.diagnostics(&warnings, &SourceMap::default());
            match loaded.state {
                Some(state) if console.json => {
                    console.data(&view::json::show_state(&state, env!("CARGO_PKG_VERSION")));
                }
                Some(state) => console.data(&view::human::state(&state, &console.out)),
                None if console.json => {
                    let empty = states::State::new("", "");
                    console.data(&view::json::show_state(&empty, env!("CARGO_PKG_VERSION")));
                }
                None => console.data("Nothing is remembered: nothing was applied here yet.\n"),
            }
        }),
    };
    match shown {
        Ok(()) => exit::DONE,
        Err(problems) => {
            console.diagnostics(&problems, &SourceMap::default());
            exit::FAILED
        }
    }
}
