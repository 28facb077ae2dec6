//! Function pointers, and the entries that know their types.

use std::any::Any;

/// A type of function pointer that can be sent: `fn(A) -> R` and `fn(&mut S, A) -> R`.
///
/// The trait is sealed: there are no other implementations.
pub trait FunctionPointer: Copy + 'static + sealed::Pointer {}

impl<A: 'static, R: 'static> FunctionPointer for fn(A) -> R {}
impl<S: 'static, A: 'static, R: 'static> FunctionPointer for fn(&mut S, A) -> R {}

/// Calls a function of the type `F` with arguments from a context, and puts the result there.
///
/// The implementor chooses the context's type and downcasts to it. It knows how
/// arguments are encoded; this crate does not.
pub trait Trampoline<F: FunctionPointer>: 'static {
    /// Takes the arguments from `context`, calls `function`, puts the result into `context`.
    fn call(function: F, context: &mut dyn Any);
}

/// The type of the function at the entry offset.
pub(super) type Entry = fn(usize, &mut dyn Any);

pub(super) fn entry<F: FunctionPointer, T: Trampoline<F>>(address: usize, context: &mut dyn Any) {
    // SAFETY: `MatchedImage::call` is the only caller. The address is that of the function that
    // `CallOffsets::of` sealed together with this entry, and that function's type is `F`.
    let function = unsafe { F::from_exposed(address) };
    T::call(function, context);
}

mod sealed {
    /// The two directions between a function pointer and its address.
    pub trait Pointer {
        fn expose(self) -> usize;

        /// # Safety
        ///
        /// A function of the type `Self` must lie at `address`.
        unsafe fn from_exposed(address: usize) -> Self;
    }

    impl<A, R> Pointer for fn(A) -> R {
        fn expose(self) -> usize {
            (self as *const ()).expose_provenance()
        }

        unsafe fn from_exposed(address: usize) -> Self {
            let pointer = std::ptr::with_exposed_provenance::<()>(address);
            // SAFETY: a function pointer is as wide as a data pointer on Linux, and the caller
            // promises that a function of this type lies there.
            unsafe { std::mem::transmute::<*const (), fn(A) -> R>(pointer) }
        }
    }

    impl<S, A, R> Pointer for fn(&mut S, A) -> R {
        fn expose(self) -> usize {
            (self as *const ()).expose_provenance()
        }

        unsafe fn from_exposed(address: usize) -> Self {
            let pointer = std::ptr::with_exposed_provenance::<()>(address);
            // SAFETY: as above.
            unsafe { std::mem::transmute::<*const (), fn(&mut S, A) -> R>(pointer) }
        }
    }
}
