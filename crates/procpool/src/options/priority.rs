//! How urgent the tasks of a handle are.

use procpool_scheduler::Level;

use crate::options::priority_out_of_range::PriorityOutOfRange;

/// How urgent a task is; see [`TaskOptions::priority`](crate::TaskOptions::priority).
///
/// There are these five and no others. A number, from a configuration or a request, becomes one by
/// `try_from`, from -2, the lowest, to 2, the highest; any other number is an error.
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
    /// What can wait for everything else: -2.
    Lowest,
    /// What can wait: -1.
    Low,
    /// What nothing is said of: 0.
    #[default]
    Normal,
    /// What somebody waits for: 1.
    High,
    /// What everything else can wait for: 2.
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
