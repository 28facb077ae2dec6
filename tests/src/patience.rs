//! A bound against hanging, not a measurement.

use std::future::Future;
use std::time::Duration;

/// Far beyond what anything here takes on a busy machine; a test that reaches it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Awaits what must come.
///
/// # Panics
/// If it has not come after a minute.
pub async fn patiently<T>(event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited for {PATIENCE:?} in vain"),
    }
}
