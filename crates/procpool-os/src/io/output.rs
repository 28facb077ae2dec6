//! Writes to a standard stream that are not blocked by a slow reader.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

/// Opens the stream behind a descriptor a second time, nonblocking.
///
/// Whether an open file blocks is a property that all of its descriptors share, in other processes
/// too. So it can't be changed for an inherited stream. A second open file has its own.
///
/// # Errors
///
/// [`io::ErrorKind::Unsupported`] for a regular file, which never blocks, and which would be written from its
/// start if opened again. The kernel's error for a stream that can't be opened again, such as a socket.
pub fn reopen_nonblocking(stream: impl AsFd) -> io::Result<OwnedFd> {
    let stream = stream.as_fd();
    match FileType::from_raw_mode(rustix::fs::fstat(stream)?.st_mode) {
        FileType::Fifo | FileType::CharacterDevice => {}
        _ => return Err(io::ErrorKind::Unsupported.into()),
    }
    let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Whether the stream takes bytes at this moment: for a pipe, at least 4096 (`PIPE_BUF` in `pipe(7)`).
pub fn is_writable(stream: impl AsFd) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::OUT)];
    let at_once = Timespec::default();
    matches!(retry_on_intr(|| poll(&mut polled, Some(&at_once))), Ok(1))
}

/// Writes to a nonblocking stream until all is written, the deadline has passed, or the last reader is
/// gone. Returns how many bytes were written. Blocks while it waits.
pub fn write_until(stream: impl AsFd, bytes: &[u8], deadline: Instant) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match retry_on_intr(|| rustix::io::write(&stream, &bytes[written..])) {
            Ok(more) => written += more,
            Err(Errno::AGAIN) if is_writable_until(&stream, deadline) => {}
            Err(_) => break,
        }
    }
    written
}

fn is_writable_until(stream: impl AsFd, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    let Ok(left) = Timespec::try_from(left) else {
        return false;
    };
    let mut polled = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::OUT)];
    matches!(retry_on_intr(|| poll(&mut polled, Some(&left))), Ok(1))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::{is_writable, reopen_nonblocking};

    #[test]
    fn a_full_pipe_is_not_writable() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut again = std::fs::File::from(reopen_nonblocking(&writer).unwrap());
        assert!(is_writable(&writer));
        let mut written = 0;
        while let Ok(more) = again.write(&[0; 4096]) {
            written += more;
        }
        assert!(!is_writable(&writer));
        let mut bytes = vec![0; written];
        reader.read_exact(&mut bytes).unwrap();
        assert!(is_writable(&writer));
    }

    #[test]
    fn a_regular_file_is_not_opened_again() {
        let mut file = std::fs::File::open("/proc/self/exe").unwrap();
        file.rewind().unwrap();
        let refused = reopen_nonblocking(&file).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::Unsupported);
    }
}
