//! What must not compile, and what the compiler says then.
//!
//! The cases are the files of `ui/`, the messages stand beside them. After a deliberate change,
//! `TRYBUILD=overwrite cargo test -p procpool-tests --test compile_fail` writes the messages anew;
//! read the difference before keeping it.
//!
//! This file forbids `unsafe` and has a `#[procpool::test]` below, whose expansion must not count
//! as a use of it.
#![forbid(unsafe_code)]

use std::process::Command;
use trybuild::TestCases;

/// The compiler whose words stand in `ui/types`. Each release may put a message in another way, so
/// any other compiler leaves those cases out.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn attributes_refuse_misuse_in_words_of_their_own() {
    TestCases::new().compile_fail("tests/ui/attributes/*.rs");
}

#[test]
fn types_refuse_misuse_in_the_words_of_the_compiler() {
    let compiler = version_of_compiler();
    if compiler.starts_with(COMPILER) {
        TestCases::new().compile_fail("tests/ui/types/*.rs");
    } else {
        println!("left out: the messages are those of {COMPILER}x, and this is {compiler}");
    }
}

#[test]
fn what_should_compile_runs() {
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
