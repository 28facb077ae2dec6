//! Room for large payloads, in huge pages.

use std::io;

use rustix::mm::Advice;

/// Huge pages are requested from this size on: 2 MiB, the size of one on most machines.
const HUGE: usize = 2 << 20;

/// Makes room for `additional` more bytes in a vector, as [`Vec::reserve`] does, and asks the system for huge pages if
/// it is large.
///
/// The first write to a fresh page costs more than copying into it; with huge pages it costs a third.
///
/// # Panics
///
/// As [`Vec::reserve`].
///
/// ```
/// let mut bytes = vec![1];
/// procpool_os::memory::reserve(&mut bytes, 64 << 20);
/// assert!(bytes == [1] && bytes.capacity() > 64 << 20);
/// ```
pub fn reserve(bytes: &mut Vec<u8>, additional: usize) {
    if bytes.capacity() - bytes.len() >= additional {
        return;
    }
    bytes.reserve(additional);
    // Without huge pages it is slower.
    let _advised = advise_huge(bytes);
}

/// Advises huge pages for a vector's spare room.
fn advise_huge(bytes: &mut Vec<u8>) -> io::Result<()> {
    let page = rustix::param::page_size();
    let room = bytes.spare_capacity_mut();
    let skipped = room.as_ptr().addr().wrapping_neg() % page;
    let len = room.len().saturating_sub(skipped) / page * page;
    if len < HUGE {
        return Ok(());
    }
    let begin = room[skipped..].as_mut_ptr().cast();
    // SAFETY: the pages lie within the vector's own room, and this advice changes neither the content of
    // memory nor whether it can be accessed.
    unsafe { rustix::mm::madvise(begin, len, Advice::LinuxHugepage) }?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes of huge pages this process has.
    fn huge_bytes() -> usize {
        let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let line = rollup
            .lines()
            .find(|line| line.starts_with("AnonHugePages:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number.map_or(0, |number| number.parse::<usize>().unwrap() << 10)
    }

    #[test]
    fn large_room_is_in_huge_pages_where_the_system_has_them() {
        let modes = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
        if !modes.is_ok_and(|modes| modes.contains("[madvise]") || modes.contains("[always]")) {
            return;
        }
        let mut bytes = vec![7; 100];
        reserve(&mut bytes, 64 * HUGE);
        bytes.resize(64 * HUGE, 1);
        // The system may be short of some pages, but not of all.
        assert!(huge_bytes() >= HUGE, "{} bytes", huge_bytes());
        assert!(bytes[..100] == [7; 100] && bytes[100..].iter().all(|&byte| byte == 1));
    }

    #[test]
    fn spare_room_is_used() {
        let mut bytes = Vec::with_capacity(1000);
        let place = bytes.as_ptr();
        reserve(&mut bytes, 1000);
        assert!(bytes.as_ptr() == place && bytes.capacity() == 1000);
        for additional in [0, 1, HUGE - 1, HUGE, 3 * HUGE + 1] {
            let mut bytes = Vec::new();
            reserve(&mut bytes, additional);
            assert!(bytes.is_empty() && bytes.capacity() >= additional);
        }
    }
}
