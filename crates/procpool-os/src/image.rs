//! The running executable: where its code lies in memory, and which build it is.
//!
//! A function can travel to a worker as a number only if both sides map the same machine code. Two
//! facts make that checkable. The *code ranges* of the main program tell a function of this build
//! from one in a shared library, whose place may differ from process to process. The
//! [`BuildIdentity`] tells this build from another.

use std::ffi::{c_int, c_void};
use std::fmt;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

use crate::call_key::{self, CallKey, KEY_WORDS};

/// The executable that this process runs: its code ranges and its identity.
///
/// Found once, on the first call of [`Image::current`], and never changed: the kernel maps the main
/// program before its first instruction and it stays mapped to the end.
#[derive(Debug)]
pub struct Image {
    base: usize,
    code: Vec<Range<usize>>,
    identity: BuildIdentity,
    key_material: [u64; KEY_WORDS],
    key: CallKey,
}

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
    pub fn current() -> Result<&'static Image, ImageError> {
        static CURRENT: OnceLock<Image> = OnceLock::new();
        if let Some(image) = CURRENT.get() {
            return Ok(image);
        }
        let found = Image::examine()?;
        Ok(CURRENT.get_or_init(|| found))
    }

    /// Which build this is.
    #[must_use]
    pub fn identity(&self) -> &BuildIdentity {
        &self.identity
    }

    /// The key of the calls that this process describes.
    pub(crate) fn key(&self) -> &CallKey {
        &self.key
    }

    /// The random words from which a process of the same build makes the same key.
    pub(crate) fn key_material(&self) -> [u64; KEY_WORDS] {
        self.key_material
    }

    /// Whether `address` lies in an executable segment of the main program.
    #[must_use]
    pub fn contains_code(&self, address: usize) -> bool {
        self.code.iter().any(|range| range.contains(&address))
    }

    /// The distance of `address` from the place where the image is loaded.
    ///
    /// `None` if there is no code of the image at that address.
    #[must_use]
    pub fn offset_of(&self, address: usize) -> Option<u64> {
        if !self.contains_code(address) {
            return None;
        }
        u64::try_from(address.wrapping_sub(self.base)).ok()
    }

    /// The address in this process that `offset` stands for.
    ///
    /// `None` if there is no code of the image at that offset.
    #[must_use]
    pub fn address_of(&self, offset: u64) -> Option<usize> {
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
            None => BuildIdentity::of_executable_file(layout)?,
        };
        let key_material = call_key::random_words().map_err(ImageError::Random)?;
        let key = CallKey::new(key_material, identity.digest());
        Ok(Image {
            base: program.base,
            code,
            identity,
            key_material,
            key,
        })
    }
}

/// Which build an executable is: equal in two processes exactly if they run the same code.
///
/// Where the linker wrote a GNU build id, it is that id and a digest of the segment layout, and it
/// [holds on other machines](BuildIdentity::holds_on_other_machines) too. Elsewhere it is the
/// identity of the file behind `/proc/self/exe` (device, inode, size) and the layout. On one
/// machine that is as strong as a hash of the contents and costs microseconds instead of reading
/// megabytes: while a process runs an executable, the kernel refuses to open it for writing
/// (`ETXTBSY`) and its inode can't be given to another file. Times are left out on purpose, because
/// `touch` changes them and not the code.
///
/// ```
/// use procpool_os::{BuildIdentity, Image};
///
/// let mine = Image::current()?.identity();
/// let received = BuildIdentity::from_bytes(mine.as_bytes());
/// assert_eq!(&received, mine);
/// # Ok::<(), procpool_os::ImageError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BuildIdentity(Box<[u8]>);

impl BuildIdentity {
    /// No identity of a build is longer than this many bytes.
    pub const MAX_BYTES: usize = 128;

    const KIND_BUILD_ID: u8 = 1;
    const KIND_FILE: u8 = 2;

    /// The identity in the form in which it travels.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What [`as_bytes`](BuildIdentity::as_bytes) gave on the other side.
    ///
    /// Any bytes will do: those that no build of ours gives are an identity that equals none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> BuildIdentity {
        BuildIdentity(bytes.into())
    }

    /// Whether equality means the same code between machines as well.
    ///
    /// True for a build id. The identity of a file says nothing beyond its machine.
    #[must_use]
    pub fn holds_on_other_machines(&self) -> bool {
        self.0.first() == Some(&Self::KIND_BUILD_ID)
    }

    /// A number that differs between builds.
    pub(crate) fn digest(&self) -> u64 {
        fnv1a(self.0.iter().copied())
    }

    fn of_build_id(build_id: &[u8], layout: u64) -> BuildIdentity {
        let kind = [Self::KIND_BUILD_ID];
        BuildIdentity([&kind[..], &layout.to_le_bytes(), build_id].concat().into())
    }

    fn of_executable_file(layout: u64) -> Result<BuildIdentity, ImageError> {
        let file = std::fs::metadata("/proc/self/exe").map_err(ImageError::Executable)?;
        let mut bytes = vec![Self::KIND_FILE];
        for number in [layout, file.dev(), file.ino(), file.size()] {
            bytes.extend(number.to_le_bytes());
        }
        Ok(BuildIdentity(bytes.into()))
    }
}

impl fmt::Display for BuildIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildIdentity({self})")
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

#[cfg(target_pointer_width = "64")]
type ProgramHeader = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type ProgramHeader = libc::Elf32_Phdr;

/// The main program as the loader describes it.
struct MainProgram {
    base: usize,
    headers: &'static [ProgramHeader],
}

impl MainProgram {
    fn find() -> Option<MainProgram> {
        let mut found: Option<MainProgram> = None;
        let data = (&raw mut found).cast::<c_void>();
        // SAFETY: the callback gets `data` back unchanged, and `found` outlives this call.
        unsafe { libc::dl_iterate_phdr(Some(keep_first), data) };
        found
    }

    fn code_ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0)
            .filter_map(|header| self.range_of(header))
    }

    /// A digest of the address, size and flags of every loaded segment.
    #[allow(
        clippy::unnecessary_cast,
        reason = "the fields are narrower on 32-bit systems"
    )]
    fn layout_digest(&self) -> u64 {
        let loaded = self.headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
        let numbers = loaded.flat_map(|h| {
            [
                u64::from(h.p_flags),
                h.p_vaddr as u64,
                h.p_filesz as u64,
                h.p_memsz as u64,
            ]
        });
        fnv1a(numbers.flat_map(u64::to_le_bytes))
    }

    fn build_id(&self) -> Option<&'static [u8]> {
        self.headers
            .iter()
            .filter(|header| header.p_type == libc::PT_NOTE)
            .filter_map(|header| self.loaded_bytes(header))
            .find_map(build_id_in)
            // Room for the kind and the layout digest before it.
            .filter(|id| !id.is_empty() && id.len() <= BuildIdentity::MAX_BYTES - 16)
    }

    fn range_of(&self, header: &ProgramHeader) -> Option<Range<usize>> {
        let start = self
            .base
            .wrapping_add(usize::try_from(header.p_vaddr).ok()?);
        let end = start.checked_add(usize::try_from(header.p_memsz).ok()?)?;
        Some(start..end)
    }

    /// The bytes that `header` describes, if a readable segment that is never written holds them.
    fn loaded_bytes(&self, header: &ProgramHeader) -> Option<&'static [u8]> {
        let wanted = self.range_of(header)?;
        let held = self.headers.iter().any(|segment| {
            let constant = segment.p_flags & libc::PF_R != 0 && segment.p_flags & libc::PF_W == 0;
            let covers = |held: Range<usize>| held.start <= wanted.start && wanted.end <= held.end;
            segment.p_type == libc::PT_LOAD
                && constant
                && self.range_of(segment).is_some_and(covers)
        });
        if !held {
            return None;
        }
        let start = std::ptr::with_exposed_provenance::<u8>(wanted.start);
        // SAFETY: the range lies in a loaded segment of the main program, which is readable, not
        // writable, and stays mapped as long as the process lives.
        Some(unsafe { std::slice::from_raw_parts(start, wanted.len()) })
    }
}

/// The FNV-1a hash of these bytes.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    bytes.fold(start, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Called for each loaded object; the first is the main program. Returning 1 ends the walk.
unsafe extern "C" fn keep_first(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the loader passes a valid description for the time of this call.
    let info = unsafe { &*info };
    if info.dlpi_phdr.is_null() {
        return 1;
    }
    // SAFETY: the loader says that this many headers are there, and those of the main program are
    // part of its read-only image, mapped to the end of the process.
    let headers =
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    let program = MainProgram {
        base: info.dlpi_addr as usize,
        headers,
    };
    // SAFETY: `data` is the pointer to `found` that `MainProgram::find` passed in.
    unsafe { data.cast::<Option<MainProgram>>().write(Some(program)) };
    1
}

/// Finds the GNU build id in a segment of ELF notes. Total: bad notes end the search.
fn build_id_in(mut notes: &[u8]) -> Option<&[u8]> {
    const NT_GNU_BUILD_ID: u32 = 3;
    loop {
        let (name_size, rest) = split_number(notes)?;
        let (value_size, rest) = split_number(rest)?;
        let (kind, rest) = split_number(rest)?;
        let (name, rest) = split_padded(rest, name_size)?;
        let (value, rest) = split_padded(rest, value_size)?;
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" {
            return Some(value);
        }
        notes = rest;
    }
}

fn split_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_ne_bytes(*number), rest))
}

fn split_padded(bytes: &[u8], size: u32) -> Option<(&[u8], &[u8])> {
    let size = usize::try_from(size).ok()?;
    let value = bytes.get(..size)?;
    // The last value of a segment may lack its padding.
    let padded = size.checked_next_multiple_of(4)?.min(bytes.len());
    Some((value, bytes.get(padded..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], value: &[u8], kind: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((name.len() as u32).to_ne_bytes());
        bytes.extend((value.len() as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        for part in [name, value] {
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let mut notes = note(b"GNU\0", &[1; 16], 1);
        notes.extend(note(b"Odd\0\0", &[2; 3], 3));
        notes.extend(note(b"GNU\0", &[7; 20], 3));
        assert_eq!(build_id_in(&notes), Some(&[7; 20][..]));
    }

    #[test]
    fn cut_or_absurd_notes_end_the_search() {
        let notes = note(b"GNU\0", &[7; 20], 3);
        for cut in 0..notes.len() {
            assert_eq!(build_id_in(&notes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(build_id_in(&[0xff; 64]), None);
    }

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
        assert!(image.contains_code(build_id_in as *const () as usize));
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

    #[test]
    fn the_file_identity_is_stable_and_of_its_own_kind() {
        let one = BuildIdentity::of_executable_file(5).unwrap();
        let two = BuildIdentity::of_executable_file(5).unwrap();
        assert_eq!(one, two);
        assert!(!one.holds_on_other_machines());
        assert_ne!(one, BuildIdentity::of_executable_file(6).unwrap());
        assert_ne!(&one, Image::current().unwrap().identity());
    }

    #[test]
    fn an_identity_travels_as_bytes_and_foreign_bytes_equal_none() {
        let mine = Image::current().unwrap().identity();
        assert_eq!(&BuildIdentity::from_bytes(mine.as_bytes()), mine);
        for foreign in [&[][..], &[9, 1, 2], &mine.as_bytes()[1..]] {
            assert_ne!(&BuildIdentity::from_bytes(foreign), mine);
        }
        assert!(mine.as_bytes().len() <= BuildIdentity::MAX_BYTES);
        assert_eq!(mine.to_string().len(), 2 * mine.as_bytes().len());
    }
}
