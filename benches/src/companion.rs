//! This program started again, with a socket of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};

use rustix::net::sockopt;

/// What procpool asks for, too: 4 MiB. The system may grant less.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Starts it with these arguments, and gives this end of the socket that is its standard input.
pub(crate) fn start(arguments: &[&str]) -> io::Result<(Child, UnixStream)> {
    let (parent, child) = UnixStream::pair()?;
    for end in [&parent, &child] {
        sockopt::set_socket_send_buffer_size(end, BUFFER_BYTES)?;
    }
    let process = Command::new("/proc/self/exe")
        .args(arguments)
        .stdin(OwnedFd::from(child))
        .spawn()?;
    Ok((process, parent))
}
