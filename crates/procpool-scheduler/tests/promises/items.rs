//! Tasks of several items.

use std::time::Duration;

use procpool_scheduler::{Finished, RunState, TaskSpec, TaskState};

use crate::bench::{Bench, LONG, MS, SHORT, workers};

const CHUNK: TaskSpec = TaskSpec { items: 10, ..LONG };

#[test]
fn an_idle_worker_takes_half_of_the_items_that_another_has_not_begun() {
    let mut bench = Bench::ready(workers(2, 2));
    let (chunk, first) = bench.run(CHUNK, "chunk");
    assert_eq!(bench.actions(), ["take back half of chunk from 2"]);
    bench.split(chunk, 6, Some((4, "rest")));
    assert_eq!(bench.actions(), ["rest to 1"]);
    // Both are busy now; when one is not, there may be more to take.
    assert!(matches!(
        bench.finish(first, chunk),
        Finished::Resolved("chunk")
    ));
    assert_eq!(bench.actions(), ["take back half of rest from 1"]);
}

#[test]
fn a_task_without_items_to_split_off_is_not_asked_again() {
    let mut bench = Bench::ready(workers(2, 2));
    let (chunk, _) = bench.run(CHUNK, "chunk");
    assert_eq!(bench.actions(), ["take back half of chunk from 2"]);
    bench.split(chunk, 10, None);
    bench.tick();
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn nothing_is_taken_from_a_chunk_while_anything_waits() {
    let mut bench = Bench::ready(workers(1, 1));
    bench.run(CHUNK, "chunk");
    bench.submit(CHUNK, "next");
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn a_single_call_is_never_divided() {
    let mut bench = Bench::ready(workers(2, 2));
    bench.run(LONG, "call");
    assert_eq!(bench.actions(), [""; 0]);
}

#[test]
fn what_is_taken_back_comes_before_all_that_wait() {
    let mut bench = Bench::ready(workers(1, 1));
    let (chunk, worker) = bench.run(CHUNK, "chunk");
    bench.submit(LONG, "later");
    bench.split(chunk, 3, Some((7, "rest")));
    assert_eq!(bench.actions(), [""; 0]);
    bench.finish(worker, chunk);
    assert_eq!(bench.actions(), ["rest to 1"]);
}

#[test]
fn an_item_is_not_charged_with_the_time_of_the_one_before_it() {
    let limited = TaskSpec {
        timeout: Some(3 * MS),
        ..CHUNK
    };
    let mut bench = Bench::ready(workers(1, 1));
    let (chunk, worker) = bench.run(limited, "chunk");
    bench.next_deadline_after(3 * MS);
    // One has run for too long; but until no other can begin, nobody knows which one runs.
    bench.runs_for(chunk, 3 * MS);
    assert_eq!(bench.actions(), ["take back all of chunk from 1"]);
    bench.split(chunk, 5, Some((5, "rest")));
    // It had just returned, and this is the next one.
    bench.runs_for(chunk, Duration::ZERO);
    assert_eq!(bench.actions(), [""; 0]);
    bench.next_deadline_after(3 * MS);
    bench.inspect(chunk, RunState::Finished);
    bench.finish(worker, chunk);
    assert_eq!(bench.actions(), ["rest to 1"]);
}

#[test]
fn what_was_taken_back_is_resolved_like_any_task() {
    let mut bench = Bench::ready(workers(1, 1));
    let (chunk, worker) = bench.run(CHUNK, "chunk");
    let rest = bench.split(chunk, 4, Some((6, "rest"))).unwrap();
    bench.close();
    bench.finish(worker, chunk);
    assert_eq!(bench.actions(), ["rest to 1"], "it was accepted before");
    bench.terminate();
    assert_eq!(bench.actions(), ["kill 1", "rest: terminated"]);
    assert_eq!(bench.state(rest), TaskState::Finished);
}

#[test]
fn what_is_taken_back_while_all_ends_is_told_so() {
    let mut bench = Bench::ready(workers(1, 1));
    let (chunk, _) = bench.run(CHUNK, "chunk");
    bench.terminate();
    assert_eq!(bench.actions(), ["kill 1", "chunk: terminated"]);
    bench.split(chunk, 4, Some((6, "rest")));
    assert_eq!(bench.actions(), ["rest: terminated"]);
}

#[test]
fn the_rest_of_an_unknown_task_is_not_lost() {
    let mut bench = Bench::ready(workers(1, 1));
    let (task, worker) = bench.run(SHORT, "task");
    bench.finish(worker, task);
    assert_eq!(bench.split(task, 0, Some((6, "rest"))), None);
    assert_eq!(bench.actions(), ["rest: cancelled"]);
}
