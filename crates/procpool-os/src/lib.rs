//! Linux for procpool: processes, sockets, shared memory, timers, signals.
//!
//! This is the only procpool crate with `unsafe` code. No safe function that it exports can be misused into undefined
//! behaviour, and each `unsafe` block names the fact that it relies on. It knows nothing of tasks, pools or
//! runtimes: it offers descriptors and processes, and the layers above decide.
//!
//! | module | content |
//! |---|---|
//! | [`call`] | a call of a function in another process |
//! | [`image`] | the running executable: where its code lies, and which build it is |
//! | [`process`] | a worker as a child process: spawn, kill, reap; its lifeline, limits and signals |
//! | [`control`] | the memory that the parent and one worker share: claims, revocations, progress |
//! | `spool` | the end of the worker's event stream in that memory |
//! | [`memory`] | room in huge pages; segments that one process fills and others read |
//! | [`io`] | the private socket between the parent and one worker; standard streams; timers |

#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

#[cfg(not(target_os = "linux"))]
compile_error!(
    "procpool runs on Linux only: it builds on /proc/self/exe, pidfds, memfds and SIGKILL by \
     descriptor, which other systems do not have"
);

pub mod call;
pub mod control;
pub mod image;
pub mod io;
pub mod memory;
pub mod process;

mod spool;
mod word;

pub use call::{
    BuildMismatch, CallOffsets, FunctionPointer, MatchedImage, NotInExecutable, SameBuild,
    Trampoline, anchor,
};
pub use control::{ControlPage, ItemClaims, ItemCounts, RunState};
pub use image::{BuildIdentity, Image, ImageError};
pub use io::timer::Timer;
pub use io::{output, socket, stdio, timer};
pub use memory::segment::{self, Segment, SegmentError, SegmentReader, SegmentView, SegmentWriter};
pub use process::lifeline::{ArmedLifeline, Lifeline};
pub use process::{OutputTo, SpawnSpec, WorkerProcess, WorkerStatus};
pub use process::{early, lifeline, limits, signals};
pub use spool::SpoolWriter;
