//! A worker process as the scheduler knows it.

use std::collections::VecDeque;

use crate::id::{BroadcastId, WorkerId};
use crate::policy::tuning::NEAR_LIMIT;
use crate::state::deadlines::Deadlines;
use crate::state::flight::Flight;
use crate::state::life::{Life, Ready, Recycling};

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    pub(crate) life: Life,
    pub(crate) flight: Flight,
    /// The broadcasts that it has yet to run before its next task, in order. A ready worker was sent them.
    pub(crate) broadcasts: VecDeque<BroadcastId>,
    pub(crate) quota: Quota,
}

/// How many tasks a worker may run.
#[derive(Debug)]
pub(crate) struct Quota {
    /// Tasks that were sent and not taken back.
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

impl Worker {
    /// A worker that is starting.
    pub(crate) fn new(id: WorkerId, life: Life, window: usize, limit: u64) -> Self {
        Self {
            id,
            life,
            flight: Flight::new(window),
            broadcasts: VecDeque::new(),
            quota: Quota { used: 0, limit },
        }
    }

    #[inline]
    pub(crate) fn ready(&self) -> Option<&Ready> {
        match &self.life {
            Life::Ready(ready) => Some(ready),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn ready_mut(&mut self) -> Option<&mut Ready> {
        match &mut self.life {
            Life::Ready(ready) => Some(ready),
            _ => None,
        }
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(self.life, Life::Starting { .. })
    }

    /// Begins another state. Gives the one before, of which nothing is due any more.
    pub(crate) fn enter(&mut self, life: Life, deadlines: &mut Deadlines) -> Life {
        let mut before = std::mem::replace(&mut self.life, life);
        before.disarm(deadlines);
        before
    }

    /// Whether it may be sent tasks as far as its quota goes, whether or not it has room now.
    #[inline]
    pub(crate) fn accepts(&self) -> bool {
        self.ready()
            .is_some_and(|ready| ready.recycling < Recycling::Replaced)
            && self.quota.used < self.quota.limit
    }

    /// Whether a task may be sent behind those in flight, if these are little work.
    #[inline]
    pub(crate) fn accepts_behind_others(&self) -> bool {
        self.accepts() && self.broadcasts.is_empty() && self.flight.is_predictable()
    }

    /// Whether a replacement should be started for it.
    #[inline]
    pub(crate) fn needs_recycle(&self) -> bool {
        let Quota { used, limit } = self.quota;
        used >= limit - limit / NEAR_LIMIT
            || self
                .ready()
                .is_some_and(|ready| ready.recycling == Recycling::Needed)
    }
}
