//! The scripts: one fixed text for each thing that is done on a machine.
//!
//! What differs from one time to the next are arguments, never text that a shell interprets.

/// A text that `sh -c` gets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script(pub(crate) &'static str);

macro_rules! script {
    ($file:literal) => {
        Script(concat!(include_str!("scripts/prelude.sh"), include_str!($file)))
    };
}

/// What changes something, or may.
macro_rules! fenced {
    ($file:literal) => {
        Script(concat!(
            include_str!("scripts/prelude.sh"),
            include_str!("scripts/fence.sh"),
            include_str!($file)
        ))
    };
}

/// Answers questions.
pub(crate) const LOOK: Script = script!("scripts/look.sh");
/// Replaces a file, or makes it.
pub(crate) const WRITE: Script = fenced!("scripts/write.sh");
/// Removes a file.
pub(crate) const REMOVE: Script = fenced!("scripts/remove.sh");
/// Removes a folder that is empty.
pub(crate) const REMOVE_FOLDER: Script = fenced!("scripts/remove_folder.sh");
/// Runs a program.
pub(crate) const RUN: Script = fenced!("scripts/run.sh");
/// Says which run works there.
pub(crate) const CLAIM: Script = fenced!("scripts/claim.sh");

/// The mark in front of the verdict of every script but [`LOOK`].
pub(crate) const MARK: &str = "clinch:";
