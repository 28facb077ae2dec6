//! How long workers may take to start, how they wait, and when they are replaced.

use std::time::Duration;

use super::Builder;
use super::pool_options::LONGEST_SPIN;

impl<S> Builder<S> {
    /// How long a worker may take from its spawn until it is ready; then it is killed. It is never
    /// charged to a task. The default is 30 seconds.
    pub fn startup_timeout(mut self, limit: Duration) -> Self {
        self.options.startup_timeout = limit;
        self
    }

    /// How long a worker that has nothing to do may look for its next task before it goes to sleep.
    /// The default is 50 µs, the most is 1 ms; [`Duration::ZERO`] has it sleep at once. After a large result it is a
    /// microsecond more for each 2 KiB of it, up to 80 µs, since that and the next arguments have to be copied.
    ///
    /// A task that comes in this time begins some 25 µs sooner on an idle machine, since no processor must wake up
    /// for it. A worker looks only while the busy workers and this process leave a processor to spare of those
    /// that the program may use, and learns from its waits: when tasks come more rarely, or
    /// when anything else wanted its processor, it sleeps at once nearly always. A pool without tasks uses
    /// no processor.
    ///
    /// While a worker looks, the first poll of a [`Task`](crate::Task) that was given to it stays awake for the result for
    /// up to 10 µs, and a microsecond more for each 4 KiB of arguments, if the function has shown itself shorter than 5 µs
    /// and the arguments are no longer than 160 KiB. It takes the result from shared memory, which
    /// saves the other wake-up and the way through the runtime.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let frugal = procpool::ProcessPool::builder().workers(1).spin(Duration::ZERO).build()?;
    /// assert_eq!(frugal.run_in_process(|x: u32| x + 1, 1).await?, 2);
    /// # Ok(()) }
    /// ```
    pub fn spin(mut self, limit: Duration) -> Self {
        self.options.spin = limit.min(LONGEST_SPIN);
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
