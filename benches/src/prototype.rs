//! A process pool as one writes it in an afternoon: what a batch of tiny tasks costs with nothing around it.
//!
//! A task of tokio's for each worker, and one socket; up to 64 calls in flight, many in each write; a worker that blocks in
//! `read` and answers all that it has read with one write. Arguments and results are encoded, as procpool's are, each to memory of
//! its own. There is one function. Nothing can be cancelled, a death hangs its callers, and results are matched to calls by their
//! order.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net;
use std::process::{self, Child};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::channel::oneshot::{self, Canceled};
use procpool_wire::value;
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

/// Bytes before what is encoded: a length, a dispatch id and a function.
const HEADER_LEN: usize = 24;

/// Bytes that one read may bring.
const READ: usize = 16 * 1024;

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
    args: Vec<u8>,
    caller: oneshot::Sender<Vec<u8>>,
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
        let args = encode(number);
        self.queue.calls().push_back(Call { args, caller });
        self.queue.added.notify_one();
        result.map(|result| result.map(|result| decode(&result)))
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
    let (mut calls, mut answers) = (Vec::new(), Vec::new());
    loop {
        for Call { args, caller } in queue.take(WINDOW - in_flight.len()) {
            push(&mut calls, &args);
            in_flight.push_back(caller);
        }
        socket.write_all(&calls).await?;
        calls.clear();
        if in_flight.is_empty() {
            queue.added.notified().await;
            continue;
        }
        answers.reserve(READ);
        if socket.read_buf(&mut answers).await? == 0 {
            return Ok(());
        }
        let mut rest = &answers[..];
        while let Some((answer, later)) = split(rest) {
            if let Some(caller) = in_flight.pop_front() {
                let _ = caller.send(answer.to_vec());
            }
            rest = later;
        }
        let whole = answers.len() - rest.len();
        answers.drain(..whole);
    }
}

fn work() -> io::Result<()> {
    let mut socket = net::UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (mut calls, mut answers) = (vec![0; READ], Vec::new());
    let mut have = 0;
    loop {
        have += match socket.read(&mut calls[have..])? {
            0 => return Ok(()),
            read => read,
        };
        let mut rest = &calls[..have];
        while let Some((args, later)) = split(rest) {
            push(&mut answers, &encode(increment(decode(args))));
            rest = later;
        }
        let (whole, part) = (have - rest.len(), rest.len());
        socket.write_all(&answers)?;
        answers.clear();
        calls.copy_within(whole..have, 0);
        have = part;
    }
}

fn encode(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    value::encode(&number, &mut bytes).expect("a number should be encoded");
    bytes
}

fn decode(bytes: &[u8]) -> u64 {
    value::decode(bytes).expect("a number should be decoded")
}

/// Appends a message: its length, and the rest of a header of which this one function makes no use.
fn push(out: &mut Vec<u8>, body: &[u8]) {
    let mut header = [0; HEADER_LEN];
    header[..8].copy_from_slice(&(body.len() as u64).to_ne_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(body);
}

/// The body of the first message, and what follows it, if it is whole.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, _) = bytes.split_first_chunk()?;
    let body = bytes.get(HEADER_LEN..)?;
    body.split_at_checked(u64::from_ne_bytes(*len) as usize)
}
