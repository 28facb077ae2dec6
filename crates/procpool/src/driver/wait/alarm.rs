//! Real time.

use std::io;
use std::time::Duration;

use procpool_os::Timer;

use crate::driver::wait::readiness::Readiness;

/// Rings once, at a time that can be set from any thread without waking another.
///
/// It is a `timerfd` and not tokio's clock: worker processes live in real time, also where a test
/// has paused tokio's, and a runtime needs no time driver to have a pool.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    readiness: Readiness,
}

impl Alarm {
    /// # Panics
    /// Where tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new() -> io::Result<Self> {
        let timer = Timer::new()?;
        let readiness = Readiness::new(&timer)?;
        Ok(Alarm { timer, readiness })
    }

    /// Rings after `delay`, and not at the time that was set before.
    pub(crate) fn set(&self, delay: Duration) -> io::Result<()> {
        // A timer that is set to zero would be off.
        self.timer.set(Some(delay.max(Duration::from_nanos(1))))
    }

    /// Waits until it rings.
    ///
    /// # Cancel safety
    /// May be dropped and called again at any moment.
    pub(crate) async fn rang(&self) {
        self.readiness.readable().await;
        self.readiness.drain();
    }
}

/// Waits for `time`, in real time.
pub(crate) async fn delay(time: Duration) -> io::Result<()> {
    let alarm = Alarm::new()?;
    alarm.set(time)?;
    alarm.rang().await;
    Ok(())
}
