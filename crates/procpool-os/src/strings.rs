//! Strings as the kernel takes them.

use std::ffi::{OsStr, c_char};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// A list of strings in one piece of memory, each ended by a zero byte.
///
/// Not a `CString` each: there is one for every variable of the environment, and a start waits for them.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Strings {
    /// Appends one that consists of these parts.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a zero byte within it. Then the list is of no use any more.
    pub(crate) fn push(&mut self, parts: &[&OsStr]) -> io::Result<()> {
        self.starts.push(self.bytes.len());
        for part in parts {
            if part.as_bytes().contains(&0) {
                let what = format!("{part:?} has a zero byte in it");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
            }
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.bytes.push(0);
        Ok(())
    }

    /// Where each of them is, as long as this is not changed; ended by a null.
    pub(crate) fn pointers(&self) -> Box<[*const c_char]> {
        let pointer = |&start: &usize| self.bytes[start..].as_ptr().cast();
        self.starts
            .iter()
            .map(pointer)
            .chain([ptr::null()])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn the_kernel_would_see_what_was_pushed() {
        let mut strings = Strings::default();
        strings
            .push(&["name".as_ref(), "=".as_ref(), "value".as_ref()])
            .unwrap();
        strings.push(&[]).unwrap();
        strings.push(&["last".as_ref()]).unwrap();
        let pointers = strings.pointers();
        let [all @ .., end] = &*pointers else {
            panic!("it is not ended");
        };
        assert!(end.is_null());
        // SAFETY: they point to strings that end with a zero byte and live as long as the list.
        let seen = all
            .iter()
            .map(|&pointer| unsafe { CStr::from_ptr(pointer) });
        assert!(seen.eq([c"name=value", c"", c"last"]));
    }

    #[test]
    fn a_zero_byte_is_refused() {
        let refused = Strings::default().push(&["a\0b".as_ref()]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
