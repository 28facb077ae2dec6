//! The state with a control page and a socket, and no process at their other ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use procpool_os::{CallOffsets, ControlPage, socket};
use procpool_scheduler::{Config, FunctionKey, Scheduler, TaskSpec, WorkerId};
use procpool_wire::Limits;
use procpool_wire::items::push_item;

use super::pool_state::State;
use crate::driver::maps::chunk::{Chunk, ChunkCall};
use crate::driver::maps::map_sink::MapSink;
use crate::driver::pool::broadcasts::Broadcasts;
use crate::driver::pool::job::Job;
use crate::driver::pool::queued_input::QueuedInput;
use crate::driver::process::worker_limits::WorkerLimits;
use crate::driver::transport::channel;
use crate::driver::transport::link::Link;
use crate::spin_wait::ResultSource;

/// It has no events.
#[derive(Debug)]
struct Mute;

impl ResultSource for Mute {
    fn has_more(&self) -> bool {
        false
    }

    fn handle_more(&self) {}

    fn stop_spinning(&self) {}
}

/// The kill comes a moment after it was decided, and the exit later yet. If the worker were still allowed
/// to begin items in between, the kill would hit one that has done nothing.
#[tokio::test]
async fn a_worker_that_is_to_be_killed_begins_no_further_item_of_its_chunk() {
    let now = Instant::now();
    let scheduler = Scheduler::new(Config::default());
    let limits = WorkerLimits::default();
    let broadcasts = Broadcasts::new(Vec::new());
    let mut state = State::new(scheduler, Duration::MAX, limits, Duration::ZERO, broadcasts);
    state.scheduler.handle_start(now);
    state.perform(now);
    let worker: WorkerId = state.effects.spawn[0].0;

    let (ours, _theirs) = socket::pair().unwrap();
    let (sender, _receiver) = channel::open(ours).unwrap();
    let (page, descriptor) = ControlPage::create().unwrap();
    let at_worker = ControlPage::attach(descriptor).unwrap();
    let link = Arc::new(Link::new(sender, page, 1));
    state.handle_ready(now, worker, link, Arc::new(Mute));

    let call = ChunkCall {
        column: None,
        offsets: CallOffsets::from_words([1, 2]),
        limits: Limits::default(),
        clocked: false,
        is_stream: false,
    };
    let sink = Arc::new(MapSink::default());
    let mut items = Vec::new();
    for _ in 0..3 {
        let item = |out: &mut Vec<u8>| {
            out.push(7);
            Ok::<_, ()>(())
        };
        push_item(&mut items, item).unwrap();
    }
    let chunk = Arc::new(Chunk::new(&sink, call, 0, items.into(), 3));
    let spec = TaskSpec {
        items: 3,
        ..TaskSpec::new(FunctionKey(1))
    };
    let task = state
        .scheduler
        .handle_submit(now, spec, Job::of_chunk(&chunk));
    task.expect("there is room");
    state.perform(now);
    let (slot, first_dispatch_id) = (0, 1);
    assert!(at_worker.claim(slot, first_dispatch_id));
    let items = at_worker.items_of(slot).expect("there is such a slot");
    assert!(items.claim(), "the first item begins");

    state.handle_overgrown(now, worker, 0);
    state.perform(now);
    assert!(!state.effects.kill.is_empty(), "it is to be killed");
    assert!(!items.claim(), "the second item begins");
    assert_eq!(chunk.unanswered(), 1, "the others are a chunk of their own");
}

/// Inputs that were queued while another thread had the lock are handled once.
#[test]
fn a_queued_alarm_is_handled_when_the_state_is_locked() {
    let now = Instant::now();
    let mut state = State::new(
        Scheduler::new(Config::default()),
        Duration::MAX,
        WorkerLimits::default(),
        Duration::ZERO,
        Broadcasts::new(Vec::new()),
    );
    state.pending.push(QueuedInput::Alarm);
    state.alarm = Some(now);
    state.handle_pending(now);
    assert_eq!(state.alarm, None, "the alarm has rung");
    assert!(state.pending.is_empty());
}
