//! A time limit against hanging tests; it measures nothing.

use std::future::Future;
use std::time::Duration;

/// Far longer than anything takes on a busy machine; a test that reaches it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Awaits a future that must become ready.
///
/// # Panics
/// If it is not ready after a minute.
pub async fn patiently<T>(event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited for {PATIENCE:?} in vain"),
    }
}
