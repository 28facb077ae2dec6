//! A task of few arguments, where it lies.

use std::time::Duration;

use crate::command::RUN;
use crate::{FrameBuffer, Limits, Run, Ticket, frame};

/// A [`Run`] with few arguments, which are not in it yet, or still among the bytes that arrived.
///
/// Most tasks are small and there may be very many, of which a [`Command`](crate::Command) is not worth its making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmallRun<'a> {
    /// As in [`Run`].
    pub ticket: Ticket,
    /// As in [`Run`].
    pub entry: u64,
    /// As in [`Run`].
    pub function: u64,
    /// As in [`Run`].
    pub limits: Limits,
    /// The arguments, as [`value::encode`](crate::value::encode) has made them.
    pub args: &'a [u8],
}

/// How many words come before the arguments.
const HEAD_WORDS: usize = Run::HEAD_LEN / size_of::<u64>();

impl SmallRun<'_> {
    /// The frame up to the arguments, which follow it in the stream: in words of which the lowest byte comes first. `None`
    /// if the arguments are not few; then [`Run::head`] makes it.
    #[must_use]
    #[inline]
    pub fn head(&self) -> Option<[u64; HEAD_WORDS]> {
        let body_len = Run::HEAD_LEN - frame::HEADER_LEN + self.args.len();
        let [cpu_time, memory] = self.limits.words();
        Some([
            frame::small_header(RUN, body_len)?,
            self.ticket.number,
            self.ticket.slot.into(),
            self.entry,
            self.function,
            cpu_time,
            memory,
        ])
    }

    /// Takes the next message if it is one of these, and gives it to `handle`. `None`, and nothing is taken, if it is
    /// another one, is not there as a whole, or is broken: [`Command::take`](crate::Command::take) knows what it is.
    #[inline]
    pub fn take<T>(buffer: &mut FrameBuffer, handle: impl FnOnce(SmallRun<'_>) -> T) -> Option<T> {
        buffer.take_short(RUN, |body| SmallRun::decode(body).map(handle))
    }

    #[inline]
    fn decode(body: &[u8]) -> Option<SmallRun<'_>> {
        let (head, args) = body.split_first_chunk::<48>()?;
        let ([number, slot, entry, function, cpu_time, memory], []) = head.as_chunks::<8>() else {
            return None;
        };
        let [number, slot, entry, function, cpu_time, memory] =
            [number, slot, entry, function, cpu_time, memory].map(|word| u64::from_le_bytes(*word));
        Some(SmallRun {
            ticket: Ticket {
                // What should be zero and is not makes a number that is no slot's.
                slot: slot.try_into().ok()?,
                number,
            },
            entry,
            function,
            limits: Limits {
                cpu_time: (cpu_time > 0).then(|| Duration::from_nanos(cpu_time)),
                memory: (memory > 0).then_some(memory),
            },
            args,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Payload};

    fn run(args: Vec<u8>, limits: Limits) -> Run {
        Run {
            ticket: Ticket {
                slot: 513,
                number: 7 << 40 | 9,
            },
            entry: 11 << 33,
            function: 12 << 34 | 1,
            limits,
            args: args.into(),
        }
    }

    fn frame(run: &Run) -> Vec<u8> {
        [&run.head().unwrap()[..], run.args.bytes()].concat()
    }

    fn buffer(frame: &[u8]) -> FrameBuffer {
        let mut buffer = FrameBuffer::new(Vec::reserve);
        buffer.extend(frame);
        buffer
    }

    fn taken(buffer: &mut FrameBuffer) -> Option<Run> {
        SmallRun::take(buffer, |run| {
            let mut args = Payload::default();
            args.fill(run.args);
            let head = run.head().map(|words| words.map(u64::to_le_bytes));
            let run = Run {
                ticket: run.ticket,
                entry: run.entry,
                function: run.function,
                limits: run.limits,
                args,
            };
            assert_eq!(head.unwrap().as_flattened(), run.head().unwrap());
            run
        })
    }

    fn limits() -> [Limits; 2] {
        let some = Limits {
            cpu_time: Some(Duration::from_millis(3)),
            memory: Some(5 << 30),
        };
        [Limits::default(), some]
    }

    #[test]
    fn it_says_what_the_command_says() {
        for len in [0, 1, 8, 9, 38, 39, 200] {
            for limits in limits() {
                let run = run(vec![len as u8; len], limits);
                let frame = frame(&run);
                let command = Command::take(&mut buffer(&frame)).unwrap();
                assert_eq!(
                    format!("{command:?}"),
                    format!("{:?}", Some(Command::Run(run.clone())))
                );
                let twice = &mut buffer(&[&frame[..], &frame].concat());
                for left in [frame.len(), 0] {
                    assert_eq!(taken(twice).as_ref(), Some(&run));
                    assert_eq!(twice.len(), left);
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_small_task_or_not_whole_or_broken_is_left_for_others() {
        let whole = frame(&run(vec![7], Limits::default()));
        let mut others: Vec<_> = (0..whole.len()).map(|len| whole[..len].to_vec()).collect();
        others.push(frame(&run(vec![0; 300], Limits::default())));
        for at in [18, 23] {
            let mut broken = whole.clone();
            broken[at] = 1;
            assert!(Command::take(&mut buffer(&broken)).is_err());
            others.push(broken);
        }
        let mut stop = Vec::new();
        Command::encode_stop(&mut stop);
        others.push(stop);
        for frame in others {
            let buffer = &mut buffer(&frame);
            assert_eq!(taken(buffer), None, "{frame:?}");
            assert_eq!(buffer.len(), frame.len());
        }
        let large = vec![0; 30_000];
        let run = SmallRun {
            ticket: Ticket { slot: 0, number: 1 },
            entry: 0,
            function: 0,
            limits: Limits::default(),
            args: &large,
        };
        assert_eq!(run.head(), None);
    }
}
