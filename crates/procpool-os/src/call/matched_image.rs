//! Calls of functions that the peer has described.

use std::any::Any;

use crate::call::call_offsets::CallOffsets;
use crate::call::function_pointer::Entry;
use crate::call::not_in_executable::{NotInExecutable, Part};
use crate::call::same_build::SameBuild;
use crate::control::ControlPage;
use crate::image::Image;
use crate::image::call_key::CallKey;

/// The executable of this process as the peer sees it: calls the functions that the peer described.
#[derive(Clone, Debug)]
pub struct MatchedImage {
    pub(super) image: &'static Image,
    /// The peer's key.
    pub(super) key: CallKey,
}

impl MatchedImage {
    /// Calls the functions of the peer that runs the same build and made this page.
    #[must_use]
    pub fn new(SameBuild(image): SameBuild, page: &ControlPage) -> MatchedImage {
        let key = CallKey::new(page.call_key(), image.identity().digest());
        MatchedImage { image, key }
    }

    /// Calls the function that the peer described, in this thread.
    ///
    /// Returns when the function returns, and unwinds when it panics. The module's documentation
    /// argues why this is safe.
    ///
    /// # Errors
    ///
    /// [`NotInExecutable`] if the peer has described no such call. Nothing was called then.
    pub fn call(&self, offsets: CallOffsets, context: &mut dyn Any) -> Result<(), NotInExecutable> {
        let [entry, function] = self.key.open(offsets.0);
        let address = |offset| {
            let address = self.image.address_of(offset);
            address.ok_or(NotInExecutable::new(Part::Sealed))
        };
        let (entry, function) = (address(entry)?, address(function)?);
        let entry = std::ptr::with_exposed_provenance::<()>(entry);
        // SAFETY: the words opened to code of this executable, so the peer sealed them in `CallOffsets::of`, from
        // an `Entry`. The peer runs the same build, so the code at this address is a function of this very type.
        let entry = unsafe { std::mem::transmute::<*const (), Entry>(entry) };
        entry(function, context);
        Ok(())
    }
}
