//! Bytes as they arrive, until they are frames.

use bytes::buf::Limit;
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::bulk::{Bulk, Reserve};
use super::header::{self, FrameError, HEADER_LEN, Header, LARGE};
use super::raw::{self, Frame};

/// Bytes that one read may bring of frames that are not large: 64 KiB.
const ROOM: usize = 64 << 10;

/// A frame up to this is decoded where it lies, and what it holds is copied: 256 bytes.
const SHORT_FRAME: usize = 256;

/// Room for the header of a large frame and what leads its bulk, and not much of the bulk, which would
/// have to be copied.
const LEAD_ROOM: usize = 512;

/// What one side has received and has not yet taken as [frames](Frame).
///
/// Small frames are cut out of one buffer, many from one read. The bulk of a large one is read to
/// a place of its own, so that whoever gets it need not copy it.
#[derive(Debug)]
pub struct FrameBuffer {
    small: BytesMut,
    large: Option<Large>,
    reserve: Reserve,
    /// The last frame was large, and so may be the next.
    expects_large: bool,
}

/// A large frame of which the beginning is there.
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

    /// Where the next bytes go: a part of the stream that has arrived is to be put there. At most
    /// `most` of a large frame are taken at once.
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

    /// Takes bytes of the stream that have arrived elsewhere.
    pub fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let mut room = self.room(bytes.len());
            let (part, later) = bytes.split_at(bytes.len().min(room.remaining_mut()));
            room.put_slice(part);
            bytes = later;
            if self.missing() == Some(0) {
                // What follows a whole frame comes after it.
                self.small.extend_from_slice(bytes);
                return;
            }
        }
    }

    /// The next frame that is there as a whole.
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

    /// How much is missing of a large frame of which the beginning is there, and its bulk, too.
    #[must_use]
    pub fn missing(&self) -> Option<usize> {
        Some(self.large.as_ref()?.bulk.as_ref()?.missing())
    }

    /// Lends the bulk of a large frame of which something is missing. The part of the stream that comes next is to be
    /// put there, and what is put here until it is [given back](Self::take_back) comes after it.
    pub fn lend_bulk(&mut self) -> Option<Bulk> {
        self.large.as_mut()?.bulk.take_if(|bulk| bulk.missing() > 0)
    }

    /// Takes back what was [lent](Self::lend_bulk). What has been [cleared](Self::clear) meanwhile is dropped.
    pub fn take_back(&mut self, bulk: Bulk) {
        if let Some(large) = &mut self.large {
            large.bulk = Some(bulk);
        }
    }

    /// The next message, if it is there as a whole, of this kind, and short: its body is decoded where it lies, which costs
    /// less than to cut it out. If `decode` makes nothing of it, it is left.
    #[inline]
    pub(crate) fn take_short<T>(
        &mut self,
        kind: u8,
        decode: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if self.large.is_some() || self.small.first() != Some(&kind) {
            return None;
        }
        // What is wrong with it is told by who takes it as a frame.
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

    /// Takes what `take` takes from the front of the frames that are not large, if the next is such a one.
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

    /// Forgets what is there: after broken bytes nothing makes sense.
    pub fn clear(&mut self) {
        self.small.clear();
        self.large = None;
    }

    /// How many bytes have arrived that no frame has been made of.
    #[must_use]
    pub fn len(&self) -> usize {
        let large = self.large.as_ref().map_or(0, |large| {
            HEADER_LEN + large.lead.len() + large.bulk.as_ref().map_or(0, Bulk::len)
        });
        large + self.small.len()
    }

    /// Whether all that has arrived was made frames of.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of memory are held for what is to come and what has.
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
