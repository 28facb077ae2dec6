//! What the benchmarks of procpool share.
//!
//! ```sh
//! cargo bench -p procpool-benches                          # all; some ten minutes
//! cargo bench -p procpool-benches --bench echo             # one program
//! cargo bench -p procpool-benches --bench echo -- 64KiB    # criterion's filter, or its other options
//! cargo bench -p procpool-benches -- --test                # each workload once, small: for CI
//! ```
//!
//! Each program measures one kind of work on several contenders in one run: procpool, tokio's
//! `spawn_blocking`, rayon, procspawn, Python's process pools where there is a `python3`, and a
//! [`Floor`], which is what a round trip to another process costs with nothing around it. A [`Table`]
//! says how they compare: it takes them in turns, so that a machine that is busy for a while is busy
//! for all of them, and gives the ratio within each turn. Only ratios carry over to another machine
//! or day. [`Goals`] say what procpool is to reach.
//!
//! Where a [`Workload`] is short enough to be run very often, criterion comes first: it says how sure
//! each figure is, and what changed since the last run. The table follows where criterion has
//! measured all of its contenders. Programs whose workload takes a second have the table alone.
//!
//! The programs start themselves again, as workers and as the floor's process. Those are told by
//! their first argument, or by procspawn's variable of the environment, and leave `main` in
//! [its first line](roles::init), before criterion reads the command line. So no filter and no option
//! of criterion's is taken: `-- procpool` and `-- worker` are filters like any other.
#![forbid(unsafe_code)]

mod apart;
mod at_once;
mod bare_worker;
pub mod burners;
mod companion;
pub mod cpu;
mod floor;
mod goals;
mod lane;
mod machine;
mod mode;
mod procspawn_pool;
mod prototype;
mod python;
mod random;
mod rayon_threads;
pub mod roles;
pub mod runtime;
mod samples;
mod spread;
mod table;
mod threads;
mod tiny;
mod workload;

pub use apart::Apart;
pub use at_once::{AtOnce, Unconstrained};
pub use bare_worker::BareWorker;
pub use burners::Burners;
pub use floor::Floor;
pub use goals::Goals;
pub use lane::Lane;
pub use machine::Machine;
pub use mode::Mode;
pub use procspawn_pool::Procspawn;
pub use prototype::Prototype;
pub use python::Python;
pub use random::Random;
pub use rayon_threads::Rayon;
pub use samples::Samples;
pub use spread::Spread;
pub use table::Table;
pub use threads::Threads;
pub use tiny::increment;
pub use workload::{Elsewhere, Workload};
