//! What must hold after every event, whatever goes wrong.
//!
//! Each invariant is one function in a file of its own. It says nothing when all is well, and why
//! not when it is not. A new one is a file, a row of [`ALL`], and a bug in `planted` that breaks it.

mod i01_one_node;
mod i02_cordons;
mod i03_kubelets;
mod i04_files;
mod i05_second;
mod i06_intent;
mod i07_plan;
mod i08_writer;
mod i09_secrets;
mod i11_end;
mod i12_words;
mod i15_hosts;

use crate::operator::Exit;
use crate::touch::Touch;
use crate::world::World;
use std::fmt;

/// When everything is looked at.
#[derive(Debug)]
pub(crate) enum Moment<'a> {
    /// A process did something.
    Effect(&'a Touch),
    /// Something happened by itself, or somebody else did something.
    Happening,
    /// A process ended by itself.
    Exit(&'a Exit),
    /// A process did not end.
    Endless,
    /// Nothing goes wrong any more, and still the goal was not reached.
    NeverDone,
    /// Everything is done, and an apply came after that; this is what it came to.
    Second(&'a Exit),
}

/// An invariant.
pub struct Invariant {
    /// Its name.
    pub id: &'static str,
    /// What it says.
    pub sentence: &'static str,
    /// Which law of ARCHITECTURE.md, or which promise, it stands for.
    pub source: &'static str,
    check: fn(&World, &Moment<'_>) -> Result<(), String>,
}

/// All of them. I10 is about certificates, which clinch does not look after yet.
pub const ALL: [Invariant; 12] = [
    Invariant {
        id: "I1",
        sentence: "A node that is in service is taken out of it when all others are in service, \
                   whoever is to blame, and no pod that has to leave is on it when its kubelet stops.",
        source: "law 9; rollouts go one node at a time",
        check: i01_one_node::check,
    },
    Invariant {
        id: "I2",
        sentence: "Every cordon of clinch's is undone, or named by the run that leaves it; what a \
                   person cordoned stays so.",
        source: "law 8; rollout: a bracket ends whatever becomes of its edits",
        check: i02_cordons::check,
    },
    Invariant {
        id: "I3",
        sentence: "When a run has ended, every kubelet runs with what its file says, or the run \
                   has named the node.",
        source: "kubelet_config: how it is applied",
        check: i03_kubelets::check,
    },
    Invariant {
        id: "I4",
        sentence: "A managed file is byte for byte what it was or what it is to be.",
        source: "access::host: a file is replaced whole or not at all",
        check: i04_files::check,
    },
    Invariant {
        id: "I5",
        sentence: "An apply after a full apply plans nothing and writes nothing.",
        source: "law 10",
        check: i05_second::check,
    },
    Invariant {
        id: "I6",
        sentence: "Nothing is done that no step does whose begin is in the journal of the server.",
        source: "law 7",
        check: i06_intent::check,
    },
    Invariant {
        id: "I7",
        sentence: "Nothing is done that the approved plan does not say.",
        source: "laws 5 and 15",
        check: i07_plan::check,
    },
    Invariant {
        id: "I8",
        sentence: "Whoever lost the lock changes neither the state nor the journal any more.",
        source: "ARCHITECTURE.md, what is durable where",
        check: i08_writer::check,
    },
    Invariant {
        id: "I9",
        sentence: "The secret is nowhere but in the file that it is for.",
        source: "laws 11 and 16",
        check: i09_secrets::check,
    },
    Invariant {
        id: "I11",
        sentence: "Every run ends, and when nothing goes wrong any more the goal is reached.",
        source: "law 8; every wait has a deadline",
        check: i11_end::check,
    },
    Invariant {
        id: "I12",
        sentence: "Exit code and summary say what is so.",
        source: "exit codes of `clinch apply`",
        check: i12_words::check,
    },
    Invariant {
        id: "I15",
        sentence: "Once a later run was on a host, no earlier one changes anything there.",
        source: "access::host::fence",
        check: i15_hosts::check,
    },
];

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub id: &'static str,
    /// Why, as a sentence.
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id, self.why)
    }
}

/// What does not hold and is not known yet.
pub(crate) fn look(world: &World, moment: &Moment<'_>, known: &[&str]) -> Vec<Violation> {
    let new = ALL.iter().filter(|one| !known.contains(&one.id));
    let broken = |one: &Invariant| {
        let why = (one.check)(world, moment).err()?;
        Some(Violation { id: one.id, why })
    };
    new.filter_map(broken).collect()
}
