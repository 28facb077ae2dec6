//! The first line of `main`, and the handshake with the parent.

use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use procpool_os::{
    ArmedLifeline, BuildIdentity, ControlPage, MatchedImage, SameBuild, lifeline, signals, stdio,
};
use procpool_shared::Peer;
use procpool_wire::{Command, PROTOCOL_VERSION, Refusal, Start};

use super::marker;
use super::preparation::prepare;
use crate::call::CallContext;
use crate::channel::Inbox;
use crate::channel::Outbox;
use crate::limiter::Limiter;
use crate::serve::{Server, serve};
use crate::{panic, worker};

static INITIALIZED: AtomicBool = AtomicBool::new(false);

/// Turns this process into a worker if it was started as one; returns at once otherwise.
///
/// In a worker it never returns: the process runs tasks until its parent stops it, and exits. All signals are blocked
/// in a worker until this is called.
pub fn init() {
    INITIALIZED.store(true, Ordering::Relaxed);
    if marker::is_present() {
        become_worker()
    }
}

/// Whether [`init`] has been called in this process.
#[must_use]
pub fn is_initialized() -> bool {
    INITIALIZED.load(Ordering::Relaxed)
}

/// The exit code of a worker that could not start and has no parent to report to.
const EXIT_NO_PARENT: i32 = 71;

fn become_worker() -> ! {
    match start() {
        // A task may have left processes behind, which must not outlive the parent.
        Ok(armed) => armed.exit(0),
        Err(error) => {
            eprintln!("procpool worker {}: {error}", process::id());
            process::exit(EXIT_NO_PARENT)
        }
    }
}

fn start() -> Result<ArmedLifeline, Box<dyn Error>> {
    signals::unblock_all()?;
    let socket = stdio::take_stdin_socket().map_err(|error| {
        format!(
            "`{}` marks a worker that a procpool parent starts; it can't be started by hand: {error}",
            marker::MARKER
        )
    })?;
    let socket = Arc::new(socket);
    // Notices about shared memory are sent with the next result.
    let parent = Peer::new(std::os::unix::process::parent_id(), || {});
    let mut inbox = Inbox::new(Arc::clone(&socket), Arc::clone(&parent));
    let outbox = Outbox::new(socket, parent);
    let (command, descriptors) = inbox.receive_first()?;
    let Command::Start(start) = command else {
        return Err("the parent's first message is not the one that starts a worker".into());
    };
    let Ok([page, lifeline]) = <[_; 2]>::try_from(descriptors) else {
        return Err("the parent's first message carries the wrong number of descriptors".into());
    };
    // From here on the kernel kills this process and its group when the parent is gone. It comes first, so that no later
    // step can outlive the parent.
    let armed = lifeline::arm(lifeline)?;

    let (page, image, limiter) = match set_up(&start, page, &outbox) {
        Ok(set_up) => set_up,
        Err(refusal) => {
            outbox.send_refused(&refusal)?;
            return Err(refusal.into());
        }
    };
    panic::install_hook(outbox.clone());
    let mut call = CallContext::default();
    if let Some(refusal) = prepare(&start, &mut inbox, &image, &mut call)? {
        outbox.send_refused(&refusal)?;
        // The parent passes the refusal on to the callers.
        return Ok(armed);
    }
    panic::worker_is_ready();
    outbox.send_ready()?;
    serve(inbox, Server::new(&outbox, page, image, limiter, call))?;
    Ok(armed)
}

fn set_up(
    start: &Start,
    page: OwnedFd,
    outbox: &Outbox,
) -> Result<(&'static ControlPage, MatchedImage, Limiter), Refusal> {
    let build = check(start)?;
    let page = ControlPage::attach(page)
        .map_err(|error| Refusal::Setup(format!("the control page is unusable: {error}")))?;
    let image = MatchedImage::new(build, &page);
    if let Some(members) = &start.setup.cgroup_members {
        let members = Path::new(OsStr::from_bytes(members));
        // 0 stands for the process that writes it.
        fs::write(members, "0").map_err(|error| {
            let members = members.display();
            Refusal::Setup(format!("{members} can't be joined: {error}"))
        })?;
    }
    let page = worker::enter(start.setup.worker, page);
    outbox.gather_on(page);
    // Last, so that the user's limits do not apply to the steps before.
    let limiter = Limiter::set_up(&start.setup)
        .map_err(|error| Refusal::Setup(format!("the limits can't be set: {error}")))?;
    Ok((page, image, limiter))
}

/// Checks that both sides are the same build; otherwise an offset would name another function.
fn check(start: &Start) -> Result<SameBuild, Refusal> {
    if start.version != PROTOCOL_VERSION {
        return Err(Refusal::Version {
            parent: start.version,
            worker: PROTOCOL_VERSION,
        });
    }
    SameBuild::check(&BuildIdentity::from_bytes(&start.identity), start.anchor)
        .map_err(|mismatch| Refusal::Build(mismatch.to_string()))
}
