//! Tests that compile and run expansions, with a replacement for procpool, which depends on this crate.
#![forbid(unsafe_code)]
// Lints that would fire if an expansion counted as this crate's own code.
#![forbid(
    clippy::expect_used,
    clippy::unused_async,
    clippy::items_after_statements
)]
#![deny(warnings)]

use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// The items of procpool that an expansion uses.
mod stand_in {
    use std::cell::Cell;

    thread_local!(static INITIALISED: Cell<bool> = const { Cell::new(false) });

    pub(crate) fn init() {
        assert!(
            Handle::try_current().is_err(),
            "a runtime was there before init"
        );
        INITIALISED.set(true);
    }

    pub(crate) fn assert_initialised() {
        assert!(INITIALISED.get());
    }

    pub(crate) mod __private {
        macro_rules! before_main {
            ($init:path) => {
                const _: fn() = $init;
            };
        }
        pub(crate) use ::tokio;
        pub(crate) use before_main;
    }

    use tokio::runtime::Handle;
}

mod entry_points {
    use super::{Handle, RuntimeFlavor, stand_in};
    use std::fmt::Display;
    use std::process::{ExitCode, Termination};

    #[procpool_macros::main(crate = "stand_in")]
    pub(crate) async fn main() -> Result<u32, Box<dyn std::error::Error>> {
        assert_eq!(
            Handle::current().runtime_flavor(),
            RuntimeFlavor::MultiThread
        );
        Ok("12".parse::<u32>()? + tokio::spawn(async { 30 }).await?)
    }

    #[procpool_macros::main(crate = "stand_in", worker_threads = 3)]
    pub(crate) async fn threads() -> usize {
        Handle::current().metrics().num_workers()
    }

    #[procpool_macros::main(crate = "stand_in", flavor = "current_thread")]
    pub(crate) async fn opaque() -> impl Termination + Display {
        stand_in::assert_initialised();
        Shown
    }

    #[procpool_macros::main(crate = "stand_in")]
    pub(crate) async fn early_return() -> Option<&'static str> {
        #![allow(clippy::needless_return)]
        None::<u8>?;
        return Some("reached");
    }

    #[procpool_macros::main(crate = "stand_in")]
    pub(crate) async fn never() -> ! {
        std::panic::resume_unwind(Box::new("never"))
    }

    struct Shown;

    impl Display for Shown {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("shown")
        }
    }

    impl Termination for Shown {
        fn report(self) -> ExitCode {
            ExitCode::SUCCESS
        }
    }
}

#[test]
fn main_returns_its_result() {
    assert_eq!(entry_points::main().unwrap(), 42);
}

#[test]
fn main_has_the_requested_number_of_threads() {
    assert_eq!(entry_points::threads(), 3);
}

#[test]
fn main_may_return_an_opaque_type() {
    assert_eq!(entry_points::opaque().to_string(), "shown");
}

#[test]
fn question_mark_and_return_leave_main() {
    assert_eq!(entry_points::early_return(), None);
}

#[test]
fn main_may_never_return() {
    let panic = std::panic::catch_unwind(|| entry_points::never()).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"never"));
}

#[procpool_macros::test(crate = "stand_in")]
async fn test_runs_on_one_thread() {
    stand_in::assert_initialised();
    assert_eq!(
        Handle::current().runtime_flavor(),
        RuntimeFlavor::CurrentThread
    );
    // The timer and the I/O driver work.
    tokio::time::sleep(Duration::from_millis(1)).await;
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
}

#[procpool_macros::test(crate = "stand_in", flavor = "multi_thread", worker_threads = 2)]
async fn test_runs_on_several_threads() {
    assert_eq!(
        Handle::current().runtime_flavor(),
        RuntimeFlavor::MultiThread
    );
    assert_eq!(Handle::current().metrics().num_workers(), 2);
}

#[procpool_macros::test(crate = "stand_in", start_paused = true)]
async fn test_runs_with_the_clock_paused() {
    let start = std::time::Instant::now();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[procpool_macros::test(crate = "stand_in")]
#[should_panic(expected = "as it should")]
async fn test_keeps_should_panic() {
    panic!("as it should");
}

#[procpool_macros::test(crate = "stand_in")]
async fn test_may_return_a_result() -> Result<(), std::num::ParseIntError> {
    "12".parse::<u8>()?;
    Ok(())
}

#[procpool_macros::test(crate = "stand_in")]
async fn a_test_may_hold_a_value_that_is_not_send_across_an_await() {
    let shared = std::rc::Rc::new(1);
    tokio::task::yield_now().await;
    assert_eq!(*shared, 1);
}

// `macro_rules` may pass literals on in invisible groups.
macro_rules! both_flavors {
    ($($name:ident: $flavor:literal, $threads:literal;)*) => {
        $(
            #[procpool_macros::test(crate = "stand_in", flavor = $flavor, worker_threads = $threads)]
            async fn $name() {
                assert_eq!(Handle::current().metrics().num_workers(), $threads);
            }
        )*
    };
}

both_flavors! {
    made_by_a_macro_with_one: "multi_thread", 1;
    made_by_a_macro_with_two: "multi_thread", 2;
}
