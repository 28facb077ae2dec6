//! The first message of all.

use bytes::BufMut;
use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::{MessageError, value};

/// The version of this protocol. Both sides must have the same; they are the same executable, so a
/// difference means that the executable is not what it seems.
pub const PROTOCOL_VERSION: u32 = 9;

/// The first message of all.
///
/// Version, identity and anchor come first and in a fixed form, so that a worker of any other
/// version can still say what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The parent's [`PROTOCOL_VERSION`].
    pub version: u32,
    /// An offset that differs between builds with some luck, as a second check.
    pub anchor: u64,
    /// The identity of the parent's executable.
    pub identity: Vec<u8>,
    /// How the worker shall set itself up.
    pub setup: Setup,
}

/// How a worker sets itself up before it takes tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The worker's number in its pool, from 1; a replacement has a new one.
    pub worker: u64,
    /// The pool's name, for threads and messages.
    pub pool: String,
    /// Bytes of data that the worker may have.
    pub memory_limit: Option<u64>,
    /// The file that the worker writes itself to, to join a control group.
    pub cgroup_members: Option<Vec<u8>>,
    /// Whether a [`Command::Initialize`](crate::Command::Initialize) follows.
    pub has_initializer: bool,
    /// How many [`Command::Broadcast`](crate::Command::Broadcast)s follow.
    pub broadcasts: u32,
    /// By how many bytes the worker's memory may grow before it asks to be recycled.
    pub max_growth: Option<u64>,
}

impl Start {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.put_u32_le(self.version);
        body.put_u32_le(u32::try_from(self.identity.len()).unwrap_or(u32::MAX));
        body.put_u64_le(self.anchor);
        body.put_slice(&self.identity);
        body.extend(value::encode_own(&self.setup));
        body
    }

    pub(crate) fn decode(mut fields: Fields) -> Result<Self, MessageError> {
        let [sizes, anchor] = fields.words()?;
        let (version, identity_len) = (sizes as u32, (sizes >> 32) as usize);
        let mut rest = fields.payload().into_whole();
        if rest.len() < identity_len {
            return Err(MessageError::Truncated);
        }
        let identity = rest.split_to(identity_len).to_vec();
        // The setup of another version may look different, and needn't be understood to refuse it.
        let setup = match version == PROTOCOL_VERSION {
            true => value::decode(&rest)?,
            false => Setup::default(),
        };
        Ok(Start {
            version,
            anchor,
            identity,
            setup,
        })
    }
}
