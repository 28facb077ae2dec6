//! Many tasks are as cheap as few.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use procpool_scheduler::{
    Action, Config, Finished, FunctionKey, Scheduler, TaskId, TaskSpec, WorkerId,
};

const TASKS: usize = 100_000;

/// Submits all at once, then finishes them in the order in which they were sent. The time per task.
fn burst(workers: usize, spec: TaskSpec) -> Duration {
    let config = Config {
        min_workers: workers,
        max_workers: workers,
        ..Config::default()
    };
    let mut scheduler = Scheduler::new(config);
    let now = Instant::now();
    scheduler.handle_start(now);
    let mut flight = VecDeque::new();
    let perform = |scheduler: &mut Scheduler<()>, flight: &mut VecDeque<(WorkerId, TaskId)>| {
        while let Some(action) = scheduler.poll_action() {
            match action {
                Action::Spawn(worker) => scheduler.handle_ready(now, worker),
                Action::Dispatch { worker, task, .. } => flight.push_back((worker, task)),
                Action::Revoke { task, .. } => scheduler.handle_revoked(now, task, false),
                other => panic!("unexpected: {other:?}"),
            }
        }
    };
    perform(&mut scheduler, &mut flight);
    let began = Instant::now();
    for _ in 0..TASKS {
        scheduler.handle_submit(now, spec, ()).expect("accepted");
        perform(&mut scheduler, &mut flight);
    }
    let mut finished = 0;
    while let Some((worker, task)) = flight.pop_front() {
        let end = scheduler.handle_finished(now, worker, task, Duration::from_micros(1));
        assert!(matches!(end, Finished::Resolved(())));
        finished += 1;
        perform(&mut scheduler, &mut flight);
    }
    assert_eq!(finished, TASKS);
    began.elapsed() / TASKS as u32
}

#[test]
fn each_of_a_hundred_thousand_tasks_costs_the_same() {
    let plain = TaskSpec::new(FunctionKey(1));
    let limit = Some(Duration::from_secs(10));
    let limited = TaskSpec {
        timeout: limit,
        queue_timeout: limit,
        ..plain
    };
    for (name, spec) in [("without limits", plain), ("with two limits", limited)] {
        for workers in [2, 64] {
            let each = burst(workers, spec);
            println!("{workers} workers, {name}: {} ns a task", each.as_nanos());
            // Anything that grows with the length of the queue would be far beyond it.
            assert!(each < Duration::from_micros(500), "{each:?} a task");
        }
    }
}
