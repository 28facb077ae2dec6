//! A call of a function in another process: a pair of sealed offsets.
//!
//! Both processes run the same build, so the same offset from the start of the image is the same
//! machine code in each. A call is sent as two offsets: the *function*, and the *entry*, a
//! monomorphic function of this crate that knows the function's type. The entry turns the address
//! back into a typed pointer and hands it to the [`Trampoline`], which decodes, calls and encodes.
//!
//! # Why the call is sound
//!
//! [`MatchedImage::call`] is a safe function that jumps to a number. It relies on this:
//!
//! 1. *The right numbers.* The offsets of a call are sealed with a random key of the process that described
//!    it. [`CallOffsets::of`] alone seals. It takes a function and a trampoline whose types fit each other by its
//!    bounds. So a pair that the worker opens with this key is an entry and a function of the entry's type. Any other
//!    pair of numbers, as safe code may pass to [`CallOffsets::from_words`], opens to two numbers that both
//!    lie in the executable's code with a probability of about 2^-80. It is refused.
//! 2. *The same code.* A [`MatchedImage`] exists only where the peer's [`BuildIdentity`](crate::BuildIdentity) equalled
//!    ours and a known function lay at the same offset on both sides. The build is a part of the key too, so
//!    calls that another build has described do not open.
//! 3. *No witness.* A function pointer holds no data and is never a closure that captures. So no captured value,
//!    such as a proof that some lock is held, appears in the worker. The function
//!    runs in a fresh process, and must set up the state that it needs.
//!
//! The key is in the private memory of both processes, and on the [`ControlPage`](crate::ControlPage) that the parent makes. It does
//! not leave this crate. *Trusted* is therefore the process that made the page: it holds the other end of the
//! worker's socket, and it chose the worker's executable. Code that imitates a page, or reads one as a file, in order to
//! forge calls is outside of this model, as is code that writes to `/proc/self/mem`.

mod call_offsets;
mod function_pointer;
mod matched_image;
mod not_in_executable;
mod same_build;

#[cfg(test)]
mod tests;

pub use call_offsets::CallOffsets;
pub use function_pointer::{FunctionPointer, Trampoline};
pub use matched_image::MatchedImage;
pub use not_in_executable::NotInExecutable;
pub use same_build::{BuildMismatch, SameBuild, anchor};
