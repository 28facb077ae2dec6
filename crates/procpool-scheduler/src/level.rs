//! How urgent a task is.

/// One of five levels; the higher is served first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Level {
    /// Served when no higher level has a task.
    Lowest,
    /// Served after normal tasks.
    Low,
    /// The level of a task without another one.
    #[default]
    Normal,
    /// Served before normal tasks.
    High,
    /// Served before all others.
    Highest,
}

impl Level {
    /// From the lowest to the highest.
    pub const ALL: [Self; 5] = [
        Self::Lowest,
        Self::Low,
        Self::Normal,
        Self::High,
        Self::Highest,
    ];
}
