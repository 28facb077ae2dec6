//! A value that fails while it is transferred.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The plan of a [`Trap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The process in which it fails.
    pub side: Side,
    /// The step at which it fails.
    pub step: Step,
    /// The way in which it fails.
    pub manner: Manner,
}

/// The process in which a trap fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Side {
    Parent,
    Worker,
}

/// The step at which a trap fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Step {
    Serialize,
    Deserialize,
    Drop,
}

/// The way in which a trap fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// By an error of serde.
    Error,
    /// By a panic with a message.
    Panic,
    /// By a panic whose payload panics when it is dropped.
    Bomb,
}

/// A value that fails as planned. Its message is "a trap".
#[derive(Debug)]
pub struct Trap(Plan);

/// A panic payload that panics when it is dropped.
#[derive(Debug)]
pub struct Bomb;

impl Trap {
    /// Returns a trap with this plan.
    #[must_use]
    pub fn set(side: Side, step: Step, manner: Manner) -> Self {
        Trap(Plan { side, step, manner })
    }

    /// Returns whether it fails here by an error; panics if it fails here by a panic.
    fn springs(&self, step: Step) -> bool {
        let side = match procpool::worker::is_worker() {
            true => Side::Worker,
            false => Side::Parent,
        };
        let springs = (self.0.side, self.0.step) == (side, step);
        match self.0.manner {
            Manner::Panic if springs => panic!("a trap"),
            Manner::Bomb if springs => std::panic::panic_any(Bomb),
            _ => springs,
        }
    }
}

impl From<Plan> for Trap {
    fn from(plan: Plan) -> Self {
        Trap(plan)
    }
}

impl Serialize for Trap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.springs(Step::Serialize) {
            true => Err(S::Error::custom("a trap")),
            false => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let trap = Trap(Plan::deserialize(deserializer)?);
        match trap.springs(Step::Deserialize) {
            true => Err(D::Error::custom("a trap")),
            false => Ok(trap),
        }
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.springs(Step::Drop);
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb");
    }
}
