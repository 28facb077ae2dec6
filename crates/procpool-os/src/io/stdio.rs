//! The worker's socket, which arrives as standard input.
//!
//! The parent passes the socket as descriptor 0, which the worker knows without an argument. The worker moves it away
//! before other code can read it as input.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, sockopt};

/// The worker: takes the socket that is standard input, and leaves `/dev/null` in its place.
///
/// The socket is close-on-exec from then on, so programs that the worker starts don't inherit it.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] if standard input is not a stream socket of the unix domain: the
/// process was started by hand and not by a parent. Standard input is untouched then. Otherwise the
/// kernel's error, for example if `/dev/null` is missing.
pub fn take_stdin_socket() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    let is_ours = sockopt::socket_domain(&stdin) == Ok(AddressFamily::UNIX)
        && sockopt::socket_type(&stdin) == Ok(SocketType::STREAM);
    if !is_ours {
        let what = "standard input is not the socket of a procpool parent";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let socket = duplicate_high(&stdin)?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok(socket)
}

/// A close-on-exec duplicate with a high number, since programs may expect certain files behind low numbers.
pub(crate) fn duplicate_high(descriptor: impl AsFd) -> io::Result<OwnedFd> {
    const HIGH: i32 = 100;
    const ABOVE_STANDARD: i32 = 3;
    let duplicate = match rustix::io::fcntl_dupfd_cloexec(&descriptor, HIGH) {
        // The limit on descriptors is lower than that.
        Err(Errno::INVAL | Errno::MFILE) => {
            rustix::io::fcntl_dupfd_cloexec(&descriptor, ABOVE_STANDARD)
        }
        other => other,
    };
    Ok(duplicate?)
}
