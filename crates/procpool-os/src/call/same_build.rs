//! The check that the peer runs the same build.

use crate::image::{BuildIdentity, Image, ImageError};

/// Proof that the peer runs the same build as this process.
#[derive(Copy, Clone, Debug)]
pub struct SameBuild(pub(super) &'static Image);

impl SameBuild {
    /// Compares the peer's build with this process's.
    ///
    /// `peer_anchor` is the peer's [`anchor`]: an extra check that the identity is that of the code that is
    /// really mapped.
    ///
    /// # Errors
    ///
    /// [`BuildMismatch`] if identity or anchor differ, or if this process can't examine its own
    /// executable.
    pub fn check(peer: &BuildIdentity, peer_anchor: u64) -> Result<SameBuild, BuildMismatch> {
        let image = Image::current()?;
        if image.identity() != peer {
            return Err(BuildMismatch::Identity {
                mine: image.identity().clone(),
                peer: peer.clone(),
            });
        }
        if known_offset() != Some(peer_anchor) {
            return Err(BuildMismatch::Anchor);
        }
        Ok(SameBuild(image))
    }
}

/// The offset of one known function of this crate, to be compared by [`SameBuild::check`].
///
/// Zero, which matches nothing, if [`Image::current`] fails or if this crate is not part of the main
/// program but of a shared library.
#[must_use]
pub fn anchor() -> u64 {
    known_offset().unwrap_or(0)
}

fn known_offset() -> Option<u64> {
    let known = anchor as fn() -> u64 as *const ();
    Image::current().ok()?.offset_of(known.addr())
}

/// The peer does not run the same build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildMismatch {
    /// The identities differ.
    #[error("the peer runs another build of the executable: {peer}, this one is {mine}")]
    Identity {
        /// The identity of this process's executable.
        mine: BuildIdentity,
        /// The identity that the peer sent.
        peer: BuildIdentity,
    },
    /// The identities are equal, and yet a known function lies elsewhere.
    #[error("the peer's executable has the same build id but another layout")]
    Anchor,
    /// This process can't examine its own executable.
    #[error("the running executable can't be examined")]
    Image(#[from] ImageError),
}
