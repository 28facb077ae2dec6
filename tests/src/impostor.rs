//! A worker that speaks the protocol by hand, so that it can break it.

use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process;
use std::time::Duration;

use bytes::BytesMut;
use procpool_os::{ControlPage, lifeline, signals, socket, stdio};
use procpool_wire::{Command, DispatchId, Encoding, Event, Finished, Run, RunItems, frame};
use serde::Serialize;

/// A process that was started as a worker and does not behave like one.
#[derive(Debug)]
pub struct Impostor {
    socket: OwnedFd,
    page: ControlPage,
    buffer: BytesMut,
}

impl Impostor {
    /// Reads the parent's first message, as a worker does. From then on it dies with its parent.
    ///
    /// # Panics
    /// If the parent breaks the protocol.
    #[must_use]
    pub fn enter() -> Self {
        signals::unblock_all().expect("signals");
        let socket = stdio::take_stdin_socket().expect("a parent");
        let mut buffer = BytesMut::zeroed(64 * 1024);
        let (received, descriptors) =
            socket::receive_with_descriptors(&socket, &mut buffer, 2).expect("a first message");
        buffer.truncate(received);
        let [page, lifeline] = <[_; 2]>::try_from(descriptors).expect("a page and a lifeline");
        let _ = lifeline::arm(lifeline).expect("a lifeline");
        let page = ControlPage::attach(page).expect("a page");
        let mut impostor = Impostor {
            socket,
            page,
            buffer,
        };
        let first = impostor.next_command();
        assert!(matches!(first, Command::Start(_)), "{first:?} is no start");
        impostor
    }

    /// Returns the worker's end of the socket.
    #[must_use]
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Starts a shell that runs `command` in `directory`, with the socket as its input and output. It is outside the
    /// worker's process group, so it survives the worker.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn bequeath(&self, directory: &Path, command: &str) {
        let socket = || self.socket.try_clone().expect("room for one more");
        let heir = process::Command::new("sh")
            .args(["-c", command])
            .current_dir(directory)
            .stdin(socket())
            .stdout(socket())
            .process_group(0)
            .spawn();
        std::mem::forget(heir.expect("a shell"));
    }

    /// Closes the socket without exiting.
    pub fn hang_up(self) {
        drop(self.socket);
    }

    /// Sends any bytes.
    ///
    /// # Panics
    /// If the parent has closed its end.
    pub fn send(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let sent = socket::send(&self.socket, bytes).expect("the parent listens");
            bytes = &bytes[sent..];
        }
    }

    /// Leaves bytes in the shared memory where a worker batches its results. Call it once, after it has
    /// reported that it is ready, and nothing else.
    ///
    /// # Panics
    /// If there is no room for them.
    pub fn leave(&self, bytes: &[u8]) {
        let mut ready = Vec::new();
        Event::encode_ready(&mut ready);
        let mut spool = self.page.spool_writer().expect("it is the only one");
        assert!(spool.push(&[&ready, bytes]), "they are too many");
    }

    /// Reports that it is ready.
    pub fn send_ready(&self) {
        let mut bytes = Vec::new();
        Event::encode_ready(&mut bytes);
        self.send(&bytes);
    }

    /// Sends a result of a task, which need not exist.
    pub fn answer(&self, dispatch_id: DispatchId, result: &impl Serialize) {
        self.send(&answer(dispatch_id, result));
    }

    /// Reports on the control page that a claimed task has just started.
    pub fn restart_clock(&self, dispatch_id: DispatchId) {
        self.page
            .restart(usize::from(dispatch_id.slot), dispatch_id.number);
    }

    /// Reports on the control page that a claimed task has finished, without sending a result.
    pub fn pretend_to_finish(&self, dispatch_id: DispatchId) {
        self.page
            .finish(usize::from(dispatch_id.slot), dispatch_id.number);
    }

    /// Reports on the control page, from now on, that it spins for its next task.
    pub fn pretend_to_listen(&self) {
        self.page.set_spinning(true);
    }

    /// Waits until no thread of the parent is awake for its messages.
    pub fn wait_until_unawaited(&self) {
        while self.page.is_awaited() {
            std::thread::yield_now();
        }
    }

    /// Waits for the next task that can be claimed, and claims it.
    ///
    /// # Panics
    /// If another message arrives.
    pub fn next_run(&mut self) -> Run {
        loop {
            let Command::Run(run) = self.next_command() else {
                panic!("a task was to come");
            };
            let DispatchId { slot, number } = run.dispatch_id;
            if self.page.claim(usize::from(slot), number) {
                return run;
            }
        }
    }

    /// Waits for the next chunk that can be claimed, and claims it but none of its items.
    ///
    /// # Panics
    /// If another message arrives.
    pub fn next_items(&mut self) -> RunItems {
        loop {
            let Command::RunItems(run) = self.next_command() else {
                panic!("a chunk was to come");
            };
            let DispatchId { slot, number } = run.dispatch_id;
            if self.page.claim(usize::from(slot), number) {
                return run;
            }
        }
    }

    /// Claims the next item of the chunk that was claimed by this dispatch id.
    #[must_use]
    pub fn claim_item(&self, dispatch_id: DispatchId) -> bool {
        let items = self.page.items_of(usize::from(dispatch_id.slot));
        items.is_some_and(|items| items.claim())
    }

    fn next_command(&mut self) -> Command {
        loop {
            if let Some(frame) = frame::take(&mut self.buffer).expect("a frame") {
                return Command::decode(frame).expect("a command");
            }
            let mut bytes = [0; 4096];
            match socket::receive(&self.socket, &mut bytes).expect("the parent talks") {
                // As a real worker does.
                0 => std::process::exit(0),
                received => self.buffer.extend_from_slice(&bytes[..received]),
            }
        }
    }
}

/// Returns the frame with `result` as the result of a task.
///
/// # Panics
/// If the result can't be encoded.
#[must_use]
pub fn answer(dispatch_id: DispatchId, result: &impl Serialize) -> Vec<u8> {
    let result = Encoding::payload(result, Vec::reserve).expect("a result");
    let finished = Finished {
        dispatch_id,
        ran: Duration::from_micros(1),
        needs_recycle: false,
        outcome: &result,
    };
    let mut bytes = Vec::new();
    let head = finished.head().expect("a short result");
    head.put_with(&result, &mut bytes);
    bytes
}
