//! The description of a call.

use crate::call::function_pointer::{Entry, FunctionPointer, Trampoline, entry};
use crate::call::not_in_executable::{NotInExecutable, Part};
use crate::image::Image;

/// A call of a function, as its parent described it: two sealed offsets from the start of the executable.
///
/// It means something only to the process that described it and to its workers, see [`MatchedImage`](crate::MatchedImage). The same
/// call has the same words throughout a process.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub struct CallOffsets(pub(super) [u64; 2]);

impl CallOffsets {
    /// Describes a call of `function` through the trampoline `T`.
    ///
    /// # Errors
    ///
    /// [`NotInExecutable`] if the function, or the entry that the compiler made for it, lies
    /// outside of the main program: in a shared library or in generated code.
    ///
    /// ```
    /// use procpool_os::{CallOffsets, ControlPage, Image, MatchedImage, SameBuild, Trampoline};
    /// use std::any::Any;
    ///
    /// struct AddOne;
    /// impl Trampoline<fn(u32) -> u32> for AddOne {
    ///     fn call(function: fn(u32) -> u32, context: &mut dyn Any) {
    ///         let number = context.downcast_mut::<u32>().expect("the caller passes a u32");
    ///         *number = function(*number);
    ///     }
    /// }
    ///
    /// // In the parent:
    /// let function: fn(u32) -> u32 = |x| x + 1;
    /// let offsets = CallOffsets::of::<_, AddOne>(function)?;
    /// let (identity, anchor) = (Image::current()?.identity(), procpool_os::anchor());
    /// let (_page, descriptor) = ControlPage::create()?;
    /// let words = offsets.to_words();
    ///
    /// // In the worker:
    /// let page = ControlPage::attach(descriptor)?;
    /// let image = MatchedImage::new(SameBuild::check(identity, anchor)?, &page);
    /// let mut context = 41_u32;
    /// image.call(CallOffsets::from_words(words), &mut context)?;
    /// assert_eq!(context, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of<F, T>(function: F) -> Result<CallOffsets, NotInExecutable>
    where
        F: FunctionPointer,
        T: Trampoline<F>,
    {
        let image = Image::current().map_err(|error| NotInExecutable::new(Part::Image(error)))?;
        let address = function.expose();
        let entry = (entry::<F, T> as Entry as *const ()).expose_provenance();
        let entry = image
            .offset_of(entry)
            .ok_or(NotInExecutable::new(Part::Entry))?;
        let function = image
            .offset_of(address)
            .ok_or(NotInExecutable::new(Part::Function))?;
        Ok(CallOffsets(image.key().seal([entry, function])))
    }

    /// The words of the call, to be sent.
    #[must_use]
    pub fn to_words(self) -> [u64; 2] {
        self.0
    }

    /// The call whose [`to_words`](CallOffsets::to_words) these are in the parent.
    ///
    /// Any words may be passed: [`MatchedImage::call`](crate::MatchedImage::call) refuses those that describe no call.
    #[must_use]
    pub fn from_words(words: [u64; 2]) -> CallOffsets {
        CallOffsets(words)
    }
}
