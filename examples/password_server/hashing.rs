//! Hashing passwords in a few workers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use procpool::{BuildError, ProcessPool, TaskError, TaskOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The time limit of one hash.
pub(crate) const DEADLINE: Duration = Duration::from_secs(3);
/// The longest wait for a worker.
const PATIENCE: Duration = Duration::from_secs(20);
/// The number of hashes that may wait for each worker.
pub(crate) const WAITING_PER_WORKER: usize = 3;

/// The pool, and its statistics.
#[derive(Debug)]
pub(crate) struct Hasher {
    pool: ProcessPool,
    accepted: AtomicU64,
    unanswered: AtomicU64,
    shed: AtomicU64,
    timed_out: AtomicU64,
}

/// The statistics for a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// The number of hashes accepted since the start.
    pub(crate) accepted: u64,
    /// The number of hashes that run or wait at this moment.
    pub(crate) unanswered: u64,
    /// The number of hashes refused since the start.
    pub(crate) shed: u64,
    /// The number of hashes that exceeded their time limit since the start.
    pub(crate) timed_out: u64,
}

/// The reason why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server is overloaded: the request was not accepted.
    Overloaded,
    /// The hash took too long.
    TimedOut,
    /// A bug, or an invalid account.
    Broken(String),
}

impl Hasher {
    pub(crate) fn start(workers: usize) -> Result<Self, BuildError> {
        let pool = ProcessPool::builder()
            .name("hasher")
            .workers(workers)
            .queue_capacity(workers * WAITING_PER_WORKER)
            .build()?;
        let options = TaskOptions::new().timeout(DEADLINE).queue_timeout(PATIENCE);
        Ok(Self {
            pool: pool.with(options),
            accepted: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            timed_out: AtomicU64::new(0),
        })
    }

    pub(crate) async fn hash(&self, password: String) -> Result<String, Failure> {
        self.run(hash, password).await
    }

    pub(crate) async fn verify(&self, password: String, hash: String) -> Result<bool, Failure> {
        self.run(verify, (password, hash)).await
    }

    pub(crate) fn load(&self) -> Load {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Load {
            accepted: count(&self.accepted),
            unanswered: count(&self.unanswered),
            shed: count(&self.shed),
            timed_out: count(&self.timed_out),
        }
    }

    pub(crate) async fn shutdown(&self) {
        self.pool.shutdown().await;
    }

    async fn run<A, R>(&self, function: fn(A) -> Result<R, String>, args: A) -> Result<R, Failure>
    where
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        let Ok(task) = self.pool.try_run_in_process(function, args) else {
            self.shed.fetch_add(1, Ordering::Relaxed);
            return Err(Failure::Overloaded);
        };
        // When the client disconnects, the server drops this future and with it the task.
        let _unanswered = Unanswered::one_more(self);
        match task.await {
            Ok(result) => result.map_err(Failure::Broken),
            Err(TaskError::TimedOut { .. }) => {
                self.timed_out.fetch_add(1, Ordering::Relaxed);
                Err(Failure::TimedOut)
            }
            Err(error) => Err(Failure::Broken(error.to_string())),
        }
    }
}

/// Counts a hash as unanswered until it is dropped.
#[derive(Debug)]
struct Unanswered<'a>(&'a AtomicU64);

impl<'a> Unanswered<'a> {
    fn one_more(hasher: &'a Hasher) -> Self {
        hasher.unanswered.fetch_add(1, Ordering::Relaxed);
        hasher.accepted.fetch_add(1, Ordering::Relaxed);
        Self(&hasher.unanswered)
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns the stored form of a password, with salt and costs; runs in a worker.
fn hash(password: String) -> Result<String, String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| error.to_string())
}

/// Returns whether this is the password of the stored form, which also says how expensive the check is;
/// runs in a worker.
pub(crate) fn verify((password, hash): (String, String)) -> Result<bool, String> {
    let hash = PasswordHash::new(&hash).map_err(|error| error.to_string())?;
    match Argon2::default().verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}
