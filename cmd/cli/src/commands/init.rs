//! `init`: prepare a directory.

use super::place::{self, Claim};
use super::{state, work};
use crate::args::InitArgs;
use crate::console::Console;
use crate::environment::Environment;
use crate::exit;
use crate::store::Lock;
use diags::{Code, Diagnostic, Diagnostics};
use local::Folder;
use session::StatePlace;
use states::State;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

const CANNOT_WRITE: Code = Code("E0907");
const TWO: Code = Code("E0933");

/// The first configuration of a directory that has none.
const FIRST: &str = r#"# What this directory manages. See the examples for more.

clinch {
  name = "NAME"
}

resource "namespace" "example" {
  name = "example"
}
"#;

pub(crate) async fn run(args: &InitArgs, env: &Environment) -> u8 {
    let console = Console::new(&args.style, env);
    if args.migrate_state {
        return migrate(args, env, &console).await;
    }
    let mut lines = Vec::new();
    match first_configuration() {
        Ok(true) => lines.push("Wrote main.hcl, a first configuration.".to_owned()),
        Ok(false) => {}
        Err(why) => {
            let diagnostic = Diagnostic::error(CANNOT_WRITE, "Cannot write main.hcl", why);
            console.diagnostic(diagnostic);
            return exit::FAILED;
        }
    }
    let folder = local::Folder::open(env.data_dir.clone());
    if let Err(problems) = folder.prepare() {
        console.diagnostics(&problems, &diags::SourceMap::default());
        return exit::FAILED;
    }
    lines.push(match place::written(&args.variables, env) {
        StatePlace::Local => {
            format!("State is kept in {}, which git ignores.", env.data_dir.display())
        }
        StatePlace::Cluster { namespace, .. } => {
            format!("State is kept in the cluster, in the namespace {namespace}.")
        }
    });
    lines.push(
        "Next: `clinch plan`, which works on the built-in sandbox until you name a cluster."
            .to_owned(),
    );
    console.data(&format!("{}\n", lines.join("\n")));
    exit::DONE
}

/// Moves the state to where the configuration says that it is.
async fn migrate(args: &InitArgs, env: &Environment, console: &Console) -> u8 {
    let configured = match work::configure(&args.variables, env, console) {
        Ok(configured) => configured,
        Err(code) => return code,
    };
    let moved = async {
        let claim = Claim::new(&args.lock, "init", None)?;
        let folder = Folder::open(env.data_dir.clone());
        let _here = place::local_lock(&folder, &claim, env)?;
        let access = place::connect(&configured, &args.cluster, env).await?;
        let target = provider::Providers::target(&access).await;
        let target = target.map_err(|p| Diagnostics::from(p.into_diagnostic()))?;
        let (namespace, lease, out) = match &configured.loaded.state {
            StatePlace::Cluster { namespace, lease } => (namespace, *lease, false),
            StatePlace::Local => (&args.namespace, Duration::from_mins(1), true),
        };
        let room = place::room(&access, &configured, namespace);
        let reader = remote::Store::new(room.clone());
        let (here, there) = (folder.is_used()?, reader.is_used().await?);
        let shown = format!("the namespace `{namespace}` of the cluster");
        match (out, here, there) {
            (_, true, true) => return Err(two(env, &shown).into()),
            (true, _, false) => {
                return Ok(format!("There is no state in {shown}; nothing is moved."));
            }
            (false, false, _) => {
                return Ok(format!(
                    "There is no state in {}; nothing is moved.",
                    env.data_dir.display()
                ));
            }
            (true, false, true) | (false, true, false) => {}
        }
        let lock = place::cluster_lock(&room, &claim, lease, env).await?;
        let store = match &lock {
            Lock::Cluster(lock) => reader.under(lock),
            Lock::None | Lock::Local { .. } => reader,
        };
        if out {
            let loaded = store.load().await?;
            let state = movable(loaded.state, loaded.unfinished.is_some(), &target)?;
            folder.commit(&state, true)?;
            store.remove().await?;
            return Ok(format!(
                "Moved the state (serial {}) to {}.",
                state.serial,
                env.data_dir.display()
            ));
        }
        let loaded = folder.load()?;
        let state = movable(loaded.state, loaded.unfinished.is_some(), &target)?;
        store.load().await?;
        store.commit(&state, true).await?;
        let aside = folder.set_aside()?;
        Ok(format!(
            "Moved the state (serial {}) to {shown}. The old file is {}.",
            state.serial,
            aside.display()
        ))
    };
    match moved.await {
        Ok(text) => {
            console.data(&format!("{text}\n"));
            exit::DONE
        }
        Err(problems) => {
            console.diagnostics(&problems, &configured.sources);
            exit::FAILED
        }
    }
}

/// A state that may be moved: of this cluster, and with no run that is not finished.
fn movable(
    state: Option<State>,
    unfinished: bool,
    target: &plans::Target,
) -> Result<State, Diagnostics> {
    if unfinished {
        return Err(state::in_flight().into());
    }
    let state = state::required(state)?;
    match state.cluster_uid.as_ref().filter(|uid| **uid != target.uid) {
        Some(uid) => Err(work::other_cluster(&state, uid, target).into()),
        None => Ok(state),
    }
}

fn two(env: &Environment, there: &str) -> Diagnostic {
    let detail = format!(
        "There is a state in `{}`, and another one in {there}. clinch does not choose between \
         them, and does not mix them. Nothing was moved.",
        env.data_dir.display()
    );
    Diagnostic::error(TWO, "State is in two places", detail).with_help(
        "Look at both (`clinch state list`), move the file `state.json` of the one that is not \
         true out of the way, and run `clinch state rebuild`.",
    )
}

/// Writes `main.hcl` when the directory has no configuration at all; never overwrites.
fn first_configuration() -> Result<bool, String> {
    let listed = config::Sources::list(&mut crate::files::Directory, ".")?;
    if !listed.is_empty() {
        return Ok(false);
    }
    let name = std::env::current_dir().ok();
    let name = name.and_then(|d| d.file_name().map(|n| n.to_string_lossy().to_lowercase()));
    let name: String = name
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(63)
        .collect();
    let name = name.trim_matches('-');
    let name = if name.is_empty() { "example" } else { name };
    let opened = OpenOptions::new().write(true).create_new(true).open(Path::new("main.hcl"));
    let written = opened.and_then(|mut f| f.write_all(FIRST.replace("NAME", name).as_bytes()));
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(crate::files::plain(&error)),
    }
}
