//! The world around a scheduler: its driver, its processes, its users and its time.

mod broadcasts;
mod clocks;
mod demands;
mod driver;
mod elastic;
mod items;
mod lives;
mod order;
mod reservations;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use procpool_scheduler::{
    BroadcastId, FunctionKey, ReservationId, Scheduler, TaskId, TaskSpec, WarmUpId, WorkerId,
};

use crate::plan::{Chances, Ending, Plan};
use crate::process::{Process, Told};
use crate::rng::Rng;
use crate::users::{Cancel, End, UserTask};

/// A task's number: what the driver keeps with it. Not `Clone`, so it can come back only once.
#[derive(Debug)]
pub(crate) struct Payload(usize);

pub(crate) struct World {
    pub(crate) plan: Plan,
    tell: bool,
    rng: Rng,
    chances: Chances,
    start: Instant,
    now: Instant,
    scheduler: Scheduler<Payload>,
    calendar: BinaryHeap<Reverse<(Instant, u64)>>,
    events: HashMap<u64, Event>,
    last_event: u64,
    processes: BTreeMap<WorkerId, Process>,
    tasks: Vec<UserTask>,
    numbers: HashMap<TaskId, usize>,
    /// Who waits for room, in order.
    line: VecDeque<ReservationId>,
    /// Who has room and no task yet.
    permits: BTreeSet<ReservationId>,
    /// Who waits until all workers are ready.
    warming: BTreeSet<WarmUpId>,
    /// What every worker must have run before it runs a task.
    broadcasts: BTreeSet<BroadcastId>,
    /// Those of which the end has not been told.
    spreading: BTreeSet<BroadcastId>,
    /// The most workers that the pool might ever have.
    peak: usize,
    next_spec: Option<TaskSpec>,
    spawns: usize,
    /// The worker whose end is being told, and which runs nothing any more.
    /// What has been answered in the batch whose actions are performed.
    batch: Vec<TaskId>,
    reaped: Option<WorkerId>,
    /// What came about, so that a storm that has become a breeze is noticed.
    pub(crate) seen: BTreeSet<&'static str>,
    last_run: u64,
    last_dispatch: u64,
    ticks_now: u32,
    moments: u64,
    closed: bool,
    terminated: bool,
    /// Since when a worker that may work has been idle.
    idle_since: Option<Instant>,
    /// Since when the pool has had room to grow, while every start succeeds.
    room_since: Option<Instant>,
    /// Workers whose end was reported as that of one that passed a limit.
    over_limit: BTreeSet<WorkerId>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Submit,
    Cancel(usize, Cancel),
    Deadline(usize),
    Reserve,
    Release(ReservationId),
    Use(ReservationId),
    Resize,
    WarmUp,
    Broadcast,
    Prepared(WorkerId, BroadcastId),
    LeaveWarmUp(WarmUpId),
    Close,
    Terminate,
    Up(WorkerId),
    Ready(WorkerId),
    Die(WorkerId),
    Exited(WorkerId),
    /// The worker's loop looks at its inbox.
    Step(WorkerId),
    RunEnds(WorkerId, u64),
    Flush(WorkerId),
    Read(WorkerId),
}

impl World {
    pub(crate) fn new(plan: Plan, tell: bool) -> Self {
        let start = Instant::now();
        Self {
            tell,
            rng: Rng::new(plan.seed ^ 0xabcd),
            chances: plan.chances,
            start,
            now: start,
            scheduler: Scheduler::new(plan.config.clone()),
            calendar: BinaryHeap::new(),
            events: HashMap::new(),
            last_event: 0,
            processes: BTreeMap::new(),
            tasks: Vec::new(),
            numbers: HashMap::new(),
            line: VecDeque::new(),
            permits: BTreeSet::new(),
            warming: BTreeSet::new(),
            broadcasts: BTreeSet::new(),
            spreading: BTreeSet::new(),
            peak: plan.config.max_workers,
            next_spec: None,
            spawns: 0,
            batch: Vec::new(),
            reaped: None,
            seen: BTreeSet::new(),
            last_run: 0,
            last_dispatch: 0,
            ticks_now: 0,
            moments: 0,
            closed: false,
            terminated: false,
            over_limit: BTreeSet::new(),
            idle_since: None,
            room_since: None,
            plan,
        }
    }

    pub(crate) fn spawns(&self) -> usize {
        self.spawns
    }

    /// Everything that the plan has in store, until its time is over.
    pub(crate) fn run_storm(&mut self) {
        let storm = self.plan.storm.as_micros() as u64;
        for _ in 0..self.plan.tasks {
            // Bursts and trickles.
            let at = match self.rng.within(0, 2) {
                0 => 0,
                1 => storm / 2,
                _ => self.rng.within(0, storm),
            };
            let event = match self.rng.chance(self.chances.reserves) {
                true => Event::Reserve,
                false => Event::Submit,
            };
            self.schedule(Duration::from_micros(at), event);
            for (chance, event) in [
                (self.chances.resizes, Event::Resize),
                (self.chances.warms_up, Event::WarmUp),
                (self.chances.broadcasts, Event::Broadcast),
            ] {
                if self.rng.chance(chance) {
                    let at = self.rng.micros(0, storm);
                    self.schedule(at, event);
                }
            }
        }
        let at = self.rng.micros(0, storm);
        match self.plan.ending {
            Ending::Calm => {}
            Ending::Close => self.schedule(at, Event::Close),
            Ending::Terminate => self.schedule(at, Event::Terminate),
        }
        if self.tell {
            println!("{:?} {:?}", self.plan.config, self.plan.ending);
        }
        self.scheduler.handle_start(self.now);
        self.perform();
        let end = self.start + self.plan.storm;
        while self.advance(Some(end)) {}
        self.now = self.now.max(end);
    }

    /// Better weather, to the end: everything that was accepted is resolved, a pool that is open is as good as
    /// new, and a closed one comes to rest.
    pub(crate) fn end(&mut self) {
        self.say("calm");
        self.chances = Chances::NONE;
        // The users leave, else what hangs would hang for ever.
        self.leave();
        // Also what is left of chunks that are shortened meanwhile.
        let mut task = 0;
        while task < self.tasks.len() {
            if self.tasks[task].end.is_none() {
                self.cancel(task, Cancel::Always);
            }
            task += 1;
        }
        self.settle();
        for task in &self.tasks {
            assert!(
                task.end.is_some(),
                "{:?} was never resolved: {:?}",
                task.id,
                self.scheduler
            );
        }
        // What froze with nothing to do would be found out only by a task with a time limit.
        for worker in self.processes.keys().copied().collect::<Vec<_>>() {
            self.processes
                .get_mut(&worker)
                .expect("a known worker")
                .frozen = false;
            self.wake(worker);
        }
        if !self.closed {
            self.all_room_is_there();
            let before = self.tasks.len();
            for _ in 0..self.plan.config.max_workers.min(32) * 2 + 1 {
                self.next_spec = Some(TaskSpec::new(FunctionKey(self.rng.within(0, 9))));
                self.submit();
                if self.plan.config.queue_capacity < 1000 {
                    self.settle();
                }
            }
            self.settle();
            for task in &self.tasks[before..] {
                assert_eq!(task.end, Some(End::Result), "{:?}", self.scheduler);
            }
            assert_ne!(
                before,
                self.tasks.len(),
                "the pool has no room: {:?}",
                self.scheduler
            );
            self.check_rest();
            self.broadcast();
            self.warm_up();
            self.settle();
            assert!(self.spreading.is_empty(), "never spread");
            assert!(self.warming.is_empty(), "never warm: {:?}", self.scheduler);
            self.check_rest();
            self.close();
            self.settle();
        }
        assert!(
            self.scheduler.is_stopped(),
            "never stopped: {:?}",
            self.scheduler
        );
        assert!(self.processes.is_empty());
        assert!(self.warming.is_empty(), "someone waits for ever");
        assert!(self.spreading.is_empty(), "a broadcast has no end");
        assert_eq!(self.scheduler.next_deadline(), None, "an alarm is left");
    }

    /// Runs until nothing is left to happen.
    fn settle(&mut self) {
        let limit = self.now + Duration::from_secs(600);
        while self.advance(Some(limit)) {}
        assert!(
            self.calendar.is_empty(),
            "it does not come to rest: {:?}",
            self.scheduler
        );
    }

    /// The next thing that happens, if it is before `end`.
    fn advance(&mut self, end: Option<Instant>) -> bool {
        let event = self.calendar.peek().map(|&Reverse((at, _))| at);
        let deadline = self.scheduler.next_deadline();
        let Some(next) = event.into_iter().chain(deadline).min() else {
            return false;
        };
        if end.is_some_and(|end| next > end) {
            return false;
        }
        if next > self.now {
            self.now = next;
            self.ticks_now = 0;
            self.moments += 1;
            assert!(self.moments < 1_000_000, "no end: {:?}", self.scheduler);
        }
        match event {
            Some(at) if at <= self.now => {
                let Some(Reverse((_, number))) = self.calendar.pop() else {
                    return false;
                };
                let event = self.events.remove(&number).expect("on the calendar");
                self.ticks_now = 0;
                self.happen(event);
            }
            _ => {
                self.ticks_now += 1;
                assert!(self.ticks_now <= 8, "spins: {:?}", self.scheduler);
                // A timer of the driver is never early and sometimes late.
                if self.rng.chance(0.2) {
                    let late = self.rng.micros(0, 1000);
                    let event = self.calendar.peek().map(|&Reverse((at, _))| at);
                    let late = self.now + late;
                    self.now = event.map_or(late, |at| at.min(late)).max(self.now);
                }
                self.say("tick");
                self.scheduler.handle_tick(self.now);
                self.perform();
            }
        }
        self.check();
        true
    }

    fn schedule(&mut self, after: Duration, event: Event) {
        self.last_event += 1;
        self.events.insert(self.last_event, event);
        self.calendar
            .push(Reverse((self.now + after, self.last_event)));
    }

    fn happen(&mut self, event: Event) {
        if self.tell {
            println!("{:>12?} {event:?}", self.now - self.start);
        }
        match event {
            Event::Submit => self.submit(),
            Event::Cancel(task, how) => self.cancel(task, how),
            Event::Deadline(task) => self.set_deadline(task),
            Event::Reserve => self.reserve(),
            Event::Release(reservation) => self.release(reservation),
            Event::Use(reservation) => self.use_permit(reservation),
            Event::Resize => self.resize(),
            Event::WarmUp => self.warm_up(),
            Event::Broadcast => self.broadcast(),
            Event::Prepared(worker, broadcast) => self.preparation_ends(worker, broadcast),
            Event::LeaveWarmUp(warm_up) => self.leave_warm_up(warm_up),
            Event::Close => self.close(),
            Event::Terminate => self.terminate(),
            Event::Up(worker) => self.come_up(worker),
            Event::Ready(worker) => self.become_ready(worker),
            Event::Die(worker) => self.die(worker),
            Event::Exited(worker) => self.reap(worker),
            Event::Step(worker) => self.step(worker),
            Event::RunEnds(worker, run) => self.run_ends(worker, run),
            Event::Flush(worker) => self.flush(worker),
            Event::Read(worker) => self.read(worker),
        }
    }

    // Checks.

    fn check(&mut self) {
        self.nobody_overruns();
        self.no_task_waits_beside_an_idle_worker();
        self.no_task_waits_while_the_pool_may_grow();
        let counts = self.scheduler.counts();
        let config = &self.plan.config;
        let live = self.processes.values().filter(|process| process.is_live());
        let told = |told| {
            self.processes
                .values()
                .filter(|process| process.told == told)
                .count()
        };
        let (mut busy, mut in_flight, mut all) = (0, 0, 0);
        for process in live {
            all += 1;
            let flight = process.in_flight();
            busy += usize::from(flight > 0 && process.is_known);
            in_flight += flight;
        }
        self.check_size(all, busy);
        assert_eq!(
            counts.starting + counts.preparing + counts.idle + counts.busy,
            all
        );
        assert_eq!(counts.busy, busy);
        assert_eq!(
            (counts.stopping, counts.dying),
            (told(Told::Stop), told(Told::Kill))
        );
        assert!(counts.in_flight >= in_flight);
        let line = (self.permits.len(), self.line.len());
        assert_eq!((counts.reserved, counts.waiting), line);
        assert!(
            self.line.is_empty()
                || counts.queued + counts.reserved + counts.busy.min(config.max_workers)
                    >= config.queue_capacity.saturating_add(config.max_workers),
            "one waits while there is room: {counts:?}"
        );
        // Whoever can be helped at once is.
        assert!(
            counts.queued == 0 || counts.idle == 0 || counts.busy >= config.max_workers,
            "a task waits while a worker is idle: {counts:?}"
        );
    }

    fn see(&mut self, what: &'static str) {
        self.seen.insert(what);
    }

    fn say(&self, what: &str) {
        if self.tell {
            println!("{:>12?} {what}", self.now - self.start);
        }
    }
}
