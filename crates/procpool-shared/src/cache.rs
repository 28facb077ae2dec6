//! Segments of this process that nobody uses now, to be filled again.
//!
//! Filling fresh pages of shared memory costs many times what it costs to fill pages that were used before. So
//! unused segments are kept, within bounds of number, size and time.

use std::io;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use procpool_os::Segment;

use crate::notices;
use crate::segment_id;

/// Bytes of all unused segments together: 256 MiB. More than a program passes around at a time by value.
const MAX_BYTES: usize = 256 << 20;

/// Unused segments: 16, since each takes a descriptor.
const MAX_SEGMENTS: usize = 16;

/// An older segment is given up when the next one is put away.
const MAX_AGE: Duration = Duration::from_secs(10);

/// A segment up to this size is reused for any length that fits: 128 KiB. A larger one must be at least half full.
const REUSED_FOR_ANY_LEN: usize = 128 << 10;

static CACHE: Cache = Cache::new(MAX_BYTES);

/// A segment of this process, with the id under which it is lent.
#[derive(Debug)]
pub(crate) struct OwnSegment {
    pub(crate) id: u64,
    pub(crate) segment: Segment,
}

/// Returns a segment of at least `len` bytes that no other process reads. Its content is arbitrary.
pub(crate) fn take(len: usize) -> io::Result<OwnSegment> {
    match CACHE.take(len) {
        Some(kept) => Ok(kept),
        None => Ok(OwnSegment {
            id: segment_id::next(),
            segment: Segment::create(len)?,
        }),
    }
}

/// Keeps a segment that nobody uses any more.
pub(crate) fn put(own: OwnSegment) {
    for given_up in CACHE.put(own, Instant::now()) {
        drop(given_up.segment);
        notices::forget_everywhere(given_up.id);
    }
}

#[derive(Debug)]
struct Cache {
    /// With the time at which each was put away; the one that was used last is last.
    unused: Mutex<Vec<(Instant, OwnSegment)>>,
    max_bytes: usize,
}

impl Cache {
    const fn new(max_bytes: usize) -> Self {
        Cache {
            unused: Mutex::new(Vec::new()),
            max_bytes,
        }
    }

    fn take(&self, len: usize) -> Option<OwnSegment> {
        let mut unused = self.unused.lock();
        let at = unused.iter().rposition(|(_, own)| own.is_fit_for(len))?;
        Some(unused.remove(at).1)
    }

    /// Keeps a segment, and returns those that are too many or too old. The lock is not held while those are
    /// dropped, which takes system calls.
    #[must_use]
    fn put(&self, own: OwnSegment, now: Instant) -> Vec<OwnSegment> {
        let mut given_up = Vec::new();
        let mut unused = self.unused.lock();
        unused.push((now, own));
        let mut bytes: usize = unused.iter().map(|(_, own)| own.size()).sum();
        while let Some((since, oldest)) = unused.first() {
            let is_old = now.saturating_duration_since(*since) > MAX_AGE;
            if !is_old && bytes <= self.max_bytes && unused.len() <= MAX_SEGMENTS {
                break;
            }
            bytes -= oldest.size();
            given_up.push(unused.remove(0).1);
        }
        given_up
    }
}

impl OwnSegment {
    fn size(&self) -> usize {
        self.segment.size()
    }

    fn is_fit_for(&self, len: usize) -> bool {
        let size = self.size();
        size >= len && (size <= REUSED_FOR_ANY_LEN || size / 2 <= len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEBIBYTE: usize = 1 << 20;

    fn own(len: usize) -> OwnSegment {
        OwnSegment {
            id: segment_id::next(),
            segment: Segment::create(len).expect("memory for a segment"),
        }
    }

    fn ids(segments: &[OwnSegment]) -> Vec<u64> {
        segments.iter().map(|own| own.id).collect()
    }

    #[test]
    fn a_segment_is_reused_for_what_fits_and_fills_half_of_it() {
        let cache = Cache::new(MAX_BYTES);
        let size = MEBIBYTE;
        assert!(cache.put(own(size), Instant::now()).is_empty());
        assert!(cache.take(size + 1).is_none());
        assert!(cache.take(size / 2 - 1).is_none());
        for len in [size / 2, size] {
            let own = cache.take(len).expect("it fits");
            assert!(cache.take(len).is_none(), "it was taken");
            assert!(cache.put(own, Instant::now()).is_empty());
        }
    }

    #[test]
    fn a_small_segment_is_reused_for_any_length_that_fits() {
        let cache = Cache::new(MAX_BYTES);
        for (size, is_fit) in [
            (REUSED_FOR_ANY_LEN, true),
            (REUSED_FOR_ANY_LEN + 4096, false),
        ] {
            assert!(cache.put(own(size), Instant::now()).is_empty());
            assert_eq!(cache.take(1).is_some(), is_fit, "{size}");
        }
    }

    #[test]
    fn the_segment_that_was_used_last_is_reused_first() {
        let cache = Cache::new(MAX_BYTES);
        let (first, second) = (own(1), own(1));
        let expected = [second.id, first.id];
        for own in [first, second] {
            assert!(cache.put(own, Instant::now()).is_empty());
        }
        let taken = [cache.take(1), cache.take(1)].map(|own| own.expect("two were put").id);
        assert_eq!(taken, expected);
    }

    #[test]
    fn the_oldest_are_given_up_beyond_sixteen_segments() {
        let cache = Cache::new(MAX_BYTES);
        let now = Instant::now();
        let segments: Vec<_> = (0..MAX_SEGMENTS + 2).map(|_| own(1)).collect();
        let expected = ids(&segments[..2]);
        let given_up = segments.into_iter().flat_map(|own| cache.put(own, now));
        assert_eq!(ids(&given_up.collect::<Vec<_>>()), expected);
    }

    #[test]
    fn the_oldest_are_given_up_beyond_the_bytes_that_may_be_kept() {
        let cache = Cache::new(MEBIBYTE);
        let now = Instant::now();
        let (half, rest, more) = (own(MEBIBYTE / 2), own(MEBIBYTE / 2), own(1));
        let expected = half.id;
        assert!(cache.put(half, now).is_empty());
        assert!(cache.put(rest, now).is_empty());
        assert_eq!(ids(&cache.put(more, now)), [expected]);
    }

    #[test]
    fn a_segment_is_given_up_when_it_was_not_used_for_ten_seconds() {
        let cache = Cache::new(MAX_BYTES);
        let start = Instant::now();
        let (old, new, newest) = (own(1), own(1), own(1));
        let expected = old.id;
        assert!(cache.put(old, start).is_empty());
        assert!(cache.put(new, start + MAX_AGE).is_empty());
        let later = start + MAX_AGE + Duration::from_nanos(1);
        assert_eq!(ids(&cache.put(newest, later)), [expected]);
    }
}
