//! The error of a function that is not part of the executable.

use crate::image::ImageError;

/// A function can't be called in another process, because it is not part of the executable.
#[derive(Debug, thiserror::Error)]
#[error("{}", part.reason())]
pub struct NotInExecutable {
    pub(super) part: Part,
}

impl NotInExecutable {
    pub(super) const fn new(part: Part) -> NotInExecutable {
        NotInExecutable { part }
    }
}

/// The part of the call that is not in the executable.
#[derive(Debug)]
pub(super) enum Part {
    Image(ImageError),
    Entry,
    Function,
    Sealed,
}

impl Part {
    fn reason(&self) -> String {
        match self {
            Part::Image(error) => format!("the running executable can't be examined: {error}"),
            Part::Entry => "the entry for this function's type is not part of the main \
                            executable: procpool is linked into a shared library"
                .into(),
            Part::Function => "the function is not part of the main executable but of a shared \
                               library or generated code, so a worker can't find it"
                .into(),
            Part::Sealed => "the parent has described no such call".into(),
        }
    }
}
