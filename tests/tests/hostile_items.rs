//! A worker that lies about the items of a chunk costs itself and the items that it claims to have started.
//!
//! As in `hostile_worker`, this executable is its own hostile worker: the first worker of each pool.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed test is a panic")]

use std::path::Path;

use futures::StreamExt;
use procpool::TaskError;
use procpool_tests::{Impostor, Stage, answer, patiently};
use procpool_wire::{DispatchId, Event, ItemFrames, ScalarType, value};

procpool_os::before_main!(become_a_worker_if_told_to);

fn become_a_worker_if_told_to() {
    Stage::enter(misbehave);
}

/// The result that the impostor gives for any item.
const FALSEHOOD: u64 = 7;

fn misbehave(script: &str, _: &Path) -> ! {
    let mut impostor = Impostor::enter();
    impostor.send_ready();
    let dispatch_id = impostor.next_items().dispatch_id;
    let other = DispatchId {
        number: dispatch_id.number + 1000,
        ..dispatch_id
    };
    match script {
        "answers more items than it has" => {
            impostor.send(&[began(dispatch_id), item(), item(), item(), item()].concat());
        }
        "answers items of nothing" => impostor.send(&item()),
        "begins what it was not given" => impostor.send(&began(other)),
        "begins twice" => impostor.send(&[began(dispatch_id), began(dispatch_id)].concat()),
        "ends before its items" => {
            assert!(impostor.claim_item(dispatch_id));
            impostor.send(&[began(dispatch_id), answer(dispatch_id, &())].concat());
        }
        "has answered what it has not begun" => {
            impostor.send(&[began(dispatch_id), item(), item(), vec![9; 8]].concat());
        }
        "answers with numbers of other types" => {
            let all = [
                began(dispatch_id),
                number(ScalarType::U16),
                number(ScalarType::U64),
                item(),
            ]
            .concat();
            impostor.send(&[all, answer(dispatch_id, &()), item()].concat());
        }
        "goes on after the end" => {
            let all = [began(dispatch_id), item(), item(), item()].concat();
            impostor.send(&[all, answer(dispatch_id, &()), item()].concat());
        }
        other => panic!("there is no script {other:?}"),
    }
    loop {
        std::thread::park();
    }
}

fn began(dispatch_id: DispatchId) -> Vec<u8> {
    let mut bytes = Vec::new();
    Event::encode_items_began(dispatch_id, &mut bytes);
    bytes
}

fn item() -> Vec<u8> {
    let (mut result, mut frame) = (Vec::new(), Vec::new());
    value::encode(&FALSEHOOD, &mut result).expect("a number");
    ItemFrames::put(&result, &mut frame).expect("a short result");
    frame
}

/// The same for plain numbers.
fn number(kind: ScalarType) -> Vec<u8> {
    let mut frame = Vec::new();
    ItemFrames::put_scalar(kind, FALSEHOOD, &mut frame);
    frame
}

fn double(x: u64) -> u64 {
    x * 2
}

/// Returns the results of three items, 10, 11 and 12, in one chunk.
async fn outcome_of(script: &'static str) -> Vec<Result<u64, TaskError>> {
    let stage = Stage::of(script);
    let pool = stage.pool();
    let results = patiently(pool.map(double, 10..13).chunk_size(3).collect()).await;
    // The next worker is an ordinary one.
    assert_eq!(
        patiently(pool.run_in_process(double, 21)).await.unwrap(),
        42
    );
    patiently(pool.shutdown()).await;
    results
}

fn numbers(results: Vec<Result<u64, TaskError>>) -> Vec<u64> {
    results.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn items_that_it_has_not_started_run_on_another_worker() {
    for script in [
        "answers more items than it has",
        "answers items of nothing",
        "begins what it was not given",
        "begins twice",
    ] {
        assert_eq!(numbers(outcome_of(script).await), [20, 22, 24], "{script}");
    }
}

#[tokio::test]
async fn an_item_that_it_started_and_did_not_answer_is_lost() {
    let mut results = outcome_of("ends before its items").await.into_iter();
    let error = results.next().unwrap().unwrap_err();
    let how = "broke the protocol: it ended a chunk before its items";
    assert!(
        error.is_worker_exited() && error.to_string().ends_with(how),
        "{error}"
    );
    assert_eq!(numbers(results.collect()), [22, 24]);
}

#[tokio::test]
async fn answered_items_do_not_run_again() {
    let results = outcome_of("has answered what it has not begun").await;
    assert_eq!(numbers(results), [FALSEHOOD, FALSEHOOD, 24]);
}

#[tokio::test]
async fn results_after_the_end_of_a_chunk_break_the_protocol() {
    let results = outcome_of("goes on after the end").await;
    assert_eq!(numbers(results), [FALSEHOOD; 3]);
}

#[tokio::test]
async fn a_number_of_another_type_is_an_error_of_its_item() {
    let results = outcome_of("answers with numbers of other types").await;
    let mut results = results.into_iter();
    let error = results.next().unwrap().unwrap_err();
    assert!(error.is_decode(), "{error}");
    assert_eq!(numbers(results.collect()), [FALSEHOOD, FALSEHOOD]);
}
