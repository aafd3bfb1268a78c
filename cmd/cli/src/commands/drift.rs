//! `drift`: what differs? Changes nothing, locks nothing, exits with 2 when something does.

use super::place::Hold;
use super::{plan, work};
use crate::args::DriftArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::{exit, signals};
use plans::{Basis, Change, Mode, Origin};

pub(crate) async fn run(args: &DriftArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    console.begin_stream();
    let configured = match work::configure_ahead(&args.variables, &args.cluster, env, &console) {
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
    let unreachable = args.unreachable.allow_unreachable;
    let allowed = plans::Allowed { unreachable, ..plans::Allowed::default() };
    let aim = work::Aim { allowed, ..Mode::Drift.into() };
    let planned = work::plan(&configured, &connected, aim, &signals).await;
    let Some((planning, picture)) = planned else {
        return signals.exit_code().unwrap_or(exit::FAILED);
    };
    console.diagnostics(&connected.notes, &configured.sources);
    plan::show(&planning, false, &configured, &connected.state, &console);
    if planning.diagnostics.has_errors() {
        return exit::FAILED;
    }
    // What was never applied is pending, not drift. What could not be compared, because the
    // server may not be asked or a host is down, is neither drift nor the absence of it.
    let drifts = |c: &&Change| c.action.is_change() && c.origin == Origin::Drift;
    let unknown = |c: &Change| matches!(c.basis, Basis::Predicted(_)) && c.before == c.after;
    let (unknown, drift): (Vec<&Change>, Vec<&Change>) =
        planning.plan.changes.iter().filter(drifts).partition(|c| unknown(c));
    let all_known = unknown.is_empty() && planning.left_out.is_empty();
    let code = match (drift.is_empty(), all_known) {
        (false, _) => exit::DIFFERENT,
        (true, false) => exit::FAILED,
        (true, true) => exit::DONE,
    };
    connected.hosts.hang_up();
    work::let_go((planning, picture, configured, connected));
    code
}
