//! A stream of messages, read as each side reads it.

use std::fmt::Debug;

use bytes::{BufMut, Bytes};
use procpool_wire::{
    Command, Event, Frame, FrameBuffer, FrameError, ItemFrames, ItemResult, MessageError, Outcome,
    frame,
};

/// A buffer may have address space for so much that has not come: 64 MiB of one large frame, and what
/// an allocation rounds up.
const ROOM: usize = (64 << 20) + (1 << 20);

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
            Event::Ready | Event::ItemsBegan(_) | Event::Items(_) | Event::Segments(_) => true,
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
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let mut messages = Vec::new();
    'chunks: for chunk in chunks {
        buffer.extend(chunk);
        loop {
            match Event::take(&mut buffer) {
                Ok(Some(Event::Items(mut frames))) => {
                    while let Some(result) = frames.next_result() {
                        let (kind, body) = match result {
                            ItemResult::Scalar(kind, number) => {
                                (frame::scalar_header(kind), number)
                            }
                            ItemResult::Encoded(body) => (134, body),
                        };
                        let frame = Frame {
                            kind,
                            body: Bytes::copy_from_slice(body),
                            bulk: None,
                        };
                        let event = Event::decode(frame).expect("any bytes are a result");
                        messages.push(format!("{event:?}"));
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
            let head = run.head().expect("fits a frame");
            head.put_with(&run.args, &mut out);
        }
        Command::RunItems(run) => {
            let head = run.head().expect("fits a frame");
            head.put_with(&run.items, &mut out);
        }
        Command::Broadcast(broadcast) => {
            let head = broadcast.broadcast_head().expect("fits a frame");
            head.put_with(&broadcast.args, &mut out);
        }
        Command::Initialize(initialize) => {
            let head = initialize.initialize_head().expect("fits a frame");
            head.put_with(&initialize.args, &mut out);
        }
        Command::Resume => Command::encode_resume(&mut out),
        Command::Segments(segments) => segments.encode_down(&mut out).expect("fits a frame"),
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
        Event::Segments(segments) => segments.encode_up(&mut out).expect("fits a frame"),
        Event::ItemsBegan(dispatch_id) => Event::encode_items_began(*dispatch_id, &mut out),
        Event::Items(frames) => {
            let mut frames = frames.clone();
            while let Some(result) = frames.next_result() {
                match result {
                    ItemResult::Scalar(kind, number) => {
                        let bits = kind.read(number).expect("a whole number");
                        ItemFrames::put_scalar(kind, bits, &mut out);
                    }
                    ItemResult::Encoded(result) => {
                        ItemFrames::put(result, &mut out).expect("fits a frame");
                    }
                }
            }
        }
        Event::ItemFailed(why) => {
            Event::encode_item_failed(why, &mut out).expect("fits a frame");
        }
        Event::Finished(finished) => {
            finished.encode(&mut out).expect("fits a frame");
            if let Outcome::Returned(result) = &finished.outcome {
                let mut returned = Vec::new();
                let head = finished.with_outcome(result).head().expect("fits a frame");
                head.put_with(result, &mut returned);
                assert_eq!(out, returned);
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
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let mut messages = Vec::new();
    let mut came = 0;
    for chunk in chunks {
        came += chunk.len();
        let mut frames = Vec::new();
        let received = receive(&mut buffer, chunk, |frame| frames.push(frame));
        for frame in frames {
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
        if let Err(error) = received {
            return broken(messages, error.to_string());
        }
        // A `BytesMut` may double what it has, so what came counts more than once.
        assert!(
            buffer.capacity() <= 4 * came + ROOM,
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
    let frame = only_frame(encoded);
    if canonical {
        assert_eq!(frame, *read, "two frames mean {shown}");
    }
    let back = decode(frame).expect("decodes what was encoded");
    assert_eq!(format!("{back:?}"), shown);
}

/// The one frame that these bytes are, as a side reads it.
///
/// # Panics
/// If they are anything else.
pub fn only_frame(bytes: &[u8]) -> Frame {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    let mut frames = Vec::new();
    receive(&mut buffer, bytes, |frame| frames.push(frame)).expect("is a frame");
    assert!(buffer.is_empty(), "more than a frame");
    let [frame] = <[_; 1]>::try_from(frames).expect("one whole frame");
    frame
}

/// Has a buffer receive the bytes, in as many reads as it takes, and gives the frames that are whole.
///
/// # Errors
/// As [`FrameBuffer::next_frame`].
pub fn receive(
    buffer: &mut FrameBuffer,
    mut bytes: &[u8],
    mut each: impl FnMut(Frame),
) -> Result<(), FrameError> {
    while !bytes.is_empty() {
        let mut room = buffer.room(usize::MAX);
        let (part, later) = bytes.split_at(bytes.len().min(room.remaining_mut()));
        room.put_slice(part);
        bytes = later;
        while let Some(frame) = buffer.next_frame()? {
            each(frame);
        }
    }
    Ok(())
}

fn broken(messages: Vec<String>, error: String) -> Transcript {
    assert!(!error.contains('\n'), "an error of several lines: {error}");
    Transcript {
        messages,
        end: End::Broken(error),
    }
}
