//! Real processes: workers that are spawned, killed and reaped, and parents that die.
//!
//! This binary is also its own worker, parent and grandchild: started with a role as its first
//! argument, it plays that one. So it has no harness, whose `main` would run first.

#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

mod calls;
mod harness;
mod lifelines;
mod roles;
mod sandbox;
mod spawning;

fn main() -> std::process::ExitCode {
    if let Some(role) = roles::of_this_process() {
        role.play();
    }
    harness::run(&[spawning::TESTS, calls::TESTS, lifelines::TESTS].concat())
}
