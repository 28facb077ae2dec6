//! Which worker gets which task.

use std::time::{Duration, Instant};

use procpool_scheduler::{
    Config, Finished, FunctionKey, Scheduler, TaskId, TaskSpec, TaskState, WorkerId,
};

use crate::bench::{Bench, LONG, MEDIUM, MS, SHORT, US, workers};

#[test]
fn the_worker_that_became_idle_last_is_given_the_next_task() {
    let mut bench = Bench::ready(workers(3, 3));
    let (a, first) = bench.run(LONG, "a");
    let (b, second) = bench.run(LONG, "b");
    bench.finish(first, a);
    bench.finish(second, b);
    assert_eq!(bench.run(LONG, "c").1, second);
    assert_eq!(bench.run(LONG, "d").1, first);
}

#[test]
fn tasks_that_wait_start_in_order() {
    let mut bench = Bench::ready(workers(1, 1));
    let (first, worker) = bench.run(LONG, "first");
    let second = bench.submit(LONG, "second");
    bench.submit(LONG, "third");
    assert_eq!(bench.actions(), [""; 0]);
    bench.finish(worker, first);
    assert_eq!(bench.actions(), ["second to 1"]);
    bench.finish(worker, second);
    assert_eq!(bench.actions(), ["third to 1"]);
}

#[test]
fn only_functions_known_to_be_short_are_sent_ahead() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(SHORT, "head");
    bench.submit(SHORT, "short");
    assert_eq!(bench.actions(), ["short to 1"]);
    bench.submit(TaskSpec::new(FunctionKey(99)), "unknown");
    bench.submit(SHORT, "short behind it");
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn nothing_is_sent_behind_a_function_that_is_not_known_or_not_short() {
    for function in [LONG, TaskSpec::new(FunctionKey(99))] {
        let mut bench = Bench::ready(workers(1, 1));
        bench.run(function, "head");
        bench.submit(SHORT, "short");
        assert_eq!(bench.actions(), [""; 0]);
    }
}

#[test]
fn nothing_is_sent_behind_a_short_function_that_runs_long_this_time() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(SHORT, "head");
    bench.pass(MS);
    bench.submit(SHORT, "short");
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn one_task_of_milliseconds_is_sent_ahead_to_each_worker() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.learn(MEDIUM, MS);
    bench.run(MEDIUM, "a");
    bench.run(MEDIUM, "b");
    for name in ["c", "d", "e"] {
        bench.submit(MEDIUM, name);
    }
    let sent = bench.actions();
    assert!(matches!(&sent[..], [c, d] if c.starts_with('c') && d.starts_with('d')));
    assert_ne!(sent[0][1..], sent[1][1..], "each has one");
}

#[test]
fn more_than_five_milliseconds_are_not_sent_ahead() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.learn(MEDIUM, MS * 5 / 2);
    bench.run(MEDIUM, "head");
    bench.submit(MEDIUM, "behind it");
    assert_eq!(bench.actions(), ["behind it to 1"]);

    let mut bench = Bench::ready(workers(1, 1));
    bench.learn(MEDIUM, MS * 5 / 2 + US);
    bench.run(MEDIUM, "head");
    bench.submit(MEDIUM, "behind it");
    assert_eq!(bench.actions(), [""; 0]);
}

/// Two workers that each run a task and have one behind it, and two tasks that wait.
fn two_each_and_two_that_wait() -> (Bench, [(TaskId, WorkerId); 4]) {
    let mut bench = Bench::ready(Config {
        late_after: Some(5 * MS),
        ..workers(2, 2)
    });
    bench.learn(MEDIUM, MS);
    let tasks = ["a", "b", "c", "d"].map(|name| bench.run(MEDIUM, name));
    bench.submit(MEDIUM, "e");
    bench.submit(MEDIUM, "f");
    assert_eq!(bench.actions(), [""; 0]);
    (bench, tasks)
}

#[test]
fn what_waits_at_a_worker_that_is_late_goes_before_those_that_came_later() {
    let (mut bench, [a, b, c, d]) = two_each_and_two_that_wait();
    let (late, punctual) = (b.1, a.1);
    assert_eq!((c.1, d.1), (late, punctual));
    bench.pass(4 * MS);
    bench.finish(punctual, a.0);
    assert_eq!(bench.actions(), [format!("e to {punctual}")]);
    bench.next_deadline_after(MS);
    bench.answer(c.0, true);
    assert_eq!(bench.actions(), [""; 0], "the other worker has two tasks");
    bench.finish(punctual, d.0);
    assert_eq!(bench.actions(), [format!("c to {punctual}")]);
}

#[test]
fn a_worker_that_is_not_late_keeps_the_tasks_that_wait_there() {
    let (mut bench, [a, b, ..]) = two_each_and_two_that_wait();
    bench.pass(4 * MS);
    bench.finish(a.1, a.0);
    bench.finish(b.1, b.0);
    bench.actions();
    bench.next_deadline_after(MS);
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(4 * MS);
    let mut revoked = bench.actions();
    revoked.sort();
    let expected = [
        format!("revoke e from {}", a.1),
        format!("revoke f from {}", b.1),
    ];
    assert_eq!(revoked, expected);
}

#[test]
fn the_next_look_is_for_the_worker_that_may_be_late_first() {
    let (mut bench, [a, b, ..]) = two_each_and_two_that_wait();
    for (task, worker) in [a, b] {
        bench.pass(2 * MS);
        bench.finish(worker, task);
    }
    bench.actions();
    bench.next_deadline_after(MS);
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(2 * MS);
    assert_eq!(bench.actions(), [format!("revoke e from {}", a.1)]);
}

/// With 64 workers on two processors all were late, and each task was taken back for nothing once or twice.
#[test]
fn workers_that_share_a_processor_are_late_after_as_many_turns() {
    let mut bench = Bench::ready(Config {
        processors: 2,
        late_after: Some(5 * MS),
        ..workers(5, 5)
    });
    bench.learn(MEDIUM, MS);
    let [a, b] = ["a", "b"].map(|name| bench.run(MEDIUM, name));
    for name in ["c", "d", "e"] {
        bench.run(MEDIUM, name);
    }
    let behind = ["f", "g", "h", "i", "j"].map(|name| (name, bench.run(MEDIUM, name)));
    bench.submit(MEDIUM, "k");
    bench.submit(MEDIUM, "l");
    assert_eq!(bench.actions(), [""; 0]);

    bench.pass(14 * MS);
    bench.finish(a.1, a.0);
    bench.finish(b.1, b.0);
    let mut sent = bench.actions();
    sent.sort();
    assert_eq!(sent, [format!("k to {}", a.1), format!("l to {}", b.1)]);
    bench.next_deadline_after(MS);
    let is_late = |&(_, (_, worker)): &(_, (_, WorkerId))| worker != a.1 && worker != b.1;
    let late = behind.into_iter().filter(is_late);
    let late: Vec<_> = late.map(|(_, (task, _))| (task, true)).collect();
    assert_eq!(bench.answer_all(&late), [""; 0]);
    assert_eq!(bench.scheduler.counts().queued, 3);
}

#[test]
fn no_more_is_in_flight_than_the_window_and_the_expected_work_allow() {
    let mut bench = Bench::ready(Config {
        window: 3,
        ..workers(1, 1)
    });
    for _ in 0..5 {
        bench.submit(SHORT, "t");
    }
    assert_eq!(bench.actions().len(), 3);
    let mut bench = Bench::ready(Config {
        send_ahead: 4 * US,
        ..workers(1, 1)
    });
    for _ in 0..9 {
        bench.submit(SHORT, "t");
    }
    assert_eq!(bench.actions().len(), 4);
}

#[test]
fn what_is_sent_ahead_goes_to_the_worker_with_the_least_to_do() {
    let mut bench = Bench::ready(workers(2, 2));
    for name in ["a", "b", "c", "d"] {
        bench.submit(SHORT, name);
    }
    let actions = bench.actions();
    assert_eq!(
        actions
            .iter()
            .filter(|action| action.ends_with("to 1"))
            .count(),
        2
    );
    assert_eq!(
        actions
            .iter()
            .filter(|action| action.ends_with("to 2"))
            .count(),
        2
    );
}

/// Two workers, each with a head and a task behind it: the tasks of the one and of the other.
fn two_each(bench: &mut Bench) -> ([TaskId; 2], [TaskId; 2]) {
    let tasks = ["a", "b", "c", "d"].map(|name| bench.run(SHORT, name));
    let on = |number| {
        let worker = Bench::worker(number);
        let on = tasks
            .iter()
            .filter(|task| task.1 == worker)
            .map(|task| task.0);
        on.collect::<Vec<_>>().try_into().expect("two each")
    };
    (on(1), on(2))
}

fn is_on(bench: &Bench, task: TaskId, number: u64) -> bool {
    matches!(bench.state(task), TaskState::Sent { worker, .. } if worker == Bench::worker(number))
}

#[test]
fn an_idle_worker_takes_over_what_was_sent_ahead_to_another() {
    let mut bench = Bench::ready(workers(2, 2));
    let (quick, [_, ahead]) = two_each(&mut bench);
    for task in quick {
        bench.finish(Bench::worker(1), task);
    }
    assert!(is_on(&bench, ahead, 2));
    bench.answer(ahead, true);
    let actions = bench.actions();
    assert!(
        actions.len() == 1 && actions[0].ends_with("to 1"),
        "{actions:?}"
    );
    assert!(is_on(&bench, ahead, 1));
}

#[test]
fn a_task_that_has_begun_is_not_asked_back_twice() {
    let mut bench = Bench::ready(workers(2, 2));
    let (quick, [_, ahead]) = two_each(&mut bench);
    for task in quick {
        bench.finish(Bench::worker(1), task);
    }
    bench.answer(ahead, false);
    assert_eq!(bench.actions(), [""; 0]);
    let (next, worker) = bench.run(LONG, "another");
    assert_eq!(worker, Bench::worker(1));
    bench.finish(worker, next);
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_result_of_a_task_that_the_worker_does_not_have_is_unknown() {
    let mut bench = Bench::ready(workers(2, 2));
    let (a, first) = bench.run(LONG, "a");
    let (b, second) = bench.run(LONG, "b");
    assert!(matches!(bench.finish(first, b), Finished::Unknown));
    assert!(matches!(bench.finish(second, b), Finished::Resolved("b")));
    assert!(matches!(bench.finish(second, b), Finished::Unknown));
    assert!(bench.is_sent(a));
    assert_eq!(bench.state(b), TaskState::Finished);
}

/// Who is told so looks at no deadline and at no action.
#[test]
fn a_task_that_joins_a_long_queue_decides_nothing_unless_it_has_a_limit_of_its_own() {
    let now = Instant::now();
    let mut scheduler = Scheduler::new(Config::default());
    scheduler.handle_start(now);
    let plain = TaskSpec::new(FunctionKey(1));
    assert!(!scheduler.only_joins(&plain));
    let many = scheduler.size().1 + 2;
    for _ in 0..many {
        scheduler.handle_submit(now, plain, ()).unwrap();
    }
    assert!(scheduler.take_decided() && scheduler.only_joins(&plain));
    let before = scheduler.next_deadline();
    while scheduler.poll_action().is_some() {}

    scheduler.handle_submit(now, plain, ()).unwrap();
    assert!(!scheduler.take_decided());
    assert!(scheduler.poll_action().is_none());
    assert_eq!(scheduler.next_deadline(), before);

    let hasty = TaskSpec {
        queue_timeout: Some(Duration::from_micros(1)),
        ..plain
    };
    assert!(!scheduler.only_joins(&hasty));
    scheduler.handle_submit(now, hasty, ()).unwrap();
    assert!(scheduler.take_decided());
    let due = now.checked_add(Duration::from_micros(1));
    assert_eq!(scheduler.next_deadline(), due);
}
