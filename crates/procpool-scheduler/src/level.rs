//! How urgent a task is.

/// One of five levels; the higher is served first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Level {
    /// When there is nothing else to do.
    Lowest,
    /// After what is normal.
    Low,
    /// What a task has that says nothing.
    #[default]
    Normal,
    /// Before what is normal.
    High,
    /// Before anything else.
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
