//! How deeply values are nested.

/// How many levels of nesting a value may have; see [what is refused](super#what-is-refused).
///
/// Twice what serde_json allows, since it does not count a `Some` or a newtype struct, and still
/// within half of a 2 MiB stack in a debug build.
pub const MAX_DEPTH: usize = 256;
