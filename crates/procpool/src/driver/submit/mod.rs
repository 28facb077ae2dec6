//! The requests that a pool's handles make, and the references that keep a pool open.

pub(crate) mod accepted;
pub(crate) mod open_pool;
mod requests;
pub(crate) mod reservation;
#[cfg(test)]
mod tests;
pub(crate) mod warm_up;
