//! The actions of functions in workers.

use std::hint::black_box;
use std::io::Write;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

use procpool::ProcessPool;
use procpool_tests::Trap;
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

use crate::record;

/// An action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Deed {
    Nothing,
    Compute {
        micros: u64,
    },
    Sleep {
        micros: u64,
    },
    /// Returns the data that it was given.
    Echo {
        len: usize,
    },
    /// Returns new data.
    Grow {
        len: usize,
    },
    Panic,
    Abort,
    Exit {
        code: i32,
    },
    Kill,
    Overflow,
    /// Writes to stderr.
    Flood {
        len: usize,
    },
    /// Leaves a process behind that runs for long.
    HaveChild,
    /// Builds a pool and uses it.
    HavePool {
        then_aborts: bool,
    },
    Leak {
        len: usize,
    },
    /// Allocates more memory than its limit.
    Hog {
        len: usize,
    },
    /// Uses more CPU time than its limit.
    Spin,
    Linger,
    /// Stops its own worker.
    Stop,
    /// Returns when it notices that it is cancelled.
    Heed,
}

/// A task's arguments.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) task: u64,
    pub(crate) deed: Deed,
    data: Vec<u8>,
}

/// A task's result.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    task: u64,
    way: u8,
    data: Vec<u8>,
}

impl Deed {
    /// Returns whether a function with this action returns by itself.
    pub(crate) fn returns(self) -> bool {
        let ends_otherwise = matches!(self, Deed::Panic | Deed::Hog { .. } | Deed::Spin);
        !(ends_otherwise || self.is_deadly() || self.lasts())
    }

    /// Returns whether it kills its worker.
    pub(crate) fn is_deadly(self) -> bool {
        matches!(
            self,
            Deed::Abort
                | Deed::Exit { .. }
                | Deed::Kill
                | Deed::Overflow
                | Deed::HavePool { then_aborts: true }
        )
    }

    /// Returns whether it must be ended from outside.
    pub(crate) fn lasts(self) -> bool {
        matches!(self, Deed::Linger | Deed::Stop | Deed::Heed)
    }

    /// Returns the exit code or signal of the worker that it kills.
    pub(crate) fn ends_as(self, code: Option<i32>, signal: Option<i32>) -> bool {
        match self {
            Deed::Abort | Deed::HavePool { then_aborts: true } => signal == Some(6),
            Deed::Exit { code: expected } => code == Some(expected),
            Deed::Kill => signal == Some(9),
            Deed::Overflow => matches!(signal, Some(6 | 11)),
            _ => false,
        }
    }
}

impl Order {
    pub(crate) fn new(task: u64, deed: Deed) -> Self {
        let data = match deed {
            Deed::Echo { len } => pattern(task, len),
            _ => Vec::new(),
        };
        Order { task, deed, data }
    }
}

impl Answer {
    /// Returns the result if nothing fails.
    pub(crate) fn expected(task: u64, deed: Deed, way: u8) -> Self {
        let data = match deed {
            Deed::Echo { len } | Deed::Grow { len } => pattern(task, len),
            Deed::HavePool { .. } => (task + 1).to_le_bytes().to_vec(),
            _ => Vec::new(),
        };
        Answer { task, way, data }
    }
}

fn pattern(task: u64, len: usize) -> Vec<u8> {
    (task ^ 0xa5a5).to_le_bytes().repeat(len / 8)
}

/// The message of panicking and aborting functions.
pub(crate) fn last_words(task: u64) -> String {
    format!("the last words of {task}")
}

/// Performs an action. There are several such functions, because the pool estimates the duration of each,
/// and prefetches only short ones.
pub(crate) fn act<const WAY: u8>(order: Order) -> Answer {
    let Order { task, deed, data } = order;
    record::note(task);
    let data = perform(task, deed, data);
    Answer {
        task,
        way: WAY,
        data,
    }
}

/// The variant of the function whose arguments have a trap.
pub(crate) const TRAPPED: u8 = 9;

/// Performs an action with a value that may fail while it is transferred.
pub(crate) fn act_with_trap((order, trap): (Order, Trap)) -> (Answer, Trap) {
    (act::<TRAPPED>(order), trap)
}

fn perform(task: u64, deed: Deed, data: Vec<u8>) -> Vec<u8> {
    match deed {
        Deed::Nothing => {}
        Deed::Compute { micros } => {
            let began = Instant::now();
            while began.elapsed() < Duration::from_micros(micros) {
                black_box(&data);
            }
        }
        Deed::Sleep { micros } => thread::sleep(Duration::from_micros(micros)),
        Deed::Echo { .. } => return data,
        Deed::Grow { len } => return pattern(task, len),
        Deed::Panic => panic!("{}", last_words(task)),
        Deed::Abort => {
            eprintln!("{}", last_words(task));
            process::abort();
        }
        Deed::Exit { code } => process::exit(code),
        Deed::Kill => kill_process(getpid(), Signal::KILL).expect("this process"),
        Deed::Overflow => drop(black_box(dig(task))),
        Deed::Flood { len } => {
            let line = [b"flood ".repeat(20), b"\n".to_vec()].concat();
            let text = line.repeat(len / line.len());
            std::io::stderr().write_all(&text).expect("an open stderr");
        }
        Deed::HaveChild => {
            let child = Command::new("sleep").arg("1000").spawn();
            drop(child.expect("a process"));
        }
        Deed::HavePool { then_aborts } => return have_pool(task, then_aborts),
        Deed::Leak { len } => std::mem::forget(black_box(vec![1_u8; len])),
        Deed::Hog { len } => drop(black_box(vec![1_u8; len])),
        Deed::Spin => loop {
            black_box(&data);
        },
        Deed::Linger => loop {
            thread::sleep(Duration::from_secs(1000));
        },
        Deed::Stop => {
            kill_process(getpid(), Signal::STOP).expect("this process");
            // If it is continued.
            return perform(task, Deed::Linger, data);
        }
        Deed::Heed => {
            while !procpool::worker::is_cancelled() {
                thread::sleep(Duration::from_micros(500));
            }
        }
    }
    Vec::new()
}

fn dig(depth: u64) -> u64 {
    match black_box(depth) {
        u64::MAX => 0,
        depth => 1 + black_box(dig(depth + 1)),
    }
}

fn have_pool(task: u64, then_aborts: bool) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let pool = ProcessPool::builder()
            .workers(1)
            .build()
            .expect("a pool in a worker");
        let next = pool.run_in_process(|task: u64| task + 1, task).await;
        if then_aborts {
            process::abort();
        }
        next.expect("a result").to_le_bytes().to_vec()
    })
}
