//! The processor that a thread runs on.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

/// The number of the processor that the calling thread runs on at this moment.
#[must_use]
pub fn current() -> usize {
    sched_getcpu()
}

/// Has the calling thread go on on another processor than this one, if it is there now and may run on any other. Where
/// it may run is as before, afterwards. Two or three system calls, and some 10 µs.
///
/// # Errors
///
/// What the kernel says, as on a machine of more than 1024 processors.
///
/// ```
/// use procpool_os::processor;
///
/// processor::leave(processor::current())?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn leave(processor: usize) -> io::Result<()> {
    if current() != processor || processor >= CpuSet::MAX_CPU {
        return Ok(());
    }
    let allowed = sched_getaffinity(None)?;
    let mut others = allowed;
    others.unset(processor);
    if others.count() == 0 {
        return Ok(());
    }
    sched_setaffinity(None, &others)?;
    sched_setaffinity(None, &allowed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_goes_elsewhere_and_may_run_where_it_might() {
        let allowed = sched_getaffinity(None).unwrap();
        for _ in 0..100 {
            leave(current()).unwrap();
        }
        assert_eq!(sched_getaffinity(None).unwrap(), allowed);
    }

    #[test]
    fn a_thread_with_one_processor_stays_there() {
        let mut only = CpuSet::new();
        let here = current();
        only.set(here);
        sched_setaffinity(None, &only).unwrap();
        leave(here).unwrap();
        assert_eq!(current(), here);
        assert_eq!(sched_getaffinity(None).unwrap(), only);
    }
}
