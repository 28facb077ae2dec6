//! The main program's ELF headers, as the loader has them.

use std::ffi::{c_int, c_void};
use std::ops::Range;

use crate::image::build_identity::{BuildIdentity, fnv1a};
use crate::image::notes::build_id_in;

#[cfg(target_pointer_width = "64")]
type ProgramHeader = libc::Elf64_Phdr;
#[cfg(target_pointer_width = "32")]
type ProgramHeader = libc::Elf32_Phdr;

/// The main program as the loader describes it.
pub(crate) struct MainProgram {
    base: usize,
    headers: &'static [ProgramHeader],
}

impl MainProgram {
    /// The address at which it is loaded.
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    pub(crate) fn find() -> Option<MainProgram> {
        let mut found: Option<MainProgram> = None;
        let data = (&raw mut found).cast::<c_void>();
        // SAFETY: the callback gets `data` back unchanged, and `found` outlives this call.
        unsafe { libc::dl_iterate_phdr(Some(keep_first), data) };
        found
    }

    pub(crate) fn code_ranges(&self) -> impl Iterator<Item = Range<usize>> {
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
    pub(crate) fn layout_digest(&self) -> u64 {
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

    pub(crate) fn build_id(&self) -> Option<&'static [u8]> {
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
