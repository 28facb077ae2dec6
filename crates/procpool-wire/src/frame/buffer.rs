//! The bytes that have arrived, until frames are taken.

use bytes::buf::Limit;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::bulk::{Bulk, Reserve};
use super::header::{self, FrameError, HEADER_LEN, Header, LARGE};
use super::raw::{self, Frame};

/// The most that one read takes of small frames: 64 KiB.
const ROOM: usize = 64 << 10;

/// A frame up to this length is decoded in the buffer, and its content copied: 256 bytes. For longer ones a reference
/// count is cheaper than a copy.
const SHORT_FRAME: usize = 256;

/// The room for a read when a large frame is expected: enough for its header and lead, since any bytes of the bulk that
/// are read with them must be copied.
const LEAD_ROOM: usize = 512;

/// The bytes that one side has received and not yet taken as [frames](Frame).
///
/// One read may bring many small frames, which share a buffer. The bulk of a large frame is read into memory of its
/// own, so that it becomes a value without a copy.
#[derive(Debug)]
pub struct FrameBuffer {
    small: BytesMut,
    large: Option<Large>,
    reserve: Reserve,
    /// The last frame was large, and so may be the next.
    expects_large: bool,
}

/// A large frame whose header and lead have arrived.
#[derive(Debug)]
struct Large {
    kind: u8,
    lead: Bytes,
    /// `None` while it is [lent](FrameBuffer::lend_bulk).
    bulk: Option<Bulk>,
}

impl FrameBuffer {
    /// An empty buffer that gets the memory of large frames by `reserve`.
    #[must_use]
    pub fn new(reserve: Reserve) -> Self {
        FrameBuffer {
            small: BytesMut::new(),
            large: None,
            reserve,
            expects_large: false,
        }
    }

    /// The place for the next bytes of the stream: at most `most` of a large frame.
    pub fn room(&mut self, most: usize) -> Limit<&mut dyn BufMut> {
        if let Some(large) = &mut self.large
            && let Some(bulk) = &mut large.bulk
        {
            return bulk.room(most);
        }
        let kept = ROOM / 4..=ROOM;
        if self.small.is_empty() && !kept.contains(&self.small.capacity()) {
            // Frames that were handed out keep their part of the old buffer alive.
            self.small = BytesMut::with_capacity(ROOM);
        }
        self.small.reserve(ROOM / 4);
        let limit = match self.expects_large {
            true => LEAD_ROOM,
            false => self.small.capacity() - self.small.len(),
        };
        (&mut self.small as &mut dyn BufMut).limit(limit)
    }

    /// Adds bytes of the stream that were read into other memory.
    pub fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let mut room = self.room(bytes.len());
            let (part, later) = bytes.split_at(bytes.len().min(room.remaining_mut()));
            room.put_slice(part);
            bytes = later;
            if self.missing() == Some(0) {
                // The rest belongs to the next frames.
                self.small.extend_from_slice(bytes);
                return;
            }
        }
    }

    /// Takes the next frame, if it has arrived as a whole.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes can't be a frame; the stream is of no further use then.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.large.is_none() {
            match header::parse_header(&self.small)? {
                Some(header) if header.body_len > LARGE => {
                    if self.small.len() < HEADER_LEN + header.lead {
                        return Ok(None);
                    }
                    self.begin(header);
                }
                _ => {
                    let frame = raw::take(&mut self.small)?;
                    self.expects_large &= frame.is_none();
                    return Ok(frame);
                }
            }
        }
        if self.missing() != Some(0) {
            return Ok(None);
        }
        Ok(self.large.take().map(|large| Frame {
            kind: large.kind,
            body: large.lead,
            bulk: large.bulk.map(Bulk::into_bytes),
        }))
    }

    /// The number of bytes that are missing of the bulk of a large frame, unless the bulk is lent.
    #[must_use]
    pub fn missing(&self) -> Option<usize> {
        Some(self.large.as_ref()?.bulk.as_ref()?.missing())
    }

    /// Lends the bulk of a large frame that is not complete. The next bytes of the stream belong there; bytes that are
    /// added here before it is [given back](Self::take_back) come after it.
    pub fn lend_bulk(&mut self) -> Option<Bulk> {
        self.large.as_mut()?.bulk.take_if(|bulk| bulk.missing() > 0)
    }

    /// Takes back a bulk that was [lent](Self::lend_bulk). It is dropped if the buffer was [cleared](Self::clear) meanwhile.
    pub fn take_back(&mut self, bulk: Bulk) {
        if let Some(large) = &mut self.large {
            large.bulk = Some(bulk);
        }
    }

    /// Takes the next message if it is whole, short and of this kind, and decodes its body in the buffer, which costs less
    /// than to split it off. If `decode` returns `None`, the message stays.
    #[inline]
    pub(crate) fn take_short<T>(
        &mut self,
        kind: u8,
        decode: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if self.large.is_some() || self.small.first() != Some(&kind) {
            return None;
        }
        // An error is reported when the message is taken as a frame.
        let header = header::parse_full_header(&self.small).ok()??;
        let end = header.len + header.body_len;
        if end > SHORT_FRAME {
            return None;
        }
        let decoded = decode(self.small.get(header.len..end)?)?;
        self.small.advance(end);
        self.expects_large = false;
        Some(decoded)
    }

    /// Lets `take` take small frames from the front of the buffer, unless the next frame is large.
    #[inline]
    pub(crate) fn take_small<T>(
        &mut self,
        take: impl FnOnce(&mut BytesMut) -> Option<T>,
    ) -> Option<T> {
        if self.large.is_some() {
            return None;
        }
        let taken = take(&mut self.small)?;
        self.expects_large = false;
        Some(taken)
    }

    /// Drops all bytes. After a frame that is broken the stream has no meaning.
    pub fn clear(&mut self) {
        self.small.clear();
        self.large = None;
    }

    /// The number of bytes that have arrived and are in no frame yet.
    #[must_use]
    pub fn len(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |large| {
            HEADER_LEN + large.lead.len() + large.bulk.as_ref().map_or(0, Bulk::len)
        });
        large + self.small.len()
    }

    /// Whether all bytes that have arrived were taken as frames.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of bytes of memory that the buffer holds.
    #[must_use]
    pub fn capacity(&self) -> usize {
        let bulk = self.large.as_ref().and_then(|large| large.bulk.as_ref());
        self.small.capacity() + bulk.map_or(0, Bulk::capacity)
    }

    fn begin(&mut self, header: Header) {
        self.small.advance(HEADER_LEN);
        let lead = self.small.split_to(header.lead).freeze();
        let whole = header.body_len - header.lead;
        let mut bulk = Bulk::new(whole, self.reserve);
        let here = whole.min(self.small.len());
        bulk.room(here).put(self.small.split_to(here));
        self.expects_large = true;
        self.large = Some(Large {
            kind: header.kind,
            lead,
            bulk: Some(bulk),
        });
    }
}
