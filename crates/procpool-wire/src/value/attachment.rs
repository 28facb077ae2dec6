//! What travels beside an encoding and is named in it.
//!
//! serde has no place for such a thing. So a type that is one serializes itself as a newtype struct of the
//! name [`NAME`], and [`attach`]es itself if the serializer of its content is this format's, which says so right
//! before it asks. To all other formats it is its bytes. The way back is the same: this format
//! gives a unit to the visitor that asked for the name, which then can [`take_attached`].

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::sync::Arc;

/// Bytes that can travel beside an encoding.
pub trait Attach: Any + Debug + Send + Sync {
    /// What it is to who knows of no attachments.
    fn bytes(&self) -> &[u8];
}

/// One attachment.
pub type Attachment = Arc<dyn Attach>;

/// The name of the newtype struct as which an attachment serializes itself.
pub const NAME: &str = "$procpool::SharedBytes";

/// The most attachments that one value may have.
pub const MAX_ATTACHMENTS: usize = 4096;

thread_local! {
    static ASKED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<Option<Attachment>> = const { RefCell::new(None) };
}

/// For the content of a newtype struct named [`NAME`]: attaches what `make` makes, if that is asked for. Then
/// the content is to be serialized as a unit, and else as bytes.
pub fn attach(make: impl FnOnce() -> Attachment) -> bool {
    let asked = ASKED.replace(false);
    if asked {
        PLACE.set(Some(make()));
    }
    asked
}

/// For the visitor of a newtype struct named [`NAME`], which was given a unit: what stands there.
#[must_use]
pub fn take_attached() -> Option<Attachment> {
    PLACE.take()
}

/// What `serialize` attaches, if it does.
pub(super) fn ask<T>(serialize: impl FnOnce() -> T) -> (T, Option<Attachment>) {
    ASKED.set(true);
    let result = serialize();
    ASKED.set(false);
    (result, PLACE.take())
}

/// Has `visit` find the attachment.
pub(super) fn give<T>(attachment: Attachment, visit: impl FnOnce() -> T) -> T {
    PLACE.set(Some(attachment));
    let result = visit();
    PLACE.set(None);
    result
}
