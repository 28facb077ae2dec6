//! Bytes that travel beside an encoding, which names them by an index.
//!
//! serde has no such concept. So an attachment serializes itself as a newtype struct of the name [`NAME`]. If this
//! format serializes it, the content is [`attach`]ed; to all other formats the content is its bytes. Decoding works the
//! same way: this format gives a unit to the visitor of the newtype struct, which then calls [`take_attached`].

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::sync::Arc;

/// Bytes that can travel beside an encoding.
pub trait Attach: Any + Debug + Send + Sync {
    /// The bytes, for a reader that knows no attachments.
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
    /// A thread that ends has no such place any more: then nothing is attached.
    static PLACE: RefCell<Option<Attachment>> = const { RefCell::new(None) };
}

/// Called while the content of a newtype struct named [`NAME`] is serialized: attaches the result of `make`, if this format
/// has asked for it. If it returns true, the content must serialize itself as a unit, and else as bytes.
pub fn attach(make: impl FnOnce() -> Attachment) -> bool {
    if !ASKED.replace(false) {
        return false;
    }
    let made = make();
    PLACE.try_with(|place| place.replace(Some(made))).is_ok()
}

/// Called by the visitor of a newtype struct named [`NAME`] that was given a unit: takes the attachment.
#[must_use]
pub fn take_attached() -> Option<Attachment> {
    PLACE.try_with(RefCell::take).ok()?
}

/// Returns the attachment of `serialize`, if it attaches one.
pub(super) fn ask<T>(serialize: impl FnOnce() -> T) -> (T, Option<Attachment>) {
    ASKED.set(true);
    let result = serialize();
    ASKED.set(false);
    (result, take_attached())
}

/// Calls `visit`, which can take the attachment.
pub(super) fn give<T>(attachment: Attachment, visit: impl FnOnce() -> T) -> T {
    let _ = PLACE.try_with(|place| place.replace(Some(attachment)));
    let result = visit();
    drop(take_attached());
    result
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[derive(Debug)]
    struct Shared;

    impl Attach for Shared {
        fn bytes(&self) -> &[u8] {
            b"shared"
        }
    }

    /// Whether it was attached, and what was.
    fn attached() -> (bool, bool) {
        let (was_attached, attachment) = ask(|| attach(|| Arc::new(Shared)));
        (was_attached, attachment.is_some())
    }

    /// What a thread keeps for itself is dropped when it ends, and may make a call then, when this is gone.
    #[test]
    fn where_a_thread_ends_nothing_is_attached() {
        struct Last(mpsc::Sender<(bool, bool)>);
        impl Drop for Last {
            fn drop(&mut self) {
                let _ = self.0.send(attached());
            }
        }
        thread_local! {
            static LAST: Cell<Option<Last>> = const { Cell::new(None) };
        }
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(|| {
            // What is used first is dropped last.
            LAST.set(Some(Last(sender)));
            assert_eq!(attached(), (true, true));
        });
        thread.join().expect("it should not panic");
        assert_eq!(receiver.recv(), Ok((false, false)));
    }
}
