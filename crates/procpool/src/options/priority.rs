//! The urgency of the tasks of a handle.

use procpool_scheduler::Level;

use crate::options::priority_out_of_range::PriorityOutOfRange;

/// The urgency of a task; see [`TaskOptions::priority`](crate::TaskOptions::priority).
///
/// There are exactly five priorities. `try_from` converts a number, for example from a configuration
/// file, from -2 (lowest) to 2 (highest), and returns an error for any other.
///
/// ```
/// use procpool::Priority;
/// assert!(Priority::High > Priority::Normal);
/// assert_eq!(Priority::try_from(-1), Ok(Priority::Low));
/// assert_eq!(
///     Priority::try_from(9).unwrap_err().to_string(),
///     "priority 9 is out of range: it is a number from -2 (lowest) to 2 (highest), and 0 is normal"
/// );
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Can wait for every other task: -2.
    Lowest,
    /// Can wait: -1.
    Low,
    /// The default: 0.
    #[default]
    Normal,
    /// Somebody waits for the result: 1.
    High,
    /// Every other task can wait for it: 2.
    Highest,
}

impl TryFrom<i64> for Priority {
    type Error = PriorityOutOfRange;

    fn try_from(number: i64) -> Result<Self, PriorityOutOfRange> {
        Ok(match number {
            -2 => Priority::Lowest,
            -1 => Priority::Low,
            0 => Priority::Normal,
            1 => Priority::High,
            2 => Priority::Highest,
            _ => return Err(PriorityOutOfRange(number)),
        })
    }
}

impl From<Priority> for Level {
    fn from(priority: Priority) -> Level {
        match priority {
            Priority::Lowest => Level::Lowest,
            Priority::Low => Level::Low,
            Priority::Normal => Level::Normal,
            Priority::High => Level::High,
            Priority::Highest => Level::Highest,
        }
    }
}
