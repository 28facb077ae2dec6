//! One piece of memory for large arguments and results, which is used again and again.
//!
//! To touch fresh memory takes longer than to copy into it, and what each call frees at the end of the heap
//! the allocator gives back to the system, with what the function needs again in the next one.

use std::cell::Cell;

use procpool_os::memory;
use procpool_wire::Payload;

/// More than this is not kept by a worker that may be idle for long: 4 MiB.
const MAX_KEPT: usize = 4 << 20;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Makes room in a vector as [`memory::reserve`] does, in the memory that was kept if that fits.
pub(crate) fn reserve(bytes: &mut Vec<u8>, additional: usize) {
    let needed = bytes.len().saturating_add(additional);
    if needed > bytes.capacity() && replace(bytes, needed) {
        return;
    }
    memory::reserve(bytes, additional);
}

/// Keeps the memory of a payload that nobody needs any more, and gives back what else it holds.
#[inline]
pub(crate) fn keep(payload: &mut Payload) {
    // With nearly every task it is not.
    match payload.is_large() {
        true => keep_large(std::mem::take(payload)),
        false => payload.clear(),
    }
}

fn keep_large(payload: Payload) {
    if payload.len() <= MAX_KEPT
        && let Some(mut bytes) = payload.into_memory()
        && bytes.capacity() <= MAX_KEPT
    {
        bytes.clear();
        let _ = SPARE.try_with(|spare| {
            let kept = spare.take();
            spare.set(match kept.capacity() > bytes.capacity() {
                true => kept,
                false => bytes,
            });
        });
    }
}

/// Moves what is in a vector to the memory that was kept, unless that is too small, or so large that who
/// stores the vector would store mostly nothing.
fn replace(bytes: &mut Vec<u8>, needed: usize) -> bool {
    let Ok(mut spare) = SPARE.try_with(Cell::take) else {
        return false;
    };
    let fits = (needed..=needed.saturating_mul(2)).contains(&spare.capacity());
    if fits {
        spare.extend_from_slice(bytes);
        *bytes = spare;
    } else {
        let _ = SPARE.try_with(|kept| kept.set(spare));
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 1 << 20;

    /// Where the next vector of this length is.
    fn place(len: usize) -> *const u8 {
        let mut bytes = vec![1, 2];
        reserve(&mut bytes, len - 2);
        assert!(bytes == [1, 2] && bytes.capacity() >= len);
        bytes.resize(len, 3);
        let place = bytes.as_ptr();
        keep(&mut bytes.into());
        place
    }

    #[test]
    fn memory_is_used_again_for_as_much() {
        let first = place(LEN);
        assert!(place(LEN) == first && place(LEN / 2) == first && place(LEN) == first);
    }

    #[test]
    fn little_is_not_put_where_much_was() {
        let first = place(LEN);
        let mut little = Vec::new();
        reserve(&mut little, LEN / 4);
        assert!(little.as_ptr() != first && little.capacity() < LEN);
        assert!(place(LEN) == first);
    }

    #[test]
    fn what_is_shared_or_very_large_is_not_kept() {
        let shared = Payload::from(vec![1; LEN]);
        keep(&mut shared.clone());
        assert_eq!(SPARE.take().capacity(), 0);
        keep(&mut { shared });
        assert_eq!(SPARE.take().capacity(), LEN);
        keep(&mut vec![1; MAX_KEPT + 1].into());
        assert_eq!(SPARE.take().capacity(), 0);
    }
}
