//! What procpool needs of Linux: spawning, sockets, shared pages, timers, signals.
//!
//! This is the only procpool crate with `unsafe` code. Everything it exports is safe to call, and
//! each `unsafe` block names the fact that it relies on. It knows nothing of tasks, pools or
//! runtimes: it offers descriptors and processes, and the layers above decide.
//!
//! | module | one noun each |
//! |---|---|
//! | [`image`] | the running executable: where its code lies, and which build it is |
//! | [`function`] | a function as two offsets, and the way back to a call |
//! | [`socket`] | the private socket pair between the parent and one worker |
//! | [`control`] | the shared page on which tasks are claimed and revoked |
//! | [`lifeline`] | the end of a worker's whole process group when its parent dies |
//! | [`process`] | a worker as a child process: spawn, kill, reap |
//! | [`segment`] | memory that one process fills and others read |
//! | [`signals`] | which signals a thread lets through |
//! | [`stdio`] | taking the socket off standard input, on the worker's side |
//! | [`memory`] | memory for much data, of huge pages |
//! | [`output`] | writing to a stream without being blocked by its reader |
//! | [`timer`] | a deadline as a descriptor |
//! | [`early`] | a function that runs before `main` |

#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "procpool runs on Linux only: it builds on /proc/self/exe, pidfds, memfds and SIGKILL by \
     descriptor, which other systems do not have"
);

pub mod control;
pub mod early;
pub mod function;
pub mod image;
pub mod lifeline;
pub mod limits;
pub mod memory;
pub mod output;
pub mod process;
pub mod segment;
pub mod signals;
pub mod socket;
pub mod stdio;
pub mod timer;

mod call_key;
mod claims;
mod control_items;
mod process_handle;
mod progress;
mod slot;
mod spawn_spec;
mod spool;
mod spool_writer;
mod standing;
mod word;

pub use claims::ItemCounts;
pub use control::ControlPage;
pub use control_items::ItemClaims;
pub use function::{
    BuildMismatch, CallOffsets, FunctionPointer, MatchedImage, NotInExecutable, SameBuild,
    Trampoline, anchor,
};
pub use image::{BuildIdentity, Image, ImageError};
pub use lifeline::{ArmedLifeline, Lifeline};
pub use process::{WorkerProcess, WorkerStatus};
pub use segment::{Segment, SegmentError, SegmentReader, SegmentView, SegmentWriter};
pub use spawn_spec::{OutputTo, SpawnSpec};
pub use spool_writer::SpoolWriter;
pub use standing::Standing;
pub use timer::Timer;
