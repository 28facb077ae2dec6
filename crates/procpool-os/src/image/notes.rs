//! ELF notes, which may hold the build id.

/// Finds the GNU build id in a segment of ELF notes. Total: bad notes end the search.
pub(crate) fn build_id_in(mut notes: &[u8]) -> Option<&[u8]> {
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
    fn the_build_id_is_found_after_other_notes() {
        let mut notes = note(b"GNU\0", &[1; 16], 1);
        notes.extend(note(b"Odd\0\0", &[2; 3], 3));
        notes.extend(note(b"GNU\0", &[7; 20], 3));
        assert_eq!(build_id_in(&notes), Some(&[7; 20][..]));
    }

    #[test]
    fn truncated_or_wrong_notes_end_the_search() {
        let notes = note(b"GNU\0", &[7; 20], 3);
        for cut in 0..notes.len() {
            assert_eq!(build_id_in(&notes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(build_id_in(&[0xff; 64]), None);
    }
}
