//! Running a test in a process of its own.

use std::any::type_name;
use std::env;
use std::process::Command;

/// The environment variable that names the test for which this process was started.
const ALONE: &str = "PROCPOOL_TESTS_ALONE";

/// Runs the body of a test in a process that runs nothing else, so that it can compare the state of the whole
/// process before and after. The test itself must call it as `alone(|| …)`.
///
/// # Panics
/// If the body panics.
pub fn alone<F: FnOnce()>(body: F) {
    let name = name_of_test::<F>();
    if env::var_os(ALONE).is_some_and(|alone| alone == name) {
        return body();
    }
    let harness = env::current_exe().expect("a test is an executable");
    let output = Command::new(harness)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        .output()
        .expect("a test can be started again");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{name}, alone: {}\n{told}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Returns the path of the function that contains a closure, without the crate.
fn name_of_test<F>() -> &'static str {
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    path.split_once("::").map_or(path, |(_, name)| name)
}
