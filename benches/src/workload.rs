//! What is measured, and on what.

use std::future::Future;

use procpool::ProcessPool;

use crate::samples::Samples;
use crate::tiny::increment;

/// Something to do with a contender, again and again.
pub trait Workload<C>: Clone + Send + 'static {
    /// Does it so many times, and says how long each took.
    fn run(self, contender: &mut C, times: usize) -> impl Future<Output = Samples> + Send;
}

/// A contender that runs one call elsewhere, and brings back the result.
pub trait Elsewhere: Send + 'static {
    /// Runs [`increment`].
    fn increment(&mut self, number: u64) -> impl Future<Output = u64> + Send;

    /// Runs a function that returns its argument. The caller passes on what came back last, so that
    /// nobody is charged for a copy that the contender itself doesn't make.
    fn echo(&mut self, bytes: Vec<u8>) -> impl Future<Output = Vec<u8>> + Send;
}

impl Elsewhere for ProcessPool {
    async fn increment(&mut self, number: u64) -> u64 {
        let task = self.run_in_process(increment, number);
        task.await.expect("a tiny task should not fail")
    }

    async fn echo(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let task = self.run_in_process(|bytes: Vec<u8>| bytes, bytes);
        task.await.expect("an echo should not fail")
    }
}
