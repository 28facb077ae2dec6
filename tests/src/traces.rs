//! What a process holds of the system's, to be compared before and after.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::{children, open_descriptors};

/// The descriptors, threads, children and shared memory of this process; to be taken where nothing else goes on
/// ([`alone`](crate::alone)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// What each open descriptor is.
    pub descriptors: Vec<String>,
    /// How many threads there are. Not their names: a thread names itself only once it runs.
    pub threads: usize,
    /// Zombies included.
    pub children: Vec<u32>,
    /// How many mappings there are of memory that is shared with workers.
    pub pages: usize,
}

impl Traces {
    /// What there is at this moment.
    #[must_use]
    pub fn now() -> Self {
        Traces {
            descriptors: open_descriptors(),
            threads: threads(),
            children: children(),
            pages: shared_pages(),
        }
    }

    /// Waits until there is again what there was then. The end of a thread, and of what the runtime
    /// does by the way, is no event that can be waited for; so this looks again and again.
    ///
    /// # Panics
    /// If it is not so after a minute.
    pub async fn are_back(&self) {
        let began = Instant::now();
        while Traces::now() != *self {
            self.assert_patience(began);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// As [`are_back`](Traces::are_back), where no runtime is left.
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
