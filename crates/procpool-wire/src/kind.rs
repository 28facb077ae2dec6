//! The kinds of messages: the first byte of a frame.
//!
//! No number means something in both directions, so that an echo is noticed. Numbers from 0xb0 on are headers of one
//! byte, see [`frame`](crate::frame).

// From the parent to the worker.
pub(crate) const START: u8 = 1;
pub(crate) const RUN: u8 = 2;
pub(crate) const STOP: u8 = 3;
pub(crate) const INITIALIZE: u8 = 4;
pub(crate) const BROADCAST: u8 = 5;
pub(crate) const RUN_ITEMS: u8 = 6;
pub(crate) const RESUME: u8 = 7;
pub(crate) const SEGMENTS_DOWN: u8 = 8;

// From the worker to the parent.
pub(crate) const READY: u8 = 129;
pub(crate) const REFUSED: u8 = 130;
pub(crate) const FINISHED: u8 = 131;
pub(crate) const BROADCAST_ENDED: u8 = 132;
pub(crate) const ITEMS_BEGAN: u8 = 133;
pub(crate) const ITEM: u8 = 134;
pub(crate) const ITEM_FAILED: u8 = 135;
pub(crate) const SEGMENTS_UP: u8 = 136;
