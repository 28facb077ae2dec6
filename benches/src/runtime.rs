//! The runtimes that a user would have.

use tokio::runtime::{Builder, Runtime};

/// Everything on one thread: the contender's parts in the parent, and who awaits the results.
///
/// # Panics
/// If the system is short of something.
#[must_use]
pub fn current_thread() -> Runtime {
    build(Builder::new_current_thread())
}

/// One thread a CPU, as `#[tokio::main]` has it.
///
/// # Panics
/// If the system is short of something.
#[must_use]
pub fn multi_thread() -> Runtime {
    build(Builder::new_multi_thread())
}

fn build(mut builder: Builder) -> Runtime {
    let runtime = builder.enable_all().build();
    runtime.expect("a runtime should start")
}
