//! Two processes, each on a processor of its own.

use std::fs;
use std::io;
use std::process;

use procpool::ProcessPool;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::floor::Floor;
use crate::samples::Samples;
use crate::workload::Workload;

/// A workload while this process has one processor, and the other one that takes part has another.
///
/// Who sleeps is woken in some 15 µs where both are on one processor, and in 60 where they are on two that are virtual. The
/// kernel decides that anew every now and then, for each pair in its own way, so that otherwise this is what is compared.
#[derive(Clone, Copy, Debug)]
pub struct Apart<W>(pub W);

impl<W: Workload<ProcessPool>> Workload<ProcessPool> for Apart<W> {
    async fn run(self, pool: &mut ProcessPool, times: usize) -> Samples {
        let worker = pool.run_in_process(|()| process::id(), ()).await;
        let _placed = Placed::apart(worker.expect("a worker should say who it is"));
        self.0.run(pool, times).await
    }
}

impl<W: Workload<Floor>> Workload<Floor> for Apart<W> {
    async fn run(self, floor: &mut Floor, times: usize) -> Samples {
        let _placed = Placed::apart(floor.process_id());
        self.0.run(floor, times).await
    }
}

/// Until this is dropped.
struct Placed {
    other: u32,
    before: CpuSet,
}

impl Placed {
    /// `None` if there is one processor only.
    fn apart(other: u32) -> Option<Self> {
        let before = sched_getaffinity(None).expect("the kernel should say where this may run");
        let mut processors = (0..CpuSet::MAX_CPU).filter(|&processor| before.is_set(processor));
        let [first, second] = [processors.next()?, processors.next()?].map(|processor| {
            let mut set = CpuSet::new();
            set.set(processor);
            set
        });
        place(process::id(), &first).expect("this process should go there");
        place(other, &second).expect("the other process should go there");
        Some(Placed { other, before })
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        place(process::id(), &self.before).expect("this process should be free again");
        place(self.other, &self.before).expect("the other process should be free again");
    }
}

/// All threads that the process has.
fn place(process: u32, processors: &CpuSet) -> io::Result<()> {
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let thread = thread?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        match sched_setaffinity(thread.and_then(Pid::from_raw), processors) {
            // It has ended meanwhile.
            Err(rustix::io::Errno::SRCH) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
