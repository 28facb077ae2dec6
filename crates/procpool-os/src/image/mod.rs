//! The running executable: where its code lies in memory, and which build it is.
//!
//! A function can be sent to a worker as a number only if both processes map the same machine code. Two
//! facts make that checkable. The *code ranges* of the main program distinguish a function of this build
//! from one in a shared library, whose address may differ between processes. The
//! [`BuildIdentity`] distinguishes this build from others.

mod build_identity;
pub(crate) mod call_key;
mod executable;
mod notes;
mod program_headers;

pub use build_identity::BuildIdentity;
pub use executable::{Image, ImageError};
