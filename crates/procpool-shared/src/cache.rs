//! Segments of this process that nobody uses now, to be filled anew.
//!
//! Fresh pages of shared memory cost many times what it takes to fill them. So segments are kept, but only so
//! much and so long.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use procpool_os::Segment;

use crate::peer;

/// Kept at most, of all: 256 MiB.
const KEPT_BYTES: usize = 256 << 20;

/// Kept at most.
const KEPT: usize = 16;

/// What was not used for so long is given up at the next occasion.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// A segment of this process, with the name under which it is lent.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) id: u64,
    pub(crate) segment: Segment,
}

/// The one that was used last is last.
static UNUSED: Mutex<Vec<(Instant, Named)>> = Mutex::new(Vec::new());

static LAST_ID: AtomicU64 = AtomicU64::new(0);

/// A name that was never given before in this process.
pub(crate) fn next_id() -> u64 {
    LAST_ID.fetch_add(1, Ordering::Relaxed) + 1
}

/// A segment of at least `len` bytes, that nobody else reads. What is in it is whatever was.
pub(crate) fn take(len: usize) -> io::Result<Named> {
    let found = {
        let mut unused = UNUSED.lock();
        let fits = |named: &Named| {
            let size = named.segment.as_slice().len();
            size >= len && size / 2 <= len.max(1 << 16)
        };
        let at = unused.iter().rposition(|(_, named)| fits(named));
        at.map(|at| unused.remove(at).1)
    };
    match found {
        Some(named) => Ok(named),
        None => Ok(Named {
            id: next_id(),
            segment: Segment::create(len)?,
        }),
    }
}

/// Keeps a segment that nobody uses any more.
pub(crate) fn put(named: Named) {
    let now = Instant::now();
    let mut given_up = Vec::new();
    {
        let mut unused = UNUSED.lock();
        unused.push((now, named));
        let size = |named: &Named| named.segment.as_slice().len();
        let mut sum: usize = unused.iter().map(|(_, named)| size(named)).sum();
        while let Some((since, oldest)) = unused.first() {
            let aged = now.saturating_duration_since(*since) > KEPT_FOR;
            if !aged && sum <= KEPT_BYTES && unused.len() <= KEPT {
                break;
            }
            sum -= size(oldest);
            given_up.push(unused.remove(0).1);
        }
    }
    for named in given_up {
        drop(named.segment);
        peer::forget_everywhere(named.id);
    }
}
