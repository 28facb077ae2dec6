//! The preparation of a worker for its tasks: the initializer, then the broadcasts.

use std::error::Error;

use procpool_os::{CallOffsets, MatchedImage};
use procpool_wire::{Command, Payload, Preparation, Refusal, Start};

use crate::call::{CallContext, Unprepared};
use crate::channel::Inbox;
use crate::panic;

/// Runs the initializer and the broadcasts that come before the first task. Returns why the worker can't run tasks, if
/// one of them failed.
pub(crate) fn prepare(
    start: &Start,
    inbox: &mut Inbox,
    image: &MatchedImage,
    call: &mut CallContext,
) -> Result<Option<Refusal>, Box<dyn Error>> {
    if start.setup.has_initializer {
        let Some(Command::Initialize(Preparation {
            entry,
            function,
            args,
        })) = inbox.receive()?
        else {
            return Err("the parent did not send the initializer that it announced".into());
        };
        let offsets = CallOffsets::from_words([entry, function]);
        // The context keeps the result as the worker's state.
        if let Err(unprepared) = call_once(offsets, args, image, call) {
            return Ok(Some(match unprepared {
                Unprepared::Failed(why) => Refusal::Initializer(why),
                Unprepared::Panicked(report) => Refusal::InitializerPanicked(report),
            }));
        }
    }
    panic::state_is_made();
    for _ in 0..start.setup.broadcasts {
        let Some(Command::Broadcast(broadcast)) = inbox.receive()? else {
            return Err("the parent did not send a broadcast that it announced".into());
        };
        if let Some(refusal) = run_broadcast(broadcast, image, call) {
            return Ok(Some(refusal));
        }
    }
    Ok(None)
}

/// Runs a broadcast. Returns why it failed, if it did.
pub(crate) fn run_broadcast(
    broadcast: Preparation,
    image: &MatchedImage,
    call: &mut CallContext,
) -> Option<Refusal> {
    let Preparation {
        entry,
        function,
        args,
    } = broadcast;
    let offsets = CallOffsets::from_words([entry, function]);
    match call_once(offsets, args, image, call) {
        Ok(()) => None,
        Err(Unprepared::Failed(why)) => Some(Refusal::Broadcast(why)),
        Err(Unprepared::Panicked(report)) => Some(Refusal::BroadcastPanicked(report)),
    }
}

fn call_once(
    offsets: CallOffsets,
    args: Payload,
    image: &MatchedImage,
    call: &mut CallContext,
) -> Result<(), Unprepared> {
    call.begin(args);
    let called = image.call(offsets, call);
    called.map_err(|error| Unprepared::Failed(error.to_string()))?;
    call.prepared()
}
