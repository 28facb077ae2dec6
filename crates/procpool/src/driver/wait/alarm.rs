//! An alarm in real time.

use std::io;
use std::time::Duration;

use procpool_os::Timer;

use crate::driver::wait::readiness::Readiness;

/// A one-shot timer. Any thread can set it, without waking another thread.
///
/// It is a `timerfd` and not tokio's timer. Worker processes run in real time, even if a test has
/// paused tokio's clock, and a pool works on a runtime without a time driver.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: Timer,
    readiness: Readiness,
}

impl Alarm {
    /// # Panics
    /// As tokio does: outside of a runtime, or in one without I/O.
    pub(crate) fn new() -> io::Result<Self> {
        let timer = Timer::new()?;
        let readiness = Readiness::new(&timer)?;
        Ok(Alarm { timer, readiness })
    }

    /// Sets the alarm to ring after `delay`. This replaces an earlier time.
    pub(crate) fn set(&self, delay: Duration) -> io::Result<()> {
        // Setting a `timerfd` to zero would disarm it.
        self.timer.set(Some(delay.max(Duration::from_nanos(1))))
    }

    /// Waits until the alarm rings: its time has come.
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
