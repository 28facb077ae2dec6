//! A stream of messages, read as each side reads it.

use std::fmt::Debug;

use bytes::BytesMut;
use procpool_wire::{Command, Event, Finished, Frame, MessageError, Outcome, frame};

/// A buffer may have room for so much that has not come: 1 MiB, and what an allocation rounds up.
const ROOM: usize = (1 << 20) + 4096;

/// What a side makes of a stream. It may not depend on how the stream is cut.
#[derive(Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Each message, as `Debug` shows it.
    pub messages: Vec<String>,
    /// How it ends.
    pub end: End,
}

/// How a stream ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing is wrong; so many bytes wait for the rest of their frame.
    Waiting(usize),
    /// With an error, after which neither side reads on.
    Broken(String),
}

/// Reads commands from a stream that arrives in these chunks, as the worker does.
pub fn commands<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> Transcript {
    read(chunks, Command::decode, |command| {
        let canonical = !matches!(command, Command::Start(_));
        (encode_command(command), canonical)
    })
}

/// Reads events from a stream that arrives in these chunks, as the parent does.
pub fn events<'c>(chunks: impl IntoIterator<Item = &'c [u8], IntoIter: Clone>) -> Transcript {
    let chunks = chunks.into_iter();
    let transcript = read(chunks.clone(), Event::decode, |event| {
        let canonical = match event {
            Event::Ready | Event::ItemsBegan(_) | Event::Items(_) => true,
            Event::Refused(_) | Event::BroadcastEnded(_) | Event::ItemFailed(_) => false,
            Event::Finished(finished) => matches!(finished.outcome, Outcome::Returned(_)),
        };
        (encode_event(event), canonical)
    });
    take_events(chunks, &transcript);
    transcript
}

/// Reads events as the parent does, which takes results that follow each other in one piece: they are
/// the same in number and in bytes, and so is all else.
fn take_events<'c>(chunks: impl IntoIterator<Item = &'c [u8]>, known: &Transcript) {
    let mut buffer = BytesMut::new();
    let mut messages = Vec::new();
    'chunks: for chunk in chunks {
        buffer.extend_from_slice(chunk);
        loop {
            match Event::take(&mut buffer) {
                Ok(Some(Event::Items(mut frames))) => {
                    while let Some(result) = frames.next(|result| BytesMut::from(result).freeze()) {
                        let body = result;
                        let event = Event::decode(Frame { kind: 134, body });
                        messages.push(format!("{:?}", event.expect("any bytes are a result")));
                    }
                }
                Ok(Some(event)) => messages.push(format!("{event:?}")),
                Ok(None) => break,
                Err(error) => {
                    let end = End::Broken(error.to_string());
                    assert_eq!(end, known.end, "it is broken in another way");
                    break 'chunks;
                }
            }
        }
    }
    assert_eq!(messages, known.messages);
}

/// The frame of a command.
///
/// # Panics
/// If it is too long for a frame.
pub fn encode_command(command: &Command) -> Vec<u8> {
    let mut out = Vec::new();
    match command {
        Command::Start(start) => Command::encode_start(start, &mut out).expect("fits a frame"),
        Command::Run(run) => {
            out.extend_from_slice(&run.head().expect("fits a frame"));
            out.extend_from_slice(&run.args);
        }
        Command::RunItems(run) => {
            out.extend_from_slice(&run.head().expect("fits a frame"));
            out.extend_from_slice(&run.items);
        }
        Command::Broadcast(broadcast) => {
            out.extend_from_slice(&broadcast.head().expect("fits a frame"));
            out.extend_from_slice(&broadcast.args);
        }
        Command::Initialize(initialize) => {
            out.extend_from_slice(&initialize.head().expect("fits a frame"));
            out.extend_from_slice(&initialize.args);
        }
        Command::Stop => Command::encode_stop(&mut out),
    }
    out
}

/// The frame of an event.
///
/// # Panics
/// If it is too long for a frame.
pub fn encode_event(event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    match event {
        Event::Ready => Event::encode_ready(&mut out),
        Event::Refused(refusal) => Event::encode_refused(refusal, &mut out).expect("fits a frame"),
        Event::BroadcastEnded(refusal) => {
            Event::encode_broadcast_ended(refusal, &mut out).expect("fits a frame");
        }
        Event::ItemsBegan(ticket) => Event::encode_items_began(*ticket, &mut out),
        Event::Items(frames) => out.extend_from_slice(frames.as_ref()),
        Event::ItemFailed(why) => {
            Event::encode_item_failed(why, &mut out).expect("fits a frame");
        }
        Event::Finished(finished) => {
            finished.encode(&mut out).expect("fits a frame");
            if let Outcome::Returned(result) = &finished.outcome {
                let head = Finished::returned_head(
                    finished.ticket,
                    finished.ran,
                    finished.worn,
                    result.len(),
                );
                assert_eq!(out[..Finished::HEAD_LEN], head.expect("fits a frame"));
            }
        }
    }
    out
}

/// `encode` gives a message's frame, and whether no other frame may mean the same message.
fn read<'c, M: Debug>(
    chunks: impl IntoIterator<Item = &'c [u8]>,
    decode: fn(Frame) -> Result<M, MessageError>,
    encode: fn(&M) -> (Vec<u8>, bool),
) -> Transcript {
    let mut buffer = BytesMut::new();
    let mut messages = Vec::new();
    let mut came = 0;
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        came += chunk.len();
        loop {
            let frame = match frame::take(&mut buffer) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => return broken(messages, error.to_string()),
            };
            let kept = frame.clone();
            let message = match decode(frame) {
                Ok(message) => message,
                Err(error) => return broken(messages, error.to_string()),
            };
            let shown = format!("{message:?}");
            let (encoded, canonical) = encode(&message);
            check_encoded(&encoded, &kept, canonical, &shown, decode);
            messages.push(shown);
        }
        // A `BytesMut` may double what it has, so what came counts more than once.
        assert!(
            buffer.capacity() <= 4 * came + 2 * ROOM,
            "room for {} bytes after {came} came",
            buffer.capacity()
        );
    }
    Transcript {
        messages,
        end: End::Waiting(buffer.len()),
    }
}

fn check_encoded<M: Debug>(
    encoded: &[u8],
    read: &Frame,
    canonical: bool,
    shown: &str,
    decode: fn(Frame) -> Result<M, MessageError>,
) {
    let mut buffer = BytesMut::from(encoded);
    let frame = frame::take(&mut buffer).expect("is a frame");
    let frame = frame.expect("is a whole frame");
    assert!(buffer.is_empty(), "more than one frame for {shown}");
    if canonical {
        assert_eq!(frame, *read, "two frames mean {shown}");
    }
    let back = decode(frame).expect("decodes what was encoded");
    assert_eq!(format!("{back:?}"), shown);
}

fn broken(messages: Vec<String>, error: String) -> Transcript {
    assert!(!error.contains('\n'), "an error of several lines: {error}");
    Transcript {
        messages,
        end: End::Broken(error),
    }
}
