//! A set of tasks that gives the results as the tasks finish.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use slab::Slab;

use crate::error::TaskError;
use crate::streams::completed::Completed;
use crate::task::future::Task;

/// A set of tasks that gives each result with a key, in the order in which the tasks finish.
///
/// This is a [`Stream`] of `(K, Result<R, TaskError>)`. It ends when the set is empty, and continues
/// after another task is inserted. Several tasks may have equal keys. Tasks that had finished before they
/// were inserted come in the order of insertion. Taking a result takes the same time whatever the
/// number of tasks, and spends none of tokio's cooperative budget.
///
/// This is `as_completed` of Python's `concurrent.futures`, as a set like tokio's `JoinSet`.
///
/// # Cancel safety
/// **Dropping a `TaskSet` cancels its tasks**, as dropping each task would.
/// [`detach_all`](TaskSet::detach_all) lets them run to their end.
///
/// ```
/// # #[procpool::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use procpool::TaskSet;
///
/// fn measure(text: String) -> usize {
///     text.len()
/// }
///
/// let pool = procpool::ProcessPool::builder().workers(2).build()?;
/// let texts = ["to be", "or not"].map(str::to_owned);
/// let mut set: TaskSet<String, usize> = texts
///     .into_iter()
///     .map(|text| (text.clone(), pool.run_in_process(measure, text)))
///     .collect();
/// while let Some((text, length)) = set.join_next().await {
///     assert_eq!(text.len(), length?);
/// }
/// # Ok(()) }
/// ```
#[must_use = "dropping a set cancels the tasks in it"]
pub struct TaskSet<K, R> {
    tasks: Slab<(K, Task<R>)>,
    completed: Arc<Completed>,
    deadline: Option<Instant>,
}

impl<K, R> TaskSet<K, R> {
    /// Returns an empty set.
    pub fn new() -> Self {
        TaskSet {
            tasks: Slab::new(),
            completed: Arc::default(),
            deadline: None,
        }
    }

    /// Sets a deadline for all tasks of the set, present and future.
    ///
    /// At the deadline, the unfinished tasks are aborted: each gives [`TaskError::Cancelled`] with its
    /// key. This happens in real time, even if the set is not polled or the runtime's clock is paused.
    /// Results of tasks that have finished before are kept. A later call of this method or of
    /// [`with_timeout`](TaskSet::with_timeout) replaces the deadline.
    ///
    /// ```
    /// # use std::time::{Duration, Instant};
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let mut set = procpool::TaskSet::new().with_deadline(Instant::now() + Duration::from_millis(50));
    /// set.insert("first", pool.run_in_process(hang, ()));
    /// let (key, result) = set.join_next().await.unwrap();
    /// assert_eq!(key, "first");
    /// assert!(result.unwrap_err().is_cancelled());
    /// # Ok(()) }
    /// ```
    pub fn with_deadline(mut self, at: Instant) -> Self {
        self.set_deadline(Some(at));
        self
    }

    /// Sets a deadline that is `limit` from now, as [`with_deadline`](TaskSet::with_deadline) does.
    /// There is no deadline if `limit` exceeds what an [`Instant`] can represent.
    ///
    /// This is the `timeout` of Python's `as_completed`.
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.set_deadline(Instant::now().checked_add(limit));
        self
    }

    /// Returns the deadline, if there is one.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Inserts a task under a key.
    pub fn insert(&mut self, key: K, task: Task<R>) {
        if self.deadline.is_some() {
            task.abort_at(self.deadline);
        }
        let entry = self.tasks.vacant_entry();
        let place = entry.key();
        let is_finished = task.watch(self.completed.waker(place));
        entry.insert((key, task));
        if is_finished {
            self.completed.push(place);
        }
    }

    /// Waits for the next task to finish. Returns its key and result, or `None` if the set is empty.
    ///
    /// # Cancel safety
    /// Dropping the future loses no result.
    pub async fn join_next(&mut self) -> Option<(K, Result<R, TaskError>)> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// Returns the number of tasks in the set, including finished ones whose result was not taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Returns whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// [Aborts](Task::abort) all tasks but leaves them in the set: each gives
    /// [`TaskError::Cancelled`], or its result if it had already finished.
    ///
    /// ```
    /// # #[procpool::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// fn hang(_: ()) {
    ///     loop { std::hint::spin_loop() }
    /// }
    /// let pool = procpool::ProcessPool::builder().workers(1).build()?;
    /// let mut set: procpool::TaskSet<u32, ()> =
    ///     (0..3).map(|key| (key, pool.run_in_process(hang, ()))).collect();
    /// set.abort_all();
    /// while let Some((_, result)) = set.join_next().await {
    ///     assert!(result.unwrap_err().is_cancelled());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn abort_all(&self) {
        // Queued tasks first, so that no worker starts one when another task's worker is killed.
        for (_, (_, task)) in &self.tasks {
            let _ = task.abort_handle().abort_if_queued();
        }
        for (_, (_, task)) in &self.tasks {
            task.abort();
        }
    }

    /// Empties the set and lets its tasks run to their end, even past the deadline; see
    /// [`Task::detach`].
    pub fn detach_all(&mut self) {
        // The tasks keep their wakers, which must not reach this set any more.
        mem::take(&mut self.completed).forget_waiting();
        for (_, task) in self.tasks.drain() {
            if self.deadline.is_some() {
                task.abort_at(None);
            }
            task.detach();
        }
    }

    fn set_deadline(&mut self, at: Option<Instant>) {
        self.deadline = at;
        for (_, (_, task)) in &self.tasks {
            task.abort_at(at);
        }
    }

    fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(K, Result<R, TaskError>)>> {
        while !self.is_empty() {
            let Some(place) = self.completed.pop(cx.waker()) else {
                return Poll::Pending;
            };
            if let Some(ended) = self.take(place) {
                return Poll::Ready(Some(ended));
            }
        }
        Poll::Ready(None)
    }

    fn take(&mut self, place: usize) -> Option<(K, Result<R, TaskError>)> {
        let (_, task) = self.tasks.get_mut(place)?;
        let result = task.take()?;
        let (key, _) = self.tasks.remove(place);
        Some((key, result))
    }
}

impl<K, R> Stream for TaskSet<K, R> {
    type Item = (K, Result<R, TaskError>);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_join_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

/// Keys are never pinned.
impl<K, R> Unpin for TaskSet<K, R> {}

impl<K, R> Extend<(K, Task<R>)> for TaskSet<K, R> {
    fn extend<I: IntoIterator<Item = (K, Task<R>)>>(&mut self, tasks: I) {
        for (key, task) in tasks {
            self.insert(key, task);
        }
    }
}

impl<K, R> FromIterator<(K, Task<R>)> for TaskSet<K, R> {
    fn from_iter<I: IntoIterator<Item = (K, Task<R>)>>(tasks: I) -> Self {
        let mut set = TaskSet::new();
        set.extend(tasks);
        set
    }
}

impl<K, R> Default for TaskSet<K, R> {
    fn default() -> Self {
        TaskSet::new()
    }
}

impl<K, R> Drop for TaskSet<K, R> {
    fn drop(&mut self) {
        self.completed.forget_waiting();
        self.abort_all();
    }
}

impl<K, R> fmt::Debug for TaskSet<K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet")
            .field("len", &self.len())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
