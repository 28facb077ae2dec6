//! Bytes that need not go through the socket, and bytes inside of other values.
//!
//! The first table: 64 MiB as `SharedBytes` are read by a worker, which gives back as many that it has made;
//! the same bytes are only passed there and back; the same as a `Vec<u8>`; and, as the floor, a thread that reads one
//! buffer and fills another, both of which are used again. The second: a vector inside of a tuple, which is encoded and
//! decoded and not moved, one way at a time.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::mem;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use procpool::{ProcessPool, SharedBytes};
use procpool_benches::{Goals, Mode, Table, roles, runtime};

const LEN: usize = 64 << 20;

/// Of the nested vectors.
const NESTED: usize = 1 << 20;

const MADE: &str = "SharedBytes, read and made";
const PASSED: &str = "SharedBytes, only passed";
const VECTOR: &str = "Vec<u8>, read and made";
const THREAD: &str = "a thread, buffers used again";
const THERE: &str = "there";
const BACK: &str = "back";

fn main() {
    roles::init();
    if !Mode::asks_for("shared") {
        return;
    }
    let mode = Mode::from_args();
    let runtime = runtime::multi_thread();
    let (large, nested) = runtime
        .block_on(async { tokio::spawn(measure(mode)).await })
        .expect("the workloads should not panic");
    println!("{large}{nested}");

    let mut goals = Goals::new("shared");
    let millis = |name| large.figure(name).map(|micros| micros.scaled(1e-3));
    goals.at_most(
        "64 MiB as SharedBytes, read there, another one back (of this machine)",
        millis(MADE),
        15.0,
        "ms",
    );
    goals.at_most(
        "64 MiB as SharedBytes, only passed (of this machine)",
        millis(PASSED),
        0.2,
        "ms",
    );
    for way in [THERE, BACK] {
        goals.at_most(
            format!("a nested Vec<u8> of 1 MiB, {way}: 1 GB/s (of this machine)"),
            nested.figure(way).map(|micros| micros.scaled(1e-3)),
            NESTED as f64 / 1e9 * 1e3,
            "ms",
        );
    }
    goals.finish(mode);
}

async fn measure(mode: Mode) -> (Table, Table) {
    let pool = ProcessPool::builder().workers(1).build();
    let pool = pool.expect("a pool should start");
    let len = mode.pick(LEN, 1 << 20);
    let mut large = Table::new("shared: 64 MiB there, and as many back", &[VECTOR, THREAD]);
    let mut nested = Table::new("shared: 1 MiB inside of a tuple", &[]);
    let (ask, asked) = mpsc::channel::<Vec<u8>>();
    let (answer_by, answered) = mpsc::channel();
    let mut own = vec![0; len];
    thread::spawn(move || {
        while let Ok(bytes) = asked.recv() {
            black_box(sum(&bytes));
            own.fill(bytes.first().map_or(0, |byte| byte + 1));
            answer_by
                .send(mem::replace(&mut own, bytes))
                .expect("someone waits");
        }
    });
    let mut bytes = vec![0; len];
    for round in 0..mode.pick(15, 1) {
        let began = Instant::now();
        bytes.fill(round as u8);
        ask.send(bytes).expect("the thread listens");
        bytes = answered.recv().expect("the thread answers");
        large.record(THREAD, micros_since(began));
        assert_eq!(sum(&bytes), sum_of(len, round as u8 + 1));

        let began = Instant::now();
        let bytes = made(len, round as u8);
        let result = pool.run_in_process(answer, bytes).await;
        let result = result.expect("a task should not fail");
        large.record(MADE, micros_since(began));
        assert_eq!(sum(&result), sum_of(len, round as u8 + 1));

        let began = Instant::now();
        let passed = pool.run_in_process(pass, result).await;
        black_box(passed.expect("a task should not fail"));
        large.record(PASSED, micros_since(began));

        let began = Instant::now();
        let result = pool
            .run_in_process(answer_vector, vec![round as u8; len])
            .await;
        let result = result.expect("a task should not fail");
        large.record(VECTOR, micros_since(began));
        assert_eq!(sum(&result), sum_of(len, round as u8 + 1));
    }
    for _ in 0..mode.pick(200, 1) {
        let vector = vec![7; NESTED];
        let began = Instant::now();
        let taken = pool.run_in_process(take, (1, vector)).await;
        assert_eq!(taken.expect("a task should not fail"), NESTED);
        nested.record(THERE, micros_since(began));

        let began = Instant::now();
        let given = pool.run_in_process(give, NESTED).await;
        let (_, vector) = given.expect("a task should not fail");
        nested.record(BACK, micros_since(began));
        assert_eq!(vector.len(), NESTED);
    }
    (large, nested)
}

fn made(len: usize, byte: u8) -> SharedBytes {
    SharedBytes::with_len(len, |buffer| buffer.fill(byte))
}

/// Reads all of it.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

fn sum_of(len: usize, byte: u8) -> u64 {
    len as u64 * u64::from(byte)
}

fn answer(bytes: SharedBytes) -> SharedBytes {
    let byte = bytes.first().map_or(0, |byte| byte + 1);
    black_box(sum(&bytes));
    made(bytes.len(), byte)
}

fn pass(bytes: SharedBytes) -> SharedBytes {
    bytes
}

fn answer_vector(bytes: Vec<u8>) -> Vec<u8> {
    let byte = bytes.first().map_or(0, |byte| byte + 1);
    black_box(sum(&bytes));
    vec![byte; bytes.len()]
}

fn take((_, bytes): (u8, Vec<u8>)) -> usize {
    bytes.len()
}

fn give(len: usize) -> (u8, Vec<u8>) {
    (1, vec![7; len])
}

fn micros_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e6
}
