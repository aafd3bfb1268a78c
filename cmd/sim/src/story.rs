//! What goes wrong, and what others do meanwhile: by hand, or by chance from a seed.

use crate::chance::Chance;
use crate::world::{CONFIG, NODES};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What goes wrong with one touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The server has too much to do (429). A host is not reached.
    TooMany,
    /// The server answers 503. A host is not reached.
    Unavailable,
    /// The server answers 500. A host is not reached.
    Failure,
    /// The connection breaks, and nothing was done.
    BreaksBefore,
    /// It is done, and then the connection breaks.
    BreaksAfter,
    /// Somebody else changed the object.
    Conflict,
    /// It takes long.
    Late,
}

const MISHAPS: [Mishap; 7] = [
    Mishap::TooMany,
    Mishap::Unavailable,
    Mishap::Failure,
    Mishap::BreaksBefore,
    Mishap::BreaksAfter,
    Mishap::Conflict,
    Mishap::Late,
];

/// What somebody else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Cordon(String),
    Uncordon(String),
    Edit {
        node: String,
        path: String,
        text: String,
    },
    DeletePod,
    /// The budget of the application wants so many pods.
    Budget(u32),
    /// A machine is not reached for a while.
    Away(String, Duration),
    Reboot(String),
    /// A kubelet does not come up with settings that say this; `None`: it does.
    Dislike(String, Option<String>),
    /// The process is asked to stop.
    Interrupt,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cordon(node) => write!(f, "somebody cordons {node}"),
            Self::Uncordon(node) => write!(f, "somebody uncordons {node}"),
            Self::Edit { node, path, .. } => write!(f, "somebody edits {node}:{path}"),
            Self::DeletePod => write!(f, "somebody deletes a pod"),
            Self::Budget(least) => write!(f, "the budget wants {least} pods"),
            Self::Away(node, time) => write!(f, "{node} is not reached for {time:?}"),
            Self::Reboot(node) => write!(f, "{node} reboots"),
            Self::Dislike(node, Some(part)) => write!(f, "{node} does not come up with `{part}`"),
            Self::Dislike(node, None) => write!(f, "{node} comes up with anything"),
            Self::Interrupt => write!(f, "somebody interrupts"),
        }
    }
}

/// All that goes wrong in a world.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// By the number of the effect.
    pub(crate) mishaps: BTreeMap<u64, Mishap>,
    /// When somebody else does what.
    pub(crate) acts: Vec<(Duration, Act)>,
}

/// How long a machine is away that reboots.
pub(crate) const REBOOTS: Duration = Duration::from_secs(20);
/// How long a rollout without trouble takes at most; acts come within this time.
const BUSY: u64 = 240;
/// About so many effects has one.
const EFFECTS: u64 = 140;

impl Script {
    /// By chance. Whatever a person does in the way is undone by that person later.
    pub(crate) fn by(chance: &mut Chance) -> Self {
        let mut script = Self::default();
        let share = *chance.of(&[0, 0, 2, 5, 10]);
        for effect in 1..=EFFECTS * 2 {
            if chance.percent(share) {
                script.mishaps.insert(effect, *chance.of(&MISHAPS));
            }
        }
        for _ in 0..chance.below(4) {
            let at = Duration::from_secs(chance.below(BUSY));
            let time = Duration::from_secs(1 + chance.below(BUSY));
            let later = at + time;
            let node = (*chance.of(&NODES)).to_owned();
            let mut acts = |acts: Vec<(Duration, Act)>| script.acts.extend(acts);
            match chance.below(8) {
                0 => acts(vec![(at, Act::Cordon(node.clone())), (later, Act::Uncordon(node))]),
                1 => {
                    let path = CONFIG.to_owned();
                    let text = edited();
                    acts(vec![(at, Act::Edit { node, path, text })]);
                }
                2 => acts(vec![(at, Act::DeletePod)]),
                3 => acts(vec![(at, Act::Budget(3)), (later, Act::Budget(2))]),
                4 => acts(vec![(at, Act::Away(node, time))]),
                5 => acts(vec![(at, Act::Reboot(node))]),
                6 => {
                    let part = Some(crate::site::NEW.to_owned());
                    acts(vec![
                        (Duration::ZERO, Act::Dislike(node.clone(), part)),
                        (later, Act::Dislike(node, None)),
                    ]);
                }
                _ => acts(vec![(at, Act::Interrupt)]),
            }
        }
        script
    }

    /// When the last of it is over.
    pub(crate) fn end(&self) -> Duration {
        let lasts = |act: &Act| match act {
            Act::Away(_, time) => *time,
            Act::Reboot(_) => REBOOTS,
            _ => Duration::ZERO,
        };
        self.acts.iter().map(|(at, act)| *at + lasts(act)).max().unwrap_or_default()
    }
}

/// The kubelet's file with one line of a person's own.
fn edited() -> String {
    let files = sandbox::files_of_host(NODES[1]);
    let text = files.iter().find(|(path, _)| CONFIG.ends_with(path)).map_or("", |(_, text)| text);
    format!("{text}syncFrequency: 2m0s\n")
}
