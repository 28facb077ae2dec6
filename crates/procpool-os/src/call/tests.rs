//! Tests of calls within one process.

use std::any::Any;

use crate::call::function_pointer::{Entry, entry};
use crate::call::not_in_executable::Part;
use crate::call::{
    BuildMismatch, CallOffsets, MatchedImage, NotInExecutable, SameBuild, Trampoline, anchor,
};
use crate::control::ControlPage;
use crate::image::call_key::{self, CallKey};
use crate::image::{BuildIdentity, Image};

struct Call;

impl Trampoline<fn(u32) -> u32> for Call {
    fn call(function: fn(u32) -> u32, context: &mut dyn Any) {
        let number = context.downcast_mut::<u32>().unwrap();
        *number = function(*number);
    }
}

impl Trampoline<fn(&mut Vec<u32>, u32) -> usize> for Call {
    fn call(function: fn(&mut Vec<u32>, u32) -> usize, context: &mut dyn Any) {
        let (state, number) = context.downcast_mut::<(Vec<u32>, u32)>().unwrap();
        function(state, *number);
    }
}

fn same_build() -> MatchedImage {
    let mine = Image::current().unwrap().identity();
    let (page, _) = ControlPage::create().unwrap();
    MatchedImage::new(SameBuild::check(mine, anchor()).unwrap(), &page)
}

fn of(function: fn(u32) -> u32) -> Result<CallOffsets, NotInExecutable> {
    CallOffsets::of::<_, Call>(function)
}

fn double<T: std::ops::Add<Output = T> + Copy>(x: T) -> T {
    x + x
}

#[test]
fn functions_closures_and_generic_functions_are_called() {
    let calls = [
        (of(double::<u32>), 14),
        (of(|x| x * x), 49),
        (of(u32::swap_bytes), 7 << 24),
    ];
    for (offsets, expected) in calls {
        let mut context = 7_u32;
        same_build().call(offsets.unwrap(), &mut context).unwrap();
        assert_eq!(context, expected);
    }
}

#[test]
fn a_function_with_state_gets_it_by_reference() {
    let function: fn(&mut Vec<u32>, u32) -> usize = |state, x| {
        state.push(x);
        state.len()
    };
    let offsets = CallOffsets::of::<_, Call>(function).unwrap();
    let mut context = (vec![1_u32], 2_u32);
    same_build().call(offsets, &mut context).unwrap();
    assert_eq!(context.0, [1, 2]);
}

#[test]
fn a_panic_unwinds_through_the_call() {
    let offsets = of(|x| x.checked_sub(1).expect("too small")).unwrap();
    let panicked = std::panic::catch_unwind(|| same_build().call(offsets, &mut 0_u32));
    let message = panicked.unwrap_err();
    assert_eq!(
        message.downcast_ref::<String>().map(String::as_str),
        Some("too small")
    );
}

#[test]
#[cfg(not(target_feature = "crt-static"))]
fn a_function_of_a_shared_library_is_refused() {
    let address = libc::getpid as *const ();
    // SAFETY: the pointer is not null, and it is never called.
    let function = unsafe { std::mem::transmute::<*const (), fn(u32) -> u32>(address) };
    let refused = of(function).unwrap_err();
    assert!(matches!(refused.part, Part::Function));
    assert!(refused.to_string().contains("shared library"));
}

fn assert_refused(words: [u64; 2]) {
    let mut context = 7_u32;
    let called = same_build().call(CallOffsets::from_words(words), &mut context);
    assert!(matches!(called.unwrap_err().part, Part::Sealed));
    assert_eq!(context, 7);
}

#[test]
fn numbers_that_safe_code_chooses_are_not_called() {
    let image = Image::current().unwrap();
    let function: fn(u32) -> u32 = double::<u32>;
    let function = image.offset_of(function as usize).unwrap();
    let entry = entry::<fn(u32) -> u32, Call> as Entry as usize;
    let entry = image.offset_of(entry).unwrap();
    assert_refused([entry, function]);
    for number in [0, 1, function, u64::MAX / 2, u64::MAX] {
        assert_refused([number; 2]);
    }
    let sealed = of(double::<u32>).unwrap().to_words();
    for bit in 0..64 {
        assert_refused([sealed[0] ^ 1 << bit, sealed[1]]);
        assert_refused([sealed[0], sealed[1] ^ 1 << bit]);
    }
}

#[test]
fn the_entry_of_one_call_does_not_call_the_function_of_another() {
    let push: fn(&mut Vec<u32>, u32) -> usize = |state, x| {
        state.push(x);
        state.len()
    };
    let [entry, function] = of(double::<u32>).unwrap().to_words();
    let other = CallOffsets::of::<_, Call>(push).unwrap().to_words();
    assert_refused([entry, other[1]]);
    assert_refused([other[0], function]);
}

#[test]
fn calls_that_another_process_described_are_not_called() {
    let mine = Image::current().unwrap().identity();
    let build = SameBuild::check(mine, anchor()).unwrap();
    let random = call_key::random_words().unwrap();
    let other = MatchedImage {
        image: build.0,
        key: CallKey::new(random, mine.digest()),
    };
    let mut context = 7_u32;
    other
        .call(of(double::<u32>).unwrap(), &mut context)
        .unwrap_err();
    assert_eq!(context, 7);
}

#[test]
fn another_build_or_another_layout_is_refused() {
    let mine = Image::current().unwrap().identity();
    let mut bytes = mine.as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let other = BuildIdentity::from_bytes(&bytes);
    let refused = SameBuild::check(&other, anchor()).unwrap_err();
    assert!(matches!(refused, BuildMismatch::Identity { .. }));
    assert!(refused.to_string().contains(&other.to_string()));
    for wrong in [anchor() + 1, 0] {
        let refused = SameBuild::check(mine, wrong).unwrap_err();
        assert!(matches!(refused, BuildMismatch::Anchor));
    }
}
