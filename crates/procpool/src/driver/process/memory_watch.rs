//! Looking at how much memory a worker has.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use procpool_os::limits::resident_memory;

use crate::driver::wait::alarm::Alarm;

/// How often a worker with a limit is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Returns when the process has more than `limit` bytes resident. Never, without a limit, or if it
/// can't be looked at: then the limit that the kernel keeps is all there is.
///
/// # Cancel safety
/// May be dropped and called again at any moment.
pub(crate) async fn exceeds(pid: u32, limit: Option<u64>) -> u64 {
    if let Some(limit) = limit {
        let trouble = match watch(pid, limit).await {
            Ok(()) => return limit,
            Err(error) => error,
        };
        tracing::debug!(%trouble, "procpool: a worker's memory can't be looked at");
    }
    match std::future::pending::<Infallible>().await {}
}

async fn watch(pid: u32, limit: u64) -> io::Result<()> {
    let alarm = Alarm::new()?;
    while resident_memory(pid)? <= limit {
        alarm.set(LOOK_EVERY)?;
        alarm.rang().await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::exceeds;

    #[tokio::test]
    async fn a_process_beyond_its_limit_is_seen_and_one_within_is_not() {
        let mut process = Command::new("sleep")
            .arg("1000")
            .spawn()
            .expect("a process");
        assert_eq!(exceeds(process.id(), Some(4096)).await, 4096);
        tokio::select! {
            biased;
            _ = exceeds(process.id(), Some(1 << 40)) => panic!("it is far from that"),
            _ = exceeds(process.id(), None) => panic!("it has no limit"),
            () = tokio::task::yield_now() => {}
        }
        process.kill().expect("it is a child");
        process.wait().expect("it is a child");
    }
}
