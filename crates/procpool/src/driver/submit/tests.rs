//! The handles of a pool while another thread has the pool's lock.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use procpool_scheduler::Config;

use crate::ProcessPool;
use crate::driver::pool::core::Core;
use crate::driver::pool_config::PoolConfig;
use crate::driver::process::process_env::ProcessEnv;
use crate::driver::process::worker_limits::WorkerLimits;
use crate::driver::submit::accepted::Accepted;
use crate::driver::submit::open_pool::OpenPool;
use crate::options::WorkerOutput;
use crate::task::Task;
use crate::task::cell::TaskCell;

fn config() -> PoolConfig {
    PoolConfig {
        name: "a pool".to_owned(),
        env: ProcessEnv {
            env: Vec::new(),
            env_clear: false,
            current_dir: None,
            stdout: WorkerOutput::Inherit,
            stderr: WorkerOutput::Inherit,
        },
        limits: WorkerLimits::default(),
        spin: Duration::ZERO,
        initializer: None,
        broadcasts: Vec::new(),
        scheduler: Config::default(),
    }
}

/// `Debug` is used by loggers, wherever they are called from.
#[tokio::test]
async fn debug_of_the_handles_takes_no_lock_of_the_pool() {
    let (core, _spawns) = Core::new(config()).expect("a timer");
    let open = Arc::new(OpenPool::new(Arc::clone(&core)));
    let pool: ProcessPool = ProcessPool::from_open(Arc::clone(&open));
    let task: Task<u64> = Task::new(Arc::new(TaskCell::pending()), Accepted::new(open));
    let (sender, receiver) = mpsc::channel();
    let printed = core.with(|_, _| {
        thread::spawn(move || sender.send(format!("{task:?} {pool:?}")));
        receiver.recv_timeout(Duration::from_secs(60))
    });
    let printed = printed.expect("to print waits for no lock");
    assert!(printed.contains("is_finished: false"), "{printed}");
    assert!(printed.contains("is_closed: false"), "{printed}");
}
