//! An encoded call: the offsets of its function and the bytes of its arguments.

use std::mem;

use procpool_os::{CallOffsets, FunctionPointer, Trampoline, memory};
use procpool_wire::{Encoding, Payload};
use serde::Serialize;

use crate::error::EncodeError;
use crate::task::catch::catch;

/// A call of a function of this executable, with its encoded arguments.
#[derive(Debug, Clone)]
pub(crate) struct EncodedCall {
    pub(crate) offsets: CallOffsets,
    pub(crate) args: Payload,
}

impl EncodedCall {
    /// Encodes a call of `function` through the trampoline `T`, and drops the arguments.
    ///
    /// # Errors
    /// The function is not one of this executable; the arguments can't be encoded or dropped, or take more than `limit`
    /// bytes.
    pub(crate) fn new<F, T, A>(function: F, args: A, limit: usize) -> Result<Self, EncodeError>
    where
        F: FunctionPointer,
        T: Trampoline<F>,
        A: Serialize + 'static,
    {
        let offsets = offsets::<F, T>(function);
        let args = match Payload::of_bytes(args) {
            Ok(args) => {
                let offsets = offsets?;
                within(args.len(), limit)?;
                return Ok(EncodedCall { offsets, args });
            }
            Err(args) => args,
        };
        let call = offsets.and_then(|offsets| EncodedCall::of(offsets, &args, limit));
        discard(args)?;
        call
    }

    /// Encodes a call without dropping its arguments.
    ///
    /// # Errors
    /// The arguments can't be encoded, or take more than `limit` bytes.
    pub(crate) fn of<A: Serialize>(
        offsets: CallOffsets,
        args: &A,
        limit: usize,
    ) -> Result<Self, EncodeError> {
        let (mut encoding, mut payload) = (Encoding::new(), Payload::default());
        encode_args(args, limit, &mut encoding)?;
        encoding.fill(&mut payload);
        let args = payload;
        Ok(EncodedCall { offsets, args })
    }
}

/// Encodes arguments without dropping them.
///
/// # Errors
/// The arguments can't be encoded, or take more than `limit` bytes.
fn encode_args<A: Serialize>(
    args: &A,
    limit: usize,
    encoding: &mut Encoding,
) -> Result<(), EncodeError> {
    match catch(|| encoding.encode(args, memory::reserve)) {
        Some(Ok(())) => within(encoding.len(), limit),
        Some(Err(error)) => Err(EncodeError::args(error)),
        None => Err(EncodeError::args(
            "the `Serialize` of the arguments panicked",
        )),
    }
}

#[inline]
fn within(len: usize, limit: usize) -> Result<(), EncodeError> {
    match len > limit {
        true => Err(EncodeError::args(format_args!(
            "the arguments take {len} bytes; the limit is {limit}"
        ))),
        false => Ok(()),
    }
}

/// Returns the offsets of `function` and of the trampoline `T` in the executable.
///
/// # Errors
/// The function is not in this executable.
pub(crate) fn offsets<F, T>(function: F) -> Result<CallOffsets, EncodeError>
where
    F: FunctionPointer,
    T: Trampoline<F>,
{
    CallOffsets::of::<F, T>(function).map_err(EncodeError::function)
}

/// Drops arguments; their `Drop` is the user's code and may panic.
#[inline]
pub(crate) fn discard<A>(args: A) -> Result<(), EncodeError> {
    if !mem::needs_drop::<A>() {
        return Ok(());
    }
    catch(move || drop(args))
        .ok_or_else(|| EncodeError::args("the `Drop` of the arguments panicked"))
}
