//! `drift`: what differs? Changes nothing, locks nothing, exits with 2 when something does.

use super::place::Hold;
use super::{plan, work};
use crate::args::DriftArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::{exit, signals};
use plans::{Mode, Origin};

pub(crate) async fn run(args: &DriftArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    console.begin_stream();
    let configured = match work::configure(&args.variables, env, &console) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let Ok(signals) = signals::listen() else { return exit::FAILED };
    let connected = match work::connect(
        &configured,
        &args.cluster,
        plan::talker(&console),
        env,
        Hold::No,
    )
    .await
    {
        Ok(connected) => connected,
        Err(problems) => {
            console.diagnostics(&problems, &configured.sources);
            return exit::FAILED;
        }
    };
    let planned = work::plan(&configured, &connected, Mode::Drift, &signals).await;
    let Some((planning, _)) = planned else {
        return signals.exit_code().unwrap_or(exit::FAILED);
    };
    console.diagnostics(&connected.notes, &configured.sources);
    plan::show(&planning, false, &configured, &connected.state, &console);
    if planning.diagnostics.has_errors() {
        return exit::FAILED;
    }
    // What was never applied is pending, not drift.
    let mut changes = planning.plan.changes.iter().filter(|c| c.action.is_change());
    if changes.any(|c| c.origin == Origin::Drift) { exit::DIFFERENT } else { exit::DONE }
}
