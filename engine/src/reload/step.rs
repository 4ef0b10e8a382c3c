use std::fmt;

/// The steps of a swap, in order. First load, reload and unload are the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The file is there, or has changed.
    Seen,
    /// It has stopped changing.
    Settled,
    /// It is a complete library with the entry function of this major version.
    Proved,
    /// A private copy of the very bytes that were proved exists.
    Copied,
    /// A process of its own has loaded it and come to no harm.
    Probed,
    /// The copy is in the process, its descriptor is read and its keys are free.
    Loaded,
    /// `create` has returned.
    Created,
    /// Outside commands wait (EXCLUSIVE only).
    Held,
    /// The old generation is empty (EXCLUSIVE only).
    Drained,
    /// The old generation has stopped (EXCLUSIVE only).
    Stopped,
    /// The old generation's state is saved (STATEFUL only).
    Saved,
    /// The new generation has taken a saved state over (STATEFUL only).
    Restored,
    /// `start` has returned.
    Started,
    /// The next command goes to the new generation.
    Swapped,
    /// The old generation takes no more commands.
    Draining,
    /// Nothing is left of the old generation.
    Closed,
    /// The old generation had to be kept in the process.
    Retired,
    /// The candidate is given up; what served before goes on.
    Refused,
    /// The last good version serves in the place of one that failed its trial.
    RolledBack,
    /// An INLINE command was too slow for threads that read sockets: it is CONCURRENT from now on.
    Demoted,
    /// The plugin's keys are gone.
    Unloaded,
    /// The application serves a key. No step of a swap, but as one for whoever wants to know what there is to call.
    Registered,
    /// It serves that no longer.
    Unregistered,
}

impl Step {
    /// The word in events, logs and `jackfield.plugins`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Settled => "settled",
            Self::Proved => "proved",
            Self::Copied => "copied",
            Self::Probed => "probed",
            Self::Loaded => "loaded",
            Self::Created => "created",
            Self::Held => "held",
            Self::Drained => "drained",
            Self::Stopped => "stopped",
            Self::Saved => "saved",
            Self::Restored => "restored",
            Self::Started => "started",
            Self::Swapped => "swapped",
            Self::Draining => "draining",
            Self::Closed => "closed",
            Self::Retired => "retired",
            Self::Refused => "refused",
            Self::RolledBack => "rolled-back",
            Self::Demoted => "demoted",
            Self::Unloaded => "unloaded",
            Self::Registered => "registered",
            Self::Unregistered => "unregistered",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
