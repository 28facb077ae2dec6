//! A process pool as one writes it in an afternoon: what a batch of tiny tasks costs with nothing around it.
//!
//! A task of tokio's for each worker, and one socket; up to 64 calls in flight, many in each write; a worker that blocks in
//! `read` and answers all that it has read with one write. There is one function, of a number. Nothing can be cancelled, a death
//! hangs its callers, and results are matched to calls by their order.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net;
use std::process::{self, Child};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot::{self, Canceled};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::companion;
use crate::tiny::increment;

/// The first argument of its workers.
const MARKER: &str = "--procpool-bench-prototype";

/// Calls in flight on one worker.
const WINDOW: usize = 64;

/// Bytes of a call: what a ticket, a function and a number take. An answer has as many.
const MESSAGE_LEN: usize = 32;

/// Where in a message its number is.
const NUMBER: std::ops::Range<usize> = 24..MESSAGE_LEN;

/// Processes that increment numbers. Dropping it kills them.
#[derive(Debug)]
pub struct Prototype {
    queue: Arc<Queue>,
    workers: Vec<(JoinHandle<()>, Child)>,
}

/// Calls that no worker has.
#[derive(Debug, Default)]
struct Queue {
    calls: Mutex<VecDeque<Call>>,
    added: Notify,
}

#[derive(Debug)]
struct Call {
    number: u64,
    caller: oneshot::Sender<u64>,
}

/// Turns this process into a worker of such a pool if it was started as one; returns at once otherwise.
pub(crate) fn init() {
    if env::args_os().nth(1).as_deref() == Some(OsStr::new(MARKER)) {
        match work() {
            Ok(()) => process::exit(0),
            Err(error) => {
                eprintln!("the prototype's worker: {error}");
                process::exit(1)
            }
        }
    }
}

impl Prototype {
    /// Its name in criterion's ids and in the tables.
    pub const NAME: &'static str = "prototype";

    /// Starts so many workers.
    ///
    /// # Panics
    /// Outside of a tokio runtime, or if the system is short of something.
    #[must_use]
    pub fn start(workers: usize) -> Self {
        let queue = Arc::<Queue>::default();
        let started = (0..workers).map(|_| start_worker(&queue));
        Prototype {
            workers: started
                .collect::<io::Result<_>>()
                .expect("the prototype's workers should start"),
            queue,
        }
    }

    /// Calls [`increment`].
    pub fn call(&self, number: u64) -> impl Future<Output = Result<u64, Canceled>> + use<> {
        let (caller, result) = oneshot::channel();
        self.queue.calls().push_back(Call { number, caller });
        self.queue.added.notify_one();
        result
    }
}

impl Drop for Prototype {
    fn drop(&mut self) {
        for (task, process) in &mut self.workers {
            task.abort();
            // If it can't be killed or waited for, it isn't there.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Queue {
    fn calls(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first that wait, no more than `most`.
    fn take(&self, most: usize) -> Vec<Call> {
        let mut calls = self.calls();
        let most = most.min(calls.len());
        calls.drain(..most).collect()
    }
}

fn start_worker(queue: &Arc<Queue>) -> io::Result<(JoinHandle<()>, Child)> {
    let (process, parent) = companion::start(&[MARKER])?;
    parent.set_nonblocking(true)?;
    let socket = UnixStream::from_std(parent)?;
    let queue = Arc::clone(queue);
    let task = tokio::spawn(async move {
        // Its end is the process's, or the pool's.
        let _ = serve(&queue, socket).await;
    });
    Ok((task, process))
}

/// Has the worker at the other end make calls as long as there are any.
async fn serve(queue: &Queue, mut socket: UnixStream) -> io::Result<()> {
    let mut in_flight = VecDeque::with_capacity(WINDOW);
    let mut calls = Vec::with_capacity(WINDOW * MESSAGE_LEN);
    let mut answers = [0; WINDOW * MESSAGE_LEN];
    let mut have = 0;
    loop {
        for Call { number, caller } in queue.take(WINDOW - in_flight.len()) {
            let mut message = [0; MESSAGE_LEN];
            message[NUMBER].copy_from_slice(&number.to_ne_bytes());
            calls.extend_from_slice(&message);
            in_flight.push_back(caller);
        }
        socket.write_all(&calls).await?;
        calls.clear();
        if in_flight.is_empty() {
            queue.added.notified().await;
            continue;
        }
        have += match socket.read(&mut answers[have..]).await? {
            0 => return Ok(()),
            read => read,
        };
        let (whole, rest) = answers[..have].as_chunks::<MESSAGE_LEN>();
        for answer in whole {
            if let (Some(caller), Ok(number)) = (in_flight.pop_front(), answer[NUMBER].try_into()) {
                let _ = caller.send(u64::from_ne_bytes(number));
            }
        }
        let (begun, rest) = (have - rest.len(), rest.len());
        answers.copy_within(begun..have, 0);
        have = rest;
    }
}

fn work() -> io::Result<()> {
    let mut socket = net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut messages = [0; WINDOW * MESSAGE_LEN];
    let mut have = 0;
    loop {
        have += match socket.read(&mut messages[have..])? {
            0 => return Ok(()),
            read => read,
        };
        let (whole, rest) = messages[..have].as_chunks_mut::<MESSAGE_LEN>();
        for message in whole {
            if let Ok(number) = message[NUMBER].try_into() {
                let number = increment(u64::from_ne_bytes(number));
                message[NUMBER].copy_from_slice(&number.to_ne_bytes());
            }
        }
        let begun = have - rest.len();
        socket.write_all(&messages[..begun])?;
        messages.copy_within(begun..have, 0);
        have -= begun;
    }
}
