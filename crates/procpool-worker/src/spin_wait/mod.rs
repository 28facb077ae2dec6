//! Staying awake: the worker spins for its next command before it sleeps.
//!
//! On an idle machine most of a round trip is two processors that wake up. A worker that looks for its next command
//! instead of sleeping saves one of the two wake-ups, and uses a processor meanwhile. So it spins only while the parent
//! allows it on the control page, for no longer than about two wake-ups take, and only as long as that pays
//! ([`SpinPolicy`](policy::SpinPolicy)).
//!
//! While the worker spins, a thread of the parent may spin for its result (`spin_wait` of the parent's crate). It takes
//! the result from shared memory, so the worker waits a moment before it writes the result to the socket.
//!
//! The parent never allows it with `Builder::spin(Duration::ZERO)`. Then [`CommandWait`] writes the results and sleeps.

mod command_wait;
mod policy;
mod spin;

pub(crate) use command_wait::CommandWait;
