//! Small tasks and results, as they are taken from the buffer in which they arrived.
#![forbid(unsafe_code)]

use std::time::Duration;

use procpool_wire::{
    Command, DispatchId, Event, Finished, FrameBuffer, Limits, Outcome, Payload, Run,
};

/// From this length on a message is not taken where it is.
const TOO_LONG: usize = 257;

const DISPATCH_ID: DispatchId = DispatchId {
    slot: 513,
    number: 7 << 40 | 9,
};

fn run(args: Vec<u8>, limits: Limits) -> Run {
    Run {
        dispatch_id: DISPATCH_ID,
        entry: 11 << 33,
        function: 12 << 34 | 1,
        limits,
        args: args.into(),
    }
}

fn finished(needs_recycle: bool, outcome: Outcome) -> Finished {
    Finished {
        dispatch_id: DISPATCH_ID,
        ran: Duration::from_nanos(3 << 33 | 5),
        needs_recycle,
        outcome,
    }
}

fn frame_of_run(run: &Run) -> Vec<u8> {
    let mut frame = Vec::new();
    run.head().expect("it fits").put_with(&run.args, &mut frame);
    frame
}

fn frame_of_end(finished: &Finished) -> Vec<u8> {
    let mut frame = Vec::new();
    finished.encode(&mut frame).expect("it fits");
    frame
}

fn buffer(frame: &[u8]) -> FrameBuffer {
    let mut buffer = FrameBuffer::new(Vec::reserve);
    buffer.extend(frame);
    buffer
}

/// The task, if it is taken where it is; then it has the head that it would have elsewhere.
fn take_run(buffer: &mut FrameBuffer) -> Option<Run> {
    Run::take_small(buffer, |small| {
        let run = small.with_args(Payload::from(small.args));
        assert_eq!(small.head(), run.head());
        run
    })
}

fn take_end(buffer: &mut FrameBuffer) -> Option<Finished> {
    Finished::take_small(buffer, |small| {
        let result = Payload::from(small.outcome);
        assert_eq!(small.head(), small.with_outcome(&result).head());
        small.with_outcome(Outcome::Returned(result))
    })
}

fn shown<T: std::fmt::Debug>(message: T) -> String {
    format!("{message:?}")
}

#[test]
fn a_small_task_is_the_command_that_it_was_sent_as() {
    let some = Limits {
        cpu_time: Some(Duration::from_millis(3)),
        memory: Some(5 << 30),
    };
    for len in [0, 1, 8, 9, 38, 39, 200] {
        for limits in [Limits::default(), some] {
            let run = run(vec![len as u8; len], limits);
            let frame = frame_of_run(&run);
            let command = Command::take(&mut buffer(&frame)).expect("a command");
            assert_eq!(shown(command), shown(Some(Command::Run(run.clone()))));
            let twice = &mut buffer(&[&frame[..], &frame].concat());
            for left in [frame.len(), 0] {
                assert_eq!(take_run(twice).as_ref(), Some(&run));
                assert_eq!(twice.len(), left);
            }
        }
    }
}

#[test]
fn a_small_result_is_the_event_that_it_was_sent_as() {
    for len in [0, 1, 8, 9, 38, 39, 200] {
        for needs_recycle in [false, true] {
            let finished = finished(
                needs_recycle,
                Outcome::Returned(vec![len as u8; len].into()),
            );
            let frame = frame_of_end(&finished);
            let event = Event::take(&mut buffer(&frame)).expect("an event");
            assert_eq!(shown(event), shown(Some(Event::Finished(finished.clone()))));
            let twice = &mut buffer(&[&frame[..], &frame].concat());
            for left in [frame.len(), 0] {
                assert_eq!(shown(take_end(twice)), shown(Some(&finished)));
                assert_eq!(twice.len(), left);
            }
        }
    }
}

#[test]
fn a_message_is_small_up_to_256_bytes() {
    let no_limits = Limits::default();
    for (len, is_small) in [(TOO_LONG - 1, true), (TOO_LONG, false)] {
        let run = frame_of_run(&run(vec![7; len - Run::HEAD_LEN], no_limits));
        assert_eq!(run.len(), len);
        assert_eq!(take_run(&mut buffer(&run)).is_some(), is_small, "{len}");
        let result = Outcome::Returned(vec![7; len - Finished::HEAD_LEN].into());
        let end = frame_of_end(&finished(false, result));
        assert_eq!(take_end(&mut buffer(&end)).is_some(), is_small, "{len}");
    }
}

#[test]
fn another_message_or_a_broken_or_partial_one_is_left_in_the_buffer() {
    let run = frame_of_run(&run(vec![7], Limits::default()));
    let end = frame_of_end(&finished(true, Outcome::Returned(vec![7].into())));
    let mut others = vec![
        frame_of_end(&finished(false, Outcome::ArgsRefused("no".to_owned()))),
        vec![129, 0, 0, 0, 0, 0, 0, 0],
    ];
    for whole in [&run, &end] {
        others.extend((0..whole.len()).map(|len| whole[..len].to_vec()));
    }
    // The reserved bytes of the header and of the dispatch id.
    for whole in [&run, &end] {
        for at in [2, 3, 18, 23] {
            let mut broken = whole.clone();
            broken[at] = 1;
            others.push(broken);
        }
    }
    // The outcome, whether the worker needs to be recycled, and reserved bytes.
    for (at, value) in [(32, 1), (33, 2), (34, 1), (39, 0x80)] {
        let mut broken = end.clone();
        broken[at] = value;
        others.push(broken);
    }
    for frame in others {
        let buffer = &mut buffer(&frame);
        assert_eq!(take_run(buffer), None, "{frame:?}");
        assert_eq!(shown(take_end(buffer)), "None", "{frame:?}");
        assert_eq!(buffer.len(), frame.len());
    }
    assert_eq!(take_run(&mut buffer(&end)), None);
    assert_eq!(shown(take_end(&mut buffer(&run))), "None");
}

/// The head of a large message says what leads the bulk, whether its value is a payload or bytes in place.
#[test]
fn a_large_value_has_the_same_head_in_each_form() {
    let args = vec![7; 30_000];
    let run = run(args.clone(), Limits::default());
    let in_place = run.with_args(&args[..]).head();
    assert_eq!(in_place, run.head());
    let head = run.head().expect("it fits");
    assert_eq!(head.words().map(u64::to_le_bytes), head.bytes());
    assert_eq!(head.bytes()[0], [2, 48, 0, 0, 0x60, 0x75, 0, 0]);
}
