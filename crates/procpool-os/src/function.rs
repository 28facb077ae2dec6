//! A function as a pair of sealed offsets, and the way back to a call.
//!
//! Both processes run the same build, so the same offset from the start of the image is the same
//! machine code in each. A call travels as two offsets: the *function*, and the *entry*, a
//! monomorphic function of this crate that knows the function's type. The entry turns the address
//! back into a typed pointer and hands it to the [`Trampoline`], which decodes, calls and encodes.
//!
//! # Why the call is sound
//!
//! [`MatchedImage::call`] is a safe function that jumps to a number. It relies on this:
//!
//! 1. *The right numbers.* The offsets of a call are sealed with a random key of the process that described
//!    it. [`CallOffsets::of`] alone seals. It takes a function and a trampoline whose types fit each other by its
//!    bounds. So what the worker opens with this key is an entry and a function of the entry's type. Any other
//!    pair of numbers, as safe code may pass to [`CallOffsets::from_words`], opens to two numbers that both
//!    lie in the executable's code with a probability of about 2^-80. It is refused.
//! 2. *The same code.* A [`MatchedImage`] exists only where the peer's [`BuildIdentity`] equalled
//!    ours and a known function lay at the same offset on both sides. The build is a part of the key too, so
//!    calls that another build has described do not open.
//! 3. *No witness.* A function pointer holds no data and is never a closure that captures. So no captured value,
//!    such as a proof that some lock is held, appears in the worker. The function
//!    runs in a fresh process: what it needs, it must set up itself.
//!
//! The key is in the private memory of both processes, and on the [`ControlPage`] that the parent makes. It does
//! not leave this crate. *Trusted* is therefore the process that made the page: it holds the other end of the
//! worker's socket, and it chose the worker's executable. Code that imitates a page, or reads one as a file, in order to
//! forge calls is outside of this model, as is code that writes to `/proc/self/mem`.

use std::any::Any;

use crate::call_key::CallKey;
use crate::control::ControlPage;
use crate::image::{BuildIdentity, Image, ImageError};

/// A call of a function, as its parent described it: two sealed offsets from the start of the executable.
///
/// It means something only to the process that described it and to its workers, see [`MatchedImage`]. The same
/// call has the same words throughout a process.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub struct CallOffsets([u64; 2]);

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
    /// let (identity, anchor) = (Image::current()?.identity(), procpool_os::function::anchor());
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

    /// The words in which the call travels.
    #[must_use]
    pub fn to_words(self) -> [u64; 2] {
        self.0
    }

    /// The call that [`to_words`](CallOffsets::to_words) gave in the parent.
    ///
    /// Any words may be passed: [`MatchedImage::call`] refuses those that describe no call.
    #[must_use]
    pub fn from_words(words: [u64; 2]) -> CallOffsets {
        CallOffsets(words)
    }
}

/// A type of function pointer that can travel: `fn(A) -> R` and `fn(&mut S, A) -> R`.
///
/// Sealed: these two are all.
pub trait FunctionPointer: Copy + 'static + sealed::Pointer {}

impl<A: 'static, R: 'static> FunctionPointer for fn(A) -> R {}
impl<S: 'static, A: 'static, R: 'static> FunctionPointer for fn(&mut S, A) -> R {}

/// Calls a function of the type `F` with arguments out of a context, and leaves the result there.
///
/// The implementor picks the context's type and downcasts to it. It is the one place that knows how
/// arguments are encoded, which this crate does not.
pub trait Trampoline<F: FunctionPointer>: 'static {
    /// Takes the arguments from `context`, calls `function`, puts the result into `context`.
    fn call(function: F, context: &mut dyn Any);
}

/// Proof that the peer runs the same build as this process.
#[derive(Copy, Clone, Debug)]
pub struct SameBuild(&'static Image);

impl SameBuild {
    /// Compares the peer's build with this process's.
    ///
    /// `peer_anchor` is the peer's [`anchor`]: an extra check that the identity is that of the code that is
    /// really mapped.
    ///
    /// # Errors
    ///
    /// [`BuildMismatch`] if identity or anchor differ, or if this process can't examine its own
    /// executable.
    pub fn check(peer: &BuildIdentity, peer_anchor: u64) -> Result<SameBuild, BuildMismatch> {
        let image = Image::current()?;
        if image.identity() != peer {
            return Err(BuildMismatch::Identity {
                mine: image.identity().clone(),
                peer: peer.clone(),
            });
        }
        if known_offset() != Some(peer_anchor) {
            return Err(BuildMismatch::Anchor);
        }
        Ok(SameBuild(image))
    }
}

/// The executable of this process as the peer sees it: calls the functions that the peer described.
#[derive(Clone, Debug)]
pub struct MatchedImage {
    image: &'static Image,
    /// The peer's.
    key: CallKey,
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

/// The offset of one known function of this crate, to be compared by [`SameBuild::check`].
///
/// Zero, which matches nothing, if [`Image::current`] fails or if this crate is not part of the main
/// program but of a shared library.
#[must_use]
pub fn anchor() -> u64 {
    known_offset().unwrap_or(0)
}

fn known_offset() -> Option<u64> {
    let known = anchor as fn() -> u64 as *const ();
    Image::current().ok()?.offset_of(known.addr())
}

/// A function can't be called in another process, because it is not part of the executable.
#[derive(Debug, thiserror::Error)]
#[error("{}", part.reason())]
pub struct NotInExecutable {
    part: Part,
}

impl NotInExecutable {
    const fn new(part: Part) -> NotInExecutable {
        NotInExecutable { part }
    }
}

#[derive(Debug)]
enum Part {
    Image(ImageError),
    Entry,
    Function,
    Sealed,
}

impl Part {
    fn reason(&self) -> String {
        match self {
            Part::Image(error) => format!("the running executable can't be examined: {error}"),
            Part::Entry => "the entry for this function's type is not part of the main \
                            executable: procpool is linked into a shared library"
                .into(),
            Part::Function => "the function is not part of the main executable but of a shared \
                               library or generated code, so a worker can't find it"
                .into(),
            Part::Sealed => "the parent has described no such call".into(),
        }
    }
}

/// The peer does not run the same build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildMismatch {
    /// The identities differ.
    #[error("the peer runs another build of the executable: {peer}, this one is {mine}")]
    Identity {
        /// The identity of this process's executable.
        mine: BuildIdentity,
        /// What the peer said of its own.
        peer: BuildIdentity,
    },
    /// The identities are equal, and yet a known function lies elsewhere.
    #[error("the peer's executable has the same build id but another layout")]
    Anchor,
    /// This process can't examine its own executable.
    #[error("the running executable can't be examined")]
    Image(#[from] ImageError),
}

/// The type of the function at the entry offset.
type Entry = fn(usize, &mut dyn Any);

fn entry<F: FunctionPointer, T: Trampoline<F>>(address: usize, context: &mut dyn Any) {
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Call;

    impl Trampoline<fn(u32) -> u32> for Call {
        fn call(function: fn(u32) -> u32, context: &mut dyn Any) {
            let number = context.downcast_mut::<u32>().unwrap();
            *number = function(*number);
        }
    }

    impl Trampoline<fn(&mut Vec<u32>, u32) -> usize> for Call {
        fn call(function: fn(&mut Vec<u32>, u32) -> usize, context: &mut dyn Any) {
            let (state, number) = context.downcast_mut::<(Vec<u32>, u32)>().unwrap();
            function(state, *number);
        }
    }

    fn same_build() -> MatchedImage {
        let mine = Image::current().unwrap().identity();
        let (page, _) = ControlPage::create().unwrap();
        MatchedImage::new(SameBuild::check(mine, anchor()).unwrap(), &page)
    }

    fn of(function: fn(u32) -> u32) -> Result<CallOffsets, NotInExecutable> {
        CallOffsets::of::<_, Call>(function)
    }

    fn double<T: std::ops::Add<Output = T> + Copy>(x: T) -> T {
        x + x
    }

    #[test]
    fn functions_closures_and_generic_functions_are_called() {
        let calls = [
            (of(double::<u32>), 14),
            (of(|x| x * x), 49),
            (of(u32::swap_bytes), 7 << 24),
        ];
        for (offsets, expected) in calls {
            let mut context = 7_u32;
            same_build().call(offsets.unwrap(), &mut context).unwrap();
            assert_eq!(context, expected);
        }
    }

    #[test]
    fn a_function_with_state_gets_it_by_reference() {
        let function: fn(&mut Vec<u32>, u32) -> usize = |state, x| {
            state.push(x);
            state.len()
        };
        let offsets = CallOffsets::of::<_, Call>(function).unwrap();
        let mut context = (vec![1_u32], 2_u32);
        same_build().call(offsets, &mut context).unwrap();
        assert_eq!(context.0, [1, 2]);
    }

    #[test]
    fn a_panic_unwinds_through_the_call() {
        let offsets = of(|x| x.checked_sub(1).expect("too small")).unwrap();
        let panicked = std::panic::catch_unwind(|| same_build().call(offsets, &mut 0_u32));
        let message = panicked.unwrap_err();
        assert_eq!(
            message.downcast_ref::<String>().map(String::as_str),
            Some("too small")
        );
    }

    #[test]
    #[cfg(not(target_feature = "crt-static"))]
    fn a_function_of_a_shared_library_is_refused() {
        let address = libc::getpid as *const ();
        // SAFETY: the pointer is not null, and it is never called.
        let function = unsafe { std::mem::transmute::<*const (), fn(u32) -> u32>(address) };
        let refused = of(function).unwrap_err();
        assert!(matches!(refused.part, Part::Function));
        assert!(refused.to_string().contains("shared library"));
    }

    fn assert_refused(words: [u64; 2]) {
        let mut context = 7_u32;
        let called = same_build().call(CallOffsets::from_words(words), &mut context);
        assert!(matches!(called.unwrap_err().part, Part::Sealed));
        assert_eq!(context, 7);
    }

    #[test]
    fn numbers_that_safe_code_chooses_are_not_called() {
        let image = Image::current().unwrap();
        let function: fn(u32) -> u32 = double::<u32>;
        let function = image.offset_of(function as usize).unwrap();
        let entry = entry::<fn(u32) -> u32, Call> as Entry as usize;
        let entry = image.offset_of(entry).unwrap();
        assert_refused([entry, function]);
        for number in [0, 1, function, u64::MAX / 2, u64::MAX] {
            assert_refused([number; 2]);
        }
        let sealed = of(double::<u32>).unwrap().to_words();
        for bit in 0..64 {
            assert_refused([sealed[0] ^ 1 << bit, sealed[1]]);
            assert_refused([sealed[0], sealed[1] ^ 1 << bit]);
        }
    }

    #[test]
    fn the_entry_of_one_call_does_not_call_the_function_of_another() {
        let push: fn(&mut Vec<u32>, u32) -> usize = |state, x| {
            state.push(x);
            state.len()
        };
        let [entry, function] = of(double::<u32>).unwrap().to_words();
        let other = CallOffsets::of::<_, Call>(push).unwrap().to_words();
        assert_refused([entry, other[1]]);
        assert_refused([other[0], function]);
    }

    #[test]
    fn calls_that_another_process_described_are_not_called() {
        let mine = Image::current().unwrap().identity();
        let build = SameBuild::check(mine, anchor()).unwrap();
        let random = crate::call_key::random_words().unwrap();
        let other = MatchedImage {
            image: build.0,
            key: CallKey::new(random, mine.digest()),
        };
        let mut context = 7_u32;
        other
            .call(of(double::<u32>).unwrap(), &mut context)
            .unwrap_err();
        assert_eq!(context, 7);
    }

    #[test]
    fn another_build_or_another_layout_is_refused() {
        let mine = Image::current().unwrap().identity();
        let mut bytes = mine.as_bytes().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let other = BuildIdentity::from_bytes(&bytes);
        let refused = SameBuild::check(&other, anchor()).unwrap_err();
        assert!(matches!(refused, BuildMismatch::Identity { .. }));
        assert!(refused.to_string().contains(&other.to_string()));
        for wrong in [anchor() + 1, 0] {
            let refused = SameBuild::check(mine, wrong).unwrap_err();
            assert!(matches!(refused, BuildMismatch::Anchor));
        }
    }
}
