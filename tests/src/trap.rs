//! A value that misbehaves on its way.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a [`Trap`] does, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In which process.
    pub side: Side,
    /// At which step.
    pub step: Step,
    /// In which way.
    pub manner: Manner,
}

/// In which process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Side {
    Parent,
    Worker,
}

/// At which step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Step {
    Serialize,
    Deserialize,
    Drop,
}

/// In which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manner {
    /// serde's way to say that a value can't be carried.
    Error,
    /// A panic with a message.
    Panic,
    /// A panic whose payload panics when it is dropped.
    Bomb,
}

/// A value that carries out its plan. What it says when it does is "a trap".
#[derive(Debug)]
pub struct Trap(Plan);

/// A panic's payload that panics when it is dropped.
#[derive(Debug)]
pub struct Bomb;

impl Trap {
    /// A trap that is set.
    #[must_use]
    pub fn set(side: Side, step: Step, manner: Manner) -> Self {
        Trap(Plan { side, step, manner })
    }

    /// Whether this is the place; panics here if that is the plan.
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
