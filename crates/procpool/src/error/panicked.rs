//! A panic of the function, told by the worker that lived on.

use std::fmt;

use procpool_wire::PanicReport;

/// A panic of the function: what it said, and where.
#[derive(Clone)]
pub struct Panic(Box<PanicReport>);

impl Panic {
    pub(crate) fn new(report: PanicReport) -> Self {
        Panic(Box::new(report))
    }

    /// What the panic said. A payload that isn't a string, as of `panic_any`, is described.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it was: `file:line:column`. `None` if the panic was resumed from an older one, or the
    /// function replaced the panic hook.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// The backtrace, if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asked the worker for one.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.0.backtrace.as_deref()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line, whatever the message is; `message()` has it whole.
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
