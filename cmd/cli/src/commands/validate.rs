//! `validate`: is the configuration right, as far as it can be told without a cluster?

use super::work;
use crate::args::ValidateArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;

pub(crate) fn run(args: &ValidateArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    let (configured, mut diagnostics) =
        work::read_for(args.kubernetes_version, None, &args.variables, env);
    if !diagnostics.has_errors() {
        diagnostics.extend(session::validate(&configured.loaded, &*configured.types));
    }
    if console.json {
        console.data(&view::json::validation(&diagnostics, &configured.sources));
    } else {
        console.diagnostics(&diagnostics, &configured.sources);
        if !diagnostics.has_errors() {
            console.data("Success! The configuration is valid.\n");
        }
    }
    if diagnostics.has_errors() { exit::FAILED } else { exit::DONE }
}
