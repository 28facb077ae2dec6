//! The loop of a worker: one task after another, until the parent says stop.

use std::io;
use std::time::Instant;

use procpool_os::{CallOffsets, MatchedImage};
use procpool_wire::{Command, Run};

use crate::call::Call;
use crate::inbox::Inbox;
use crate::limiter::Limiter;
use crate::outbox::Outbox;
use crate::preparation::run_broadcast;
use crate::{panic, worker};

/// Runs tasks until the parent sends `Stop` or closes its end.
///
/// The result of a task is written before the next one is claimed. So whatever kills this process,
/// at most one task is claimed and unanswered, and that is the one that was running.
pub(crate) fn serve(
    mut inbox: Inbox,
    outbox: &Outbox,
    image: &MatchedImage,
    limiter: Limiter,
    call: Call,
) -> io::Result<()> {
    let mut server = Server {
        outbox,
        image,
        limiter,
        call,
    };
    loop {
        match inbox.receive()? {
            Some(Command::Run(run)) => {
                if worker::claim(run.ticket) {
                    server.perform(run)?;
                }
            }
            Some(Command::Broadcast(broadcast)) => {
                panic::broadcast_begins();
                let refusal = run_broadcast(broadcast, image, &mut server.call);
                panic::worker_is_ready();
                outbox.send_broadcast_ended(&refusal)?;
            }
            Some(Command::Stop) => {
                server.call.drop_state();
                return Ok(());
            }
            None => return Ok(()),
            Some(Command::Start(_) | Command::Initialize(_)) => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the parent started this worker twice",
                ));
            }
        }
    }
}

struct Server<'a> {
    outbox: &'a Outbox,
    image: &'a MatchedImage,
    limiter: Limiter,
    call: Call,
}

impl Server<'_> {
    fn perform(&mut self, run: Run) -> io::Result<()> {
        let offsets = CallOffsets {
            entry: run.entry,
            function: run.function,
        };
        let started = Instant::now();
        self.call.begin(run.args);
        self.limiter.begin(run.limits)?;
        if let Err(error) = self.image.call(offsets, &mut self.call) {
            self.call.refuse(error.to_string());
        }
        self.limiter.end(run.limits)?;
        let ran = started.elapsed();
        worker::release();
        let worn = self.limiter.is_worn();
        match self.call.result() {
            Some(result) => self.outbox.send_returned(run.ticket, ran, worn, result),
            None => self
                .outbox
                .send_finished(&self.call.finished(run.ticket, ran, worn)),
        }
    }
}
