//! Programs that must not compile, and the compiler's messages about them.
//!
//! The programs are the files of `ui/`, with the messages beside them. After a deliberate change,
//! `TRYBUILD=overwrite cargo test -p procpool-tests --test compile_fail` updates the messages; review
//! the difference.
//!
//! This file forbids `unsafe` and has a `#[procpool::test]` below, whose expansion must not count
//! as a use of it.
#![forbid(unsafe_code)]

use std::process::Command;
use trybuild::TestCases;

/// The compiler version of the messages in `ui/types`. Each release may change a message, so other
/// compilers skip these programs.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn attributes_reject_wrong_uses_with_their_own_messages() {
    TestCases::new().compile_fail("tests/ui/attributes/*.rs");
}

#[test]
fn types_reject_wrong_uses_with_the_compilers_messages() {
    let compiler = version_of_compiler();
    if compiler.starts_with(COMPILER) {
        TestCases::new().compile_fail("tests/ui/types/*.rs");
    } else {
        println!("left out: the messages are those of {COMPILER}x, and this is {compiler}");
    }
}

#[test]
fn valid_programs_compile_and_run() {
    TestCases::new().pass("tests/ui/pass/*.rs");
}

#[procpool::test]
async fn the_test_attribute_works_in_a_crate_that_forbids_unsafe() {
    let answer = procpool::run_in_process(|x: u64| x * x, 12).await;
    assert_eq!(answer.unwrap(), 144);
}

fn version_of_compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    String::from_utf8(version.stdout).unwrap()
}
