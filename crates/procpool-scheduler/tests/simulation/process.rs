//! A simulated worker process and its control page.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use procpool_scheduler::{BroadcastId, TaskId};

/// What the process side does; the scheduler sees none of it.
#[derive(Default)]
pub(crate) struct Process {
    pub(crate) life: Life,
    /// Frames on their way to it or not yet looked at.
    pub(crate) inbox: VecDeque<Order>,
    /// Slots of the control page.
    pub(crate) page: Vec<Slot>,
    in_flight: usize,
    pub(crate) running: Option<Run>,
    /// The broadcast that it runs.
    pub(crate) prepares: Option<BroadcastId>,
    /// All that it has run, or was to.
    pub(crate) heard: BTreeSet<BroadcastId>,
    /// Results written and not read by the driver.
    pub(crate) outbox: VecDeque<Answer>,
    /// Results of finished runs that it has not written.
    pub(crate) unsent: Vec<Answer>,
    /// What it writes on its page about its runs is not so, always in the same way or in any.
    pub(crate) lie: Option<Lie>,
    /// It will not claim anything any more, nor obey.
    pub(crate) frozen: bool,
    /// It has been ready, which the driver will hear if it has not.
    pub(crate) came_up: bool,
    pub(crate) is_known: bool,
    /// A step of its loop is on the calendar.
    pub(crate) awake: bool,
    pub(crate) claims: u64,
    /// What the driver was told to do with it.
    pub(crate) told: Told,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lie {
    Unclaimed,
    Past,
    JustBegun,
    Future,
    Finished,
    Any,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Life {
    #[default]
    Starting,
    /// Ready, and the driver does not know yet.
    Up,
    Ready,
    /// Dead, and the driver does not know yet.
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) enum Told {
    #[default]
    Nothing,
    Stop,
    Kill,
}

/// What the driver sends.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Run(Frame),
    Prepare(BroadcastId),
}

/// What the process sends.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Result(TaskId, Duration),
    Prepared { ran: bool },
}

#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) task: TaskId,
    pub(crate) slot: usize,
    pub(crate) dispatch: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    pub(crate) dispatch: u64,
    pub(crate) mark: Mark,
    /// When it got that mark, or its clock was restarted.
    pub(crate) since: Option<Instant>,
    /// The task that the driver believes in flight here.
    pub(crate) in_flight: Option<TaskId>,
    /// When that was sent, and behind how many.
    pub(crate) sent: Option<(Instant, usize)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    #[default]
    Free,
    Sent,
    Claimed,
    Finished,
    Revoked,
}

#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) task: TaskId,
    pub(crate) slot: usize,
    pub(crate) since: Instant,
    /// How many items come after the one that it runs.
    pub(crate) left: u32,
    /// Tells an end on the calendar from one that a cancel request has made obsolete.
    pub(crate) number: u64,
}

impl Process {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            page: vec![Slot::default(); window],
            ..Self::default()
        }
    }

    /// The driver takes it for one that is starting.
    pub(crate) fn is_starting(&self) -> bool {
        !self.is_known
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.life != Life::Dead
    }

    /// As the scheduler should count it.
    pub(crate) fn is_live(&self) -> bool {
        self.told == Told::Nothing
    }

    /// It looks at nothing else now.
    pub(crate) fn is_occupied(&self) -> bool {
        self.running.is_some() || self.prepares.is_some()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// The driver sends something.
    pub(crate) fn occupy(&mut self, now: Instant, frame: Frame) {
        let slot = &mut self.page[frame.slot];
        assert_eq!(slot.in_flight, None, "the slot is in use");
        *slot = Slot {
            dispatch: frame.dispatch,
            mark: Mark::Sent,
            since: None,
            in_flight: Some(frame.task),
            sent: Some((now, self.in_flight)),
        };
        self.in_flight += 1;
        self.inbox.push_back(Order::Run(frame));
    }

    /// What it has written of the task, if that is in flight here.
    pub(crate) fn written(&self, task: TaskId) -> Option<Slot> {
        let mut slots = self.page.iter();
        slots.find(|slot| slot.in_flight == Some(task)).copied()
    }

    /// Since when what it has not claimed waits behind others, and behind how many it did at first.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Instant, usize)> + '_ {
        let in_flight = || self.page.iter().filter(|slot| slot.in_flight.is_some());
        let head = in_flight().map(|slot| slot.dispatch).min();
        let behind = in_flight().filter(move |slot| Some(slot.dispatch) != head);
        behind
            .filter(|slot| slot.mark == Mark::Sent)
            .filter_map(|slot| slot.sent)
    }

    pub(crate) fn release(&mut self, task: TaskId) {
        for slot in &mut self.page {
            if slot.in_flight == Some(task) {
                slot.in_flight = None;
                self.in_flight -= 1;
            }
        }
    }
}
