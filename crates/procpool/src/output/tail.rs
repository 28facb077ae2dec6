//! The end of a stream.

use std::collections::VecDeque;

/// How much is kept: 8 KiB.
const KEPT: usize = 8 * 1024;

/// Keeps the last 8 KiB of all that it is given.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<u8>);

impl Tail {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        let surplus = (self.0.len() + bytes.len()).saturating_sub(KEPT);
        self.0.drain(..surplus);
        self.0.extend(bytes);
    }

    /// What was kept, as text. If something was cut off, it begins with a whole line where there is
    /// one; bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        let (a, b) = self.0.as_slices();
        let bytes = [a, b].concat();
        let begin = match bytes.len() == KEPT {
            true => bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |end| end + 1),
            false => 0,
        };
        let begin = if begin == bytes.len() { 0 } else { begin };
        String::from_utf8_lossy(&bytes[begin..]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Tail};

    #[test]
    fn a_short_stream_is_kept_whole() {
        let mut tail = Tail::default();
        tail.push(b"one\n");
        tail.push(b"two\xff");
        assert_eq!(tail.text(), "one\ntwo\u{fffd}");
    }

    #[test]
    fn a_long_stream_is_kept_from_a_line_on() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.len() <= KEPT && text.len() > KEPT - 16);
        assert!(text.starts_with("line ") && text.ends_with("line 9999\n"));
    }

    #[test]
    fn one_endless_line_is_kept_by_its_end() {
        let mut tail = Tail::default();
        tail.push(&[b'x'; 3 * KEPT]);
        tail.push(b"end\n");
        assert_eq!(tail.text().len(), KEPT);
        assert!(tail.text().ends_with("xend\n"));
    }
}
