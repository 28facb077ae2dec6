//! The error of a function that panicked.

use std::fmt;

use procpool_wire::PanicReport;

/// A panic of the function: its message, location and backtrace. The worker keeps running.
#[derive(Clone)]
pub struct Panic(Box<PanicReport>);

impl Panic {
    pub(crate) fn new(report: PanicReport) -> Self {
        Panic(Box::new(report))
    }

    /// Returns the panic message. For a payload that is not a string, as `panic_any` allows, it
    /// describes the payload.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the location of the panic as `file:line:column`.
    ///
    /// `None` if the function replaced the panic hook, or resumed an earlier panic by
    /// `resume_unwind`.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// Returns the backtrace, if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` enables it in the worker.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.0.backtrace.as_deref()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An error is displayed in one line, so only the message's first line is shown.
        let first = self.message().lines().next().unwrap_or_default();
        match self.location() {
            Some(location) => write!(f, "the function panicked at {location}: {first}"),
            None => write!(f, "the function panicked: {first}"),
        }
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic")
            .field("message", &self.message())
            .field("location", &self.location())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Panic {}
