//! The thread that kills, stops and continues workers from outside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fd::OwnedFd;
use rustix::process::{Pid, Signal, kill_process_group, pidfd_send_signal};

use crate::plan::Habits;
use crate::processes::Process;
use crate::rng::Rng;
use crate::storm::{Storm, lock};

/// The counts of its actions.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Toll {
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) aborts: u64,
}

/// A worker that was stopped.
#[derive(Debug)]
struct Stopped {
    worker: OwnedFd,
    until: Instant,
    /// The signal that it is sent then.
    then: Signal,
}

/// Runs until the round is over, and leaves no worker stopped.
pub(crate) fn kill_on(storm: &Storm, mut rng: Rng, over: &AtomicBool) -> Toll {
    let mut toll = Toll::default();
    let mut stopped = Vec::new();
    while !over.load(Ordering::Acquire) {
        let pause = storm
            .plan
            .killer
            .map_or(Duration::from_millis(5), |habits| {
                rng.up_to_millis(habits.pause.as_millis() as u64)
            });
        thread::sleep(pause);
        release(&mut stopped, Some(Instant::now()));
        abort_one(storm, &mut rng, &mut toll);
        if let Some(habits) = storm.plan.killer {
            stopped.extend(strike(habits, &mut rng, &mut toll));
        }
    }
    release(&mut stopped, None);
    toll
}

fn abort_one(storm: &Storm, rng: &mut Rng, toll: &mut Toll) {
    let abandoned = {
        let mut all = lock(&storm.abandoned);
        match all.len() {
            0 => return,
            len => all.swap_remove(rng.index(len)),
        }
    };
    toll.aborts += u64::from(!abandoned.is_finished());
    abandoned.abort();
}

fn strike(habits: Habits, rng: &mut Rng, toll: &mut Toll) -> Option<Stopped> {
    let workers = Process::workers();
    if workers.is_empty() {
        return None;
    }
    let victim = &workers[rng.index(workers.len())];
    let worker = victim.hold()?;
    if habits.stops && rng.chance(400) {
        pidfd_send_signal(&worker, Signal::STOP).ok()?;
        toll.stops += 1;
        return Some(Stopped {
            worker,
            until: Instant::now() + rng.up_to_millis(200),
            then: rng.pick(&[Signal::CONT, Signal::CONT, Signal::KILL]),
        });
    }
    let sent = match rng.below(10) {
        // It was alive a moment ago, and the system does not reuse a pid so soon.
        0..2 => kill_process_group(Pid::from_raw(victim.pid as i32)?, Signal::KILL),
        2..4 => pidfd_send_signal(&worker, Signal::TERM),
        _ => pidfd_send_signal(&worker, Signal::KILL),
    };
    toll.kills += u64::from(sent.is_ok());
    None
}

/// Continues or kills the stopped workers whose time has passed; without a time, all of them.
fn release(stopped: &mut Vec<Stopped>, now: Option<Instant>) {
    stopped.retain(|stopped| {
        let due = now.is_none_or(|now| stopped.until <= now);
        if due {
            // It may have been killed since.
            let _gone_is_fine = pidfd_send_signal(&stopped.worker, stopped.then);
        }
        !due
    });
}
