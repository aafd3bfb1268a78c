//! Where the state is: opening it, locking it, and refusing to have two.

use super::apply;
use super::work::{self, Configured};
use crate::args::{ClusterArgs, LockArgs, VariableArgs};
use crate::console::{self, Console};
use crate::environment::Environment;
use crate::signals::Signals;
use crate::store::{Lock, Store};
use crate::{exit, target, variables};
use diags::{Code, Diagnostic, Diagnostics, SourceMap};
use lang::EarlyNames;
use local::Folder;
use session::{STATE_NAMESPACE, StatePlace};
use std::time::Duration;
use wiring::World;

const NOT_MOVED: Code = Code("E0930");
const ELSEWHERE: Code = Code("E0931");
const UNSEEN: Code = Code("E0934");

/// How a command wants to have the state.
pub(crate) enum Hold<'a> {
    /// For looking.
    No,
    /// Under the lock.
    Take(&'a Claim<'a>),
}

/// Who wants the lock, and for what.
pub(crate) struct Claim<'a> {
    pub(crate) lock: bool,
    pub(crate) timeout: Duration,
    pub(crate) operation: &'static str,
    pub(crate) run: String,
    /// Waiting ends with an interrupt, when anybody listens for one.
    pub(crate) signals: Option<&'a Signals>,
}

impl<'a> Claim<'a> {
    pub(crate) fn new(
        args: &LockArgs,
        operation: &'static str,
        signals: Option<&'a Signals>,
    ) -> Result<Self, Diagnostics> {
        let timeout = apply::duration(&args.lock_timeout)?;
        let run = uuid::Uuid::now_v7().to_string();
        Ok(Self { lock: args.lock, timeout, operation, run, signals })
    }
}

/// A state that can be read, and written when it is locked.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) lock: Lock,
    /// The cluster, when it had to be reached for this.
    pub(crate) access: Option<World>,
}

impl Opened {
    /// For a rebuild, which may begin with a state that is gone or too old.
    pub(crate) fn for_rebuild(self) -> Self {
        let store = match self.store {
            Store::Cluster(store) => Store::Cluster(Box::new(store.for_rebuild())),
            local @ Store::Local(_) => local,
        };
        Self { store, ..self }
    }
}

/// Opens the state of a configuration, and locks it first when that is wanted.
pub(crate) async fn open(
    configured: &Configured,
    flags: &ClusterArgs,
    env: &Environment,
    hold: Hold<'_>,
) -> Result<Opened, Diagnostics> {
    let folder = Folder::open(env.data_dir.clone());
    match &configured.loaded.state {
        StatePlace::Local => {
            let lock = match hold {
                Hold::No => Lock::None,
                Hold::Take(claim) => local_lock(&folder, claim, env)?,
            };
            Ok(Opened { store: Store::Local(folder), lock, access: None })
        }
        StatePlace::Cluster { namespace, lease } => {
            if folder.is_used()? {
                return Err(not_moved(env, namespace).into());
            }
            let access = connect(configured, flags, env).await?.keeping_state_in(namespace);
            let room = room(&access, configured, namespace);
            let lock = match hold {
                Hold::No => Lock::None,
                Hold::Take(claim) => cluster_lock(&room, claim, *lease, env).await?,
            };
            let store = remote::Store::new(room);
            let store = match &lock {
                Lock::Cluster(lock) => store.under(lock),
                Lock::None | Lock::Local { .. } => store,
            };
            Ok(Opened { store: Store::Cluster(Box::new(store)), lock, access: Some(access) })
        }
    }
}

/// Access to the cluster of a configuration.
pub(crate) async fn connect(
    configured: &Configured,
    flags: &ClusterArgs,
    env: &Environment,
) -> Result<World, Diagnostics> {
    let loaded = &configured.loaded;
    target::connect(flags, loaded.cluster.as_ref(), &loaded.project, env).await
}

/// Where the state of a configuration is, or would be, in its cluster.
pub(crate) fn room(access: &World, configured: &Configured, namespace: &str) -> remote::Room {
    remote::Room::new(access.cluster().clone(), namespace, &configured.loaded.project)
}

pub(crate) fn local_lock(
    folder: &Folder,
    claim: &Claim<'_>,
    env: &Environment,
) -> Result<Lock, Diagnostics> {
    if !claim.lock {
        return Ok(Lock::None);
    }
    let holder = apply::holder(env, claim.operation);
    Ok(Lock::Local { _held: folder.lock(&holder, claim.timeout)? })
}

pub(crate) async fn cluster_lock(
    room: &remote::Room,
    claim: &Claim<'_>,
    lease: Duration,
    env: &Environment,
) -> Result<Lock, Diagnostics> {
    if !claim.lock {
        return Ok(Lock::None);
    }
    let holder = apply::holder(env, claim.operation);
    let (run, timeout) = (claim.run.clone(), claim.timeout);
    let wanted = remote::Claim { holder, run, lease, timeout };
    let work = room.lock(&wanted, &|text| console::talk_line(&text));
    let lock = match claim.signals {
        None => work.await,
        Some(signals) => crate::signals::until_interrupted(signals, work)
            .await
            // Whoever interrupts knows why nothing more is said.
            .unwrap_or_else(|| Err(Diagnostics::new())),
    }?;
    if let remote::Taken::From(words) = &lock.taken {
        console::talk_line(&format!(
            "Took the lock over from {words}, which gave no sign of life."
        ));
    }
    Ok(Lock::Cluster(lock))
}

/// A state that is kept here must not be in the cluster as well. What a person should know when
/// that could not be seen.
pub(crate) async fn is_only_here(
    access: &World,
    configured: &Configured,
) -> Result<Option<Diagnostic>, Diagnostics> {
    let room = room(access, configured, STATE_NAMESPACE);
    match remote::Store::new(room).is_used_if_visible().await? {
        Some(false) => return Ok(None),
        Some(true) => {}
        None => return Ok(Some(unseen(configured))),
    }
    let detail = format!(
        "The state of `{}` is in the cluster, in the namespace `{STATE_NAMESPACE}`, and this \
         configuration keeps its state on this machine. Two states would forget each other's \
         objects. Nothing was done.",
        configured.loaded.project
    );
    Err(Diagnostic::error(ELSEWHERE, "State is in the cluster", detail)
        .with_help(
            "Write `state \"cluster\" {}` in the `clinch` block; or move the state to this \
             machine:\n  clinch init -migrate-state",
        )
        .into())
}

fn unseen(configured: &Configured) -> Diagnostic {
    let detail = format!(
        "This configuration keeps its state on this machine. Whether `{}` also has one in the \
         cluster could not be seen: Secrets of the namespace `{STATE_NAMESPACE}` may not be read.",
        configured.loaded.project
    );
    Diagnostic::warning(UNSEEN, "A second state could not be ruled out", detail).with_help(
        "Two states would forget each other's objects. If others work on this configuration, \
         agree on one place for its state.",
    )
}

fn not_moved(env: &Environment, namespace: &str) -> Diagnostic {
    let detail = format!(
        "This configuration keeps its state in the cluster, in the namespace `{namespace}`, and \
         there is a state in `{}`. Two states would forget each other's objects. Nothing was done.",
        env.data_dir.display()
    );
    Diagnostic::error(NOT_MOVED, "State is on this machine", detail)
        .with_help("Move it to the cluster:\n  clinch init -migrate-state")
}

/// The state for a command that only reads. Where it is stands in the configuration; while
/// that says nothing else, nothing more of the configuration is needed.
pub(crate) async fn look(
    flags: &ClusterArgs,
    variables: &VariableArgs,
    env: &Environment,
    console: &Console,
) -> Result<Opened, u8> {
    edit(flags, variables, env, console, Hold::No).await
}

/// As [`look`], under the lock.
pub(crate) async fn edit(
    flags: &ClusterArgs,
    variables: &VariableArgs,
    env: &Environment,
    console: &Console,
    hold: Hold<'_>,
) -> Result<Opened, u8> {
    let told = |problems: Diagnostics| {
        console.diagnostics(&problems, &SourceMap::default());
        exit::FAILED
    };
    if written(variables, env) == StatePlace::Local {
        let folder = Folder::open(env.data_dir.clone());
        let lock = match hold {
            Hold::No => Lock::None,
            Hold::Take(claim) => local_lock(&folder, claim, env).map_err(told)?,
        };
        return Ok(Opened { store: Store::Local(folder), lock, access: None });
    }
    let configured = work::configure(variables, env, console)?;
    open(&configured, flags, env, hold).await.map_err(|problems| {
        console.diagnostics(&problems, &configured.sources);
        exit::FAILED
    })
}

/// Where the `clinch` block says that the state is, read without analyzing anything. Where it is
/// wrong about the cluster, the default stands; that it is the cluster, is right.
pub(crate) fn written(variables: &VariableArgs, env: &Environment) -> StatePlace {
    let mut sources = SourceMap::default();
    let (inputs, _) = variables::inputs(variables, env, &mut sources);
    let (config, _) = config::load(".", &mut crate::files::Directory, &mut sources);
    session::state_place(&config, &mut EarlyNames::new(&inputs), &mut Diagnostics::new())
}
