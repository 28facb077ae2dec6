//! Many tasks, of which each is awaited as it finishes.

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

/// A set of tasks that gives each result, with the key that the task was put in with, in the order
/// in which they finish. What `as_completed` is in Python's `concurrent.futures`.
///
/// A [`Stream`] of `(K, Result<R, TaskError>)`, which ends when the set is empty and goes on if
/// something is put in after that. Keys need not differ. The order is that in which the tasks
/// finished, whether or not anybody was waiting at the time; of tasks that had finished before they
/// were put in, it is that in which they were put in. Whatever the number of tasks, to get one costs
/// the same, and none of tokio's cooperative budget.
///
/// # Cancel safety
/// **Dropping a `TaskSet` cancels the tasks that are left in it**, as dropping each would.
/// [`detach_all`](TaskSet::detach_all) lets them run on.
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
    /// An empty set.
    pub fn new() -> Self {
        TaskSet {
            tasks: Slab::new(),
            completed: Arc::default(),
            deadline: None,
        }
    }

    /// Gives all tasks of the set, those in it and those to come, until this moment.
    ///
    /// Then those that have not finished are aborted and come out as [`TaskError::Cancelled`],
    /// each with its key, so that the stream ends soon. This happens whether or not the set is
    /// polled, and in real time, whatever the runtime's clock says. What has finished before keeps
    /// its result. A later call of this or of [`with_timeout`](TaskSet::with_timeout) replaces it.
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

    /// As [`with_deadline`](TaskSet::with_deadline), counted from now. A limit beyond the end of
    /// time is none.
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.set_deadline(Instant::now().checked_add(limit));
        self
    }

    /// The deadline, if there is one.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Puts a task in, and keeps the key for it.
    pub fn insert(&mut self, key: K, task: Task<R>) {
        if self.deadline.is_some() {
            task.abort_at(self.deadline);
        }
        let entry = self.tasks.vacant_entry();
        let place = entry.key();
        let is_finished = task.watch(self.completed.bell(place));
        entry.insert((key, task));
        if is_finished {
            self.completed.push(place);
        }
    }

    /// The next task that finishes; `None` if the set is empty.
    ///
    /// # Cancel safety
    /// If this is dropped, nothing is lost.
    pub async fn join_next(&mut self) -> Option<(K, Result<R, TaskError>)> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// How many tasks are in the set: those that have not finished, and those that have and were not
    /// taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// [Aborts](Task::abort) all tasks, and leaves them to be taken: each gives
    /// [`TaskError::Cancelled`], or its result if it had already finished.
    pub fn abort_all(&self) {
        // Those that wait first, so that no worker begins one in vain when another is killed.
        for (_, (_, task)) in &self.tasks {
            let _ = task.abort_handle().abort_if_queued();
        }
        for (_, (_, task)) in &self.tasks {
            task.abort();
        }
    }

    /// Empties the set, and lets its tasks run on with nobody to wait for them, also past the
    /// deadline; see [`Task::detach`].
    pub fn detach_all(&mut self) {
        // Bells that ring later are not heard.
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
