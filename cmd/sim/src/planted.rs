//! Bugs that are planted on purpose, one for each invariant: what notices no bug proves nothing.

use std::fmt;

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    /// Whoever cordons a node cordons the next one, too.
    TwoNodesAtOnce,
    /// Uncordoning the last node says that it is done, and does nothing.
    ForgottenUncordon,
    /// Settings are written, and the kubelet not restarted.
    ForgottenRestart,
    /// A file is written to its half.
    HalfFile,
    /// What was written is not seen.
    BlindLook,
    /// The journal says that a begin is durable, and it is not written.
    LostBegin,
    /// A step does something that its plan does not say.
    StrayWrite,
    /// Whoever lost the lock writes all the same.
    NoFence,
    /// Hosts do not ask which run it is that works there.
    OpenHosts,
    /// A failure quotes the secret that it was about.
    SpokenSecret,
    /// A step never ends.
    EndlessStep,
    /// A step says that it is done, and nothing is.
    IdleStep,
}

impl Planted {
    /// All, each with the invariant that it breaks.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::TwoNodesAtOnce, "I1"),
        (Self::ForgottenUncordon, "I2"),
        (Self::ForgottenRestart, "I3"),
        (Self::HalfFile, "I4"),
        (Self::BlindLook, "I5"),
        (Self::LostBegin, "I6"),
        (Self::StrayWrite, "I7"),
        (Self::NoFence, "I8"),
        (Self::SpokenSecret, "I9"),
        (Self::EndlessStep, "I11"),
        (Self::IdleStep, "I12"),
        (Self::OpenHosts, "I15"),
    ];

    /// The invariant that it breaks.
    pub fn breaks(self) -> &'static str {
        Self::ALL.iter().find(|(planted, _)| *planted == self).map_or("", |(_, breaks)| breaks)
    }

    /// The one that breaks this invariant.
    pub fn of(invariant: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, breaks)| *breaks == invariant).map(|(planted, _)| *planted)
    }
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TwoNodesAtOnce => "whoever cordons a node cordons the next one, too",
            Self::ForgottenUncordon => "uncordoning the last node does nothing",
            Self::ForgottenRestart => "a kubelet is not restarted for its new settings",
            Self::HalfFile => "half of a file is written",
            Self::BlindLook => "what was written is not seen",
            Self::LostBegin => "the begin of a step is not written",
            Self::StrayWrite => "a step does more than its plan says",
            Self::NoFence => "whoever lost the lock writes all the same",
            Self::OpenHosts => "hosts do not ask which run it is",
            Self::SpokenSecret => "a failure quotes a secret",
            Self::EndlessStep => "a step never ends",
            Self::IdleStep => "a step says that it is done, and nothing is",
        })
    }
}
