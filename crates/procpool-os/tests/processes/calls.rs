//! A function goes to another process as two offsets and is called there.

use std::any::Any;
use std::os::fd::AsFd;

use procpool_os::{BuildIdentity, CallOffsets, ControlPage, Image, Trampoline, anchor, socket};

use crate::harness::Test;
use crate::roles::{Role, output_pipe};

pub(crate) const TESTS: &[Test] = &[
    (
        "functions_are_called_in_a_worker",
        functions_are_called_in_a_worker,
    ),
    (
        "a_replaced_executable_still_starts_the_old_build",
        a_replaced_executable_still_starts_the_old_build,
    ),
];

/// What a call finds and leaves.
#[derive(Default)]
pub(crate) struct Context {
    pub(crate) result: u64,
}

pub(crate) struct Run;

impl Trampoline<fn(u64) -> u64> for Run {
    fn call(function: fn(u64) -> u64, context: &mut dyn Any) {
        context.downcast_mut::<Context>().unwrap().result = function(21);
    }
}

impl Trampoline<fn(&mut u64, String) -> usize> for Run {
    fn call(function: fn(&mut u64, String) -> usize, context: &mut dyn Any) {
        let context = context.downcast_mut::<Context>().unwrap();
        function(&mut context.result, "four".into());
    }
}

pub(crate) const fn answer(x: u64) -> u64 {
    2 * x
}

fn functions_are_called_in_a_worker() {
    let plain: fn(u64) -> u64 = answer;
    let closure: fn(u64) -> u64 = |x| x + 1;
    let with_state: fn(&mut u64, String) -> usize = |state, text| {
        *state += text.len() as u64;
        0
    };
    let calls = [
        (CallOffsets::of::<_, Run>(plain), 42),
        (CallOffsets::of::<_, Run>(closure), 22),
        (CallOffsets::of::<_, Run>(with_state), 4),
    ];
    for (offsets, expected) in calls {
        assert_eq!(call_in_a_worker(offsets.unwrap()), expected);
    }
}

/// As when a program is upgraded while it runs.
fn a_replaced_executable_still_starts_the_old_build() {
    let copy = std::env::temp_dir().join(format!("procpool-os-copy-{}", std::process::id()));
    std::fs::copy("/proc/self/exe", &copy).unwrap();
    let (_alive, output) = output_pipe();
    let status = std::process::Command::new(&copy)
        .arg(Role::ReplaceExecutable.name())
        .stdout(output)
        .status();
    std::fs::remove_file(&copy).unwrap();
    assert!(status.unwrap().success());
}

/// Spawns a worker that calls the function, and returns the result that it put into the context.
pub(crate) fn call_in_a_worker(offsets: CallOffsets) -> u64 {
    let (spec, socket) = Role::Call.as_worker();
    let worker = spec.spawn().unwrap();
    let identity = Image::current().unwrap().identity();
    let [first, second] = offsets.to_words();
    let numbers = [first, second, anchor()].map(u64::to_le_bytes);
    let message = [numbers.as_flattened(), identity.as_bytes()].concat();
    let (_page, descriptor) = ControlPage::create().unwrap();
    socket::send_with_descriptors(&socket, &message, &[descriptor.as_fd()]).unwrap();
    rustix::io::ioctl_fionbio(&socket, false).unwrap();
    let mut result = [0; 8];
    assert_eq!(socket::receive(&socket, &mut result).unwrap(), 8);
    assert_eq!(worker.reap().unwrap().code(), Some(0));
    u64::from_le_bytes(result)
}

/// The other side of that message.
pub(crate) fn parse(bytes: &[u8]) -> (CallOffsets, u64, BuildIdentity) {
    let (numbers, identity) = bytes.split_at(24);
    let number = |index: usize| {
        let bytes = numbers.chunks(8).nth(index).unwrap();
        u64::from_le_bytes(bytes.try_into().unwrap())
    };
    let offsets = CallOffsets::from_words([number(0), number(1)]);
    (offsets, number(2), BuildIdentity::from_bytes(identity))
}
