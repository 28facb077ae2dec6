//! The same calls on rayon's threads.

use futures::channel::oneshot;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::tiny::increment;
use crate::workload::Elsewhere;

/// A pool of rayon's, whose results are awaited through a channel, as its users do it.
#[derive(Debug)]
pub struct Rayon(ThreadPool);

impl Rayon {
    /// Its name in the tables.
    pub const NAME: &'static str = "rayon";

    /// A pool of so many threads.
    ///
    /// # Panics
    /// If the system is short of something.
    #[must_use]
    pub fn start(threads: usize) -> Self {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        Rayon(pool.expect("rayon's threads should start"))
    }

    /// The pool itself.
    #[must_use]
    pub fn pool(&self) -> &ThreadPool {
        &self.0
    }

    /// Has a thread call `work`; what it returns arrives in the channel.
    pub fn spawn<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> oneshot::Receiver<R> {
        let (sender, receiver) = oneshot::channel();
        self.0.spawn(move || {
            // Whoever awaits it is still there: no benchmark gives up.
            let _ = sender.send(work());
        });
        receiver
    }
}

impl Elsewhere for Rayon {
    async fn increment(&mut self, number: u64) -> u64 {
        let called = self.spawn(move || increment(number));
        called.await.expect("a tiny task should not fail")
    }

    async fn echo(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let called = self.spawn(move || bytes);
        called.await.expect("an echo should not fail")
    }
}
