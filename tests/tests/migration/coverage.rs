//! The guide has every call.

use crate::document::{self, Section, sections};
use crate::python;

/// The calls that must have a row, and the texts that the row's old lines must contain.
const CALLS: &[(&str, &[&str])] = &[
    ("ProcessPoolExecutor(max_workers)", &["max_workers="]),
    ("with ProcessPoolExecutor()", &["with ProcessPoolExecutor("]),
    ("Executor.submit", &["executor.submit(", ".result()"]),
    ("Executor.map", &["executor.map("]),
    ("Executor.map over several iterables", &["executor.map("]),
    ("Executor.map(timeout)", &["executor.map(", "timeout="]),
    ("Executor.map(chunksize)", &["executor.map(", "chunksize="]),
    (
        "Executor.map(buffersize)",
        &["executor.map(", "buffersize="],
    ),
    ("as_completed", &["as_completed("]),
    ("as_completed(timeout)", &["as_completed(", "timeout="]),
    ("wait(ALL_COMPLETED)", &["wait(", "ALL_COMPLETED"]),
    ("wait(FIRST_COMPLETED)", &["wait(", "FIRST_COMPLETED"]),
    ("wait(FIRST_EXCEPTION)", &["wait(", "FIRST_EXCEPTION"]),
    ("Future.result(timeout)", &[".result(timeout="]),
    ("Future.exception", &[".exception()"]),
    ("Future.cancel, cancelled", &[".cancel()", ".cancelled()"]),
    ("Future.running, done", &[".running()", ".done()"]),
    ("Future.add_done_callback", &[".add_done_callback("]),
    (
        "Executor.shutdown(wait)",
        &["shutdown(wait=False)", "shutdown(wait=True)"],
    ),
    (
        "Executor.shutdown(cancel_futures)",
        &["cancel_futures=True"],
    ),
    ("initializer, initargs", &["initializer=", "initargs="]),
    ("max_tasks_per_child", &["max_tasks_per_child="]),
    (
        "Executor.terminate_workers",
        &["executor.terminate_workers()"],
    ),
    ("Executor.kill_workers", &["executor.kill_workers()"]),
    ("BrokenProcessPool", &["BrokenProcessPool"]),
    ("Without asyncio", &[".result("]),
    ("with Pool()", &["with multiprocessing.Pool("]),
    ("Pool.apply", &["pool.apply("]),
    ("Pool.apply_async", &["pool.apply_async("]),
    (
        "Pool.apply_async(callback, error_callback)",
        &["pool.apply_async(", "callback=", "error_callback="],
    ),
    ("Pool.map", &["pool.map("]),
    ("Pool.map_async", &["pool.map_async("]),
    (
        "Pool.starmap, starmap_async",
        &["pool.starmap(", "pool.starmap_async("],
    ),
    ("Pool.imap", &["pool.imap("]),
    ("Pool.imap_unordered", &["pool.imap_unordered("]),
    (
        "AsyncResult.get, wait, ready, successful",
        &[".get(", ".wait(", ".ready()", ".successful()"],
    ),
    ("Pool.close, join", &["pool.close()", "pool.join()"]),
    ("Pool.terminate", &["pool.terminate()"]),
    ("maxtasksperchild", &["maxtasksperchild="]),
    ("loop.run_in_executor", &["loop.run_in_executor("]),
    ("asyncio.gather", &["asyncio.gather("]),
    (
        "asyncio.gather(return_exceptions)",
        &["return_exceptions=True"],
    ),
    ("asyncio.wait_for", &["asyncio.wait_for("]),
    ("asyncio.shield", &["asyncio.shield("]),
    ("asyncio.as_completed", &["asyncio.as_completed("]),
    ("spawn_blocking", &["spawn_blocking("]),
    ("Captured values", &["spawn_blocking(move ||"]),
    ("JoinHandle::abort", &["spawn_blocking(", "handle.abort()"]),
    ("A dropped JoinHandle", &["drop(spawn_blocking("]),
    ("JoinError", &["spawn_blocking(", "is_panic()"]),
    (
        "timeout around spawn_blocking",
        &["spawn_blocking(", "timeout("],
    ),
    ("JoinSet::spawn_blocking", &["JoinSet", ".spawn_blocking("]),
    (
        "A Semaphore around spawn_blocking",
        &["Semaphore", "acquire_owned()"],
    ),
    (
        "rayon in spawn_blocking",
        &["spawn_blocking(", "into_par_iter()"],
    ),
    (
        "A static that is made once",
        &["OnceLock", "spawn_blocking("],
    ),
    (
        "A tower::Service",
        &["tower::service_fn(", "spawn_blocking("],
    ),
    (
        "Runtime::shutdown_timeout",
        &[".spawn_blocking(", "shutdown_timeout("],
    ),
];

/// The methods of Python's classes that only authors of an executor use.
const INTERNAL: [&str; 4] = [
    "Process",
    "set_exception",
    "set_result",
    "set_running_or_notify_cancel",
];

#[test]
fn every_call_has_a_row() {
    let text = document::text();
    let sections = sections(&text);
    for (title, parts) in CALLS {
        let section = sections.iter().find(|section| section.title == *title);
        let Some(section) = section else {
            panic!("there is no row '{title}'");
        };
        let old = &section.blocks.first().expect("a row has lines").text;
        for part in *parts {
            assert!(old.contains(part), "{title}: no {part} in\n{old}");
        }
    }
    let known: Vec<_> = CALLS.iter().map(|(title, _)| *title).collect();
    let rows = sections
        .iter()
        .filter(|section| !section.blocks.is_empty() && section.title != document::PRELUDE);
    for row in rows {
        assert!(
            known.contains(&row.title.as_str()),
            "'{}' is in no list",
            row.title
        );
    }
}

#[test]
fn every_public_method_of_pythons_classes_has_a_row() {
    let text = document::text();
    let sections = sections(&text);
    for class in [
        "concurrent.futures.ProcessPoolExecutor",
        "concurrent.futures.Future",
        "multiprocessing.pool.Pool",
        "multiprocessing.pool.AsyncResult",
    ] {
        let Some(names) = python::names_of(class) else {
            println!("skipped: there is no python3");
            return;
        };
        assert!(names.len() >= 3, "{class}: {names:?}");
        for name in names
            .iter()
            .filter(|name| !INTERNAL.contains(&name.as_str()))
        {
            let is_called = |section: &Section| {
                let mut blocks = section.blocks_in("python").into_iter();
                blocks.any(|block| block.text.contains(&format!(".{name}(")))
            };
            assert!(sections.iter().any(is_called), "{class}.{name} has no row");
        }
    }
}
