//! Reads the rest of one large event on a thread.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, mpsc};
use std::thread;

use futures_channel::oneshot;
use procpool_os::socket;
use procpool_wire::Bulk;

use crate::driver::transport::link::Link;

/// A thread reads the rest of an event of which at least this much is missing: 4 MiB, which take 1 ms to read. Starting a thread
/// takes some 50 µs.
pub(crate) const WORTH_A_THREAD: usize = 4 << 20;

/// The event that is to be read, and its socket.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) socket: OwnedFd,
    pub(crate) bulk: Bulk,
}

/// A thread that reads one event, and then ends.
///
/// The kernel lets a thread that has slept run at once, but not a thread that has just used much processor time. After copying a
/// large result, a thread of the runtime would wait for several milliseconds if all processors are busy. The reading thread is not
/// one of the runtime's blocking threads, since these may all be waiting for results.
#[derive(Debug)]
pub(crate) struct BulkReader {
    link: Arc<Link>,
    load: mpsc::Sender<Load>,
    read: oneshot::Receiver<Load>,
}

impl BulkReader {
    /// Starts a thread, which waits for its event.
    ///
    /// # Errors
    /// Out of threads or memory.
    pub(crate) fn start(link: Arc<Link>) -> io::Result<Self> {
        let (load, loads) = mpsc::channel::<Load>();
        let (done, read) = oneshot::channel();
        thread::Builder::new()
            .name("procpool-bulk".to_owned())
            .spawn(move || {
                if let Ok(mut load) = loads.recv() {
                    load.fill();
                    // Sending fails if the supervisor has given the worker up and dropped the reader.
                    let _ = done.send(load);
                }
            })?;
        Ok(BulkReader { link, load, read })
    }

    /// Reads until the event is complete or the socket is at its end, and gives both back.
    ///
    /// # Cancel safety
    /// Not cancel safe: if this is dropped, the parent can receive nothing more from the worker.
    pub(crate) async fn read(self, load: Load) -> io::Result<Load> {
        let BulkReader {
            link,
            load: loads,
            read,
        } = self;
        let given_up = GivenUp(Some(link));
        let gone = |_| io::Error::other("the thread that reads much of a result is gone");
        loads.send(load).map_err(|_| io::ErrorKind::BrokenPipe)?;
        let read = read.await.map_err(gone)?;
        given_up.disarm();
        Ok(read)
    }
}

/// Ends the thread when it is dropped: a descendant of the worker may hold the socket's other end open for ever.
struct GivenUp(Option<Arc<Link>>);

impl GivenUp {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for GivenUp {
    fn drop(&mut self) {
        if let Some(link) = &self.0 {
            link.end_receiving();
        }
    }
}

impl Load {
    /// If this stops before the event is complete, the next read of the socket gives the reason.
    fn fill(&mut self) {
        while self.bulk.missing() > 0 {
            let mut room = self.bulk.room(socket::MAX_COPY);
            match socket::receive_into_nowait(&self.socket, &mut room) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if socket::wait_to_receive(&self.socket).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use procpool_os::ControlPage;
    use procpool_wire::{DispatchId, Encoding, Event, Finished, Outcome};

    use super::*;
    use crate::driver::transport::channel;
    use crate::driver::transport::incoming::{Incoming, Next, Received, WorkerMessage};

    const LEN: usize = 1 << 20;

    /// A result of so many bytes, as a worker sends it.
    fn frame(number: u64, len: usize) -> Vec<u8> {
        let result = Encoding::payload(&vec![7_u8; len], Vec::reserve).unwrap();
        let dispatch_id = DispatchId { slot: 0, number };
        let finished = Finished {
            dispatch_id,
            ran: Duration::ZERO,
            needs_recycle: false,
            outcome: &result,
        };
        let mut frame = Vec::new();
        finished.head().unwrap().put_with(&result, &mut frame);
        frame
    }

    fn parent_of(socket: OwnedFd) -> (Arc<Link>, Incoming) {
        let (sender, receiver) = channel::open(socket).unwrap();
        let (page, _descriptor) = ControlPage::create().unwrap();
        let link = Arc::new(Link::new(sender, page, 1));
        let incoming = Incoming::new(receiver, Arc::clone(link.worker()));
        (link, incoming)
    }

    /// The number and the length of the next result, if it is there.
    fn result(incoming: &mut Incoming) -> Option<(u64, usize)> {
        match incoming.next() {
            Next::Nothing => None,
            Next::Message(WorkerMessage::Event(Event::Finished(Finished {
                dispatch_id,
                outcome: Outcome::Returned(result),
                ..
            }))) => Some((
                dispatch_id.number,
                result.decode::<Vec<u8>>().unwrap().len(),
            )),
            other => panic!("{other:?}"),
        }
    }

    async fn receive(incoming: &mut Incoming) -> Received {
        poll_fn(|cx| incoming.poll_receive(cx)).await.unwrap()
    }

    #[tokio::test]
    async fn much_is_read_apart_and_what_follows_is_read_here() {
        let (ours, theirs) = socket::pair().unwrap();
        let (link, mut incoming) = parent_of(ours);
        let mut sent = 0;
        for number in 0..3 {
            let large = frame(number, LEN);
            let (begin, rest) = large.split_at(1000);
            socket::send(&theirs, begin).unwrap();
            receive(&mut incoming).await;
            assert!(result(&mut incoming).is_none());
            assert_eq!(incoming.missing(), rest.len());

            let load = incoming.lend().unwrap().unwrap();
            assert!(incoming.is_lent() && incoming.missing() == 0);
            assert_eq!(incoming.receive_now().unwrap(), Received::Nothing);
            let thread = BulkReader::start(Arc::clone(&link)).unwrap();
            let (load, ()) = tokio::join!(thread.read(load), async {
                socket::send(&theirs, rest).unwrap();
            });
            incoming.take_back(load.unwrap()).unwrap();
            assert!(!incoming.is_lent());
            assert_eq!(result(&mut incoming), Some((number, LEN)));

            let small = frame(number + 10, 10);
            socket::send(&theirs, &small).unwrap();
            while result(&mut incoming) != Some((number + 10, 10)) {
                assert!(matches!(receive(&mut incoming).await, Received::Bytes(_)));
            }
            sent += large.len() + small.len();
            assert_eq!(incoming.position(), sent as u64);
        }
        drop(theirs);
        assert_eq!(receive(&mut incoming).await, Received::End);
    }

    #[tokio::test]
    async fn what_is_cut_off_is_given_back_as_it_is() {
        let (ours, theirs) = socket::pair().unwrap();
        let (link, mut incoming) = parent_of(ours);
        let large = frame(1, LEN);
        let (begin, rest) = large.split_at(1000);
        socket::send(&theirs, begin).unwrap();
        receive(&mut incoming).await;
        assert!(result(&mut incoming).is_none());
        let load = incoming.lend().unwrap().unwrap();
        socket::send(&theirs, &rest[..5000]).unwrap();
        drop(theirs);
        let thread = BulkReader::start(link).unwrap();
        incoming
            .take_back(thread.read(load).await.unwrap())
            .unwrap();
        assert_eq!(incoming.position(), 6000);
        assert!(result(&mut incoming).is_none());
        assert_eq!(receive(&mut incoming).await, Received::End);
    }
}
