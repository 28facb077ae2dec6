//! The end of a stream.

use std::collections::VecDeque;

/// How much is shown: 8 KiB.
const SHOWN: usize = 8 * 1024;

/// How much is kept: 64 KiB. A backtrace is longer than what is shown, and what matters comes before it.
const KEPT: usize = 64 * 1024;

/// Keeps the last 64 KiB of all that it is given.
#[derive(Debug, Default)]
pub(crate) struct Tail(VecDeque<u8>);

impl Tail {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        let surplus = (self.0.len() + bytes.len()).saturating_sub(KEPT);
        self.0.drain(..surplus);
        self.0.extend(bytes);
    }

    /// Whether any of these words is in what was kept.
    pub(crate) fn says(&self, any_of: &[&str]) -> bool {
        let (a, b) = self.0.as_slices();
        let text = [a, b].concat();
        let is_said = |words: &&str| {
            text.windows(words.len())
                .any(|said| said == words.as_bytes())
        };
        any_of.iter().any(is_said)
    }

    /// The last 8 KiB, as text. If something was cut off, it begins with a whole line where there is
    /// one; bytes that are not UTF-8 are replaced.
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
    fn a_long_stream_is_kept_from_a_line_on() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.len() <= SHOWN && text.len() > SHOWN - 16);
        assert!(text.starts_with("line ") && text.ends_with("line 9999\n"));
    }

    #[test]
    fn what_was_said_before_a_long_backtrace_is_known() {
        let mut tail = Tail::default();
        tail.push(b"out of mem");
        tail.push(b"ory\n");
        tail.push(&[b'x'; KEPT / 2]);
        assert!(!tail.text().contains("memory") && tail.says(&["nothing", "of memory"]));
        tail.push(&[b'x'; KEPT]);
        assert!(!tail.says(&["nothing", "of memory"]));
    }

    #[test]
    fn one_endless_line_is_kept_by_its_end() {
        let mut tail = Tail::default();
        tail.push(&[b'x'; 3 * SHOWN]);
        tail.push(b"end\n");
        assert_eq!(tail.text().len(), SHOWN);
        assert!(tail.text().ends_with("xend\n"));
    }
}
