//! What goes in comes back equal, or not at all: every shape that serde knows, by name.

mod any;
mod enums;
mod prelude;
mod refusals;
mod repeated;
mod scalars;
mod sequences;
mod shapes;
mod structs;
