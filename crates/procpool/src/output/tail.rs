//! The end of a stream.

use std::collections::VecDeque;

/// The number of bytes that a user sees: 8 KiB.
const SHOWN: usize = 8 * 1024;

/// The number of bytes kept: 64 KiB. A backtrace may be longer than 8 KiB, and the message that the
/// pool looks for comes before it.
const KEPT: usize = 64 * 1024;

/// Keeps the last 64 KiB of a stream.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<u8>);

impl Tail {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        let surplus = (self.0.len() + bytes.len()).saturating_sub(KEPT);
        self.0.drain(..surplus);
        self.0.extend(bytes);
    }

    /// Returns whether the kept bytes contain any of these texts.
    pub(crate) fn says(&self, any_of: &[&str]) -> bool {
        let (a, b) = self.0.as_slices();
        let text = [a, b].concat();
        let is_said = |words: &&str| {
            text.windows(words.len())
                .any(|said| said == words.as_bytes())
        };
        any_of.iter().any(is_said)
    }

    /// Returns the last 8 KiB as text. If bytes before them were cut off, it starts at a whole line if
    /// there is one. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        let surplus = self.0.len().saturating_sub(SHOWN);
        let bytes: Vec<u8> = self.0.iter().skip(surplus).copied().collect();
        let begin = match bytes.len() == SHOWN {
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
    use super::{KEPT, SHOWN, Tail};

    #[test]
    fn a_short_stream_is_kept_whole() {
        let mut tail = Tail::default();
        tail.push(b"one\n");
        tail.push(b"two\xff");
        assert_eq!(tail.text(), "one\ntwo\u{fffd}");
    }

    #[test]
    fn a_long_stream_is_kept_from_the_start_of_a_line() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.len() <= SHOWN && text.len() > SHOWN - 16);
        assert!(text.starts_with("line ") && text.ends_with("line 9999\n"));
    }

    #[test]
    fn text_before_a_long_backtrace_is_found() {
        let mut tail = Tail::default();
        tail.push(b"out of mem");
        tail.push(b"ory\n");
        tail.push(&[b'x'; KEPT / 2]);
        assert!(!tail.text().contains("memory") && tail.says(&["nothing", "of memory"]));
        tail.push(&[b'x'; KEPT]);
        assert!(!tail.says(&["nothing", "of memory"]));
    }

    #[test]
    fn one_endless_line_keeps_its_end() {
        let mut tail = Tail::default();
        tail.push(&[b'x'; 3 * SHOWN]);
        tail.push(b"end\n");
        assert_eq!(tail.text().len(), SHOWN);
        assert!(tail.text().ends_with("xend\n"));
    }
}
