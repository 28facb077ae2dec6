//! The resources of a process, to be compared before and after.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::{children, open_descriptors};

/// The descriptors, threads, children and shared memory of this process. Use it where nothing else runs
/// ([`alone`](crate::alone)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// The target of each open descriptor.
    pub descriptors: Vec<String>,
    /// The number of threads. Their names are not compared, since a thread sets its name only after its start.
    pub threads: usize,
    /// The children, including zombies.
    pub children: Vec<u32>,
    /// The number of mappings of memory that is shared with workers.
    pub pages: usize,
}

impl Traces {
    /// Returns the resources at this moment.
    #[must_use]
    pub fn now() -> Self {
        Traces {
            descriptors: open_descriptors(),
            threads: threads(),
            children: children(),
            pages: shared_pages(),
        }
    }

    /// Waits until the resources are the same again. The end of a thread, or of the runtime's background
    /// work, is no event that a test can wait for, so this polls.
    ///
    /// # Panics
    /// If they are not the same after a minute.
    pub async fn are_back(&self) {
        let began = Instant::now();
        while Traces::now() != *self {
            self.assert_patience(began);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits as [`are_back`](Traces::are_back) does, without a runtime.
    ///
    /// # Panics
    /// As [`are_back`](Traces::are_back).
    pub fn are_back_blocking(&self) {
        let began = Instant::now();
        while Traces::now() != *self {
            self.assert_patience(began);
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn assert_patience(&self, began: Instant) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "left behind: there was {self:#?}, there is {:#?}",
            Traces::now()
        );
    }
}

fn threads() -> usize {
    let threads = fs::read_dir("/proc/self/task").expect("/proc is mounted");
    threads.count()
}

fn shared_pages() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc is mounted");
    maps.lines().filter(|map| map.contains("/memfd:")).count()
}
