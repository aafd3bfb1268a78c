//! One process of clinch: a runtime of its own with time that nobody waits for, and an end that
//! may come between any two effects.

use crate::operator::{self, Exit, Order};
use crate::touch::Touch;
use crate::world::World;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::JoinError;

/// No process lives longer: a drain of every node may wait for ten minutes, and so may other steps.
pub(crate) const LONGEST: Duration = Duration::from_hours(3);

/// A process while it runs.
pub(crate) struct Process {
    pub(crate) world: Arc<World>,
    pub(crate) number: u32,
    /// Whether it stands still, as a machine that sleeps.
    held: AtomicBool,
    /// After which effect it is to stand still.
    sleeps_after: AtomicU64,
    goes_on: Notify,
    /// The number of the change of hands that it made.
    fence: AtomicU64,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) enum End {
    Exited(Box<Exit>),
    Died,
    Endless,
}

impl Process {
    pub(crate) fn new(world: &Arc<World>, number: u32) -> Arc<Self> {
        Arc::new(Self {
            world: world.clone(),
            number,
            held: AtomicBool::new(false),
            sleeps_after: AtomicU64::new(u64::MAX),
            goes_on: Notify::new(),
            fence: AtomicU64::new(0),
        })
    }

    /// Returns as soon as the process does not stand still.
    pub(crate) async fn runs(&self) {
        if self.world.effects() >= self.sleeps_after.load(Ordering::Relaxed) {
            self.hold();
        }
        while self.held.load(Ordering::Relaxed) {
            self.goes_on.notified().await;
        }
    }

    pub(crate) fn hold(&self) {
        self.sleeps_after.store(u64::MAX, Ordering::Relaxed);
        self.held.store(true, Ordering::Relaxed);
    }

    pub(crate) fn go_on(&self) {
        self.held.store(false, Ordering::Relaxed);
        self.goes_on.notify_waiters();
    }

    /// A file that no plan names, for a planted bug.
    pub(crate) async fn stray_write(&self) {
        let Some((node, machine)) = self.world.machines.first_key_value() else { return };
        let (path, content) = ("/etc/stray".to_owned(), Some(b"stray".to_vec()));
        let touch = Touch::File { node: node.clone(), path, content };
        let _effect = self.world.before(&touch).await;
        machine.put("/etc/stray", "stray");
        self.world.after(&touch).await;
    }

    /// Whether somebody else has taken the lock over.
    pub(crate) fn is_late(&self) -> bool {
        let fence = self.fence.load(Ordering::Relaxed);
        fence > 0 && self.world.history(|history| history.fence) > fence
    }

    /// Notes a write to the state, and whose it is.
    pub(crate) fn wrote(&self, touch: &Touch) {
        let Touch::Object(request) = touch else { return };
        if !request.is_of_state() || !matches!(request.part(), "head" | "journal") {
            return;
        }
        // A journal that no head names is none.
        let unnamed = request.part() == "journal" && request.name.ends_with("-0");
        let late = self.is_late() && !(unnamed && request.verb == "create");
        let before = self.world.history(|history| history.fence);
        self.world.history(|history| {
            history.remembered(request);
            if late {
                history.late_writes.push(format!("process {} did {touch}", self.number));
            } else if history.fence > before {
                history.owner = self.number;
                self.fence.store(history.fence, Ordering::Relaxed);
            }
        });
    }
}

/// Runs a process to its end, and lets the world go on meanwhile.
pub(crate) fn run(world: &Arc<World>, number: u32, order: Order) -> End {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O needs nothing of the system");
    world.begins();
    world.note(format_args!("process {number}: {order}"));
    // What waits by chance does so by this one.
    fastrand::seed(u64::from(number));
    let process = Process::new(world, number);
    let (end, panicked) = runtime.block_on(async {
        world.clock.begin();
        let work = tokio::spawn(operator::operate(process, order));
        let end = tokio::select! {
            biased;
            () = world.death() => (End::Died, None),
            done = work => match done {
                Ok(exit) => (End::Exited(Box::new(exit)), None),
                Err(error) => (End::Died, Some(error)),
            },
            () = world.live() => (End::Died, None),
            () = tokio::time::sleep(LONGEST) => (End::Endless, None),
        };
        world.clock.end();
        end
    });
    // Every task of the process ends with its runtime, wherever it is.
    drop(runtime);
    if let Some(error) = panicked {
        world.note(format_args!("process {number} panicked: {error}"));
    }
    world.ended(&end);
    end
}

/// When a process stands still, and when it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// After so many effects.
    pub after: u64,
    /// Until so many more are done by another process.
    pub until: u64,
}

/// A process that stands still while a second one takes over, and then goes on.
pub(crate) fn overtaken(world: &Arc<World>, orders: [Order; 2], pause: Pause) -> [End; 2] {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without I/O needs nothing of the system");
    world.begins();
    world.note("process 1 begins, and a second one while it stands still");
    fastrand::seed(1);
    let ends: Mutex<[Option<End>; 2]> = Mutex::default();
    let put = |index: usize, done: Option<Result<Exit, JoinError>>| {
        let end = done.and_then(Result::ok);
        let end = end.map_or(End::Died, |exit| End::Exited(Box::new(exit)));
        ends.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(end);
    };
    runtime.block_on(async {
        world.clock.begin();
        tokio::select! {
            biased;
            () = both(world, orders, pause, &put) => {}
            () = world.live() => {}
            () = tokio::time::sleep(LONGEST) => {}
        }
        world.clock.end();
    });
    drop(runtime);
    let ends = ends.into_inner().unwrap_or_else(PoisonError::into_inner);
    let ends = ends.map(|end| end.unwrap_or(End::Endless));
    for end in &ends {
        world.ended(end);
    }
    ends
}

async fn both(
    world: &Arc<World>,
    [first, second]: [Order; 2],
    pause: Pause,
    put: &(dyn Fn(usize, Option<Result<Exit, JoinError>>) + Sync),
) {
    let (one, two) = (Process::new(world, 1), Process::new(world, 2));
    // At the very next touch, wherever in a step that is.
    one.sleeps_after.store(pause.after, Ordering::Relaxed);
    let mut of_first = tokio::spawn(operator::operate(one.clone(), first));
    tokio::select! {
        biased;
        done = &mut of_first => {
            // Nobody had to take over.
            put(1, None);
            return put(0, Some(done));
        }
        () = reached(world, pause.after) => {}
    }
    one.hold();
    world.note("process 1 stands still");
    let until = world.effects() + pause.until;
    let mut of_second = tokio::spawn(operator::operate(two, second));
    let early = tokio::select! {
        biased;
        done = &mut of_second => Some(done),
        () = reached(world, until) => None,
    };
    world.note("process 1 goes on");
    one.go_on();
    let done = match early {
        Some(done) => done,
        None => of_second.await,
    };
    put(1, Some(done));
    put(0, Some(of_first.await));
}

/// Returns when so many effects are done.
async fn reached(world: &World, effects: u64) {
    while world.effects() < effects {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
