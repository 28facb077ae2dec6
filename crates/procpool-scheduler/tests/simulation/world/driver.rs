//! The driver: performs actions, reports what happened, and checks every action against the world.

use procpool_scheduler::{Action, Finished, Outcome, TaskId, WorkerId};

use super::{Event, Payload, World};
use crate::process::{Answer, Frame, Mark, Process, Told};
use crate::users::End;

impl World {
    pub(super) fn perform(&mut self) {
        while let Some(action) = self.scheduler.poll_action() {
            if self.tell {
                println!("{:>12?}     {action:?}", self.now - self.start);
            }
            match action {
                Action::Spawn(worker) => self.spawn(worker),
                Action::Dispatch {
                    worker,
                    task,
                    slot,
                    dispatch_id: dispatch,
                } => {
                    self.dispatch(
                        worker,
                        Frame {
                            task,
                            slot: slot.into(),
                            dispatch,
                        },
                    );
                }
                Action::Revoke {
                    worker,
                    task,
                    slot,
                    dispatch_id: dispatch,
                } => {
                    self.revoke(
                        worker,
                        Frame {
                            task,
                            slot: slot.into(),
                            dispatch,
                        },
                    );
                }
                Action::Inspect {
                    worker,
                    task,
                    slot,
                    dispatch_id: dispatch,
                } => self.inspect(worker, task, slot.into(), dispatch),
                Action::Collect(worker) => {
                    // These workers hold nothing back.
                    self.see("looked for results");
                    assert!(self.processes.contains_key(&worker), "a known worker");
                }
                Action::Split {
                    worker,
                    task,
                    slot,
                    dispatch_id: dispatch,
                    all,
                } => {
                    let slot = slot.into();
                    self.shorten(
                        worker,
                        Frame {
                            task,
                            slot,
                            dispatch,
                        },
                        all,
                    );
                }
                Action::RequestCancel {
                    worker,
                    task,
                    dispatch_id: dispatch,
                    slot,
                } => {
                    self.see("asked to give up");
                    let process = self.processes.get_mut(&worker).expect("a known worker");
                    let slot = process.page[usize::from(slot)];
                    assert_eq!((slot.dispatch, slot.in_flight), (dispatch, Some(task)));
                    let begun = matches!(slot.mark, Mark::Claimed | Mark::Finished);
                    assert!(begun, "nothing to cancel");
                    // Some functions look, some do not.
                    if let Some(run) = &mut process.running
                        && run.task == task
                        && self.rng.chance(0.5)
                    {
                        run.left = 0;
                        let run = *run;
                        let after = self.rng.micros(0, 3_000);
                        self.schedule(after, Event::RunEnds(worker, run.number));
                    }
                }
                Action::Stop(worker) => {
                    let process = self.processes.get_mut(&worker).expect("a known worker");
                    assert_eq!(process.told, Told::Nothing);
                    assert_eq!(process.in_flight(), 0, "stopped with work to do");
                    process.told = Told::Stop;
                    let frozen = process.frozen;
                    if !frozen && !self.rng.chance(self.chances.stop_ignored) {
                        let after = self.rng.micros(0, 500);
                        self.schedule(after, Event::Die(worker));
                    }
                }
                Action::Kill(worker) => {
                    let process = self.processes.get_mut(&worker).expect("a known worker");
                    assert_ne!(process.told, Told::Kill, "killed twice");
                    process.told = Told::Kill;
                    self.die(worker);
                }
                Action::Resolve {
                    task,
                    payload,
                    outcome,
                } => self.resolve(task, *payload, outcome),
                Action::Grant(reservation) => self.granted(reservation),
                Action::Deny(reservation) => self.denied(reservation),
                Action::WarmUpDone(warm_up) => self.warm(warm_up),
                Action::WarmUpFailed { warm_up, error } => self.not_warm(warm_up, error),
                Action::RunBroadcast { worker, broadcast } => self.brief(worker, broadcast),
                Action::BroadcastDone(broadcast) => self.spread(broadcast),
                Action::BroadcastFailed { broadcast, error } => self.not_spread(broadcast, error),
            }
        }
    }

    pub(super) fn spawn(&mut self, worker: WorkerId) {
        assert!(!self.terminated, "spawned after terminate");
        let needed = !self.closed || self.tasks.iter().any(|task| task.end.is_none());
        assert!(needed, "spawned after close with nothing to do");
        self.spawns += 1;
        let counts = self.scheduler.counts();
        let all = counts.starting + counts.preparing + counts.idle + counts.busy;
        assert!(
            all <= self.most() + (self.peak / 4).max(1),
            "one more, of {all}"
        );
        let mut process = Process::new(self.plan.config.window);
        process.heard = self.broadcasts.clone();
        assert!(
            self.processes.insert(worker, process).is_none(),
            "{worker} was used before"
        );
        if self.rng.chance(self.chances.spawn_fails) {
            self.processes.remove(&worker);
            self.say("spawn fails");
            return self.scheduler.handle_start_failed(self.now, worker);
        }
        let after = self.rng.micros(200, 5_000);
        if self.rng.chance(self.chances.start_fails) {
            self.schedule(after, Event::Die(worker));
        } else if !self.rng.chance(self.chances.start_hangs) {
            self.schedule(after, Event::Up(worker));
        }
    }

    pub(super) fn dispatch(&mut self, worker: WorkerId, frame: Frame) {
        let process = self.processes.get_mut(&worker).expect("a known worker");
        assert_eq!(
            process.told,
            Told::Nothing,
            "dispatched to a worker that was told to go"
        );
        assert!(
            !process.is_starting(),
            "dispatched to a worker that is not ready"
        );
        assert!(
            process.heard.is_superset(&self.broadcasts),
            "{worker} has yet to run a broadcast"
        );
        let process = self.processes.get_mut(&worker).expect("a known worker");
        let is_head = process.in_flight() == 0;
        process.occupy(self.now, frame);
        assert!(
            frame.dispatch > self.last_dispatch,
            "the dispatch was used before"
        );
        self.last_dispatch = frame.dispatch;
        if !is_head {
            self.see("sent ahead");
        }
        let busy = |(worker, process): &(&WorkerId, &Process)| {
            let is_there = process.is_live() && Some(**worker) != self.reaped;
            is_there && process.in_flight() > 0
        };
        let busy = self.processes.iter().filter(busy).count();
        let most = self.plan.config.max_workers;
        assert!(busy <= most, "{busy} at work, {most} may be");
        let number = self.numbers[&frame.task];
        assert_eq!(
            self.scheduler.payload_mut(frame.task).expect("a payload").0,
            number
        );
        assert!(self.tasks[number].end.is_none(), "dispatched after its end");
        self.served_in_turn(number);
        self.wake(worker);
    }

    pub(super) fn revoke(&mut self, worker: WorkerId, frame: Frame) {
        if self.batch.contains(&frame.task) {
            self.see("answered in the batch");
            return self.scheduler.handle_revoked(self.now, frame.task, false);
        }
        let process = self
            .processes
            .get_mut(&worker)
            .expect("a worker whose page is there");
        let slot = &mut process.page[frame.slot];
        assert_eq!(
            (slot.dispatch, slot.in_flight),
            (frame.dispatch, Some(frame.task))
        );
        assert_ne!(slot.mark, Mark::Revoked, "revoked twice");
        let revoked = slot.mark == Mark::Sent;
        if revoked {
            slot.mark = Mark::Revoked;
            process.release(frame.task);
            self.tasks[self.numbers[&frame.task]].revoked += 1;
        }
        self.see(if revoked { "taken back" } else { "had begun" });
        self.scheduler.handle_revoked(self.now, frame.task, revoked);
    }

    pub(super) fn read(&mut self, worker: WorkerId) {
        // That came before.
        self.hear_that_it_is_ready(worker);
        // One read brings one answer or several.
        let mut in_batch = self.rng.chance(0.5);
        if in_batch {
            self.see("a batch");
            self.scheduler.begin_batch();
        }
        while let Some(process) = self.processes.get_mut(&worker)
            && let Some(answer) = process.outbox.pop_front()
        {
            let (id, ran) = match answer {
                Answer::Result(id, ran) => (id, ran),
                Answer::Prepared { ran } => {
                    if std::mem::take(&mut in_batch) {
                        self.scheduler.end_batch(self.now);
                        self.perform();
                        self.batch.clear();
                    }
                    self.prepared(worker, ran);
                    continue;
                }
            };
            process.release(id);
            let number = self.numbers[&id];
            match self.scheduler.handle_finished(self.now, worker, id, ran) {
                Finished::Resolved(payload) => {
                    assert_eq!(payload.0, number);
                    self.finish(number, End::Result);
                }
                Finished::Late => {
                    self.see("late result");
                    assert!(self.tasks[number].end.is_some());
                }
                Finished::Unknown => panic!("the result of {id} was not expected"),
            }
            match in_batch {
                true => self.batch.push(id),
                false => self.perform(),
            }
            if self.rng.chance(self.chances.worn) {
                self.scheduler.handle_needs_recycle(self.now, worker);
                if !in_batch {
                    self.perform();
                }
            }
            if self.rng.chance(self.chances.sent_twice) {
                let again = self.scheduler.handle_finished(self.now, worker, id, ran);
                assert!(matches!(again, Finished::Unknown));
                self.see("faulty worker");
                self.say("faulty");
                self.scheduler.handle_faulty(self.now, worker);
                if !in_batch {
                    self.perform();
                }
            }
        }
        if in_batch {
            self.scheduler.end_batch(self.now);
            self.perform();
            self.batch.clear();
        }
    }

    pub(super) fn reap(&mut self, worker: WorkerId) {
        self.read(worker);
        self.reaped = Some(worker);
        if self.rng.chance(self.chances.over_limit) {
            self.over_limit.insert(worker);
            self.scheduler.handle_exited_over_limit(self.now, worker);
        } else if self.rng.chance(0.5) {
            self.scheduler.handle_exited(self.now, worker);
        } else {
            self.scheduler.handle_start_failed(self.now, worker);
        }
        self.perform();
        self.reaped = None;
        self.processes.remove(&worker);
        // Stale news are ignored.
        self.scheduler.handle_exited(self.now, worker);
        self.scheduler.handle_ready(self.now, worker);
        self.perform();
    }

    pub(super) fn resolve(&mut self, id: TaskId, payload: Payload, outcome: Outcome) {
        let number = self.numbers[&id];
        assert_eq!(payload.0, number);
        self.see(match outcome {
            Outcome::Cancelled => "cancelled",
            Outcome::TimedOut { .. } => "timed out",
            Outcome::QueueTimedOut { .. } => "waited too long",
            Outcome::WorkerDied { .. } => "worker died",
            Outcome::StartFailed { .. } => "start failed",
            Outcome::Terminated => "terminated",
        });
        let task = &self.tasks[number];
        let runs = task.claims.len();
        match outcome {
            Outcome::Cancelled if task.cancel.is_none() => {
                let deadline = task.deadline.expect("nobody has cancelled it");
                assert!(deadline <= self.now, "cancelled before its deadline");
                self.see("past its deadline");
            }
            Outcome::Cancelled => {}
            Outcome::TimedOut { limit } => {
                assert_eq!(task.spec.timeout, Some(limit));
                assert!(runs > 0, "timed out before it began");
                self.had_its_time(number, limit);
            }
            Outcome::QueueTimedOut { limit } => {
                assert_eq!(task.spec.queue_timeout, Some(limit));
                assert!(self.now - task.accepted >= limit);
                assert_eq!(runs, 0, "it had begun");
            }
            Outcome::WorkerDied { worker, attempts } => {
                assert_eq!(
                    task.claims.last().map(|claim| claim.0),
                    Some(worker),
                    "a bystander"
                );
                assert_eq!(attempts as usize, runs);
                assert!(
                    self.over_limit.contains(&worker) || attempts == task.spec.retries + 1,
                    "retries were left"
                );
                assert!(!self.processes[&worker].is_alive());
            }
            Outcome::StartFailed { worker } => {
                assert!(
                    self.processes
                        .get(&worker)
                        .is_none_or(|process| !process.is_alive() || process.told == Told::Kill)
                );
                let others = self.processes.iter().filter(|(other, process)| {
                    **other != worker && process.is_live() && process.is_starting()
                });
                assert_eq!(others.count(), 0, "another worker was starting");
            }
            Outcome::Terminated => assert!(self.terminated),
        }
        self.finish(number, End::Failed(outcome));
    }

    pub(super) fn finish(&mut self, number: usize, end: End) {
        let task = &mut self.tasks[number];
        assert_eq!(task.end, None, "resolved twice");
        task.end = Some(end);
    }
}
