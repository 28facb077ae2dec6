//! What the benchmarks of procpool share.
//!
//! ```sh
//! cargo bench -p procpool-benches                          # all; some minutes
//! cargo bench -p procpool-benches --bench echo             # one program
//! cargo bench -p procpool-benches --bench echo -- 64KiB    # criterion's filter, or its other options
//! cargo bench -p procpool-benches -- --test                # each workload once, small: for CI
//! ```
//!
//! Each program measures one [`Workload`] on several contenders in one process: procpool, tokio's
//! `spawn_blocking`, and a [`Floor`], which is what a round trip to another process costs with
//! nothing around it. Criterion says how sure each figure is, and what changed since the last run. A
//! [`Table`] says how they compare: it takes them in turns, so that a machine that is busy for a
//! while is busy for all of them, and gives the ratio within each turn. Only ratios carry over to
//! another machine or day. It follows where criterion has measured all of its contenders.
//!
//! The programs start themselves again, as workers of procpool and as the floor's process. Those are
//! told by their first argument, and leave `main` in its first lines, before criterion reads the
//! command line. So no filter and no option of criterion's is taken: `-- procpool` and `-- worker`
//! are filters like any other.
#![forbid(unsafe_code)]

pub mod floor;
mod lane;
mod machine;
mod mode;
pub mod runtime;
mod samples;
mod table;
mod threads;
mod tiny;
mod workload;

pub use floor::Floor;
pub use lane::Lane;
pub use machine::Machine;
pub use mode::Mode;
pub use samples::Samples;
pub use table::Table;
pub use threads::Threads;
pub use tiny::increment;
pub use workload::{Elsewhere, Workload};
