//! How long workers may take to start, and when they are replaced.

use std::time::Duration;

use super::Builder;

impl<S> Builder<S> {
    /// How long a worker may take from its spawn until it is ready; then it is killed. It is never
    /// charged to a task. The default is 30 seconds.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.options.startup_timeout = limit;
        self
    }

    /// A worker that has run this many tasks is replaced. The replacement is started first, and not
    /// all workers are replaced at once. By default a worker is never replaced for this.
    pub fn max_tasks_per_worker(mut self, count: u64) -> Self {
        self.options.max_tasks_per_worker = Some(count);
        self
    }

    /// A worker that has lived this long is replaced, a little earlier or later, so that not all
    /// workers are replaced at once; the replacement is started first, and no task is broken off. It
    /// is 100 milliseconds at least. By default a worker is never replaced for this.
    pub fn max_worker_age(mut self, age: Duration) -> Self {
        self.options.max_age = Some(age);
        self
    }

    /// A worker whose memory has grown by more than so many bytes since it was new, looked at after a
    /// task, is replaced: the replacement first, and not all at once. It is for functions that leak. By
    /// default a worker is never replaced for this.
    pub fn max_worker_growth(mut self, bytes: u64) -> Self {
        self.options.limits.growth = Some(bytes);
        self
    }
}
