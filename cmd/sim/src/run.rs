//! One story from its beginning to its end.

use crate::chance::Chance;
use crate::invariants::{Moment, Violation};
use crate::operator::{Command, Order};
use crate::planted::Planted;
use crate::process::{self, End, Pause};
#[cfg(test)]
use crate::site::{Goal, NEW};
#[cfg(test)]
use crate::story::Act;
use crate::story::{Mishap, Script};
use crate::world::{Crash, VIOLATION, World};
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::Ordering;
use std::time::Duration;

/// After this time a lock that nobody renews may be taken.
const LOCK_EXPIRES: Duration = Duration::from_secs(70);
/// So many processes may it take to reach the goal when nothing goes wrong any more.
const MOST: u32 = 3;
/// The effect that writes the settings of the first node.
const SETTINGS_OF_FIRST: u64 = 25;
/// The effect after which these settings are written, and the kubelet is still to be restarted.
pub(crate) const AMID_A_STEP: u64 = 26;
/// What the trace says when a person has another configuration.
#[cfg(test)]
pub(crate) const CHANGED: &str = "the configuration is changed";
/// So many lines are shown of what led to a violation.
const LINES: usize = 40;

/// What came of one story.
#[derive(Debug, Clone)]
pub struct Run {
    /// What to give to `cargo xtask sim` to see it again.
    pub replay: String,
    /// How many effects there were: requests, files, commands.
    pub effects: u64,
    /// How often everything was looked at.
    pub events: u64,
    /// How many processes of clinch there were.
    pub processes: u32,
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// What happened, line by line.
    pub trace: Vec<String>,
    /// Another number when anything went another way.
    pub digest: u64,
    /// How the first process ended: its exit code, or why it has none.
    pub first: String,
}

/// Every point at which the process of a plain rollout may die: before and after each effect.
pub fn crash_points() -> Vec<Crash> {
    let mut story = Story::new(Script::default(), Vec::new(), None);
    story.process(Command::Apply);
    let points = (1..=story.world.effects())
        .flat_map(|effect| [false, true].map(|done| Crash { effect, done }));
    points.collect()
}

impl Run {
    /// A rollout in which the process dies at these points, one after the other; another one
    /// resumes.
    pub fn with_crashes(crashes: &[Crash]) -> Self {
        let mut story = Story::new(Script::default(), crashes.to_vec(), None);
        let first = story.process(Command::Apply);
        story.comes_to_rest();
        let points: Vec<String> = crashes.iter().map(ToString::to_string).collect();
        story.told(format!("--crash {}", points.join(",")), &first)
    }

    /// A rollout in which the settings of one node cannot be written at first; the process that
    /// resumes it dies at this point, counted from its first effect, and another one goes on.
    pub fn of_resumption(point: Crash) -> Self {
        let mut script = Script::default();
        script.mishaps.insert(SETTINGS_OF_FIRST, Mishap::Unavailable);
        let mut story = Story::new(script, Vec::new(), None);
        let first = story.process(Command::Apply);
        let effect = story.world.effects() + point.effect;
        story.world.crashes_at(Crash { effect, ..point });
        story.world.passes(LOCK_EXPIRES);
        story.process(Command::Resume);
        story.comes_to_rest();
        story.told(format!("--resumption {point}"), &first)
    }

    /// A rollout with one bug; with a second process that takes over when the bug is about that.
    pub fn with_bug(bug: Planted) -> Self {
        let mut story = Story::new(Script::default(), Vec::new(), Some(bug));
        let first = match bug {
            Planted::NoFence => story.overtaken(Pause { after: 30, until: 20 }),
            Planted::OpenHosts => story.overtaken(Pause { after: AMID_A_STEP, until: 1000 }),
            _ => {
                let first = story.process(Command::Apply);
                story.comes_to_rest();
                first
            }
        };
        story.told(format!("--bug {}", bug.breaks()), &first)
    }

    /// A rollout whose process stands still for a while; a second one takes over, and then the
    /// first one goes on.
    pub fn overtaken(pause: Pause) -> Self {
        let mut story = Story::new(Script::default(), Vec::new(), None);
        let first = story.overtaken(pause);
        story.comes_to_rest();
        story.told(format!("--pause {},{}", pause.after, pause.until), &first)
    }

    /// A rollout that fails at a node whose kubelet does not come up with the new settings, and may
    /// die before; then the configuration is another one, and the kubelet comes up if that is not
    /// without those settings. No run is ever resumed: whoever plans anew gets there.
    #[cfg(test)]
    pub(crate) fn after_a_failure(node: &str, crash: Option<Crash>, goal: Goal) -> Self {
        let mut script = Script::default();
        let dislikes = Act::Dislike(node.to_owned(), Some(NEW.to_owned()));
        script.acts.push((Duration::ZERO, dislikes));
        let mut story = Story::new(script, crash.into_iter().collect(), None);
        let first = story.process(Command::Apply);
        story.world.calms_down();
        if goal == Goal::Before {
            story.world.goal_of_kubelets.store(false, Ordering::Relaxed);
        } else if let Some(machine) = story.world.machines.get(node) {
            machine.kubelet(|kubelet| kubelet.dislikes = None);
        }
        story.world.note(CHANGED);
        let order = |command| Order { goal, ..Order::new(command) };
        for _ in 0..MOST {
            story.world.passes(LOCK_EXPIRES);
            if story.does_well(order(Command::Apply)) {
                if let End::Exited(second) = story.ordered(order(Command::Apply)) {
                    story.world.look(Moment::Second(&second));
                }
                return story.told(String::new(), &first);
            }
        }
        story.world.look(Moment::NeverDone);
        story.told(String::new(), &first)
    }

    /// A rollout in which everything goes wrong by chance.
    pub fn by_seed(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let script = Script::by(&mut chance);
        let mut crashes = Vec::new();
        for _ in 0..*chance.of(&[0, 0, 1, 1, 2, 3]) {
            crashes.push(Crash { effect: 1 + chance.below(200), done: chance.percent(50) });
        }
        let mut story = Story::new(script, crashes, None);
        let first = story.muddles_through(&mut chance);
        story.comes_to_rest();
        story.told(format!("--seed {seed}"), &first)
    }
}

impl Run {
    /// The lines that led to the first thing that did not hold; the last ones where all did.
    pub fn led_there(&self) -> &[String] {
        let first = self.trace.iter().position(|line| line.contains(VIOLATION));
        let end = first.map_or(self.trace.len(), |first| first + 1);
        &self.trace[end.saturating_sub(LINES)..end]
    }
}

struct Story {
    world: Arc<World>,
    processes: u32,
}

impl Story {
    fn new(script: Script, crashes: Vec<Crash>, planted: Option<Planted>) -> Self {
        Self { world: World::new(script, crashes, planted), processes: 0 }
    }

    fn process(&mut self, command: Command) -> End {
        self.skewed(command, 0)
    }

    fn skewed(&mut self, command: Command, skew: i64) -> End {
        self.ordered(Order { skew, ..Order::new(command) })
    }

    fn ordered(&mut self, order: Order) -> End {
        self.processes += 1;
        process::run(&self.world, self.processes, order)
    }

    #[cfg(test)]
    fn does_well(&mut self, order: Order) -> bool {
        matches!(self.ordered(order), End::Exited(exit) if exit.code == 0)
    }

    fn overtaken(&mut self, pause: Pause) -> End {
        self.processes += 2;
        let orders = [Order::new(Command::Apply), Order::new(Command::Resume)];
        let [first, _] = process::overtaken(&self.world, orders, pause);
        first
    }

    /// A person tries again while things go wrong.
    fn muddles_through(&mut self, chance: &mut Chance) -> End {
        let skews = [0, 0, 1800, -1800, 60];
        let first = self.skewed(Command::Apply, *chance.of(&skews));
        for _ in 0..3 {
            if self.is_done() {
                break;
            }
            self.world.passes(Duration::from_secs(chance.below(150)));
            let command = if chance.percent(70) { Command::Resume } else { Command::Apply };
            self.skewed(command, *chance.of(&skews));
        }
        first
    }

    fn exits_well(&mut self, command: Command) -> bool {
        matches!(self.process(command), End::Exited(exit) if exit.code == 0)
    }

    fn is_done(&self) -> bool {
        self.world.history(|history| history.exits.last().is_some_and(|exit| exit.code == 0))
    }

    /// Nothing goes wrong any more: the goal is reached, and then there is nothing to do.
    fn comes_to_rest(&mut self) {
        self.world.calms_down();
        for _ in 0..MOST {
            self.world.passes(LOCK_EXPIRES);
            // Where nothing is to be resumed, everything is planned anew.
            // What a person changed meanwhile is to be taken back first.
            let meddled = self.world.history(|history| history.meddled);
            let done = self.is_done() && !meddled;
            let did = done || (!self.is_done() && self.exits_well(Command::Resume) && !meddled);
            if !did && !self.exits_well(Command::Apply) {
                continue;
            }
            if let End::Exited(second) = self.process(Command::Apply) {
                self.world.look(Moment::Second(&second));
                return;
            }
        }
        self.world.look(Moment::NeverDone);
    }

    fn told(self, replay: String, first: &End) -> Run {
        let world = &self.world;
        let (events, digest, trace) =
            world.history(|history| (history.events, history.digest, history.trace.clone()));
        let first = match first {
            End::Exited(exit) => exit.code.to_string(),
            End::Died => "died".to_owned(),
            End::Endless => "endless".to_owned(),
        };
        Run {
            replay: format!("cargo xtask sim {replay}"),
            effects: world.effects(),
            events,
            processes: self.processes,
            violations: world.violations(),
            trace,
            digest,
            first,
        }
    }
}
