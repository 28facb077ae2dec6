//! How soon a worker would notice a task.

/// What a worker that has nothing to do is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attention {
    /// It sleeps, or has something to do.
    None,
    /// It is moving to another processor, and will be listening within some 50 µs.
    Coming,
    /// It listens, and notices at once.
    Listening,
}

impl Attention {
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Attention::None => 0,
            Attention::Coming => 1,
            Attention::Listening => 2,
        }
    }

    /// Whatever the worker has written.
    pub(crate) fn of_word(word: u64) -> Self {
        match word {
            1 => Attention::Coming,
            2 => Attention::Listening,
            _ => Attention::None,
        }
    }
}
