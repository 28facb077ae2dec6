//! One contender in one comparison.

use std::cell::LazyCell;
use std::sync::Arc;

use criterion::BenchmarkGroup;
use criterion::measurement::WallTime;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::samples::Samples;
use crate::workload::Workload;

/// A contender with its workload, on its runtime.
#[derive(Debug)]
pub struct Lane<'r, C, W> {
    name: &'static str,
    runtime: &'r Runtime,
    workload: W,
    contender: LazyCell<Arc<Mutex<C>>, Make<'r, C>>,
}

type Make<'r, C> = Box<dyn FnOnce() -> Arc<Mutex<C>> + 'r>;

impl<'r, C: Send + 'static, W: Workload<C>> Lane<'r, C, W> {
    /// The contender is made on the runtime when it is first asked to work: one that criterion's
    /// command line leaves out never is.
    pub fn new(
        name: &'static str,
        runtime: &'r Runtime,
        workload: W,
        contender: impl FnOnce() -> C + 'r,
    ) -> Self {
        let make: Make<'r, C> = Box::new(|| {
            let _context = runtime.enter();
            Arc::new(Mutex::new(contender()))
        });
        Lane {
            name,
            runtime,
            workload,
            contender: LazyCell::new(make),
        }
    }

    /// The contender's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Has the contender do its work so many times.
    ///
    /// It is a task of the runtime that asks it to, as in a server: on a runtime with many threads,
    /// the thread in `block_on` is apart, and each wake-up of it would be one of another thread.
    ///
    /// # Panics
    /// If the workload does.
    pub fn run(&self, times: usize) -> Samples {
        let contender = Arc::clone(&self.contender);
        let workload = self.workload.clone();
        let task = self.runtime.spawn(async move {
            let mut contender = contender.lock().await;
            workload.run(&mut *contender, times).await
        });
        self.runtime
            .block_on(task)
            .expect("the workload should not panic")
    }

    /// Has criterion measure the contender, and tells whether it did: its command line may say to
    /// leave it out, or to do something else.
    #[must_use]
    pub fn bench(&self, group: &mut BenchmarkGroup<'_, WallTime>) -> bool {
        let mut was_measured = false;
        group.bench_function(self.name, |bencher| {
            was_measured = true;
            bencher.iter_custom(|times| self.run(times as usize).total());
        });
        was_measured
    }
}
