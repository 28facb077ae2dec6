//! Items for the expansions of the macros, which are not part of the API.

pub use procpool_os::before_main;
pub use tokio;
