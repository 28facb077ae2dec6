//! A result of few bytes, where it lies.

use std::time::Duration;

use crate::event::FINISHED;
use crate::{Finished, FrameBuffer, Ticket, frame};

/// A [`Finished`](crate::Finished) of a function that returned, of which the result is still among the bytes that arrived.
///
/// Most results are small and there may be very many, of which an [`Event`](crate::Event) is not worth its making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned<'a> {
    /// As in [`Finished`](crate::Finished).
    pub ticket: Ticket,
    /// As in [`Finished`](crate::Finished).
    pub ran: Duration,
    /// As in [`Finished`](crate::Finished).
    pub worn: bool,
    /// The result, as [`value::encode`](crate::value::encode) has made it.
    pub result: &'a [u8],
}

/// What the last eight bytes of the fields are after a function that returned, in a worker that has grown too large, or not.
const RETURNED: u64 = 0;
const RETURNED_WORN: u64 = 1 << 8;

/// How many words come before the result.
const HEAD_WORDS: usize = Finished::HEAD_LEN / size_of::<u64>();

impl Returned<'_> {
    /// The frame up to the result, which follows it in the stream: in words of which the lowest byte comes first. `None` if
    /// the result is not small; then [`Finished::returned_head`] makes it.
    #[must_use]
    #[inline]
    pub fn head(&self) -> Option<[u64; HEAD_WORDS]> {
        let body_len = Finished::HEAD_LEN - frame::HEADER_LEN + self.result.len();
        Some([
            frame::small_header(FINISHED, body_len)?,
            self.ticket.number,
            self.ticket.slot.into(),
            u64::try_from(self.ran.as_nanos()).unwrap_or(u64::MAX),
            match self.worn {
                true => RETURNED_WORN,
                false => RETURNED,
            },
        ])
    }

    /// Takes the next message if it is one of these, and gives it to `handle`. `None`, and nothing is taken, if it is
    /// another one, is not there as a whole, or is broken: [`Event::take`](crate::Event::take) knows what it is.
    #[inline]
    pub fn take<T>(buffer: &mut FrameBuffer, handle: impl FnOnce(Returned<'_>) -> T) -> Option<T> {
        buffer.take_short(FINISHED, |body| Returned::decode(body).map(handle))
    }

    #[inline]
    fn decode(body: &[u8]) -> Option<Returned<'_>> {
        let (head, result) = body.split_first_chunk::<32>()?;
        let ([number, slot, ran, end], []) = head.as_chunks::<8>() else {
            return None;
        };
        let worn = match u64::from_le_bytes(*end) {
            RETURNED => false,
            RETURNED_WORN => true,
            _ => return None,
        };
        Some(Returned {
            ticket: Ticket {
                // What should be zero and is not makes a number that is no slot's.
                slot: u64::from_le_bytes(*slot).try_into().ok()?,
                number: u64::from_le_bytes(*number),
            },
            ran: Duration::from_nanos(u64::from_le_bytes(*ran)),
            worn,
            result,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Outcome, Payload};

    fn buffer(frame: &[u8]) -> FrameBuffer {
        let mut buffer = FrameBuffer::new(Vec::reserve);
        buffer.extend(frame);
        buffer
    }

    fn frame(worn: bool, outcome: Outcome) -> Vec<u8> {
        let mut frame = Vec::new();
        let finished = Finished {
            ticket: Ticket {
                slot: 513,
                number: 7 << 40 | 9,
            },
            ran: Duration::from_nanos(3 << 33 | 5),
            worn,
            outcome,
        };
        finished.encode(&mut frame).unwrap();
        frame
    }

    /// As an event, or nothing.
    fn taken(buffer: &mut FrameBuffer) -> Option<String> {
        let finished = Returned::take(buffer, |returned| {
            let mut result = Payload::default();
            result.fill(returned.result);
            let Returned {
                ticket, ran, worn, ..
            } = returned;
            let head = returned.head().map(|words| words.map(u64::to_le_bytes));
            assert_eq!(
                head.unwrap().as_flattened(),
                Finished::returned_head(ticket, ran, worn, &result).unwrap()
            );
            Finished {
                ticket,
                ran,
                worn,
                outcome: Outcome::Returned(result),
            }
        });
        finished.map(|finished| format!("{:?}", Some(Event::Finished(finished))))
    }

    #[test]
    fn it_says_what_the_event_says() {
        for len in [0, 1, 8, 9, 38, 39, 200] {
            for worn in [false, true] {
                let result = Payload::from(vec![len as u8; len]);
                let frame = frame(worn, Outcome::Returned(result));
                let event = Event::take(&mut buffer(&frame)).unwrap();
                let twice = &mut buffer(&[&frame[..], &frame].concat());
                for left in [frame.len(), 0] {
                    assert_eq!(taken(twice), Some(format!("{event:?}")));
                    assert_eq!(twice.len(), left);
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_result_or_not_whole_or_broken_is_left_for_others() {
        let whole = frame(true, Outcome::Returned(Payload::from(&b"\x07"[..])));
        let mut others: Vec<_> = (0..whole.len()).map(|len| whole[..len].to_vec()).collect();
        others.push(frame(false, Outcome::ArgsRefused("no".to_owned())));
        others.push(frame(false, Outcome::Returned(vec![0; 300].into())));
        // What must be zero in the ticket and in the end of the fields, what came of it, and whether it is worn.
        for (at, value) in [(18, 1), (23, 1), (32, 1), (33, 2), (34, 1), (39, 0x80)] {
            let mut broken = whole.clone();
            broken[at] = value;
            assert!(Event::take(&mut buffer(&broken)).is_err() || at == 32);
            others.push(broken);
        }
        for frame in others {
            let buffer = &mut buffer(&frame);
            assert_eq!(taken(buffer), None, "{frame:?}");
            assert_eq!(buffer.len(), frame.len());
        }
        let large = vec![0; 30_000];
        let returned = Returned {
            ticket: Ticket { slot: 0, number: 1 },
            ran: Duration::ZERO,
            worn: false,
            result: &large,
        };
        assert_eq!(returned.head(), None);
    }
}
