//! What the worker processes do, each at its own pace.

use std::time::Duration;

use procpool_scheduler::{TaskId, WorkerId};

use super::{Event, World};
use crate::process::{Answer, Lie, Life, Mark, Order, Run};
use crate::users;

impl World {
    /// It is ready, and the driver hears of it a moment later.
    pub(super) fn come_up(&mut self, worker: WorkerId) {
        let Some(process) = self.processes.get_mut(&worker) else {
            return;
        };
        if !process.is_alive() {
            return;
        }
        (process.life, process.came_up) = (Life::Up, true);
        let after = self.rng.micros(0, 300);
        self.schedule(after, Event::Ready(worker));
        self.wake(worker);
    }

    pub(super) fn become_ready(&mut self, worker: WorkerId) {
        if !self.hear_that_it_is_ready(worker) {
            return;
        }
        if self.rng.chance(self.chances.dies_idle) {
            let after = self.rng.micros(0, 2_000);
            self.schedule(after, Event::Die(worker));
        }
        if self.rng.chance(self.chances.freezes)
            && let Some(process) = self.processes.get_mut(&worker)
        {
            process.frozen = true;
        }
        if self.rng.chance(self.chances.lies)
            && let Some(process) = self.processes.get_mut(&worker)
        {
            let lies = [Lie::Any, Lie::JustBegun, Lie::Future, Lie::Finished];
            process.lie = Some(self.rng.pick(&lies));
        }
    }

    /// The first thing that the driver hears of it, even if it has died since. False if it had heard it before, or never
    /// will.
    pub(super) fn hear_that_it_is_ready(&mut self, worker: WorkerId) -> bool {
        let Some(process) = self.processes.get_mut(&worker) else {
            return false;
        };
        if !process.came_up || process.is_known {
            return false;
        }
        process.is_known = true;
        let is_alive = process.is_alive();
        if is_alive {
            process.life = Life::Ready;
        }
        self.scheduler.handle_ready(self.now, worker);
        self.perform();
        is_alive
    }

    /// Everything that it had not written is lost; what it had written can still be read.
    pub(super) fn die(&mut self, worker: WorkerId) {
        let Some(process) = self.processes.get_mut(&worker) else {
            return;
        };
        if process.is_alive() {
            process.life = Life::Dead;
            process.running = None;
            process.prepares = None;
            process.unsent.clear();
            let after = self.rng.micros(0, 1_000);
            self.schedule(after, Event::Exited(worker));
        }
    }

    pub(super) fn wake(&mut self, worker: WorkerId) {
        let process = self.processes.get_mut(&worker).expect("a known worker");
        let looks = process.is_alive() && process.life != Life::Starting;
        if !process.awake && !process.is_occupied() && looks {
            process.awake = true;
            let after = match self.rng.within(0, 9) {
                0 => self.rng.micros(0, 3_000),
                _ => self.rng.micros(0, 50),
            };
            self.schedule(after, Event::Step(worker));
        }
    }

    pub(super) fn step(&mut self, worker: WorkerId) {
        let Some(process) = self.processes.get_mut(&worker) else {
            return;
        };
        process.awake = false;
        if !process.is_alive() || process.frozen || process.is_occupied() {
            return;
        }
        while let Some(order) = process.inbox.pop_front() {
            let frame = match order {
                Order::Run(frame) => frame,
                Order::Prepare(broadcast) => return self.prepare(worker, broadcast),
            };
            let slot = &mut process.page[frame.slot];
            if slot.dispatch != frame.dispatch || slot.mark != Mark::Sent {
                continue;
            }
            slot.mark = Mark::Claimed;
            slot.since = Some(self.now);
            process.claims += 1;
            return self.run(worker, frame.task, frame.slot);
        }
    }

    pub(super) fn run(&mut self, worker: WorkerId, id: TaskId, slot: usize) {
        let task = &mut self.tasks[self.numbers[&id]];
        assert_eq!(task.end, None, "ran after its end");
        if let Some((last, _)) = task.claims.last() {
            let dead = self
                .processes
                .get(last)
                .is_none_or(|process| !process.is_alive());
            assert!(dead, "runs twice at once");
        }
        if let Some((last, _)) = task.claims.last() {
            assert!(
                !self.over_limit.contains(last),
                "run again after it passed a limit"
            );
        }
        task.claims.push((worker, self.now));
        let runs = task.claims.len();
        assert!(
            runs <= task.spec.retries as usize + 1,
            "run again without leave"
        );
        if let Some(most) = self.plan.config.max_tasks_per_worker {
            assert!(
                self.processes[&worker].claims <= most.get(),
                "too many tasks for one worker"
            );
        }
        let (function, items) = (task.spec.function, task.spec.items);
        if runs > 1 {
            self.see("retried");
        }
        self.last_run += 1;
        let number = self.last_run;
        let run = Run {
            task: id,
            slot,
            since: self.now,
            left: items.saturating_sub(1),
            number,
        };
        self.processes
            .get_mut(&worker)
            .expect("a known worker")
            .running = Some(run);
        let duration = users::duration(&mut self.rng, function, &self.chances);
        if let Some(duration) = duration {
            self.schedule(duration, Event::RunEnds(worker, number));
        }
        if self.rng.chance(self.chances.dies_in_task) {
            let after = duration
                .unwrap_or(Duration::from_millis(1))
                .mul_f64(self.rng.unit());
            self.schedule(after, Event::Die(worker));
        }
    }

    pub(super) fn run_ends(&mut self, worker: WorkerId, number: u64) {
        let Some(process) = self.processes.get_mut(&worker) else {
            return;
        };
        let Some(run) = process.running.filter(|run| run.number == number) else {
            return;
        };
        if run.left > 0 {
            return self.next_item(worker, run);
        }
        process.running = None;
        let slot = &mut process.page[run.slot];
        (slot.mark, slot.since) = (Mark::Finished, Some(self.now));
        process
            .unsent
            .push(Answer::Result(run.task, self.now - run.since));
        if self.rng.chance(self.chances.sent_late) {
            let after = self.rng.micros(0, 100);
            self.schedule(after, Event::Flush(worker));
        } else {
            self.flush(worker);
        }
        if self.rng.chance(self.chances.dies_after_task) {
            self.die(worker);
        } else {
            // It goes on at once, whether or not anyone has read its result.
            self.step(worker);
        }
    }

    /// Each item of a task has its time limit for itself.
    fn next_item(&mut self, worker: WorkerId, run: Run) {
        self.see("another item");
        self.last_run += 1;
        let number = self.last_run;
        let left = run.left - 1;
        let function = self.tasks[self.numbers[&run.task]].spec.function;
        let process = self.processes.get_mut(&worker).expect("a known worker");
        process.page[run.slot].since = Some(self.now);
        process.running = Some(Run {
            number,
            left,
            ..run
        });
        let duration = users::duration(&mut self.rng, function, &self.chances);
        if let Some(duration) = duration {
            self.schedule(duration, Event::RunEnds(worker, number));
        }
    }

    pub(super) fn flush(&mut self, worker: WorkerId) {
        if let Some(process) = self.processes.get_mut(&worker) {
            process.outbox.extend(process.unsent.drain(..));
            let after = self.rng.micros(0, 30);
            self.schedule(after, Event::Read(worker));
        }
    }
}
