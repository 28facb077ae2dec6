//! A meeting, where running functions report to the parent.
//!
//! With it, an example waits for an event ("the function runs in process 4711", "that process is gone")
//! and not for a guessed time.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use procpool::ProcessPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// A time that only a bug exceeds.
const PATIENCE: Duration = Duration::from_secs(20);

/// The parent's end: a listener on the loopback interface.
#[derive(Debug)]
pub struct Meeting {
    listener: TcpListener,
    address: SocketAddr,
}

impl Meeting {
    /// Opens a meeting on a free port.
    pub async fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Returns the address that a function needs to [`arrive`].
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the next function has arrived.
    pub async fn arrival(&self) -> anyhow::Result<Arrival> {
        let accept = async {
            let (mut stream, _) = self.listener.accept().await?;
            let pid = stream.read_u32().await?;
            io::Result::Ok(Arrival { pid, stream })
        };
        Ok(timeout(PATIENCE, accept)
            .await
            .context("no function arrived")??)
    }
}

/// A running function that has reported. Dropping this closes the connection, which ends the function's wait.
#[derive(Debug)]
pub struct Arrival {
    pid: u32,
    stream: TcpStream,
}

impl Arrival {
    /// Returns the function's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a byte to the function and waits for the byte that it answers.
    pub async fn ask(&mut self, question: u8) -> anyhow::Result<u8> {
        self.stream.write_u8(question).await?;
        Ok(timeout(PATIENCE, self.stream.read_u8())
            .await
            .context("no answer")??)
    }

    /// Waits until the function's process has died and was reaped.
    pub async fn gone(mut self) -> anyhow::Result<()> {
        // The kernel closes the sockets of a dying process, which ends this read.
        let read = timeout(PATIENCE, self.stream.read_u8()).await;
        ensure!(
            read.context("the process lives on")?.is_err(),
            "the function went on"
        );
        // Until its parent has reaped it, the process is a zombie with an entry here.
        let entry = PathBuf::from(format!("/proc/{}", self.pid));
        let reaped = async {
            while entry.exists() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, reaped)
            .await
            .context("the process was not reaped")
    }
}

/// Reports from a worker that this process has got so far.
///
/// Reading from the stream blocks until the parent closes the connection.
pub fn arrive(meeting: SocketAddr) -> io::Result<std::net::TcpStream> {
    let mut stream = std::net::TcpStream::connect(meeting)?;
    stream.write_all(&std::process::id().to_be_bytes())?;
    Ok(stream)
}

/// Proves that `pool` can run `count` functions at the same time, and returns their process ids.
///
/// Each function waits until all have reported, so no worker runs two of them.
pub async fn workers_at_once(pool: &ProcessPool, count: usize) -> anyhow::Result<BTreeSet<u32>> {
    let meeting = Meeting::open().await?;
    let tasks: Vec<_> = (0..count)
        .map(|_| pool.run_in_process(attend, meeting.address()))
        .collect();
    let mut arrivals = Vec::new();
    while arrivals.len() < count {
        let arrival = meeting.arrival().await;
        arrivals.push(arrival.with_context(|| format!("{} of {count} came", arrivals.len()))?);
    }
    let pids: BTreeSet<u32> = arrivals.iter().map(Arrival::pid).collect();
    drop(arrivals);
    for task in tasks {
        if let Err(message) = task.await? {
            bail!("a function at the meeting failed: {message}");
        }
    }
    ensure!(
        pids.len() == count,
        "{count} functions ran in {} processes",
        pids.len()
    );
    Ok(pids)
}

fn attend(meeting: SocketAddr) -> Result<(), String> {
    let wait = || -> io::Result<()> {
        let mut stream = arrive(meeting)?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    };
    wait().map_err(|error| error.to_string())
}
