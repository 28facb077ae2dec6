//! The same calls in processes of procspawn's.

use procspawn::{JoinHandle, Pool};
use serde::{Serialize, de::DeserializeOwned};

use crate::tiny::increment;
use crate::workload::Elsewhere;

/// A pool of procspawn's, the other crate that runs functions of the same executable.
///
/// It has no futures. Whoever waits blocks their thread, which favours it: a hop to another thread
/// and back would come on top.
#[derive(Debug)]
pub struct Procspawn(Pool);

impl Procspawn {
    /// Its name in the tables.
    pub const NAME: &'static str = "procspawn";

    /// A pool of so many workers.
    ///
    /// # Panics
    /// If the system is short of something.
    #[must_use]
    pub fn start(workers: usize) -> Self {
        Procspawn(Pool::new(workers).expect("procspawn's workers should start"))
    }

    /// Calls `function`, and waits for the result.
    ///
    /// # Panics
    /// If the worker fails.
    pub fn call<A, R>(&self, function: fn(A) -> R, args: A) -> R
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        let called = self.spawn(function, args).join();
        called.expect("a task of procspawn's should not fail")
    }

    /// Calls `function`.
    pub fn spawn<A, R>(&self, function: fn(A) -> R, args: A) -> JoinHandle<R>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        self.0.spawn(args, function)
    }

    /// Calls `function` with each of `items`, at most [`WINDOW`](Self::WINDOW) at once, and gives
    /// `take` the results.
    ///
    /// # Panics
    /// If a worker fails.
    pub fn call_all<A, R>(
        &self,
        function: fn(A) -> R,
        items: impl IntoIterator<Item = A>,
        mut take: impl FnMut(R),
    ) where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned + Send + 'static,
    {
        let mut take = |called: JoinHandle<R>| {
            take(
                called
                    .join()
                    .expect("a task of procspawn's should not fail"),
            );
        };
        let mut called = std::collections::VecDeque::with_capacity(Self::WINDOW);
        for item in items {
            if called.len() == Self::WINDOW {
                called.pop_front().into_iter().for_each(&mut take);
            }
            called.push_back(self.spawn(function, item));
        }
        called.into_iter().for_each(take);
    }

    /// Each of its calls takes four descriptors until its end; with some thousands at once it panics.
    pub const WINDOW: usize = 128;
}

impl Elsewhere for Procspawn {
    async fn increment(&mut self, number: u64) -> u64 {
        self.call(increment, number)
    }

    async fn echo(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.call(|bytes: Vec<u8>| bytes, bytes)
    }
}
