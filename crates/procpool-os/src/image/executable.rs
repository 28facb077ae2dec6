//! The executable that this process runs.

use std::ops::Range;
use std::sync::OnceLock;

use crate::image::build_identity::BuildIdentity;
use crate::image::call_key::{self, CallKey, KEY_WORDS};
use crate::image::program_headers::MainProgram;

/// The executable that this process runs: its code ranges and its identity.
///
/// It is examined once, on the first call of [`Image::current`], and does not change: the kernel maps the main
/// program before its first instruction and it stays mapped to the end.
#[derive(Debug)]
pub struct Image {
    base: usize,
    code: Vec<Range<usize>>,
    identity: BuildIdentity,
    key_material: [u64; KEY_WORDS],
    key: CallKey,
}

static CURRENT: OnceLock<Image> = OnceLock::new();

impl Image {
    /// The image of the running process.
    ///
    /// The first call walks the program headers; later calls return the same reference.
    ///
    /// # Errors
    ///
    /// [`ImageError`] if the program headers show no executable segment, or if the executable has
    /// no build id and `/proc/self/exe` can't be examined either. An error is not remembered: the
    /// next call tries again.
    ///
    /// ```
    /// use procpool_os::Image;
    ///
    /// let image = Image::current()?;
    /// assert!(image.contains_code(main as fn() as usize));
    /// # Ok::<(), procpool_os::ImageError>(())
    /// ```
    #[inline]
    pub fn current() -> Result<&'static Image, ImageError> {
        match CURRENT.get() {
            Some(image) => Ok(image),
            None => Image::first(),
        }
    }

    #[cold]
    fn first() -> Result<&'static Image, ImageError> {
        let found = Image::examine()?;
        Ok(CURRENT.get_or_init(|| found))
    }

    /// The build that this executable is.
    #[must_use]
    pub fn identity(&self) -> &BuildIdentity {
        &self.identity
    }

    /// The key of the calls that this process describes.
    #[inline]
    pub(crate) fn key(&self) -> &CallKey {
        &self.key
    }

    /// The random words from which a process of the same build makes the same key.
    pub(crate) fn key_material(&self) -> [u64; KEY_WORDS] {
        self.key_material
    }

    /// Whether `address` lies in an executable segment of the main program.
    #[must_use]
    #[inline]
    pub fn contains_code(&self, address: usize) -> bool {
        self.code.iter().any(|range| range.contains(&address))
    }

    /// The distance of `address` from the address at which the image is loaded.
    ///
    /// `None` if there is no code of the image at that address.
    #[inline]
    pub(crate) fn offset_of(&self, address: usize) -> Option<u64> {
        if !self.contains_code(address) {
            return None;
        }
        u64::try_from(address.wrapping_sub(self.base)).ok()
    }

    /// The address in this process for an offset.
    ///
    /// `None` if there is no code of the image at that offset.
    pub(crate) fn address_of(&self, offset: u64) -> Option<usize> {
        let address = self.base.wrapping_add(usize::try_from(offset).ok()?);
        self.contains_code(address).then_some(address)
    }

    fn examine() -> Result<Image, ImageError> {
        let program = MainProgram::find().ok_or(ImageError::NoProgramHeaders)?;
        let code: Vec<_> = program.code_ranges().collect();
        if code.is_empty() {
            return Err(ImageError::NoCode);
        }
        let layout = program.layout_digest();
        let identity = match program.build_id() {
            Some(build_id) => BuildIdentity::of_build_id(build_id, layout),
            None => BuildIdentity::of_executable_file(layout).map_err(ImageError::Executable)?,
        };
        let key_material = call_key::random_words().map_err(ImageError::Random)?;
        let key = CallKey::new(key_material, identity.digest());
        Ok(Image {
            base: program.base(),
            code,
            identity,
            key_material,
            key,
        })
    }
}

/// The running executable could not be examined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The loader lists no main program.
    #[error("the program headers of the running executable can't be found")]
    NoProgramHeaders,
    /// The main program has no executable segment.
    #[error("the running executable has no executable segment")]
    NoCode,
    /// The executable has no build id, and its file can't be examined either.
    #[error(
        "the executable has no build id and /proc/self/exe can't be examined (is /proc mounted?)"
    )]
    Executable(#[source] std::io::Error),
    /// The kernel gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[source] std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examined() {}

    #[test]
    fn data_heap_stack_and_libraries_are_not_code_of_the_image() {
        static WRITTEN: std::sync::Mutex<u8> = std::sync::Mutex::new(7);
        let image = Image::current().unwrap();
        let local = 0_u8;
        let boxed = Box::new(0_u8);
        assert!(!image.contains_code((&raw const WRITTEN).addr()));
        assert!(!image.contains_code((&raw const local).addr()));
        assert!(!image.contains_code((&raw const *boxed).addr()));
        #[cfg(not(target_feature = "crt-static"))]
        assert!(!image.contains_code(libc::getpid as *const () as usize));
        assert!(!image.contains_code(0));
        assert!(!image.contains_code(usize::MAX));
        assert!(image.contains_code(examined as *const () as usize));
    }

    #[test]
    fn offsets_and_addresses_are_inverse_within_the_code_only() {
        let image = Image::current().unwrap();
        for range in &image.code {
            let offset = image.offset_of(range.start).unwrap();
            assert_eq!(image.address_of(offset), Some(range.start));
            assert_eq!(image.offset_of(range.end), None);
            assert_eq!(image.address_of(offset + range.len() as u64), None);
        }
        assert_eq!(image.address_of(u64::MAX), None);
    }
}
